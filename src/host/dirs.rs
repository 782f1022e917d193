//! Directories held open: what is in them is asked of them, not of a path.
//!
//! On a shared file system each part of a path is asked of a server. From an open directory one name is one question, whatever
//! the directory's own path.

use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags, RawDir, Stat};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symlink, wherever it leads.
    Link,
    /// A device, a pipe, a socket.
    Other,
}

impl Type {
    fn of(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Link,
            _ => Self::Other,
        }
    }
}

/// What there is to know of a file without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Type,
    /// Bytes.
    pub size: u64,
    /// Numbers of its file system and of itself in it: two names of one file have the same.
    pub identity: (u64, u64),
    /// Numeric id of the owner.
    pub owner: u32,
    /// Permission bits.
    pub mode: u32,
    /// When it was last read, in seconds since 1970, as far as its file system keeps that.
    pub accessed: i64,
    /// When it was last written.
    pub modified: i64,
}

impl Found {
    // The fields' types differ from one architecture to another.
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
    fn of(stat: &Stat) -> Self {
        Self {
            kind: Type::of(FileType::from_raw_mode(stat.st_mode)),
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            identity: (stat.st_dev as u64, stat.st_ino as u64),
            owner: stat.st_uid,
            mode: stat.st_mode & 0o7777,
            accessed: stat.st_atime as i64,
            modified: stat.st_mtime as i64,
        }
    }
}

/// An open directory.
#[derive(Debug)]
pub struct Dir(OwnedFd);

const OPEN: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Dir {
    /// Opens the directory that this path leads to.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(rustix::fs::openat(CWD, path, OPEN, Mode::empty())?))
    }

    /// Opens one below it.
    pub fn inner(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        Ok(Self(rustix::fs::openat(&self.0, name.as_ref(), OPEN, Mode::empty())?))
    }

    /// Its names, in the order in which its file system has them, each with its type. To be asked once.
    pub fn entries(&self) -> io::Result<Vec<(OsString, Type)>> {
        let mut buffer = vec![MaybeUninit::uninit(); 1 << 15];
        let mut entries = RawDir::new(&self.0, &mut buffer);
        let mut found = Vec::new();
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Not every file system says it here.
                FileType::Unknown => self.own(name).map_or(Type::Other, |found| found.kind),
                kind => Type::of(kind),
            };
            found.push((name.to_owned(), kind));
        }
        Ok(found)
    }

    /// What a name leads to.
    pub fn find(&self, name: impl AsRef<OsStr>) -> io::Result<Found> {
        Ok(Found::of(&rustix::fs::statat(&self.0, name.as_ref(), AtFlags::empty())?))
    }

    /// What a name is, be it a symlink.
    pub fn own(&self, name: impl AsRef<OsStr>) -> io::Result<Found> {
        Ok(Found::of(&rustix::fs::statat(&self.0, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW)?))
    }

    /// What stands in a symlink.
    pub fn target(&self, name: impl AsRef<OsStr>) -> io::Result<PathBuf> {
        let target = rustix::fs::readlinkat(&self.0, name.as_ref(), Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()).into())
    }

    /// Whether this user may read what a name leads to.
    pub fn is_readable(&self, name: impl AsRef<OsStr>) -> bool {
        rustix::fs::accessat(&self.0, name.as_ref(), Access::READ_OK, AtFlags::EACCESS).is_ok()
    }

    /// The first bytes of a regular file, `most` of them or all.
    ///
    /// # Errors
    /// As `open` and `read`; `InvalidInput` for what is no regular file.
    pub fn head(&self, name: impl AsRef<OsStr>, most: usize) -> io::Result<Vec<u8>> {
        // O_NONBLOCK: opening a FIFO that nobody writes must not wait.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.0, name.as_ref(), flags, Mode::empty())?;
        let found = Found::of(&rustix::fs::fstat(&file)?);
        if found.kind != Type::File {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        let mut bytes = vec![0; usize::try_from(found.size).unwrap_or(usize::MAX).min(most)];
        let mut filled = 0;
        while filled < bytes.len() {
            match rustix::io::read(&file, &mut bytes[filled..])? {
                0 => break,
                more => filled += more,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // they make what is looked at
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn names_have_their_types_and_lead_somewhere() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path();
        fs::create_dir(path.join("inner")).unwrap();
        fs::write(path.join("file"), "four").unwrap();
        symlink("file", path.join("link")).unwrap();
        symlink("loop", path.join("loop")).unwrap();
        let dir = Dir::open(path).unwrap();
        let mut entries = dir.entries().unwrap();
        entries.sort();
        let names: Vec<_> = entries.iter().map(|(name, kind)| (name.to_str().unwrap(), *kind)).collect();
        let links = [("link", Type::Link), ("loop", Type::Link)];
        assert_eq!(names, [&[("file", Type::File), ("inner", Type::Directory)][..], &links].concat());
        assert_eq!(dir.find("link").unwrap().identity, dir.find("file").unwrap().identity);
        assert_eq!((dir.find("link").unwrap().size, dir.own("link").unwrap().kind), (4, Type::Link));
        assert!(dir.find("loop").is_err() && dir.inner("link").is_err() && dir.inner("inner").is_ok());
        assert_eq!(dir.target("loop").unwrap(), Path::new("loop"));
        assert_eq!((dir.head("link", 2).unwrap(), dir.head("file", 99).unwrap()), (b"fo".to_vec(), b"four".to_vec()));
        assert!(dir.head("inner", 1).is_err());
    }

    #[test]
    fn a_large_directory_is_read_whole() {
        let temporary = tempfile::tempdir().unwrap();
        for number in 0..3000 {
            fs::write(temporary.path().join(format!("a file with a long name {number}")), "").unwrap();
        }
        assert_eq!(Dir::open(temporary.path()).unwrap().entries().unwrap().len(), 3000);
    }
}
