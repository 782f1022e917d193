//! A question and what happens to it → the answer, in the place of the question. Pure.
//!
//! Only NXDOMAIN and NODATA are final at once for every resolver; all else makes some of them ask again, or wait. Each comes with a SOA,
//! without which nobody may remember it (RFC 2308, 5). The question's bytes stay as they came: case counts (0x20).

use super::policy::Action;
use super::question::{Edns, Question};

/// So many bytes an answer has at most beyond its question.
pub const SPARE: usize = 96;
/// Seconds for which an answer of ours may be remembered: leaving the offline resolver is to be quick.
pub const TTL: u32 = 10;
/// The largest answer over UDP that we say we take: what every network carries whole.
pub const SIZE: u16 = 1232;
/// Why there is no such name, for people who run dig.
pub const REASON: &str = "hpcsh offline";

/// Code: done.
pub const NO_ERROR: u8 = 0;
/// Code: the message cannot be understood.
pub const FORMAT_ERROR: u8 = 1;
/// Code: nobody has answered us.
pub const SERVER_FAILURE: u8 = 2;
/// Code: there is no such name.
pub const NO_NAME: u8 = 3;
/// Code: an operation that is none of ours.
pub const NOT_IMPLEMENTED: u8 = 4;
/// Code: not from us.
pub const REFUSED: u8 = 5;

/// The class of the internet.
pub const INTERNET: u16 = 1;

const A: u16 = 1;
const PTR: u16 = 12;
const AAAA: u16 = 28;
const ANY: u16 = 255;

/// The root's: no server, no mailbox; serial, refresh, retry, expire, and how long "there is none" holds. As name, type, class, TTL, length, data.
const SOA: [u8; 33] = [
    0, 0, 6, 0, 1, 0, 0, 0, TTL_BYTE, 0, 22, 0, 0, //
    0, 0, 0, 1, 0, 0, 14, 16, 0, 0, 2, 88, 0, 1, 81, 128, 0, 0, 0, TTL_BYTE,
];
/// Names point to the question's.
const FOUR: [u8; 16] = [192, 12, 0, 1, 0, 1, 0, 0, 0, TTL_BYTE, 0, 4, 127, 0, 0, 1];
const SIX: [u8; 28] = [192, 12, 0, 28, 0, 1, 0, 0, 0, TTL_BYTE, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const NAME: [u8; 23] = *b"\xc0\x0c\0\x0c\0\x01\0\0\0\x0a\0\x0b\x09localhost\0";
/// RFC 8914, code 15: blocked.
const BLOCKED: [u8; 19] = *b"\0\x0f\0\x0f\0\x0fhpcsh offline";
/// RFC 8914, code 22: no server can be reached.
const UNREACHABLE: [u8; 6] = [0, 15, 0, 2, 0, 22];

#[allow(clippy::cast_possible_truncation)] // 10
const TTL_BYTE: u8 = TTL as u8;

/// Makes a message the answer to its question, which is [`INTERNET`]'s and has EDNS version 0 or none: its length.
///
/// `None` where it has to be asked for, or the buffer has less than [`SPARE`] bytes behind the question.
pub fn answer(buffer: &mut [u8], question: &Question, action: Action) -> Option<usize> {
    let said = match action {
        Action::Block => Said { code: NO_NAME, answer: &[], option: &BLOCKED },
        Action::Empty => Said { code: NO_ERROR, answer: &[], option: &[] },
        Action::Localhost => Said { code: NO_ERROR, answer: localhost(question), option: &[] },
        Action::Forward => return None,
    };
    write(buffer, question, &said)
}

/// Makes a message the answer that nobody could be asked, or has answered: its length.
///
/// `None` where the buffer has less than [`SPARE`] bytes behind the question.
pub fn failure(buffer: &mut [u8], question: &Question) -> Option<usize> {
    write(buffer, question, &Said { code: SERVER_FAILURE, answer: &[], option: &UNREACHABLE })
}

/// The answer to a message that has a header, and perhaps nothing more: this code, and no question.
pub fn bare(message: &[u8; 12], code: u8) -> [u8; 12] {
    let [high, low, ..] = *message;
    let flags = flags(u16::from_be_bytes([message[2], message[3]]), code).to_be_bytes();
    [high, low, flags[0], flags[1], 0, 0, 0, 0, 0, 0, 0, 0]
}

struct Said {
    code: u8,
    /// A record, or none.
    answer: &'static [u8],
    /// An EDNS option, or none.
    option: &'static [u8],
}

/// What is known of this node: its addresses by any name of it, its name by any address.
fn localhost(question: &Question) -> &'static [u8] {
    let is_reverse = question.name.wire().ends_with(b"\x04arpa\0");
    match (question.kind, is_reverse) {
        // Of several records one will do (RFC 8482, 4.1).
        (A | ANY, false) => &FOUR,
        (AAAA, false) => &SIX,
        (PTR | ANY, true) => &NAME,
        _ => &[],
    }
}

