//! A name → block it, forward it, or answer it here. Pure.
//!
//! Decided on whole labels, in lower case, by the first rule that speaks ([`Kind`] has their order); the most specific one has no
//! right of its own. [`Policy::decide`] is on the way of every packet and allocates nothing. It never blocks what stands above a
//! name that is forwarded: a cache may take everything below a name that is not for not there (RFC 8020).

mod rule;
pub mod special;
mod suffixes;

pub use rule::{Kind, Rule};

use super::domains::Domains;
use super::question::Name;
use suffixes::{Marks, Suffixes};

/// What happens to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// There is no such name (NXDOMAIN with a SOA).
    Block,
    /// There is such a name, and nothing of this type (NODATA with a SOA): what stands above names that are there.
    Empty,
    /// This node itself: `localhost` asked for an address, or the name of such an address asked for its name. No other type.
    Localhost,
    /// An upstream is asked.
    Forward,
}

impl Action {
    /// A word for people and programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Block => "blocked",
            Self::Empty => "empty",
            Self::Localhost => "localhost",
            Self::Forward => "forwarded",
        }
    }
}

/// What the rules are made of; names as text. What is no name is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Suffixes that are forwarded.
    pub allow: Domains,
    /// Suffixes that are blocked all the same.
    pub deny: Domains,
    /// The search domains of the original resolv.conf.
    pub search: Domains,
    /// Hosts of the configured mirrors and proxies.
    pub mirrors: Domains,
}

const A: u16 = 1;
const PTR: u16 = 12;
const AAAA: u16 = 28;

/// One bit for each list. All but [`ABOVE`] count for what lies below the name too.
const ALLOW: Marks = 1;
const SEARCH: Marks = 1 << 1;
const MIRROR: Marks = 1 << 2;
const KUBERNETES: Marks = 1 << 3;
const PRIVATE: Marks = 1 << 4;
const REVERSE: Marks = 1 << 5;
const DENY: Marks = 1 << 6;
const ABOVE: Marks = 1 << 7;
const RESERVED: Marks = 1 << 8;
const LOCALHOST: Marks = 1 << 9;
const LOOPBACK: Marks = 1 << 10;
const LOOPBACK_6: Marks = 1 << 11;
const DESIGNATED: Marks = 1 << 12;
const TRANSLATED: Marks = 1 << 13;
const CANARY: Marks = 1 << 14;

/// Any of them is forwarded.
const FORWARDED: Marks = ALLOW | SEARCH | MIRROR | KUBERNETES | PRIVATE | REVERSE;
/// Any of them is answered here, whether the node is online or not.
const OWN: Marks = LOCALHOST | LOOPBACK | LOOPBACK_6 | DESIGNATED | CANARY;

/// The rules, ready to be asked.
#[derive(Clone, Debug)]
pub struct Policy {
    suffixes: Suffixes,
}

impl Policy {
    /// The policy of these rules.
    pub fn new(rules: &Rules) -> Self {
        let Rules { allow, deny, search, mirrors } = rules;
        let mut suffixes = Suffixes::with_room_for([allow, deny, search, mirrors].map(Domains::len).iter().sum());
        let own = [
            (special::LOCALHOST, LOCALHOST, 0),
            (special::LOOPBACK, LOOPBACK, ABOVE),
            (special::LOOPBACK_6, LOOPBACK_6, ABOVE),
            (special::DESIGNATED, DESIGNATED, ABOVE),
            (special::TRANSLATED, TRANSLATED, ABOVE),
            (special::CANARY, CANARY, 0),
        ];
        let name = |text: &str| Name::of(text.trim_start_matches('.'));
        for (text, marks, above) in own {
            if let Some(name) = name(text) {
                suffixes.add(&name, marks, above);
            }
        }
        for (text, _) in special::RESERVED {
            if let Some(name) = name(text) {
                suffixes.add(&name, RESERVED, 0);
            }
        }
        deny.iter().filter_map(name).for_each(|name| suffixes.add(&name, DENY, 0));
        let mut forward = |text: &str, marks| {
            let Some(name) = name(text) else { return };
            // What stands above a name that is blocked need not be there.
            if deny.is_empty() || suffixes.find(&name).marks & DENY == 0 {
                suffixes.add(&name, marks, ABOVE);
            }
        };
        allow.iter().for_each(|text| forward(text, ALLOW));
        search.iter().for_each(|text| forward(text, SEARCH));
        mirrors.iter().for_each(|text| forward(text, MIRROR));
        forward(special::KUBERNETES, KUBERNETES);
        for text in special::PRIVATE {
            forward(text, PRIVATE);
        }
        special::reverse().for_each(|text| forward(&text, REVERSE));
        Self { suffixes }
    }

