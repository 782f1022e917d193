//! The last good script: what this node falls back to while shared storage hangs, and what a login can read without a process.
//!
//! `login.SHELL` in the node-local directory names the script that was evaluated last, for one boot, host, network namespace, home
//! and set of configuration files; whoever differs in one of them does not use it. It is written when its bytes change.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::code::Shell;
use super::env::Export;
use super::facts::{self, Facts, assignments};
use super::kept::{self, KeptFile};
use super::local_first;
use super::script::Text;
use crate::digest;
use crate::host::boot::Boot;
use crate::host::{Host, files, local_dir, users};
use crate::quote;
use crate::verdict::State;

/// What stands in front of the name of the file with the checks.
const NAMES: &[u8] = b"\\builtin typeset -g _hpcsh_kept=";
/// What stands behind it: status 1 where the file is gone or not ours.
const NAMED: &[u8] =
    b"\n[[ -f $_hpcsh_kept && -O $_hpcsh_kept && ! -L $_hpcsh_kept ]] && \\builtin source \"$_hpcsh_kept\"\n";

/// A script that can be read again, and what a login that reads it has to know.
pub struct Good<'a> {
    /// The file in which it lies.
    pub script: &'a Path,
    /// The same as text, for bash.
    pub text: &'a Text,
    /// The variables that it sets.
    pub exports: &'a [Export],
    /// What it puts first into PATH.
    pub path: &'a [String],
    /// Whether the history lies on storage that may hang.
    pub is_history_shared: bool,
    /// How long the configuration lets a login wait for storage.
    pub patience: Duration,
    /// The configuration's word on the node; a login finds out by itself what may turn.
    pub fixed: Option<State>,
    /// What the paths of the node's memory begin with.
    pub memory: Option<&'a Path>,
}

/// What was kept of the last login with the same configuration files.
#[derive(Debug)]
pub struct Last {
    file: PathBuf,
    shell: Shell,
    key: u64,
    text: Vec<u8>,
}

impl Last {
    /// Reads what is there. `layers` are the paths of the configuration; `named`, one that was named in the environment or in an
    /// argument, which has a file of its own. `None` where the node-local directory cannot be used.
    pub fn of(host: &Host, shell: Shell, layers: &[PathBuf], named: Option<&Path>) -> Option<Self> {
        let dir = local_dir::default_path(host);
        local_dir::ensure(&dir).ok()?;
        let with = |sum, path: &Path| digest::with(digest::with(sum, path.as_os_str().as_bytes()), b"\0");
        let start = digest::with(digest::of(env!("CARGO_PKG_VERSION").as_bytes()), b"\0");
        let key = layers.iter().fold(start, |sum, path| with(sum, path));
        let name = named.map_or_else(String::new, |path| format!("-{:016x}", with(digest::NONE, path)));
        let file = dir.join(format!("login{name}.{}", shell.name()));
        let text = files::read(&file).unwrap_or_default();
        Some(Self { file, shell, key, text })
    }

    /// Where it lies.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// For which shell.
    pub fn shell(&self) -> Shell {
        self.shell
    }

    /// Its first line: `# hpcsh KEY MILLISECONDS VERDICT SCRIPT`, the verdict only where it is the configuration's word.
    fn head(&self) -> Option<(Duration, &[u8], &Path)> {
        let end = self.text.iter().position(|byte| *byte == b'\n')?;
        let rest = self.text[..end].strip_prefix(format!("# hpcsh {:016x} ", self.key).as_bytes())?;
        let mut words = rest.splitn(3, |byte| *byte == b' ');
        let wait = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
        Some((Duration::from_millis(wait), words.next()?, Path::new(OsStr::from_bytes(words.next()?))))
    }

    /// The verdict, where that configuration fixes it.
    pub fn verdict(&self) -> Option<State> {
        let (_, word, _) = self.head()?;
        [State::Online, State::Offline].into_iter().find(|state| state.word().as_bytes() == word)
    }

    /// How long that configuration lets a login wait for storage.
    pub fn patience(&self) -> Option<Duration> {
        self.head().map(|(wait, ..)| wait)
    }

    /// A line that evaluates the script, if that is still there, and is ours as well as the file that names it.
    pub fn line(&self) -> Option<Vec<u8>> {
        let (.., script) = self.head()?;
        [&self.file, script].into_iter().all(is_mine).then(|| line(self.shell, script))
    }

