//! Files: read whole in the fewest calls, written so that a reader sees the old or the new bytes and never less.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use hpcsh_early::record::Stamp;

use super::{clock, stamp};

/// The most that is read of a file that holds text for us; a larger one is no configuration.
const MOST: u64 = 1 << 20;
/// How often a lock is tried that another process holds.
const PAUSE: Duration = Duration::from_millis(2);

/// What tells one file from another, and who may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number of the file system, on this node.
    pub device: u64,
    /// Number of the file in it.
    pub inode: u64,
    /// Numeric id of the owner.
    pub owner: u32,
    /// Permission bits.
    pub mode: u32,
}

impl Entry {
    fn of(found: &fs::Metadata) -> Self {
        Self { device: found.dev(), inode: found.ino(), owner: found.uid(), mode: found.mode() & 0o7777 }
    }
}

/// What this name leads to.
pub fn entry(path: &Path) -> io::Result<Entry> {
    fs::metadata(path).map(|found| Entry::of(&found))
}

/// What this name is, be it a symlink.
pub fn own_entry(path: &Path) -> io::Result<Entry> {
    fs::symlink_metadata(path).map(|found| Entry::of(&found))
}

/// Whether a regular file of this owner's is at a path; a symlink is none.
pub fn is_file_of(path: &Path, owner: u32) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.uid() == owner)
}

/// The path without symlinks.
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

/// What stands in a symlink.
pub fn link_target(path: &Path) -> io::Result<PathBuf> {
    fs::read_link(path)
}

/// The symlinks on the way to this absolute path, and through the last one too, each with its owner.
///
/// # Errors
/// As `lstat` and `readlink`; where there are more than 40, as the kernel has it.
pub fn links(path: &Path) -> io::Result<Vec<(PathBuf, u32)>> {
    let parts = |path: &Path| path.components().rev().map(|part| part.as_os_str().to_owned()).collect::<Vec<_>>();
    let mut links = Vec::new();
    let mut ahead = parts(path);
    let mut at = PathBuf::new();
    while let Some(part) = ahead.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        at.push(&part);
        let found = fs::symlink_metadata(&at)?;
        if found.is_symlink() {
            let target = fs::read_link(&at)?;
            links.push((at.clone(), found.uid()));
            if links.len() > 40 {
                return Err(io::Error::from(Errno::LOOP));
            }
            at.pop();
            ahead.extend(parts(&target).into_iter().filter(|part| part != "."));
        }
    }
    Ok(links)
}

/// The files of a directory.
pub fn list(dir: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect()
}

/// Whether only this machine writes the file system of this path: by the number that `statfs` gives, from linux/magic.h.
///
/// An unknown one counts as shared. A container's overlay counts as its own: nobody else writes its layers.
pub fn is_on_local_storage(path: &Path) -> bool {
    const LOCAL: &[u32] = &[
        0x0000_ef53, // ext2, ext3, ext4
        0x5846_5342, // xfs
        0x9123_683e, // btrfs
        0x2fc1_2fc1, // zfs
        0xf2f5_2010, // f2fs
        0xca45_1a4e, // bcachefs
        0x0102_1994, // tmpfs
        0x8584_58f6, // ramfs
        0x794c_7630, // overlayfs
        0x7371_7368, // squashfs
        0x3153_464a, // jfs
        0x5265_4973, // reiserfs
    ];
    rustix::fs::statfs(path).is_ok_and(|found| LOCAL.iter().any(|magic| i128::from(*magic) == i128::from(found.f_type)))
}

/// The whole of a regular file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    read_with_entry(path).map(|(_, bytes)| bytes)
}

/// The whole of a regular file and whose it is: one open, one fstat, one read, one close.
///
/// # Errors
/// As `open` and `read`; `InvalidInput` for what is no regular file (a FIFO would block for ever) or is over 1 MiB.
pub fn read_with_entry(path: &Path) -> io::Result<(Entry, Vec<u8>)> {
    read_stamped(path).map(|(entry, _, bytes)| (entry, bytes))
}

