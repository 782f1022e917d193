//! The answer of a login, kept with all that it depends on, so that the next login is answered before the C library has begun.
//!
//! `ready.SHELL` in the node-local directory; [`hpcsh_early`] reads it, and says what it holds only while each of its premises
//! holds: the environment as far as anybody has asked for it, the configuration's files, the program, the boot, the host, the
//! network, the node's own files. Whatever storage others share is no part of it, since to ask that takes patience.

pub mod record;
pub mod trusted;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use hpcsh_early::record::{Stamp, Tag, bytes};

use super::code::Shell;
use super::facts::Facts;
use super::kept::KeptFile;
use crate::host::Host;
use crate::host::boot::Boot;
use crate::host::stamp::{self, Seen};
use crate::verdict::State;
use record::{Record, is_possible, zeroed};

/// Those of the numbers of a file and its file system: the file may change, and be no other.
const NUMBERS: usize = 16;

/// All that the answer of a login depends on, beside what every login asks for itself.
pub struct Premises<'a> {
    /// The boot, the host, the network.
    pub boot: &'a Boot,
    /// The configuration's files.
    pub layers: &'a [(PathBuf, Seen)],
    /// Directories that are ours alone.
    pub ours: &'a [&'a Path],
    /// Where the history lies, if there is one: on this node too, but not in a directory of our own.
    pub history: Option<&'a Path>,
    /// What we have written on this node, and the answer speaks of.
    pub kept: &'a [KeptFile],
    /// The file that names the script for logins without the program.
    pub last: &'a Path,
    /// The file with the node's verdict, and for how many seconds one holds at the most; `None` where it is the configuration's word.
    pub verdict: Option<(&'a Path, u64)>,
}

/// Keeps the answer, `facts` and what follows them, if it can be told whether its premises hold. What cannot be kept is found out
/// again at each login.
pub fn keep(host: &Host, shell: Shell, premises: &Premises, facts: &Facts, rest: &[u8]) {
    if is_possible(premises.boot)
        && let Some(record) = record_of(host, shell, premises, facts, rest)
    {
        // What is there may be another home's, or another program's; of this one, some premise does not hold any more.
        record.keep(host, OsStr::new(&format!("ready.{}", shell.name())));
    }
}

fn record_of(host: &Host, shell: Shell, premises: &Premises, facts: &Facts, rest: &[u8]) -> Option<Record> {
    let mut record = Record::empty();
    record.common(host, premises.boot, premises.layers)?;
    for dir in premises.ours {
        record.push(Tag::Ours, &zeroed(dir), b"");
    }
    // What is in these may change.
    if let Some(dir) = premises.history {
        record.file(dir, Seen::at(dir), NUMBERS);
    }
    let mut near = |file: &Path, stamp: &Stamp| record.push(Tag::Near, &zeroed(file), &bytes(stamp)[..NUMBERS]);
    for (file, stamp) in premises.kept {
        near(file, stamp);
    }
    near(premises.last, &stamp::at(premises.last)?);
    if let Some((file, most)) = premises.verdict {
        record.push(Tag::Verdict, &zeroed(file), &most.to_le_bytes());
        for (tag, state) in [(Tag::SayOnline, State::Online), (Tag::SayOffline, State::Offline)] {
            record.push(tag, &Facts { state, is_old: false, ..facts.clone() }.text(shell), b"");
        }
    } else {
        record.push(Tag::Say, &facts.text(shell), b"");
    }
    record.push(Tag::Say, rest, b"");
    Some(record)
}
