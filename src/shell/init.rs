//! What a configuration says of the script that `hpcsh init` prints, beside the variables.

use std::path::PathBuf;

use super::code::Shell;

/// The switches: the key of the configuration, and the word by which the script's code asks for it.
pub const SWITCHES: [(&str, &str); 6] = [
    ("shell.hist", "hist"),
    ("shell.cp", "cp"),
    ("shell.ls", "ls"),
    ("shell.ctrl_backspace", "ctrl_backspace"),
    ("venv.label", "label"),
    ("venv.auto", "enter"),
];

/// What the shell gets beside the exports: `[path]`, `[shell]`, `[history]`, `[venv]`, `[prompt]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Directories that come first in PATH, the very first one first.
    pub path: Vec<String>,
    /// The names of the [`SWITCHES`] that are on.
    pub switches: Vec<&'static str>,
    /// `LS_COLORS`, where it is unset; empty leaves it so.
    pub ls_colors: String,
    /// The shared home, above which no environment is looked for; empty where there is none.
    pub shared_home: PathBuf,
    /// Where it is recorded which environments the user has allowed and denied.
    pub records: PathBuf,
    /// History sizes and file; `None`: left alone.
    pub history: Option<History>,
    /// What the prompt shows of the node.
    pub prompt: Prompt,
    /// How long a verdict holds, in seconds.
    pub ttl: u64,
    /// Whether an unknown node counts as online.
    pub unknown_is_online: bool,
}

/// The `[prompt]` table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// `left`, `right`, or empty: nowhere.
    pub side: String,
    /// What it shows on an online, an offline, an unknown node.
    pub texts: [String; 3],
    /// What it adds while the shared storage does not answer.
    pub stale: String,
    /// What it adds while resolv.conf names our resolver, which is not there.
    pub resolver: String,
    /// The name of its colour, and its number.
    pub color: (&'static str, usize),
}

/// The `[history]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Lines, in memory and in the file.
    pub size: u64,
    /// The file that the user names.
    pub file: Option<PathBuf>,
    /// Where the file lies otherwise.
    pub dir: PathBuf,
    /// Whether the user named that directory.
    pub dir_is_configured: bool,
    /// Whether the file lies on storage that may hang; the login finds out.
    pub is_shared: bool,
}

impl History {
    /// The history file of this shell; `None` leaves it where the shell has it.
    ///
    /// zsh saves nothing without a file, so it always gets one. bash has one in the home, and is moved only where the
    /// user says where. fish keeps its own, in a format of its own, below `XDG_DATA_HOME`, and can be told no other place.
    pub fn file(&self, shell: Shell) -> Option<PathBuf> {
        let (name, needed) = match shell {
            Shell::Zsh => ("zsh_history", true),
            Shell::Bash => ("bash_history", false),
            Shell::Fish => return None,
        };
        self.file.clone().or_else(|| (needed || self.dir_is_configured).then(|| self.dir.join(name)))
    }
}