/// An answer, with recursion; what the question says of operation, recursion wanted and checks not wanted; a code.
fn flags(asked: u16, code: u8) -> u16 {
    0x8080 | asked & (0x7800 | 0x0100 | 0x0010) | u16::from(code)
}

fn write(buffer: &mut [u8], question: &Question, said: &Said) -> Option<usize> {
    let (head, rest) = buffer.split_at_mut_checked(question.end)?;
    let rest: &mut [u8; SPARE] = rest.first_chunk_mut()?;
    let says_none = said.answer.is_empty() && said.code != SERVER_FAILURE;
    let header: &mut [u8; 12] = head.first_chunk_mut()?;
    let flags = flags(question.flags, said.code).to_be_bytes();
    let counts = [u8::from(!said.answer.is_empty()), u8::from(says_none), u8::from(question.edns.is_some())];
    header[2..].copy_from_slice(&[flags[0], flags[1], 0, 1, 0, counts[0], 0, counts[1], 0, counts[2]]);
    // Each has its length in the program: most are then written by an instruction or two.
    let mut length = said.answer.len();
    if length > 0 {
        rest[..length].copy_from_slice(said.answer);
    }
    if says_none {
        *rest[length..].first_chunk_mut()? = SOA;
        length += SOA.len();
    }
    if let Some(Edns { wants_signatures, .. }) = question.edns {
        let [high, low] = SIZE.to_be_bytes();
        let signatures = if wants_signatures { 0x80 } else { 0 };
        let option_length = u8::try_from(said.option.len()).unwrap_or_default();
        *rest[length..].first_chunk_mut()? = [0, 0, 41, high, low, 0, 0, signatures, 0, 0, option_length];
        length += 11;
        rest[length..length + said.option.len()].copy_from_slice(said.option);
        length += said.option.len();
    }
    Some(question.end + length)
}

// The longest are a SOA or an address with EDNS and its longest option.
const _: () =
    assert!(SOA.len() + 11 + BLOCKED.len() <= SPARE && BLOCKED.len() == 6 + REASON.len() && NAME[9] == TTL_BYTE);

#[cfg(test)]
mod tests {
    use super::super::question::read;
    use super::*;

    /// A question for this name and type, with EDNS where it says so, and its answer.
    fn ask(name: &[u8], kind: u16, edns: &[u8], action: Action) -> Option<(Vec<u8>, Vec<u8>)> {
        let records = u8::from(!edns.is_empty());
        let header = [0xab, 0xcd, 1, 0x10, 0, 1, 0, 0, 0, 0, 0, records];
        let asked = [&header, name, &kind.to_be_bytes(), &[0, 1], edns].concat();
        let question = read(&asked).unwrap();
        let mut buffer = asked.clone();
        buffer.resize(question.end + SPARE, 0xee);
        let length = answer(&mut buffer, &question, action)?;
        buffer.truncate(length);
        Some((asked[..question.end].to_vec(), buffer))
    }

