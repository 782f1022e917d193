//! Files: read whole in the fewest calls, written so that a reader sees the old or the new bytes and never less.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// The most that is read of a file that holds text for us; a larger one is no configuration.
const MOST: u64 = 1 << 20;

/// An open file's owner and mode, from the file that was read, not from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Numeric id of the owner.
    pub id: u32,
    /// Permission bits.
    pub mode: u32,
}

/// The whole of a regular file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    read_with_owner(path).map(|(_, bytes)| bytes)
}

/// The whole of a regular file and whose it is: one open, one fstat, one read, one close.
///
/// # Errors
/// As `open` and `read`; `InvalidInput` for what is no regular file (a FIFO would block for ever) or is over 1 MiB.
pub fn read_with_owner(path: &Path) -> io::Result<(Owner, Vec<u8>)> {
    // O_NONBLOCK: opening a FIFO that nobody writes must not wait.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    if found.len() > MOST {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is larger than 1 MiB"));
    }
    let owner = Owner { id: found.uid(), mode: found.mode() & 0o7777 };
    let mut bytes = vec![0; usize::try_from(found.len()).unwrap_or_default()];
    if bytes.is_empty() {
        // The files of /proc say that they are empty.
        file.take(MOST).read_to_end(&mut bytes)?;
        return Ok((owner, bytes));
    }
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read(&mut bytes[filled..])? {
            0 => break,
            more => filled += more,
        }
    }
    bytes.truncate(filled);
    Ok((owner, bytes))
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

/// Writes a file that may be there, whole or not at all: written beside it, synced, moved over it.
#[allow(clippy::disallowed_methods)] // this is the door
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (beside, mut file) = sibling(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
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
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(read(&fifo).unwrap_err().to_string(), "it is no regular file");
        assert_eq!(read(temporary.path()).unwrap_err().to_string(), "it is no regular file");
    }
}
