//! An answer → for how long it holds, and where in it that stands. Pure.
//!
//! Takes any bytes; nothing is read beyond the end. What cannot be read, was cut off, or is meant for one asker alone holds for
//! no time at all: it is passed on, and not remembered.

use std::ops::Range;

/// The longest that an answer is remembered, in seconds.
const MOST: u32 = 3600;
/// The longest that it is remembered that there is none.
const MOST_NONE: u32 = 60;
/// How long a failure is remembered: at least a second (RFC 9520, 3.2).
const FAILURE: u32 = 2;

const SOA: u16 = 6;
const OPT: u16 = 41;
/// The option of EDNS that says why (RFC 8914). All others are between two ends: cookies, the client's network, padding.
const WHY: u16 = 15;
/// Signatures of the message itself.
const SIGNATURES: [u16; 2] = [249, 250];

/// How long an answer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Seconds; above zero.
    pub seconds: u32,
    /// Where the records' own seconds stand in the message, four bytes each.
    pub places: Vec<u16>,
}

/// For how long this answer holds; `None`: it is not to be remembered.
///
/// The least of its records' seconds, an hour at most. That there is no such name, or nothing of this type, holds for a minute at
/// most, and only where a SOA says for how long (RFC 2308, 5).
pub fn of(message: &[u8]) -> Option<Lifetime> {
    let header: &[u8; 12] = message.first_chunk()?;
    let (flags, code) = (u16::from_be_bytes([header[2], header[3]]), header[3] & 15);
    // An answer to a query, all of it, with the question.
    if flags & 0xfa00 != 0x8000 || header[4..6] != [0, 1] {
        return None;
    }
    let counts = [6, 8, 10].map(|at| u16::from_be_bytes([header[at], header[at + 1]]));
    let mut lifetime = Lifetime { seconds: MOST, places: Vec::new() };
    let mut says_none = false;
    let mut at = after_name(message, 12)? + 4;
    for (section, count) in counts.into_iter().enumerate() {
        for _ in 0..count {
            let record = Record::read(message, at)?;
            at = record.data.end;
            let data = message.get(record.data)?;
            match record.kind {
                OPT if has_options(data) => return None,
                OPT => continue,
                kind if SIGNATURES.contains(&kind) => return None,
                SOA if section == 1 => {
                    let least = data.last_chunk().copied().map_or(0, u32::from_be_bytes);
                    lifetime.seconds = lifetime.seconds.min(least).min(MOST_NONE);
                    says_none = true;
                }
                _ => {}
            }
            // What looks negative is none (RFC 2181, 8).
            let seconds = if record.seconds >> 31 == 0 { record.seconds } else { 0 };
            lifetime.seconds = lifetime.seconds.min(seconds);
            lifetime.places.push(u16::try_from(record.place).ok()?);
        }
    }
    let is_whole = at == message.len();
    match code {
        2 | 5 => return is_whole.then(|| Lifetime { seconds: FAILURE.min(lifetime.seconds.max(1)), ..lifetime }),
        0 if says_none || counts[0] > 0 => {}
        3 if says_none => {}
        _ => return None,
    }
    (is_whole && lifetime.seconds > 0).then_some(lifetime)
}

struct Record {
    kind: u16,
    seconds: u32,
    /// Where the seconds stand.
    place: usize,
    data: Range<usize>,
}

impl Record {
    fn read(message: &[u8], at: usize) -> Option<Self> {
        let place = after_name(message, at)? + 4;
        let fixed: &[u8; 10] = message.get(place - 4..)?.first_chunk()?;
        let begin = place + 6;
        Some(Self {
            kind: u16::from_be_bytes([fixed[0], fixed[1]]),
            seconds: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            place,
            data: begin..begin + usize::from(u16::from_be_bytes([fixed[8], fixed[9]])),
        })
    }
}

/// Where the name that stands here ends. A pointer ends it, wherever it leads.
fn after_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            0xc0.. => return Some(at + 2),
            _ => return None,
        }
    }
}

