//! What is said to each kind of message, byte for byte, by UDP and by TCP.

use super::{A, AAAA, BLOCKED, EDNS, PTR, SOA, Server, ask, name, no_name, query, receive};

/// What a message is answered with.
enum Said {
    Nothing,
    /// The header alone, with this code.
    Bare(u8),
    /// The header and the question (so many bytes of the message), with this code and counts, and this behind it.
    Whole {
        code: u8,
        question: usize,
        counts: [u8; 3],
        rest: Vec<u8>,
    },
}

/// How an answer ends that has no record.
const NOTHING: [u8; 3] = [0, 0, 0];

impl Said {
    /// There is no such name: the message has no more than a header and this question.
    fn no_name(message: &[u8]) -> Self {
        Self::Whole { code: 3, question: message.len(), counts: [0, 1, 0], rest: SOA.to_vec() }
    }

    fn code(message: &[u8], code: u8) -> Self {
        Self::Whole { code, question: message.len(), counts: NOTHING, rest: Vec::new() }
    }

    fn bytes(&self, message: &[u8]) -> Vec<u8> {
        let header = |code: u8| [message[0], message[1], 0x80 | message[2] & 0x79, 0x80 | message[3] & 0x10 | code];
        match self {
            Self::Nothing => Vec::new(),
            Self::Bare(code) => [&header(*code)[..], &[0; 8]].concat(),
            Self::Whole { code, question, counts: [answers, authority, more], rest } => {
                let counts = [0, 1, 0, *answers, 0, *authority, 0, *more];
                [&header(*code)[..], &counts, &message[12..*question], rest].concat()
            }
        }
    }
}

/// Changes bytes of a message.
fn with(message: &[u8], changes: &[(usize, u8)]) -> Vec<u8> {
    let mut message = message.to_vec();
    for (at, byte) in changes {
        message[*at] = *byte;
    }
    message
}

/// A message whose header counts these records in its last section, and has them.
fn with_more(message: &[u8], records: &[&[u8]]) -> Vec<u8> {
    let counted = with(message, &[(11, u8::try_from(records.len()).unwrap())]);
    [counted, records.concat()].concat()
}

