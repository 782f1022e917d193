//! `hpcsh dns on`, `hpcsh dns off`, `hpcsh dns restore`

use clap::{ArgMatches, Command};

/// What `hpcsh dns on`, `off` and `restore` are asked for.
#[derive(Clone, Debug)]
pub struct TakeoverArguments {
    /// Only say what would be done.
    pub dry_run: bool,
}

const ON: &str = "\
The resolver is started in the background, or by systemd where that has hpcsh-dns.service. Its address comes first in
resolv.conf, the original servers stay behind it. The original is saved in /var/lib/hpcsh/journal.

Examples:
  hpcsh dns on --dry-run    what would be done here, and why so
  hpcsh dns on              as root; again: starts it where it has died, takes a file that others have changed";
const OFF: &str = "\
A file that somebody else has changed since stays as it is, and that is told.

Examples:
  hpcsh dns off --dry-run   what would be done here
  hpcsh dns off             as who has run `hpcsh dns on`";
const RESTORE: &str = "\
As `hpcsh dns off`, but the resolver is left alone: for the end of a unit, and after a crash.

Examples:
  hpcsh dns restore
  ExecStopPost=/usr/local/bin/hpcsh dns restore    in a unit of systemd's";

pub(super) fn on() -> Command {
    let about = "Start the resolver and point this node's resolv.conf at it";
    Command::new("on").about(about).defer(|command| arguments(command).after_help(ON))
}

pub(super) fn off() -> Command {
    let about = "The original resolv.conf again, and stop the resolver";
    Command::new("off").about(about).defer(|command| arguments(command).after_help(OFF))
}

pub(super) fn restore() -> Command {
    let about = "The original resolv.conf again, whatever state a crash has left";
    Command::new("restore").about(about).defer(|command| arguments(command).after_help(RESTORE))
}

fn arguments(command: Command) -> Command {
    command.arg(crate::cli::flag("dry-run", "Only say what would be done"))
}

pub(super) fn read(matches: &mut ArgMatches) -> TakeoverArguments {
    TakeoverArguments { dry_run: matches.get_flag("dry-run") }
}
