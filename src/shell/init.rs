//! The script that `hpcsh init` prints: a prologue of quoted data, then the file from `shell/`.
//!
//! A function of shell, configuration and version, never of the environment of the shell that asked; what depends on
//! that, and on whether the shell is interactive, the script's own code decides when it runs. No value is ever part of
//! the code: the prologue assigns quoted words, and the code reads the variables.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::catalogue::mirrors;
use super::code::Shell;
use super::env::{Export, Origin};
use super::marker::Marker;
use super::prologue::{Prologue, Set};
use crate::host::Host;
use crate::verdict::State;

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

/// What stands for copies where there are none: no file's name begins so, and none can be made.
const NO_COPY: &[u8] = b"/dev/null/none";

/// All that a script is made of.
pub struct Script<'a> {
    /// For which shell.
    pub shell: Shell,
    /// This program, which the script's functions call by its path.
    pub program: &'a Path,
    /// The variables.
    pub exports: &'a [Export],
    /// Everything else.
    pub settings: &'a Settings,
    /// What the names of the node's copies of the parts begin with; `None`: the script asks the program.
    pub copy: Option<&'a Path>,
    /// A line for the first prompt; empty: none.
    pub warning: &'a str,
}

impl Script<'_> {
    /// The text to evaluate.
    pub fn text(&self) -> Vec<u8> {
        let code = self.shell.code();
        let mut prologue = Prologue::new(self.shell, code.len() + 8192);
        let settings = self.settings;
        let history = settings.history.as_ref();
        let prompt = &settings.prompt;
        let color = match (self.shell, prompt.color) {
            (Shell::Bash, (name, number)) if name != "none" => number.to_string(),
            (_, (name, _)) => name.to_owned(),
        };
        let file = history.and_then(|history| history.file(self.shell)).unwrap_or_default();
        if self.shell == Shell::Zsh {
            for set in Set::ALL {
                prologue.assigning(set, self.exports);
            }
            prologue.begin_data();
        }
        // What a login itself asks for.
        prologue.scalars(&[
            ("program", self.program.as_os_str().as_encoded_bytes()),
            ("copy", self.copy.map_or(NO_COPY, |copy| copy.as_os_str().as_encoded_bytes())),
            ("warning", self.warning.as_bytes()),
            ("shared", settings.shared_home.as_os_str().as_encoded_bytes()),
            ("history_size", history.map_or(String::new(), |history| history.size.to_string()).as_bytes()),
            ("history_file", file.as_os_str().as_encoded_bytes()),
            ("history_shared", if history.is_some_and(|history| history.is_shared) { b"1" } else { b"" }),
            ("unknown", if settings.unknown_is_online { b"online" } else { b"offline" }),
        ]);
        // What the parts ask for.
        prologue.packed(&[
            // Blanks around each, so that the code finds ` NAME `.
            ("switches", format!(" {} ", settings.switches.join(" ")).as_bytes()),
            ("ls_colors", settings.ls_colors.as_bytes()),
            ("ttl", settings.ttl.to_string().as_bytes()),
            ("side", prompt.side.as_bytes()),
            ("text_online", prompt.texts[0].as_bytes()),
            ("text_offline", prompt.texts[1].as_bytes()),
            ("text_unknown", prompt.texts[2].as_bytes()),
            ("text_stale", prompt.stale.as_bytes()),
            ("text_resolver", prompt.resolver.as_bytes()),
            ("color", color.as_bytes()),
            ("explicit", self.explicit().as_bytes()),
        ]);
        if self.shell != Shell::Bash {
            prologue.scalars(&[("records", settings.records.as_os_str().as_encoded_bytes())]);
        }
        if self.shell == Shell::Zsh {
            prologue.scalars(&[("added", b"")]);
        }
        // The very first one last: each goes in front of those before it.
        prologue.several("path", settings.path.iter().rev());
        for set in Set::ALL {
            prologue.records(set, self.exports);
        }
        // What is set and not exported, which the program does not see. In bash, where to ask for each is a tenth of a login, only what the
        // configuration itself names: a tool reads no variable that is not exported.
        let names = |is_asked: fn(&Export) -> bool| {
            self.exports.iter().filter(move |export| is_asked(export)).map(|export| export.name.as_str())
        };
        if self.shell == Shell::Bash {
            prologue.probe("taken", "$_hpcsh_taken", names(|export| matches!(export.origin, Origin::Table(_))));
        } else {
            prologue.probe("set", "", names(|_| true));
        }
        prologue.end_data();
        prologue.text.extend_from_slice(code.as_bytes());
        prologue.text
    }

    /// What no mirror in the environment leaves out: the names that the configuration gives a value itself, with blanks around them.
    fn explicit(&self) -> String {
        let is_explicit = |export: &&Export| export.is_explicit && mirrors::row(&export.name).is_some();
        let names = self.exports.iter().filter(is_explicit).map(|export| format!(" {} ", export.name));
        names.collect()
    }
}

