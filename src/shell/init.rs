//! The script that `hpcsh init` prints: a prologue of quoted data, then the file from `shell/`.
//!
//! A function of shell, configuration and version, never of the environment of the shell that asked; what depends on
//! that, and on whether the shell is interactive, the script's own code decides when it runs. No value is ever part of
//! the code: the prologue assigns quoted words, and the code reads the variables.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::catalogue::mirrors;
use super::code::Shell;
use super::env::{self, Export, Origin};
use super::marker::Marker;
use super::prologue::{Prologue, Set};
use crate::host::Host;
use crate::quote;
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
    pub copy: Option<PathBuf>,
    /// A line for the first prompt; empty: none.
    pub warning: &'a str,
}

/// The text of a script.
pub struct Text {
    /// What it is told of the configuration: assignments. bash can have it from a file instead: see [`Text::reading`].
    assigned: Vec<u8>,
    /// The same as lines, where bash can read them.
    lines: Option<Vec<u8>>,
    /// What it asks of the shell before the code runs.
    probe: Vec<u8>,
    code: &'static str,
}

impl Text {
    /// The whole, to evaluate.
    pub fn whole(&self) -> Vec<u8> {
        [&self.assigned, &self.probe, self.code.as_bytes()].concat()
    }

    /// For bash: what belongs into a file of data; see [`Text::reading`]. `None` where all is in the script.
    pub fn data(&self) -> Option<&[u8]> {
        self.lines.as_deref()
    }

    /// For bash: what a script asks of the shell that reads its data from a file, and so is the same for all.
    pub fn probe(&self) -> &[u8] {
        if self.lines.is_some() { &self.probe } else { b"" }
    }

    /// What is kept in a file: for bash, the code that reads this file of data, where there is one, with status 1 where that has gone or
    /// ends too early; else the whole.
    pub fn reading(&self, data: Option<&Path>) -> Vec<u8> {
        let (Some(path), Some(lines)) = (data, &self.lines) else { return self.whole() };
        let path = quote::sh(path.as_os_str().as_encoded_bytes());
        let count = lines.split_inclusive(|byte| *byte == b'\n').count();
        let read: &[u8] = b"\n[[ -O $_hpcsh_data ]] && \\builtin mapfile -t _hpcsh_data <\"$_hpcsh_data\" && ";
        let whole = format!("[[ ${{#_hpcsh_data[@]}} -eq {count} ]] || \\return 1\n");
        [b"_hpcsh_data=", &*path, read, whole.as_bytes(), self.code.as_bytes()].concat()
    }
}

