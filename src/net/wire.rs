//! DNS messages: a question → bytes, bytes → what they answer. Pure.
//!
//! Takes any bytes: what is not an answer to the question is nothing, and nothing is read beyond the end. A compressed name
//! points backwards only, so that it ends (RFC 1035, 4.1.4).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A name as it travels: each label behind its length, a zero at the end; lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(Vec<u8>);

impl Name {
    /// The name of this text, with or without a dot at the end; `None` where no name looks like that.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let mut wire = Vec::with_capacity(text.len() + 2);
        for label in text.split('.') {
            if label.len() > 63 || label.is_empty() || !label.bytes().all(|byte| byte.is_ascii_graphic()) {
                return None;
            }
            wire.push(u8::try_from(label.len()).ok()?);
            wire.extend(label.bytes().map(|byte| byte.to_ascii_lowercase()));
        }
        wire.push(0);
        (wire.len() <= 255).then_some(Self(wire))
    }

    /// The name as text, without a dot at the end; what is no printable character as `\DDD` (RFC 1035, 5.1).
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut rest = &self.0[..];
        while let Some((length, tail)) = rest.split_first().filter(|(length, _)| **length > 0) {
            let (label, after) = tail.split_at(tail.len().min(usize::from(*length)));
            if !text.is_empty() {
                text.push('.');
            }
            for byte in label {
                match byte {
                    b'.' | b'\\' => text.extend(['\\', char::from(*byte)]),
                    b'!'..=b'~' => text.push(char::from(*byte)),
                    _ => text.push_str(&format!("\\{byte:03}")),
                }
            }
            rest = after;
        }
        text
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
}

impl Type {
    /// Both, in the order in which their answers are kept.
    pub const BOTH: [Self; 2] = [Self::A, Self::Aaaa];

    fn number(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Aaaa => 28,
        }
    }
}

const CNAME: u16 = 5;
pub const INTERNET: u16 = 1;

/// What a name server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// At least one address.
    Addresses(Vec<IpAddr>),
    /// There is no such name.
    NoName,
    /// The name is there, and has nothing of this type.
    NoData,
    /// It cannot say: its error code, or a message that cannot be read.
    Failing(&'static str),
}

/// A message that answers the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// There is more, over TCP.
    pub is_truncated: bool,
    /// What it says.
    pub content: Content,
}

/// The question as a message.
pub fn query(id: u16, name: &Name, kind: Type) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    // A query that wants recursion, with one question.
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    message.extend(&name.0);
    message.extend(kind.number().to_be_bytes());
    message.extend(INTERNET.to_be_bytes());
    message
}

/// What these bytes answer to the question; `None` where they are no answer to it.
pub fn answer(message: &[u8], id: u16, name: &Name, kind: Type) -> Option<Answer> {
    let flags = number(message, 2)?;
    let (is_answer, operation, code) = (flags & 0x8000 != 0, flags >> 11 & 15, flags & 15);
    if number(message, 0)? != id || !is_answer || operation != 0 {
        return None;
    }
    let is_truncated = flags & 0x0200 != 0;
    let content = match (code, number(message, 4)?) {
        (0 | 3, 1) => {
            let (asked, at) = read_name(message, 12)?;
            if asked != *name || number(message, at)? != kind.number() || number(message, at + 2)? != INTERNET {
                return None;
            }
            match (code, addresses(message, at + 4, name, kind)) {
                (3, _) => Content::NoName,
                (_, Some(found)) if found.is_empty() => Content::NoData,
                (_, Some(found)) => Content::Addresses(found),
                // A message that was cut off may end anywhere.
                (_, None) if is_truncated => Content::NoData,
                (_, None) => Content::Failing("something that cannot be read"),
            }
        }
        (0 | 3, _) => return None,
        // An error may come without the question.
        (1, _) => Content::Failing("FORMERR"),
        (2, _) => Content::Failing("SERVFAIL"),
        (4, _) => Content::Failing("NOTIMP"),
        (5, _) => Content::Failing("REFUSED"),
        _ => Content::Failing("an error"),
    };
    Some(Answer { is_truncated, content })
}