    const NAME_20: &[u8] = b"\x0bHuGgingface\x02cO\0";
    const EDNS: &[u8] = &[0, 0, 41, 16, 0, 0, 0, 0x80, 0, 0, 0];

    #[test]
    fn a_blocked_name_is_not_there() {
        let (asked, said) = ask(NAME_20, 28, &[], Action::Block).unwrap();
        assert_eq!(said[..12], [0xab, 0xcd, 0x81, 0x93, 0, 1, 0, 0, 0, 1, 0, 0]);
        assert_eq!(said[12..asked.len()], asked[12..], "as it was asked");
        assert_eq!(said[asked.len()..], SOA);
        let (asked, said) = ask(NAME_20, 28, EDNS, Action::Block).unwrap();
        let edns = b"\0\0\x29\x04\xd0\0\0\x80\0\0\x13\0\x0f\0\x0f\0\x0fhpcsh offline";
        assert_eq!(said[asked.len()..], [&SOA[..], edns].concat());
        assert_eq!(said[2..12], [0x81, 0x93, 0, 1, 0, 0, 0, 1, 0, 1]);
    }

    #[test]
    fn an_empty_one_is_there() {
        let (asked, said) = ask(b"\0", 2, EDNS, Action::Empty).unwrap();
        assert_eq!(said[2..12], [0x81, 0x90, 0, 1, 0, 0, 0, 1, 0, 1]);
        assert_eq!(said[asked.len()..], [&SOA[..], b"\0\0\x29\x04\xd0\0\0\x80\0\0\0"].concat());
    }

    #[test]
    fn this_node_is_there() {
        for (name, kind, record) in [
            (&b"\x09LocalHost\0"[..], A, &FOUR[..]),
            (b"\x01a\x09localhost\0", AAAA, &SIX),
            (b"\x09localhost\0", ANY, &FOUR),
            (b"\x011\x010\x010\x03127\x07in-addr\x04ARPA\0", PTR, &NAME),
            (b"\x011\x010\x010\x03127\x07in-addr\x04arpa\0", ANY, &NAME),
        ] {
            let (asked, said) = ask(name, kind, &[], Action::Localhost).unwrap();
            assert_eq!(said[2..12], [0x81, 0x90, 0, 1, 0, 1, 0, 0, 0, 0]);
            assert_eq!(said[asked.len()..], *record);
        }
        for (name, kind) in [(&b"\x09localhost\0"[..], 16), (b"\x03127\x07in-addr\x04arpa\0", A)] {
            let (asked, said) = ask(name, kind, &[], Action::Localhost).unwrap();
            assert_eq!((&said[2..12], &said[asked.len()..]), (&[0x81, 0x90, 0, 1, 0, 0, 0, 1, 0, 0][..], &SOA[..]));
        }
    }

    #[test]
    fn what_is_forwarded_is_not_answered_and_may_fail() {
        assert_eq!(ask(NAME_20, A, &[], Action::Forward), None);
        let mut buffer = [b"\0\x01\0\0\0\x01\0\0\0\0\0\x01", NAME_20, b"\0\x01\0\x01", EDNS].concat();
        let question = read(&buffer).unwrap();
        assert_eq!(failure(&mut buffer, &question), None, "there is no space for it");
        buffer.resize(question.end + SPARE, 0);
        let length = failure(&mut buffer, &question).unwrap();
        assert_eq!(buffer[2..12], [0x80, 0x82, 0, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(buffer[question.end..length], *b"\0\0\x29\x04\xd0\0\0\x80\0\0\x06\0\x0f\0\x02\0\x16");
    }

    #[test]
    fn a_header_alone_can_be_answered() {
        let header = [0xab, 0xcd, 0x29, 0x50, 9, 9, 9, 9, 9, 9, 9, 9];
        assert_eq!(bare(&header, NOT_IMPLEMENTED), [0xab, 0xcd, 0xa9, 0x94, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
