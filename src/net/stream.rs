//! A connection that ends in time: TCP, or a unix socket of this node.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};

use crate::host::clock;

/// Why there was no conversation; its text is a short sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing came by the deadline.
    Silent,
    /// Somebody is there, and nobody listens.
    Refused,
    /// The kernel or a router says that no way leads there.
    Unreachable,
    /// The other side ended the connection.
    Closed,
    /// Anything else.
    Other(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Silent => "no answer",
            Self::Refused => "connection refused",
            Self::Unreachable => "not reachable",
            Self::Closed => "the connection was closed",
            Self::Other(why) => why,
        })
    }
}

impl From<&io::Error> for Trouble {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Self::Silent,
            ErrorKind::ConnectionRefused => Self::Refused,
            // A `prohibit` route says EACCES and a `blackhole` says EINVAL; a firewall may say EPERM.
            ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::AddrNotAvailable
            | ErrorKind::NetworkDown
            | ErrorKind::PermissionDenied
            | ErrorKind::InvalidInput => Self::Unreachable,
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::from(&error)
    }
}

/// A connection whose every read and write fails with `TimedOut` past its deadline.
pub struct Timed {
    socket: Socket,
    deadline: Instant,
}

enum Socket {
    Tcp(TcpStream),
    Local(UnixStream),
}

/// Connects; the deadline is the connection's for all its life.
pub fn connect(address: SocketAddr, deadline: Instant) -> Result<Timed, Trouble> {
    let stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
    // A closed port that the kernel also gives to clients: now and then it connects one to itself. Nobody listens there, and
    // the port must be free at once for the server that is to come.
    if address.ip().is_loopback() && matches!(stream.local_addr(), Ok(own) if own == address) {
        let _ = sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
        return Err(Trouble::Refused);
    }
    // Requests are written whole.
    let _ = stream.set_nodelay(true);
    Ok(Timed { socket: Socket::Tcp(stream), deadline })
}

/// Connects to a unix socket. One that is not there is one at which nobody listens.
///
/// # Errors
/// Where the queue of those who want to connect is full, `Silent`, at once.
pub fn connect_local(path: &Path, deadline: Instant) -> Result<Timed, Trouble> {
    let other = |error: Errno| Trouble::from(io::Error::from(error));
    let address = SocketAddrUnix::new(path).map_err(other)?;
    // A connection that has to wait would wait without a limit.
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(other)?;
    rustix::net::connect(&socket, &address).map_err(|error| match error {
        Errno::NOENT | Errno::NOTDIR => Trouble::Refused,
        Errno::ACCESS | Errno::PERM => Trouble::Other("permission denied".into()),
        error => other(error),
    })?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(Timed { socket: Socket::Local(stream), deadline })
}

/// What is left until then; an error where that is nothing.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(clock::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

impl Read for Timed {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = Some(left(self.deadline)?);
        match &mut self.socket {
            Socket::Tcp(stream) => stream.set_read_timeout(left).and_then(|()| stream.read(bytes)),
            Socket::Local(stream) => stream.set_read_timeout(left).and_then(|()| stream.read(bytes)),
        }
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = Some(left(self.deadline)?);
        match &mut self.socket {
            Socket::Tcp(stream) => stream.set_write_timeout(left).and_then(|()| stream.write(bytes)),
            Socket::Local(stream) => stream.set_write_timeout(left).and_then(|()| stream.write(bytes)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        // Nothing is kept back.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_silent_peer_costs_no_more_than_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let start = clock::now();
        let mut stream = connect(listener.local_addr().unwrap(), start + Duration::from_millis(80)).unwrap();
        let trouble = stream.read(&mut [0]).map_err(Trouble::from);
        assert_eq!(trouble, Err(Trouble::Silent));
        assert!((80..1000).contains(&start.elapsed().as_millis()));
        // Not even a try, afterwards.
        assert_eq!(stream.write(b"x").map_err(Trouble::from), Err(Trouble::Silent));
    }

    #[test]
    fn a_unix_socket_is_one_more_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let soon = clock::now() + Duration::from_secs(5);
        assert_eq!(connect_local(&path, soon).err(), Some(Trouble::Refused));
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let mut stream = connect_local(&path, soon).unwrap();
        listener.accept().unwrap().0.write_all(b"x").unwrap();
        let mut found = Vec::new();
        stream.read_to_end(&mut found).unwrap();
        assert_eq!(found, b"x");
        drop(listener);
        assert_eq!(connect_local(&path, soon).err(), Some(Trouble::Refused));
        assert!(matches!(connect_local(Path::new(&"x".repeat(200)), soon), Err(Trouble::Other(_))));
    }

    #[test]
    fn nobody_who_listens_is_no_silence() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let soon = clock::now() + Duration::from_secs(5);
        assert_eq!(connect(address, soon).err(), Some(Trouble::Refused));
    }
}
