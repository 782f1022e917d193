//! A network and mounts of one's own, for a command that is to see another world.
//!
//! This process moves in, once, while it has one thread; what it starts is born there. All of it ends with the last process in
//! it: nothing is written outside, and nothing has to be taken back. An ordinary user gets a user namespace of his own with it,
//! in which his id is his id; root, where he may, does without one, since he can be no other user in it.

pub mod daemons;
pub mod links;
mod refusal;

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change, mount_remount, unmount,
};

use crate::error::Failure;
use crate::host::process::{self, Own};
use crate::host::{Host, files};

/// Moves this process in. A network of its own has nothing, not even loopback; its mounts are those that it had.
///
/// # Errors
/// Where the kernel forbids it: the setting that does, and the remedy.
pub fn enter(host: &Host, own: Own) -> Result<(), Failure> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    // Root of a container may have no right to it, and is anybody then.
    let is_alone = user.is_root() && process::leave_namespaces(own, false).is_ok();
    let refused = |error: io::Error| refusal::why(host, own, &error);
    if !is_alone {
        process::leave_namespaces(own, true).map_err(refused)?;
        // Who may write the groups' map, may not leave groups: some files are closed to those who are in one.
        let map = |name: &str, text: String| files::tell(&Path::new("/proc/self").join(name), text.as_bytes());
        let same = |id: u32| format!("{id} {id} 1");
        // Before Linux 3.19 there is no such file, and no such need.
        match map("setgroups", "deny".to_owned()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
        .map_err(refused)?;
        map("uid_map", same(user.as_raw())).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied if user.is_root() => refusal::root_without_capability(own),
            _ => refused(error),
        })?;
        map("gid_map", same(group.as_raw())).map_err(refused)?;
    }
    // What is mounted outside from now on, as by an automounter, comes in; nothing goes out.
    match mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC) {
        Ok(()) => Ok(()),
        // In a chroot that is no mount. With a user namespace the kernel has done it already.
        Err(Errno::INVAL) if !is_alone => Ok(()),
        Err(Errno::INVAL) => Err(failed(Path::new("/"), Errno::INVAL).hint("outside of the chroot it can")),
        Err(error) => Err(refused(error.into())),
    }
}

/// Lays an empty directory in memory, of this user's alone, over this one.
pub fn lay_empty_over(dir: &Path) -> Result<(), Failure> {
    mount("hpcsh", dir, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, c"mode=0700")
        .map_err(|error| failed(dir, error))
}

/// Lays a file over another one, which is there.
pub fn lay_over(file: &Path, over: &Path) -> Result<(), Failure> {
    mount_bind(file, over).map_err(|error| failed(over, error))
}

/// Where files are made that are laid over others: the first that is there, and out of the way of those.
const SCRATCH: [&str; 4] = ["/tmp", "/dev/shm", "/var/tmp", "/run"];

/// Lays what this makes over files: it gets an empty directory in memory, which is gone afterwards, while what was laid stays.
/// `over` are the real paths of those files.
pub fn lay_all_over(over: &[PathBuf], lay: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    let is_free = |dir: &PathBuf| !over.iter().any(|path| path.starts_with(dir));
    let dir = SCRATCH.iter().find_map(|dir| files::real_path(Path::new(dir)).ok().filter(is_free));
    let dir = dir.ok_or_else(|| Failure::runner("no directory is there in which files can be made for a moment"))?;
    lay_empty_over(&dir)?;
    let done = lay(&dir);
    let undone = unmount(&dir, UnmountFlags::DETACH).map_err(|error| failed(&dir, error));
    done.and(undone)
}

/// Makes a file in that directory, for everybody's eyes and nobody's pen, and lays it over this one.
pub fn lay_text_over(dir: &Path, text: &[u8], over: &Path) -> Result<(), Failure> {
    let made = dir.join(over.file_name().unwrap_or_default());
    files::publish(&made, text).map_err(|error| Failure::runner(format!("{}: {error}", made.display())))?;
    lay_over(&made, over)?;
    let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    mount_remount(over, flags, c"").map_err(|error| failed(over, error))
}

fn failed(what: &Path, error: Errno) -> Failure {
    Failure::runner(format!("nothing can be mounted on {}: {error}", what.display()))
}
