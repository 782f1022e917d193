//! Directories and names that are on the disk when the call returns: what is made, renamed or removed outlives a power loss.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

/// Makes a directory that others may look into, and those above it.
pub fn make_dir(dir: &Path) -> io::Result<()> {
    let above = above(dir);
    if fs::symlink_metadata(dir).is_ok() || dir == above {
        return Ok(());
    }
    make_dir(above)?;
    match DirBuilder::new().mode(0o755).create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.and_then(|()| sync(above)),
    }
}

/// Removes an empty directory.
pub fn remove_dir(dir: &Path) -> io::Result<()> {
    fs::remove_dir(dir).and_then(|()| sync(above(dir)))
}

/// Renames within a directory.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to).and_then(|()| sync(above(to)))
}

/// Removes a directory and all that is in it, or nothing where there is nothing. Not synced: what of it comes back is removed again.
pub fn remove_tree(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Syncs a directory: its names, not what they stand for.
pub fn sync(dir: &Path) -> io::Result<()> {
    match OpenOptions::new().read(true).custom_flags(OFlags::DIRECTORY.bits().cast_signed()).open(dir)?.sync_all() {
        // Some file systems have no such thing.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        done => done,
    }
}

fn above(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if dir.as_os_str().is_empty() => Path::new("."),
        dir => dir.unwrap_or(Path::new("/")),
    }
}
