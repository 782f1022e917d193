//! Does a premise still hold? One small question to the kernel each, and none to any storage.

use core::mem::MaybeUninit;

use crate::name::Name;
use crate::record::{self, MARKER, Stamp, Tag};
use crate::system::{self, Path};

/// The variables of this process, and who it is.
#[derive(Clone, Copy)]
pub struct Environment {
    words: *const *const u8,
    user: u32,
}

/// `AT_EUID` of the kernel's auxiliary vector.
const USER: usize = 12;

impl Environment {
    /// The array of words that the kernel has put behind the arguments, and behind it what it says of the process: pairs of a
    /// kind and a value, up to the kind zero.
    ///
    /// # Safety
    /// The first ends with a null pointer, and each word before that with a zero byte.
    pub unsafe fn of(words: *const *const u8) -> Self {
        let mut user = u32::MAX;
        // SAFETY: as far as the null pointer, and then as far as the kind zero.
        unsafe {
            let mut at = words;
            while !(*at).is_null() {
                at = at.wrapping_add(1);
            }
            let mut pair = at.wrapping_add(1).cast::<[usize; 2]>();
            while (*pair)[0] != 0 {
                if (*pair)[0] == USER {
                    user = u32::try_from((*pair)[1]).unwrap_or(user);
                }
                pair = pair.wrapping_add(1);
            }
        }
        Self { words, user }
    }

    /// The effective user id of the process.
    pub fn user(self) -> u32 {
        self.user
    }

    /// What follows `before` in the first word that begins so.
    pub fn after(self, before: &[u8]) -> Option<*const u8> {
        let mut at = self.words;
        // SAFETY: as far as the null pointer, as `of` asks.
        while let Some(word) = unsafe { (*at).as_ref() } {
            // SAFETY: as far as the zero byte.
            if let Some(rest) = unsafe { rest_of(word, before) } {
                return Some(rest);
            }
            at = at.wrapping_add(1);
        }
        None
    }

    /// The value of the variable whose name, with its equals sign, this is; `None` where it is unset or empty.
    pub fn nonempty(self, name: &[u8]) -> Option<Path> {
        let value = self.after(name)?;
        // SAFETY: the word has a zero byte at its end.
        unsafe { (*value != 0).then(|| Path::at(value)) }
    }
}

/// What follows `before` in a word that begins so.
///
/// # Safety
/// The word has a zero byte at its end.
pub unsafe fn rest_of(mut word: *const u8, before: &[u8]) -> Option<*const u8> {
    for byte in before {
        // SAFETY: as far as the zero byte, which is none of `before`'s or ends both.
        if unsafe { *word } != *byte || *byte == 0 {
            return None;
        }
        word = word.wrapping_add(1);
    }
    Some(word)
}

/// The bytes of a word, up to its zero byte.
///
/// # Safety
/// The word has a zero byte at its end, and stays as it is.
pub unsafe fn text_at<'a>(word: *const u8) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: as far as the zero byte.
    unsafe {
        while *word.wrapping_add(length) != 0 {
            length += 1;
        }
        &*core::ptr::slice_from_raw_parts(word, length)
    }
}

/// Whether two texts are one, without the C library's word for it.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one == other)
}

/// What is behind these bytes in a text that begins so.
pub fn behind<'a>(text: &'a [u8], before: &[u8]) -> Option<&'a [u8]> {
    let (first, rest) = text.split_at_checked(before.len())?;
    same(first, before).then_some(rest)
}

/// Whether this holds. What says something is no premise, nor is a verdict: those hold not.
pub fn holds(tag: Tag, first: &[u8], second: &[u8], environment: Environment) -> bool {
    match tag {
        Tag::Set => is_set(first, environment),
        Tag::Unset => environment.after(first).is_none(),
        Tag::Free => environment.after(first).is_none() || is_below(environment),
        Tag::Has => has(environment, first) == Some(true) || is_below(environment),
        Tag::Lacks => has(environment, first) == Some(false) || is_below(environment),
        Tag::Link => leads_to(first, second),
        Tag::Says => says(first, second),
        Tag::Node => same(system::node(&mut [MaybeUninit::uninit(); 390]), first),
        Tag::Program => is_program(first),
        Tag::File => is_as_it_was(first, second),
        Tag::Near => is_near(first, second),
        Tag::Place => is_in_its_place(first, second),
        Tag::Way => is_the_link(first, second),
        Tag::Absent => is_absent(first),
        Tag::Ours => is_ours(first, environment.user),
        Tag::About | Tag::Verdict | Tag::Say | Tag::SayOnline | Tag::SayOffline | Tag::End => false,
    }
}

