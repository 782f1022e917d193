//! One question to the name servers: both families at once, the next server soon, whoever answers first.
//!
//! An answer counts when it comes from the address and port that were asked, to the port and with the number that were
//! chosen at random, and repeats the question (RFC 5452).

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::resolve::Unresolved;
use super::stream::{self, Trouble};
use super::wire::{self, Answer, Content, Name, Type};
use crate::host::clock;

/// How long the other family is waited for when one has given addresses (RFC 8305 has 50 ms).
const GRACE: Duration = Duration::from_millis(100);
/// The longest that one server is waited for before another is asked too.
const PATIENCE: Duration = Duration::from_millis(400);
/// The largest message over TCP.
const LARGEST: usize = 65_535;

/// Whom to ask, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Servers {
    /// The name servers, in order.
    pub addresses: Vec<SocketAddr>,
    /// How long a server may take, as the configuration has it.
    pub patience: Duration,
    /// How often each is asked.
    pub attempts: usize,
}

/// A question on its way to one server, once for each family.
struct Try {
    server: SocketAddr,
    socket: UdpSocket,
    ids: [u16; 2],
    /// Which family's answer has not come.
    is_open: [bool; 2],
}

impl Try {
    fn is_over(&self) -> bool {
        self.is_open == [false; 2]
    }
}

/// The addresses of exactly this name.
pub fn ask(servers: &Servers, name: &Name, deadline: Instant) -> Result<Vec<IpAddr>, Unresolved> {
    let total = servers.addresses.len() * servers.attempts;
    let mut ahead = servers.addresses.iter().cycle().take(total).peekable();
    let left = deadline.saturating_duration_since(clock::now());
    let pace = servers.patience.min(PATIENCE).min(left / u32::try_from(total + 1).unwrap_or(u32::MAX));
    let mut tries: Vec<Try> = Vec::new();
    let mut found = Found::default();
    let mut next = clock::now();
    loop {
        let now = clock::now();
        if now >= found.until.map_or(deadline, |until| until.min(deadline)) {
            break;
        }
        if now >= next {
            match ahead.next() {
                Some(server) => {
                    if let Ok(started) = start(*server, name) {
                        tries.push(started);
                        next = now + pace;
                    }
                    continue;
                }
                None => next = deadline,
            }
        }
        if ahead.peek().is_none() && tries.iter().all(Try::is_over) {
            break;
        }
        let until = found.until.map_or(next, |until| until.min(next)).min(deadline);
        wait(&tries, until.saturating_duration_since(now));
        for one in tries.iter_mut().filter(|one| !one.is_over()) {
            if !listen(one, name, deadline, &mut found) {
                next = next.min(clock::now());
            }
        }
        if found.is_complete() {
            break;
        }
    }
    found.end()
}

/// What the servers have said so far.
#[derive(Default)]
struct Found {
    /// For each family; an error is none.
    said: [Option<Content>; 2],
    failure: Option<&'static str>,
    /// When enough is known, the moment until which the other family is waited for.
    until: Option<Instant>,
}

impl Found {
    fn take(&mut self, family: usize, content: Content) {
        match content {
            Content::Failing(code) => self.failure = Some(code),
            Content::NoData => self.said[family] = Some(content),
            Content::Addresses(_) | Content::NoName => {
                self.said[family] = Some(content);
                self.until.get_or_insert_with(|| clock::now() + GRACE);
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.said.iter().all(Option::is_some)
    }

    fn end(self) -> Result<Vec<IpAddr>, Unresolved> {
        let mut addresses = Vec::new();
        let (mut is_no_name, mut is_no_data) = (false, false);
        for content in self.said.into_iter().flatten() {
            match content {
                Content::Addresses(found) => addresses.extend(found),
                Content::NoName => is_no_name = true,
                _ => is_no_data = true,
            }
        }
        match (is_no_name, is_no_data, self.failure) {
            _ if !addresses.is_empty() => Ok(addresses),
            // Some servers deny a whole name that has nothing of one family.
            (_, true, _) => Err(Unresolved::NoAddress),
            (true, ..) => Err(Unresolved::NotFound),
            (.., Some(code)) => Err(Unresolved::Failing(code)),
            (.., None) => Err(Unresolved::Silent),
        }
    }
}

fn start(server: SocketAddr, name: &Name) -> io::Result<Try> {
    // The kernel chooses a port at random.
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.set_nonblocking(true)?;
    // From now on the kernel drops what comes from others.
    socket.connect(server)?;
    let [first, second, third, fourth, ..] = super::random().to_ne_bytes();
    let ids = [u16::from_ne_bytes([first, second]), u16::from_ne_bytes([third, fourth])];
    for (id, kind) in ids.into_iter().zip(Type::BOTH) {
        socket.send(&wire::query(id, name, kind))?;
    }
    Ok(Try { server, socket, ids, is_open: [true; 2] })
}

/// Until one of them has something to read.
fn wait(tries: &[Try], most: Duration) {
    let live = tries.iter().filter(|one| !one.is_over());
    let mut sockets: Vec<_> = live.map(|one| PollFd::new(&one.socket, PollFlags::IN)).collect();
    // An interrupted wait is a short one. One that is too long for the kernel does not occur.
    let most = Timespec::try_from(most).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
    let _ = poll(&mut sockets, Some(&most));
}

/// Takes what has come; gives whether this server is worth waiting for.
fn listen(one: &mut Try, name: &Name, deadline: Instant, found: &mut Found) -> bool {
    let mut bytes = [0; 4096];
    let mut is_good = true;
    loop {
        let length = match one.socket.recv(&mut bytes) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return is_good,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // Nobody listens there, or no way leads there.
            Err(_) => {
                one.is_open = [false; 2];
                return false;
            }
        };
        for (family, kind) in Type::BOTH.into_iter().enumerate() {
            if !one.is_open[family] {
                continue;
            }
            let Some(answer) = wire::answer(&bytes[..length], one.ids[family], name, kind) else { continue };
            let content = match answer {
                Answer { is_truncated: true, content } => {
                    over_tcp(one.server, one.ids[family], name, kind, deadline).unwrap_or(content)
                }
                Answer { content, .. } => content,
            };
            is_good &= !matches!(content, Content::Failing(_));
            one.is_open[family] = false;
            found.take(family, content);
        }
    }
}

/// The whole of an answer that did not fit; `None` where the server does not give it.
fn over_tcp(server: SocketAddr, id: u16, name: &Name, kind: Type, deadline: Instant) -> Option<Content> {
    // The other half of the time is for what is known without it.
    let deadline = clock::now() + deadline.saturating_duration_since(clock::now()) / 2;
    let exchange = || -> Result<Vec<u8>, Trouble> {
        let mut stream = stream::connect(server, deadline)?;
        let query = wire::query(id, name, kind);
        // Length and message in one write (RFC 7766, 8).
        let length = u16::try_from(query.len()).unwrap_or_default().to_be_bytes();
        stream.write_all(&[&length[..], &query].concat())?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length)).min(LARGEST)];
        stream.read_exact(&mut message)?;
        Ok(message)
    };
    wire::answer(&exchange().ok()?, id, name, kind).map(|answer| answer.content)
}
