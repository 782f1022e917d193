//! `hpcsh dns status`

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};

/// What `hpcsh dns status` is asked for.
#[derive(Clone, Debug)]
pub struct DnsStatusArguments {
    /// For programs.
    pub json: bool,
    /// Where the figures go for Prometheus' node exporter.
    pub prometheus: Option<PathBuf>,
}

pub(super) fn command() -> Command {
    Command::new("status").about("What the resolver of this node has answered so far").defer(|command| {
        command.arg(crate::cli::flag("json", "For programs")).arg(
            Arg::new("prometheus")
                .long("prometheus")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help("Write the figures to this file, as Prometheus' node exporter reads them"),
        )
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> DnsStatusArguments {
    DnsStatusArguments { json: matches.get_flag("json"), prometheus: matches.remove_one("prometheus") }
}
