//! How clients speak with the server: dig, with all that ISC's tester of EDNS compliance asks; connections of every manner.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::process::Command;

use super::{A, AAAA, Server, Stream, ask, framed, no_name, query};
use crate::support::{Home, Outcome, PROGRAM, has, path, run, skip};

/// What dig shows of an answer: the header, EDNS, the question, the records.
fn dig(server: &Server, words: &[&str]) -> Outcome {
    let place = [format!("@{}", server.address.ip()), format!("-p{}", server.address.port())];
    let usual =
        ["+noall", "+comments", "+question", "+answer", "+authority", "+nocookie", "+qid=7", "+tries=1", "+time=10"];
    run(Command::new("dig").env("PATH", path()).env("HOME", server.home.path()).args(place).args(usual).args(words))
}

/// The lines with something in them, but for what every answer has.
fn lines(outcome: &Outcome) -> Vec<String> {
    assert_eq!((outcome.err.as_str(), outcome.status), ("", 0), "{outcome:?}");
    let useless = [
        ";; Got answer:",
        ";; OPT PSEUDOSECTION:",
        ";; QUESTION SECTION:",
        ";; AUTHORITY SECTION:",
        ";; ANSWER SECTION:",
    ];
    let lines = outcome.out.lines().filter(|line| !line.is_empty() && !useless.contains(line));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

const NAME_MISSING: &str = ";; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 7";
const SOA: &str = ". 10 IN SOA . . 1 3600 600 86400 10";
const WHY: &str = "; EDE: 15 (Blocked): (hpcsh offline)";

#[test]
fn dig_sees_what_the_compliance_tester_wants() {
    if !has("dig") {
        skip("dig (bind9-dnsutils) is not installed");
        return;
    }
    let server = Server::start(&[]);
    let soa = ";huggingface.co. IN SOA";
    let edns = "; EDNS: version: 0, flags:; udp: 1232";
    let signed = "; EDNS: version: 0, flags: do; udp: 1232";
    let flags =
        |flags: &str, more: u8| format!(";; flags: {flags}; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: {more}");
    // Without EDNS there is none in the answer; recursion is there, and nothing is copied but the wish for it and for no checks.
    for (words, set) in [
        (&["+norec"][..], "qr ra"),
        (&["+rec"], "qr rd ra"),
        (&["+norec", "+aaflag"], "qr ra"),
        (&["+norec", "+adflag"], "qr ra"),
        (&["+norec", "+cdflag"], "qr ra cd"),
        (&["+norec", "+raflag"], "qr ra"),
        (&["+norec", "+tcflag"], "qr ra"),
        (&["+norec", "+zflag"], "qr ra"),
        (&["+norec", "+ignore"], "qr ra"),
        (&["+norec", "+tcp"], "qr ra"),
    ] {
        let found = lines(&dig(&server, &[&["+noedns", "+noad"], words, &["huggingface.co", "SOA"]].concat()));
        let expected = [NAME_MISSING, &flags(set, 0), soa, SOA];
        assert_eq!(found, expected, "{words:?}");
    }
    for (words, opt) in [
        (&["+edns=0"][..], edns),
        (&["+edns=0", "+dnssec"], signed),
        (&["+edns=0", "+dnssec", "+bufsize=512"], signed),
        (&["+edns=0", "+ednsflags=0x40"], edns),
        (&["+edns=0", "+ednsopt=100"], edns),
        (&["+edns=0", "+ednsopt=100:beef", "+nsid", "+expire", "+keepopen", "+keepalive"], edns),
        (&["+edns=0", "+subnet=192.0.2.0/24"], edns),
        (&["+edns=0", "+cookie=0011223344556677"], edns),
        (&["+edns=0", "+padding=128"], edns),
        (&["+edns=0", "+bufsize=65535"], edns),
        (&["+edns=0", "+tcp", "+dnssec"], signed),
    ] {
        let found = lines(&dig(&server, &[&["+noad", "+norec"], words, &["huggingface.co", "SOA"]].concat()));
        let expected = [NAME_MISSING, &flags("qr ra", 1), opt, WHY, soa, SOA];
        assert_eq!(found, expected, "{words:?}");
    }
    // Of versions that are not yet: that this one is 0, and no answer.
    for words in [
        &["+edns=1"][..],
        &["+edns=1", "+ednsopt=100"],
        &["+edns=1", "+ednsflags=0x40"],
        &["+edns=1", "+tcp"],
        &["+edns=100", "+nsid"],
        &["+edns=255"],
    ] {
        let found =
            lines(&dig(&server, &[&["+noad", "+norec", "+noednsneg"], words, &["huggingface.co", "SOA"]].concat()));
        let header = ";; ->>HEADER<<- opcode: QUERY, status: BADVERS, id: 7";
        let counts = ";; flags: qr ra; QUERY: 1, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 1";
        assert_eq!(found, [header, counts, edns, soa], "{words:?}");
    }
    let found = lines(&dig(&server, &["+noedns", "+noad", "+norec", "+opcode=15", "+header-only"]));
    let header = ";; ->>HEADER<<- opcode: RESERVED15, status: NOTIMP, id: 7";
    assert_eq!(found, [header, ";; flags: qr ra; QUERY: 0, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 0"]);
    for (words, status) in
        [(&["version.bind", "TXT", "CH"][..], "REFUSED"), (&["huggingface.co", "TYPE252", "+tcp"], "REFUSED")]
    {
        let found = lines(&dig(&server, &[&["+noedns", "+noad", "+norec"], words].concat()));
        assert_eq!(found[0], format!(";; ->>HEADER<<- opcode: QUERY, status: {status}, id: 7"), "{words:?}");
    }
    let found = lines(&dig(&server, &["+noad", "localhost", "ANY", "+notcp"]));
    assert!(found[0].contains("status: NOERROR") && found.iter().all(|line| !line.contains("EDE")), "{found:?}");
}

#[test]
fn many_questions_of_one_write_are_all_answered() {
    let server = Server::start(&[]);
    let mut stream = server.tcp();
    let queries: Vec<Vec<u8>> = (0..500).map(|id| query(id, &format!("name-{id}.example"), A)).collect();
    let all: Vec<u8> = queries.iter().flat_map(|query| framed(query)).collect();
    stream.0.write_all(&all).unwrap();
    let mut answers: Vec<Vec<u8>> = queries.iter().map(|_| stream.next().unwrap()).collect();
    answers.sort();
    let mut expected: Vec<Vec<u8>> = queries.iter().map(|query| no_name(query)).collect();
    expected.sort();
    assert_eq!(answers, expected);
}

#[test]
fn a_message_may_come_byte_by_byte_and_leaves_whole() {
    let server = Server::start(&[]);
    let mut stream = server.tcp();
    let query = query(3, "byte-by-byte.example", AAAA);
    for byte in framed(&query).repeat(3) {
        stream.0.write_all(&[byte]).unwrap();
    }
    for _ in 0..3 {
        assert_eq!(stream.next(), Some(no_name(&query)));
    }
    // The end of one and the beginning of the next in one write.
    let bytes = framed(&query).repeat(4);
    for part in bytes.chunks(11) {
        stream.0.write_all(part).unwrap();
    }
    for _ in 0..4 {
        assert_eq!(stream.next(), Some(no_name(&query)));
    }
    // The length does not come alone: a client that reads once has all of it.
    for _ in 0..50 {
        stream.send(&query);
        let mut bytes = [0; 4096];
        let count = stream.0.read(&mut bytes).unwrap();
        assert_eq!(bytes[..count], framed(&no_name(&query)));
    }
}

#[test]
fn a_connection_that_asks_no_more_gets_what_it_has_asked() {
    let server = Server::start(&[]);
    let queries: Vec<Vec<u8>> = (0..50).map(|id| query(id, "asked.example", A)).collect();
    let all: Vec<u8> = queries.iter().flat_map(|query| framed(query)).collect();
    for end in [&b""[..], b"\0\0", b"\0\0behind a message without bytes", b"\0\x20cut"] {
        let mut stream = server.tcp();
        stream.0.write_all(&[&all, end].concat()).unwrap();
        if !end.starts_with(b"\0\0") {
            stream.0.shutdown(Shutdown::Write).unwrap();
        }
        for query in &queries {
            assert_eq!(stream.next(), Some(no_name(query)), "{end:?}");
        }
        assert_eq!(stream.next(), None, "{end:?}");
    }
    // Whoever leaves without a word does no harm.
    for _ in 0..50 {
        let mut stream = server.tcp();
        stream.0.write_all(&all).unwrap();
    }
    assert_eq!(server.tcp().ask(&queries[0]), no_name(&queries[0]));
}

#[test]
fn too_long_a_message_ends_no_connection() {
    let server = Server::start(&[]);
    let mut stream = server.tcp();
    for size in [4097, 5000, 65535] {
        let mut long = query(9, "long.example", A);
        long.resize(size, 0);
        stream.send(&long);
        assert_eq!(stream.next().unwrap(), b"\0\x09\x81\x81\0\0\0\0\0\0\0\0", "{size}");
        let query = query(10, "next.example", A);
        assert_eq!(stream.ask(&query), no_name(&query));
    }
    let mut just = query(11, "just.example", A);
    let whole = just.clone();
    just.resize(4096, 0);
    assert_eq!(stream.ask(&just), no_name(&whole));
}

#[test]
fn who_takes_no_answers_is_not_read_from() {
    let server = Server::start(&[]);
    let before = server.memory();
    let mut deaf: Vec<Stream> = (0..8).map(|_| server.tcp()).collect();
    let many = framed(&query(1, "never-taken.example", A)).repeat(2000);
    for stream in &mut deaf {
        stream.0.set_nonblocking(true).unwrap();
        // Until neither the server nor the kernel takes any more.
        let mut sent = 0;
        let mut refused = 0;
        while refused < 20 {
            if let Ok(count) = stream.0.write(&many) {
                (sent, refused) = (sent + count, 0);
            } else {
                refused += 1;
                let query = query(2, "others.example", A);
                assert_eq!(server.tcp().ask(&query), no_name(&query), "others are answered");
            }
            assert!(sent < 100 << 20, "it reads on and on");
        }
    }
    assert!(server.memory() < before + 8192, "{before} kB, then {} kB", server.memory());
}

#[test]
fn ipv6_is_served_as_ipv4_is() {
    let home = Home::new();
    home.configure(super::CONFIG);
    let mut command = home.command(PROGRAM);
    command.args(["dns", "serve", "--listen", "[::1]:0", "--listen", "127.0.0.1:0"]);
    let server = Server::run(home, &mut command);
    assert!(server.address.is_ipv6());
    let query = query(5, "six.example", AAAA);
    assert_eq!(ask(&server.udp(), &query), no_name(&query));
    assert_eq!(server.tcp().ask(&query), no_name(&query));
}
