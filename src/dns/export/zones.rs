//! The policy as engines have it: zones, of which the longest that fits decides, and single names.
//!
//! Ours has the first rule that speaks instead, so what another rule overrules is left out here.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::dns::policy::{Kind, special};
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
        let all: HashSet<&str> = rules.deny.iter().collect();
        let denied: Vec<&str> = rules.deny.iter().filter(|name| !is_in(name, &own)).collect();
        let denied = outermost(denied);
        let reverse: Vec<String> = special::reverse().collect();
        let mut kinds = Vec::new();
        for (kind, names) in
            [(Kind::Allow, &rules.allow), (Kind::Search, &rules.search), (Kind::Mirror, &rules.mirrors)]
        {
            kinds.extend(names.iter().map(|name| (name, kind)));
        }
        kinds.push((special::KUBERNETES, Kind::Kubernetes));
        kinds.extend(special::PRIVATE.iter().map(|name| (*name, Kind::Private)));
        kinds.extend(reverse.iter().map(|name| (name.as_str(), Kind::Reverse)));
        kinds.retain(|(name, _)| !is_in(name, &all) && !is_in(name, &own));
        let forwarded = outermost(kinds.iter().map(|(name, _)| *name).collect());
        let roots: HashSet<&str> = forwarded.iter().copied().collect();
        let own_above = [special::LOOPBACK, special::DESIGNATED, special::TRANSLATED, "x.ip6.arpa"];
        let above: BTreeSet<&str> = (forwarded.iter().copied().chain(own_above).flat_map(|name| endings(name).skip(1)))
            .filter(|name| !is_in(name, &all) && !is_in(name, &roots) && !own.contains(name))
            .collect();
        let origins: HashMap<(Kind, &str), &str> = known.origins().collect();
        let zone = |kind: Kind, name: &str| {
            let from = origins.get(&(kind, name)).map(|by| crate::quote::visible(by));
            Zone { name: name.to_owned(), from }
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
    use crate::dns::policy::{Action, Policy};
    use crate::dns::question::Name;
    use crate::dns::rules::{Said, Sources};

    fn zones(allow: &[&'static str], deny: &[&'static str]) -> Zones {
        let of = |text| Said { text, by: "here" };
        let said = |names: &[&'static str]| names.iter().copied().map(of).collect();
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

    /// What an engine says that has the zones: of those that fit, the longest decides.
    fn by_zones(zones: &Zones, name: &str) -> Action {
        let fits = |zone: &str| endings(name).any(|ending| ending == zone);
        let longest = |zones: &[Zone]| {
            zones.iter().filter(|zone| fits(&zone.name)).map(|zone| zone.name.len()).max().unwrap_or(0)
        };
        let (forwarded, denied) = (longest(&zones.forwarded), longest(&zones.denied));
        if fits(special::LOCALHOST) {
            Action::Localhost
        } else if fits(special::DESIGNATED) || fits(special::TRANSLATED) {
            Action::Empty
        } else if fits(special::LOOPBACK) {
            if name.split('.').count() <= 6 { Action::Empty } else { Action::Block }
        } else if fits(special::CANARY) || denied > forwarded {
            Action::Block
        } else if forwarded > 0 {
            Action::Forward
        } else if zones.above.iter().any(|above| above == name) {
            Action::Empty
        } else if special::RESERVED.iter().any(|(zone, _)| fits(zone)) || name.contains('.') {
            Action::Block
        } else {
            Action::Forward
        }
    }

    #[test]
    fn zones_say_what_the_policy_says() {
        let mut seed = 1_u64;
        let mut random = move |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % below
        };
        let labels =
            ["a", "b", "a", "b", "test", "arpa", "in-addr", "127", "10", "internal", "localhost", "local", "net"];
        let mut name = |most: usize| {
            let count = 1 + random(most);
            (0..count).map(|_| labels[random(labels.len())]).collect::<Vec<_>>().join(".")
        };
        let mut forwarded = 0;
        for _ in 0..100 {
            let (allow, deny): (Vec<_>, Vec<_>) =
                ((0..4).map(|_| name(3)).collect(), (0..3).map(|_| name(3)).collect());
            let of = |text| Said { text, by: "x" };
            let [allow, deny] = [&allow, &deny].map(|names| names.iter().map(String::as_str).map(of).collect());
            let known = Known::of(Sources { allow, deny, ..Sources::default() });
            let (zones, policy) = (Zones::of(&known), Policy::new(&known.rules));
            for _ in 0..50 {
                let name = name(4);
                let action = policy.decide(&Name::of(&name).unwrap(), 1);
                assert_eq!(by_zones(&zones, &name), action, "{name} by {:?}", known.rules);
                forwarded += usize::from(action == Action::Forward);
            }
        }
        assert!((1_000..4_000).contains(&forwarded), "{forwarded} of 5,000");
    }
}