    /// Keeps this script for logins to come. What cannot be written is not kept.
    ///
    /// Nor is what a proxy with a password reaches: nobody's password is written anywhere. Gives the file with zsh's checks, or bash's data.
    pub fn keep(&self, host: &Host, boot: &Boot, good: &Good<'_>) -> Option<KeptFile> {
        if boot.proxies.contains('@') {
            return None;
        }
        // The first line is a comment.
        if good.script.as_os_str().as_bytes().contains(&b'\n') {
            return None;
        }
        let Good { script, fixed, .. } = *good;
        let word = fixed.map_or("", State::word);
        let mut text = format!("# hpcsh {:016x} {} {word} ", self.key, good.patience.as_millis()).into_bytes();
        text.extend_from_slice(script.as_os_str().as_bytes());
        text.push(b'\n');
        let mut kept = None;
        let dir = self.file.parent()?;
        match self.shell {
            Shell::Zsh => {
                let code = include_bytes!(concat!(env!("OUT_DIR"), "/login.zsh"));
                let checks = [&*self.checked(host, boot, good), &*facts::probe(good.path), code].concat();
                let checks = kept::script(Shell::Zsh, dir, &checks)?;
                let path = quote::sh(checks.0.as_os_str().as_bytes());
                text.extend([NAMES, &*path, NAMED].concat());
                kept = Some(checks);
            }
            Shell::Bash => {
                let (code, data) = local_first::bash(host, boot, good, dir);
                text.extend(code);
                kept = data;
            }
            // It has no word for the network namespace without a process.
            Shell::Fish => {}
        }
        if text == self.text || files::put(&self.file, &text).is_err() {
            return kept;
        }
        // What the former one named was another boot's, most often. What is another's no bash has still to read from.
        let is_over = |former: &&[u8]| {
            let is_of_now = |text: Vec<u8>| text.windows(boot.id.len()).any(|part| part == boot.id.as_bytes());
            named(&text) != Some(former)
                && (self.shell == Shell::Zsh || !files::read(Path::new(OsStr::from_bytes(former))).is_ok_and(is_of_now))
        };
        let former = named(&self.text).filter(is_over);
        for path in former.into_iter().flat_map(|path| [path.to_owned(), [path, b".zwc"].concat()]) {
            let path = Path::new(OsStr::from_bytes(&path));
            if path.parent() == self.file.parent() {
                let _ = files::remove(path);
            }
        }
        kept
    }

    /// What a login without the program compares, and the facts that it cannot find out.
    fn checked(&self, host: &Host, boot: &Boot, good: &Good<'_>) -> Vec<u8> {
        let Good { script, fixed, memory, .. } = *good;
        let word = |name: &str| host.variable(name).unwrap_or_default();
        // What is not fixed the login reads itself; an unknown verdict here would make it one that has everything to compare.
        let state = fixed.unwrap_or(State::Offline);
        let memory = memory.map(Path::to_owned);
        let dir = memory.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).into();
        let facts = Facts { state, is_fixed: fixed.is_some(), memory, ..Facts::default() };
        let here = [OsStr::new(&boot.id), OsStr::new(&boot.name), &word("HOME"), &word("XDG_CONFIG_HOME")];
        let compared = assignments(
            self.shell,
            &[
                ("here", here.join(OsStr::new("|"))),
                ("network", OsString::from(&boot.network)),
                ("proxies", OsString::from(&boot.proxies)),
                ("run", dir),
                ("runtime", word("XDG_RUNTIME_DIR")),
                ("key", OsString::from(boot.key())),
                ("script", script.as_os_str().to_owned()),
            ],
        );
        [facts.text(self.shell), compared].concat()
    }
}

/// The file that a `login.zsh` or `login.bash` names, if its path is a plain word.
fn named(text: &[u8]) -> Option<&[u8]> {
    text.split(|byte| *byte == b'\n').find_map(|line| {
        let path = [NAMES, local_first::NAMES].into_iter().find_map(|before| line.strip_prefix(before))?;
        let path = path.strip_prefix(b"'")?;
        let end = path.iter().position(|byte| *byte == b'\'')?;
        matches!(&path[end..], [b'\''] | [b'\'', b' ', ..]).then_some(&path[..end])
    })
}

/// Whether it is a file that only we can have put into our directory, and no link.
fn is_mine(file: &Path) -> bool {
    files::is_file_of(file, users::my_id())
}

/// A line that evaluates the script in this file.
pub fn line(shell: Shell, script: &Path) -> Vec<u8> {
    let path = script.as_os_str().as_bytes();
    match shell {
        Shell::Zsh => {
            [b"\\builtin typeset -g _hpcsh_script=", &*quote::sh(path), b"\n\\builtin source \"$_hpcsh_script\"\n"]
                .concat()
        }
        Shell::Bash => [b"\\builtin source ", &*quote::sh(path), b"\n"].concat(),
        Shell::Fish => [b"builtin source ", &*quote::fish(path), b"\n"].concat(),
    }
}
