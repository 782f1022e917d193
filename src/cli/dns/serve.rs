//! `hpcsh dns serve`

use std::net::SocketAddr;

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};

/// What `hpcsh dns serve` is asked for.
#[derive(Clone, Debug)]
pub struct ServeArguments {
    /// Where it listens; none: as configured.
    pub listen: Vec<SocketAddr>,
    /// Others than this node may ask.
    pub allow_remote: bool,
    /// Every question is a line in the log.
    pub log_queries: bool,
}

pub(super) fn command() -> Command {
    Command::new("serve").about("Answer lookups, in the foreground; changes nothing on the node").defer(|command| {
        command
            .arg(
                Arg::new("listen")
                    .long("listen")
                    .value_name("ADDRESS:PORT")
                    .action(ArgAction::Append)
                    .value_parser(value_parser!(SocketAddr))
                    .value_hint(ValueHint::Other)
                    .help("Where it listens [default: `dns.listen`, 127.0.0.1:53 and [::1]:53]; may be repeated"),
            )
            .arg(crate::cli::flag("allow-remote", "Listen on addresses that others reach, too"))
            .arg(crate::cli::flag("log-queries", "A line in the log for every question"))
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> ServeArguments {
    ServeArguments {
        listen: matches.remove_many("listen").unwrap_or_default().collect(),
        allow_remote: matches.get_flag("allow-remote"),
        log_queries: matches.get_flag("log-queries"),
    }
}
