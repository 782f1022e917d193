//! What the resolver goes by: made anew at each reload, shared by its threads.

use std::net::SocketAddr;

use super::policy::{Action, Policy};
use super::question::Question;

/// What happens to which name, and who is asked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What happens to a name.
    pub policy: Policy,
    /// Who is asked, in this order.
    pub upstreams: Vec<SocketAddr>,
    /// How many answers are remembered; 0: none.
    pub cache: usize,
    /// Everything is forwarded while the node is online.
    pub only_while_offline: bool,
}

impl Plan {
    /// What happens to a question, on a node that is online or is not.
    pub fn decide(&self, question: &Question, is_online: bool) -> Action {
        if is_online && self.only_while_offline {
            return self.policy.decide_while_online(&question.name, question.kind);
        }
        self.policy.decide(&question.name, question.kind)
    }
}
