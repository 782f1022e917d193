//! Many datagrams by one call to the kernel: `recvmmsg` and `sendmmsg`.
//!
//! Nearly all that a server of small messages costs is calls to the kernel; a batch shares them. Nothing here waits.

mod headers;

use std::cmp::Reverse;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, AsRawFd as _};
use std::time::Duration;

use self::headers::Headers;

/// As many are taken, or sent, by one call.
pub const AT_ONCE: usize = 64;
/// The largest address of a kind that is used here: a `sockaddr_in6`.
const NAME: usize = 28;
/// What tells to which of our addresses a datagram came: a header of 16 bytes and an `in6_pktinfo`, or less.
const CONTROL: usize = 40;

/// The other end of a datagram, and at which of our addresses it was sent or came, where the socket has several.
#[derive(Clone, Copy)]
#[repr(align(8))] // as the kernel's headers are
pub struct Peer {
    control: [u8; CONTROL],
    name: [u8; NAME],
    name_length: u8,
    control_length: u8,
}

impl Peer {
    const NONE: Self = Self { control: [0; CONTROL], name: [0; NAME], name_length: 0, control_length: 0 };
    /// With room for whoever it will be.
    #[allow(clippy::cast_possible_truncation)] // 28 and 40
    const ANY: Self = Self { name_length: NAME as u8, control_length: CONTROL as u8, ..Self::NONE };

    /// Whether it is a socket of this node, by a loopback address, and asked at the only address that ours has.
    fn is_here(&self) -> bool {
        let is_loopback = |address: SocketAddr| address.ip().is_loopback();
        self.control_length == 0 && self.address().is_some_and(is_loopback)
    }

    /// Its port, which stands in one place for both families.
    fn port(&self) -> u16 {
        u16::from_be_bytes([self.name[2], self.name[3]])
    }

    /// Its address; `None` for another family than IP.
    pub fn address(&self) -> Option<SocketAddr> {
        let name = &self.name[..usize::from(self.name_length)];
        let family = libc::c_int::from(u16::from_ne_bytes([*name.first()?, *name.get(1)?]));
        let port = u16::from_be_bytes([*name.get(2)?, *name.get(3)?]);
        match family {
            libc::AF_INET => {
                let address: [u8; 4] = name.get(4..8)?.try_into().ok()?;
                Some(SocketAddrV4::new(Ipv4Addr::from(address), port).into())
            }
            libc::AF_INET6 => {
                let address: [u8; 16] = name.get(8..24)?.try_into().ok()?;
                let scope = u32::from_ne_bytes(name.get(24..28)?.try_into().ok()?);
                Some(SocketAddrV6::new(Ipv6Addr::from(address), port, 0, scope).into())
            }
            _ => None,
        }
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Peer({:?})", self.address())
    }
}

/// Datagrams that have come, each in a buffer of its own with space for an answer in the same place.
pub struct Incoming {
    bytes: Box<[u8]>,
    size: usize,
    peers: Box<[Peer]>,
    /// Of each one that has come; and of its answer, 0 for none.
    lengths: Box<[(usize, usize)]>,
    headers: Headers,
    /// So many are taken the next time at the most: to prepare for one costs something, whether it comes or not.
    wanted: usize,
    is_all: bool,
}

/// As many are always prepared for.
const AT_LEAST: usize = 8;

impl Incoming {
    /// Buffers of this size, and behind each so many bytes more that only an answer may use.
    pub fn new(size: usize, spare: usize) -> Self {
        let bytes = vec![0; AT_ONCE * (size + spare)].into_boxed_slice();
        let peers = vec![Peer::NONE; AT_ONCE].into_boxed_slice();
        let lengths = vec![(0, 0); AT_ONCE].into_boxed_slice();
        Self { bytes, size, peers, lengths, headers: Headers::new(), wanted: AT_LEAST, is_all: false }
    }

    fn stride(&self) -> usize {
        self.bytes.len() / AT_ONCE
    }

    /// Takes what has come, up to [`AT_ONCE`] and to twice of what came the last time: how many. [`Self::is_all`] says whether more
    /// may be there.
    ///
    /// A datagram above the size is cut, and its length then above the size.
    ///
    /// # Errors
    /// As `recvmmsg`; `WouldBlock` where none has come.
    pub fn receive(&mut self, socket: impl AsFd) -> io::Result<usize> {
        let (stride, size, wanted) = (self.stride(), self.size, self.wanted);
        let places = self.bytes.chunks_exact_mut(stride).zip(self.peers.iter_mut()).take(wanted);
        for (at, (bytes, peer)) in places.enumerate() {
            (peer.name_length, peer.control_length) = (Peer::ANY.name_length, Peer::ANY.control_length);
            self.headers.set(at, &mut bytes[..size], peer);
        }
        let received = self.headers.receive(&socket, wanted);
        let count = received.as_ref().copied().unwrap_or_default();
        self.is_all = count < wanted;
        self.wanted = (2 * count).clamp(AT_LEAST, AT_ONCE);
        let count = received?;
        for at in 0..count {
            let (length, name, control) = self.headers.lengths(at);
            self.peers[at].name_length = name;
            self.peers[at].control_length = control;
            self.lengths[at] = (length, 0);
        }
        Ok(count)
    }

