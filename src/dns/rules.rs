//! Configuration, resolv.conf and variables → the policy's rules, each with where it comes from. Pure.
//!
//! Whoever configures a mirror wants to reach it, so its host is one of the intranet. A tool's own default is none: a variable that
//! says `https://pypi.org/simple` says nothing.

use std::collections::HashSet;
use std::net::IpAddr;

use super::domains::Domains;
use super::policy::{Kind, Rule, Rules};
use super::settings::suffix;
use crate::net::place;

/// A text, and who says it, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<'a> {
    /// What is said.
    pub text: &'a str,
    /// By whom: `dns.allow`, `/etc/resolv.conf`.
    pub by: &'a str,
}

/// A variable that may name hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Who sets it: `env.set`, `the environment`.
    pub by: String,
}

/// All that the rules are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources<'a> {
    /// `dns.allow`
    pub allow: Vec<Said<'a>>,
    /// `dns.deny`
    pub deny: Vec<Said<'a>>,
    /// The search domains.
    pub search: Vec<Said<'a>>,
    /// What a tool's mirror stands in, and proxies; others are passed over. The configuration's before the environment's.
    pub variables: Vec<Variable>,
}

/// The rules, and where each comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The rules.
    pub rules: Rules,
    /// Hosts of mirrors and proxies whose names have no dot: they are forwarded without a rule.
    pub labels: Vec<String>,
    /// From which domain of its list on this is who says them.
    origins: Vec<(Kind, usize, String)>,
}

impl Known {
    /// The rules of these sources. What is no domain is left out.
    pub fn of(sources: Sources<'_>) -> Self {
        let mut known = Self::default();
        let Sources { allow, deny, search, variables } = sources;
        known.rules.allow = known.take(Kind::Allow, &allow);
        known.rules.deny = known.take(Kind::Deny, &deny);
        known.rules.search = known.take(Kind::Search, &search);
        let said = |variable: &Variable| (hosts(variable), format!("{} of {}", variable.name, variable.by));
        let mirrors: Vec<(Vec<String>, String)> = variables.iter().map(said).collect();
        let mirrors = mirrors.iter().flat_map(|(hosts, by)| hosts.iter().map(move |text| Said { text, by }));
        known.rules.mirrors = known.take(Kind::Mirror, &mirrors.collect::<Vec<_>>());
        known.labels = variables.iter().flat_map(|variable| named(variable, false)).collect();
        known.labels.sort();
        known.labels.dedup();
        known
    }

    /// Where a rule comes from, where somebody has made it.
    pub fn origin(&self, rule: &Rule) -> Option<&str> {
        let suffix = rule.suffix.as_deref()?;
        let list = self.lists().into_iter().find(|(kind, _)| *kind == rule.kind)?.1;
        self.origin_at(rule.kind, list.iter().position(|domain| domain == suffix)?)
    }

    /// Each domain of each list, and where it comes from.
    pub fn origins(&self) -> impl Iterator<Item = ((Kind, &str), &str)> {
        let lists = self.lists().into_iter();
        let all = lists.flat_map(|(kind, list)| list.iter().enumerate().map(move |(at, domain)| (kind, at, domain)));
        all.filter_map(|(kind, at, domain)| Some(((kind, domain), self.origin_at(kind, at)?)))
    }

    fn lists(&self) -> [(Kind, &Domains); 4] {
        let Rules { allow, deny, search, mirrors } = &self.rules;
        [(Kind::Allow, allow), (Kind::Deny, deny), (Kind::Search, search), (Kind::Mirror, mirrors)]
    }

    /// Who says the domain at this place of a list.
    fn origin_at(&self, kind: Kind, at: usize) -> Option<&str> {
        let is_it = |(of, from, _): &&(Kind, usize, String)| *of == kind && *from <= at;
        self.origins.iter().rev().find(is_it).map(|(.., by)| by.as_str())
    }

