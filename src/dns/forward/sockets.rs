//! The datagram sockets by which one upstream is asked: several, each with a port of its own that the kernel has drawn, and another one
//! now and then (RFC 5452).
//!
//! A batch leaves by one of them, drawn for it: whoever wants to answer in the upstream's place has to guess it and the message's number. A
//! socket is connected, so that the kernel takes answers from nobody else, and tells where nobody listens.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::{AbortHandle, spawn_local};

use super::inlet::Inlet;
use super::random::Random;
use crate::host::datagrams::{AT_ONCE, Outgoing};

/// So many there are.
const PORTS: usize = 16;
/// After so many questions, or so long, another one takes its place.
const MOST_USED: usize = 4096;
const MOST_AGE: Duration = Duration::from_mins(1);
/// So long answers still come through one whose place another has taken.
const LINGER: Duration = Duration::from_millis(2500);

/// A socket that is heard.
#[derive(Debug)]
struct Socket {
    way: u32,
    file: Rc<AsyncFd<UdpSocket>>,
    since: Instant,
    used: usize,
    hearing: AbortHandle,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.hearing.abort();
    }
}

/// Those of one upstream.
#[derive(Debug)]
pub struct Sockets {
    address: SocketAddr,
    inlet: Inlet,
    open: Vec<Socket>,
    /// The one of the batch that is being made.
    drawn: Option<usize>,
    outgoing: Outgoing,
}

impl Sockets {
    /// A first one, as far as that can be had: later there may be no file left.
    pub fn new(address: SocketAddr, inlet: Inlet, now: Instant) -> Self {
        let mut sockets = Self { address, inlet, open: Vec::new(), drawn: None, outgoing: Outgoing::new() };
        sockets.open.extend(sockets.make(now));
        sockets
    }

    /// Adds a message to the batch: which socket it will leave by.
    ///
    /// # Errors
    /// As `connect`: there is no way to that address. Where no more sockets can be had, those that are there do.
    pub fn push(&mut self, message: &[u8], random: &mut Random, now: Instant) -> io::Result<u32> {
        let at = match self.drawn {
            Some(at) => at,
            None => self.draw(random, now)?,
        };
        self.drawn = Some(at);
        let socket = &mut self.open[at];
        socket.used += 1;
        let number = socket.way;
        if self.outgoing.push(message, None) >= AT_ONCE {
            self.flush();
        }
        Ok(number)
    }

    /// Sends the batch.
    pub fn flush(&mut self) {
        if let Some(socket) = self.drawn.take().and_then(|at| self.open.get(at)) {
            self.outgoing.send(socket.file.get_ref());
        }
    }

    /// Nothing is sent any more; answers still come for a moment.
    pub fn close(&mut self) {
        self.flush();
        linger(std::mem::take(&mut self.open));
    }

    fn draw(&mut self, random: &mut Random, now: Instant) -> io::Result<usize> {
        let at = random.below(PORTS);
        match self.open.get(at) {
            Some(known) if known.used < MOST_USED && now.saturating_duration_since(known.since) < MOST_AGE => {
                return Ok(at);
            }
            _ => {}
        }
        match self.make(now) {
            Ok(socket) if at < self.open.len() => {
                linger(vec![std::mem::replace(&mut self.open[at], socket)]);
                Ok(at)
            }
            Ok(socket) => {
                self.open.push(socket);
                Ok(self.open.len() - 1)
            }
            Err(error) if self.open.is_empty() || is_unreachable(&error) => Err(error),
            Err(_) => Ok(at % self.open.len()),
        }
    }

    fn make(&self, now: Instant) -> io::Result<Socket> {
        let any = match self.address {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(any)?;
        socket.connect(self.address)?;
        socket.set_nonblocking(true)?;
        // As for the sockets where we are asked.
        #[allow(deprecated)]
        let file = Rc::new(AsyncFd::with_interest(socket, Interest::READABLE)?);
        let way = self.inlet.next_way();
        let hearing = self.inlet.hear(way, Rc::clone(&file));
        Ok(Socket { way, file, since: now, used: 0, hearing })
    }
}

fn linger(sockets: Vec<Socket>) {
    spawn_local(async move {
        tokio::time::sleep(LINGER).await;
        drop(sockets);
    });
}

/// Whether nobody is there, or no way leads there.
pub fn is_unreachable(error: &io::Error) -> bool {
    use io::ErrorKind::{
        AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkDown, NetworkUnreachable, PermissionDenied,
    };
    matches!(
        error.kind(),
        ConnectionRefused | HostUnreachable | NetworkUnreachable | NetworkDown | AddrNotAvailable | PermissionDenied
    ) || matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EPROTO))
}
