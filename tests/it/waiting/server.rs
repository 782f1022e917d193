//! Servers that behave as inference servers do, and worse, each a thread of the test's.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What a server does with a request.
pub enum Act {
    /// These bytes, and the end.
    Say(String),
    /// These bytes, and then nothing, for a long time.
    Stall(String),
    /// These bytes, and others without end.
    Flood(String),
    /// The same after a while.
    Late(Duration, String),
}

/// What was asked, as its first line and its key, and how many asked at once at the most.
#[derive(Clone, Default)]
pub struct Seen {
    pub asked: Arc<Mutex<Vec<String>>>,
    open: Arc<AtomicUsize>,
    pub most: Arc<AtomicUsize>,
}

impl Seen {
    pub fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

/// An answer.
pub fn answer(status: &str, fields: &str, body: &str) -> Act {
    let length = body.len();
    Act::Say(format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"))
}

/// A port at which nobody listens.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Listens at an address (with port 0: at a free one); `act` gets the number of the request and its head.
pub fn listen(address: &str, act: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> (u16, Seen) {
    let listener = TcpListener::bind(address).unwrap();
    let port = listener.local_addr().unwrap().port();
    (port, serve(move || listener.accept().unwrap().0, act))
}

/// The same at a unix socket.
pub fn listen_at(path: &Path, act: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Seen {
    let listener = UnixListener::bind(path).unwrap();
    serve(move || listener.accept().unwrap().0, act)
}

/// The same for streams that something has been put into.
pub fn serve<S: Read + Write + Send + 'static>(
    accept: impl Fn() -> S + Send + 'static,
    act: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
) -> Seen {
    let seen = Seen::default();
    let (shared, act) = (seen.clone(), Arc::new(act));
    thread::spawn(move || {
        loop {
            let (stream, shared, act) = (accept(), shared.clone(), Arc::clone(&act));
            thread::spawn(move || {
                let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
                shared.most.fetch_max(open, Ordering::SeqCst);
                talk(stream, &shared, &*act);
                shared.open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    seen
}

fn talk(mut stream: impl Read + Write, seen: &Seen, act: &dyn Fn(usize, &str) -> Act) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let key = head.lines().find(|line| line.starts_with("Authorization:"));
    let mut line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    line.extend(key.map(|key| format!(" {key}")));
    let number = {
        let mut asked = seen.asked.lock().unwrap();
        asked.push(line);
        asked.len() - 1
    };
    // Whoever asked may have gone.
    let mut say = |text: &str| stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).is_ok();
    match act(number, &head) {
        Act::Say(text) => {
            say(&text);
        }
        Act::Late(pause, text) => {
            thread::sleep(pause);
            say(&text);
        }
        Act::Stall(text) => {
            say(&text);
            // Until the other side goes, or the test.
            while matches!(stream.read(&mut byte), Ok(1)) {}
        }
        Act::Flood(text) => {
            say(&text);
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        }
    }
}

/// A connection that is closed before it has said a word.
pub fn hang_up(port: u16) -> thread::JoinHandle<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    thread::spawn(move || {
        for _ in 0..3 {
            let stream: TcpStream = listener.accept().unwrap().0;
            drop(stream);
        }
    })
}
