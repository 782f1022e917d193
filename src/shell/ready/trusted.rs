//! That a shell may enter an environment, kept with all that the answer depends on.
//!
//! `ready.trusted-NN` in the node-local directory. Only a yes is kept, and only of what lies on this node's own storage: whoever
//! says no tells why, and other nodes change shared storage unseen.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use hpcsh_early::name::Name;
use hpcsh_early::record::{Stamp, Tag, bytes};

use super::record::{ALL, Record, is_possible, settled, zeroed};
use crate::host::boot::Boot;
use crate::host::stamp::{self, Seen};
use crate::host::{Host, files, local_dir};
use crate::shell::trust::{self, Settings};

/// What the answer about an environment depends on, as it was before anybody judged it: what changes meanwhile has another stamp than
/// the one that is recorded.
pub struct Before {
    /// Its parts, each with its path without symlinks.
    places: Vec<(PathBuf, Stamp, PathBuf)>,
    /// The symlinks on the way to them.
    links: Vec<(PathBuf, Stamp)>,
    /// Where the user's word on it is looked for.
    records: Vec<(PathBuf, Seen)>,
}

impl Before {
    /// Looks at all of it; `None` where no answer could be kept.
    pub fn of(settings: &Settings, environment: &Path) -> Option<Self> {
        // Roots are for storage that is shared.
        if !hpcsh_early::ANSWERS || !settings.roots.is_empty() || !environment.is_absolute() {
            return None;
        }
        let mut before = Self { places: Vec::new(), links: Vec::new(), records: Vec::new() };
        for part in trust::PARTS {
            let path = if part.is_empty() { environment.to_owned() } else { environment.join(part) };
            for (link, _) in files::links(&path).ok()? {
                if before.links.iter().all(|(known, _)| *known != link) {
                    let found = settled(stamp::of_link(&link))?;
                    before.links.push((link, found));
                }
            }
            let real = files::real_path(&path).ok()?;
            let found = settled(stamp::at(&path))?;
            before.places.push((path, found, real));
        }
        let (.., real) = before.places.first()?;
        before.records.extend(trust::records::looked_for(settings, real).into_iter().map(|file| {
            let seen = Seen::at(&file);
            (file, seen)
        }));
        before.records.iter().all(|(_, seen)| seen.is_settled()).then_some(before)
    }
}

/// Keeps that the environment may be entered.
pub fn keep(host: &Host, layers: &[(PathBuf, Seen)], environment: &Path, before: &Before) {
    let Some(boot) = Boot::of(host).filter(is_possible) else { return };
    let path = environment.as_os_str().as_bytes();
    let mut record = Record::empty();
    record.push(Tag::About, path, b"");
    for (path, stamp, real) in &before.places {
        record.push(Tag::Place, &zeroed(path), &[&bytes(stamp), real.as_os_str().as_bytes()].concat());
    }
    for (link, stamp) in &before.links {
        record.push(Tag::Way, &zeroed(link), &bytes(stamp));
    }
    for (file, seen) in &before.records {
        record.file(file, *seen, ALL);
    }
    if record.common(host, &boot, layers).is_some() && local_dir::ensure(&local_dir::default_path(host)).is_ok() {
        let name = Name::of_trusted(path);
        let name = name.zeroed().split_last().map_or(&[][..], |(_, name)| name);
        record.keep(host, OsStr::from_bytes(name));
    }
}
