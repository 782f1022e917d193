//! What one thread of the server has, and the way of a message through it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::handler::{self, Judged};
use super::tcp::Connections;
use crate::dns::ask::Asker;
use crate::dns::counters::{Blocking, Counters};
use crate::dns::forward::Forwarder;
use crate::dns::log;
use crate::dns::plan::Plan;
use crate::dns::policy::Action;
use crate::dns::question::{self, Question, Unusual};
use crate::dns::wire;
use crate::host::clock;
use crate::host::datagrams::Incoming;

/// The largest message that is read; a question has no use for as much.
pub const LARGEST: usize = 4096;

/// One thread's own.
#[derive(Debug)]
pub struct Thread {
    /// What is gone by, until the next reload.
    pub plan: RefCell<Arc<Plan>>,
    /// The node reaches the internet; of use where the plan is for nodes that do not.
    pub is_online: Arc<AtomicBool>,
    /// Asks others.
    pub forwarder: Rc<Forwarder>,
    /// Its figures.
    pub counters: Arc<Counters>,
    /// Every question is a line in the log.
    pub log_queries: bool,
    /// The names that are.
    pub names: log::Names,
    /// The datagrams that have just come.
    pub batch: RefCell<Incoming>,
    /// When they have, where that was asked for.
    pub moment: Cell<Option<Instant>>,
    /// The connections.
    pub connections: Connections,
}

impl Thread {
    /// The answer to a message, in its place: its length. `None`: it deserves none, or gets it later, by the asker.
    ///
    /// The message is the first `length` bytes of the buffer (above [`LARGEST`]: what is there of a longer one); the answer may need
    /// [`wire::SPARE`] bytes more. Names that are blocked are counted there. Without an asker nothing is asked, and that is the answer.
    pub fn answer(
        &self,
        buffer: &mut [u8],
        length: usize,
        is_stream: bool,
        blocking: &mut Blocking<'_>,
        asker: impl FnOnce() -> Option<Asker>,
    ) -> Option<usize> {
        let length = length.min(buffer.len());
        // Looked at where it lies: it has the longest name there may be.
        let read = question::read(&buffer[..length]);
        let question = match &read {
            Ok(question) if length <= LARGEST && is_plain(question) => question,
            Err(Unusual::Silence) => return None,
            _ => return self.judge(buffer, length, asker),
        };
        let plan = self.plan.borrow();
        let action = plan.decide(question, self.is_online());
        if self.log_queries {
            log::query(question, action);
        }
        match action {
            Action::Forward => {
                if let Some(length) = self.remembered(question, buffer, is_stream) {
                    return Some(length);
                }
                drop(plan);
                return self.ask(buffer, length, question, asker());
            }
            Action::Block => {
                if blocking.count(question) && !self.log_queries {
                    self.names.blocked(question);
                }
            }
            Action::Empty | Action::Localhost => self.counters.answered_here(),
        }
        wire::answer(buffer, question, action)
    }

    /// The same from memory.
    fn remembered(&self, question: &Question, buffer: &mut [u8], is_stream: bool) -> Option<usize> {
        let now = || match self.moment.get() {
            Some(moment) if !is_stream => moment,
            _ => {
                let now = clock::now();
                self.moment.set(Some(now));
                now
            }
        };
        let length = self.forwarder.answer_from_memory(question, buffer, is_stream, now)?;
        self.counters.remembered();
        Some(length)
    }

    /// The slow path: all that is no usual question.
    fn judge(&self, buffer: &mut [u8], length: usize, asker: impl FnOnce() -> Option<Asker>) -> Option<usize> {
        let plan = Arc::clone(&self.plan.borrow());
        match handler::judge(&buffer[..length], plan, self.is_online()) {
            Judged::Silence => None,
            Judged::Answer(answer) => {
                self.counters.unusual();
                buffer.get_mut(..answer.len())?.copy_from_slice(&answer);
                Some(answer.len())
            }
            Judged::Forward(question) => self.ask(buffer, length, &question, asker()),
        }
    }

    fn ask(&self, buffer: &mut [u8], length: usize, question: &Question, asker: Option<Asker>) -> Option<usize> {
        self.counters.forwarded();
        let Some(asker) = asker else {
            self.counters.failed();
            return wire::failure(buffer, question);
        };
        self.forwarder.ask(&buffer[..length], question, asker);
        None
    }

    fn is_online(&self) -> bool {
        self.is_online.load(Ordering::Relaxed)
    }
}

/// Whether a question that could be read can be answered in place too: the types above 248 are for more than a lookup, but for 255.
pub(super) fn is_plain(question: &Question) -> bool {
    question.class == wire::INTERNET
        && question.edns.is_none_or(|edns| edns.version == 0)
        && !handler::is_no_lookup(question.kind)
}
