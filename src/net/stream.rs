//! A TCP connection that ends in time.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

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
    stream: TcpStream,
    deadline: Instant,
}

/// Connects; the deadline is the connection's for all its life.
pub fn connect(address: SocketAddr, deadline: Instant) -> Result<Timed, Trouble> {
    let stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
    // Requests are written whole.
    let _ = stream.set_nodelay(true);
    Ok(Timed { stream, deadline })
}

/// What is left until then; an error where that is nothing.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(clock::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

impl Read for Timed {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.deadline)?))?;
        self.stream.read(bytes)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.deadline)?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
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
    fn nobody_who_listens_is_no_silence() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let soon = clock::now() + Duration::from_secs(5);
        assert_eq!(connect(address, soon).err(), Some(Trouble::Refused));
    }
}
