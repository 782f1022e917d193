//! `hpcsh dns on`, `hpcsh dns off`, `hpcsh dns restore`

use clap::{ArgMatches, Command};

/// What `hpcsh dns on`, `off` and `restore` are asked for.
#[derive(Clone, Debug)]
pub struct TakeoverArguments {
    /// Only say what would be done.
    pub dry_run: bool,
}

pub(super) fn on() -> Command {
    Command::new("on").about("Start the resolver and point this node's resolv.conf at it").defer(arguments)
}

pub(super) fn off() -> Command {
    Command::new("off").about("The original resolv.conf again, and stop the resolver").defer(arguments)
}

pub(super) fn restore() -> Command {
    Command::new("restore").about("The original resolv.conf again, whatever state a crash has left").defer(arguments)
}

fn arguments(command: Command) -> Command {
    command.arg(crate::cli::flag("dry-run", "Only say what would be done"))
}

pub(super) fn read(matches: &mut ArgMatches) -> TakeoverArguments {
    TakeoverArguments { dry_run: matches.get_flag("dry-run") }
}
