//! All that belongs to a file that is not ours, so that it can be put back as it was; and changes of it that nobody sees half.
//!
//! Where it can be, a file is replaced by another one (`rename`). One that is a mount itself, as containers have /etc/resolv.conf,
//! refuses that (EBUSY), and one in a directory that is closed to us keeps its owner only so: those are written in their place,
//! in steps each of which leaves a whole text with nothing but empty lines behind it.

mod in_place;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Gid, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::durable;

/// The most that is kept of a file.
const MOST: u64 = 1 << 20;
/// The most that an attribute, or the list of them, takes (xattr(7)).
const MOST_ATTRIBUTE: usize = 1 << 16;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// Nothing.
    Nothing,
    /// A symlink.
    Link {
        /// What stands in it.
        target: PathBuf,
        /// Whose it is.
        owner: Owner,
    },
    /// A regular file.
    File {
        /// What is in it.
        bytes: Vec<u8>,
        /// What else there is to it.
        looks: Looks,
    },
}

/// Numeric ids of a user and a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The user's.
    pub user: u32,
    /// The group's.
    pub group: u32,
}

/// What there is to a regular file beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looks {
    /// Permission bits.
    pub mode: u32,
    /// Whose it is.
    pub owner: Owner,
    /// When it was last written: seconds since 1970, and nanoseconds. `None` where that does not matter.
    pub modified: Option<(i64, i64)>,
    /// Its extended attributes: labels, access lists.
    pub attributes: BTreeMap<String, Vec<u8>>,
}

impl Looks {
    /// Those of a new file that everybody may read.
    pub fn plain() -> Self {
        let owner = Owner { user: rustix::process::geteuid().as_raw(), group: rustix::process::getegid().as_raw() };
        Self { mode: 0o644, owner, modified: None, attributes: BTreeMap::new() }
    }

    fn of(path: &Path, found: &fs::Metadata) -> Self {
        Self {
            mode: found.mode() & 0o7777,
            owner: Owner { user: found.uid(), group: found.gid() },
            modified: Some((found.mtime(), found.mtime_nsec())),
            attributes: attributes(path),
        }
    }
}

impl Likeness {
    /// What is at this path; a symlink is not followed.
    ///
    /// # Errors
    /// As `lstat` and `read`; `InvalidInput` for what is neither a file nor a symlink, or is larger than 1 MiB.
    pub fn of(path: &Path) -> io::Result<Self> {
        let found = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Nothing),
            found => found?,
        };
        let wrong = |why| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        if found.is_symlink() {
            let owner = Owner { user: found.uid(), group: found.gid() };
            return Ok(Self::Link { target: fs::read_link(path)?, owner });
        }
        if !found.is_file() {
            return wrong("it is neither a file nor a link");
        }
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
        // All of it in one call: somebody may be writing it in its place.
        let mut bytes = Vec::with_capacity(usize::try_from(found.len().min(MOST)).unwrap_or_default() + 1);
        file.take(MOST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MOST {
            return wrong("it is larger than 1 MiB");
        }
        Ok(Self::File { bytes, looks: Looks::of(path, &found) })
    }

    /// Its bytes, where it is a file.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::File { bytes, .. } => Some(bytes),
            _ => None,
        }
    }

    /// Whether the two say the same: equal bytes, or an equal target.
    pub fn says(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => true,
            (Self::Link { target: one, .. }, Self::Link { target: two, .. }) => one == two,
            (Self::File { bytes: one, .. }, Self::File { bytes: two, .. }) => one == two,
            _ => false,
        }
    }

    /// The same for files between whose steps a process that writes in place was killed: but for empty lines at the end.
    pub fn says_nearly(&self, other: &Self) -> bool {
        match (self.bytes(), other.bytes()) {
            (Some(one), Some(two)) => without_end(one) == without_end(two),
            _ => self.says(other),
        }
    }
}

fn without_end(mut bytes: &[u8]) -> &[u8] {
    // A file that was made longer may end in zeros after a power loss.
    while let [rest @ .., b'\n' | 0] = bytes {
        bytes = rest;
    }
    bytes
}