/// The addresses of the name, through its aliases; `None` where the records cannot be read.
fn addresses(message: &[u8], mut at: usize, name: &Name, kind: Type) -> Option<Vec<IpAddr>> {
    let mut aliases = Vec::new();
    let mut found = Vec::new();
    for _ in 0..number(message, 6)? {
        let (owner, fixed) = read_name(message, at)?;
        let (record, class) = (number(message, fixed)?, number(message, fixed + 2)?);
        let data = fixed + 10;
        at = data + usize::from(number(message, fixed + 8)?);
        let bytes = message.get(data..at)?;
        match (record, bytes.len()) {
            _ if class != INTERNET => {}
            (CNAME, _) => aliases.push((owner, read_name(message, data)?.0)),
            (1, 4) if kind == Type::A => found.push((owner, Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into())),
            (28, 16) if kind == Type::Aaaa => {
                found.push((owner, Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()));
            }
            _ => {}
        }
    }
    // As many steps as there are aliases: they may lead in a circle.
    let mut name = name;
    for _ in 0..aliases.len() {
        match aliases.iter().find(|(owner, _)| owner == name) {
            Some((_, target)) => name = target,
            None => break,
        }
    }
    Some(found.into_iter().filter(|(owner, _)| owner == name).map(|(_, address)| address).collect())
}