/// The plain ones of the table, and what is said to each.
#[allow(clippy::too_many_lines)] // a table
fn table() -> Vec<(&'static str, Vec<u8>, Said)> {
    let plain = query(0x1234, "huggingface.co", A);
    let end = plain.len();
    let header = plain[..12].to_vec();
    let (form, not_there, none, refused) = (1, 3, 4, 5);
    let asked = |wire: &[u8]| [&header, wire, &[0, 1, 0, 1]].concat();
    let long = |last: usize| {
        let labels = [&[63][..], &[b'a'; 63]].concat().repeat(3);
        asked(&[&labels, &[u8::try_from(last).unwrap()][..], &vec![b'b'; last], &[0]].concat())
    };
    let record = b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x01";
    let edns = |size: [u8; 2], version: u8, flags: [u8; 2], options: &[u8]| {
        let [high, low] = u16::try_from(options.len()).unwrap().to_be_bytes();
        with_more(
            &plain,
            &[&[&[0, 0, 41, size[0], size[1], 0, version, flags[0], flags[1], high, low], options].concat()],
        )
    };
    let blocked =
        |rest: &[u8]| Said::Whole { code: not_there, question: end, counts: [0, 1, 1], rest: [SOA, rest].concat() };
    let bad_version = Said::Whole { code: 0, question: end, counts: [0, 0, 1], rest: with(EDNS, &[(5, 1)]) };
    let bad_version_signed =
        Said::Whole { code: 0, question: end, counts: [0, 0, 1], rest: with(EDNS, &[(5, 1), (7, 0x80)]) };
    let kind = |kind: u16| with(&plain, &[(end - 4, kind.to_be_bytes()[0]), (end - 3, kind.to_be_bytes()[1])]);
    let class = |class: u8| with(&plain, &[(end - 1, class)]);
    let whole = |message: Vec<u8>, say: fn(&[u8]) -> Said| (message.clone(), say(&message));
    let code = |message: Vec<u8>, code: u8| (message.clone(), Said::code(&message, code));
    let mut table: Vec<(&'static str, Vec<u8>, Said)> = vec![
        ("one byte", vec![0], Said::Nothing),
        ("less than a header", plain[..11].to_vec(), Said::Nothing),
        ("an answer", with(&plain, &[(2, 0x81)]), Said::Nothing),
        ("an answer of another operation", with(&plain, &[(2, 0xa9)]), Said::Nothing),
        ("the header of an answer", with(&header, &[(2, 0x80)]), Said::Nothing),
        ("a header without a question", with(&header, &[(5, 0)]), Said::Bare(form)),
        ("a header that promises one", header.clone(), Said::Bare(form)),
        ("a header of another operation", with(&header, &[(2, 0x79), (5, 0)]), Said::Bare(none)),
        ("no question, counted so, and one there", with(&plain, &[(5, 0)]), Said::Bare(form)),
        ("two questions", with(&[&plain[..], &plain[12..]].concat(), &[(5, 2)]), Said::Bare(form)),
        ("65,535 questions", with(&plain, &[(4, 255), (5, 255)]), Said::Bare(form)),
        ("an answer that is not there", with(&plain, &[(7, 1)]), Said::Bare(form)),
        ("an authority that is not there", with(&plain, &[(9, 1)]), Said::Bare(form)),
        ("a record that is not there", with(&plain, &[(11, 1)]), Said::Bare(form)),
        ("a label of 64 bytes", with(&plain, &[(12, 64)]), Said::Bare(form)),
        ("a label of another kind", with(&plain, &[(12, 0x80)]), Said::Bare(form)),
        ("a name that points to itself", asked(&[0xc0, 12]), Said::Bare(form)),
        ("a name that points ahead", asked(&[0xc0, 14]), Said::Bare(form)),
        ("a name that points to the header", asked(&[0xc0, 4]), Said::Bare(form)),
        ("a name of 256 bytes", long(62), Said::Bare(form)),
        ("a name without an end", [&header[..], b"\x03abc"].concat(), Said::Bare(form)),
        ("a label that is cut", [&header[..], b"\x09abc"].concat(), Said::Bare(form)),
        ("cut in the type", plain[..end - 3].to_vec(), Said::Bare(form)),
        ("cut in the class", plain[..end - 1].to_vec(), Said::Bare(form)),
        ("two EDNS records", with_more(&plain, &[EDNS, EDNS]), Said::Bare(form)),
        ("an EDNS record among the answers", with(&with_more(&plain, &[EDNS]), &[(11, 0), (7, 1)]), Said::Bare(form)),
        ("an EDNS record that is cut", with_more(&plain, &[&EDNS[..9]]), Said::Bare(form)),
        ("EDNS options that are not there", with_more(&plain, &[&with(EDNS, &[(10, 4)])]), Said::Bare(form)),
        ("a message of 5,000 bytes", [&plain[..], &[0; 5000]].concat(), Said::Bare(form)),
        ("... of another operation", with(&[&plain[..], &[0; 5000]].concat(), &[(2, 0x28)]), Said::Bare(none)),
    ];
    for (what, (message, said)) in [
        ("a name of 255 bytes", whole(long(61), Said::no_name)),
        ("letters as they come", whole(with(&plain, &[(13, b'H'), (15, b'G')]), Said::no_name)),
        ("bytes that are no text", whole(asked(b"\x03\xff\xfe\x00\x03.\\ \0"), Said::no_name)),
        ("any type, blocked", whole(kind(255), Said::no_name)),
        ("a type that nobody knows", whole(kind(0xff01), Said::no_name)),
        ("other bits of the header", whole(with(&plain, &[(2, 0x07), (3, 0xef)]), Said::no_name)),
        ("checks not wanted, recursion neither", whole(with(&plain, &[(2, 0), (3, 0x10)]), Said::no_name)),
        ("an inverse query", code(with(&plain, &[(2, 0x08)]), none)),
        ("a status", code(with(&plain, &[(2, 0x10)]), none)),
        ("a notification", code(with(&plain, &[(2, 0x20)]), none)),
        ("an update", code(with(&plain, &[(2, 0x28)]), none)),
        ("a session", code(with(&plain, &[(2, 0x30)]), none)),
        ("an operation that nobody knows", code(with(&plain, &[(2, 0x79)]), none)),
        ("the chaos class", code(class(3), refused)),
        ("any class", code(class(255), refused)),
        ("no class", code(class(254), refused)),
        ("a transfer", code(kind(252), refused)),
        ("the type of keys", code(kind(249), none)),
        ("the type of mailboxes", code(kind(253), none)),
        ("no type", code(kind(0), form)),
        ("the type of EDNS", code(kind(41), form)),
    ] {
        table.push((what, message, said));
    }
    for (what, message, said) in [
        ("a byte too many", [&plain[..], &[0]].concat(), Said::no_name(&plain)),
        ("600 bytes too many", [&plain[..], &[7; 600]].concat(), Said::no_name(&plain)),
        ("an answer in the question", with(&[&plain[..], record].concat(), &[(7, 1)]), Said::no_name(&plain)),
        ("another record behind it", with_more(&plain, &[record]), Said::no_name(&plain)),
        ("a part of a transfer", with(&[&kind(251)[..], SOA].concat(), &[(9, 1)]), Said::code(&kind(251), refused)),
        ("EDNS", edns([4, 208], 0, [0, 0], b""), blocked(BLOCKED)),
        ("EDNS behind another record", with_more(&plain, &[record, EDNS]), blocked(BLOCKED)),
        ("EDNS with signatures", edns([4, 208], 0, [0x80, 0], b""), blocked(&with(BLOCKED, &[(7, 0x80)]))),
        ("EDNS with other flags", edns([4, 208], 0, [0x7f, 0xff], b""), blocked(BLOCKED)),
        ("EDNS of a tiny size", edns([0, 0], 0, [0, 0], b""), blocked(BLOCKED)),
        ("EDNS with a cookie", edns([4, 208], 0, [0, 0], b"\0\x0a\0\x08cookie!!"), blocked(BLOCKED)),
        ("EDNS with an option that nobody knows", edns([4, 208], 0, [0, 0], b"\0\x64\0\x01x"), blocked(BLOCKED)),
        ("EDNS version 1", edns([4, 208], 1, [0, 0], b""), bad_version),
        ("EDNS version 255, with an option", edns([4, 208], 255, [0x80, 0], b"\0\x64\0\0"), bad_version_signed),
        (
            "EDNS with an option that is cut",
            edns([4, 208], 0, [0, 0], b"\0\x64\0\x02x"),
            Said::Whole { code: form, question: 12, counts: [0, 0, 1], rest: EDNS.to_vec() },
        ),
    ] {
        table.push((what, message, said));
    }
    table
}

