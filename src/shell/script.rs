//! The script that `hpcsh init` prints: a prologue of quoted data, then the file from `shell/`.
//!
//! A function of shell, configuration and version, never of the environment of the shell that asked; what depends on
//! that, and on whether the shell is interactive, the script's own code decides when it runs. No value is ever part of
//! the code: the prologue assigns quoted words, and the code reads the variables.

use std::path::{Path, PathBuf};

use super::catalogue::mirrors;
use super::code::Shell;
use super::env::{self, Export, Origin};
use super::init::Settings;
use super::marker::Marker;
use super::names;
use super::prologue::{Prologue, Set};
use super::template::{self, only, quoted};
use crate::quote;

/// How many of bash's data each login asks for. The rest is read with the first part.
const AT_LOGIN: usize = 8;

/// What of the data only a login without the program asks for; these are empty in a script.
pub struct LoginData {
    /// Behind the records that are always set.
    pub first: [Vec<u8>; 5],
    /// Behind all that each login asks for.
    pub compared: Vec<u8>,
    /// Behind all others.
    pub last: [Vec<u8>; 2],
}

/// What bash does last: a readonly PATH stays as it is, and ends what it is assigned in.
const PATH: &str = "[[ -z $_hpcsh_first ]] || PATH=$_hpcsh_first$PATH\n";

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
    /// The same for bash.
    data: Vec<Vec<u8>>,
    /// What it asks of the shell before the code runs.
    probe: Vec<u8>,
    code: Vec<u8>,
    /// What of the code an interactive bash gets.
    session: Vec<u8>,
}

impl Text {
    /// The whole, to evaluate.
    pub fn whole(&self) -> Vec<u8> {
        // bash's code returns early, from a file or a function.
        let (before, after) = if self.data.is_empty() {
            ("", "")
        } else {
            ("function _hpcsh_start {\n", "}\n_hpcsh_start\n\\builtin unset -f _hpcsh_start\n")
        };
        [&self.assigned, &self.probe, before.as_bytes(), &self.code, after.as_bytes()].concat()
    }

    /// For bash: what belongs into a file of data; see [`Text::reading`]. `None` where all is in the script.
    pub fn data(&self) -> Option<Vec<u8>> {
        lines(&self.data)
    }

    /// The same for a login without the program.
    pub fn with_login(&self, login: LoginData) -> Option<Vec<u8>> {
        let mut data = self.data.clone();
        data.splice(1..=login.first.len(), login.first);
        data[AT_LOGIN] = login.compared;
        data.extend(login.last);
        lines(&data)
    }

    /// For bash: what of the code an interactive one gets.
    pub fn session(&self) -> &[u8] {
        &self.session
    }

    /// For bash: what a script asks of the shell that reads its data from a file, and so is the same for all. The whole has it in it.
    pub fn probe(&self) -> &[u8] {
        if are_lines(&self.data) { &self.probe } else { b"" }
    }

    /// What is kept in a file: for bash, the code that reads the first of the data from this file, where there is one, with status 1
    /// where that has gone; else the whole.
    pub fn reading(&self, data: Option<&Path>) -> Vec<u8> {
        let Some(path) = data else { return self.whole() };
        let path = quote::sh(path.as_os_str().as_encoded_bytes());
        let read = format!(
            "\n[[ -O $_hpcsh_file ]] && \\builtin mapfile -tn {AT_LOGIN} _hpcsh_data <\"$_hpcsh_file\" || \\return 1\n"
        );
        [b"_hpcsh_file=", &*path, read.as_bytes(), Shell::REST.as_bytes(), &self.code].concat()
    }
}

/// Whether there are data, which bash can read as lines.
fn are_lines(data: &[Vec<u8>]) -> bool {
    // The last two are bash's own marks.
    !data.is_empty() && !data.iter().flatten().any(|byte| matches!(byte, b'\n' | 1 | 0x7f))
}

/// Data of bash's as lines. `None` where it could not read them so.
fn lines(data: &[Vec<u8>]) -> Option<Vec<u8>> {
    are_lines(data).then(|| data.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect())
}

