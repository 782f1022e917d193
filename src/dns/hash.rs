//! A hash of a name for the tables in memory: a multiplication for each eight bytes.
//!
//! Whoever asks cannot choose names that fall together, since he does not know the keys, which each table has for itself.

use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};

use super::question::Name;

/// The keys of one table.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    seed: u64,
    factor: u64,
}

impl Keys {
    /// Others each time.
    pub fn new() -> Self {
        let random = RandomState::new();
        Self { seed: random.hash_one(1), factor: random.hash_one(2) | 1 }
    }

    /// The hash of a name, and of what else is asked.
    #[inline]
    pub fn hash(&self, name: &Name, more: u64) -> u64 {
        let begin = mixed(self.seed, more, self.factor);
        let hash = name.words().iter().fold(begin, |hash, word| mixed(hash, u64::from_le_bytes(*word), self.factor));
        // Of one word alone the upper bits are weak.
        mixed(hash, self.seed, self.factor)
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self::new()
    }
}

/// A hash with a word more: both halves of a product, as `wyhash` does.
#[inline]
pub fn mixed(hash: u64, word: u64, factor: u64) -> u64 {
    let (low, high) = (hash ^ word).carrying_mul(factor, 0);
    low ^ high
}

/// For a map whose keys are such hashes already.
pub type AsItIs = BuildHasherDefault<Same>;

/// See [`AsItIs`].
#[derive(Debug, Default)]
pub struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Nothing else is asked for; whatever it is, it counts.
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_differ_and_so_do_their_hashes_in_every_part() {
        let keys = Keys::new();
        let name = |number: u32| Name::of(&format!("name-{number}.example")).unwrap();
        for part in [0, 16, 32, 48] {
            let parts: HashSet<u64> = (0..2000).map(|number| keys.hash(&name(number), 0) >> part & 0xffff).collect();
            // By chance about thirty fall together.
            assert!(parts.len() > 1900, "{part}: {}", parts.len());
        }
        let name = name(1);
        assert_eq!(keys.hash(&name, 1), keys.hash(&Name::of("NAME-1.example.").unwrap(), 1));
        assert_ne!(keys.hash(&name, 1), keys.hash(&name, 2));
        assert_ne!(keys.hash(&name, 1), Keys::new().hash(&name, 1));
    }
}
