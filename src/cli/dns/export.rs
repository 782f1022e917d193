//! `hpcsh dns export TARGET`

use clap::{Arg, ArgMatches, Command};

/// What `hpcsh dns export` is asked for.
#[derive(Clone, Debug)]
pub struct ExportArguments {
    /// The engine's name.
    pub target: String,
}

pub(super) fn command() -> Command {
    Command::new("export").about("The same policy for an engine that runs here already").defer(|command| {
        command.arg(
            Arg::new("target")
                .value_name("TARGET")
                .required(true)
                .value_parser(["coredns", "dnsmasq", "unbound", "systemd", "k8s"]),
        )
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> ExportArguments {
    ExportArguments { target: matches.remove_one("target").unwrap_or_default() }
}
