//! The run directory: what holds for this boot only (verdict, locks), in memory where the node has such a place.
//!
//! It lies where others may write too, so it is used only if [`local_dir::ensure`] has nothing against it. A runtime
//! directory that was inherited from another user is not ours, and one from another node is not there.

use std::path::{Path, PathBuf};

use super::{Host, files, local_dir, users};

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
        dir.is_absolute() && files::own_entry(dir).is_ok_and(|found| found.owner == me && found.mode & 0o022 == 0)
    };
    let runtime = host.nonempty("XDG_RUNTIME_DIR").map(PathBuf::from).filter(is_mine).map(|dir| dir.join("hpcsh"));
    let others = ["/dev/shm", "/tmp"].map(|dir| Path::new(dir).join(format!("hpcsh-{me}")));
    runtime.into_iter().chain(others).collect()
}
