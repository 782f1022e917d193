//! The node's copies of the parts that a script reads later: written once, whole, where only we can write.
//!
//! They are files of this version's own text, with no value in them, in the node-local directory; their names hold a digest
//! of the texts, so another version never finds them. The shell tests whose they are before it reads one.

use std::path::{Path, PathBuf};

use super::init::{Part, Shell};
use crate::host::files;

/// What the paths of the copies begin with (`-PART.SHELL` follows), in a directory which is known to be ours alone. Those
/// that are not there are made.
///
/// `None` where they cannot be written: the script then asks the program instead.
pub fn copies(shell: Shell, dir: &Path) -> Option<PathBuf> {
    let stem = format!("{}-{:016x}", env!("CARGO_PKG_VERSION"), digest(shell));
    for (name, part) in Part::ALL {
        let path = dir.join(format!("{stem}-{name}.{}", shell.name()));
        if !files::exists(&path) {
            files::create(&path, shell.part(part).as_bytes()).ok()?;
        }
    }
    Some(dir.join(stem))
}

/// FNV-1a of all parts: tells texts apart that nobody tries to make collide.
fn digest(shell: Shell) -> u64 {
    let bytes = Part::ALL.into_iter().flat_map(|(_, part)| shell.part(part).bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copies_are_the_texts_and_are_not_written_twice() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path();
        let stem = copies(Shell::Bash, dir).unwrap();
        let path = PathBuf::from(format!("{}-more.bash", stem.display()));
        assert_eq!(files::read(&path).unwrap(), Shell::Bash.part(Part::More).as_bytes());
        let inode = || std::os::unix::fs::MetadataExt::ino(&path.metadata().unwrap());
        let before = inode();
        assert_eq!(copies(Shell::Bash, dir), Some(stem.clone()));
        assert_eq!(inode(), before);
        assert_ne!(copies(Shell::Zsh, dir), Some(stem));
        assert_eq!(copies(Shell::Zsh, Path::new("/nowhere/at/all")), None);
    }
}
