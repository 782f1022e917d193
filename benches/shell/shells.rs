//! The shells: how each is started as an interactive one with an rc file of ours and nobody else's.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::process::Command;

use hpcsh::shell::code::Shell;

use crate::nothing;
use crate::report::Report;
use crate::stage::{Stage, find};

/// What stands in the rc file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rc {
    /// Nothing: the baseline.
    Empty,
    /// A line that starts a program which does nothing: the floor of all lines that start one.
    Nothing,
    /// Hooks that do nothing, where the line has its own: the floor of all that look at each change of directory.
    Hooks,
    /// The line.
    Hpcsh,
    /// What the article puts there by hand.
    Article,
    /// The line of zoxide.
    Zoxide,
    /// The line of direnv.
    Direnv,
}

impl Rc {
    /// All that can stand there on this machine, the baseline first.
    pub fn installed(report: &mut Report) -> Vec<Self> {
        let mut all = vec![Self::Empty, Self::Hpcsh];
        for (rc, program) in [(Self::Zoxide, "zoxide"), (Self::Direnv, "direnv")] {
            if find(program).is_some() {
                all.push(rc);
            } else {
                report.skip(format!("{program} is not installed: nothing to compare with"));
            }
        }
        all
    }

    /// For the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty rc",
            Self::Nothing => "one exec",
            Self::Hooks => "hooks of nothing",
            Self::Hpcsh => "hpcsh",
            Self::Article => "article's rc",
            Self::Zoxide => "zoxide init",
            Self::Direnv => "direnv hook",
        }
    }

    fn text(self, shell: Shell) -> String {
        let name = name(shell);
        match self {
            Self::Empty => String::new(),
            Self::Nothing if shell == Shell::Fish => format!("{} | source\n", nothing::IN_C),
            Self::Hpcsh if shell == Shell::Fish => "hpcsh init fish | source\n".to_owned(),
            Self::Zoxide if shell == Shell::Fish => "zoxide init fish | source\n".to_owned(),
            Self::Direnv if shell == Shell::Fish => "direnv hook fish | source\n".to_owned(),
            Self::Nothing => format!("eval \"$({})\"\n", nothing::IN_C),
            Self::Hooks => match shell {
                Shell::Zsh => "function hook {\n}\nchpwd_functions+=(hook) precmd_functions+=(hook)\n".to_owned(),
                Shell::Bash => "function hook {\n:\n}\nPROMPT_COMMAND+=(hook)\n".to_owned(),
                Shell::Fish => {
                    "function hook --on-variable PWD\nend\nfunction prompted --on-event fish_prompt\nend\n".to_owned()
                }
            },
            Self::Hpcsh => format!("eval \"$(hpcsh init {name})\"\n"),
            Self::Article => match shell {
                Shell::Zsh => include_str!("fixtures/article.zshrc").to_owned(),
                Shell::Bash => include_str!("fixtures/article.bashrc").to_owned(),
                Shell::Fish => include_str!("fixtures/article.fish").to_owned(),
            },
            Self::Zoxide => format!("eval \"$(zoxide init {name})\"\n"),
            Self::Direnv => format!("eval \"$(direnv hook {name})\"\n"),
        }
    }
}

/// The shell's name.
pub fn name(shell: Shell) -> &'static str {
    match shell {
        Shell::Zsh => "zsh",
        Shell::Bash => "bash",
        Shell::Fish => "fish",
    }
}

/// The shells that are installed.
pub fn installed(report: &mut Report) -> Vec<Shell> {
    let mut shells = Vec::new();
    for (name, shell) in Shell::ALL {
        if find(name).is_some() {
            shells.push(shell);
        } else {
            report.skip(format!("{name} is not installed"));
        }
    }
    shells
}

/// An interactive shell with this rc file and none of the system's. `after` is one more line of it.
pub fn interactive(stage: &Stage, shell: Shell, rc: Rc, after: &str) -> Result<Command, String> {
    let program = find(name(shell)).ok_or("a shell went away")?;
    let mut more = DefaultHasher::new();
    after.hash(&mut more);
    let place = format!("rc/{}/{} {:x}", name(shell), rc.name(), more.finish());
    let text = rc.text(shell) + after + "\n";
    let mut command = stage.command(program);
    match shell {
        Shell::Zsh => {
            stage.write(&format!("{place}/.zshrc"), &text)?;
            command.env("ZDOTDIR", stage.path(place)).args(["-d", "-i"]);
        }
        Shell::Bash => {
            let file = stage.write(&format!("{place}/bashrc"), &text)?;
            command.args(["--noprofile", "--rcfile"]).arg(file).arg("-i");
        }
        Shell::Fish => {
            // The home has no config.fish; what the very first fish of a home does is no part of a start.
            stage.write("home/.local/share/fish/generated_completions/none.fish", "")?;
            let file = stage.write(&format!("{place}/config.fish"), &text)?;
            command.args(["-i", "-C", &format!("source '{}'", file.display())]);
        }
    }
    Ok(command)
}

/// Such a shell that reads a file of commands, in the directory in which everything runs.
pub fn reading(stage: &Stage, shell: Shell, rc: Rc, file: &Path, words: &[&str]) -> Result<Command, String> {
    let mut command = interactive(stage, shell, rc, "")?;
    let script = if shell == Shell::Fish { "source $argv" } else { ". \"$0\"" };
    command.args(["-c", script]).arg(file).args(words).current_dir(&stage.work);
    Ok(command)
}

/// Loads the line editor, as any prompt does, runs the hooks that are there for the first prompt, and ends without saving
/// a history, which is no part of a start.
pub fn first_prompt(shell: Shell) -> &'static str {
    match shell {
        Shell::Zsh => "bindkey -l >/dev/null; for hook in $precmd_functions; do $hook; done; unset HISTFILE; exit",
        Shell::Bash => {
            "bind -q abort >/dev/null; for hook in \"${PROMPT_COMMAND[@]}\"; do eval \"$hook\"; done; unset HISTFILE; exit"
        }
        Shell::Fish => "emit fish_prompt; exit",
    }
}