/// Whether the marker is set, and says something.
fn is_below(environment: Environment) -> bool {
    let Some(value) = environment.after(MARKER) else { return false };
    // SAFETY: the word has a zero byte at its end.
    unsafe { rest_of(value, b"=").is_some_and(|value| *value != 0) }
}

/// Whether PATH has this directory; `None` where it is unset or empty.
fn has(environment: Environment, dir: &[u8]) -> Option<bool> {
    let path = environment.after(b"PATH=")?;
    // SAFETY: the word has a zero byte at its end.
    let path = unsafe { text_at(path) };
    (!path.is_empty()).then(|| path.split(|byte| *byte == b':').any(|found| same(found, dir)))
}

/// `NAME=VALUE`: the first of that name has that value.
fn is_set(word: &[u8], environment: Environment) -> bool {
    let Some(equals) = word.iter().position(|byte| *byte == b'=') else { return false };
    let (name, value) = word.split_at_checked(equals + 1).unwrap_or_default();
    let Some(found) = environment.after(name) else { return false };
    // SAFETY: the word has a zero byte at its end.
    unsafe { rest_of(found, value).is_some_and(|end| *end == 0) }
}

fn leads_to(path: &[u8], target: &[u8]) -> bool {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    Path::of(path).is_some_and(|path| same(system::target(path, &mut buffer), target))
}

fn says(path: &[u8], text: &[u8]) -> bool {
    let mut buffer = [MaybeUninit::uninit(); 1024];
    let Some(path) = Path::of(path) else { return false };
    let file = system::open(system::HERE, path);
    let is_so = file >= 0 && same(system::read(file, &mut buffer), text);
    system::close(file);
    is_so
}

fn is_program(stamp: &[u8]) -> bool {
    is_near(b"/proc/self/exe\0", stamp)
}

fn is_near(path: &[u8], stamp: &[u8]) -> bool {
    let found = Path::of(path).and_then(|path| system::stamp(system::HERE, path));
    found.is_some_and(|found| begins(&found, stamp))
}

fn is_as_it_was(path: &[u8], stamp: &[u8]) -> bool {
    Path::of(path).is_some_and(|path| has_stamp(system::remembered(path), stamp, |_| true))
}

/// The stamp, and behind it the path without symlinks: who has another directory lead to the same file may have it lead elsewhere
/// the next moment.
fn is_in_its_place(path: &[u8], place: &[u8]) -> bool {
    let (Some(path), Some((stamp, real))) = (Path::of(path), place.split_first_chunk::<56>()) else { return false };
    let mut buffer = [MaybeUninit::uninit(); 4096];
    has_stamp(system::remembered(path), stamp, |file| {
        Path::of(Name::of_open(file).zeroed()).is_some_and(|open| same(system::target(open, &mut buffer), real))
    })
}

fn is_the_link(path: &[u8], stamp: &[u8]) -> bool {
    Path::of(path).is_some_and(|path| has_stamp(system::remembered_link(path), stamp, |_| true))
}

/// Whether what was found has this stamp, or one that begins so, and whatever else is asked of it; it is given back.
fn has_stamp(file: isize, stamp: &[u8], more: impl FnOnce(isize) -> bool) -> bool {
    let found = system::stamp(file, system::ITSELF);
    let is_so = found.is_some_and(|found| begins(&found, stamp)) && more(file);
    system::close(file);
    is_so
}

/// Whether a stamp's bytes begin so.
fn begins(stamp: &Stamp, bytes: &[u8]) -> bool {
    !bytes.is_empty() && behind(&record::bytes(stamp), bytes).is_some()
}

fn is_absent(path: &[u8]) -> bool {
    Path::of(path).is_some_and(|path| {
        let file = system::remembered(path);
        system::close(file);
        system::NOTHING.contains(&file)
    })
}

fn is_ours(path: &[u8], user: u32) -> bool {
    Path::of(path).is_some_and(|path| {
        let dir = system::directory(path);
        let is_so = is_private(dir, user);
        system::close(dir);
        is_so
    })
}

/// Whether an open directory is this user's alone.
pub fn is_private(dir: isize, user: u32) -> bool {
    system::status(dir).is_some_and(|status| status.is_private_directory() && status.owner() == user)
}
