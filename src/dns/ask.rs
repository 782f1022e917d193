//! Who awaits an answer, and how it reaches him.
//!
//! The one who forwards holds an [`Asker`] for each question that is on its way, and knows nothing of sockets. Whoever lets go of it
//! without a word has dropped the question.

use std::rc::Rc;

use super::server::tcp::Reply;
use super::server::udp::Front;
use crate::host::datagrams::Peer;

/// Somebody who has asked and waits.
#[derive(Debug)]
pub struct Asker(Way);

#[derive(Debug)]
enum Way {
    Datagram {
        front: Rc<Front>,
        peer: Peer,
    },
    Stream(Reply),
    #[cfg(test)]
    Kept(Rc<std::cell::RefCell<Vec<Vec<u8>>>>),
}

impl Asker {
    /// One who has asked by a datagram, through this socket of ours.
    pub fn by_datagram(front: Rc<Front>, peer: Peer) -> Self {
        Self(Way::Datagram { front, peer })
    }

    /// One who has asked over a connection.
    pub fn by_stream(reply: Reply) -> Self {
        Self(Way::Stream(reply))
    }

    /// One whose answers a test finds here.
    #[cfg(test)]
    pub fn keeping(answers: Rc<std::cell::RefCell<Vec<Vec<u8>>>>) -> Self {
        Self(Way::Kept(answers))
    }

    /// Whether he asked over TCP: so is asked for him then, and any length is right for him.
    pub fn is_stream(&self) -> bool {
        matches!(self.0, Way::Stream(_))
    }

    /// Sends the whole message of an answer; those of one turn of the loop leave together.
    pub fn deliver(self, answer: &[u8]) {
        match self.0 {
            Way::Datagram { front, peer } => front.post(answer, &peer),
            Way::Stream(reply) => reply.send(answer),
            #[cfg(test)]
            Way::Kept(answers) => answers.borrow_mut().push(answer.to_vec()),
        }
    }
}
