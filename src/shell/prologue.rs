//! Data of ours as assignments that a shell evaluates: quoted, one form for each shell, the one that is cheapest at a login.

use super::code::Shell;
use super::env::Export;
use super::marker::Marker;
use crate::quote;

/// Some of the exports.
#[derive(Clone, Copy)]
pub enum Set {
    /// Those that a node has, online or offline.
    Always,
    /// Those that an offline node has beside them.
    Offline,
    /// Those that an online node has.
    Online,
}

impl Set {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Always, Self::Offline, Self::Online];

    fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Offline => "offline",
            Self::Online => "online",
        }
    }

    /// Its exports, as the marker has them.
    pub fn records(self, exports: &[Export]) -> Vec<u8> {
        self.of(exports).flat_map(|(name, value)| Marker::record(name, value)).collect()
    }

    /// The names and values in it.
    fn of(self, exports: &[Export]) -> impl Iterator<Item = (&str, &str)> {
        exports.iter().filter_map(move |export| {
            let value = match self {
                Self::Always => export.both(),
                Self::Offline => export.only(true),
                Self::Online => export.only(false),
            };
            Some((export.name.as_str(), value?))
        })
    }
}

/// Assignments of `_hpcsh_*` variables, one after another.
pub struct Prologue {
    shell: Shell,
    /// What has been said so far.
    pub text: Vec<u8>,
    /// Whether what is assigned stands in a function of zsh's.
    is_in_function: bool,
}

impl Prologue {
    /// For a shell; so many bytes will be said.
    pub fn new(shell: Shell, capacity: usize) -> Self {
        Self { shell, text: Vec::with_capacity(capacity), is_in_function: false }
    }

    /// Puts what follows into a function, for zsh, which is called when a part is: there it can be told for once that a global may come
    /// into being (`warn_create_global`), and nothing is exported (`all_export`).
    pub fn begin_data(&mut self) {
        self.is_in_function = true;
        self.push(&[b"function _hpcsh_data {\n\\builtin setopt local_options no_all_export no_warn_create_global\n"]);
    }

    /// Ends that function, if it has begun.
    pub fn end_data(&mut self) {
        if self.is_in_function {
            self.is_in_function = false;
            self.push(&[b"}\n"]);
        }
    }

    /// What zsh has to be told of globals outside of that function, since an rc file may be read in another.
    fn declare(&mut self) {
        if self.shell == Shell::Zsh && !self.is_in_function {
            self.push(&[b"\\builtin typeset -g "]);
        }
    }

