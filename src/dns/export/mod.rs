//! `hpcsh dns export`: the same policy for an engine that runs already, or ours as a service. Pure.
//!
//! What an engine cannot say is told in a comment of its own configuration. What stands in a configuration is made of the letters
//! of host names, numbers and our own words; a comment is one line.

mod coredns;
mod dnsmasq;
mod k8s;
mod systemd;
mod unbound;
mod zones;

use std::net::SocketAddr;
use std::path::PathBuf;

pub use systemd::UNIT;
use zones::{Zone, Zones};

use super::rules::Known;
use super::settings::Settings;
use crate::error::Failure;
use crate::quote;

/// For whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A Corefile.
    CoreDns,
    /// A file for dnsmasq's `conf-dir`.
    Dnsmasq,
    /// A file that unbound includes.
    Unbound,
    /// A unit for systemd that runs `hpcsh dns serve`.
    Systemd,
    /// Kubernetes: `CoreDNS` on every node.
    K8s,
}

impl Target {
    /// All of them, as the command line has them.
    pub const ALL: [(&'static str, Self); 5] = [
        ("coredns", Self::CoreDns),
        ("dnsmasq", Self::Dnsmasq),
        ("unbound", Self::Unbound),
        ("systemd", Self::Systemd),
        ("k8s", Self::K8s),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, target)| *target == self).map_or("", |(name, _)| name)
    }
}

/// What is exported.
#[derive(Clone, Debug)]
pub struct Export {
    /// The rules.
    pub known: Known,
    /// Who is asked, in this order.
    pub upstreams: Vec<SocketAddr>,
    /// `[dns]`
    pub settings: Settings,
    /// Our program.
    pub program: PathBuf,
    /// The configuration that was named on the command line.
    pub config: Option<PathBuf>,
}

/// The text for a target.
///
/// # Errors
/// Where nobody is known who could be asked, or a path cannot be written in the target.
pub fn text(target: Target, export: &Export) -> Result<String, Failure> {
    if target != Target::Systemd && export.upstreams.is_empty() {
        return Err(Failure::failed("no name server is known to which the intranet's names could be forwarded")
            .hint("name one: dns.upstream in the configuration"));
    }
    let is_own = |upstream: &SocketAddr| upstream.ip().is_loopback();
    if target == Target::K8s && export.upstreams.iter().all(is_own) {
        return Err(Failure::failed("the name servers of this node answer on the node alone, and no pod reaches them")
            .hint("name the cluster's: dns.upstream in the configuration"));
    }
    let zones = Zones::of(&export.known);
    Ok(match target {
        Target::CoreDns => coredns::text(&zones, export),
        Target::Dnsmasq => dnsmasq::text(&zones, export),
        Target::Unbound => unbound::text(&zones, export),
        Target::Systemd => systemd::text(export)?,
        Target::K8s => k8s::text(&zones, export),
    })
}

/// How long "there is no such name" holds, in seconds: the node may be online soon.
const NEGATIVE: u32 = 10;

/// The record that stands with every "there is none" (RFC 2308), without its owner. No server and no mailbox.
fn soa() -> String {
    format!("{NEGATIVE} IN SOA . . 1 3600 600 86400 {NEGATIVE}")
}

/// The comment at the top: what this is, what the reader must know, and where the engine differs from `hpcsh dns serve`.
fn head(target: Target, export: &Export, notes: &[&str], differences: &[&str]) -> String {
    let upstreams: Vec<String> = export.upstreams.iter().map(ToString::to_string).collect();
    let mut lines = vec![
        format!("Written by `hpcsh dns export {}`, version {}.", target.name(), env!("CARGO_PKG_VERSION")),
        format!("Names of the internet do not exist; those of the intranet are asked for at {}.", upstreams.join(", ")),
    ];
    lines.extend(notes.iter().map(|note| (*note).to_owned()));
    let always = "It blocks whether the node is online or not: `dns.when` = \"offline\" cannot be said here.";
    let differences =
        export.settings.only_while_offline.then_some(always).into_iter().chain(differences.iter().copied());
    let mut differences = differences.peekable();
    if differences.peek().is_some() {
        lines.push(String::new());
        lines.push("Otherwise than `hpcsh dns serve`:".to_owned());
    }
    lines.extend(differences.map(|difference| format!("- {difference}")));
    lines.iter().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect()
}

/// Who has named a zone, as a comment behind it.
fn remark(zone: &Zone) -> String {
    zone.from.as_ref().map(|from| format!("  # {from}")).unwrap_or_default()
}

/// A path as a comment, or a message, shows it.
fn shown(path: &std::path::Path) -> String {
    quote::visible(&path.to_string_lossy())
}
