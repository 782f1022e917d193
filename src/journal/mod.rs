//! Changes of files that are not ours, each of which can be taken back: what was there is saved, and on the disk, before.
//!
//! A journal is a directory: `plan.json` says what changes into what, beside it lie the bytes. It comes into being whole, by a
//! rename, and ends so. In between, whoever was killed at whatever point, each file is as it was before, as it is to be after, or
//! somebody else's; which of these is told from the file itself, so there is no state that could be wrong. What is somebody
//! else's is never written over.

mod written;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use rustix::mount::{UnmountFlags, mount_bind, unmount};
use serde::{Deserialize, Serialize};

use self::written::{Unwritten, read, write};
use crate::host::likeness::{self, Likeness, Way};
use crate::host::lock::Lock;
use crate::host::{Host, durable, files};

/// How a change is made, and taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// The file itself changes.
    Change,
    /// The file stays as it is, and another one is mounted over it: for what cannot be written. It does not outlive the node.
    Cover,
}

/// What is to become of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its path; a symlink there is what changes.
    pub path: PathBuf,
    /// What is there, and is to come back.
    pub before: Likeness,
    /// What is to be there.
    pub after: Likeness,
    /// In which way.
    pub how: How,
    /// Directories above it that are made for it, the lowest first.
    dirs: Vec<PathBuf>,
}

impl Change {
    /// What is at this path, into that.
    ///
    /// # Errors
    /// As [`Likeness::of`].
    pub fn new(path: &Path, after: Likeness, how: How) -> io::Result<Self> {
        Ok(Self::from(path, Likeness::of(path)?, after, how))
    }

    /// The same, with something else to come back than what is there.
    pub fn from(path: &Path, before: Likeness, after: Likeness, how: How) -> Self {
        let dirs = path.ancestors().skip(1).take_while(|dir| !files::exists(dir)).map(Path::to_owned).collect();
        Self { path: path.to_owned(), before, after, how, dirs }
    }
}

/// What a file is, in the eyes of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// As it was.
    Before,
    /// As it is to be.
    After,
    /// As one of these, with empty lines behind it: somebody was killed who wrote it.
    Between,
    /// As somebody else has made it since.
    Foreign,
}

/// Where the journals of one kind lie, and no other process changes anything while this is there.
pub struct Journals {
    root: PathBuf,
    _lock: Lock,
}

/// Changes that have begun.
pub struct Journal {
    dir: PathBuf,
    /// In the order in which they are made.
    pub changes: Vec<Change>,
}

/// What the name of a journal ends in that was put aside.
const KEPT: &str = "kept";

/// Why a journal cannot be used, or a change cannot be made: one line.
pub type Wrong = String;

impl Journals {
    /// Those that lie below this directory, which is made where it is not there. Waits for another process at most so long.
    ///
    /// # Errors
    /// `WouldBlock` where another process is at work; others where there is no directory, and none can be made.
    pub fn open(root: &Path, patience: Duration) -> io::Result<Self> {
        let root = root.join("journal");
        durable::make_dir(&root)?;
        let lock = Lock::wait(&root.join("lock"), patience)?;
        Ok(Self { root, _lock: lock })
    }

    /// Whether one can begin below this directory, which is made where it is not there.
    ///
    /// # Errors
    /// Why not; a disk that is full is a reason.
    pub fn can_begin(root: &Path) -> io::Result<()> {
        let dir = root.join("journal");
        has_room(&dir)?;
        durable::make_dir(&dir)?;
        likeness::way(&dir.join("new"), false).map(|_| ())
    }

    /// The journal of this name, if there is one.
    ///
    /// # Errors
    /// Where it cannot be read, or is damaged.
    pub fn find(&self, name: &str) -> Result<Option<Journal>, Wrong> {
        self.tidy(name);
        read(&self.root.join(name))
    }

