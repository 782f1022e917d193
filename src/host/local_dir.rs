//! The node-local directory: on a disk of this node, 0700, ours.
//!
//! It lies in a directory that everybody may write, so a neighbour may have made it first. It is used only if it is a
//! real directory (no symlink), belongs to us and is closed to others; anything else is refused and left alone.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
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
#[allow(clippy::disallowed_methods)] // this is the door
pub fn ensure(path: &Path) -> Result<(), String> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match fs::DirBuilder::new().mode(0o700).create(path) {
                // Somebody was quicker: another of our shells, or not.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => ensure(path),
                Err(error) => Err(format!("cannot make the node-local directory {}: {error}", path.display())),
                Ok(()) => Ok(()),
            };
        }
        found => found.map_err(|error| format!("cannot look at {}: {error}", path.display()))?,
    };
    let wrong = if !found.is_dir() {
        "is no directory"
    } else if found.uid() != users::my_id() {
        "belongs to another user"
    } else if found.mode() & 0o077 != 0 {
        "is open to other users"
    } else {
        return Ok(());
    };
    Err(format!("the node-local directory {} {wrong}: it is not used", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

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

        let link = temporary.path().join("link");
        symlink("/etc", &link).unwrap();
        assert!(ensure(&link).unwrap_err().contains("is no directory"));
    }
}
