//! The resolver as clients see it, by UDP and TCP: each server on a port of its own of loopback, or in a network of its own.
//!
//! No question of these tests is forwarded but to a stub of the test's own.

mod conversation;
mod load;
mod messages;
mod node;
mod service;
mod status;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Home, PROGRAM};

/// The longest that anything here may take; what is expected to come takes nothing of it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A server that runs, until it is dropped.
pub struct Server {
    pub home: Home,
    pub child: Child,
    /// Where it is asked.
    pub address: SocketAddr,
    lines: Receiver<String>,
    /// What it has said so far, without the times.
    said: Vec<String>,
}

/// The article's node: what lies below `corp.example` is the intranet's.
pub const CONFIG: &str = "[dns]\nallow = [\"corp.example\"]\nupstream = [\"127.0.0.1:9\"]\n";

impl Server {
    /// On any port of 127.0.0.1, with these words more.
    #[track_caller]
    pub fn start(words: &[&str]) -> Self {
        let home = Home::new();
        home.configure(CONFIG);
        let mut command = home.command(PROGRAM);
        command.args(["dns", "serve", "--listen", "127.0.0.1:0"]).args(words);
        Self::run(home, &mut command)
    }

    /// A server that somebody has put together; waits until it answers.
    #[track_caller]
    pub fn run(home: Home, command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (told, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
        let mut server = Self { home, child, address: ([0; 4], 0).into(), lines, said: Vec::new() };
        let line = server.line("answering on ");
        server.address = place(&line).unwrap_or_else(|| panic!("{line}"));
        server
    }

    /// Waits for a line with this in it, without its time.
    #[track_caller]
    pub fn line(&mut self, part: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else { panic!("no {part:?} in {:#?}", self.said) };
            // The time: 2027-01-02T03:04:05.678901Z
            let line = match line.split_once("Z ") {
                Some((time, rest)) if time.len() == 26 && time.as_bytes()[10] == b'T' => rest.to_owned(),
                _ => line,
            };
            self.said.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
    }

    pub fn id(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.id(), signal).unwrap();
    }

    /// Asks it to end: the code, and all that it has said.
    #[track_caller]
    pub fn stop(mut self) -> (Option<i32>, Vec<String>) {
        self.signal(Signal::TERM);
        let code = self.child.wait().unwrap().code();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.said.push(line.split_once("Z ").map_or(line.clone(), |(_, rest)| rest.to_owned()));
        }
        (code, std::mem::take(&mut self.said))
    }

    /// Kilobytes of memory that it uses.
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:").split_whitespace().next().unwrap().parse().unwrap()
    }

    /// A line of its status in /proc.
    #[track_caller]
    pub fn status(&self, name: &str) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub fn udp(&self) -> UdpSocket {
        let socket = UdpSocket::bind(if self.address.is_ipv6() { "[::1]:0" } else { "127.0.0.1:0" }).unwrap();
        socket.connect(self.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    pub fn tcp(&self) -> Stream {
        Stream::to(self.address)
    }
}

/// Where a server answers that has said this; a port of its own choice can be nobody else's.
pub fn place(said: &str) -> Option<SocketAddr> {
    said.split_once("answering on ")?.1.split([';', ' ']).next()?.parse().ok()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection, message by message.
pub struct Stream(pub TcpStream);

impl Stream {
    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    pub fn send(&mut self, message: &[u8]) {
        self.try_send(message).unwrap();
    }

    /// The same over a connection that may have been ended.
    pub fn try_send(&mut self, message: &[u8]) -> std::io::Result<()> {
        self.0.write_all(&framed(message))
    }

    /// The next message; `None` at the end.
    pub fn next(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 2];
        self.0.read_exact(&mut length).ok()?;
        let mut message = vec![0; u16::from_be_bytes(length).into()];
        self.0.read_exact(&mut message).unwrap();
        Some(message)
    }

    #[track_caller]
    pub fn ask(&mut self, message: &[u8]) -> Vec<u8> {
        self.send(message);
        self.next().unwrap_or_else(|| panic!("no answer to {message:02x?}"))
    }
}

/// A message behind its length.
pub fn framed(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

/// Asks by a datagram.
#[track_caller]
pub fn ask(socket: &UdpSocket, message: &[u8]) -> Vec<u8> {
    socket.send(message).unwrap();
    receive(socket)
}

/// Asks again and again until there is an answer: a datagram may be lost. The socket waits for each as long as it is told to.
#[track_caller]
pub fn ask_patiently(socket: &UdpSocket, query: &[u8]) -> Vec<u8> {
    let mut bytes = [0; 512];
    let started = Instant::now();
    loop {
        assert!(started.elapsed() < PATIENCE, "no answer");
        // Who was told that nobody was there, asks again.
        let _ = socket.send(query);
        if let Ok(count) = socket.recv(&mut bytes) {
            return bytes[..count].to_vec();
        }
    }
}

#[track_caller]
pub fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut answer = vec![0; 65535];
    let length = socket.recv(&mut answer).unwrap_or_else(|error| panic!("no answer: {error}"));
    answer.truncate(length);
    answer
}

/// A name as it travels.
pub fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').filter(|label| !label.is_empty());
    let mut wire: Vec<u8> =
        labels.flat_map(|label| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat()).collect();
    wire.push(0);
    wire
}

pub const A: u16 = 1;
pub const PTR: u16 = 12;
pub const AAAA: u16 = 28;

/// A question with recursion wanted.
pub fn query(id: u16, text: &str, kind: u16) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    [&[high, low, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], &name(text)[..], &kind.to_be_bytes(), &[0, 1]].concat()
}

/// What says that there is none, behind every such answer.
pub const SOA: &[u8] = b"\0\0\x06\0\x01\0\0\0\x0a\0\x16\0\0\0\0\0\x01\0\0\x0e\x10\0\0\x02\x58\0\x01\x51\x80\0\0\0\x0a";
/// EDNS with no wish for signatures.
pub const EDNS: &[u8] = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";
/// The same, and why a name is blocked.
pub const BLOCKED: &[u8] = b"\0\0\x29\x04\xd0\0\0\0\0\0\x13\0\x0f\0\x0f\0\x0fhpcsh offline";

/// The answer to a question without more, that there is no such name.
pub fn no_name(query: &[u8]) -> Vec<u8> {
    let mut answer = [query, SOA].concat();
    answer[2] |= 0x80;
    (answer[3], answer[9]) = (0x83, 1);
    answer
}
