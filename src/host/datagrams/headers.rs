//! The kernel's headers of a batch.
//!
//! To send, some of the datagrams may be joined: the kernel makes one long one of them, which passes through the network as such, and
//! is taken apart where it is read (udp(7), `UDP_SEGMENT`). Only within this node, where no network's device has to do that.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _};
use std::ptr;

use super::{AT_ONCE, CONTROL, NAME, Peer};

/// As many are joined: who reads them begins with the first while the others are still on their way, and most of what joining spares is
/// spared by so many.
const TOGETHER: usize = 16;
/// The most bytes that are joined: one datagram has to hold them.
const JOINED: usize = 60_000;

/// See the module. The pointers in it hold from `set` or `add` to the call behind it.
pub struct Headers {
    messages: Box<[libc::mmsghdr; AT_ONCE]>,
    parts: Box<[libc::iovec; AT_ONCE]>,
    segments: Box<[Segment; AT_ONCE]>,
    /// How many messages and parts are to be sent.
    filled: (usize, usize),
    /// The last of the messages, where more may be joined to it.
    run: Option<Run>,
    /// What may be joined is.
    pub joins: bool,
}

/// Datagrams of one message.
#[derive(Clone, Copy)]
struct Run {
    /// Of each one; the last may be shorter.
    size: usize,
    bytes: usize,
    count: usize,
    name: [u8; NAME],
}

/// Tells the kernel the size of each datagram of a message.
#[derive(Clone, Copy)]
#[repr(C)]
struct Segment {
    header: libc::cmsghdr,
    size: u16,
}

/// The length of the header and of what it is for.
const SEGMENT: u8 = 18;
const _: () = assert!(SEGMENT as usize == size_of::<libc::cmsghdr>() + size_of::<u16>());

impl Headers {
    #[allow(unsafe_code)] // structures of numbers and pointers
    pub fn new() -> Self {
        // SAFETY: zeros are numbers, null pointers and empty lists.
        let (messages, parts, segments) = unsafe {
            (
                MaybeUninit::zeroed().assume_init(),
                MaybeUninit::zeroed().assume_init(),
                MaybeUninit::zeroed().assume_init(),
            )
        };
        let (messages, parts, segments) = (Box::new(messages), Box::new(parts), Box::new(segments));
        Self { messages, parts, segments, filled: (0, 0), run: None, joins: false }
    }

    /// Makes one of the messages this datagram.
    pub fn set(&mut self, at: usize, bytes: &mut [u8], peer: &mut Peer) {
        self.set_both(at, at, bytes, peer);
    }

    fn set_both(&mut self, at: usize, part: usize, bytes: &mut [u8], peer: &mut Peer) {
        let part = &mut self.parts[part];
        part.iov_base = bytes.as_mut_ptr().cast();
        part.iov_len = bytes.len();
        let message = &mut self.messages[at].msg_hdr;
        message.msg_iov = part;
        message.msg_iovlen = 1;
        message.msg_name = if peer.name_length == 0 { ptr::null_mut() } else { peer.name.as_mut_ptr().cast() };
        message.msg_namelen = peer.name_length.into();
        message.msg_control = if peer.control_length == 0 { ptr::null_mut() } else { peer.control.as_mut_ptr().cast() };
        message.msg_controllen = peer.control_length.into();
        message.msg_flags = 0;
    }

    /// One more that is to be sent.
    pub fn add(&mut self, bytes: &mut [u8], peer: &mut Peer) {
        let ((messages, parts), size) = (self.filled, bytes.len());
        if let Some(run) = &mut self.run
            && size <= run.size
            && run.bytes + size <= JOINED
            && run.count < TOGETHER
            && run.name == peer.name
        {
            run.bytes += size;
            run.count += 1;
            let segment = &mut self.segments[messages - 1];
            (segment.header.cmsg_level, segment.header.cmsg_type) = (libc::SOL_UDP, libc::UDP_SEGMENT);
            segment.header.cmsg_len = SEGMENT.into();
            segment.size = u16::try_from(run.size).unwrap_or_default();
            let part = &mut self.parts[parts];
            part.iov_base = bytes.as_mut_ptr().cast();
            part.iov_len = size;
            let message = &mut self.messages[messages - 1].msg_hdr;
            message.msg_iovlen += 1;
            message.msg_control = (&raw mut *segment).cast();
            message.msg_controllen = SEGMENT.into();
            if size < run.size {
                self.run = None;
            }
            self.filled.1 += 1;
            return;
        }
        self.set_both(messages, parts, bytes, peer);
        self.filled = (messages + 1, parts + 1);
        let is_first = self.joins && size > 0 && peer.is_here();
        self.run = is_first.then_some(Run { size, bytes: size, count: 1, name: peer.name });
    }

    /// Length, length of the name, length of the control part, as the kernel has filled them.
    pub fn lengths(&self, at: usize) -> (usize, u8, u8) {
        let message = &self.messages[at];
        let small = |length: usize| u8::try_from(length).unwrap_or_default();
        let length = usize::try_from(message.msg_len).unwrap_or(usize::MAX);
        let is_cut = message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
        let name = usize::try_from(message.msg_hdr.msg_namelen).unwrap_or_default().min(NAME);
        let control =
            if message.msg_hdr.msg_flags & libc::MSG_CTRUNC == 0 { message.msg_hdr.msg_controllen } else { 0 };
        (length + usize::from(is_cut), small(name), small(control.min(CONTROL)))
    }

