//! One UDP socket: questions come in batches and are answered in place, by batches.
//!
//! The runtime watches the socket while there is little to do. Each datagram that comes to a watched socket costs its sender a call
//! into the list of what is watched, by a lock that we take too: so it is not watched while questions come faster than they are
//! answered, and asked itself instead whether there are more.

use std::cell::RefCell;
use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::rc::Rc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

use super::thread::Thread;
use crate::dns::ask::Asker;
use crate::host::datagrams::{AT_ONCE, Outgoing, Peer};

/// After so many questions at once it is worth a call to look whether more have come meanwhile.
const MANY: usize = 8;
/// So many batches are answered until others have their turn.
const IN_A_ROW: usize = 4;
/// Until it is tried again to watch a socket, where the runtime could not.
const PAUSE: Duration = Duration::from_millis(1);

/// A socket, and the late answers that leave through it.
#[derive(Debug)]
pub struct Front {
    socket: UdpSocket,
    late: RefCell<Outgoing>,
    bell: Notify,
}

impl Front {
    /// To be made on the thread's runtime; the socket does not wait.
    ///
    /// # Errors
    /// Where the runtime cannot watch it.
    pub fn new(socket: UdpSocket) -> io::Result<Rc<Self>> {
        watch(&socket)?;
        Ok(Rc::new(Self { socket, late: RefCell::default(), bell: Notify::new() }))
    }

    /// Answers somebody later than in the batch of his question. Those of one turn of the loop leave together.
    pub fn post(&self, answer: &[u8], peer: &Peer) {
        let mut late = self.late.borrow_mut();
        match late.push(answer, Some(peer)) {
            1 => self.bell.notify_one(),
            AT_ONCE.. => late.send(&self.socket),
            _ => {}
        }
    }

    /// Sends late answers, for ever.
    pub async fn send_late(self: Rc<Self>) {
        loop {
            self.bell.notified().await;
            self.late.borrow_mut().send(&self.socket);
        }
    }

    /// Answers questions, for ever.
    pub async fn serve(self: Rc<Self>, thread: Rc<Thread>) {
        loop {
            let Ok(watched) = watch(&self.socket) else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            loop {
                // The runtime's own end is the only error.
                let Ok(mut ready) = watched.readable().await else { return };
                match self.answer(&thread) {
                    Taken::Many => match self.answer(&thread) {
                        Taken::Few | Taken::Many => break,
                        Taken::None => ready.clear_ready(),
                        Taken::Error => {}
                    },
                    Taken::Few | Taken::None => ready.clear_ready(),
                    Taken::Error => {}
                }
            }
            drop(watched);
            while self.answer_some(&thread) {
                tokio::task::yield_now().await;
            }
        }
    }

    /// As many batches as there may be in a row; whether there may be more.
    fn answer_some(self: &Rc<Self>, thread: &Rc<Thread>) -> bool {
        (0..IN_A_ROW).all(|_| self.answer(thread) != Taken::None)
    }

    /// One batch.
    fn answer(self: &Rc<Self>, thread: &Rc<Thread>) -> Taken {
        let mut batch = thread.batch.borrow_mut();
        let count = match batch.receive(&self.socket) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Taken::None,
            Err(_) => return Taken::Error,
        };
        thread.moment.set(None);
        let mut blocking = thread.counters.blocking();
        for at in 0..count {
            let (buffer, length, peer) = batch.message(at);
            let asker = || Some(Asker::by_datagram(Rc::clone(self), *peer));
            let answer = thread.answer(buffer, length, false, &mut blocking, asker);
            if let Some(length) = answer {
                batch.answer(at, length);
            }
        }
        drop(blocking);
        batch.send(&self.socket, count);
        if count >= MANY || !batch.is_all() { Taken::Many } else { Taken::Few }
    }
}

/// What a look for questions has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// None is there.
    None,
    /// All that there were.
    Few,
    /// There may be more.
    Many,
    /// One that says that an earlier answer was not taken.
    Error,
}

/// Watched for reading alone: each answer that has left would be an event too.
// Its successor asks, by `unsafe`, for what a socket of the standard library is: the owner of one file, and of no other.
#[allow(deprecated)]
fn watch(socket: &UdpSocket) -> io::Result<AsyncFd<BorrowedFd<'_>>> {
    AsyncFd::with_interest(socket.as_fd(), Interest::READABLE)
}
