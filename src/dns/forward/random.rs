//! Numbers that nobody guesses: of messages, and of sockets (RFC 5452).

use std::hash::{BuildHasher as _, RandomState};

use rustix::rand::{GetRandomFlags, getrandom};

/// As many bytes are taken from the kernel by one call; up to this it gives them whole.
const STORE: usize = 256;

/// A store of them.
#[derive(Debug)]
pub struct Random {
    store: [u8; STORE],
    left: usize,
    /// For a kernel that has none to give.
    keys: RandomState,
    turn: u64,
}

impl Random {
    /// An empty store.
    pub fn new() -> Self {
        Self { store: [0; STORE], left: 0, keys: RandomState::new(), turn: 0 }
    }

    /// One of all numbers of two bytes.
    pub fn number(&mut self) -> u16 {
        if self.left < 2 {
            self.fill();
        }
        self.left -= 2;
        u16::from_ne_bytes([self.store[self.left], self.store[self.left + 1]])
    }

    /// One of the numbers below this one, which is small.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.number()) % bound.max(1)
    }

    fn fill(&mut self) {
        self.left = STORE;
        if getrandom(&mut self.store, GetRandomFlags::NONBLOCK) == Ok(STORE) {
            return;
        }
        // Shortly after the start of the node, or in a sandbox: the keys of the standard library's maps are the next best.
        for bytes in self.store.chunks_exact_mut(8) {
            self.turn += 1;
            bytes.copy_from_slice(&self.keys.hash_one(self.turn).to_ne_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_differ() {
        let mut random = Random::new();
        let all: std::collections::BTreeSet<u16> = (0..1000).map(|_| random.number()).collect();
        assert!(all.len() > 900);
        assert!((0..1000).all(|_| random.below(16) < 16));
    }
}
