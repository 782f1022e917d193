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

const EXAMPLES: &str = "\
Examples:
  hpcsh dns serve                             as root or under systemd, on port 53 of loopback
  hpcsh dns serve --listen 127.0.0.1:5353     as anybody; try it with: dig -p 5353 @127.0.0.1 huggingface.co
  hpcsh dns serve --log-queries               a line for every question, on standard error

SIGHUP loads the configuration and resolv.conf anew, as the user that it has become; SIGTERM ends it.";

pub(super) fn command() -> Command {
    Command::new("serve").about("Answer lookups, in the foreground; changes nothing on the node").defer(|command| {
        command
            .after_help(EXAMPLES)
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
