//! What a script is told of the node and the environment in which it runs: it stands in front of the script, and is no part of it, since
//! another shell can use that again.

use std::ffi::OsString;
use std::path::PathBuf;

use super::code::Shell;
use super::marker::Marker;
use super::prologue::Prologue;
use crate::host::Host;
use crate::verdict::State;

/// What a script is told of the node on which it runs: not part of it, since it can be kept and used again by another shell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether the node is online.
    pub state: State,
    /// Whether it is the configuration's word, which does not turn.
    pub is_fixed: bool,
    /// Whether that has expired.
    pub is_old: bool,
    /// What the paths of the node's memory begin with.
    pub memory: Option<PathBuf>,
    /// The record of a process that waits for shared storage; `None` while that answers.
    pub reader: Option<PathBuf>,
    /// A line for the first prompt; empty: none.
    pub notice: String,
    /// Whether the environment has a variable of the exports, or a mirror that leaves some of them out, or nobody knows.
    pub is_taken: bool,
    /// What of the configured directories PATH lacks, as it stands before the rest of it; and the records of them for the marker. Not
    /// for fish.
    pub first: (String, Vec<u8>),
}

impl Facts {
    /// Whether a login has more to do than to set what the script says; bash asks for all of that at once.
    fn is_unusual(&self, shell: Shell) -> bool {
        self.is_taken || shell == Shell::Bash && (self.state == State::Unknown || self.reader.is_some())
    }

    /// Assignments to evaluate before the script.
    pub fn text(&self, shell: Shell) -> Vec<u8> {
        let path = |path: &Option<PathBuf>| path.clone().unwrap_or_default().into_os_string().into_encoded_bytes();
        let (memory, reader) = (path(&self.memory), path(&self.reader));
        let mut prologue = Prologue::new(shell, 0);
        let mut scalars: Vec<(&str, &[u8])> = vec![
            ("fact", self.state.word().as_bytes()),
            ("fixed", if self.is_fixed { self.state.word().as_bytes() } else { b"" }),
            ("expired", if self.is_old { b"1" } else { b"" }),
            ("memory", &memory),
            ("reader", &reader),
            ("notice", self.notice.as_bytes()),
            ("taken", if self.is_unusual(shell) { b"1" } else { b"" }),
            ("login", b""),
        ];
        if shell != Shell::Fish {
            scalars.extend([("first", self.first.0.as_bytes()), ("added", &self.first.1)]);
        }
        // What the code assigns before it asks: globals that zsh is told of, and fish, where a loop has its own.
        match shell {
            Shell::Zsh => scalars.extend([("verdict", &b""[..]), ("dir", b"")]),
            Shell::Fish => scalars.push(("verdict", b"")),
            Shell::Bash => {}
        }
        prologue.scalars(&scalars);
        prologue.text
    }
}

/// Assignments of other things that go before a script.
pub fn assignments(shell: Shell, words: &[(&str, OsString)]) -> Vec<u8> {
    let mut prologue = Prologue::new(shell, 0);
    let words: Vec<_> = words.iter().map(|(name, word)| (*name, word.as_encoded_bytes())).collect();
    prologue.scalars(&words);
    prologue.text
}

/// What a login has inherited where it is not the usual one, beside the variables that it sets.
pub const INHERITED: &[&str] = &["HPCSH_STORAGE", "VIRTUAL_ENV"];

/// Has zsh find out what the facts say of the environment, where no program has looked: what PATH lacks. Its script asks for itself
/// whether one of the exports is set.
pub fn probe(path: &[String]) -> Vec<u8> {
    let mut prologue = Prologue::new(Shell::Zsh, 0);
    prologue.lacking(path);
    prologue.text
}

/// Which of these directories PATH lacks: [`Facts::first`]. `None` where it is empty, and nothing may stand before nothing.
pub fn first(host: &Host, path: &[String]) -> Option<(String, Vec<u8>)> {
    let mut lacking = Vec::new();
    for dir in path {
        if host.path_lacks(dir)? {
            lacking.push(dir.clone());
        }
    }
    Some(in_front(&lacking))
}

/// These directories as they stand before the rest of PATH, each of them once, and their records for the marker.
pub fn in_front(path: &[String]) -> (String, Vec<u8>) {
    let mut once: Vec<&String> = Vec::new();
    for dir in path {
        if !once.contains(&dir) {
            once.push(dir);
        }
    }
    let first = once.iter().flat_map(|dir| [dir.as_str(), ":"]).collect();
    let added = once.iter().rev().flat_map(|dir| Marker::record(Marker::ADDED_TO_PATH, dir)).collect();
    (first, added)
}
