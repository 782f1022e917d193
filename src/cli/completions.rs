//! `hpcsh completions SHELL`

use clap::{Arg, ArgMatches, Command, ValueHint};
use clap_complete::{Shell, generate};

/// What `hpcsh completions` is asked for.
#[derive(Clone, Copy, Debug)]
pub struct CompletionsArguments {
    shell: Shell,
}

/// Those that are made; each has a file in `completions/`.
const SHELLS: [(&str, Shell); 3] = [("zsh", Shell::Zsh), ("bash", Shell::Bash), ("fish", Shell::Fish)];

const EXAMPLES: &str = "\
Examples:
  hpcsh completions fish > ~/.config/fish/completions/hpcsh.fish
  hpcsh completions zsh > /usr/local/share/zsh/site-functions/_hpcsh

A shell that evaluates `hpcsh init` has them already.";

pub(super) fn command() -> Command {
    Command::new("completions").about("Print what completes the words of hpcsh in a shell").defer(|command| {
        command.after_help(EXAMPLES).arg(
            Arg::new("shell")
                .required(true)
                .value_name("SHELL")
                .value_parser(super::choice(&SHELLS))
                .help("The shell that completes"),
        )
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> CompletionsArguments {
    CompletionsArguments { shell: super::chosen(matches, "shell", &SHELLS).unwrap_or(Shell::Zsh) }
}

impl CompletionsArguments {
    /// The file for that shell.
    pub fn text(self) -> Vec<u8> {
        let mut whole = super::command();
        whole.build();
        let mut text = Vec::new();
        generate(self.shell, &mut visible(&whole), "hpcsh", &mut text);
        text
    }
}

/// A built command without what is hidden: the generators complete that too.
fn visible(command: &Command) -> Command {
    Command::new(word(command.get_name()))
        .about(command.get_about().cloned().unwrap_or_default())
        // The built one has its own `--help` and `--version`.
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .args(command.get_arguments().filter(|argument| !argument.is_hide_set()).map(completed))
        .subcommands(command.get_subcommands().filter(|below| !below.is_hide_set()).map(visible))
}

/// An argument that could be anything is completed to its default. Else zsh would explain it at a TAB behind half an option,
/// instead of completing the option.
fn completed(argument: &Arg) -> Arg {
    let default = argument.get_default_values().first().and_then(|value| value.to_str());
    match default {
        Some(default) if argument.is_positional() && argument.get_value_hint() == ValueHint::Other => {
            argument.clone().value_parser([word(default)])
        }
        _ => argument.clone(),
    }
}

/// A word as clap wants it, for ever: this process prints and ends.
fn word(text: &str) -> &'static str {
    text.to_owned().leak()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_not_completed() {
        let whole = Command::new("hpcsh")
            .arg(Arg::new("seen").long("seen"))
            .arg(Arg::new("unseen").long("unseen").hide(true))
            .subcommand(Command::new("below").defer(|below| below.arg(Arg::new("secret").long("secret").hide(true))))
            .subcommand(Command::new("nowhere").hide(true));
        let mut built = whole;
        built.build();
        for (_, shell) in SHELLS {
            let mut text = Vec::new();
            generate(shell, &mut visible(&built), "hpcsh", &mut text);
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains("seen") && text.contains("below"), "{text}");
            assert!(!["unseen", "secret", "nowhere"].iter().any(|hidden| text.contains(hidden)), "{text}");
        }
    }
}