impl Script<'_> {
    /// The text to evaluate.
    pub fn text(&self) -> Text {
        let mut prologue = Prologue::new(self.shell, 8192);
        let mut lines = None;
        if self.shell == Shell::Bash {
            let data = self.data();
            prologue.several("data", data.iter());
            // What is read line by line, a terminal's own bytes are no part of.
            let is_plain = |byte: &u8| *byte >= b' ' && *byte != 0x7f || *byte == Marker::SEPARATOR;
            lines = data
                .iter()
                .flatten()
                .all(is_plain)
                .then(|| data.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect());
        } else {
            self.assign(&mut prologue);
        }
        // What is set and not exported, which the program does not see. In bash, where to ask for each is a tenth of a login, only what the
        // configuration itself names: a tool reads no variable that is not exported.
        let names = |is_asked: fn(&Export) -> bool| {
            self.exports.iter().filter(move |export| is_asked(export)).map(|export| export.name.as_str())
        };
        let mut probe = Prologue::new(self.shell, 1024);
        if self.shell == Shell::Bash {
            probe.probe("taken", "$_hpcsh_taken", names(|export| matches!(export.origin, Origin::Table(_))));
        } else {
            probe.probe("set", "", names(|_| true));
        }
        Text { assigned: prologue.text, lines, probe: probe.text, code: self.shell.code() }
    }

    /// The file of the history; empty where that is left alone.
    fn history_file(&self) -> PathBuf {
        self.settings.history.as_ref().and_then(|history| history.file(self.shell)).unwrap_or_default()
    }

    /// What only some of the code asks for, after a login, by its names.
    fn later(&self) -> [(&'static str, Vec<u8>); 15] {
        let settings = self.settings;
        let prompt = &settings.prompt;
        let color = match (self.shell, prompt.color) {
            (Shell::Bash, (name, number)) if name != "none" => number.to_string(),
            (_, (name, _)) => name.to_owned(),
        };
        [
            ("shared", settings.shared_home.as_os_str().as_encoded_bytes().to_vec()),
            ("warning", self.warning.into()),
            ("unknown", if settings.unknown_is_online { "online" } else { "offline" }.into()),
            // Blanks around each, so that the code finds ` NAME `.
            ("switches", format!(" {} ", settings.switches.join(" ")).into()),
            ("ls_colors", settings.ls_colors.clone().into()),
            ("ttl", settings.ttl.to_string().into()),
            ("side", prompt.side.clone().into()),
            ("text_online", prompt.texts[0].clone().into()),
            ("text_offline", prompt.texts[1].clone().into()),
            ("text_unknown", prompt.texts[2].clone().into()),
            ("text_stale", prompt.stale.clone().into()),
            ("text_resolver", prompt.resolver.clone().into()),
            ("color", color.into()),
            ("explicit", self.explicit().into()),
            // An `@` at the end stands for the rest of a name: no shell takes it for a pattern.
            ("sought", env::sought(self.exports).join(" ").replace('*', "@").into()),
        ]
    }

    /// What bash is told, in the order that hpcsh.bash and data.bash go by.
    fn data(&self) -> Vec<Vec<u8>> {
        let settings = self.settings;
        let history = settings.history.as_ref();
        let bytes = |path: &Path| path.as_os_str().as_encoded_bytes().to_vec();
        // The very first one last: each goes in front of those before it.
        let path = settings.path.iter().rev().flat_map(|dir| [dir.as_bytes(), &[Marker::SEPARATOR]].concat()).collect();
        // None of these has a separator of its own, or it loses it.
        let packed = self.later().into_iter().flat_map(|(_, mut value)| {
            value.retain(|byte| *byte != Marker::SEPARATOR);
            value.push(Marker::SEPARATOR);
            value
        });
        let records = |set: Set| [Set::Always, set].map(|set| set.records(self.exports)).concat();
        vec![
            records(Set::Online),
            records(Set::Offline),
            history.map_or(String::new(), |history| history.size.to_string()).into(),
            bytes(&self.history_file()),
            if history.is_some_and(|history| history.is_shared) { b"1".to_vec() } else { Vec::new() },
            bytes(self.program),
            self.copy.as_deref().map_or_else(|| NO_COPY.to_vec(), bytes),
            path,
            packed.collect(),
        ]
    }

    /// The assignments for zsh and fish.
    fn assign(&self, prologue: &mut Prologue) {
        let settings = self.settings;
        let history = settings.history.as_ref();
        let file = self.history_file();
        // What a login itself asks for.
        let later = self.later();
        let mut scalars = vec![
            ("program", self.program.as_os_str().as_encoded_bytes()),
            ("copy", self.copy.as_deref().map_or(NO_COPY, |copy| copy.as_os_str().as_encoded_bytes())),
        ];
        if self.shell == Shell::Zsh {
            scalars.extend(later.iter().filter(|(name, _)| *name == "unknown").map(|(name, value)| (*name, &**value)));
            // None is read yet, or they are read again: they may be another version's.
            scalars.push(("parts", b""));
        }
        prologue.scalars(&scalars);
        if self.shell == Shell::Zsh {
            prologue.exporting(self.exports);
            prologue.begin_data();
        }
        prologue.scalars(&[
            ("history_size", history.map_or(String::new(), |history| history.size.to_string()).as_bytes()),
            ("history_file", file.as_os_str().as_encoded_bytes()),
            ("history_shared", if history.is_some_and(|history| history.is_shared) { b"1" } else { b"" }),
            ("records", settings.records.as_os_str().as_encoded_bytes()),
        ]);
        prologue.scalars(&later.each_ref().map(|(name, value)| (*name, &**value)));
        // The very first one last: each goes in front of those before it.
        prologue.several("path", settings.path.iter().rev());
        for set in Set::ALL {
            prologue.records(set, self.exports);
        }
        prologue.end_data();
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
    /// What of the configured directories PATH lacks, as it stands before the rest of it; and the records of them for the marker. Not
    /// for fish.
    pub first: (String, Vec<u8>),
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
        if shell != Shell::Fish {
            scalars.extend([("first", self.first.0.as_bytes()), ("added", &self.first.1)]);
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

/// Finds out what the facts say of the environment, where no program has looked: whether one of the exports is set, which zsh's script
/// asks for itself, and what PATH lacks.
pub fn probe(shell: Shell, exports: &[Export], path: &[String]) -> Vec<u8> {
    let mut prologue = Prologue::new(shell, 0);
    if shell == Shell::Bash {
        let names = exports.iter().map(|export| export.name.as_str());
        prologue.probe("taken", "$_hpcsh_taken", INHERITED.iter().copied().chain(names));
    }
    prologue.lacking(path);
    prologue.text
}

/// Which of these directories PATH lacks: [`Facts::first`]. `None` where it is empty, and nothing may stand before nothing.
pub fn first(host: &Host, path: &[String]) -> Option<(String, Vec<u8>)> {
    let mut lacking: Vec<&String> = Vec::new();
    for dir in path {
        if host.path_lacks(dir)? && !lacking.contains(&dir) {
            lacking.push(dir);
        }
    }
    let first = lacking.iter().flat_map(|dir| [dir.as_str(), ":"]).collect();
    let added = lacking.iter().rev().flat_map(|dir| Marker::record(Marker::ADDED_TO_PATH, dir)).collect();
    Some((first, added))
}