/// The answer where only the header and EDNS can be said: no question is counted.
fn expected(message: &[u8], said: &Said) -> Vec<u8> {
    let mut bytes = said.bytes(message);
    if matches!(said, Said::Whole { question: 12, .. }) {
        bytes[5] = 0;
    }
    bytes
}

#[test]
fn every_kind_of_message_has_its_answer() {
    let server = Server::start(&[]);
    let table = table();
    assert!(table.len() >= 60, "{}", table.len());
    let socket = server.udp();
    let mut stream = server.tcp();
    // Behind each comes one that is answered: so silence is seen at once.
    let last = query(0xffff, "last.example", AAAA);
    for (what, message, said) in &table {
        let expected = expected(message, said);
        let mut answers = Vec::new();
        socket.send(message).unwrap();
        socket.send(&last).unwrap();
        while answers.last() != Some(&no_name(&last)) {
            answers.push(receive(&socket));
        }
        answers.pop();
        assert_eq!(answers.concat(), expected, "{what}, by UDP: {message:02x?}");
        assert_eq!(answers.len(), usize::from(!expected.is_empty()));

        let mut answers = Vec::new();
        stream.send(message);
        stream.send(&last);
        while answers.last() != Some(&no_name(&last)) {
            answers.push(stream.next().unwrap_or_else(|| panic!("{what}: the connection has ended")));
        }
        answers.pop();
        assert_eq!(answers.concat(), expected, "{what}, by TCP: {message:02x?}");
    }
    // No bytes at all are a datagram too.
    socket.send(&[]).unwrap();
    assert_eq!(ask(&socket, &last), no_name(&last));
}

