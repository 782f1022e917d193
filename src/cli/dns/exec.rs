//! `hpcsh dns exec -- COMMAND…`

use std::ffi::OsString;

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};

/// What `hpcsh dns exec` is asked for.
#[derive(Clone, Debug)]
pub struct ExecArguments {
    /// The command and its words; at least one.
    pub words: Vec<OsString>,
    /// Only say what would be done.
    pub dry_run: bool,
    /// For programs.
    pub json: bool,
}

const EXAMPLES: &str = "\
Examples:
  hpcsh dns exec -- python train.py       the internet's names do not exist, at once; those of the intranet do
  hpcsh dns exec -- bash                  the same for a whole shell
  hpcsh dns exec --dry-run -- true        which way it would go, and which names were looked up

The network stays as it is. The command gets the variables of `hpcsh env --offline`, and of the preset
`failfast`. Its names come from hpcsh's resolver where that answers on 127.0.0.1, else from files: /etc/hosts,
and the hosts of your mirrors and proxies and of `dns.allow`, looked up before.

The exit code is the command's; 125 where hpcsh fails itself, 126 where the command cannot be run, 127 where it
is not there.";

pub(super) fn command() -> Command {
    Command::new("exec").about("The same for one command and its children, without root").defer(|command| {
        command
            .after_help(EXAMPLES)
            .arg(crate::cli::flag("dry-run", "Only say what would be done"))
            .arg(crate::cli::flag("json", "With --dry-run: for programs").requires("dry-run"))
            .arg(
                Arg::new("command")
                    .value_name("COMMAND")
                    .required(true)
                    .num_args(1..)
                    .trailing_var_arg(true)
                    .value_parser(value_parser!(OsString))
                    .value_hint(ValueHint::CommandWithArguments)
                    .help("The command and its words"),
            )
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> ExecArguments {
    ExecArguments {
        words: matches.remove_many("command").map(Iterator::collect).unwrap_or_default(),
        dry_run: matches.get_flag("dry-run"),
        json: matches.get_flag("json"),
    }
}
