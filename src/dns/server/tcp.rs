//! TCP connections: many questions on each, answered as they are known, in any order (RFC 7766, 6.2.1.1).
//!
//! A connection costs little while it says nothing. Where there are too many, one gives way to the next: of those that wait for nothing
//! the one that has been silent longest; where all wait, the one that does so longest, or one client with many slow questions would
//! keep everybody else out. None may be silent for long; a byte now and then is silence too. Who does not take his answers is not
//! read from.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::thread::{LARGEST, Thread};
use crate::dns::ask::Asker;
use crate::dns::counters::Blocking;
use crate::host::clock;

/// Where one has to give way, so many that wait are passed by in the search for one that does not.
const PASSED: usize = 64;
/// How long a connection may wait for nothing and ask nothing.
const IDLE: Duration = Duration::from_secs(10);
/// After that it holds no memory for what it may say next.
const SILENT: Duration = Duration::from_secs(1);
/// As many questions of a connection may be on their way to others; the next ones are told at once that nobody answers them.
const PENDING: usize = 128;
/// As many bytes may wait to be taken before a connection is not read from.
const UNTAKEN: usize = 1 << 16;
/// As many may wait at all, as late answers come all the same: past that the connection ends.
const MOST_UNTAKEN: usize = 1 << 18;
/// What is read by one call.
const READ: usize = 1 << 16;
/// The longest message that can be said: what its length is written with.
const LONGEST: usize = u16::MAX as usize;

/// The buffers that all connections of a thread use, one after the other.
#[derive(Debug)]
struct Desk {
    read: Box<[u8]>,
    /// Where a question becomes its answer.
    slate: Box<[u8]>,
}

/// The connections of one thread.
#[derive(Debug)]
pub struct Connections {
    most: usize,
    open: RefCell<HashMap<u64, (Rc<Connection>, AbortHandle)>>,
    /// When each was last heard of, as far as that has been looked at: at the least since then.
    since: RefCell<BinaryHeap<Reverse<(Instant, u64)>>>,
    next: Cell<u64>,
    desk: RefCell<Desk>,
    first: Notify,
}

/// Who gives way.
struct First {
    /// The connection that has waited for nothing and asked nothing for the longest time, and since when.
    idle: Option<(Instant, u64)>,
    /// The one that has waited the longest.
    waiting: Option<u64>,
}

/// One connection, as those see it who answer late.
#[derive(Debug)]
struct Connection {
    untaken: RefCell<Vec<u8>>,
    pending: Cell<usize>,
    heard: Cell<Instant>,
    waker: RefCell<Option<Waker>>,
}

impl Connection {
    fn wake(&self) {
        let waker = self.waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn is_waiting(&self) -> bool {
        self.pending.get() > 0
    }
}

/// One who has asked over a connection and waits.
#[derive(Debug)]
pub struct Reply(Rc<Connection>);

impl Reply {
    fn new(connection: &Rc<Connection>) -> Self {
        connection.pending.set(connection.pending.get() + 1);
        Self(Rc::clone(connection))
    }

    /// Sends the message of an answer.
    pub fn send(self, answer: &[u8]) {
        put(&mut self.0.untaken.borrow_mut(), answer);
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.0.pending.set(self.0.pending.get() - 1);
        self.0.wake();
    }
}

/// A message behind its length.
fn put(untaken: &mut Vec<u8>, message: &[u8]) {
    if let Ok(length) = u16::try_from(message.len()) {
        untaken.extend_from_slice(&length.to_be_bytes());
        untaken.extend_from_slice(message);
    }
}

impl Connections {
    /// None yet, and never more than this.
    pub fn new(most: usize) -> Self {
        let bytes = |size: usize| vec![0; size].into_boxed_slice();
        Self {
            most: most.max(1),
            open: RefCell::default(),
            since: RefCell::default(),
            next: Cell::new(0),
            desk: RefCell::new(Desk { read: bytes(READ), slate: bytes(LONGEST) }),
            first: Notify::new(),
        }
    }

    /// Takes a connection and serves it until its end.
    fn admit(&self, stream: TcpStream, thread: &Rc<Thread>) {
        while self.open.borrow().len() >= self.most {
            if !self.end_one() {
                return;
            }
        }
        let number = self.next.get();
        self.next.set(number + 1);
        let now = clock::now();
        let connection = Rc::new(Connection {
            untaken: RefCell::default(),
            pending: Cell::new(0),
            heard: Cell::new(now),
            waker: RefCell::new(None),
        });
        let mut speaker = Speaker {
            stream,
            connection: Rc::clone(&connection),
            partial: Vec::new(),
            skip: 0,
            has_ended: false,
            thread: Rc::clone(thread),
        };
        let thread = Rc::clone(thread);
        let task = tokio::task::spawn_local(async move {
            std::future::poll_fn(|context| speaker.turn(context)).await;
            drop(speaker);
            thread.connections.open.borrow_mut().remove(&number);
        });
        if self.open.borrow().is_empty() {
            self.first.notify_one();
        }
        self.open.borrow_mut().insert(number, (connection, task.abort_handle()));
        self.since.borrow_mut().push(Reverse((now, number)));
    }

    /// Who is the first to go, where so many that wait are passed by in the search.
    fn first(&self, passed: usize) -> First {
        let open = self.open.borrow();
        let mut since = self.since.borrow_mut();
        let mut busy = Vec::new();
        let mut idle = None;
        while busy.len() < passed
            && let Some(Reverse((known, number))) = since.pop()
        {
            let Some((connection, _)) = open.get(&number) else { continue };
            if connection.heard.get() > known {
                since.push(Reverse((connection.heard.get(), number)));
            } else if connection.is_waiting() {
                busy.push(Reverse((known, number)));
            } else {
                since.push(Reverse((known, number)));
                idle = Some((known, number));
                break;
            }
        }
        let waiting = busy.first().map(|Reverse((_, number))| *number);
        since.extend(busy);
        First { idle, waiting }
    }