    fn push(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.text.extend_from_slice(part);
        }
    }

    fn word(&mut self, word: impl AsRef<[u8]>) {
        let quote = if self.shell == Shell::Fish { quote::fish } else { quote::sh };
        self.text.extend(quote(word.as_ref()));
    }

    /// Variables of one value.
    pub fn scalars(&mut self, scalars: &[(&str, &[u8])]) {
        self.declare();
        for (name, value) in scalars {
            if self.shell == Shell::Fish {
                self.push(&[b"set -g _hpcsh_", name.as_bytes(), b" "]);
                self.word(value);
                self.text.push(b'\n');
            } else {
                self.push(&[b"_hpcsh_", name.as_bytes(), b"="]);
                self.word(value);
                self.text.push(b' ');
            }
        }
        self.text.push(b'\n');
    }

    /// A variable of several: a list.
    pub fn several(&mut self, name: &str, words: impl Iterator<Item = impl AsRef<[u8]>>) {
        let (before, between, after): (&[u8], &[u8], &[u8]) = match self.shell {
            Shell::Fish => (b"set -g _hpcsh_", b" ", b"\n"),
            Shell::Zsh | Shell::Bash => (b"_hpcsh_", b"=(", b")\n"),
        };
        self.push(&[before, name.as_bytes(), between]);
        for word in words {
            self.word(word);
            self.text.push(b' ');
        }
        self.push(&[after]);
    }

    /// Functions that export what a node has, online or offline, with the marker, which ends with $1: the quickest thing that zsh can be
    /// told.
    pub fn exporting(&mut self, exports: &[Export]) {
        for set in [Set::Offline, Set::Online] {
            self.push(&[b"function _hpcsh_", set.name().as_bytes(), b" {\n"]);
            // Each name is a plain one: to look for letters of other alphabets in them would be an eighth of the whole.
            self.push(&[b"\\builtin setopt local_options all_export no_warn_create_global posix_identifiers\n"]);
            let mut marker = vec![Marker::SEPARATOR];
            for (name, value) in Set::Always.of(exports).chain(set.of(exports)) {
                self.push(&[name.as_bytes(), b"="]);
                self.word(value);
                self.text.push(b' ');
                marker.extend(Marker::record(name, value));
            }
            self.push(&[b"HPCSH_NODE=$_hpcsh_verdict HPCSH_EXPORTS="]);
            self.word(marker);
            self.push(&[b"$1\n}\n"]);
        }
    }

    /// The exports of a set, as records in one string.
    pub fn records(&mut self, set: Set, exports: &[Export]) {
        if self.shell == Shell::Fish {
            self.telling(set, exports);
        }
        self.scalars(&[(&format!("records_{}", set.name()), &set.records(exports))]);
    }

    /// A function that runs its arguments for each of the exports of a set, with its name and value behind them: fish is so slow with
    /// loops and substitutions that what it can be told is not left to it.
    fn telling(&mut self, set: Set, exports: &[Export]) {
        self.push(&[b"function _hpcsh_", set.name().as_bytes(), b"\n"]);
        for (name, value) in set.of(exports) {
            self.push(&[b"$argv ", name.as_bytes(), b" "]);
            self.word(value);
            self.text.push(b'\n');
        }
        self.push(&[b"end\n"]);
    }

    /// Tells which of these directories PATH lacks: adds them to `first` and `added`, for bash and zsh.
    pub fn lacking(&mut self, path: &[String]) {
        if path.is_empty() {
            return;
        }
        self.push(&[b"_hpcsh_dir=:${PATH-}:\n"]);
        let mut before: Vec<&String> = Vec::new();
        for dir in path {
            if before.contains(&dir) {
                continue;
            }
            before.push(dir);
            let part = quote::sh(format!(":{dir}:").as_bytes());
            let first = quote::sh(format!("{dir}:").as_bytes());
            let record = quote::sh(Marker::record(Marker::ADDED_TO_PATH, dir));
            self.push(&[b"[[ $_hpcsh_dir == *", &part, b"* ]] || _hpcsh_first+=", &first]);
            self.push(&[b" _hpcsh_added=", &record, b"$_hpcsh_added\n"]);
        }
        self.push(&[b"[[ $_hpcsh_dir != :: ]] || _hpcsh_taken+=1\n"]);
    }

    /// Tells in a variable, behind `before`, whether one of these is set. The names are checked ones; asking for all of them at once is
    /// what spares a login the look at each.
    pub fn probe<'a>(&mut self, name: &str, before: &str, variables: impl Iterator<Item = &'a str>) {
        if self.shell == Shell::Fish {
            // How many are unset, and how many there are. PATH is one that is set, and keeps the list from being empty.
            let names: Vec<&str> = variables.collect();
            let text = format!("set -q PATH {}\nset -g _hpcsh_unset $status {}\n", names.join(" "), names.len());
            self.text.extend_from_slice(text.as_bytes());
            return;
        }
        // Not empty where one is set. The word needs no quotes: neither shell splits what it assigns.
        self.declare();
        self.push(&[b"_hpcsh_", name.as_bytes(), b"=", before.as_bytes()]);
        for variable in variables {
            self.push(&[b"${", variable.as_bytes(), b"+1}"]);
        }
        self.text.push(b'\n');
    }
}
