//! One UDP socket: questions come in batches and are answered in place, by batches.

use std::cell::RefCell;
use std::io;
use std::net::UdpSocket;
use std::rc::Rc;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

use super::thread::Thread;
use crate::dns::ask::Asker;
use crate::host::datagrams::{AT_ONCE, Outgoing, Peer};

/// A socket, and the late answers that leave through it.
#[derive(Debug)]
pub struct Front {
    socket: AsyncFd<UdpSocket>,
    late: RefCell<Outgoing>,
    bell: Notify,
}

impl Front {
    /// To be made on the thread's runtime; the socket does not wait.
    ///
    /// # Errors
    /// Where the runtime cannot watch it.
    pub fn new(socket: UdpSocket) -> io::Result<Rc<Self>> {
        // Watched for reading alone: each answer that has left would be an event too. Its successor asks, by `unsafe`, for what a
        // socket of the standard library is: the owner of one file, and of no other.
        #[allow(deprecated)]
        let socket = AsyncFd::with_interest(socket, Interest::READABLE)?;
        Ok(Rc::new(Self { socket, late: RefCell::default(), bell: Notify::new() }))
    }

    /// Answers somebody later than in the batch of his question. Those of one turn of the loop leave together.
    pub fn post(&self, answer: &[u8], peer: &Peer) {
        let mut late = self.late.borrow_mut();
        match late.push(answer, Some(peer)) {
            1 => self.bell.notify_one(),
            AT_ONCE.. => late.send(self.socket.get_ref()),
            _ => {}
        }
    }

    /// Sends late answers, for ever.
    pub async fn send_late(self: Rc<Self>) {
        loop {
            self.bell.notified().await;
            self.late.borrow_mut().send(self.socket.get_ref());
        }
    }

    /// Answers questions, for ever.
    pub async fn serve(self: Rc<Self>, thread: Rc<Thread>) {
        loop {
            // The runtime's own end is the only error.
            let Ok(mut ready) = self.socket.readable().await else { return };
            match self.answer(&thread) {
                // There may be more; others have their turn first.
                Ok(AT_ONCE) => tokio::task::yield_now().await,
                // One that says by an error that an earlier answer was not taken.
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {}
                _ => ready.clear_ready(),
            }
        }
    }

    /// One batch: how many have come.
    fn answer(self: &Rc<Self>, thread: &Rc<Thread>) -> io::Result<usize> {
        let mut batch = thread.batch.borrow_mut();
        let count = batch.receive(self.socket.get_ref())?;
        thread.moment.set(None);
        for at in 0..count {
            let (buffer, length, peer) = batch.message(at);
            let asker = || Some(Asker::by_datagram(Rc::clone(self), *peer));
            let answer = thread.answer(buffer, length, false, asker);
            if let Some(length) = answer {
                batch.answer(at, length);
            }
        }
        batch.send(self.socket.get_ref(), count);
        Ok(count)
    }
}
