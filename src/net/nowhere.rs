//! A name server that knows of no name: a question → "there is no such name", as bytes. Pure.
//!
//! Only NXDOMAIN (RFC 2308, with a SOA) is final at once for every resolver; all else makes some of them ask again, or wait. The
//! names of this node and what stands above all names are no such names: see [`known`]. Any bytes may come.

use super::wire::{INTERNET, number, read_name};

/// A question that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The name as text, lower case, without a dot at the end.
    pub name: String,
    /// The type of what is wanted, by its number.
    pub kind: u16,
    /// The number that the message has.
    pub id: u16,
}

/// What is said to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The message to send.
    pub message: Vec<u8>,
    /// The name that there is not; `None` where none was asked for.
    pub missing: Option<Asked>,
}

const A: u16 = 1;
const SOA: u16 = 6;
const PTR: u16 = 12;
const AAAA: u16 = 28;
const OPT: u16 = 41;
const TRANSFERS: [u16; 2] = [251, 252];

const FORMAT_ERROR: u16 = 1;
const NO_NAME: u16 = 3;
const NOT_IMPLEMENTED: u16 = 4;
const REFUSED: u16 = 5;

/// Seconds for which it may be remembered.
const TTL: u32 = 10;
/// What a question with EDNS may be answered with.
const SIZE: u16 = 1232;

/// The reply to a message; `None` where it deserves none. `own` are the names of this node.
pub fn reply(query: &[u8], own: &[String]) -> Option<Reply> {
    let flags = number(query, 2).filter(|flags| flags & 0x8000 == 0)?;
    // Less than a header is nothing.
    query.get(..12)?;
    let plain = |code: u16| Some(Reply { message: message(query, code, &[], &[], None), missing: None });
    if flags >> 11 & 15 != 0 {
        return plain(NOT_IMPLEMENTED);
    }
    let Some(question) = Question::read(query) else { return plain(FORMAT_ERROR) };
    let text = &query[12..question.end];
    let answer = |code: u16, records: &[u8]| message(query, code, text, records, question.edns);
    if question.edns.is_some_and(|edns| edns.version != 0) {
        return Some(Reply { message: answer(16, &[]), missing: None });
    }
    if question.class != INTERNET || TRANSFERS.contains(&question.asked.kind) {
        return Some(Reply { message: answer(REFUSED, &[]), missing: None });
    }
    Some(match known(&question.asked, own) {
        Some(record) => Reply { message: answer(0, &record), missing: None },
        None => Reply { message: answer(NO_NAME, &[]), missing: Some(question.asked) },
    })
}

/// The question of a message.
pub fn asked(query: &[u8]) -> Option<Asked> {
    number(query, 2).filter(|flags| flags & 0xf800 == 0)?;
    Question::read(query).map(|question| question.asked)
}

/// What is said of a name that there is: a record, or none of this type. `None`: there is no such name.
fn known(asked: &Asked, own: &[String]) -> Option<Vec<u8>> {
    let name = asked.name.as_str();
    let record = |data: &[u8]| record(&[0xc0, 12], asked.kind, data);
    // Above other names: if these were not, nothing below them would be (RFC 8020). And what asks for the way (RFC 9462, 7050).
    if matches!(name, "" | "arpa" | "in-addr.arpa" | "ip6.arpa" | "resolver.arpa" | "ipv4only.arpa") {
        return Some(Vec::new());
    }
    let is_localhost = name == "localhost" || name.ends_with(".localhost");
    if is_localhost || own.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Some(match asked.kind {
            A => record(&[127, 0, 0, 1]),
            AAAA if is_localhost => record(&std::net::Ipv6Addr::LOCALHOST.octets()),
            _ => Vec::new(),
        });
    }
    let is_loopback = name.ends_with(".127.in-addr.arpa") || name == format!("1.{}ip6.arpa", "0.".repeat(31));
    is_loopback.then(|| if asked.kind == PTR { record(b"\x09localhost\0") } else { Vec::new() })
}

struct Question {
    asked: Asked,
    class: u16,
    /// Where it ends.
    end: usize,
    edns: Option<Edns>,
}