    /// Each domain once, with the first who says it.
    fn take(&mut self, kind: Kind, all: &[Said<'_>]) -> Domains {
        let mut names = Domains::with_room_for(all.len());
        let mut known = HashSet::with_capacity(all.len());
        let mut last = None;
        for Said { text, by } in all {
            let Ok(name) = suffix(text) else { continue };
            if known.insert(name.clone()) {
                if last.replace(*by) != Some(*by) {
                    self.origins.push((kind, names.len(), (*by).to_owned()));
                }
                names.push(&name);
            }
        }
        names
    }
}

/// Servers that are no mirrors, in whose variables the catalogue has no part; a `*` at the end stands for the rest.
pub const SERVERS: [&str; 7] = [
    "AWS_ENDPOINT_URL*",
    "CARGO_HTTP_PROXY",
    "MLFLOW_TRACKING_URI",
    "MODELSCOPE_ENDPOINT",
    "PIP_PROXY",
    "RUSTUP_DIST_SERVER",
    "RUSTUP_UPDATE_ROOT",
];

/// Hosts of the internet that the tools' variables name too. A mirror of the user's own may be anywhere; these it is not.
const PUBLIC: [&str; 30] = [
    "anaconda.com",
    "anaconda.org",
    "astral.sh",
    "crates.io",
    "docker.com",
    "docker.io",
    "ghcr.io",
    "github.com",
    "githubusercontent.com",
    "golang.org",
    "goproxy.cn",
    "goproxy.io",
    "hf-mirror.com",
    "hf.co",
    "huggingface.co",
    "modelscope.ai",
    "modelscope.cn",
    "npmjs.com",
    "npmjs.org",
    "npmmirror.com",
    "nvidia.com",
    "prefix.dev",
    "pypi.org",
    "python.org",
    "pythonhosted.org",
    "pytorch.org",
    "rust-lang.org",
    "rustup.rs",
    "wandb.ai",
    "yarnpkg.com",
];

/// Whether a variable of this name is a proxy's, or says for which hosts there is none.
pub fn is_proxy(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy", "npm_config_proxy", "npm_config_https_proxy"]
        .contains(&name.as_str())
}

/// The names of hosts in the value of a variable that are a rule.
///
/// A name without a dot is forwarded anyway: as a suffix it would open a whole top-level domain.
fn hosts(variable: &Variable) -> Vec<String> {
    named(variable, true)
}

/// The names of hosts in the value of a variable, of URLs, a proxy's without one, and of `no_proxy`: those that are a rule, or the
/// others. An address is no name.
fn named(variable: &Variable, as_rules: bool) -> Vec<String> {
    let is_exempting = variable.name.eq_ignore_ascii_case("no_proxy");
    let is_proxy = is_proxy(&variable.name) || variable.name.ends_with("_PROXY");
    let words = variable.value.split([' ', '\t', '\n', ',', '|', ';']).filter(|word| !word.is_empty());
    let host = |word: &str| {
        let (authority, is_bare) = match word.split_once("://") {
            Some((_, rest)) => (rest, false),
            None if is_proxy => (word, true),
            None => return None,
        };
        // A proxy's password may hold what it should not; an index may have an `@` in its path.
        let path = |text: &'_ str| text.find(['/', '?', '#']).unwrap_or(text.len());
        let end = if is_proxy { authority.len() } else { path(authority) };
        let authority = authority[..end].rsplit_once('@').map_or(&authority[..end], |(_, place)| place);
        let authority = &authority[..path(authority)];
        let (host, _) = place::split(authority)?;
        // All below it is written in several ways.
        let below = host.strip_prefix('*').unwrap_or(host).strip_prefix('.').filter(|_| is_exempting && is_bare);
        let name = suffix(below.unwrap_or(host)).ok()?.into_owned();
        let is_rule = name.contains('.') || below.is_some();
        let is_host = name.parse::<IpAddr>().is_err() && is_rule == as_rules;
        // A range of addresses.
        let is_range = is_bare && word.contains('/');
        let is_public = PUBLIC.iter().any(|public| is_below(&name, public));
        (is_host && !is_range && !is_public && !is_below(&name, "localhost")).then_some(name)
    };
    words.filter_map(host).collect()
}

/// Whether a name is this domain, or lies below it.
fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_and_a_proxy_name_their_hosts() {
        for (name, value, found) in [
            ("UV_INDEX", "http://Nexus.Your.Mirror/pypi/simple", &["nexus.your.mirror"][..]),
            (
                "UV_INDEX",
                "mine=https://me:p%40ss@a.corp.example:8443/simple https://b.corp",
                &["a.corp.example", "b.corp"],
            ),
            ("UV_INDEX", "torch=https://download.pytorch.org/whl/cu128 https://c.corp/", &["c.corp"]),
            ("UV_FIND_LINKS", "/gpfs/wheels,https://d.corp/wheels", &["d.corp"]),
            ("PIP_INDEX_URL", "https://pypi.org/simple", &[]),
            (
                "PIP_EXTRA_INDEX_URL",
                "https://PyPI.ngc.nvidia.com https://notpypi.org\nhttps://e.corp",
                &["notpypi.org", "e.corp"],
            ),
            ("PIP_INDEX_URL", "https://10.1.2.3/simple https://[fd00::1]:80/simple http://nexus/simple", &[]),
            ("GOPROXY", "https://proxy.golang.org,direct", &[]),
            ("GOPROXY", "https://athens.corp|https://b.corp,off", &["athens.corp", "b.corp"]),
            ("CARGO_REGISTRIES_MINE_INDEX", "sparse+https://crates.corp/index/", &["crates.corp"]),
            ("CONDA_CHANNELS", "conda-forge,https://conda.corp/main", &["conda.corp"]),
            ("HF_ENDPOINT", "https://hub.corp.", &["hub.corp"]),
            ("HF_ENDPOINT", "hub.corp", &[]),
            ("https_proxy", "proxy.corp:3128", &["proxy.corp"]),
            ("HTTP_PROXY", "http://me:pa/ss@proxy.corp:3128", &["proxy.corp"]),
            ("npm_config_registry", "https://npm.corp/@scope/x", &["npm.corp"]),
            ("HTTP_PROXY", "http://me:pass@proxy.corp:3128/", &["proxy.corp"]),
            ("all_proxy", "socks5h://[::1]:1080", &[]),
            ("all_proxy", "127.0.0.1:3128 localhost:3128", &[]),
            (
                "no_proxy",
                "*,localhost,.corp.example,*.lab.example,.svc,gpu17,10.0.0.0/8,x.corp:80,1.2.3.4",
                &["corp.example", "lab.example", "svc", "x.corp"],
            ),
            ("NO_PROXY", "", &[]),
            ("UV_INDEX", "https:// ://x ftp://", &[]),
        ] {
            let variable = Variable { name: name.into(), value: value.into(), by: "env.set".into() };
            assert_eq!(hosts(&variable), found, "{name}={value}");
        }
    }

