//! The policy as engines have it: zones, of which the longest that fits decides, and single names.
//!
//! Ours has the first rule that speaks instead, so what another rule overrules is left out here.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::dns::policy::{Kind, Rule, special};
use crate::dns::rules::Known;

/// A domain and all below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its name, without a dot at the end.
    pub name: String,
    /// Who says so, for a comment: one line.
    pub from: Option<String>,
}

/// What becomes of which zone and name; what is not there does not exist, unless it is [`special`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zones {
    /// An upstream is asked; none lies in another one.
    pub forwarded: Vec<Zone>,
    /// There are no such names, though a zone that they lie in may be forwarded.
    pub denied: Vec<Zone>,
    /// Names that are there and have nothing: they stand above names that are there. Without the root, and without those that
    /// only the reverse name of `::1` lies below.
    pub above: Vec<String>,
}

impl Zones {
    /// The zones of a policy.
    pub fn of(known: &Known) -> Self {
        let own = [
            special::LOCALHOST,
            special::LOOPBACK,
            special::LOOPBACK_6,
            special::DESIGNATED,
            special::TRANSLATED,
            special::CANARY,
        ];
        let own: HashSet<&str> = own.into_iter().collect();
        let is_in = |name: &str, set: &HashSet<&str>| endings(name).any(|ending| set.contains(ending));
        let rules = &known.rules;
        let all: HashSet<&str> = rules.deny.iter().map(String::as_str).collect();
        let denied: Vec<&str> = rules.deny.iter().map(String::as_str).filter(|name| !is_in(name, &own)).collect();
        let denied = outermost(denied);
        let private = special::PRIVATE.map(str::to_owned);
        let reverse: Vec<String> = special::reverse().collect();
        let lists = [
            (Kind::Allow, &rules.allow[..]),
            (Kind::Search, &rules.search),
            (Kind::Mirror, &rules.mirrors),
            (Kind::Kubernetes, &[special::KUBERNETES.to_owned()]),
            (Kind::Private, &private),
            (Kind::Reverse, &reverse),
        ];
        let mut kinds = Vec::new();
        for (kind, names) in lists {
            kinds.extend(names.iter().map(|name| (name.as_str(), kind)));
        }
        kinds.retain(|(name, _)| !is_in(name, &all) && !is_in(name, &own));
        let forwarded = outermost(kinds.iter().map(|(name, _)| *name).collect());
        let roots: HashSet<&str> = forwarded.iter().copied().collect();
        let own_above = [special::LOOPBACK, special::DESIGNATED, special::TRANSLATED, "x.ip6.arpa"];
        let above: BTreeSet<&str> = (forwarded.iter().copied().chain(own_above).flat_map(|name| endings(name).skip(1)))
            .filter(|name| !is_in(name, &all) && !is_in(name, &roots) && !own.contains(name))
            .collect();
        let zone = |kind: Kind, name: &str| {
            let rule = Rule { kind, suffix: Some(name.to_owned()) };
            Zone { name: name.to_owned(), from: known.origin(&rule).map(crate::quote::visible) }
        };
        // The first list that has a name.
        let kind_of: HashMap<&str, Kind> = kinds.iter().rev().copied().collect();
        let mut above: Vec<String> = above.into_iter().map(str::to_owned).collect();
        above.sort_by_key(|name| endings(name).count());
        Self {
            forwarded: forwarded
                .iter()
                .map(|name| zone(kind_of.get(name).copied().unwrap_or(Kind::Allow), name))
                .collect(),
            denied: denied.iter().map(|name| zone(Kind::Deny, name)).collect(),
            above,
        }
    }
}

/// The name itself, and what stands above it up to the last label.
fn endings(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, rest)| rest))
}

/// The names that lie in no other of them, each once, in their order.
fn outermost(names: Vec<&str>) -> Vec<&str> {
    let all: HashSet<&str> = names.iter().copied().collect();
    let mut seen = HashSet::new();
    let is_outermost = |name: &str| !endings(name).skip(1).any(|ending| all.contains(ending));
    names.into_iter().filter(|name| is_outermost(name) && seen.insert(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::rules::{Said, Sources};

    fn zones(allow: &[&str], deny: &[&str]) -> Zones {
        let said = |names: &[&str]| {
            names.iter().map(|text| Said { text: (*text).into(), by: "here".into() }).collect::<Vec<_>>()
        };
        Zones::of(&Known::of(Sources { allow: said(allow), deny: said(deny), ..Sources::default() }))
    }

    fn names(zones: &[Zone]) -> Vec<&str> {
        zones.iter().map(|zone| zone.name.as_str()).collect()
    }

    #[test]
    fn the_first_rule_becomes_the_longest_zone() {
        let allow = ["corp.example", "a.corp.example", "x.bad.example", "lab.test", "localhost"];
        let found = zones(&allow, &["bad.example", "very.bad.example", "ads.corp.example", "x.localhost", "internal"]);
        assert_eq!(names(&found.forwarded)[..4], ["corp.example", "lab.test", "cluster.local", "home.arpa"]);
        assert_eq!(names(&found.denied), ["bad.example", "ads.corp.example", "internal"]);
        assert_eq!(found.forwarded[0].from.as_deref(), Some("here"));
        assert_eq!(found.forwarded[2].from, None);
        let above: Vec<&str> = found.above.iter().map(String::as_str).collect();
        assert_eq!(above[..4], ["arpa", "example", "local", "test"]);
        for name in ["in-addr.arpa", "ip6.arpa", "172.in-addr.arpa", "e.f.ip6.arpa"] {
            assert!(above.contains(&name), "{name}");
        }
        assert!(!above.contains(&"internal") && !above.contains(&"bad.example"));
    }
}
