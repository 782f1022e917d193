//! `hpcsh dns status`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};

/// What `hpcsh dns status` is asked for.
#[derive(Clone, Debug)]
pub struct DnsStatusArguments {
    /// Where the resolver listens; `None`: as configured.
    pub at: Option<SocketAddr>,
    /// For programs.
    pub json: bool,
    /// Where figures for Prometheus are written; `-`: standard output.
    pub prometheus: Option<PathBuf>,
}

const EXAMPLES: &str = "\
The exit code is 3 where no resolver answers. The names that were blocked are told to root and the resolver's own user alone.

Examples:
  hpcsh dns status
  hpcsh dns status --at 127.0.0.1:5353                       one that was started with --listen
  hpcsh dns status --json | jq .blocked
  hpcsh dns status --prometheus /var/lib/node_exporter/hpcsh_dns.prom    replaced whole, each time";

pub(super) fn command() -> Command {
    Command::new("status").about("What the resolver has answered, how often, and how its name servers are").defer(
        |command| {
            command
                .after_help(EXAMPLES)
                .arg(
                    Arg::new("at")
                        .long("at")
                        .value_name("ADDRESS:PORT")
                        .value_parser(value_parser!(SocketAddr))
                        .value_hint(ValueHint::Other)
                        .help("Where it listens [default: `dns.listen`]"),
                )
                .arg(crate::cli::flag("json", "For programs: one object").conflicts_with("prometheus"))
                .arg(
                    Arg::new("prometheus")
                        .long("prometheus")
                        .value_name("FILE")
                        .value_parser(value_parser!(PathBuf))
                        .value_hint(ValueHint::FilePath)
                        .help("Write the figures for Prometheus into this file; `-`: print them"),
                )
        },
    )
}

pub(super) fn read(matches: &mut ArgMatches) -> DnsStatusArguments {
    DnsStatusArguments {
        at: matches.remove_one("at"),
        json: matches.get_flag("json"),
        prometheus: matches.remove_one("prometheus"),
    }
}
