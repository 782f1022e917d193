//! What the node keeps of the scripts: written once, whole, where only we can write.
//!
//! Files in the node-local directory, named by a digest of their text, so that what one configuration or version has written
//! is never taken for another's. The shell tests whose they are before it reads one; zsh compiles them beside themselves
//! at a first prompt, after which a login parses nothing.

use std::path::{Path, PathBuf};

use hpcsh_early::record::Stamp;

use super::code::Shell;
use crate::digest;
use crate::host::files;
use crate::host::stamp;

/// A file that the node keeps, and its stamp.
pub type KeptFile = (PathBuf, Stamp);

/// The copies of the parts, in a directory which is known to be ours alone. Those that are not there are made.
///
/// `None` where they cannot be written: the script then asks the program instead.
pub fn copies(shell: Shell, dir: &Path) -> Option<Vec<KeptFile>> {
    let stem = stem_of_parts(shell);
    let path = |name: &str| dir.join(format!("{stem}-{name}.{}", shell.name()));
    shell.parts().iter().map(|(name, text)| keep(path(name), text.as_bytes())).collect()
}

/// What the paths of these copies begin with: `-PART.SHELL` follows.
pub fn stem_of_copies(shell: Shell, dir: &Path) -> PathBuf {
    dir.join(stem_of_parts(shell))
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
pub fn script(shell: Shell, dir: &Path, script: &[u8]) -> Option<KeptFile> {
    keep(dir.join(format!("{}.{}", stem(digest::of(script)), shell.name())), script)
}

/// What a script of bash's reads its data from, in such a directory.
///
/// `None` where it cannot be written.
pub fn data(dir: &Path, data: &[u8]) -> Option<KeptFile> {
    keep(dir.join(format!("{}.data", stem(digest::of(data)))), data)
}

/// Writes a file that is not there yet, or of which a part has gone. Its name tells what is in it, whichever of several logins was the
/// quickest.
fn keep(path: PathBuf, text: &[u8]) -> Option<KeptFile> {
    let is_whole = |stamp: &Stamp| stamp[2] == text.len() as u64;
    let found = stamp::at(&path);
    if let Some(stamp) = found.filter(is_whole) {
        return Some((path, stamp));
    }
    let _ = if found.is_some() { files::replace(&path, text) } else { files::create(&path, text) };
    let stamp = stamp::at(&path).filter(is_whole)?;
    Some((path, stamp))
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
        let made = copies(Shell::Bash, dir).unwrap();
        let stem = stem_of_copies(Shell::Bash, dir);
        let path = PathBuf::from(format!("{}-more.bash", stem.display()));
        assert_eq!(files::read(&path).unwrap(), Shell::Bash.part("more").unwrap().as_bytes());
        let inode = || std::os::unix::fs::MetadataExt::ino(&path.metadata().unwrap());
        let before = inode();
        assert_eq!(copies(Shell::Bash, dir), Some(made));
        assert_eq!(inode(), before);
        assert_ne!(stem_of_copies(Shell::Zsh, dir), stem);
        assert_eq!(copies(Shell::Zsh, Path::new("/nowhere/at/all")), None);
    }
}
