//! Which hosts the configuration itself says are of the intranet: what `dns.allow` names, and its mirrors and proxies.

use crate::dns::rules::{self, Known, Said, Sources, Variable};
use crate::shell::catalogue::{self, Place, is_meant};
use crate::shell::env;

/// Whether a variable of this name may name hosts of the intranet: a tool's mirror, a proxy.
pub fn names_hosts(name: &str) -> bool {
    let rows = catalogue::rows().filter(|row| row.place == Place::Offline);
    let mut mirrors = rows.flat_map(|row| row.unless).chain(&rules::SERVERS);
    rules::is_proxy(name) || mirrors.any(|pattern| is_meant(pattern, name))
}

/// Those hosts, and domains with all below them.
pub fn hosts(allow: &[String], settings: &env::Settings) -> Vec<String> {
    let variables = settings.set.iter().chain(&settings.offline).filter(|(name, _)| names_hosts(name));
    let variable =
        |(name, value): (&String, &String)| Variable { name: name.clone(), value: value.clone(), by: String::new() };
    let Known { rules, labels, .. } = Known::of(Sources {
        allow: allow.iter().map(|text| Said { text, by: "" }).collect(),
        variables: variables.map(variable).collect(),
        ..Sources::default()
    });
    let mut hosts: Vec<String> = rules.allow.iter().chain(rules.mirrors.iter()).map(str::to_owned).collect();
    hosts.extend(labels);
    hosts.sort();
    hosts.dedup();
    hosts
}