/// Two bytes as a number.
pub fn number(message: &[u8], at: usize) -> Option<u16> {
    let bytes = message.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// The name that stands here, uncompressed, and where it ends.
pub fn read_name(message: &[u8], start: usize) -> Option<(Name, usize)> {
    let mut name = Vec::new();
    let (mut at, mut end) = (start, None);
    // Where the part that is being read began: a pointer leads before it.
    let mut bound = start;
    loop {
        let length = *message.get(at)?;
        match length {
            0 => {
                name.push(0);
                return (name.len() <= 255).then_some((Name(name), end.unwrap_or(at + 1)));
            }
            1..=63 => {
                let label = message.get(at + 1..=at + usize::from(length))?;
                name.push(length);
                name.extend(label.iter().map(u8::to_ascii_lowercase));
                at += 1 + usize::from(length);
                if name.len() > 255 {
                    return None;
                }
            }
            0xc0.. => {
                let target = usize::from(number(message, at)? & 0x3fff);
                end = end.or(Some(at + 2));
                if target >= bound {
                    return None;
                }
                (at, bound) = (target, target);
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::of(text).unwrap()
    }

    /// An answer to a question for `a.example`: the records as they are.
    fn message(flags: u16, kind: Type, records: &[Vec<u8>]) -> Vec<u8> {
        let mut message = query(7, &name("a.example"), kind);
        message[2..4].copy_from_slice(&flags.to_be_bytes());
        message[7] = u8::try_from(records.len()).unwrap();
        message.extend(records.concat());
        message
    }

    fn record(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        [owner, &kind.to_be_bytes(), &[0, 1, 0, 0, 0, 60], &length, data].concat()
    }

    /// The name of the question, which every message has at this place.
    const ASKED: [u8; 2] = [0xc0, 12];

    fn read(message: &[u8], kind: Type) -> Option<Content> {
        answer(message, 7, &name("A.Example."), kind).map(|answer| answer.content)
    }

    #[test]
    fn a_name_is_what_fits() {
        assert_eq!(Name::of("A.bc"), Some(Name(b"\x01a\x02bc\0".to_vec())));
        assert_eq!(Name::of("A.bc."), Name::of("a.BC"));
        let long = ["a"; 127].join(".");
        assert!(Name::of(&long).is_some() && Name::of(&format!("{long}.a")).is_none());
        for wrong in ["", ".", "a..b", ".a", "a b", "ä.de", &"a".repeat(64)] {
            assert_eq!(Name::of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn addresses_are_found_through_aliases() {
        let alias = record(&ASKED, CNAME, b"\x01B\x07example\0");
        let address = record(b"\x01b\x07EXAMPLE\0", 1, &[192, 0, 2, 7]);
        let stranger = record(b"\x01c\0", 1, &[192, 0, 2, 8]);
        let found = read(&message(0x8180, Type::A, &[stranger, address, alias]), Type::A);
        assert_eq!(found, Some(Content::Addresses(vec![[192, 0, 2, 7].into()])));
        let six = record(&ASKED, 28, &Ipv6Addr::LOCALHOST.octets());
        let found = read(&message(0x8180, Type::Aaaa, &[six]), Type::Aaaa);
        assert_eq!(found, Some(Content::Addresses(vec![Ipv6Addr::LOCALHOST.into()])));
    }

    #[test]
    fn no_name_no_data_and_failures_are_told_apart() {
        assert_eq!(read(&message(0x8183, Type::A, &[]), Type::A), Some(Content::NoName));
        assert_eq!(read(&message(0x8180, Type::A, &[]), Type::A), Some(Content::NoData));
        assert_eq!(read(&message(0x8182, Type::A, &[]), Type::A), Some(Content::Failing("SERVFAIL")));
        assert_eq!(read(&[0, 7, 0x81, 0x85, 0, 0, 0, 0, 0, 0, 0, 0], Type::A), Some(Content::Failing("REFUSED")));
        let cut = message(0x8380, Type::A, &[vec![0xc0]]);
        let cut = answer(&cut, 7, &name("a.example"), Type::A);
        assert_eq!(cut, Some(Answer { is_truncated: true, content: Content::NoData }));
    }

    #[test]
    fn what_answers_another_question_is_no_answer() {
        let right = message(0x8180, Type::A, &[]);
        assert!(read(&right, Type::A).is_some());
        assert_eq!(answer(&right, 8, &name("a.example"), Type::A), None);
        assert_eq!(answer(&right, 7, &name("b.example"), Type::A), None);
        assert_eq!(read(&right, Type::Aaaa), None);
        assert_eq!(read(&message(0x0180, Type::A, &[]), Type::A), None, "a question");
        assert_eq!(read(&message(0xa180, Type::A, &[]), Type::A), None, "another operation");
    }

    #[test]
    fn hostile_names_end() {
        let broken = Some(Content::Failing("something that cannot be read"));
        let start = u8::try_from(message(0, Type::A, &[]).len()).unwrap();
        let one = |owner: &[u8]| read(&message(0x8180, Type::A, &[record(owner, 1, &[1; 4])]), Type::A);
        assert_eq!(one(&[0xc0, start]), broken, "to itself");
        assert_eq!(one(&[0xc0, start + 2]), broken, "forwards");
        assert_eq!(one(&[1, b'a', 0xc0, start]), broken, "around");
        assert_eq!(one(&[0x40]), broken, "a length that is reserved");
        assert_eq!(one(&[63]), broken, "over the end");
        // Two aliases in a circle.
        let to = |owner: &[u8], target: &[u8]| record(owner, CNAME, target);
        let circle = [to(&ASKED, b"\x01b\0"), to(b"\x01b\0", &ASKED)];
        assert_eq!(read(&message(0x8180, Type::A, &circle), Type::A), Some(Content::NoData));
        // More records than there are.
        let mut short = message(0x8180, Type::A, &[]);
        short[6] = 255;
        assert_eq!(read(&short, Type::A), broken);
    }

    #[test]
    fn no_bytes_are_too_wild() {
        let whole = message(
            0x8180,
            Type::A,
            &[record(&ASKED, CNAME, b"\x01b\xc0\x0e"), record(b"\x01b\xc0\x0e", 1, &[192, 0, 2, 7])],
        );
        assert_eq!(read(&whole, Type::A), Some(Content::Addresses(vec![[192, 0, 2, 7].into()])));
        for end in 0..whole.len() {
            let _ = read(&whole[..end], Type::A);
        }
        let mut seed = 1_u64;
        for _ in 0..200_000 {
            let mut wild = whole.clone();
            for _ in 0..3 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = usize::try_from(seed >> 33).unwrap() % wild.len();
                wild[at] = seed.to_le_bytes()[3];
            }
            let _ = read(&wild, Type::A);
        }
    }
}
