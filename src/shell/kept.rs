//! The node's copy of what a script needs later than at the start: written once, whole, where only we can write.
//!
//! It is a file of this version's own text, with no value in it, in the node-local directory; its name holds a digest of the
//! text, so another version never finds it. The shell tests whose it is before it reads it.

use std::path::{Path, PathBuf};

use super::init::Shell;
use crate::host::files;

/// The path of the copy in this directory, which is known to be ours alone; made if it is not there.
///
/// `None` where it cannot be written: the script then asks the program instead.
pub fn copy(shell: Shell, dir: &Path) -> Option<PathBuf> {
    let path = dir.join(name(shell));
    if !files::exists(&path) {
        files::create(&path, shell.more().as_bytes()).ok()?;
    }
    Some(path)
}

fn name(shell: Shell) -> String {
    let ending = match shell {
        Shell::Zsh => "zsh",
        Shell::Bash => "bash",
    };
    format!("more-{}-{:016x}.{ending}", env!("CARGO_PKG_VERSION"), digest(shell.more().as_bytes()))
}

/// FNV-1a: tells texts apart that nobody tries to make collide.
fn digest(text: &[u8]) -> u64 {
    text.iter().fold(0xcbf2_9ce4_8422_2325, |digest, byte| (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_is_the_text_and_is_not_written_twice() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path();
        let path = copy(Shell::Bash, dir).unwrap();
        assert_eq!(files::read(&path).unwrap(), Shell::Bash.more().as_bytes());
        let inode = || std::os::unix::fs::MetadataExt::ino(&path.metadata().unwrap());
        let before = inode();
        assert_eq!(copy(Shell::Bash, dir).as_deref(), Some(path.as_path()));
        assert_eq!(inode(), before);
        assert_ne!(copy(Shell::Zsh, dir), Some(path));
        assert_eq!(copy(Shell::Zsh, Path::new("/nowhere/at/all")), None);
    }
}
