//! Asks an upstream in time, never ourselves.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use super::ask::Asker;
use super::counters::Counters;
use super::plan::Plan;
use super::question::Question;
use super::wire;

/// What forwards; each thread has its own.
#[derive(Debug)]
pub struct Forwarder {
    // STUB: for the one who builds this file.
    counters: Arc<Counters>,
}

impl Forwarder {
    /// To be made on the thread's runtime. `own` are the addresses at which this server is asked.
    ///
    /// # Errors
    /// Where the kernel gives no socket.
    pub fn new(_plan: &Plan, _own: &[SocketAddr], counters: Arc<Counters>) -> io::Result<Rc<Self>> {
        Ok(Rc::new(Self { counters }))
    }

    /// An answer that is remembered, written over the question in `buffer` (its first bytes are the message): its length. `None`: it
    /// has to be asked for, or is longer than who asked by UDP takes.
    pub fn answer_from_memory(&self, _question: &Question, _buffer: &mut [u8], _is_stream: bool) -> Option<usize> {
        None
    }

    /// Asks for it; the asker has his answer within two seconds.
    pub fn ask(self: &Rc<Self>, message: &[u8], question: &Question, asker: Asker) {
        self.counters.failed();
        let mut buffer = message[..question.end].to_vec();
        buffer.resize(question.end + wire::SPARE, 0);
        if let Some(length) = wire::failure(&mut buffer, question) {
            asker.deliver(&buffer[..length]);
        }
    }

    /// Asks those from now on.
    pub fn replace_upstreams(&self, _plan: &Plan) {}
}