/// The same, with its stamp before it was read.
pub fn read_stamped(path: &Path) -> io::Result<(Entry, Stamp, Vec<u8>)> {
    // O_NONBLOCK: opening a FIFO that nobody writes must not wait.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    whole(OpenOptions::new().read(true).custom_flags(flags).open(path)?)
}

/// Opens a regular file that is read while others write it.
///
/// # Errors
/// As `open`; `InvalidInput` for what is no regular file.
pub fn follow(path: &Path) -> io::Result<(Entry, File)> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    Ok((Entry::of(&found), file))
}

/// Opens a file to which a command is going to write, behind what is in it; makes it where there is none.
pub fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// The same for a file in the root's mount, as `open_on_root` says; `None` where that cannot tell.
pub fn read_on_root(path: &Path) -> Option<io::Result<(Entry, Stamp, Vec<u8>)>> {
    open_on_root(path, OFlags::RDONLY | OFlags::NONBLOCK).map(|opened| whole(opened?))
}

/// Whether the way to this path never leaves the root's mount, be there something at its end or not.
pub fn is_on_root(path: &Path) -> bool {
    open_on_root(path, OFlags::PATH).is_some()
}

/// Opens what an absolute path leads to if all of the way there lies in the root's mount and in the kernel's memory, so that
/// nothing is asked of any other storage: one call in place of `open`.
///
/// `None` where it is otherwise, or the kernel has no such call (before 5.12) or forbids it, and for errors that
/// may stand for this.
fn open_on_root(path: &Path, flags: OFlags) -> Option<io::Result<File>> {
    if !path.is_absolute() {
        return None;
    }
    // From the kernel's memory alone: to find out that a path crosses into an automounter's mount may wait for the automounter.
    let resolve = ResolveFlags::NO_XDEV | ResolveFlags::CACHED;
    match rustix::fs::openat2(rustix::fs::CWD, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
        Ok(file) => Some(Ok(file.into())),
        Err(error @ (Errno::NOENT | Errno::NOTDIR | Errno::ACCESS)) => Some(Err(error.into())),
        Err(_) => None,
    }
}

/// All of an open file, whose it is, and its stamp before.
fn whole(mut file: File) -> io::Result<(Entry, Stamp, Vec<u8>)> {
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    if found.len() > MOST {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is larger than 1 MiB"));
    }
    let (entry, stamp) = (Entry::of(&found), stamp::of(&found));
    let mut bytes = vec![0; usize::try_from(found.len()).unwrap_or_default()];
    if bytes.is_empty() {
        // The files of /proc say that they are empty. They come a page at a time.
        bytes.reserve(1 << 14);
        file.take(MOST).read_to_end(&mut bytes)?;
        return Ok((entry, stamp, bytes));
    }
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read(&mut bytes[filled..])? {
            0 => break,
            more => filled += more,
        }
    }
    bytes.truncate(filled);
    Ok((entry, stamp, bytes))
}

/// A short text: the one-line files of /proc and of our own. One open, one fstat, one read, one close.
///
/// # Errors
/// As `open` and `read`; `InvalidInput` for what is no regular file, is neither ours nor root's, holds over 1000 bytes, or is
/// no UTF-8 text. A symlink is not followed.
pub fn read_short(path: &Path) -> io::Result<String> {
    let wrong = |why| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    let found = rustix::fs::fstat(&file)?;
    if rustix::fs::FileType::from_raw_mode(found.st_mode) != rustix::fs::FileType::RegularFile {
        return wrong("it is no regular file");
    }
    if found.st_uid != 0 && found.st_uid != super::users::my_id() {
        return wrong("it belongs to another user");
    }
    let mut bytes = [0; 1001];
    let count = rustix::io::read(&file, &mut bytes)?;
    match std::str::from_utf8(&bytes[..count]) {
        Ok(text) if count < bytes.len() => Ok(text.to_owned()),
        _ => wrong("it is no line of text"),
    }
}

/// Whether something is there, without following a symlink at the end.
pub fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Makes the directory of `path` and those above it.
#[allow(clippy::disallowed_methods)] // this is the door
pub fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Makes a directory that only its owner may enter, and those above it.
#[allow(clippy::disallowed_methods)] // this is the door
pub fn make_private(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Removes a file.
pub fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Puts these bytes in place of a file, or where there is none: a reader sees the old ones or the new ones.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    swap(path, bytes, File::sync_all)
}