/// What a script is told of the node on which it runs: not part of it, since it can be kept and used again by another shell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether the node is online.
    pub state: State,
    /// Whether it is the configuration's word, which does not turn.
    pub is_fixed: bool,
    /// Whether that has expired.
    pub is_old: bool,
    /// What the paths of the node's memory begin with.
    pub memory: Option<PathBuf>,
    /// The record of a process that waits for shared storage; `None` while that answers.
    pub reader: Option<PathBuf>,
    /// A line for the first prompt; empty: none.
    pub notice: String,
    /// Whether the environment has a variable of the exports, or a mirror that leaves some of them out, or nobody knows.
    pub is_taken: bool,
    /// What of the configured directories PATH lacks, as it stands before the rest of it; and the records of them for the marker. For
    /// bash.
    pub first: (String, String),
}

impl Facts {
    /// Whether a login has more to do than to set what the script says; bash asks for all of that at once.
    fn is_unusual(&self, shell: Shell) -> bool {
        self.is_taken || shell == Shell::Bash && (self.state == State::Unknown || self.reader.is_some())
    }

    /// Assignments to evaluate before the script.
    pub fn text(&self, shell: Shell) -> Vec<u8> {
        let path = |path: &Option<PathBuf>| path.clone().unwrap_or_default().into_os_string().into_encoded_bytes();
        let (memory, reader) = (path(&self.memory), path(&self.reader));
        let mut prologue = Prologue::new(shell, 0);
        let mut scalars: Vec<(&str, &[u8])> = vec![
            ("fact", self.state.word().as_bytes()),
            ("fixed", if self.is_fixed { self.state.word().as_bytes() } else { b"" }),
            ("expired", if self.is_old { b"1" } else { b"" }),
            ("memory", &memory),
            ("reader", &reader),
            ("notice", self.notice.as_bytes()),
            ("taken", if self.is_unusual(shell) { b"1" } else { b"" }),
            ("login", b""),
        ];
        if shell == Shell::Bash {
            scalars.extend([("first", self.first.0.as_bytes()), ("added", self.first.1.as_bytes())]);
        }
        // What the code assigns before it asks: globals that zsh is told of, and fish, where a loop has its own.
        match shell {
            Shell::Zsh => scalars.extend([("verdict", &b""[..]), ("dir", b"")]),
            Shell::Fish => scalars.push(("verdict", b"")),
            Shell::Bash => {}
        }
        prologue.scalars(&scalars);
        prologue.text
    }
}

/// Assignments of other things that go before a script.
pub fn assignments(shell: Shell, words: &[(&str, OsString)]) -> Vec<u8> {
    let mut prologue = Prologue::new(shell, 0);
    let words: Vec<_> = words.iter().map(|(name, word)| (*name, word.as_encoded_bytes())).collect();
    prologue.scalars(&words);
    prologue.text
}

/// What a login has inherited where it is not the usual one, beside the variables that it sets.
pub const INHERITED: &[&str] = &["HPCSH_STORAGE", "VIRTUAL_ENV"];

/// Finds out what the facts of bash say of the environment, where no program has looked: whether one of the exports is set, and what
/// PATH lacks.
pub fn probe(exports: &[Export], path: &[String]) -> Vec<u8> {
    let mut prologue = Prologue::new(Shell::Bash, 0);
    let names = exports.iter().map(|export| export.name.as_str());
    prologue.probe("taken", "$_hpcsh_taken", INHERITED.iter().copied().chain(names));
    prologue.lacking(path);
    prologue.text
}

/// Which of these directories PATH lacks: [`Facts::first`]. `None` where it is empty, and nothing may stand before nothing.
pub fn first(host: &Host, path: &[String]) -> Option<(String, String)> {
    let mut lacking: Vec<&String> = Vec::new();
    for dir in path {
        if host.path_lacks(dir)? && !lacking.contains(&dir) {
            lacking.push(dir);
        }
    }
    let first = lacking.iter().flat_map(|dir| [dir.as_str(), ":"]).collect();
    let record = |dir: &&String| format!("PATH+={dir}{}", char::from(Marker::SEPARATOR));
    Some((first, lacking.iter().rev().map(record).collect()))
}
