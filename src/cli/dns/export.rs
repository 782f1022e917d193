//! `hpcsh dns export TARGET`

use clap::{Arg, ArgMatches, Command};

use crate::dns::export::Target;

/// What `hpcsh dns export` is asked for.
#[derive(Clone, Debug)]
pub struct ExportArguments {
    /// The engine.
    pub target: Target,
}

const EXAMPLES: &str = "\
Examples:
  hpcsh dns export dnsmasq > /etc/dnsmasq.d/hpcsh.conf
  hpcsh dns export unbound > /etc/unbound/unbound.conf.d/hpcsh.conf
  hpcsh dns export systemd > /etc/systemd/system/hpcsh-dns.service
  hpcsh dns export k8s | kubectl apply -f -";

pub(super) fn command() -> Command {
    Command::new("export").about("The same policy for an engine that runs here already").defer(|command| {
        command.after_help(EXAMPLES).arg(
            Arg::new("target")
                .value_name("TARGET")
                .required(true)
                .value_parser(Target::ALL.map(|(name, _)| name))
                .help("The engine; `systemd`: ours as a service; `k8s`: CoreDNS on every node"),
        )
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> ExportArguments {
    let name: String = matches.remove_one("target").unwrap_or_default();
    let target = Target::ALL.into_iter().find(|(known, _)| *known == name);
    ExportArguments { target: target.map_or(Target::Unbound, |(_, target)| target) }
}
