//! `hpcsh init SHELL`

use clap::{Arg, ArgMatches, Command};

use crate::shell::init::Shell;

/// What `hpcsh init` is asked for.
#[derive(Clone, Copy, Debug)]
pub struct InitArguments {
    /// For which shell.
    pub shell: Shell,
    /// The functions that the script asks for later, instead of the script.
    pub more: bool,
}

const EXAMPLES: &str = "\
Examples:
  eval \"$(hpcsh init zsh)\"     the one line of ~/.zshrc
  eval \"$(hpcsh init bash)\"    the one line of ~/.bashrc
  hpcsh init zsh | less        read what it evaluates";

pub(super) fn command() -> Command {
    Command::new("init").about("Print the script that the shell evaluates at its start").defer(|command| {
        command
            .after_help(EXAMPLES)
            .arg(
                Arg::new("shell")
                    .required(true)
                    .value_name("SHELL")
                    .value_parser(super::choice(&Shell::ALL))
                    .help("The shell that reads it"),
            )
            .arg(super::flag("more", "The functions that the script asks for when it needs them").hide(true))
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> InitArguments {
    InitArguments {
        shell: super::chosen(matches, "shell", &Shell::ALL).unwrap_or(Shell::Zsh),
        more: matches.get_flag("more"),
    }
}
