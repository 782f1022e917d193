//! `[dns]`: what the configuration says of the resolver.

use std::net::SocketAddr;

/// `[dns]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Everything is forwarded while the node is online.
    pub only_while_offline: bool,
    /// Suffixes that are forwarded.
    pub allow: Vec<String>,
    /// Suffixes that are blocked all the same.
    pub deny: Vec<String>,
    /// Where it listens.
    pub listen: Vec<SocketAddr>,
    /// Whom it asks, instead of the name servers of the original resolv.conf.
    pub upstream: Vec<SocketAddr>,
    /// How many answers it remembers; 0: none.
    pub cache: usize,
    /// Threads that serve.
    pub threads: usize,
    /// Who it is after it has taken its sockets, where it was started as root: a name of /etc/passwd, or a number.
    pub user: String,
}
