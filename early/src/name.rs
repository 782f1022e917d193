//! Names of files, made without an allocator.

use crate::digest;

/// What the names of the answers to a shell's question about an environment begin with.
const TRUSTED: &[u8] = b"ready.trusted-";

/// A name in the making: as many bytes as the longest needs, and a zero byte.
pub struct Name([u8; 32]);

impl Name {
    fn of<'a>(parts: impl Iterator<Item = &'a u8>) -> Self {
        let mut name = [0; 32];
        let places = name.split_last_mut().map_or(&mut [][..], |(_, before)| before);
        places.iter_mut().zip(parts).for_each(|(place, byte)| *place = *byte);
        Self(name)
    }

    /// `/var/tmp/hpcsh-UID`
    pub fn of_directory(user: u32) -> Self {
        Self::numbered(b"/var/tmp/hpcsh-", user)
    }

    /// `/proc/self/fd/N`
    pub fn of_open(file: isize) -> Self {
        Self::numbered(b"/proc/self/fd/", u32::try_from(file).unwrap_or(u32::MAX))
    }

    fn numbered(before: &[u8], number: u32) -> Self {
        let mut digits = [0; 10];
        let mut first = digits.len();
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            first -= 1;
            if rest == 0 {
                break;
            }
        }
        Self::of(before.iter().chain(digits.get(first..).unwrap_or_default()))
    }

    /// Of the answer about the environment of this path, in the node-local directory: one of 256 names, so that there are never more
    /// files. Of two environments with one name, the later answer takes the place of the other.
    pub fn of_trusted(environment: &[u8]) -> Self {
        // The answer itself says which environment it is about.
        let [slot, ..] = digest::of(environment).to_le_bytes();
        let digits = [slot >> 4, slot & 15].map(|digit| if digit < 10 { b'0' } else { b'a' - 10 } + digit);
        Self::of(TRUSTED.iter().chain(&digits))
    }

    /// Its bytes, and the zero byte.
    pub fn zeroed(&self) -> &[u8] {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or_default();
        self.0.get(..=length).unwrap_or_default()
    }
}
