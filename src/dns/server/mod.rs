//! The sockets: takes them, answers what comes by them, until it is told to stop.
//!
//! Each thread has sockets and a runtime of its own, and shares nothing with the others but the plan.

pub mod handler;
pub mod tcp;
pub mod thread;
pub mod udp;

use std::net::SocketAddr;

use super::plan::Plan;
use crate::error::Failure;

/// What is to be served, and how.
pub struct Service<'a> {
    /// Where it listens; not where systemd hands in sockets.
    pub listen: Vec<SocketAddr>,
    /// Others than this node may ask.
    pub allow_remote: bool,
    /// Every question is a line in the log.
    pub log_queries: bool,
    /// Threads that serve.
    pub threads: usize,
    /// Who it is after it has taken its sockets, where it was started as root: a name of /etc/passwd, or a number.
    pub user: String,
    /// Makes the plan; again at each reload, by another thread and as that user.
    pub plan: &'a (dyn Fn() -> Result<Plan, Failure> + Sync),
    /// Whether the node reaches the internet; asked now and then where the plan is for nodes that do not, by another thread and as that user.
    pub is_online: &'a (dyn Fn() -> bool + Sync),
}
