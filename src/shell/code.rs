//! The shells that have a script, and the code of each from `shell/`, without comments and indentation (see `build.rs`).

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

    /// Its code: the file from `shell/` without comments and indentation (see `build.rs`).
    pub fn code(self) -> &'static str {
        match self {
            Self::Zsh => include_str!(concat!(env!("OUT_DIR"), "/hpcsh.zsh")),
            Self::Bash => include_str!(concat!(env!("OUT_DIR"), "/hpcsh.bash")),
            Self::Fish => include_str!(concat!(env!("OUT_DIR"), "/hpcsh.fish")),
        }
    }

    /// A part that the code reads when it needs it: from the node's copy, else from `--part`.
    pub const fn part(self, part: Part) -> &'static str {
        match (self, part) {
            (Self::Zsh, Part::Prompt) => include_str!(concat!(env!("OUT_DIR"), "/prompt.zsh")),
            (Self::Zsh, Part::More) => include_str!(concat!(env!("OUT_DIR"), "/more.zsh")),
            (Self::Zsh, Part::Enter) => include_str!(concat!(env!("OUT_DIR"), "/enter.zsh")),
            (Self::Zsh, Part::Node) => include_str!(concat!(env!("OUT_DIR"), "/node.zsh")),
            (Self::Bash, Part::Node) => include_str!(concat!(env!("OUT_DIR"), "/node.bash")),
            (Self::Fish, Part::Node) => include_str!(concat!(env!("OUT_DIR"), "/node.fish")),
            (Self::Bash, Part::Enter) => include_str!(concat!(env!("OUT_DIR"), "/enter.bash")),
            (Self::Zsh, Part::Completion) => {
                concat!(
                    include_str!("../../completions/_hpcsh"),
                    include_str!(concat!(env!("OUT_DIR"), "/completion.zsh"))
                )
            }
            (Self::Bash, Part::Prompt) => include_str!(concat!(env!("OUT_DIR"), "/prompt.bash")),
            (Self::Bash, Part::More) => include_str!(concat!(env!("OUT_DIR"), "/more.bash")),
            (Self::Bash, Part::Completion) => {
                concat!(
                    include_str!("../../completions/hpcsh.bash"),
                    include_str!(concat!(env!("OUT_DIR"), "/completion.bash"))
                )
            }
            (Self::Fish, Part::Prompt) => include_str!(concat!(env!("OUT_DIR"), "/prompt.fish")),
            (Self::Fish, Part::More) => include_str!(concat!(env!("OUT_DIR"), "/more.fish")),
            (Self::Fish, Part::Enter) => include_str!(concat!(env!("OUT_DIR"), "/enter.fish")),
            (Self::Fish, Part::Completion) => {
                concat!(
                    include_str!("../../completions/hpcsh.fish"),
                    include_str!(concat!(env!("OUT_DIR"), "/completion.fish"))
                )
            }
        }
    }
}

/// What of a shell's code a login does not need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first prompt, and variables that are set already.
    Prompt,
    /// `act`, `deactivate`, `mdcd`, `cdr`, `hpcsh_off`.
    More,
    /// Environments that are entered on `cd`.
    Enter,
    /// The node's verdict in a running shell, and what the prompt shows of it.
    Node,
    /// TAB: the committed file of `hpcsh completions`, and what completes the functions.
    Completion,
}

impl Part {
    /// Those that the node keeps copies of. TAB is for the few shells that press it, and those have the time to ask.
    pub const KEPT: [(&'static str, Self); 4] =
        [("prompt", Self::Prompt), ("more", Self::More), ("enter", Self::Enter), ("node", Self::Node)];

    /// All of them, as the command line and the copies' names have them.
    pub const ALL: [(&'static str, Self); 5] =
        [Self::KEPT[0], Self::KEPT[1], Self::KEPT[2], Self::KEPT[3], ("completion", Self::Completion)];
}
