//! What systemd hands to a service that it starts: sockets (`sd_listen_fds(3)`), and a place for news (`sd_notify(3)`).

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use rustix::io::{FdFlags, fcntl_setfd};

use super::Host;

/// The first of them.
const FIRST: RawFd = 3;

/// The sockets that were handed to this process; none where it was not. To be asked once.
///
/// # Errors
/// Where one of them is not there.
#[allow(unsafe_code)] // files that come by their numbers
pub fn sockets(host: &Host) -> io::Result<Vec<OwnedFd>> {
    let number = |name: &str| host.nonempty(name)?.to_str()?.parse::<u32>().ok();
    // They may have been meant for somebody who has started us.
    if number("LISTEN_PID") != Some(std::process::id()) {
        return Ok(Vec::new());
    }
    let count = number("LISTEN_FDS").and_then(|count| RawFd::try_from(count).ok()).unwrap_or_default();
    let taken = (FIRST..FIRST.saturating_add(count)).map(|file| {
        // SAFETY: it is borrowed for this call alone, which fails where there is no such file.
        let there = unsafe { rustix::fd::BorrowedFd::borrow_raw(file) };
        fcntl_setfd(there, FdFlags::CLOEXEC)?;
        // SAFETY: it is there, and by the protocol it is ours; nobody else in this process knows of it.
        Ok(unsafe { OwnedFd::from_raw_fd(file) })
    });
    taken.collect()
}

/// Where news go; nowhere, where nobody has asked for any.
#[derive(Debug)]
pub struct News(Option<UnixDatagram>);

impl News {
    /// As the environment says.
    pub fn of(host: &Host) -> Self {
        let open = |place: &[u8]| {
            let address = match place {
                [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
                path => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))?,
            };
            let socket = UnixDatagram::unbound()?;
            socket.connect_addr(&address)?;
            socket.set_nonblocking(true)?;
            io::Result::Ok(socket)
        };
        Self(host.nonempty("NOTIFY_SOCKET").and_then(|place| open(place.as_bytes()).ok()))
    }

    /// Tells lines of `NAME=value`.
    pub fn tell(&self, lines: &str) {
        if let Some(socket) = &self.0 {
            let _ = socket.send(lines.as_bytes());
        }
    }
}

/// Whether standard error is the journal itself: `systemd.exec(5)`, `$JOURNAL_STREAM`.
pub fn is_journal(host: &Host) -> bool {
    let named = host.nonempty("JOURNAL_STREAM");
    named.is_some_and(|named| {
        rustix::fs::fstat(rustix::stdio::stderr())
            .is_ok_and(|found| named.to_str() == Some(&format!("{}:{}", found.st_dev, found.st_ino)))
    })
}
