//! Where a resolver's socket lies: one for each address and network, since two may run on a node.

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::host::{Host, boot, files, local_dir, local_socket, run_dir, users};

/// Where a resolver of root's, or of systemd's unit, has its socket; other users have a run directory.
const RUN: &str = "/run/hpcsh-dns";

/// Long enough for the kernel to say that nobody listens.
const MOMENT: Duration = Duration::from_millis(1);

/// A socket at which a resolver will answer.
#[derive(Debug)]
pub struct Door {
    /// To be listened at.
    pub listener: UnixListener,
    /// Where it lies.
    pub path: PathBuf,
}

/// Opens the socket of the resolver that listens at this address; to be done before privileges are given up.
///
/// # Errors
/// A sentence: where no directory can be used.
pub fn open(host: &Host, address: SocketAddr) -> Result<Door, String> {
    let run = run(host);
    let is_service = host.nonempty("RUNTIME_DIRECTORY").is_some_and(|dir| Path::new(&dir) == run);
    let mut why = "there is no place for its socket".to_owned();
    if users::my_id() == 0 || is_service {
        let made = local_dir::ensure_seen(&run);
        if made.is_ok() {
            sweep(&run);
        }
        match made.and_then(|()| door(run.join(name(host, address)))) {
            Ok(door) => return Ok(door),
            // Root of a namespace has a run directory as others do.
            Err(wrong) => why = wrong,
        }
    }
    run_dir::find(host).ok_or(why).and_then(|dir| door(dir.join(name(host, address))))
}

/// Removes the sockets of those that have ended, and could not once they had become somebody else.
fn sweep(run: &Path) {
    for path in files::list(run).unwrap_or_default() {
        if local_socket::ask(&path, MOMENT).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            let _ = files::remove(&path);
        }
    }
}

fn door(path: PathBuf) -> Result<Door, String> {
    let listener = local_socket::listen(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Door { listener, path })
}

/// Where the socket of a resolver may lie that listens at this address. Nobody but root and the user himself can have put one
/// there.
pub fn all(host: &Host, address: SocketAddr) -> impl Iterator<Item = PathBuf> {
    let name = name(host, address);
    dirs(host).into_iter().map(move |dir| dir.join(&name))
}

/// The addresses at which resolvers of this network have listened, or still do.
pub fn others(host: &Host) -> Vec<SocketAddr> {
    let prefix = prefix(host);
    let address = |path: PathBuf| path.file_name()?.to_str()?.strip_prefix(&prefix)?.parse().ok();
    dirs(host).iter().filter_map(|dir| files::list(dir).ok()).flatten().filter_map(address).collect()
}

fn dirs(host: &Host) -> Vec<PathBuf> {
    std::iter::once(run(host)).chain(run_dir::find(host)).collect()
}

fn run(host: &Host) -> PathBuf {
    host.locate(Path::new(RUN))
}

fn name(host: &Host, address: SocketAddr) -> String {
    format!("{}{address}", prefix(host))
}

/// The same address means another server in another network.
fn prefix(host: &Host) -> String {
    format!("dns-{}-", boot::network(host).unwrap_or_default())
}
