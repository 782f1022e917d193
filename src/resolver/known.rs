//! What this node says of its intranet: the configuration, the original resolv.conf, the variables of mirrors and proxies.

use crate::config::intranet::names_hosts;
use crate::config::{Loaded, Settings};
use crate::dns::domains::Domains;
use crate::dns::rules::{Known, Said, Sources, Variable};
use crate::dns::takeover;
use crate::host::Host;
use crate::shell::env::{self, Origin};

/// The policy's rules on this node, with where each comes from.
pub fn known(host: &Host, loaded: &Loaded) -> Known {
    let settings = &loaded.settings;
    let dns = &loaded.config.dns;
    let [allow, deny] = ["dns.allow", "dns.deny"].map(|key| place(settings, key).unwrap_or_else(|| key.to_owned()));
    let search = search(host);
    Known::of(Sources {
        allow: dns.allow.iter().map(|text| Said { text, by: &allow }).collect(),
        deny: dns.deny.iter().map(|text| Said { text, by: &deny }).collect(),
        search: search.iter().map(|(text, by)| Said { text, by }).collect(),
        variables: variables(host, loaded),
    })
}

/// The domains in which this node's C library looks for names: where resolv.conf has none, the node's own. A node whose domain is
/// a single label says nothing by that.
pub fn search(host: &Host) -> Vec<(String, &'static str)> {
    let search = takeover::original(host).search;
    if !search.is_empty() {
        return search.into_iter().map(|domain| (domain, "/etc/resolv.conf")).collect();
    }
    let name = host.full_name();
    let domain = name.split_once('.').map(|(_, domain)| domain.trim_end_matches('.')).filter(|name| name.contains('.'));
    domain.map(|domain| (domain.to_owned(), "the name of this node")).into_iter().collect()
}

/// The rules of these domains.
pub fn searched(host: &Host) -> Domains {
    let search = search(host);
    let search = search.iter().map(|(text, by)| Said { text, by }).collect();
    Known::of(Sources { search, ..Sources::default() }).rules.search
}

/// The variables that may name hosts of the intranet, the configuration's before those of the environment.
fn variables(host: &Host, loaded: &Loaded) -> Vec<Variable> {
    let mut found = Vec::new();
    for export in env::plan(&loaded.config.env, &loaded.config.roots) {
        let Origin::Table(table) = export.origin else { continue };
        if !names_hosts(&export.name) {
            continue;
        }
        for value in [&export.offline, &export.online].into_iter().flatten() {
            let tables = ["env.offline", "env.online", "env.set"].map(|table| format!("{table}.{}", export.name));
            let says = |key: &&String| loaded.settings.text(key) == Some(value);
            let place = tables.iter().find(says).and_then(|key| place(&loaded.settings, key));
            let by = place.map_or_else(|| table.to_owned(), |place| format!("{table} in {place}"));
            found.push(Variable { name: export.name.clone(), value: value.clone(), by });
        }
    }
    for (name, value) in host.variables() {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
        if names_hosts(name) {
            let (name, value) = (name.to_owned(), value.to_owned());
            found.push(Variable { name, value, by: "the environment".to_owned() });
        }
    }
    found
}

/// Where a key stands: `/etc/hpcsh/config.toml:7`.
fn place(settings: &Settings, key: &str) -> Option<String> {
    settings.get(key).map(|found| format!("{}:{}", found.file.display(), found.line))
}