    /// From now on, answers that lie one behind the other, are of one size and go to one socket of this node pass through the network
    /// together, if this kernel can do that: each is a datagram of its own again when it is read.
    pub fn join_answers(&mut self) {
        self.headers.joins = can_join().unwrap_or_default();
    }

    /// Whether nothing was there any more behind what has come the last time.
    pub fn is_all(&self) -> bool {
        self.is_all
    }

    /// One that has come: its buffer with the spare bytes, its length, and who sent it.
    pub fn message(&mut self, at: usize) -> (&mut [u8], usize, &Peer) {
        let stride = self.stride();
        (&mut self.bytes[at * stride..(at + 1) * stride], self.lengths[at].0, &self.peers[at])
    }

    /// The first bytes of its buffer are the answer.
    pub fn answer(&mut self, at: usize, length: usize) {
        self.lengths[at].1 = length;
    }

    /// Sends the answers to the first `count`, each to where its question came from; one that cannot be sent is lost. Where answers
    /// are joined, those to one port leave behind one another, the longest first, since the last of a run may be shorter.
    pub fn send(&mut self, socket: impl AsFd, count: usize) {
        let stride = self.stride();
        let mut order = [(0, Reverse(0), 0); AT_ONCE];
        let mut left = 0;
        for at in 0..count {
            let length = self.lengths[at].1;
            if length > 0 {
                order[left] = (self.peers[at].port(), Reverse(length), at);
                left += 1;
            }
        }
        let order = &mut order[..left];
        // A few stay in the order of their questions.
        if self.headers.joins && order.len() > AT_LEAST {
            order.sort_unstable();
        }
        for (_, _, at) in order {
            let at = *at;
            let bytes = &mut self.bytes[at * stride..][..self.lengths[at].1];
            self.headers.add(bytes, &mut self.peers[at]);
        }
        self.headers.send(&socket);
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Incoming({} bytes each)", self.size)
    }
}

/// Datagrams that are to be sent.
pub struct Outgoing {
    bytes: Vec<u8>,
    /// Where each one ends, and to whom it goes; nobody: to whom the socket is connected.
    messages: Vec<(usize, Peer)>,
    headers: Headers,
}

impl Outgoing {
    /// None yet.
    pub fn new() -> Self {
        Self { bytes: Vec::new(), messages: Vec::new(), headers: Headers::new() }
    }

    /// Adds one. `peer`: who gets it; `None`: to whom the socket is connected. Gives how many there are now.
    pub fn push(&mut self, message: &[u8], peer: Option<&Peer>) -> usize {
        self.bytes.extend_from_slice(message);
        self.messages.push((self.bytes.len(), peer.copied().unwrap_or(Peer::NONE)));
        self.messages.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Sends all; one that cannot be sent is lost.
    pub fn send(&mut self, socket: impl AsFd) {
        let mut rest = &mut self.bytes[..];
        let mut begin = 0;
        for messages in self.messages.chunks_mut(AT_ONCE) {
            for (end, peer) in messages {
                let (bytes, after) = rest.split_at_mut(*end - begin);
                (rest, begin) = (after, *end);
                self.headers.add(bytes, peer);
            }
            self.headers.send(&socket);
        }
        self.bytes.clear();
        self.messages.clear();
        // After a flood it is given back.
        self.bytes.shrink_to(1 << 16);
        self.messages.shrink_to(1 << 10);
    }
}

impl Default for Outgoing {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Outgoing({} messages)", self.messages.len())
    }
}

/// From now on each datagram tells to which of our addresses it came, and its answer leaves from there: for a socket that has them all.
///
/// # Errors
/// As `setsockopt`.
pub fn tell_own_address(socket: &UdpSocket) -> io::Result<()> {
    match socket.local_addr()? {
        SocketAddr::V4(_) => switch_on(socket, libc::IPPROTO_IP, libc::IP_PKTINFO),
        SocketAddr::V6(_) => switch_on(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO),
    }
}

