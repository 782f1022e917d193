//! The answer of a login, kept with all that it depends on, so that the next login is answered before the C library has begun.
//!
//! `ready.SHELL` in the node-local directory; [`hpcsh_early`] reads it, and says what it holds only while each of its premises
//! holds: the environment as far as anybody has asked for it, the configuration's files, the program, the boot, the host, the
//! network, the node's own files. Whatever storage others share is no part of it, since to ask that takes patience.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use hpcsh_early::record::{MAGIC, MOST, Stamp, Tag, bytes};

use super::init::{Facts, Shell};
use crate::host::boot::Boot;
use crate::host::stamp::{self, Seen};
use crate::host::{Asked, Host, files, local_dir};
use crate::verdict::State;

/// All of a stamp's bytes.
const ALL: usize = size_of::<Stamp>();
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
    pub kept: &'a [PathBuf],
    /// The file with the node's verdict, and for how many seconds one holds at the most; `None` where it is the configuration's word.
    pub verdict: Option<(&'a Path, u64)>,
}

/// Keeps the answer, `facts` and what follows them, if it can be told whether its premises hold. What cannot be kept is found out
/// again at each login.
pub fn keep(host: &Host, shell: Shell, premises: &Premises, facts: &Facts, rest: &[u8]) {
    // Nobody's password is written anywhere.
    if !hpcsh_early::ANSWERS || premises.boot.proxies.contains('@') || premises.boot.network.is_empty() {
        return;
    }
    let file = local_dir::default_path(host).join(format!("ready.{}", shell.name()));
    let record = host.asked().and_then(|asked| record(host, shell, premises, &asked, facts, rest));
    // What is there may be another home's, or another program's; of this one, some premise does not hold any more.
    if let Some(record) = record.filter(|record| record.len() < MOST)
        && !files::read(&file).is_ok_and(|kept| kept == record)
    {
        let _ = files::put(&file, &record);
    }
}

fn record(
    host: &Host,
    shell: Shell,
    premises: &Premises,
    asked: &Asked,
    facts: &Facts,
    rest: &[u8],
) -> Option<Vec<u8>> {
    // Before anything is asked: right after a change there is nothing to keep yet.
    if !premises.layers.iter().all(|(_, seen)| seen.is_settled()) {
        return None;
    }
    let program = host.program()?;
    let users = Path::new("/etc/passwd");
    let boot = premises.boot;
    let mut record = Record(MAGIC.to_vec());
    for (name, value) in asked {
        match value {
            Some(value) => record.push(Tag::Set, &[name.as_bytes(), b"=", value.as_bytes()].concat(), b""),
            None => record.push(Tag::Unset, &[name.as_bytes(), b"="].concat(), b""),
        }
    }
    record.push(Tag::Says, b"/proc/sys/kernel/random/boot_id\0", format!("{}\n", boot.id).as_bytes());
    record.push(Tag::Node, boot.name.as_bytes(), b"");
    record.push(Tag::Link, b"/proc/self/ns/net\0", format!("net:[{}]", boot.network).as_bytes());
    record.push(Tag::Link, b"/proc/self/exe\0", program.as_os_str().as_bytes());
    let is_settled = |found: &Stamp| Seen::There(*found).is_settled();
    record.push(Tag::Program, &bytes(&stamp::of_program().filter(is_settled)?), b"");
    record.file(users, Some(Seen::at(users)).filter(Seen::is_settled)?, ALL);
    for (path, seen) in premises.layers {
        record.file(path, *seen, ALL);
    }
    for dir in premises.ours {
        record.push(Tag::Ours, &zeroed(dir), b"");
    }
    // What is in these may change.
    if let Some(dir) = premises.history {
        record.file(dir, Seen::at(dir), NUMBERS);
    }
    for file in premises.kept {
        record.push(Tag::Near, &zeroed(file), &bytes(&stamp::at(file)?)[..NUMBERS]);
    }
    if let Some((file, most)) = premises.verdict {
        record.push(Tag::Verdict, &zeroed(file), &most.to_le_bytes());
        for (tag, state) in [(Tag::SayOnline, State::Online), (Tag::SayOffline, State::Offline)] {
            record.push(tag, &Facts { state, is_old: false, ..facts.clone() }.text(shell), b"");
        }
    } else {
        record.push(Tag::Say, &facts.text(shell), b"");
    }
    record.push(Tag::Say, rest, b"");
    record.push(Tag::End, b"", b"");
    Some(record.0)
}

/// A path as the kernel wants it.
fn zeroed(path: &Path) -> Vec<u8> {
    [path.as_os_str(), OsStr::new("\0")].map(OsStr::as_bytes).concat()
}

struct Record(Vec<u8>);

impl Record {
    fn push(&mut self, tag: Tag, first: &[u8], second: &[u8]) {
        self.0.push(tag as u8);
        for field in [first, second] {
            // One that is longer is in no record, which would be too long.
            self.0.extend(u32::try_from(field.len()).unwrap_or(u32::MAX).to_le_bytes());
        }
        self.0.extend([first, second].concat());
    }

    /// That this is at a path, as far as so many bytes of its stamp tell.
    fn file(&mut self, path: &Path, seen: Seen, length: usize) {
        match seen {
            Seen::There(stamp) => self.push(Tag::File, &zeroed(path), &bytes(&stamp)[..length]),
            Seen::Absent => self.push(Tag::Absent, &zeroed(path), b""),
        }
    }
}