/// Commands on one line: each line is one, but for what a backslash or a word that begins a list is the end of.
pub(super) fn on_one_line(code: &[u8]) -> Vec<u8> {
    let is_begun = |line: &[u8]| [&b"then"[..], b"else", b"do", b"{", b"\\"].iter().any(|word| line.ends_with(word));
    let ended = |line: &[u8]| {
        let end: &[u8] = if is_begun(line) { b" " } else { b";" };
        [line.strip_suffix(b"\\").unwrap_or(line), end].concat()
    };
    code.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).flat_map(ended).collect()
}

impl Script<'_> {
    /// The text to evaluate.
    pub fn text(&self) -> Text {
        let mut prologue = Prologue::new(self.shell, 8192);
        let (mut data, mut session) = (Vec::new(), Vec::new());
        let mut code = self.shell.code().as_bytes().to_vec();
        if self.shell == Shell::Bash {
            session = self.session();
            code.extend_from_slice(&session);
            code.extend_from_slice(PATH.as_bytes());
            data = self.data();
            prologue.several("data", data.iter());
            prologue.text.extend_from_slice(Shell::CALL.as_bytes());
            data.push(on_one_line(Shell::CALL.as_bytes()));
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
        Text { assigned: prologue.text, data, probe: probe.text, code, session }
    }

    /// What an interactive bash gets.
    fn session(&self) -> Vec<u8> {
        let (size, file) = (self.history_size(), self.history_file());
        let file = file.as_os_str().as_encoded_bytes();
        let words = [only(!size.is_empty(), quoted("size", &size)), only(!file.is_empty(), quoted("file", file))];
        [&*template::filled(Shell::HISTORY, &words), Shell::SESSION.as_bytes()].concat()
    }

    /// How many lines the history has; empty where that is left alone.
    fn history_size(&self) -> String {
        self.settings.history.as_ref().map_or(String::new(), |history| history.size.to_string())
    }

    /// The file of the history; empty where that is left alone.
    fn history_file(&self) -> PathBuf {
        self.settings.history.as_ref().and_then(|history| history.file(self.shell)).unwrap_or_default()
    }

    /// What only some of the code asks for, after a login, by its names.
    fn later(&self) -> [(&'static str, Vec<u8>); 18] {
        let settings = self.settings;
        let is_shared = settings.history.as_ref().is_some_and(|history| history.is_shared);
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
            ("history_size", self.history_size().into()),
            ("history_file", self.history_file().as_os_str().as_encoded_bytes().to_vec()),
            ("history_shared", if is_shared { "1" } else { "" }.into()),
        ]
    }

    /// What bash is told, in the order that `shell/hpcsh.bash` goes by.
    fn data(&self) -> Vec<Vec<u8>> {
        let settings = self.settings;
        let bytes = |path: &Path| path.as_os_str().as_encoded_bytes().to_vec();
        // The very first one last: each goes in front of those before it.
        let path = settings.path.iter().rev().flat_map(|dir| [dir.as_bytes(), &[Marker::SEPARATOR]].concat()).collect();
        // None of these has a separator of its own, or it loses it.
        let sought = env::sought(self.exports);
        let not_sought = names::all_but(sought.iter().copied().filter(|name| !name.ends_with('*')));
        let packed = self.later().map(|(_, value)| value).into_iter().chain([not_sought]).flat_map(|mut value| {
            value.retain(|byte| *byte != Marker::SEPARATOR);
            value.push(Marker::SEPARATOR);
            value
        });
        let mut data = vec![Set::Always.records(self.exports)];
        // As many as `online` and `offline` have letters are before the records that go with it.
        data.resize("online".len(), Vec::new());
        data.extend([Set::Online.records(self.exports), Set::Offline.records(self.exports)]);
        debug_assert_eq!(data.len(), AT_LOGIN);
        data.push(Vec::new());
        data.extend([
            bytes(self.program),
            self.copy.as_deref().map_or_else(|| NO_COPY.to_vec(), bytes),
            path,
            packed.collect(),
        ]);
        data
    }

    /// The assignments for zsh and fish.
    fn assign(&self, prologue: &mut Prologue) {
        let settings = self.settings;
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
        prologue.scalars(&[("records", settings.records.as_os_str().as_encoded_bytes())]);
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
