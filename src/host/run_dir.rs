//! The run directory: what holds for this boot only (verdict, locks), in memory where the node has such a place.
//!
//! It lies where others may write too, so it is used only if [`local_dir::ensure`] has nothing against it. A runtime
//! directory that was inherited from another user is not ours, and one from another node is not there. One that the user has put
//! into his home, say, may be shared with other nodes, and hang: it is not even looked at.

use std::path::{Component, Path, PathBuf};

use super::{Host, files, local_dir, users};

/// Where a runtime directory is one of this node. Shells have the same list, since they cannot ask what is mounted.
const LOCAL: [&str; 4] = ["/run", "/tmp", "/dev/shm", "/var"];

/// The run directory, made if it is not there: `$XDG_RUNTIME_DIR/hpcsh`, else `/dev/shm/hpcsh-UID`, else `/tmp/hpcsh-UID`.
///
/// `None` where none of them can be used: then nothing is remembered.
pub fn find(host: &Host) -> Option<PathBuf> {
    candidates(host).into_iter().find(|dir| local_dir::ensure(dir).is_ok())
}

/// Where it may lie, the best place first.
pub fn candidates(host: &Host) -> Vec<PathBuf> {
    let me = users::my_id();
    let is_mine = |dir: &PathBuf| {
        is_local(dir) && files::own_entry(dir).is_ok_and(|found| found.owner == me && found.mode & 0o022 == 0)
    };
    let runtime = host.nonempty("XDG_RUNTIME_DIR").map(PathBuf::from).filter(is_mine).map(|dir| dir.join("hpcsh"));
    let others = ["/dev/shm", "/tmp"].map(|dir| Path::new(dir).join(format!("hpcsh-{me}")));
    runtime.into_iter().chain(others).collect()
}

/// Whether this path lies on the node itself, as far as its name tells.
fn is_local(dir: &Path) -> bool {
    LOCAL.iter().any(|local| dir.starts_with(local)) && !dir.components().any(|part| part == Component::ParentDir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_directory_elsewhere_is_not_looked_at() {
        for local in ["/run/user/1000", "/tmp/run", "/var/run/user/1000", "/dev/shm/x"] {
            assert!(is_local(Path::new(local)), "{local}");
        }
        for other in ["", "relative", "/gpfs/home/me/.run", "/home/me", "/running/x", "/tmp/../gpfs/x", "/dev/shmx"] {
            assert!(!is_local(Path::new(other)), "{other}");
        }
    }
}