    fn end(&self, number: u64) {
        // What stands in the heap of it is forgotten when it is come across.
        if let Some((_, task)) = self.open.borrow_mut().remove(&number) {
            task.abort();
        }
    }

    /// Ends the one that has been idle longest, or has waited longest; whether there was one.
    fn end_one(&self) -> bool {
        let First { idle, waiting } = self.first(PASSED);
        let found = idle.map(|(_, number)| number).or(waiting);
        if let Some(number) = found {
            self.end(number);
        }
        found.is_some()
    }

    /// Ends those that have been idle for too long, for ever.
    pub async fn sweep(thread: Rc<Thread>) {
        let all = &thread.connections;
        loop {
            if all.open.borrow().is_empty() {
                all.since.borrow_mut().clear();
                all.first.notified().await;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = clock::now();
            for (connection, _) in all.open.borrow().values() {
                if now.saturating_duration_since(connection.heard.get()) >= SILENT {
                    connection.untaken.borrow_mut().shrink_to_fit();
                }
            }
            while let Some((since, number)) = all.first(usize::MAX).idle
                && now.saturating_duration_since(since) >= IDLE
            {
                all.end(number);
            }
        }
    }
}

/// Takes connections, for ever.
pub async fn accept(listener: TcpListener, thread: Rc<Thread>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => thread.connections.admit(stream, &thread),
            Err(error) => match error.raw_os_error() {
                // No file, or no memory, is left: one that is idle gives way.
                Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => {
                    if thread.connections.end_one() {
                        tokio::task::yield_now().await;
                    } else {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
                // One that has gone before we took it.
                _ => tokio::task::yield_now().await,
            },
        }
    }
}

/// What speaks with one client.
struct Speaker {
    stream: TcpStream,
    connection: Rc<Connection>,
    /// What has come of a message that is not whole.
    partial: Vec<u8>,
    /// So many bytes of a message that is too long are still to come.
    skip: usize,
    /// He has said that he asks no more.
    has_ended: bool,
    thread: Rc<Thread>,
}

impl Speaker {
    /// Ready at the connection's end.
    fn turn(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.connection.waker.replace(Some(context.waker().clone()));
        loop {
            if self.write().is_err() {
                return Poll::Ready(());
            }
            let untaken = self.connection.untaken.borrow().len();
            if untaken > MOST_UNTAKEN || self.has_ended && untaken == 0 && !self.connection.is_waiting() {
                return Poll::Ready(());
            }
            let is_read = !self.has_ended && untaken < UNTAKEN;
            if is_read && let Poll::Ready(ready) = self.stream.poll_read_ready(context) {
                if ready.is_err() || self.read().is_err() {
                    return Poll::Ready(());
                }
                continue;
            }
            if untaken == 0 {
                return Poll::Pending;
            }
            if ready!(self.stream.poll_write_ready(context)).is_err() {
                return Poll::Ready(());
            }
        }
    }

    /// Writes what the other side takes.
    fn write(&mut self) -> io::Result<()> {
        let mut untaken = self.connection.untaken.borrow_mut();
        let mut written = 0;
        while written < untaken.len() {
            match self.stream.try_write(&untaken[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if written > 0 {
            self.connection.heard.set(clock::now());
            untaken.drain(..written);
            // What was much once is given back.
            if untaken.capacity() > LARGEST {
                untaken.shrink_to(LARGEST);
            }
        }
        Ok(())
    }

    /// Reads once and answers what is whole.
    fn read(&mut self) -> io::Result<()> {
        let thread = Rc::clone(&self.thread);
        let mut desk = thread.connections.desk.borrow_mut();
        let Desk { read, slate } = &mut *desk;
        match self.stream.try_read(read) {
            Ok(0) => {
                self.has_ended = true;
                Ok(())
            }
            Ok(count) => {
                self.take(&read[..count], slate);
                Ok(())
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, bytes: &[u8], slate: &mut [u8]) {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        let mut bytes = &bytes[skipped..];
        let joined;
        if !self.partial.is_empty() {
            self.partial.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.partial);
            bytes = &joined;
        }
        let before = bytes.len();
        // Whoever answers at once, while we do, has what we have not written yet behind it.
        let mut answers = self.connection.untaken.take();
        let mut blocking = self.thread.counters.blocking();
        let rest = loop {
            let [high, low, rest @ ..] = bytes else { break bytes };
            let size = usize::from(u16::from_be_bytes([*high, *low]));
            if size == 0 {
                // That is no message. He has what he has asked before, and the connection ends.
                self.has_ended = true;
                break &[];
            }
            let seen = size.min(LARGEST + 1);
            let Some(message) = rest.get(..seen) else { break bytes };
            self.answer(message, slate, &mut blocking, &mut answers);
            self.skip = size.saturating_sub(rest.len());
            bytes = &rest[size.min(rest.len())..];
        };
        if rest.len() < before {
            self.connection.heard.set(clock::now());
        }
        self.partial = rest.to_vec();
        answers.append(&mut self.connection.untaken.borrow_mut());
        *self.connection.untaken.borrow_mut() = answers;
    }

    fn answer(&self, message: &[u8], slate: &mut [u8], blocking: &mut Blocking<'_>, answers: &mut Vec<u8>) {
        slate[..message.len()].copy_from_slice(message);
        let connection = &self.connection;
        let asker = || (connection.pending.get() < PENDING).then(|| Asker::by_stream(Reply::new(connection)));
        if let Some(length) = self.thread.answer(slate, message.len(), true, blocking, asker) {
            put(answers, &slate[..length]);
        }
    }
}
