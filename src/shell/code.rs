//! The shells that have a script, and the code of each from `shell/`, without comments and indentation (see `build.rs`).

use super::catalogue::mirrors;
use super::constant::Text;

/// A shell that has a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// zsh, 5.0.2 or newer.
    Zsh,
    /// bash, 4.2 or newer.
    Bash,
    /// fish, 3.1 or newer.
    Fish,
}

/// A file from `shell/`.
macro_rules! code {
    ($file:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/", $file))
    };
}

/// These texts as one, made when the program is.
macro_rules! joined {
    ($($text:expr),+) => {
        const {
            const TEXTS: &[&str] = &[$($text),+];
            const TEXT: Text<{ Text::<0>::of(TEXTS).length() }> = Text::of(TEXTS);
            TEXT.text()
        }
    };
}

/// What of a shell's code a login does not need: a name, and the text.
pub type Part = (&'static str, &'static str);

impl Shell {
    /// All of them, as the command line has them.
    pub const ALL: [(&'static str, Self); 3] =
        [(Self::Zsh.name(), Self::Zsh), (Self::Bash.name(), Self::Bash), (Self::Fish.name(), Self::Fish)];

    /// Its name, and the ending of its files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zsh => "zsh",
            Self::Bash => "bash",
            Self::Fish => "fish",
        }
    }

    /// What every login needs; bash's are followed by [`Self::HISTORY`] and [`Self::SESSION`].
    pub fn code(self) -> &'static str {
        match self {
            Self::Zsh => code!("hpcsh.zsh"),
            Self::Bash => code!("hpcsh.bash"),
            Self::Fish => code!("hpcsh.fish"),
        }
    }

    /// All that every login needs, bash's history with words to fill in.
    pub fn codes(self) -> Vec<&'static str> {
        match self {
            Self::Bash => vec![self.code(), Self::HISTORY, Self::SESSION],
            Self::Zsh | Self::Fish => vec![self.code()],
        }
    }

    /// bash's history, with words to fill in.
    pub const HISTORY: &str = code!("history.bash");
    /// What an interactive bash gets.
    pub const SESSION: &str = code!("session.bash");
    /// A login of bash's without the program, with words to fill in.
    pub const LOGIN: &str = code!("login.bash");
    /// What that leaves to find out.
    pub const UNUSUAL: &str = code!("unusual.bash");
    /// How bash reads a part.
    pub const CALL: &str = code!("call.bash");
    /// How bash reads that from its data.
    pub const REST: &str = code!("rest.bash");

    /// The parts that this code reads when it needs them: from the node's copies, else from `--part`. What zsh reads is compiled,
    /// and fish is slow in other ways; bash, which parses all that it reads, has smaller ones.
    pub const fn parts(self) -> &'static [Part] {
        match self {
            Self::Zsh => &[
                (
                    "prompt",
                    joined!("\\builtin typeset -g _hpcsh_mirrors='", mirrors::TABLE, "'\n", code!("prompt.zsh")),
                ),
                ("more", code!("more.zsh")),
                ("enter", code!("enter.zsh")),
                ("node", code!("node.zsh")),
            ],
            Self::Bash => &[
                ("prompt", code!("prompt.bash")),
                ("variables", code!("variables.bash")),
                ("theirs", joined!("_hpcsh_mirrors='", mirrors::TABLE, "'\n", code!("theirs.bash"))),
                ("storage", code!("storage.bash")),
                ("more", code!("more.bash")),
                ("venv", code!("venv.bash")),
                ("enter", code!("enter.bash")),
                ("node", code!("node.bash")),
            ],
            Self::Fish => &[
                ("prompt", joined!("set -g _hpcsh_mirrors '", mirrors::TABLE, "'\n", code!("prompt.fish"))),
                ("more", code!("more.fish")),
                ("enter", code!("enter.fish")),
                ("node", code!("node.fish")),
            ],
        }
    }

    /// TAB: the committed file of `hpcsh completions`, and what completes the functions. The node keeps no copy: it is for the few
    /// shells that press TAB, and those have the time to ask.
    pub const fn completion(self) -> Part {
        let text = match self {
            Self::Zsh => concat!(include_str!("../../completions/_hpcsh"), code!("completion.zsh")),
            Self::Bash => concat!(include_str!("../../completions/hpcsh.bash"), code!("completion.bash")),
            Self::Fish => concat!(include_str!("../../completions/hpcsh.fish"), code!("completion.fish")),
        };
        ("completion", text)
    }

    /// The text of the part of this name, if it has one.
    pub fn part(self, name: &str) -> Option<&'static str> {
        let mut parts = self.parts().iter().copied().chain([self.completion()]);
        parts.find_map(|(of, text)| (of == name).then_some(text))
    }
}
