//! The connections over which one upstream is asked what its asker has asked over TCP: kept for the next question, many questions on
//! each at once where there are no more of them (RFC 7766, 6.2).

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::inlet::Inlet;

/// As many connections to one upstream; more questions share them.
const MOST: usize = 8;
/// How long one is tried to be had.
const CONNECT: Duration = Duration::from_secs(2);
/// How long one is kept on which nothing comes.
const IDLE: Duration = Duration::from_secs(10);

/// Those to one upstream.
#[derive(Debug)]
pub struct Streams {
    address: SocketAddr,
    inlet: Inlet,
    open: Vec<Rc<Stream>>,
}

/// A connection, as those see it who ask.
#[derive(Debug)]
pub struct Stream {
    /// Its number.
    pub way: u32,
    unsent: RefCell<Vec<u8>>,
    bell: Notify,
    /// Questions without an answer.
    busy: Cell<usize>,
}

impl Streams {
    /// None yet.
    pub fn new(address: SocketAddr, inlet: Inlet) -> Self {
        Self { address, inlet, open: Vec::new() }
    }

    /// Sends a message: over which connection.
    pub fn push(&mut self, message: &[u8]) -> u32 {
        let least = self.open.iter().min_by_key(|stream| stream.busy.get());
        let usable = least.filter(|stream| stream.busy.get() == 0 || self.open.len() >= MOST);
        let stream = usable.cloned().unwrap_or_else(|| self.add());
        stream.busy.set(stream.busy.get() + 1);
        let mut unsent = stream.unsent.borrow_mut();
        unsent.extend_from_slice(&u16::try_from(message.len()).unwrap_or_default().to_be_bytes());
        unsent.extend_from_slice(message);
        stream.bell.notify_one();
        stream.way
    }

    fn add(&mut self) -> Rc<Stream> {
        let (unsent, bell) = (RefCell::default(), Notify::new());
        let stream = Rc::new(Stream { way: self.inlet.next_way(), unsent, bell, busy: Cell::new(0) });
        self.open.push(Rc::clone(&stream));
        self.inlet.speak(Rc::clone(&stream), self.address);
        stream
    }

    /// Sends nothing more over this one: it has ended, or an answer has not come. Whether it was there.
    pub fn leave(&mut self, way: u32) -> bool {
        let before = self.open.len();
        self.open.retain(|stream| stream.way != way);
        self.open.len() < before
    }
}

/// Speaks to the upstream until the connection ends; each message that comes is taken. Whether any has come.
pub async fn speak(stream: Rc<Stream>, address: SocketAddr, mut take: impl FnMut(&mut [u8])) -> bool {
    let Ok(Ok(mut connection)) = timeout(CONNECT, TcpStream::connect(address)).await else { return false };
    let _ = connection.set_nodelay(true);
    let (mut reader, mut writer) = connection.split();
    let mut has_answered = false;
    {
        let reading = async {
            let mut message = Vec::new();
            loop {
                let mut length = [0; 2];
                timeout(IDLE, reader.read_exact(&mut length)).await??;
                message.resize(usize::from(u16::from_be_bytes(length)), 0);
                timeout(IDLE, reader.read_exact(&mut message)).await??;
                stream.busy.set(stream.busy.get().saturating_sub(1));
                has_answered = true;
                take(&mut message);
            }
        };
        let writing = async {
            loop {
                let bytes = stream.unsent.take();
                if bytes.is_empty() {
                    stream.bell.notified().await;
                } else {
                    writer.write_all(&bytes).await?;
                }
            }
        };
        let (mut reading, mut writing) = (pin!(reading), pin!(writing));
        let _: io::Result<()> = poll_fn(|context| match reading.as_mut().poll(context) {
            Poll::Pending => writing.as_mut().poll(context),
            done @ Poll::Ready(_) => done,
        })
        .await;
    }
    has_answered
}