    /// Takes up to so many, into those that were set: how many.
    #[allow(unsafe_code)] // there is no safe way to take several
    pub fn receive(&mut self, socket: &impl AsFd, count: usize) -> io::Result<usize> {
        let messages = &mut self.messages[..count];
        let count = libc::c_uint::try_from(messages.len()).unwrap_or_default();
        let file = socket.as_fd().as_raw_fd();
        // SAFETY: each header points to buffers of the lengths that it says, which nobody else uses until this returns.
        let done = unsafe { libc::recvmmsg(file, messages.as_mut_ptr(), count, libc::MSG_DONTWAIT, ptr::null_mut()) };
        usize::try_from(done).map_err(|_| io::Error::last_os_error())
    }

    /// Sends all that were added.
    #[allow(unsafe_code)] // there is no safe way to send several
    pub fn send(&mut self, socket: &impl AsFd) {
        let file = socket.as_fd().as_raw_fd();
        let (count, _) = std::mem::take(&mut self.filled);
        self.run = None;
        let (mut sent, mut is_told) = (0, false);
        while sent < count {
            let messages = &mut self.messages[sent..count];
            let left = libc::c_uint::try_from(messages.len()).unwrap_or_default();
            // SAFETY: as above. Of these bytes the kernel only reads.
            let done =
                unsafe { libc::sendmmsg(file, messages.as_mut_ptr(), left, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) };
            match usize::try_from(done) {
                Ok(done @ 1..) => (sent, is_told) = (sent + done, false),
                // That is what an earlier one has met, and is told once. This one was not tried.
                _ if !is_told && io::Error::last_os_error().kind() == io::ErrorKind::ConnectionRefused => {
                    is_told = true;
                }
                _ if self.messages[sent].msg_hdr.msg_iovlen > 1 => {
                    self.joins &= io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock;
                    self.send_apart(socket, sent);
                    (sent, is_told) = (sent + 1, false);
                }
                // The first of them cannot be sent; the others may.
                _ => (sent, is_told) = (sent + 1, false),
            }
        }
    }

    /// Sends the datagrams of one message each by itself.
    #[allow(unsafe_code)] // the headers are there already
    fn send_apart(&mut self, socket: &impl AsFd, at: usize) {
        let before: usize = self.messages[..at].iter().map(|message| message.msg_hdr.msg_iovlen).sum();
        let mut message = self.messages[at].msg_hdr;
        let count = std::mem::replace(&mut message.msg_iovlen, 1);
        (message.msg_control, message.msg_controllen) = (ptr::null_mut(), 0);
        for part in &mut self.parts[before..before + count] {
            message.msg_iov = part;
            let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
            // SAFETY: as above. What cannot be sent is lost.
            let _ = unsafe { libc::sendmsg(socket.as_fd().as_raw_fd(), &raw const message, flags) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::time::Duration;

    use super::super::{Incoming, switch_on};

    /// Sends messages of these lengths to clients with these numbers; what each one receives.
    fn sent(server: &UdpSocket, batch: &mut Incoming, messages: &[(usize, usize)]) -> [Vec<Vec<u8>>; 2] {
        let clients = [0, 1].map(|_| UdpSocket::bind((server.local_addr().unwrap().ip(), 0)).unwrap());
        for (client, _) in messages {
            clients[*client].send_to(b"?", server.local_addr().unwrap()).unwrap();
        }
        let (mut count, mut at) = (0, 0);
        while count < messages.len() {
            let more = batch.receive(server).unwrap();
            for place in 0..more {
                let length = messages[at].1;
                batch.message(place).0[..length].fill(u8::try_from(at).unwrap());
                batch.answer(place, length);
                at += 1;
            }
            batch.send(server, more);
            count += more;
        }
        clients.map(|client| {
            client.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
            let mut bytes = [0; 2000];
            let mut heard = Vec::new();
            while heard.len() < messages.len()
                && let Ok(length) = client.recv(&mut bytes)
            {
                heard.push(bytes[..length].to_vec());
            }
            heard
        })
    }

    #[test]
    fn what_was_joined_comes_as_it_would_by_itself() {
        let lengths = [[40; 64], [1000; 64], std::array::from_fn(|at| 1 + at * 37 % 90)];
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let server = UdpSocket::bind(address).unwrap();
            let (mut joined, mut apart) = (Incoming::new(1200, 0), Incoming::new(1200, 0));
            joined.join_answers();
            assert!(joined.headers.joins, "every kernel that tests are run on can do it");
            for lengths in &lengths {
                for clients in [|_| 0, |at: usize| at / 2 % 2, |at: usize| at % 2] {
                    let messages: Vec<(usize, usize)> =
                        lengths.iter().enumerate().map(|(at, length)| (clients(at), *length)).collect();
                    // In another order perhaps.
                    let [heard, expected] = [&mut joined, &mut apart].map(|batch| {
                        sent(&server, batch, &messages).map(|mut heard| {
                            heard.sort_unstable();
                            heard
                        })
                    });
                    assert_eq!(heard.iter().map(Vec::len).sum::<usize>(), 64);
                    assert!(heard == expected);
                }
            }
            assert!(joined.headers.joins, "none was refused");
        }
    }

    #[test]
    fn what_the_kernel_does_not_join_is_sent_apart() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        // Without checksums it cannot.
        switch_on(&server, libc::SOL_SOCKET, libc::SO_NO_CHECK).unwrap();
        let mut batch = Incoming::new(1200, 0);
        batch.headers.joins = true;
        let messages = [(0, 40), (0, 40), (0, 30), (1, 20), (1, 20), (0, 10)];
        let [mut one, other] = sent(&server, &mut batch, &messages);
        one.sort_unstable();
        assert_eq!(one, [vec![0; 40], vec![1; 40], vec![2; 30], vec![5; 10]]);
        assert!(other == [vec![3; 20], vec![4; 20]] || other == [vec![4; 20], vec![3; 20]]);
        assert!(!batch.headers.joins, "it is not tried again");
    }
}
