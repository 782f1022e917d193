//! What storage says of a layer's file: all that anybody asks it on the way to a configuration, asked at once.
//!
//! A plain value, so that a process that may hang can ask, and say it through a pipe. What is made of it is decided in
//! `layers`, which touches no storage.

use std::io;
use std::path::Path;

use hpcsh_early::record::Stamp;

use super::layers::{Layer, Source};
use crate::host::stamp::{self, Seen};
use crate::host::{Host, files, users};

/// What is to be known of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// There is none.
    Absent {
        /// It is the user's own, and there is something of its name: a link to what is not there.
        is_dangling: bool,
    },
    /// It cannot be read, for this reason.
    Failed(String),
    /// It was read.
    Found {
        /// Numeric id of its owner.
        owner: u32,
        /// Permission bits.
        mode: u32,
        /// Who owns the program beside which it lies; not asked where it does not matter.
        program_owner: Option<u32>,
        /// What tells whether it has changed since.
        stamp: Option<Stamp>,
        /// All that is in it.
        bytes: Vec<u8>,
    },
}

impl Look {
    /// What is to be compared to find out whether it still is so; `None` where nothing tells.
    pub fn seen(&self) -> Option<Seen> {
        match self {
            Self::Absent { is_dangling: false } => Some(Seen::Absent),
            Self::Found { stamp, .. } => stamp.map(Seen::There),
            Self::Absent { is_dangling: true } | Self::Failed(_) => None,
        }
    }
}

/// What a process says that looks again at a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is as it was.
    AsBefore,
    /// This is what it is now.
    Now(Look),
}

/// Looks at a layer's file. Waits for storage as long as that takes.
pub fn at(host: &Host, layer: &Layer) -> Look {
    let place = host.locate(&layer.path);
    let program_owner =
        || host.program().and_then(|program| files::entry(&host.locate(program)).ok()).map(|at| at.owner);
    made_of(layer, files::read_stamped(&place), || files::exists(&place), program_owner)
}

/// Looks again at a file of which `before` was said. Storage is asked for less than to read it.
pub fn again(host: &Host, layer: &Layer, before: Option<&Look>) -> Said {
    match before {
        Some(Look::Found { stamp: Some(stamp), program_owner: None, owner, .. })
            if !asks_for_program(layer, *owner) && stamp::asked(&host.locate(&layer.path)) == Some(*stamp) =>
        {
            Said::AsBefore
        }
        _ => Said::Now(at(host, layer)),
    }
}

/// The same where the kernel says at once that all of it lies in the root's mount.
pub fn on_root(host: &Host, layer: &Layer) -> Option<Look> {
    let found = host.is_real().then(|| files::read_on_root(&layer.path)).flatten()?;
    // Where the program lies is not known yet.
    if found.as_ref().is_ok_and(|(entry, ..)| asks_for_program(layer, entry.owner)) {
        return None;
    }
    Some(made_of(layer, found, || files::exists(&layer.path), || None))
}

/// Whether the program's owner matters for a file of this owner, and so storage is asked for it.
fn asks_for_program(layer: &Layer, owner: u32) -> bool {
    layer.source == Source::Prefix && owner != 0 && owner != users::my_id()
}

fn made_of(
    layer: &Layer,
    found: io::Result<(files::Entry, Stamp, Vec<u8>)>,
    is_there: impl FnOnce() -> bool,
    program_owner: impl FnOnce() -> Option<u32>,
) -> Look {
    match found {
        Ok((entry, stamp, bytes)) => {
            let program_owner = if asks_for_program(layer, entry.owner) { program_owner() } else { None };
            Look::Found { owner: entry.owner, mode: entry.mode, program_owner, stamp: Some(stamp), bytes }
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Look::Absent { is_dangling: layer.source == Source::User && is_there() }
        }
        Err(error) => Look::Failed(error.to_string()),
    }
}

/// The paths that a look at this layer may ask storage for.
pub fn asked<'a>(host: &'a Host, layer: &'a Layer) -> impl Iterator<Item = &'a Path> {
    let program = if layer.source == Source::Prefix { host.program() } else { None };
    std::iter::once(&*layer.path).chain(program)
}

