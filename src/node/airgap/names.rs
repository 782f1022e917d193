//! Stays beside the command: answers for names, hears the packets that vanish, hands signals on, until the command has ended.
//!
//! One thread, one `poll`. Who asks is looked up before he is answered: a program may end on the answer.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, recv};

use super::Asked;
use super::asked::Question;
use super::asker::{Askers, Transport};
use super::lost::Packet;
use crate::host::process::foreground::Running;
use crate::host::{Host, clock, process};
use crate::namespace::links;
use crate::net::nowhere;

/// As many connections are kept; the oldest has to go.
const CLIENTS: usize = 64;
/// How long one may say nothing.
const PATIENCE: Duration = Duration::from_secs(10);
/// As many messages are taken from one socket before the others are looked at.
const AT_ONCE: usize = 64;

/// The sockets, and what has come by them.
#[derive(Debug)]
pub struct Names {
    own: Vec<String>,
    is_silent: bool,
    datagrams: Vec<UdpSocket>,
    listeners: Vec<TcpListener>,
    clients: Vec<Client>,
    packets: Option<OwnedFd>,
    asked: Asked,
    askers: Askers,
}

#[derive(Debug)]
struct Client {
    stream: TcpStream,
    port: u16,
    /// What has come of messages that are not whole.
    bytes: Vec<u8>,
    since: Instant,
}

impl Names {
    /// Takes port 53 of loopback, and of the address at which systemd's resolver is asked. `own` are the names of this node.
    ///
    /// # Errors
    /// Where 127.0.0.1 cannot be had; a kernel may have no IPv6.
    pub fn new(own: Vec<String>, is_silent: bool) -> io::Result<Self> {
        let first = SocketAddr::from((Ipv4Addr::LOCALHOST, 53));
        let others =
            [SocketAddr::from((Ipv4Addr::new(127, 0, 0, 53), 53)), SocketAddr::from((Ipv6Addr::LOCALHOST, 53))];
        let mut datagrams = vec![UdpSocket::bind(first)?];
        let mut listeners = vec![TcpListener::bind(first)?];
        for other in others {
            datagrams.extend(UdpSocket::bind(other));
            listeners.extend(TcpListener::bind(other));
        }
        datagrams.iter().try_for_each(|socket| socket.set_nonblocking(true))?;
        listeners.iter().try_for_each(|socket| socket.set_nonblocking(true))?;
        // Without it, what vanishes is not told.
        let packets = if is_silent { process::listen_to_packets(links::OUT).ok() } else { None };
        let (clients, asked, askers) = (Vec::new(), Asked::default(), Askers::default());
        Ok(Self { own, is_silent, datagrams, listeners, clients, packets, asked, askers })
    }

    /// What was asked for.
    pub fn asked(self) -> Asked {
        self.asked
    }

    /// Serves until the command has ended; gives its exit code.
    pub fn serve(&mut self, host: &Host, running: &mut Running) -> u8 {
        loop {
            self.wait(running);
            let ended = running.look();
            // What it has asked last is there, though it has ended.
            self.look(host);
            if let Some(code) = ended {
                return code;
            }
        }
    }

    fn wait(&self, running: &Running) {
        let files = [running.as_fd()].into_iter().chain(self.packets.iter().map(|file| file.as_fd()));
        let files = files.chain(self.datagrams.iter().map(|socket| socket.as_fd()));
        let files = files.chain(self.listeners.iter().map(|socket| socket.as_fd()));
        let files = files.chain(self.clients.iter().map(|client| client.stream.as_fd()));
        let mut files: Vec<PollFd<'_>> = files.map(|file| PollFd::from_borrowed_fd(file, PollFlags::IN)).collect();
        let timeout = (!self.clients.is_empty()).then_some(Timespec { tv_sec: 1, tv_nsec: 0 });
        let _ = poll(&mut files, timeout.as_ref());
    }

    fn look(&mut self, host: &Host) {
        self.hear_packets(host);
        let mut bytes = [0; 4096];
        for at in 0..self.datagrams.len() {
            for _ in 0..AT_ONCE {
                let Ok((count, from)) = self.datagrams[at].recv_from(&mut bytes) else { break };
                if let Some(reply) = self.answer(host, &bytes[..count], Transport::Udp, from.port()) {
                    let _ = self.datagrams[at].send_to(&reply, from);
                }
            }
        }
        for at in 0..self.listeners.len() {
            for _ in 0..AT_ONCE {
                let Ok((stream, from)) = self.listeners[at].accept() else { break };
                if stream.set_nonblocking(true).is_ok() {
                    self.clients.push(Client { stream, port: from.port(), bytes: Vec::new(), since: clock::now() });
                }
            }
        }
        let many = self.clients.len().saturating_sub(CLIENTS);
        self.clients.drain(..many);
        let clients = std::mem::take(&mut self.clients);
        for mut client in clients {
            if self.speak(host, &mut client) && client.since.elapsed() < PATIENCE {
                self.clients.push(client);
            }
        }
    }

    /// Reads from a connection and answers what is whole; whether it goes on.
    fn speak(&mut self, host: &Host, client: &mut Client) -> bool {
        let mut part = [0; 4096];
        match client.stream.read(&mut part) {
            Ok(0) => return false,
            Ok(count) => {
                client.bytes.extend_from_slice(&part[..count]);
                client.since = clock::now();
            }
            Err(error) => return matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
        }
        // The length of a message stands before it; one of none is no message.
        while let [high, low, rest @ ..] = &client.bytes[..] {
            let size = usize::from(u16::from_be_bytes([*high, *low]));
            if size == 0 {
                return false;
            }
            let Some(message) = rest.get(..size).map(<[u8]>::to_vec) else { break };
            client.bytes.drain(..2 + size);
            if let Some(reply) = self.answer(host, &message, Transport::Tcp, client.port) {
                let size = u16::try_from(reply.len()).unwrap_or_default();
                // Who does not take such little is gone.
                if client.stream.write_all(&[&size.to_be_bytes()[..], &reply].concat()).is_err() {
                    return false;
                }
            }
        }
        true
    }

    /// The reply to a message, and who asked for what is remembered.
    fn answer(&mut self, host: &Host, message: &[u8], transport: Transport, port: u16) -> Option<Vec<u8>> {
        let reply = nowhere::reply(message, &self.own)?;
        if let Some(missing) = reply.missing {
            let question = Question { kind: missing.kind, id: missing.id, port };
            if self.asked.is_new(&missing.name, question) {
                let server = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 53)));
                let program = self.askers.find(host, transport, port, server);
                self.asked.add(&missing.name, false, question, program);
            }
        }
        (!self.is_silent).then_some(reply.message)
    }

    fn hear_packets(&mut self, host: &Host) {
        let mut bytes = [0; 256];
        for _ in 0..AT_ONCE {
            let Some(file) = &self.packets else { return };
            let Ok((_, count)) = recv(file, &mut bytes, RecvFlags::TRUNC) else { return };
            let Some(packet) = Packet::read(&bytes[..count.min(256)]) else { continue };
            // The same connection is tried again and again.
            let question = Question { kind: packet.to.port(), id: u16::from(packet.is_tcp), port: packet.port };
            let name = packet.name();
            if self.asked.is_new(&name, question) {
                let program = self.askers.find(host, packet.transport(), packet.port, Some(packet.to));
                self.asked.add(&name, true, question, program);
            }
        }
    }
}
