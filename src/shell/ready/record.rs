//! A record as it is written: what every answer depends on, and whatever else one adds.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use hpcsh_early::record::{MAGIC, MOST, Stamp, Tag, bytes};

use crate::host::boot::Boot;
use crate::host::stamp::{self, Seen};
use crate::host::{Host, Said, files, local_dir};

/// All of a stamp's bytes.
pub const ALL: usize = size_of::<Stamp>();

/// The entries so far.
pub struct Record(Vec<u8>);

impl Record {
    /// One without any.
    pub fn empty() -> Self {
        Self(MAGIC.to_vec())
    }

    /// Adds what every answer depends on: the variables that anybody has asked for, the boot, the host, the network, the program,
    /// the table of users, the configuration's files. `None` where one of them may still change unseen.
    pub fn common(&mut self, host: &Host, boot: &Boot, layers: &[(PathBuf, Seen)]) -> Option<()> {
        if !layers.iter().all(|(_, seen)| seen.is_settled()) {
            return None;
        }
        let program = host.program()?;
        let users = Path::new("/etc/passwd");
        let asked = host.asked()?;
        for (dir, lacks) in &asked.path {
            self.push(if *lacks { Tag::Lacks } else { Tag::Has }, dir.as_bytes(), b"");
        }
        for (name, value) in asked.variables {
            match value {
                Said::Set(value) => self.push(Tag::Set, &[name.as_bytes(), b"=", value.as_bytes()].concat(), b""),
                Said::Unset => self.push(Tag::Unset, &[name.as_bytes(), b"="].concat(), b""),
                Said::Free => self.push(Tag::Free, &begun(name.as_bytes()), b""),
            }
        }
        self.push(Tag::Says, b"/proc/sys/kernel/random/boot_id\0", format!("{}\n", boot.id).as_bytes());
        self.push(Tag::Node, boot.name.as_bytes(), b"");
        self.push(Tag::Link, b"/proc/self/ns/net\0", format!("net:[{}]", boot.network).as_bytes());
        self.push(Tag::Link, b"/proc/self/exe\0", program.as_os_str().as_bytes());
        self.push(Tag::Program, &bytes(&settled(stamp::of_program())?), b"");
        self.file(users, Some(Seen::at(users)).filter(Seen::is_settled)?, ALL);
        for (path, seen) in layers {
            self.file(path, *seen, ALL);
        }
        Some(())
    }

    /// Adds an entry.
    pub fn push(&mut self, tag: Tag, first: &[u8], second: &[u8]) {
        self.0.push(tag as u8);
        for field in [first, second] {
            // One that is longer is in no record, which would be too long.
            self.0.extend(u32::try_from(field.len()).unwrap_or(u32::MAX).to_le_bytes());
        }
        self.0.extend_from_slice(first);
        self.0.extend_from_slice(second);
    }

    /// That this is at a path, as far as so many bytes of its stamp tell.
    pub fn file(&mut self, path: &Path, seen: Seen, length: usize) {
        match seen {
            Seen::There(stamp) => self.push(Tag::File, &zeroed(path), &bytes(&stamp)[..length]),
            Seen::Absent => self.push(Tag::Absent, &zeroed(path), b""),
        }
    }

    /// Ends the record and writes it under this name, unless it is what stands there. What cannot be kept is found out again.
    pub fn keep(mut self, host: &Host, name: &OsStr) {
        self.push(Tag::End, b"", b"");
        let file = local_dir::default_path(host).join(name);
        if self.0.len() < MOST && !files::read(&file).is_ok_and(|kept| kept == self.0) {
            let _ = files::put(&file, &self.0);
        }
    }
}

/// What a word of the environment begins with that is a variable of this name.
fn begun(name: &[u8]) -> Vec<u8> {
    match name.strip_suffix(b"*") {
        Some(before) => before.to_vec(),
        None => [name, b"="].concat(),
    }
}

/// A stamp that tells what it is of from all that it is going to be.
pub fn settled(found: Option<Stamp>) -> Option<Stamp> {
    found.filter(|found| Seen::There(*found).is_settled())
}

/// Whether an answer may be kept at all where it depends on these proxies and this network: nobody's password is written anywhere.
pub fn is_possible(boot: &Boot) -> bool {
    hpcsh_early::ANSWERS && !boot.proxies.contains('@') && !boot.network.is_empty()
}

/// A path as the kernel wants it.
pub fn zeroed(path: &Path) -> Vec<u8> {
    [path.as_os_str(), OsStr::new("\0")].map(OsStr::as_bytes).concat()
}
