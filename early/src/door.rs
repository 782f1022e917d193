//! `hpcsh init SHELL`, answered from the record of the last one.

use core::mem::MaybeUninit;

use crate::premises::{self, Environment, rest_of};
use crate::record::{Entries, MAGIC, MOST, NAMES, Tag};
use crate::system::{self, Path, Piece};

/// The most pieces that an answer has.
const PIECES: usize = 8;

/// Answers and ends the process, if this is a login whose answer is known; comes back otherwise, with nothing done.
///
/// # Safety
/// `stack` is what the kernel gave to the process: the number of its arguments, these, a null pointer, its variables, a null
/// pointer.
pub unsafe extern "C" fn answer(stack: *const usize) {
    // SAFETY: as the caller promises.
    unsafe {
        if *stack != 3 {
            return;
        }
        let words = stack.wrapping_add(1).cast::<*const u8>();
        let (task, shell) = (*words.wrapping_add(1), *words.wrapping_add(2));
        if rest_of(task, b"init").is_none_or(|end| *end != 0) {
            return;
        }
        let name = NAMES.iter().find(|(name, _)| {
            let letters = name.split_last().map_or(&[][..], |(_, letters)| letters);
            rest_of(shell, letters).is_some_and(|end| *end == 0)
        });
        if let Some((_, record)) = name {
            let _ = of_record(record, Environment::of(words.wrapping_add(4)));
        }
    }
}

/// Answers from the record of this name; comes back where it cannot.
#[allow(clippy::large_stack_arrays)] // there is no heap yet, and nothing else on the stack
fn of_record(name: &[u8], environment: Environment) -> Option<()> {
    let mut buffer = [MaybeUninit::uninit(); MOST];
    let record = read(name, environment, &mut buffer)?;
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

/// The record, if it is ours and nobody else can have written it.
fn read<'a>(name: &[u8], environment: Environment, buffer: &'a mut [MaybeUninit<u8>]) -> Option<&'a [u8]> {
    let mut place = [0; 32];
    let dir = match environment.nonempty(b"HPCSH_LOCAL_DIR=") {
        Some(named) => named,
        None => usual(&mut place, environment.user())?,
    };
    let dir = system::directory(dir);
    let file = system::open(dir, Path::of(name)?);
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

/// `/var/tmp/hpcsh-UID`
fn usual(place: &mut [u8; 32], user: u32) -> Option<Path> {
    let mut digits = [0; 10];
    let mut first = digits.len();
    let mut rest = user;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        first -= 1;
        if rest == 0 {
            break;
        }
    }
    let name = b"/var/tmp/hpcsh-".iter().chain(digits.get(first..)?);
    // What is left of the place is zero.
    place.iter_mut().zip(name).for_each(|(place, byte)| *place = *byte);
    let end = place.iter().position(|byte| *byte == 0)?;
    Path::of(place.get(..=end)?)
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
