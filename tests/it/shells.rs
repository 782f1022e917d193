//! The shells that the tests drive: how each is started so that only the test's own files are read.

use std::process::Command;

use crate::support::{Home, Outcome, PROGRAM, run};

/// A shell that hpcsh supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    Zsh,
    Bash,
}

impl Shell {
    pub const ALL: [Self; 2] = [Self::Zsh, Self::Bash];

    pub fn name(self) -> &'static str {
        match self {
            Self::Zsh => "zsh",
            Self::Bash => "bash",
        }
    }

    /// Its rc file in the home.
    pub fn rc(self) -> &'static str {
        match self {
            Self::Zsh => ".zshrc",
            Self::Bash => ".bashrc",
        }
    }

    /// The one line.
    pub fn line(self) -> String {
        format!("eval \"$('{PROGRAM}' init {})\"\n", self.name())
    }

    /// An interactive shell that reads the home's rc file and nothing of the system's.
    pub fn interactive(self, home: &Home) -> Command {
        let mut command = home.command(self.name());
        match self {
            Self::Zsh => command.args(["-d", "-i"]),
            Self::Bash => command.arg("--noprofile").arg("--rcfile").arg(home.path().join(".bashrc")).arg("-i"),
        };
        command
    }

    /// Runs a script in an interactive shell whose rc file is the one line, with `before` above it.
    pub fn session(self, home: &Home, before: &str, script: &str) -> Outcome {
        home.write(self.rc(), format!("{before}\n{}", self.line()));
        quiet(run(self.interactive(home).arg("-c").arg(script)))
    }

    /// The same, where the first prompt has come by: some of hpcsh comes with it.
    pub fn prompted(self, home: &Home, before: &str, script: &str) -> Outcome {
        self.session(home, before, &format!("_hpcsh_precmd\n{script}"))
    }

    /// Runs a script in a shell that reads no file at all.
    pub fn bare(self, home: &Home, interactive: bool, script: &str) -> Outcome {
        let mut command = home.command(self.name());
        match self {
            Self::Zsh => command.arg("-f"),
            Self::Bash => command.args(["--noprofile", "--norc"]),
        };
        if interactive {
            command.arg("-i");
        }
        quiet(run(command.arg("-c").arg(script)))
    }
}

/// Without what bash says of a standard input that is no terminal.
fn quiet(mut outcome: Outcome) -> Outcome {
    let kept = outcome.err.lines().filter(|line| {
        !line.starts_with("bash: cannot set terminal process group") && *line != "bash: no job control in this shell"
    });
    outcome.err = kept.flat_map(|line| [line, "\n"]).collect();
    outcome
}
