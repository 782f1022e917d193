//! The node-local directory: on a disk of this node, 0700, ours.
//!
//! It lies in a directory that everybody may write, so a neighbour may have made it first. It is used only if it is a
//! real directory (no symlink), belongs to us and is closed to others; anything else is refused and left alone.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::{Host, users};

/// Where it lies unless the configuration says otherwise: `$HPCSH_LOCAL_DIR`, else below `/var/tmp`, which outlives a logout
/// and, mostly, a reboot.
pub fn default_path(host: &Host) -> PathBuf {
    let named = host.nonempty("HPCSH_LOCAL_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    named.unwrap_or_else(|| PathBuf::from(format!("/var/tmp/hpcsh-{}", users::my_id())))
}

/// Makes the directory if it is not there, and checks it either way.
///
/// # Errors
/// A sentence that says what is wrong with it; it must then not be used.
pub fn ensure(path: &Path) -> Result<(), String> {
    let found = made(path, 0o700)?;
    private(&found)
        .map_or(Ok(()), |wrong| Err(format!("the node-local directory {} {wrong}: it is not used", path.display())))
}

/// The same for a directory in which others may see what there is, and change nothing.
///
/// # Errors
/// A sentence that says what is wrong with it; it must then not be used.
pub fn ensure_seen(path: &Path) -> Result<(), String> {
    let found = made(path, 0o755)?;
    let wrong = wrong(&found).or_else(|| (found.mode() & 0o022 != 0).then_some("can be changed by other users"));
    wrong.map_or(Ok(()), |wrong| Err(format!("the directory {} {wrong}: it is not used", path.display())))
}

/// What is there; a new directory of this mode, where there was nothing.
#[allow(clippy::disallowed_methods)] // this is the door
fn made(path: &Path, mode: u32) -> Result<fs::Metadata, String> {
    let cannot = |what: &str, error: io::Error| format!("cannot {what} {}: {error}", path.display());
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::DirBuilder::new().mode(mode).create(path) {
            // Somebody was quicker: another of our shells, or not.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(cannot("make the node-local directory", error));
            }
            // Whatever the user's mask says.
            Ok(()) if mode != 0o700 => {
                let all = fs::Permissions::from_mode(mode);
                fs::set_permissions(path, all).map_err(|error| cannot("open", error))?;
            }
            _ => {}
        },
        Err(error) => return Err(cannot("look at", error)),
        Ok(found) => return Ok(found),
    }
    fs::symlink_metadata(path).map_err(|error| cannot("look at", error))
}

/// Why a directory is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Half a sentence about it.
    pub why: String,
    /// Whether it is enough to close it: it is ours, and others can look into it and change nothing.
    pub may_close: bool,
}

/// Why the node-local directory would not be used, or nothing could be written there; `None`: it would. Makes nothing.
pub fn refusal(path: &Path) -> Option<Refusal> {
    let refused = |why: String| Some(Refusal { why, may_close: false });
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = path.parent()?;
            let why = unwritable(above)?;
            return refused(format!("cannot be made: {} {why}", above.display()));
        }
        Err(error) => return refused(format!("cannot be looked at: {error}")),
        Ok(found) => found,
    };
    match private(&found) {
        Some(why) => {
            let may_close = wrong(&found).is_none() && found.mode() & 0o022 == 0;
            Some(Refusal { why: why.to_owned(), may_close })
        }
        None => unwritable(path).and_then(refused),
    }
}

/// Why nothing can be written into a directory, as half a sentence; `None`: something can.
pub fn unwritable(dir: &Path) -> Option<String> {
    use rustix::fs::{Access, AtFlags, CWD, StatVfsMountFlags, accessat, statvfs};
    let space = match statvfs(dir) {
        Ok(space) => space,
        Err(rustix::io::Errno::NOENT) => return Some("is not there".to_owned()),
        Err(error) => return Some(format!("cannot be looked at: {}", io::Error::from(error))),
    };
    if space.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Some("lies on a file system that is read-only".to_owned());
    }
    if let Err(error) = accessat(CWD, dir, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
        return Some(format!("cannot be written: {}", io::Error::from(error)));
    }
    // Some file systems count neither.
    let is_full = space.f_blocks > 0 && space.f_bavail == 0 || space.f_files > 0 && space.f_favail == 0;
    is_full.then(|| "lies on a file system that is full".to_owned())
}

/// Closes a directory of ours to others.
///
/// # Errors
/// As `open` and `fchmod`; `PermissionDenied` where it is not ours any more.
pub fn close(path: &Path) -> io::Result<()> {
    use rustix::fs::{Mode, OFlags, fchmod, fstat, open};
    let dir = open(path, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    if fstat(&dir)?.st_uid != users::my_id() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(fchmod(&dir, Mode::from_raw_mode(0o700))?)
}

/// What is wrong with one that is to be ours alone.
fn private(found: &fs::Metadata) -> Option<&'static str> {
    wrong(found).or_else(|| (found.mode() & 0o077 != 0).then_some("is open to other users"))
}

fn wrong(found: &fs::Metadata) -> Option<&'static str> {
    if !found.is_dir() {
        Some("is no directory")
    } else if found.uid() != users::my_id() {
        Some("belongs to another user")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn made_once_and_refused_when_open_or_a_link() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("mine");
        assert_eq!(ensure(&path), Ok(()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(ensure(&path), Ok(()));

        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(ensure(&path).unwrap_err().contains("is open to other users"));
        assert_eq!(refusal(&path), Some(Refusal { why: "is open to other users".into(), may_close: true }));
        close(&path).unwrap();
        assert_eq!((ensure(&path), refusal(&path)), (Ok(()), None));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();

        assert_eq!(ensure_seen(&path), Ok(()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o775)).unwrap();
        assert!(ensure_seen(&path).unwrap_err().contains("can be changed by other users"));
        let seen = temporary.path().join("seen");
        assert_eq!(ensure_seen(&seen), Ok(()));
        assert_eq!(fs::metadata(&seen).unwrap().permissions().mode() & 0o777, 0o755);

        let link = temporary.path().join("link");
        symlink("/etc", &link).unwrap();
        assert!(ensure(&link).unwrap_err().contains("is no directory"));
        assert_eq!(refusal(&link), Some(Refusal { why: "is no directory".into(), may_close: false }));
        assert!(close(&link).is_err());
        let deep = temporary.path().join("none/deep");
        let why = format!("cannot be made: {} is not there", temporary.path().join("none").display());
        assert_eq!(refusal(&deep), Some(Refusal { why, may_close: false }));
        assert_eq!(refusal(&temporary.path().join("new")), None);
        assert!(!temporary.path().join("new").exists(), "to look makes nothing");
    }
}