#[derive(Clone, Copy)]
struct Edns {
    version: u8,
    /// The client wants DNSSEC's records.
    wants_signatures: bool,
}

impl Question {
    fn read(query: &[u8]) -> Option<Self> {
        if number(query, 4)? != 1 {
            return None;
        }
        let (name, at) = read_name(query, 12)?;
        let (kind, class, end) = (number(query, at)?, number(query, at + 2)?, at + 4);
        let records = [6, 8, 10].map(|at| number(query, at).map(usize::from));
        let mut edns = None;
        let mut at = end;
        for _ in 0..records.into_iter().sum::<Option<usize>>()? {
            let (_, fixed) = read_name(query, at)?;
            let kind = number(query, fixed)?;
            let [high, low] = [number(query, fixed + 4)?, number(query, fixed + 6)?];
            at = fixed + 10 + usize::from(number(query, fixed + 8)?);
            query.get(..at)?;
            if kind == OPT {
                let found = Edns { version: high.to_be_bytes()[1], wants_signatures: low & 0x8000 != 0 };
                if edns.replace(found).is_some() {
                    return None;
                }
            }
        }
        Some(Self { asked: Asked { name: name.text(), kind, id: number(query, 0)? }, class, end, edns })
    }
}

/// A message that answers `query`: its question as it came, one record or none, and where there is none who says so.
fn message(query: &[u8], code: u16, question: &[u8], answer: &[u8], edns: Option<Edns>) -> Vec<u8> {
    let asked = number(query, 2).unwrap_or_default();
    // An answer, with recursion; what the question says of operation, recursion wanted and checks not wanted.
    let flags = 0x8080 | asked & (0x7800 | 0x0100 | 0x0010) | code & 15;
    let says_none = answer.is_empty() && matches!(code, 0 | NO_NAME);
    let counts = [!question.is_empty(), !answer.is_empty(), says_none, edns.is_some()].map(u16::from);
    let mut message = query[..2].to_vec();
    message.extend(flags.to_be_bytes());
    message.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
    message.extend(question);
    message.extend(answer);
    if says_none {
        // No server, no mailbox; serial, refresh, retry, expire, and how long "there is none" holds.
        let numbers = [1, 3600, 600, 86400, TTL].map(u32::to_be_bytes).concat();
        message.extend(record(&[0], SOA, &[&[0, 0], &numbers[..]].concat()));
    }
    if let Some(edns) = edns {
        let signatures = if edns.wants_signatures { 0x80 } else { 0 };
        // The upper part of the code, the version, the flags; then why (RFC 8914: 15, blocked).
        let why = b"hpcsh airgap";
        let why = [&[0, 15, 0, 2 + u8::try_from(why.len()).unwrap_or_default(), 0, 15], &why[..]].concat();
        let why = if code == NO_NAME { &why[..] } else { &[] };
        let size = u16::try_from(why.len()).unwrap_or_default();
        let upper = (code >> 4).to_be_bytes()[1];
        let parts =
            [&[0][..], &OPT.to_be_bytes(), &SIZE.to_be_bytes(), &[upper, 0, signatures, 0], &size.to_be_bytes()];
        message.extend(parts.concat());
        message.extend(why);
    }
    message
}

