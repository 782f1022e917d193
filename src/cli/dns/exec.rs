//! `hpcsh dns exec -- COMMAND…`

use std::ffi::OsString;

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};

/// What `hpcsh dns exec` is asked for.
#[derive(Clone, Debug)]
pub struct ExecArguments {
    /// The command and its words; at least one.
    pub words: Vec<OsString>,
}

pub(super) fn command() -> Command {
    Command::new("exec").about("The same for one command and its children, without root").defer(|command| {
        command.arg(
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
    ExecArguments { words: matches.remove_many("command").map(Iterator::collect).unwrap_or_default() }
}