    /// Saves what is there, and how it is to change. Nothing has changed when this returns, and all of it is on the disk.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn begin(&self, name: &str, changes: Vec<Change>) -> Result<Journal, Wrong> {
        let (dir, new) = (self.root.join(name), self.root.join(format!("{name}.new")));
        let failed = |error: io::Error| format!("the original cannot be saved in {}: {error}", self.root.display());
        self.tidy(name);
        write(&new, &changes).map_err(|why| match why {
            Unwritten::Name(path) => format!("{} is no text", path.display()),
            Unwritten::Error(error) => failed(error),
        })?;
        durable::rename(&new, &dir).map_err(failed)?;
        Ok(Journal { dir, changes })
    }

    /// Ends a journal. What was saved goes with it, unless it is to be kept aside: gives where it lies then.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub fn end(&self, journal: Journal, keep: bool) -> Result<Option<PathBuf>, Wrong> {
        let Journal { dir, .. } = journal;
        let failed = |error: io::Error| format!("{} cannot be removed: {error}", dir.display());
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let aside = self.root.join(format!("{name}.{}", if keep { KEPT } else { "old" }));
        durable::remove_tree(&aside).and_then(|()| durable::rename(&dir, &aside)).map_err(failed)?;
        self.tidy(&name);
        Ok(keep.then_some(aside))
    }

    /// Puts a journal aside that cannot be read; gives where it lies then.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub fn put_aside(&self, name: &str) -> Result<PathBuf, Wrong> {
        let (dir, aside) = (self.root.join(name), self.root.join(format!("{name}.{KEPT}")));
        let moved = durable::remove_tree(&aside).and_then(|()| durable::rename(&dir, &aside));
        moved.map(|()| aside).map_err(|error| format!("{} cannot be put aside: {error}", dir.display()))
    }

    /// Removes what those have left who were killed while they made or ended a journal.
    fn tidy(&self, name: &str) {
        for end in ["new", "old"] {
            // What stays is in nobody's way.
            let _ = durable::remove_tree(&self.root.join(format!("{name}.{end}")));
        }
    }
}

/// Bytes and files that must be free where a journal is to lie, and what is written beside it.
const ROOM: u64 = 1 << 16;
const ROOM_FILES: u64 = 16;

/// Whether there is room in this directory, or where it will be made. A disk that does not count is not full.
fn has_room(dir: &Path) -> io::Result<()> {
    let Some(space) = dir.ancestors().find_map(|dir| rustix::fs::statvfs(dir).ok()) else { return Ok(()) };
    let free = if rustix::process::geteuid().is_root() { space.f_bfree } else { space.f_bavail };
    let is_full = space.f_blocks > 0 && free.saturating_mul(space.f_frsize) < ROOM;
    if is_full || space.f_files > 0 && space.f_ffree < ROOM_FILES {
        return Err(Errno::NOSPC.into());
    }
    Ok(())
}

/// The journal of this name below this directory, for who only wants to look: without a lock, and he changes nothing.
///
/// # Errors
/// Where it cannot be read, or is damaged.
pub fn glance(root: &Path, name: &str) -> Result<Option<Journal>, Wrong> {
    read(&root.join("journal").join(name))
}

impl Journal {
    /// Where the bytes of a file lie that is to come back, where it is one.
    pub fn saved(&self, number: usize) -> PathBuf {
        self.dir.join(format!("{number}.before"))
    }

    /// How a file stands.
    ///
    /// # Errors
    /// As [`Likeness::of`].
    pub fn stands(&self, number: usize) -> io::Result<Stands> {
        let Some(change) = self.changes.get(number) else { return Ok(Stands::Foreign) };
        if change.how == How::Cover && self.covers(number, &change.path) {
            return Ok(Stands::After);
        }
        let found = Likeness::of(&change.path)?;
        Ok(match () {
            () if change.how == How::Change && found.says(&change.after) => Stands::After,
            () if found.says(&change.before) => Stands::Before,
            () if change.how == How::Cover => Stands::Foreign,
            () if found.says_nearly(&change.after) || found.says_nearly(&change.before) => Stands::Between,
            () => Stands::Foreign,
        })
    }

