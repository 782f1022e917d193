//! The way in: what comes from an upstream reaches the forwarder, whichever socket or connection it comes by.

use std::cell::Cell;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::rc::{Rc, Weak};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::{AbortHandle, spawn_local};

use super::Forwarder;
use super::streams::{self, Stream};

/// One upstream's.
#[derive(Clone, Debug)]
pub struct Inlet {
    forwarder: Weak<Forwarder>,
    /// Which of the forwarder's upstreams it is.
    line: usize,
    last_way: Rc<Cell<u32>>,
}

impl Inlet {
    /// `last_way`: the number of the last socket or connection, of all upstreams.
    pub fn new(forwarder: Weak<Forwarder>, line: usize, last_way: Rc<Cell<u32>>) -> Self {
        Self { forwarder, line, last_way }
    }

    /// The number of a new socket or connection.
    pub fn next_way(&self) -> u32 {
        self.last_way.set(self.last_way.get().wrapping_add(1));
        self.last_way.get()
    }

    /// Takes what comes by this socket, until it is told to stop.
    pub fn hear(&self, way: u32, file: Rc<AsyncFd<UdpSocket>>) -> AbortHandle {
        let Self { forwarder, line, .. } = self.clone();
        let hearing = async move {
            while let Ok(mut ready) = file.ready(Interest::READABLE | Interest::ERROR).await {
                let Some(forwarder) = forwarder.upgrade() else { return };
                match forwarder.take_batch(way, file.get_ref()) {
                    // There may be more; others have their turn first.
                    Ok(false) => tokio::task::yield_now().await,
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => forwarder.refused(line, &error),
                    _ => ready.clear_ready(),
                }
            }
        };
        spawn_local(hearing).abort_handle()
    }

    /// Makes this connection, and takes what comes by it until it ends.
    pub fn speak(&self, stream: Rc<Stream>, address: SocketAddr) {
        let Self { forwarder, line, .. } = self.clone();
        spawn_local(async move {
            let way = stream.way;
            let take = |answer: &mut [u8]| {
                if let Some(forwarder) = forwarder.upgrade() {
                    forwarder.take(way, answer);
                }
            };
            let has_answered = streams::speak(stream, address, take).await;
            if let Some(forwarder) = forwarder.upgrade() {
                forwarder.ended(line, way, has_answered);
            }
        });
    }
}
