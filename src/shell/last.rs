//! The last good script: what this node falls back to while shared storage hangs, and what a login can read without a process.
//!
//! `login.SHELL` in the node-local directory names the script that was evaluated last, for one boot, host, network namespace, home
//! and set of configuration files; whoever differs in one of them does not use it. It is written when its bytes change.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::init::{Facts, Shell};
use crate::digest;
use crate::host::boot::Boot;
use crate::host::{Host, files, local_dir};
use crate::quote;

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

    /// Its first line: `# hpcsh KEY MILLISECONDS SCRIPT`.
    fn head(&self) -> Option<(Duration, PathBuf)> {
        let line = self.text.split(|byte| *byte == b'\n').next()?;
        let rest = line.strip_prefix(format!("# hpcsh {:016x} ", self.key).as_bytes())?;
        let at = rest.iter().position(|byte| *byte == b' ')?;
        let wait = std::str::from_utf8(&rest[..at]).ok()?.parse().ok()?;
        Some((Duration::from_millis(wait), PathBuf::from(std::ffi::OsStr::from_bytes(&rest[at + 1..]))))
    }

    /// How long that configuration lets a login wait for storage.
    pub fn patience(&self) -> Option<Duration> {
        self.head().map(|(wait, _)| wait)
    }

    /// A line that evaluates the script, if it is still there.
    pub fn line(&self) -> Option<Vec<u8>> {
        let (_, script) = self.head()?;
        files::exists(&script).then(|| line(self.shell, &script))
    }

    /// Keeps this script, which lies in this file. What cannot be written is not kept.
    ///
    /// Nor is what a proxy with a password reaches: nobody's password is written anywhere.
    pub fn keep(&self, host: &Host, boot: &Boot, script: &Path, patience: Duration, facts: &Facts) {
        if boot.proxies.contains('@') {
            return;
        }
        let text = self.render(host, boot, script, patience, facts);
        if text != self.text {
            let _ = files::put(&self.file, &text);
        }
    }

    fn render(&self, host: &Host, boot: &Boot, script: &Path, patience: Duration, facts: &Facts) -> Vec<u8> {
        let mut text = format!("# hpcsh {:016x} {} ", self.key, patience.as_millis()).into_bytes();
        text.extend_from_slice(script.as_os_str().as_bytes());
        text.push(b'\n');
        let code = match self.shell {
            Shell::Zsh => include_bytes!(concat!(env!("OUT_DIR"), "/login.zsh")).as_slice(),
            Shell::Bash => include_bytes!(concat!(env!("OUT_DIR"), "/login.bash")).as_slice(),
            // fish has no word for the network namespace without a process.
            Shell::Fish => return text,
        };
        let word = |name: &str| host.variable(name).unwrap_or_default();
        // The login itself finds out what may turn.
        let facts =
            if facts.is_fixed { Facts { memory: None, reader: None, ..facts.clone() } } else { Facts::default() };
        text.extend(facts.text(self.shell));
        text.extend(facts.more(
            self.shell,
            &[
                ("boot", OsString::from(&boot.id)),
                ("host", OsString::from(&boot.name)),
                ("network", OsString::from(&boot.network)),
                ("proxies", OsString::from(&boot.proxies)),
                ("key", OsString::from(boot.key())),
                ("home", word("HOME")),
                ("xdg", word("XDG_CONFIG_HOME")),
                ("script", script.as_os_str().to_owned()),
                ("dir", OsString::new()),
            ],
        ));
        text.extend_from_slice(code);
        text
    }
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