    /// Whether the file that is mounted over this one is ours.
    fn covers(&self, number: usize, path: &Path) -> bool {
        let ours = files::entry(&self.dir.join(format!("{number}.after")));
        matches!((ours, files::entry(path)), (Ok(ours), Ok(found)) if ours == found)
    }

    /// Makes a change, where it is not made.
    ///
    /// # Errors
    /// As the calls to the kernel; `AlreadyExists` where the file is somebody else's by now.
    pub fn apply(&self, host: &Host, number: usize) -> io::Result<()> {
        let Some(change) = self.changes.get(number) else { return Ok(()) };
        match self.stands(number)? {
            Stands::After => return Ok(()),
            Stands::Foreign => return Err(io::ErrorKind::AlreadyExists.into()),
            Stands::Before | Stands::Between => {}
        }
        match change.how {
            How::Cover => Ok(mount_bind(self.dir.join(format!("{number}.after")), &change.path)?),
            How::Change => {
                durable::make_dir(change.path.parent().unwrap_or(Path::new("/")))?;
                likeness::put(&change.path, &change.after, way(host, &change.path)?)
            }
        }
    }

    /// Takes a change back, where it is made; gives how the file stood. What is somebody else's stays.
    ///
    /// # Errors
    /// As the calls to the kernel.
    pub fn undo(&self, host: &Host, number: usize) -> io::Result<Stands> {
        let Some(change) = self.changes.get(number) else { return Ok(Stands::Foreign) };
        let stands = self.stands(number)?;
        if change.how == How::Change {
            likeness::sweep(&change.path);
        }
        match (stands, change.how) {
            (Stands::Before | Stands::Foreign, _) => {}
            (_, How::Change) => likeness::put(&change.path, &change.before, way(host, &change.path)?)?,
            // Who has it open goes on reading it.
            (_, How::Cover) => match unmount(&change.path, UnmountFlags::DETACH) {
                Err(Errno::INVAL) | Ok(()) => {}
                Err(error) => return Err(error.into()),
            },
        }
        // Others may have put something there meanwhile.
        let _ = change.dirs.iter().try_for_each(|dir| durable::remove_dir(dir));
        Ok(stands)
    }
}

