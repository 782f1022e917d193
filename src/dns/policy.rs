//! A name → block it, forward it, or answer it here. Pure.
//!
//! Decided on whole labels, in lower case, by the first rule that speaks; [`Policy::decide`] is on the way of every packet and
//! allocates nothing.

use super::question::Name;

/// What happens to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// There is no such name (NXDOMAIN with a SOA).
    Block,
    /// There is such a name, and nothing of this type (NODATA with a SOA): what stands above names that are there.
    Empty,
    /// This node itself: `localhost`, or the name of its address.
    Localhost,
    /// An upstream is asked.
    Forward,
}

/// What the rules are made of; names as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Suffixes that are forwarded.
    pub allow: Vec<String>,
    /// Suffixes that are blocked all the same.
    pub deny: Vec<String>,
    /// The search domains of the original resolv.conf.
    pub search: Vec<String>,
    /// Hosts of the configured mirrors and proxies.
    pub mirrors: Vec<String>,
}

/// The rules, ready to be asked.
#[derive(Clone, Debug)]
pub struct Policy {
    // STUB: for the one who builds this file.
    rules: Rules,
}

impl Policy {
    /// The policy of these rules.
    pub fn new(rules: Rules) -> Self {
        Self { rules }
    }

    /// What happens to a question of this type for this name.
    pub fn decide(&self, _name: &Name, _kind: u16) -> Action {
        let _ = &self.rules;
        Action::Block
    }
}