/// Whether there are options between two ends; what cannot be read counts as one.
fn has_options(mut data: &[u8]) -> bool {
    while let [high, low, size_high, size_low, rest @ ..] = data {
        let size = usize::from(u16::from_be_bytes([*size_high, *size_low]));
        match rest.get(size..) {
            Some(after) if u16::from_be_bytes([*high, *low]) == WHY => data = after,
            _ => return true,
        }
    }
    !data.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name a.example`, type A.
    const QUESTION: &[u8] = b"\x01a\x07example\0\0\x01\0\x01";

    fn record(kind: u16, seconds: u32, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        [&[0xc0, 12], &kind.to_be_bytes()[..], &[0, 1], &seconds.to_be_bytes(), &length, data].concat()
    }

    fn opt(data: &[u8]) -> Vec<u8> {
        // Its seconds are flags: DNSSEC's records are wanted.
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        [&[0, 0, 41, 4, 208, 0, 0, 0x80, 0][..], &length, data].concat()
    }

    fn soa(seconds: u32, least: u32) -> Vec<u8> {
        record(SOA, seconds, &[&[0, 0][..], &[0; 16], &least.to_be_bytes()].concat())
    }

    fn message(flags: u16, sections: [&[Vec<u8>]; 3]) -> Vec<u8> {
        let counts = sections.map(|section| u16::try_from(section.len()).unwrap().to_be_bytes());
        let records = sections.map(<[Vec<u8>]>::concat).concat();
        [&[0, 7], &flags.to_be_bytes()[..], &[0, 1], &counts.concat(), QUESTION, &records].concat()
    }

    fn seconds(flags: u16, sections: [&[Vec<u8>]; 3]) -> Option<u32> {
        of(&message(flags, sections)).map(|lifetime| lifetime.seconds)
    }

    fn address(seconds: u32) -> Vec<u8> {
        record(1, seconds, &[192, 0, 2, 7])
    }

    #[test]
    fn the_least_of_its_records_counts() {
        assert_eq!(seconds(0x8180, [&[address(300), address(200)], &[], &[]]), Some(200));
        assert_eq!(seconds(0x8180, [&[address(300)], &[record(2, 20, &[0])], &[address(10)]]), Some(10));
        assert_eq!(seconds(0x8180, [&[address(90_000)], &[], &[]]), Some(3600));
        assert_eq!(seconds(0x8180, [&[address(300)], &[], &[opt(&[])]]), Some(300), "flags are no seconds");
        assert_eq!(seconds(0x8180, [&[address(0)], &[], &[]]), None);
        assert_eq!(seconds(0x8180, [&[address(1 << 31)], &[], &[]]), None);
        let found = of(&message(0x8180, [&[address(300)], &[address(20)], &[opt(&[]), address(60)]])).unwrap();
        let begin = u16::try_from(12 + QUESTION.len()).unwrap();
        assert_eq!(found.places, [begin + 6, begin + 22, begin + 49]);
    }

    #[test]
    fn that_there_is_none_holds_as_the_soa_says() {
        for flags in [0x8180, 0x8183] {
            assert_eq!(seconds(flags, [&[], &[soa(30, 20)], &[]]), Some(20));
            assert_eq!(seconds(flags, [&[], &[soa(10, 20)], &[]]), Some(10));
            assert_eq!(seconds(flags, [&[], &[soa(7200, 7200)], &[]]), Some(60));
            assert_eq!(seconds(flags, [&[], &[], &[]]), None, "without a SOA");
        }
        assert_eq!(seconds(0x8183, [&[record(5, 5, &[0])], &[soa(30, 20)], &[]]), Some(5), "through an alias");
        assert_eq!(seconds(0x8183, [&[record(5, 5, &[0])], &[], &[]]), None);
    }

    #[test]
    fn a_failure_is_remembered_for_moments() {
        for flags in [0x8182, 0x8185] {
            assert_eq!(seconds(flags, [&[], &[], &[]]), Some(2));
            assert_eq!(seconds(flags, [&[], &[], &[opt(b"\0\x0f\0\x02\0\x17")]]), Some(2), "with the reason");
        }
        assert_eq!(seconds(0x8181, [&[], &[], &[]]), None);
        assert_eq!(seconds(0x8184, [&[], &[], &[]]), None);
    }

    #[test]
    fn what_is_cut_off_or_for_one_alone_is_not_remembered() {
        assert_eq!(seconds(0x8380, [&[address(300)], &[], &[]]), None, "truncated");
        assert_eq!(seconds(0x0180, [&[address(300)], &[], &[]]), None, "a question");
        assert_eq!(seconds(0xa180, [&[address(300)], &[], &[]]), None, "another operation");
        let cookie = opt(b"\0\x0a\0\x08cookies!");
        assert_eq!(seconds(0x8180, [&[address(300)], &[], &[cookie]]), None);
        let network = opt(b"\0\x0f\0\x02\0\x17\0\x08\0\x04\0\x01\0\0");
        assert_eq!(seconds(0x8180, [&[address(300)], &[], &[network]]), None);
        assert_eq!(seconds(0x8180, [&[address(300)], &[], &[record(250, 300, &[0])]]), None);
        let mut longer = message(0x8180, [&[address(300)], &[], &[]]);
        longer.push(0);
        assert_eq!(of(&longer), None);
    }

    #[test]
    fn no_bytes_are_too_wild() {
        let whole = message(0x8183, [&[record(5, 5, &[0xc0, 14])], &[soa(30, 20)], &[opt(b"\0\x0f\0\x02\0\x17")]]);
        assert!(of(&whole).is_some());
        for end in 0..whole.len() {
            assert_eq!(of(&whole[..end]), None);
        }
        let mut seed = 1_u64;
        for _ in 0..200_000 {
            let mut wild = whole.clone();
            for _ in 0..3 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = usize::try_from(seed >> 33).unwrap() % wild.len();
                wild[at] = seed.to_le_bytes()[3];
            }
            if let Some(found) = of(&wild) {
                assert!(found.seconds > 0 && found.places.iter().all(|at| usize::from(*at) + 4 <= wild.len()));
            }
        }
    }
}