/// The extended attributes of what a path names; those that cannot be read are not ours to keep.
fn attributes(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut bytes = vec![0; MOST_ATTRIBUTE];
    let Ok(length) = rustix::fs::llistxattr(path, &mut bytes[..]) else { return BTreeMap::new() };
    let names = String::from_utf8_lossy(&bytes[..length]).into_owned();
    let value = |name: &str| {
        let mut bytes = vec![0; MOST_ATTRIBUTE];
        let length = rustix::fs::lgetxattr(path, name, &mut bytes[..]).ok()?;
        bytes.truncate(length);
        Some((name.to_owned(), bytes))
    };
    names.split_terminator('\0').filter_map(value).collect()
}

/// How a change is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By another file in its place.
    Replace,
    /// By writing into the file that is there.
    InPlace,
}

/// How the file at this path can be changed, a symlink itself; `is_mount` says whether it is a mount.
///
/// # Errors
/// What forbids it: as `access`.
pub fn way(path: &Path, is_mount: bool) -> io::Result<Way> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    let may = |path: &Path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK);
    let in_dir = may(dir);
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return in_dir.map(|()| Way::Replace).map_err(Into::into);
        }
        found => found?,
    };
    if found.is_symlink() {
        return in_dir.map(|()| Way::Replace).map_err(Into::into);
    }
    let in_file = may(path);
    // That of an immutable file, or of a file system that is read-only: a name in its directory does not change it either.
    let is_fixed = matches!(in_file, Err(Errno::PERM | Errno::ROFS));
    let me = rustix::process::geteuid();
    // A new file would be ours, and could not be given back.
    let keeps_owner = me.is_root() || found.uid() == me.as_raw();
    match in_file {
        _ if in_dir.is_ok() && !is_mount && !is_fixed && keeps_owner && found.nlink() == 1 => Ok(Way::Replace),
        Ok(()) => Ok(Way::InPlace),
        Err(_) if in_dir.is_ok() && !is_mount && !is_fixed && keeps_owner => Ok(Way::Replace),
        Err(error) => Err(error.into()),
    }
}

/// Makes what is at this path that, as [`way`] says. Synced, with its directory, when this returns.
///
/// Whoever calls it sees to it that nobody else does at the same time.
///
/// # Errors
/// As the calls to the kernel. The file is then what it was, or [`Likeness::says_nearly`] so.
pub fn put(path: &Path, likeness: &Likeness, way: Way) -> io::Result<()> {
    let beside = beside(path);
    let dir = path.parent().unwrap_or(Path::new("/"));
    // What a killed process has left.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound && way == Way::Replace => return Err(error),
        _ => {}
    }
    match likeness {
        Likeness::Nothing => match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }?,
        Likeness::File { bytes, looks } if way == Way::InPlace => return in_place::write(path, bytes, looks),
        Likeness::File { bytes, looks } => {
            let made = make_file(&beside, bytes, looks).and_then(|()| fs::rename(&beside, path));
            if let Err(error) = made {
                let _ = fs::remove_file(&beside);
                // It is a mount after all; or a new one cannot be given to its owner, whom our user namespace does not know.
                let can_stay = matches!(Errno::from_io_error(&error), Some(Errno::BUSY | Errno::PERM | Errno::INVAL));
                return if can_stay { in_place::write(path, bytes, looks) } else { Err(error) };
            }
        }
        Likeness::Link { target, owner } => {
            let made =
                symlink(target, &beside).and_then(|()| give(&beside, *owner)).and_then(|()| fs::rename(&beside, path));
            if let Err(error) = made {
                let _ = fs::remove_file(&beside);
                return Err(error);
            }
        }
    }
    durable::sync(dir)
}

/// Removes what a killed process has left of a change of this file.
pub fn sweep(path: &Path) {
    let _ = fs::remove_file(beside(path));
}

/// The name by which a new file is made. Always the same one: what is left of it is found again.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".hpcsh-new");
    path.with_file_name(name)
}

/// A new file like that, synced.
pub fn make_file(path: &Path, bytes: &[u8], looks: &Looks) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    give(path, looks.owner)?;
    // A directory may hand attributes down. Those that are not for us to set, the system sets itself.
    for name in attributes(path).into_keys().filter(|name| !looks.attributes.contains_key(name)) {
        let _ = rustix::fs::fremovexattr(&file, name);
    }
    for (name, value) in &looks.attributes {
        match rustix::fs::fsetxattr(&file, name.as_str(), value, XattrFlags::empty()) {
            Err(Errno::PERM | Errno::OPNOTSUPP) | Ok(()) => {}
            Err(error) => return Err(error.into()),
        }
    }
    file.set_permissions(fs::Permissions::from_mode(looks.mode))?;
    set_modified(&file, looks)?;
    file.sync_all()
}

