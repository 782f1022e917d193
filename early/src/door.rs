//! `hpcsh init SHELL` and `hpcsh trust --ask -- ENVIRONMENT`, answered from the record of the last time.

use core::mem::MaybeUninit;

use crate::name::Name;
use crate::premises::{self, Environment, rest_of, text_at};
use crate::record::{Entries, MAGIC, MOST, NAMES, Tag};
use crate::system::{self, Path, Piece};

/// The most pieces that an answer has.
const PIECES: usize = 8;

/// Answers and ends the process, if this is a question whose answer is known; comes back otherwise, with nothing done.
///
/// # Safety
/// `stack` is what the kernel gave to the process: the number of its arguments, these, a null pointer, its variables, a null
/// pointer.
pub unsafe extern "C" fn answer(stack: *const usize) {
    // SAFETY: as the caller promises.
    unsafe {
        let count = *stack;
        let words = stack.wrapping_add(1).cast::<*const u8>();
        let is = |at: usize, word: &[u8]| rest_of(*words.wrapping_add(at), word).is_some_and(|end| *end == 0);
        let environment = || Environment::of(words.wrapping_add(count + 1));
        if count == 3 && is(1, b"init") {
            let letters = |name: &'static [u8]| name.split_last().map_or(&[][..], |(_, letters)| letters);
            if let Some((_, record)) = NAMES.iter().find(|(name, _)| is(2, letters(name))) {
                let _ = of_login(record, environment());
            }
        } else if count == 5 && is(1, b"trust") && is(2, b"--ask") && is(3, b"--") {
            let _ = of_trust(text_at(*words.wrapping_add(4)), environment());
        }
    }
}

/// Says what the record of this name says; comes back where it cannot.
#[allow(clippy::large_stack_arrays)] // there is no heap yet, and nothing else on the stack
fn of_login(name: &[u8], environment: Environment) -> Option<()> {
    let mut buffer = [MaybeUninit::uninit(); MOST];
    let record = read(Path::of(name)?, environment, &mut buffer)?;
    // A file or a terminal gets another answer than a shell.
    system::status(1).filter(system::Status::is_pipe)?;
    let mut said = [Piece::NONE; PIECES];
    let mut count = 0;
    let mut online = None;
    for (tag, first, second) in Entries::of(premises::behind(record, MAGIC)?) {
        match tag {
            Tag::SayOnline | Tag::SayOffline if online? != (tag == Tag::SayOnline) => {}
            Tag::Say | Tag::SayOnline | Tag::SayOffline => {
                *said.get_mut(count)? = Piece::of(first);
                count += 1;
            }
            Tag::Verdict => online = Some(verdict(first, second, environment)?),
            Tag::End if system::write(said.get_mut(..count)?) => system::end(),
            _ if premises::holds(tag, first, second, environment) => {}
            _ => return None,
        }
    }
    None
}

/// Says, by the status, that the environment of this path may be entered, where a record says so; comes back otherwise.
#[allow(clippy::large_stack_arrays)] // as above
fn of_trust(path: &[u8], environment: Environment) -> Option<()> {
    let mut buffer = [MaybeUninit::uninit(); MOST];
    let record = read(Path::of(Name::of_trusted(path).zeroed())?, environment, &mut buffer)?;
    let mut entries = Entries::of(premises::behind(record, MAGIC)?);
    let (first, about, _) = entries.next()?;
    if first != Tag::About || !premises::same(about, path) {
        return None;
    }
    for (tag, first, second) in entries {
        match tag {
            Tag::End => system::end(),
            _ if premises::holds(tag, first, second, environment) => {}
            _ => return None,
        }
    }
    None
}

/// The record, if it is ours and nobody else can have written it.
fn read(name: Path, environment: Environment, buffer: &mut [MaybeUninit<u8>]) -> Option<&[u8]> {
    let usual = Name::of_directory(environment.user());
    let dir = match environment.nonempty(b"HPCSH_LOCAL_DIR=") {
        Some(named) => named,
        None => Path::of(usual.zeroed())?,
    };
    let dir = system::directory(dir);
    let file = system::open(dir, name);
    let is_private = file >= 0 && premises::is_private(dir, environment.user());
    system::close(dir);
    if is_private {
        return mine(file, environment, buffer);
    }
    system::close(file);
    None
}

/// What is in an open file that is ours; it is given back.
fn mine(file: isize, environment: Environment, buffer: &mut [MaybeUninit<u8>]) -> Option<&[u8]> {
    let status = system::status(file)?;
    let is_mine = status.is_file() && status.owner() == environment.user();
    let text = is_mine.then(|| system::read(file, buffer));
    system::close(file);
    text
}

/// Whether the verdict in this file says that the node is online; `None` where it does not hold, or says neither.
fn verdict(path: &[u8], most: &[u8], environment: Environment) -> Option<bool> {
    let mut buffer = [MaybeUninit::uninit(); 1001];
    let text = mine(system::open(system::HERE, Path::of(path)?), environment, &mut buffer)?;
    let (end, line) = text.split_last()?;
    if *end != b'\n' || line.iter().any(|byte| *byte < b' ') {
        return None;
    }
    let mut words = line.splitn(3, |byte| *byte == b' ');
    let (word, expires, _) = (words.next()?, number(words.next()?)?, words.next()?);
    let left = expires.checked_sub(system::seconds())?;
    let online = premises::same(word, b"online");
    let is_known = online || premises::same(word, b"offline");
    (is_known && left > 0 && left <= u64::from_le_bytes(*most.first_chunk()?)).then_some(online)
}

/// A number in decimal digits.
fn number(digits: &[u8]) -> Option<u64> {
    let add = |number: u64, byte: &u8| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    };
    if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
}
