//! Daemons outside by which a command would reach what it is not to reach: their sockets, covered.

use std::path::{Path, PathBuf};

use super::lay_over;
use crate::error::Failure;
use crate::host::files;

/// Those that look names up, by one's own or by another protocol than that of name servers.
const NAMES: [&str; 6] = [
    "/run/systemd/resolve/io.systemd.Resolve",
    "/run/systemd/resolve/io.systemd.Resolve.Monitor",
    "/run/nscd/socket",
    "/var/run/nscd/socket",
    "/run/unscd/socket",
    "/run/avahi-daemon/socket",
];
/// Those that start what is outside.
const STARTERS: [&str; 6] = [
    "/run/dbus/system_bus_socket",
    "/run/docker.sock",
    "/var/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/run/crio/crio.sock",
];
/// The user's own, in his runtime directory.
const OWN_STARTERS: [&str; 2] = ["docker.sock", "podman/podman.sock"];

/// The sockets on this node of daemons that look names up.
pub fn of_names() -> Vec<PathBuf> {
    there(NAMES.iter().map(PathBuf::from))
}

/// The same, and those of daemons that start what is outside; `runtime` is the user's runtime directory.
pub fn all(runtime: Option<&Path>) -> Vec<PathBuf> {
    let own = runtime.iter().flat_map(|dir| OWN_STARTERS.map(|name| dir.join(name))).collect::<Vec<_>>();
    there(NAMES.iter().chain(&STARTERS).map(PathBuf::from).chain(own))
}

fn there(paths: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    paths.filter(|path| files::entry(path).is_ok()).collect()
}

/// Lays this file over each: to connect to a file that is no socket is refused at once.
pub fn cover(daemons: &[PathBuf], nothing: &Path) -> Result<(), Failure> {
    let mut laid: Vec<files::Entry> = Vec::new();
    for daemon in daemons {
        // One may have two names.
        let Ok(entry) = files::entry(daemon) else { continue };
        if !laid.contains(&entry) && files::entry(nothing).is_ok_and(|nothing| nothing != entry) {
            lay_over(nothing, daemon)?;
            laid.push(entry);
        }
    }
    Ok(())
}