/// What is said as bytes: each a letter, its numbers and its text, the text with its length in front; numbers with the lowest byte first.
pub fn encode(said: impl IntoIterator<Item = Said>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for said in said {
        match said {
            Said::AsBefore => bytes.push(b's'),
            Said::Now(Look::Absent { is_dangling }) => bytes.push(if is_dangling { b'd' } else { b'a' }),
            Said::Now(Look::Failed(why)) => text(&mut bytes, b"f", why.as_bytes()),
            Said::Now(Look::Found { owner, mode, program_owner, stamp, bytes: all }) => {
                let letter = if program_owner.is_some() { b"p" } else { b"r" };
                let numbers = [Some(owner), Some(mode), program_owner].into_iter().flatten();
                let stamp = stamp.unwrap_or(NO_STAMP).into_iter().flat_map(u64::to_le_bytes);
                let before: Vec<u8> = numbers.flat_map(u32::to_le_bytes).chain(stamp).collect();
                text(&mut bytes, &[&letter[..], &before].concat(), &all);
            }
        }
    }
    bytes
}

/// What stands where there is no stamp: no file's number is 0.
const NO_STAMP: Stamp = [0; 7];

fn text(bytes: &mut Vec<u8>, before: &[u8], text: &[u8]) {
    bytes.extend(before);
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text);
}

/// What was said of so many files; where the bytes end too early or make no sense, a failure each.
pub fn decode(mut bytes: &[u8], count: usize) -> Vec<Said> {
    let lost = || Said::Now(Look::Failed("the process that reads it gave no answer".to_owned()));
    (0..count)
        .map(|_| {
            one(&mut bytes).unwrap_or_else(|| {
                bytes = &[];
                lost()
            })
        })
        .collect()
}

/// Takes the first from the front.
fn one(bytes: &mut &[u8]) -> Option<Said> {
    let (letter, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(Said::Now(match letter {
        b's' => return Some(Said::AsBefore),
        b'a' => Look::Absent { is_dangling: false },
        b'd' => Look::Absent { is_dangling: true },
        b'f' => Look::Failed(String::from_utf8_lossy(taken(bytes)?).into_owned()),
        b'r' | b'p' => Look::Found {
            owner: number(bytes)?,
            mode: number(bytes)?,
            program_owner: if *letter == b'p' { Some(number(bytes)?) } else { None },
            stamp: Some(stamp_from(bytes)?).filter(|stamp| *stamp != NO_STAMP),
            bytes: taken(bytes)?.to_owned(),
        },
        _ => return None,
    }))
}

fn stamp_from(bytes: &mut &[u8]) -> Option<Stamp> {
    let mut stamp = NO_STAMP;
    for number in &mut stamp {
        let (first, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        *number = u64::from_le_bytes(*first);
    }
    Some(stamp)
}

fn number(bytes: &mut &[u8]) -> Option<u32> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*number))
}

fn taken<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    *bytes = rest;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks() -> Vec<Said> {
        let found = |program_owner, stamp, bytes: &[u8]| {
            Said::Now(Look::Found { owner: 7, mode: 0o644, program_owner, stamp, bytes: bytes.into() })
        };
        vec![
            Said::Now(Look::Absent { is_dangling: false }),
            found(None, None, b""),
            Said::Now(Look::Failed("Permission denied (os error 13)".into())),
            found(Some(u32::MAX), Some([1, 2, u64::MAX, 4, 5, 6, 7]), &[b'x'; 5000]),
            Said::Now(Look::Absent { is_dangling: true }),
            Said::AsBefore,
            found(None, Some([7; 7]), b"a\xff"),
        ]
    }

    #[test]
    fn what_is_said_is_what_is_heard() {
        assert_eq!(decode(&encode(looks()), 7), looks());
        assert_eq!(decode(&encode([]), 0), []);
    }

    #[test]
    fn an_answer_that_ends_early_or_makes_no_sense_is_a_failure() {
        let whole = encode(looks());
        for end in 0..whole.len() {
            let heard = decode(&whole[..end], 7);
            let good = heard.iter().zip(looks()).take_while(|(one, other)| *one == other).count();
            assert!(good < 7);
            for lost in &heard[good..] {
                assert_eq!(*lost, Said::Now(Look::Failed("the process that reads it gave no answer".into())));
            }
        }
        for odd in [&b"x"[..], b"f\xff\xff\xff\xff\xff\xff\xff\xff", b"r\x01", b"ra"] {
            assert!(matches!(&decode(odd, 1)[..], [Said::Now(Look::Failed(_))]), "{odd:?}");
        }
        // What follows nonsense is nonsense too.
        assert!(matches!(&decode(b"xa", 2)[..], [Said::Now(Look::Failed(_)), Said::Now(Look::Failed(_))]));
    }
}
