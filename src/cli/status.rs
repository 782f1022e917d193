//! `hpcsh status`

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::node::status::{Answer, Question};
use crate::shell::code::Shell;

/// What `hpcsh status` is asked for.
#[derive(Clone, Debug)]
pub struct StatusArguments {
    /// What to say.
    pub question: Question,
    /// Nothing to say: a shell that has taken the lock, this process of its own, has the node looked at.
    pub locked: Option<u32>,
    /// What the paths of that shell's memory begin with.
    pub memory: Option<PathBuf>,
    /// The shell that has started without this program.
    pub keep: Option<Shell>,
}

const EXAMPLES: &str = "\
Examples:
  hpcsh status                 is this node online, why, and since when
  hpcsh status --refresh       look again, now
  hpcsh status --check && git pull
  hpcsh status --watch         a line whenever it turns";

const AFTER: &str = "Exit codes with --check: 0 online, 3 offline or unknown.";

pub(super) fn command() -> Command {
    Command::new("status").about("Whether this node is online, and how that is known").defer(|command| {
        command
            .after_help(format!("{EXAMPLES}\n\n{AFTER}"))
            .arg(super::flag("json", "For programs"))
            .arg(super::flag("refresh", "Look at the network now"))
            .arg(super::flag("check", "Say nothing: exit code 0 online, 3 not").conflicts_with("watch"))
            .arg(super::flag("watch", "Go on: a line whenever the verdict turns"))
            .arg(super::flag("word", "For a script: one word, after the first look").hide(true))
            .arg(
                Arg::new("locked")
                    .long("locked")
                    .value_name("PROCESS")
                    .value_parser(value_parser!(u32))
                    .hide(true)
                    .help("For a shell, whose process took the lock"),
            )
            .arg(
                Arg::new("memory")
                    .long("memory")
                    .value_name("PATH")
                    .value_parser(value_parser!(PathBuf))
                    .requires("locked")
                    .hide(true)
                    .help("For a shell: where its memory lies"),
            )
            .arg(
                Arg::new("keep")
                    .long("keep")
                    .value_name("SHELL")
                    .value_parser(super::choice(&Shell::ALL))
                    .requires("locked")
                    .hide(true)
                    .help("For a shell that has started without this program: is its script still the one?"),
            )
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> StatusArguments {
    let answer = match (matches.get_flag("check"), matches.get_flag("watch"), matches.get_flag("word")) {
        (_, _, true) => Answer::Word,
        (true, _, _) => Answer::ExitCode,
        (_, true, _) => Answer::Turns,
        _ => Answer::All,
    };
    let question = Question { answer, json: matches.get_flag("json"), refresh: matches.get_flag("refresh") };
    StatusArguments {
        question,
        locked: matches.remove_one("locked"),
        memory: matches.remove_one("memory"),
        keep: super::chosen(matches, "keep", &Shell::ALL),
    }
}
