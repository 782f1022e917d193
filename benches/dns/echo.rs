//! The ceiling, and the upstream: a server that sends each message back, and one that answers each with an address.

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd as _;

use hpcsh::host::datagrams::Incoming;
use rustix::event::{PollFd, PollFlags, poll};

/// Behind this word the bench program is itself the echo server, on a processor of its own.
pub const WORD: &str = "--echo";

/// Behind all others, this word lets it join what goes to one socket, as our server does.
pub const JOINED: &str = "joined";

/// Sends each message back, for ever, with this code; the one bit that says "this is an answer" is set.
pub fn echo((port, code): (u16, u8), is_joined: bool) -> Result<(), String> {
    let mut incoming = buffers();
    if is_joined {
        incoming.join_answers();
    }
    over(&bound(("127.0.0.1", port))?, incoming, |message, length| {
        message[2] |= 0x80;
        message[3] = message[3] & 0xf0 | code;
        length
    });
    Ok(())
}

/// Answers each question with one address, from a thread of its own; it remains until the program ends.
pub fn upstream(ttl: u32) -> Result<SocketAddr, String> {
    let socket = bound(("127.0.0.1", 0))?;
    let address = socket.local_addr().map_err(|error| error.to_string())?;
    std::thread::spawn(move || {
        over(&socket, buffers(), move |message, length| {
            let is_six = message[length - 3] == 28;
            let data: &[u8] = if is_six { &[0xfd; 16] } else { &[10, 0, 0, 1] };
            message[2] |= 0x80;
            message[3] |= 0x80;
            message[7] = 1;
            let size = [0, u8::try_from(data.len()).unwrap_or_default()];
            let kind = [0, message[length - 3], 0, 1];
            let record = [&[0xc0, 12][..], &kind, &ttl.to_be_bytes(), &size, data].concat();
            // EDNS is not answered; who asked with it gets no more than the question back.
            if message[11] != 0 {
                message[7] = 0;
                return length;
            }
            message[length..length + record.len()].copy_from_slice(&record);
            length + record.len()
        });
    });
    Ok(address)
}

/// A socket that takes questions and never answers.
pub fn dead() -> Result<(UdpSocket, SocketAddr), String> {
    let socket = bound(("127.0.0.1", 0))?;
    let address = socket.local_addr().map_err(|error| error.to_string())?;
    Ok((socket, address))
}

fn bound(address: (&str, u16)) -> Result<UdpSocket, String> {
    let socket = UdpSocket::bind(address).map_err(|error| format!("{address:?}: {error}"))?;
    socket.set_nonblocking(true).map_err(|error| error.to_string())?;
    Ok(socket)
}

fn buffers() -> Incoming {
    Incoming::new(1024, 64)
}

fn over(socket: &UdpSocket, mut incoming: Incoming, mut answer: impl FnMut(&mut [u8], usize) -> usize) {
    loop {
        let Ok(count) = incoming.receive(socket) else {
            let _ = poll(&mut [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN)], None);
            continue;
        };
        for at in 0..count {
            let (message, length, _) = incoming.message(at);
            let length = if (12..1024).contains(&length) { answer(message, length) } else { 0 };
            incoming.answer(at, length);
        }
        incoming.send(socket, count);
    }
}
