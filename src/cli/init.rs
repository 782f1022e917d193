//! `hpcsh init SHELL`

use std::ffi::OsString;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::shell::code::Shell;

/// What `hpcsh init` is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitArguments {
    /// For which shell.
    pub shell: Shell,
    /// The text of a part that the script asks for later, instead of the script.
    pub part: Option<&'static str>,
    /// Whether the script itself is wanted where a line that reads the node's copy would do.
    pub print: bool,
}

const EXAMPLES: &str = "\
Examples:
  eval \"$(hpcsh init zsh)\"     the one line of ~/.zshrc
  eval \"$(hpcsh init bash)\"    the one line of ~/.bashrc
  hpcsh init fish | source     the one line of ~/.config/fish/config.fish
  hpcsh init zsh --print       read what it evaluates";

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
            .arg(
                Arg::new("part")
                    .long("part")
                    .value_name("PART")
                    .value_parser(parts())
                    .hide(true)
                    .help("A part that the script asks for when it needs it"),
            )
            .arg(
                Arg::new("print")
                    .long("print")
                    .action(ArgAction::SetTrue)
                    .help("Print the script itself, also where a line that reads this node's copy of it would do"),
            )
    })
}

/// `hpcsh init SHELL` and nothing else: what every login runs. Read without the parser, which would be a third of its time.
pub(super) fn usual(words: &[OsString]) -> Option<InitArguments> {
    let [_, init, shell] = words else { return None };
    let (_, shell) = Shell::ALL.iter().find(|(name, _)| shell == name)?;
    (init == "init").then_some(InitArguments { shell: *shell, part: None, print: false })
}

/// The names of the parts: bash has all of them.
fn parts() -> PossibleValuesParser {
    let parts = |shell: Shell| shell.parts().iter().copied().chain([shell.completion()]);
    PossibleValuesParser::new(parts(Shell::Bash).map(|(name, _)| name))
}

pub(super) fn read(matches: &mut ArgMatches) -> InitArguments {
    let shell = super::chosen(matches, "shell", &Shell::ALL).unwrap_or(Shell::Zsh);
    // One that this shell has not has nothing in it.
    let part = matches.get_one::<String>("part").map(|name| shell.part(name).unwrap_or_default());
    InitArguments { shell, part, print: matches.get_flag("print") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_and_the_parser_agree() {
        for (name, shell) in Shell::ALL {
            let words = ["hpcsh", "init", name].map(OsString::from);
            let mut matches = super::super::command().try_get_matches_from(&words).unwrap();
            let parsed = read(&mut matches.remove_subcommand().unwrap().1);
            assert_eq!(usual(&words), Some(parsed));
            assert_eq!(parsed, InitArguments { shell, part: None, print: false });
        }
        assert_eq!(usual(&["hpcsh", "env", "zsh"].map(OsString::from)), None);
        assert_eq!(usual(&["hpcsh", "init", "tcsh"].map(OsString::from)), None);
    }
}