fn record(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let size = u16::try_from(data.len()).unwrap_or_default();
    [owner, &kind.to_be_bytes(), &INTERNET.to_be_bytes(), &TTL.to_be_bytes(), &size.to_be_bytes(), data].concat()
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Content, Name, Type, answer, query};
    use super::*;

    fn ask(name: &str, kind: Type) -> (Vec<u8>, Reply) {
        let query = query(7, &Name::of(name).unwrap(), kind);
        let reply = reply(&query, &["gpu17".to_owned()]).unwrap();
        (query, reply)
    }

    fn content(name: &str, kind: Type) -> Content {
        let (_, reply) = ask(name, kind);
        answer(&reply.message, 7, &Name::of(name).unwrap(), kind).unwrap().content
    }

    fn code(message: &[u8]) -> u8 {
        message[3] & 15
    }

    #[test]
    fn there_is_no_name() {
        assert_eq!(content("Huggingface.CO", Type::A), Content::NoName);
        let (query, reply) = ask("huggingface.co", Type::Aaaa);
        let asked = Asked { name: "huggingface.co".into(), kind: 28, id: 7 };
        assert_eq!(reply.missing, Some(asked.clone()));
        assert_eq!(super::asked(&query), Some(asked));
        // One question, no answer, the SOA; recursion is there.
        assert_eq!(reply.message[2..12], [0x81, 0x83, 0, 1, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn this_node_is_there() {
        let here = |bytes: [u8; 4]| Content::Addresses(vec![bytes.into()]);
        for name in ["localhost", "a.localhost", "GPU17"] {
            assert_eq!(content(name, Type::A), here([127, 0, 0, 1]), "{name}");
            assert_eq!(ask(name, Type::A).1.missing, None);
        }
        let six = Content::Addresses(vec![std::net::Ipv6Addr::LOCALHOST.into()]);
        assert_eq!(content("localhost", Type::Aaaa), six);
        assert_eq!(content("gpu17", Type::Aaaa), Content::NoData);
        assert_eq!(content("notlocalhost", Type::A), Content::NoName);
        let mut back = query(7, &Name::of("1.0.0.127.in-addr.arpa").unwrap(), Type::A);
        let at = back.len() - 3;
        back[at] = 12;
        let reply = reply(&back, &[]).unwrap();
        assert!(reply.missing.is_none() && reply.message.ends_with(b"\x09localhost\0"));
    }

    #[test]
    fn what_stands_above_names_is_there() {
        let root = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1];
        let reply = reply(&root, &[]).unwrap();
        assert!(reply.missing.is_none() && code(&reply.message) == 0);
        assert_eq!(content("in-addr.arpa", Type::A), Content::NoData);
    }

    #[test]
    fn edns_is_answered_by_edns() {
        let (mut query, _) = ask("a.example", Type::A);
        query[11] = 1;
        let opt = [0, 0, 41, 16, 0, 0, 0, 0x80, 0, 0, 0];
        let with = [&query[..], &opt].concat();
        let said = reply(&with, &[]).unwrap();
        assert_eq!(said.message[11], 1);
        assert!(said.message.ends_with(b"\0\x0f\0\x0e\0\x0fhpcsh airgap"));
        let mut newer = with.clone();
        newer[query.len() + 6] = 1;
        let said = reply(&newer, &[]).unwrap();
        assert_eq!((code(&said.message), said.message[said.message.len() - 6]), (0, 1), "BADVERS is 16");
        let mut twice = [&with[..], &opt].concat();
        twice[11] = 2;
        assert_eq!(code(&reply(&twice, &[]).unwrap().message), 1);
        assert_eq!(code(&reply(&query, &[]).unwrap().message), 1, "a record that is not there");
    }

    #[test]
    fn what_is_no_question_is_told_so_or_nothing() {
        let (query, said) = ask("a.example", Type::A);
        assert_eq!(reply(&query[..11], &[]), None);
        assert_eq!(reply(&said.message, &[]), None, "an answer");
        let with = |at: usize, byte: u8| {
            let mut query = query.clone();
            query[at] = byte;
            code(&reply(&query, &[]).unwrap().message)
        };
        assert_eq!(with(2, 0x28), 4, "an update");
        assert_eq!(with(5, 2), 1, "two questions");
        assert_eq!(with(12, 64), 1, "a label that is none");
        assert_eq!(with(query.len() - 1, 3), 5, "another class");
        assert_eq!(with(query.len() - 3, 252), 5, "a transfer");
    }

    #[test]
    fn no_bytes_are_too_wild() {
        let (whole, _) = ask("a.example", Type::A);
        for end in 0..whole.len() {
            let _ = reply(&whole[..end], &[]);
        }
        let mut seed = 1_u64;
        for _ in 0..100_000 {
            let mut wild = whole.clone();
            for _ in 0..3 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = usize::try_from(seed >> 33).unwrap() % wild.len();
                wild[at] = seed.to_le_bytes()[3];
            }
            let _ = reply(&wild, &[]);
        }
    }
}
