//! `hpcsh doctor`

use clap::{ArgMatches, Command};

use crate::doctor::{Fix, Question};

const EXAMPLES: &str = "\
Whatever is wrong, nothing is changed without --fix, and that does only what is hpcsh's own: the original resolv.conf again where the
resolver is gone, the lock of a process that has ended, a node-local directory that others could look into. All else is told, with the
command that mends it.

Examples:
  hpcsh doctor                 what is wrong on this node, and what mends it
  hpcsh doctor --fix --dry-run what would be mended, and what is left for you
  hpcsh doctor --fix --yes     mend it, without a question
  hpcsh doctor --json | jq -r '.findings[] | select(.level == \"problem\") | .mends[].command'

Exit codes: 0 nothing is wrong, or there are notes alone; 3 something is; 1 it could not be mended.";

pub(super) fn command() -> Command {
    Command::new("doctor").about("What is wrong on this node, and the command that mends it").defer(|command| {
        command
            .after_help(EXAMPLES)
            .arg(super::flag("json", "For programs"))
            .arg(super::flag("fix", "Mend what is hpcsh's own; ask before, on a terminal"))
            .arg(super::flag("dry-run", "Say what --fix would do, change nothing"))
            .arg(super::flag("yes", "With --fix: do not ask").requires("fix"))
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> Question {
    let fix = match (matches.get_flag("fix"), matches.get_flag("dry-run"), matches.get_flag("yes")) {
        (_, true, _) => Fix::Told,
        (true, _, true) => Fix::Unasked,
        (true, ..) => Fix::Asked,
        _ => Fix::No,
    };
    Question { json: matches.get_flag("json"), fix }
}
