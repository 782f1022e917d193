//! A name server of a test's own, on a port of loopback: it answers by UDP and TCP as the test says, and remembers what it was asked.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::dns_server::framed;

/// A question as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub message: Vec<u8>,
    pub from: SocketAddr,
    pub is_stream: bool,
}

/// What is said to a question, message by message.
type Say = Arc<dyn Fn(&Seen) -> Vec<Vec<u8>> + Send + Sync>;

pub struct Stub {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    say: Mutex<Say>,
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    /// Each connection ends after an answer.
    is_short: AtomicBool,
    has_ended: AtomicBool,
}

impl Stub {
    /// Says this to each question.
    pub fn new(say: impl Fn(&Seen) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Self {
        loop {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            let address = socket.local_addr().unwrap();
            // The same port may be another's for TCP.
            if let Ok(listener) = TcpListener::bind(address) {
                return Self::on(socket, listener, Arc::new(say));
            }
        }
    }

    /// Where a stub was that has gone.
    pub fn again(address: SocketAddr, say: impl Fn(&Seen) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self::on(UdpSocket::bind(address).unwrap(), TcpListener::bind(address).unwrap(), Arc::new(say))
    }

    fn on(socket: UdpSocket, listener: TcpListener, say: Say) -> Self {
        let shared = Arc::new(Shared {
            say: Mutex::new(say),
            seen: Mutex::default(),
            connections: AtomicUsize::new(0),
            is_short: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
        });
        let address = socket.local_addr().unwrap();
        let at = Arc::clone(&shared);
        std::thread::spawn(move || at.answer(&socket));
        let at = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if at.has_ended.load(Ordering::SeqCst) {
                    return;
                }
                at.connections.fetch_add(1, Ordering::SeqCst);
                let (at, stream) = (Arc::clone(&at), stream.unwrap());
                std::thread::spawn(move || at.converse(stream));
            }
        });
        Self { address, shared }
    }

    /// Says this from now on.
    pub fn say(&self, say: impl Fn(&Seen) -> Vec<Vec<u8>> + Send + Sync + 'static) {
        *self.shared.say.lock().unwrap() = Arc::new(say);
    }

    /// Ends each connection after an answer.
    pub fn end_connections(&self) {
        self.shared.is_short.store(true, Ordering::SeqCst);
    }

    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// All that it was asked.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// How often it was asked for this name, in this case.
    pub fn count(&self, name: &str) -> usize {
        let wire = crate::dns_server::name(name);
        self.seen().iter().filter(|seen| seen.message[12..].starts_with(&wire)).count()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.shared.has_ended.store(true, Ordering::SeqCst);
        // Both threads look up.
        let _ = TcpStream::connect(self.address);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let _ = socket.send_to(&[], self.address);
    }
}

impl Shared {
    fn hear(&self, message: &[u8], from: SocketAddr, is_stream: bool) -> Vec<Vec<u8>> {
        let seen = Seen { message: message.to_vec(), from, is_stream };
        self.seen.lock().unwrap().push(seen.clone());
        let say = Arc::clone(&self.say.lock().unwrap());
        say(&seen)
    }

    fn answer(&self, socket: &UdpSocket) {
        let mut message = vec![0; 65535];
        while let Ok((length, from)) = socket.recv_from(&mut message) {
            if self.has_ended.load(Ordering::SeqCst) {
                return;
            }
            for answer in self.hear(&message[..length], from, false) {
                let _ = socket.send_to(&answer, from);
            }
        }
    }

    fn converse(&self, mut stream: TcpStream) {
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let from = stream.peer_addr().unwrap();
        let mut length = [0; 2];
        while stream.read_exact(&mut length).is_ok() && !self.has_ended.load(Ordering::SeqCst) {
            let mut message = vec![0; u16::from_be_bytes(length).into()];
            if stream.read_exact(&mut message).is_err() {
                return;
            }
            for answer in self.hear(&message, from, true) {
                let _ = stream.write_all(&framed(&answer));
                if self.is_short.load(Ordering::SeqCst) {
                    return;
                }
            }
        }
    }
}

/// Where the question of a message ends.
pub fn end(message: &[u8]) -> usize {
    let mut at = 12;
    while message[at] > 0 {
        at += 1 + usize::from(message[at]);
    }
    at + 5
}

/// An answer to this message, with this code, and an address with so many seconds where there is one.
pub fn answer(message: &[u8], code: u8, seconds: Option<u32>) -> Vec<u8> {
    let mut answer = message[..end(message)].to_vec();
    answer[2] |= 0x80;
    answer[3] = 0x80 | code;
    answer[6..12].fill(0);
    if let Some(seconds) = seconds {
        answer[7] = 1;
        answer.extend([&[0xc0, 12, 0, 1, 0, 1][..], &seconds.to_be_bytes(), &[0, 4, 192, 0, 2, 7]].concat());
    }
    answer
}

/// Says an address that holds for an hour.
pub fn good(seen: &Seen) -> Vec<Vec<u8>> {
    vec![answer(&seen.message, 0, Some(3600))]
}

/// Says nothing.
pub fn silent(_: &Seen) -> Vec<Vec<u8>> {
    Vec::new()
}

/// Says that it cannot.
pub fn failing(code: u8) -> impl Fn(&Seen) -> Vec<Vec<u8>> {
    move |seen| vec![answer(&seen.message, code, None)]
}