    /// What happens to a question of this type for this name.
    #[inline]
    pub fn decide(&self, name: &Name, kind: u16) -> Action {
        self.judge(name, kind, false).0
    }

    /// The same while the node is online and the resolver is for an offline one: all is forwarded, but what is this node's own
    /// business and what nobody looks up in DNS.
    #[inline]
    pub fn decide_while_online(&self, name: &Name, kind: u16) -> Action {
        self.judge(name, kind, true).0
    }

    /// The same as [`Self::decide`], with the rule that says so.
    pub fn explain(&self, name: &Name, kind: u16) -> (Action, Rule) {
        self.explained(name, self.judge(name, kind, false))
    }

    /// The same as [`Self::decide_while_online`], with the rule that says so.
    pub fn explain_while_online(&self, name: &Name, kind: u16) -> (Action, Rule) {
        self.explained(name, self.judge(name, kind, true))
    }

    #[inline]
    fn judge(&self, name: &Name, kind: u16, is_open: bool) -> (Action, Kind) {
        let found = self.suffixes.find(name);
        let has = |marks: Marks| found.marks & marks != 0;
        let is_above = found.whole.is_some_and(|marks| marks & ABOVE != 0);
        if has(OWN) {
            let local = |kinds: &[u16]| if kinds.contains(&kind) { Action::Localhost } else { Action::Empty };
            return if has(LOCALHOST) {
                (local(&[A, AAAA]), Kind::Localhost)
            } else if has(LOOPBACK) {
                // An address has four parts; fewer stand above one, and nothing lies below one.
                let action = match found.labels {
                    ..6 => Action::Empty,
                    6 => local(&[PTR]),
                    _ => Action::Block,
                };
                (action, Kind::Loopback)
            } else if has(LOOPBACK_6) {
                (if found.whole.is_some() { local(&[PTR]) } else { Action::Block }, Kind::Loopback)
            } else if has(DESIGNATED) {
                (Action::Empty, Kind::Designated)
            } else {
                (Action::Block, Kind::Canary)
            };
        }
        if is_open {
            let is_reserved = has(RESERVED) && !has(FORWARDED) && !is_above;
            return if is_reserved { (Action::Block, Kind::Reserved) } else { (Action::Forward, Kind::Online) };
        }
        if found.labels == 0 {
            (Action::Empty, Kind::Root)
        } else if has(TRANSLATED) {
            (Action::Empty, Kind::Translated)
        } else if has(DENY) {
            (Action::Block, Kind::Deny)
        } else if has(FORWARDED) {
            (Action::Forward, Kind::Allow)
        } else if is_above {
            (Action::Empty, Kind::Above)
        } else if has(RESERVED) {
            (Action::Block, Kind::Reserved)
        } else if found.labels == 1 {
            (Action::Forward, Kind::Single)
        } else {
            (Action::Block, Kind::Internet)
        }
    }