#[allow(unsafe_code)] // options that no safe interface has
fn switch_on(socket: &UdpSocket, level: libc::c_int, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    let size = libc::socklen_t::try_from(size_of_val(&on)).unwrap_or_default();
    // SAFETY: the option's value is a number of this size.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const on).cast(), size) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether this kernel takes joined datagrams apart: an older one would not even say that it does not, and deliver one that is all of
/// them. Tried with two.
fn can_join() -> io::Result<bool> {
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (from, to) = (UdpSocket::bind(here)?, UdpSocket::bind(here)?);
    to.set_read_timeout(Some(PATIENCE))?;
    to.send_to(&[0], from.local_addr()?)?;
    let (mut bytes, mut peer, mut two) = ([0; 8], Peer::ANY, [[1; 3], [2; 3]]);
    let mut headers = Headers::new();
    from.set_read_timeout(Some(PATIENCE))?;
    from.peek(&mut bytes)?;
    headers.set(0, &mut bytes, &mut peer);
    headers.receive(&from, 1)?;
    (_, peer.name_length, peer.control_length) = headers.lengths(0);
    headers.joins = true;
    let mut other = peer;
    for (bytes, peer) in two.iter_mut().zip([&mut peer, &mut other]) {
        headers.add(bytes, peer);
    }
    headers.send(&from);
    Ok(headers.joins && to.recv(&mut bytes)? == 3 && to.recv(&mut bytes)? == 3)
}

/// How long is waited for a datagram of our own.
const PATIENCE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(address: &str) -> UdpSocket {
        let socket = UdpSocket::bind(address).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    }

    fn taken(incoming: &mut Incoming, at: usize) -> (Vec<u8>, usize, Option<SocketAddr>) {
        let (bytes, length, peer) = incoming.message(at);
        (bytes[..length.min(8)].to_vec(), length, peer.address())
    }

    #[test]
    fn a_batch_is_taken_and_answered_where_it_asks() {
        for (address, all) in [("127.0.0.1:0", "0.0.0.0:0"), ("[::1]:0", "[::]:0")] {
            let (server, client) = (socket(all), socket(address));
            tell_own_address(&server).unwrap();
            let mut to = client.local_addr().unwrap();
            to.set_port(server.local_addr().unwrap().port());
            let mut incoming = Incoming::new(8, 4);
            assert_eq!(incoming.receive(&server).unwrap_err().kind(), io::ErrorKind::WouldBlock);
            for count in [8, 16, 32] {
                (0..count).for_each(|_| drop(client.send_to(b"more and more", to)));
                assert_eq!((incoming.receive(&server).unwrap(), incoming.is_all()), (count, false));
            }
            for number in 0..70_u8 {
                client.send_to(&[number; 3], to).unwrap();
            }
            client.send_to(&[7; 9], to).unwrap();
            assert_eq!(incoming.receive(&server).unwrap(), AT_ONCE);
            assert_eq!(taken(&mut incoming, 63), (vec![63; 3], 3, client.local_addr().ok()));
            for at in (0..AT_ONCE).step_by(2) {
                incoming.message(at).0[..12].fill(200);
                incoming.answer(at, 12);
            }
            incoming.send(&server, AT_ONCE);
            assert_eq!((incoming.receive(&server).unwrap(), incoming.is_all()), (7, true));
            let (bytes, length, _) = taken(&mut incoming, 6);
            assert!(bytes == [7; 8] && length > 8, "a longer one is cut, and says so");
            let mut answers = Incoming::new(16, 0);
            assert_eq!([8, 16, 32].map(|_| answers.receive(&client).unwrap()), [8, 16, 8]);
            let (bytes, length, from) = taken(&mut answers, 7);
            assert_eq!((bytes, length, from), (vec![200; 8], 12, Some(to)), "from the address that was asked");
        }
    }

    #[test]
    fn what_an_earlier_one_has_met_is_no_obstacle() {
        let client = socket("127.0.0.1:0");
        let gone = socket("127.0.0.1:0").local_addr().unwrap();
        client.connect(gone).unwrap();
        client.send(b"to nobody").unwrap();
        let server = UdpSocket::bind(gone).unwrap();
        let mut outgoing = Outgoing::new();
        outgoing.push(b"to somebody", None);
        outgoing.send(&client);
        assert_eq!(Incoming::new(512, 0).receive(&server).unwrap(), 1);
    }

    #[test]
    fn what_is_queued_is_sent_though_one_cannot_be() {
        let (server, client) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
        let mut incoming = Incoming::new(512, 0);
        client.send_to(b"hello", server.local_addr().unwrap()).unwrap();
        assert_eq!(incoming.receive(&server).unwrap(), 1);
        let peer = *incoming.message(0).2;
        let mut outgoing = Outgoing::new();
        for number in 0..130_u8 {
            let odd = Peer { name: [255; NAME], ..peer };
            outgoing.push(&vec![number; 400], Some(if number == 64 { &odd } else { &peer }));
        }
        assert!(!outgoing.is_empty());
        outgoing.send(&server);
        assert!(outgoing.is_empty());
        let mut count = 0;
        while let Ok(more) = incoming.receive(&client) {
            count += more;
        }
        assert_eq!(count, 129);
        client.connect(server.local_addr().unwrap()).unwrap();
        outgoing.push(b"to whom it is connected", None);
        outgoing.send(&client);
        assert_eq!(incoming.receive(&server).unwrap(), 1);
    }
}