/// The same, for what need not outlive the node: not synced, and for the owner's eyes.
pub fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    swap(path, bytes, |_| Ok(()))
}

/// The same, for everybody's eyes, whatever the user's mask says, from the moment at which it is there.
pub fn publish(path: &Path, bytes: &[u8]) -> io::Result<()> {
    swap(path, bytes, |file| Ok(rustix::fs::fchmod(file, Mode::from_raw_mode(0o644))?))
}

/// Writes the bytes beside the file, sees to the new one, and puts it in place.
fn swap(path: &Path, bytes: &[u8], finish: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let (beside, mut file) = sibling(path)?;
    let done = file.write_all(bytes).and_then(|()| finish(&file)).and_then(|()| fs::rename(&beside, path));
    if done.is_err() {
        let _ = fs::remove_file(&beside);
    }
    done
}

/// Writes into a file that is there, in one call and in its place: those of /proc are told things so.
pub fn tell(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(bytes)
}

/// A file to be written later: emptied, or made. It may be a pipe.
pub fn writer(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(path)
}

/// Creates a file that was not there, with a line in it: whole or not at all, not synced.
///
/// # Errors
/// `AlreadyExists` where something was there; it is left alone.
pub fn claim(path: &Path, line: &[u8]) -> io::Result<()> {
    let (beside, mut file) = sibling(path)?;
    let done = file.write_all(line).and_then(|()| fs::hard_link(&beside, path));
    let _ = fs::remove_file(&beside);
    done
}

/// Does it while no other process does, by a lock on the directory of `path`; without one where there are no locks, or somebody
/// who was stopped holds it past the deadline.
pub fn alone<T>(path: &Path, deadline: Duration, act: impl FnOnce() -> T) -> T {
    let begun = clock::now();
    let dir = path.parent().and_then(|dir| OpenOptions::new().read(true).open(dir).ok());
    let would_wait =
        |dir: &File| rustix::fs::flock(dir, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK);
    while dir.as_ref().is_some_and(would_wait) && begun.elapsed() < deadline {
        clock::sleep(PAUSE);
    }
    act()
}

/// Creates a file that was not there, whole or not at all: written beside it, synced, linked into place.
///
/// # Errors
/// `AlreadyExists` where something came into being meanwhile; it is left alone.
#[allow(clippy::disallowed_methods)] // this is the door
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (beside, mut file) = sibling(path)?;
    let result = (|| {
        file.write_all(bytes)?;
        file.sync_all()?;
        // A link fails where rename would overwrite; some network file systems have no links.
        match fs::hard_link(&beside, path) {
            Err(error) if has_no_links(&error) && !exists(path) => fs::rename(&beside, path),
            done => done,
        }
    })();
    let _ = fs::remove_file(&beside);
    result
}

/// Whether `link` says that the file system has none: most say so by EPERM.
fn has_no_links(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied)
}

/// A new file in the same directory, of this process alone.
///
/// Its name has the process in it, and a number: processes of other containers have the same ids, and one that was
/// killed has left its file behind.
fn sibling(path: &Path) -> io::Result<(PathBuf, File)> {
    let process = rustix::process::getpid().as_raw_pid();
    for number in 0.. {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".hpcsh-{process}-{number}"));
        let beside = path.with_file_name(name);
        match OpenOptions::new().write(true).create_new(true).mode(0o644).open(&beside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 100 => {}
            opened => return opened.map(|file| (beside, file)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_created_once() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("new");
        create(&path, b"first").unwrap();
        assert_eq!(create(&path, b"second").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_is_replaced() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("page");
        for text in [b"first", b"again"] {
            replace(&path, text).unwrap();
            assert_eq!(read(&path).unwrap(), text);
        }
        assert!(replace(temporary.path(), b"over a directory").is_err());
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        let temporary = tempfile::tempdir().unwrap();
        let fifo = temporary.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RUSR).unwrap();
        assert_eq!(read(&fifo).unwrap_err().to_string(), "it is no regular file");
        assert_eq!(read(temporary.path()).unwrap_err().to_string(), "it is no regular file");
    }
}