/// How the file at this path is to be changed here.
fn way(host: &Host, path: &Path) -> io::Result<Way> {
    likeness::way(path, host.mounts().iter().any(|mount| mount.point == path))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // files that no part of ours would write
mod tests {
    use std::fs;

    use super::written::PLAN;
    use super::*;
    use crate::host::likeness::Looks;

    const AT_ONCE: Duration = Duration::ZERO;

    struct World {
        root: tempfile::TempDir,
        host: Host,
    }

    impl World {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let host = Host::pretend(root.path(), &[], Box::new(Vec::new()), Box::new(Vec::new()));
            fs::write(root.path().join("rc"), "theirs\n").unwrap();
            Self { root, host }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.root.path().join(name)
        }

        fn journals(&self) -> Journals {
            Journals::open(&self.path("state"), AT_ONCE).unwrap()
        }

        /// `rc` gets another text, `made/by/us` comes into being, `link` too.
        fn changes(&self) -> Vec<Change> {
            let file = |text: &str| Likeness::File { bytes: text.into(), looks: Looks::plain() };
            let link = Likeness::Link { target: "rc".into(), owner: Looks::plain().owner };
            [("rc", file("ours\n")), ("made/by/us", file("new")), ("link", link)]
                .map(|(name, after)| Change::new(&self.path(name), after, How::Change).unwrap())
                .to_vec()
        }

        fn names(&self) -> Vec<String> {
            let mut names: Vec<String> = fs::read_dir(self.root.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        }
    }

    #[test]
    fn changes_are_made_and_taken_back() {
        let world = World::new();
        let before = Likeness::of(&world.path("rc")).unwrap();
        let journal = world.journals().begin("x", world.changes()).unwrap();
        assert_eq!(fs::read(world.path("rc")).unwrap(), b"theirs\n", "nothing has changed yet");
        for _ in 0..2 {
            for number in 0..3 {
                journal.apply(&world.host, number).unwrap();
                assert_eq!(journal.stands(number).unwrap(), Stands::After);
            }
        }
        assert_eq!(fs::read(world.path("link")).unwrap(), b"ours\n");
        assert_eq!(fs::read(world.path("made/by/us")).unwrap(), b"new");
        // As another process finds it.
        let journals = world.journals();
        let found = journals.find("x").unwrap().unwrap();
        assert_eq!(found.changes, journal.changes);
        assert_eq!(glance(&world.path("state"), "x").unwrap().unwrap().changes, journal.changes);
        for number in (0..3).rev() {
            assert_eq!(found.undo(&world.host, number).unwrap(), Stands::After);
            assert_eq!(found.undo(&world.host, number).unwrap(), Stands::Before);
        }
        assert_eq!(Likeness::of(&world.path("rc")).unwrap(), before);
        assert_eq!(journals.end(found, false), Ok(None));
        assert!(journals.find("x").unwrap().is_none());
        assert_eq!(world.names(), ["rc", "state"]);
        assert_eq!(fs::read_dir(world.path("state/journal")).unwrap().count(), 1, "the lock");
    }

    #[test]
    fn what_is_somebody_elses_stays() {
        let world = World::new();
        let journals = world.journals();
        let journal = journals.begin("x", world.changes()).unwrap();
        journal.apply(&world.host, 0).unwrap();
        fs::write(world.path("rc"), "somebody's\n").unwrap();
        fs::create_dir_all(world.path("made/by")).unwrap();
        fs::write(world.path("made/by/us"), "somebody's\n").unwrap();
        assert_eq!(journal.undo(&world.host, 0).unwrap(), Stands::Foreign);
        assert_eq!(journal.apply(&world.host, 1).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(journal.undo(&world.host, 1).unwrap(), Stands::Foreign);
        for name in ["rc", "made/by/us"] {
            assert_eq!(fs::read(world.path(name)).unwrap(), b"somebody's\n");
        }
        let kept = journals.end(journal, true).unwrap().unwrap();
        assert_eq!(fs::read(kept.join("0.before")).unwrap(), b"theirs\n");
    }

    #[test]
    fn a_file_between_two_steps_is_ours() {
        let world = World::new();
        let journal = world.journals().begin("x", world.changes()).unwrap();
        for text in ["theirs\n\n\n", "ours\n\n", "ours"] {
            fs::write(world.path("rc"), text).unwrap();
            assert_eq!(journal.undo(&world.host, 0).unwrap(), Stands::Between, "{text:?}");
            assert_eq!(fs::read(world.path("rc")).unwrap(), b"theirs\n");
        }
    }

    #[test]
    fn a_damaged_journal_is_told() {
        let world = World::new();
        let journal = world.journals().begin("x", world.changes()).unwrap();
        let before = journal.dir.join("0.before");
        fs::write(&before, "theirs?\n").unwrap();
        let why = world.journals().find("x").err().unwrap();
        assert_eq!(why, format!("{} is damaged", journal.dir.display()));
        fs::remove_file(&before).unwrap();
        assert!(world.journals().find("x").is_err());
        fs::write(journal.dir.join(PLAN), "[").unwrap();
        assert!(world.journals().find("x").is_err());
    }

    #[test]
    fn one_process_at_a_time() {
        let world = World::new();
        let first = world.journals();
        let second = Journals::open(&world.path("state"), AT_ONCE);
        assert_eq!(second.err().unwrap().kind(), io::ErrorKind::WouldBlock);
        drop(first);
        world.journals();
    }
}
