//! What the node keeps of the scripts: written once, whole, where only we can write.
//!
//! Files in the node-local directory, named by a digest of their text, so that what one configuration or version has written
//! is never taken for another's. The shell tests whose they are before it reads one; zsh compiles them beside themselves
//! at a first prompt, after which a login parses nothing.

use std::path::{Path, PathBuf};

use super::code::Shell;
use crate::digest;
use crate::host::files;

/// What the paths of the copies begin with (`-PART.SHELL` follows), in a directory which is known to be ours alone. Those
/// that are not there are made.
///
/// `None` where they cannot be written: the script then asks the program instead.
pub fn copies(shell: Shell, dir: &Path) -> Option<PathBuf> {
    for (path, (_, text)) in parts_of(shell, dir).zip(shell.parts()) {
        keep(&path, text.as_bytes())?;
    }
    Some(dir.join(stem_of_parts(shell)))
}

/// Where the copies lie, in the order of [`Shell::parts`].
pub fn parts_of(shell: Shell, dir: &Path) -> impl Iterator<Item = PathBuf> {
    let stem = stem_of_parts(shell);
    shell.parts().iter().map(move |(name, _)| dir.join(format!("{stem}-{name}.{}", shell.name())))
}

fn stem_of_parts(shell: Shell) -> String {
    stem(match shell {
        Shell::Zsh => const { parts(Shell::Zsh) },
        Shell::Bash => const { parts(Shell::Bash) },
        Shell::Fish => const { parts(Shell::Fish) },
    })
}

/// The node's copy of a script, in a directory which is known to be ours alone.
///
/// `None` where it cannot be written.
pub fn script(shell: Shell, dir: &Path, script: &[u8]) -> Option<PathBuf> {
    let path = dir.join(format!("{}.{}", stem(digest::of(script)), shell.name()));
    keep(&path, script)?;
    Some(path)
}

/// Writes a file that is not there yet. Its name tells what is in it, whichever of several logins was the quickest.
fn keep(path: &Path, text: &[u8]) -> Option<()> {
    (files::exists(path) || files::create(path, text).is_ok() || files::exists(path)).then_some(())
}

/// What the names of files with a text of this digest begin with.
fn stem(digest: u64) -> String {
    format!("{}-{digest:016x}", env!("CARGO_PKG_VERSION"))
}

/// The digest of all that is kept for a shell, made when the program is: a login need not read it.
const fn parts(shell: Shell) -> u64 {
    let (mut sum, mut at) = (digest::NONE, 0);
    while at < shell.parts().len() {
        sum = digest::with(sum, shell.parts()[at].1.as_bytes());
        at += 1;
    }
    sum
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
        assert_eq!(files::read(&path).unwrap(), Shell::Bash.part("more").unwrap().as_bytes());
        let inode = || std::os::unix::fs::MetadataExt::ino(&path.metadata().unwrap());
        let before = inode();
        assert_eq!(copies(Shell::Bash, dir), Some(stem.clone()));
        assert_eq!(inode(), before);
        assert_ne!(copies(Shell::Zsh, dir), Some(stem));
        assert_eq!(copies(Shell::Zsh, Path::new("/nowhere/at/all")), None);
    }
}