/// The answer with one record, or that there is none of this type.
fn here(query: &[u8], record: &[u8]) -> Vec<u8> {
    let (counts, rest) = if record.is_empty() { ([0, 1], SOA) } else { ([1, 0], record) };
    let mut answer = [query, rest].concat();
    answer[2] |= 0x80;
    (answer[3], answer[7], answer[9]) = (0x80, counts[0], counts[1]);
    answer
}

#[test]
fn this_node_and_what_stands_above_names_is_there() {
    let server = Server::start(&[]);
    let socket = server.udp();
    let mut stream = server.tcp();
    let four = b"\xc0\x0c\0\x01\0\x01\0\0\0\x0a\0\x04\x7f\0\0\x01";
    let six = b"\xc0\x0c\0\x1c\0\x01\0\0\0\x0a\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01";
    let named = b"\xc0\x0c\0\x0c\0\x01\0\0\0\x0a\0\x0b\x09localhost\0";
    let loopback_6 = format!("1.{}ip6.arpa", "0.".repeat(31));
    let (ns, soa, mx) = (2, 6, 15);
    for (text, kind, record) in [
        ("localhost", A, &four[..]),
        ("LocalHost", A, four),
        ("any.thing.localhost", A, four),
        ("localhost", AAAA, six),
        ("localhost", mx, b""),
        ("1.0.0.127.in-addr.arpa", PTR, named),
        ("77.0.0.127.IN-ADDR.arpa", PTR, named),
        ("1.0.0.127.in-addr.arpa", A, b""),
        (&loopback_6, PTR, named),
        // Were these not there, nothing below them would be (RFC 8020).
        (".", ns, b""),
        (".", soa, b""),
        (".", A, b""),
        ("arpa", A, b""),
        ("in-addr.arpa", A, b""),
        ("ip6.arpa", PTR, b""),
        ("example", A, b""),
    ] {
        let query = query(7, text, kind);
        for answer in [ask(&socket, &query), stream.ask(&query)] {
            assert_eq!(answer, here(&query, record), "{text} {kind}");
        }
    }
    for text in
        ["huggingface.co", "notlocalhost.x", "localhost.com", "evilcorp.example", "a.invalid", "8.8.8.8.in-addr.arpa"]
    {
        let query = query(8, text, AAAA);
        for answer in [ask(&socket, &query), stream.ask(&query)] {
            assert_eq!(answer, no_name(&query), "{text}");
        }
    }
    assert_eq!(name("a.b"), b"\x01a\x01b\0");
}

#[test]
fn a_question_comes_back_as_it_was_asked() {
    // 0x20: whoever asks may check that each letter is as he wrote it.
    let server = Server::start(&[]);
    let socket = server.udp();
    let letters = "www.huggingface.co";
    for seed in 0..200_u32 {
        let bits = seed.wrapping_mul(2_654_435_761);
        let text: String = letters
            .chars()
            .enumerate()
            .map(|(at, c)| if bits >> (at % 32) & 1 == 1 { c.to_ascii_uppercase() } else { c })
            .collect();
        let query = query(u16::try_from(seed).unwrap(), &text, A);
        assert_eq!(ask(&socket, &query), no_name(&query), "{text}");
    }
}
