//! A home of its own on the stage, whose rc files are where a user has them.

use std::path::PathBuf;
use std::process::Command;

use hpcsh::shell::code::Shell;

use crate::shells::name;
use crate::stage::{Stage, find, output};

/// The installer, whose line is measured as it is.
const INSTALLER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/install.sh");

/// See the module.
pub struct House<'a> {
    stage: &'a Stage,
    name: String,
}

impl<'a> House<'a> {
    /// A home with this configuration; `/STAGE` in it stands for the stage.
    pub fn new(stage: &'a Stage, name: &str, configuration: &str) -> Result<Self, String> {
        let house = Self::bare(stage, name)?;
        let text = configuration.replace("/STAGE", &stage.path("").to_string_lossy());
        stage.write(&format!("{name}/.config/hpcsh/config.toml"), &text)?;
        Ok(house)
    }

    /// A home without one.
    pub fn bare(stage: &'a Stage, name: &str) -> Result<Self, String> {
        stage.write(&format!("{name}/.none"), "")?;
        Ok(Self { stage, name: name.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.stage.path(&self.name)
    }

    /// A command in it.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.stage.command(program);
        command.env("HOME", self.path());
        command
    }

    /// An interactive shell with this rc file; the words follow `-i`.
    pub fn shell(&self, shell: Shell, rc: &str, words: &[&str]) -> Result<Command, String> {
        let file = self.stage.write(&format!("{}/{}", self.name, rc_name(shell)), rc)?;
        let mut command = self.command(find(name(shell)).ok_or("a shell went away")?);
        match shell {
            Shell::Bash => command.args(["--noprofile", "--rcfile"]).arg(file),
            Shell::Zsh | Shell::Fish => command.arg("-d"),
        };
        command.arg("-i").args(words);
        Ok(command)
    }

    /// Has the installer bring the line that reads the node's own file first, for this program, to the rc file as it is; gives
    /// that.
    pub fn installed(&self, shell: Shell, program: &std::path::Path) -> Result<String, String> {
        let prefix = program.parent().and_then(std::path::Path::parent).ok_or("the program lies nowhere")?;
        let mut command = self.command("sh");
        command.arg(INSTALLER).arg("--from").arg(&self.stage.program).arg("--prefix").arg(prefix);
        output(command.args(["--rc", "--local-first", "--shell", name(shell)]))?;
        let file = self.path().join(rc_name(shell));
        std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))
    }
}

/// The rc file's name in a home.
pub fn rc_name(shell: Shell) -> &'static str {
    match shell {
        Shell::Zsh => ".zshrc",
        Shell::Bash => ".bashrc",
        Shell::Fish => ".config/fish/config.fish",
    }
}

/// The usual line.
pub fn line(shell: Shell) -> String {
    format!("eval \"$(hpcsh init {})\"\n", name(shell))
}
