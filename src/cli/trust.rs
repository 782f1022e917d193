//! `hpcsh allow|deny|trust [DIR]`

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::shell::trust::word::Word;

/// What is asked of the environments that may be entered unasked.
#[derive(Clone, Debug)]
pub enum TrustTask {
    /// Say something of one.
    Say {
        /// What.
        word: Word,
        /// The directory that has it; else the nearest one upwards.
        dir: Option<PathBuf>,
        /// Change nothing.
        dry_run: bool,
    },
    /// List what was said, or judge one.
    Show {
        /// The directory that has it; else all that something was said of.
        dir: Option<PathBuf>,
        /// For programs.
        json: bool,
    },
    /// A shell's question.
    Ask {
        /// The environment.
        environment: PathBuf,
        /// The shell has been told before.
        quiet: bool,
    },
}

const EXAMPLES: &str = "\
Examples:
  hpcsh allow                  `cd` may enter the environment of this directory, as it is now
  hpcsh deny ../theirs         and never this one
  hpcsh trust                  everything that was said, and whether it still holds
  hpcsh trust .                whether this one is entered, and why (exit code 3: it is not)
  hpcsh trust --forget .       take back what was said";

fn dir(help: &'static str) -> Arg {
    Arg::new("dir")
        .value_name("DIR")
        .value_parser(value_parser!(PathBuf))
        .value_hint(clap::ValueHint::DirPath)
        .help(help)
}

const WHICH: &str = "A directory with an environment, or the environment; else the nearest one upwards";

pub(super) fn allow() -> Command {
    word("allow", "Let `cd` enter an environment, as it is now")
}

pub(super) fn deny() -> Command {
    word("deny", "Never let `cd` enter an environment")
}

fn word(name: &'static str, about: &'static str) -> Command {
    Command::new(name).about(about).defer(|command| {
        command
            .after_help(EXAMPLES)
            .arg(dir(WHICH))
            .arg(super::flag("dry-run", "Say what would be recorded, record nothing"))
    })
}

pub(super) fn trust() -> Command {
    Command::new("trust").about("Which environments `cd` enters unasked").defer(|command| {
        command
            .after_help(EXAMPLES)
            .arg(dir("A directory with an environment, or the environment: is it entered, and why"))
            .arg(super::flag("json", "For programs"))
            .arg(super::flag("forget", "Take back what was said of DIR").requires("dir").conflicts_with("json"))
            .arg(
                super::flag("dry-run", "With --forget: say what would be taken back, change nothing")
                    .requires("forget"),
            )
            .arg(super::flag("ask", "A shell's question").requires("dir").hide(true))
            .arg(super::flag("quiet", "The shell has been told before").requires("ask").hide(true))
    })
}

pub(super) fn read(name: &str, matches: &mut ArgMatches) -> TrustTask {
    let dir = matches.remove_one("dir");
    let word = match name {
        "allow" => Word::Allow,
        "deny" => Word::Deny,
        _ if matches.get_flag("forget") => Word::Forget,
        _ => {
            return match dir {
                Some(environment) if matches.get_flag("ask") => {
                    TrustTask::Ask { environment, quiet: matches.get_flag("quiet") }
                }
                dir => TrustTask::Show { dir, json: matches.get_flag("json") },
            };
        }
    };
    TrustTask::Say { word, dir, dry_run: matches.get_flag("dry-run") }
}