    #[test]
    fn a_host_without_a_dot_is_no_rule() {
        for (name, value, found) in [
            ("UV_INDEX", "http://nexus/simple https://a.corp http://10.1.2.3/ http://localhost/", &["nexus"][..]),
            ("http_proxy", "proxy:3128", &["proxy"]),
            ("no_proxy", "*,gpu17,.svc,10.0.0.0/8", &["gpu17"]),
        ] {
            let variable = Variable { name: name.into(), value: value.into(), by: "env.set".into() };
            let known = Known::of(Sources { variables: vec![variable], ..Sources::default() });
            assert_eq!(known.labels, found, "{name}={value}");
        }
    }

    #[test]
    fn each_rule_knows_where_it_comes_from() {
        let said = |text, by| Said { text, by };
        let variable =
            |name: &str, by: &str| Variable { name: name.into(), value: "http://nexus.corp/".into(), by: by.into() };
        let known = Known::of(Sources {
            allow: vec![said("Corp.Example.", "dns.allow"), said("corp.example", "elsewhere"), said("a b", "x")],
            deny: vec![said("bad.corp.example", "dns.deny")],
            search: vec![said("corp.example", "/etc/resolv.conf"), said(".", "/etc/resolv.conf")],
            variables: vec![variable("UV_INDEX", "env.set"), variable("PIP_INDEX_URL", "the environment")],
        });
        let rules = Rules {
            allow: Domains::from_iter(["corp.example"]),
            deny: Domains::from_iter(["bad.corp.example"]),
            search: Domains::from_iter(["corp.example"]),
            mirrors: Domains::from_iter(["nexus.corp"]),
        };
        assert_eq!(known.rules, rules);
        let origin = |kind, suffix: &str| known.origin(&Rule { kind, suffix: Some(suffix.into()) }).map(str::to_owned);
        assert_eq!(origin(Kind::Allow, "corp.example").as_deref(), Some("dns.allow"));
        assert_eq!(origin(Kind::Search, "corp.example").as_deref(), Some("/etc/resolv.conf"));
        assert_eq!(origin(Kind::Mirror, "nexus.corp").as_deref(), Some("UV_INDEX of env.set"));
        assert_eq!(origin(Kind::Private, "internal"), None);
    }
}