    /// The rule in full: which of those that forward, and by which suffix.
    fn explained(&self, name: &Name, (action, kind): (Action, Kind)) -> (Action, Rule) {
        let longest = |marks| self.suffixes.longest(name, marks);
        let lists = [
            (Kind::Allow, ALLOW),
            (Kind::Search, SEARCH),
            (Kind::Mirror, MIRROR),
            (Kind::Kubernetes, KUBERNETES),
            (Kind::Private, PRIVATE),
            (Kind::Reverse, REVERSE),
        ];
        let (kind, suffix) = match kind {
            Kind::Allow => lists.into_iter().find_map(|(kind, marks)| Some((kind, longest(marks)?))).unzip(),
            Kind::Deny => (Some(kind), longest(DENY)),
            Kind::Reserved => (Some(kind), longest(RESERVED)),
            Kind::Above => {
                let below = self.suffixes.below(name, FORWARDED);
                (Some(kind), below.or_else(|| self.suffixes.below(name, OWN | TRANSLATED)))
            }
            other => (Some(other), None),
        };
        (action, Rule { kind: kind.unwrap_or(Kind::Allow), suffix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow: &[&str], deny: &[&str]) -> Policy {
        let texts = |names: &[&str]| names.iter().collect();
        Policy::new(&Rules { allow: texts(allow), deny: texts(deny), ..Rules::default() })
    }

    fn decided(policy: &Policy, name: &str) -> Action {
        policy.decide(&Name::of(name).unwrap(), A)
    }

    #[test]
    fn what_is_denied_is_blocked_however_near_what_is_allowed() {
        let policy = policy(&["corp.example", "a.b.corp.test", "lab.test"], &["b.corp.test", "bad.corp.example"]);
        for (name, action) in [
            ("corp.example", Action::Forward),
            ("x.corp.example", Action::Forward),
            ("bad.corp.example", Action::Block),
            ("x.bad.corp.example", Action::Block),
            ("notbad.corp.example", Action::Forward),
            ("a.b.corp.test", Action::Block),
            ("example", Action::Empty),
            // Nothing is forwarded below it.
            ("corp.test", Action::Block),
            ("lab.test", Action::Forward),
            ("test", Action::Empty),
            ("other.test", Action::Block),
        ] {
            assert_eq!(decided(&policy, name), action, "{name}");
        }
    }

    #[test]
    fn localhost_is_never_denied_and_has_addresses_only() {
        let policy = policy(&[], &["localhost", "arpa"]);
        let localhost = Name::of("app.LOCALHOST").unwrap();
        let found = [A, AAAA, 15, 255].map(|kind| policy.decide(&localhost, kind));
        assert_eq!(found, [Action::Localhost, Action::Localhost, Action::Empty, Action::Empty]);
        for name in ["1.0.0.127.in-addr.arpa", special::LOOPBACK_6] {
            let name = Name::of(name).unwrap();
            assert_eq!([PTR, A].map(|kind| policy.decide(&name, kind)), [Action::Localhost, Action::Empty]);
        }
        assert_eq!(decided(&policy, "1.0.0.10.in-addr.arpa"), Action::Block);
    }

    #[test]
    fn an_online_node_asks_for_all_but_its_own() {
        let policy = policy(&["lab.test"], &["bad.example"]);
        for (name, action) in [
            (".", Action::Forward),
            ("huggingface.co", Action::Forward),
            ("bad.example", Action::Forward),
            ("x.local", Action::Forward),
            ("localhost", Action::Localhost),
            ("x.onion", Action::Block),
            ("x.test", Action::Block),
            ("x.lab.test", Action::Forward),
            ("test", Action::Forward),
            ("_dns.resolver.arpa", Action::Empty),
            ("ipv4only.arpa", Action::Forward),
            ("use-application-dns.net", Action::Block),
        ] {
            assert_eq!(policy.decide_while_online(&Name::of(name).unwrap(), A), action, "{name}");
        }
    }

    #[test]
    fn what_is_no_name_is_no_rule() {
        let policy = policy(&["", ".", "a..b", &"x".repeat(64), ".Lab.Corp."], &["."]);
        assert_eq!(decided(&policy, "a.example"), Action::Block);
        assert_eq!(decided(&policy, "x.lab.corp"), Action::Forward);
        assert_eq!(decided(&policy, "."), Action::Empty);
    }
}