/// Gives it to its owner, unless it is his.
fn give(path: &Path, owner: Owner) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if (found.uid(), found.gid()) == (owner.user, owner.group) {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(owner.user), Gid::from_raw(owner.group));
    Ok(rustix::fs::chownat(CWD, path, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW)?)
}

fn set_modified(file: &File, looks: &Looks) -> io::Result<()> {
    let Some((seconds, nanoseconds)) = looks.modified else { return Ok(()) };
    let omitted = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT };
    let last_modification = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    Ok(rustix::fs::futimens(file, &Timestamps { last_access: omitted, last_modification })?)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // files that no part of ours would write
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> Likeness {
        Likeness::File { bytes: bytes.to_vec(), looks: Looks::plain() }
    }

    #[test]
    fn a_file_comes_back_with_all_that_belongs_to_it() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("x");
        fs::write(&path, "one\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o4640)).unwrap();
        let has_attributes = rustix::fs::setxattr(&path, "user.note", b"\0x", XattrFlags::empty()).is_ok();
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(4321), Some(1234)).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o4640)).unwrap();
        }
        let before = Likeness::of(&path).unwrap();
        let Likeness::File { looks, .. } = &before else { panic!("{before:?}") };
        assert_eq!(looks.attributes.len(), usize::from(has_attributes));
        for (way, other) in
            [(Way::Replace, file(b"two")), (Way::InPlace, file(b"2")), (Way::InPlace, file(b"twenty\ntwo"))]
        {
            put(&path, &other, way).unwrap();
            assert!(Likeness::of(&path).unwrap().says(&other));
            put(&path, &before, way).unwrap();
            assert_eq!(Likeness::of(&path).unwrap(), before, "{way:?}");
        }
        put(&path, &Likeness::Nothing, Way::Replace).unwrap();
        put(&path, &Likeness::Nothing, Way::Replace).unwrap();
        assert_eq!(Likeness::of(&path).unwrap(), Likeness::Nothing);
        put(&path, &before, Way::Replace).unwrap();
        assert_eq!(Likeness::of(&path).unwrap(), before);
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_link_comes_back() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("x");
        symlink("../nowhere", &path).unwrap();
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::lchown(&path, Some(4321), Some(1234)).unwrap();
        }
        let before = Likeness::of(&path).unwrap();
        put(&path, &file(b"two"), Way::Replace).unwrap();
        // What somebody who was killed has left.
        fs::write(beside(&path), "half").unwrap();
        put(&path, &before, Way::Replace).unwrap();
        assert_eq!(Likeness::of(&path).unwrap(), before);
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_neither_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let why = |path: &Path| Likeness::of(path).unwrap_err().to_string();
        assert_eq!(why(temporary.path()), "it is neither a file nor a link");
        let large = temporary.path().join("large");
        fs::write(&large, vec![b'x'; (1 << 20) + 1]).unwrap();
        assert_eq!(why(&large), "it is larger than 1 MiB");
        assert!(put(&large, &file(b"x"), Way::InPlace).is_err());
    }

    #[test]
    fn texts_are_compared_but_for_their_end_where_somebody_was_killed() {
        assert!(file(b"a\n").says(&file(b"a\n")) && !file(b"a\n").says(&file(b"a")));
        assert!(file(b"a\n\n\0").says_nearly(&file(b"a")) && !file(b"a\nb").says_nearly(&file(b"a")));
        assert!(!Likeness::Nothing.says_nearly(&file(b"")));
    }

    #[test]
    fn what_cannot_be_replaced_is_written_in_its_place() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("x");
        assert_eq!(way(&path, false).unwrap(), Way::Replace);
        fs::write(&path, "one").unwrap();
        assert_eq!(way(&path, false).unwrap(), Way::Replace);
        assert_eq!(way(&path, true).unwrap(), Way::InPlace);
        fs::hard_link(&path, temporary.path().join("y")).unwrap();
        assert_eq!(way(&path, false).unwrap(), Way::InPlace);
        assert!(way(&path.join("below"), false).is_err());
    }
}
