//! What changes when a file is written, or another one has its name.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use hpcsh_early::record::Stamp;
use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};

use super::clock;

/// How long a file must have stayed as it is until its stamp tells it from what it is going to be: file systems count time in ticks
/// of some milliseconds, the coarsest in two seconds.
const SETTLED: i64 = 2;

/// What a look at a path finds, to be compared with a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A file of this stamp.
    There(Stamp),
    /// Nothing.
    Absent,
}

impl Seen {
    /// What is at this path now.
    pub fn at(path: &Path) -> Self {
        at(path).map_or(Self::Absent, Self::There)
    }

    /// Whether whatever happens to the file from now on gives it another stamp.
    pub fn is_settled(&self) -> bool {
        match self {
            Self::There(stamp) => clock::calendar() - stamp[5].cast_signed() > SETTLED,
            Self::Absent => true,
        }
    }
}

/// The stamp of a file.
pub fn of(found: &Metadata) -> Stamp {
    [
        found.dev(),
        found.ino(),
        found.size(),
        found.mtime().cast_unsigned(),
        found.mtime_nsec().cast_unsigned(),
        found.ctime().cast_unsigned(),
        found.ctime_nsec().cast_unsigned(),
    ]
}

/// The stamp of what this path leads to; `None` where nothing is there, or nobody says.
pub fn at(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().map(|found| of(&found))
}

/// The stamp of the symlink of this path.
pub fn of_link(path: &Path) -> Option<Stamp> {
    fs::symlink_metadata(path).ok().map(|found| of(&found))
}

/// The stamp of this program, as the kernel remembers it: the storage on which it lies is not asked.
pub fn of_program() -> Option<Stamp> {
    found(Path::new("/proc/self/exe"), AtFlags::STATX_DONT_SYNC)
}

/// The stamp of what this path leads to, as the storage has it: the kernel asks it, as where the file is opened, and does not go by
/// what it has heard some seconds ago (NFS).
pub fn asked(path: &Path) -> Option<Stamp> {
    found(path, AtFlags::STATX_FORCE_SYNC)
}

fn found(path: &Path, how: AtFlags) -> Option<Stamp> {
    let found = statx(CWD, path, how, StatxFlags::BASIC_STATS).ok()?;
    let (modified, changed) = (found.stx_mtime, found.stx_ctime);
    Some([
        makedev(found.stx_dev_major, found.stx_dev_minor),
        found.stx_ino,
        found.stx_size,
        modified.tv_sec.cast_unsigned(),
        modified.tv_nsec.into(),
        changed.tv_sec.cast_unsigned(),
        changed.tv_nsec.into(),
    ])
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // files that no part of ours would write
mod tests {
    use super::*;

    #[test]
    fn whatever_is_done_to_a_file_shows() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("file");
        let other = temporary.path().join("other");
        assert_eq!(at(&path), None);
        fs::write(&path, "one").unwrap();
        let before = at(&path).unwrap();
        assert!(!Seen::There(before).is_settled(), "it has only just been written");
        assert_eq!(at(&path), Some(before));
        fs::copy(&path, &other).unwrap();
        fs::rename(&other, &path).unwrap();
        assert_ne!(at(&path), Some(before), "another file of the same text");
        let mut old = before;
        old[5] -= 3;
        assert!(Seen::There(old).is_settled());
        let program = std::env::current_exe().unwrap();
        assert_eq!((of_program(), of_program().is_some()), (at(&program), true));
        fs::remove_file(&path).unwrap();
        assert_eq!(Seen::at(&path), Seen::Absent);
    }
}
