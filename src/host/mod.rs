//! The only door to the world: variables, streams, files, users, time.
//!
//! Everything else takes a [`Host`] (or plain values), so a test hands in its own variables, its own root directory and
//! byte buffers, and sees all that a command did. What is looked up is looked up without the C library: the program is
//! static, and a static C library cannot load the modules that its user and name look-ups need.

pub mod activation;
pub mod boot;
pub mod clock;
pub mod datagrams;
pub mod dirs;
pub mod durable;
pub mod files;
pub mod likeness;
pub mod local_dir;
pub mod local_socket;
pub mod lock;
pub mod memory;
pub mod mounts;
pub mod patience;
pub mod ports;
pub mod privileges;
pub mod process;
mod record;
pub mod run_dir;
pub mod stamp;
pub mod users;
pub mod watch;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _, IsTerminal as _, Write};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use hpcsh_early::record::MARKER;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// The world as a command sees it.
pub struct Host {
    /// Data for the caller: standard output.
    pub out: Box<dyn Write>,
    /// Talk for people: standard error.
    pub err: Box<dyn Write>,
    variables: Variables,
    asked: RefCell<Option<Asked>>,
    root: PathBuf,
    name: OnceCell<String>,
    program: OnceCell<Option<PathBuf>>,
    mounts: mounts::Once,
}

/// What has been asked of the environment, and what was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Of variables, by their names.
    pub variables: BTreeMap<OsString, Said>,
    /// Whether PATH lacks these directories; see [`Host::path_lacks`].
    pub path: BTreeMap<String, bool>,
}

/// What was said of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It has this value.
    Set(OsString),
    /// It is not set.
    Unset,
    /// See [`Host::is_free`].
    Free,
}

enum Variables {
    Process,
    Given(BTreeMap<OsString, OsString>),
}

impl Host {
    /// The real one.
    #[allow(clippy::disallowed_methods)] // this is the door
    pub fn real() -> Self {
        Self {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            variables: Variables::Process,
            asked: RefCell::new(Some(Asked::default())),
            root: PathBuf::from("/"),
            name: OnceCell::new(),
            program: OnceCell::new(),
            mounts: OnceCell::new(),
        }
    }

    /// A world of a test's own: these variables only, and files below `root` for absolute paths.
    pub fn pretend(root: &Path, variables: &[(&str, &str)], out: Box<dyn Write>, err: Box<dyn Write>) -> Self {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self {
            out,
            err,
            variables: Variables::Given(variables),
            asked: RefCell::new(Some(Asked::default())),
            root: root.into(),
            name: OnceCell::new(),
            program: OnceCell::new(),
            mounts: OnceCell::new(),
        }
    }

    /// The value of an environment variable; `None` where it is unset.
    pub fn variable(&self, name: impl AsRef<OsStr>) -> Option<OsString> {
        let name = name.as_ref();
        let value = self.value(name);
        if let Some(asked) = &mut *self.asked.borrow_mut() {
            asked.variables.insert(name.to_owned(), value.clone().map_or(Said::Unset, Said::Set));
        }
        value
    }

    #[allow(clippy::disallowed_methods)] // this is the door
    fn value(&self, name: &OsStr) -> Option<OsString> {
        match &self.variables {
            Variables::Process => std::env::var_os(name),
            Variables::Given(map) => map.get(name).cloned(),
        }
    }

    /// Whether an environment variable is unset, or the marker is set: a shell below one of ours looks at each of them itself, so that
    /// the answer for it is the one for others. A `*` at the end stands for the rest of a name.
    pub fn is_free(&self, name: &str) -> bool {
        let before = name.strip_suffix('*');
        let name = OsStr::new(name);
        let is_set = match before {
            None => self.value(name).is_some(),
            // Whoever has one is asked about all that he has, and nothing is kept for him.
            Some(before) => self.begins_with(before),
        };
        if is_set && !self.is_below() {
            if before.is_none() {
                self.variable(name);
            } else {
                self.asked.replace(None);
            }
            return false;
        }
        if let Some(asked) = &mut *self.asked.borrow_mut() {
            asked.variables.entry(name.to_owned()).or_insert(Said::Free);
        }
        true
    }

    #[allow(clippy::disallowed_methods)] // this is the door
    fn begins_with(&self, before: &str) -> bool {
        let begins = |name: &OsString| name.as_bytes().starts_with(before.as_bytes());
        match &self.variables {
            Variables::Process => std::env::vars_os().any(|(name, _)| begins(&name)),
            Variables::Given(map) => map.keys().any(begins),
        }
    }

    /// Whether PATH lacks a directory; `None` where it is unset or empty. Below one of ours it counts as if it did, for the same reason.
    pub fn path_lacks(&self, dir: &str) -> Option<bool> {
        let path = self.value(OsStr::new("PATH")).filter(|path| !path.is_empty());
        let Some(path) = path else {
            self.variable("PATH");
            return None;
        };
        let mut there = path.as_bytes().split(|byte| *byte == b':');
        let lacks = self.is_below() || !there.any(|found| found == dir.as_bytes());
        if let Some(asked) = &mut *self.asked.borrow_mut() {
            asked.path.insert(dir.to_owned(), lacks);
        }
        Some(lacks)
    }

    fn is_below(&self) -> bool {
        self.value(OsStr::from_bytes(MARKER)).is_some_and(|value| !value.is_empty())
    }

    /// What anybody has asked of the environment so far; `None` where somebody has asked for all of it.
    pub fn asked(&self) -> Option<Asked> {
        self.asked.borrow().clone()
    }

    /// The same, with an empty value counted as unset, as the XDG specification and most tools do.
    pub fn nonempty(&self, name: &str) -> Option<OsString> {
        self.variable(name).filter(|value| !value.is_empty())
    }

    /// All environment variables.
    #[allow(clippy::disallowed_methods)] // this is the door
    pub fn variables(&self) -> BTreeMap<OsString, OsString> {
        self.asked.replace(None);
        match &self.variables {
            Variables::Process => std::env::vars_os().collect(),
            Variables::Given(map) => map.clone(),
        }
    }

    /// The user's home: `$HOME`, else what /etc/passwd says of the user.
    pub fn home(&self) -> Option<PathBuf> {
        self.nonempty("HOME").map(PathBuf::from).or_else(|| users::by_id(self, users::my_id()).map(|user| user.home))
    }

    /// The name of the node as the kernel has it, without the domain.
    pub fn name(&self) -> String {
        self.full_name().split('.').next().unwrap_or_default().to_owned()
    }

    /// The name of the node as the kernel has it.
    pub fn full_name(&self) -> String {
        self.name.get_or_init(|| rustix::system::uname().nodename().to_string_lossy().into_owned()).clone()
    }

    /// The path of this program with every symlink resolved; `None` where the kernel does not say (no /proc).
    pub fn program(&self) -> Option<&Path> {
        let read = || {
            let path = rustix::fs::readlink("/proc/self/exe", Vec::new()).ok()?;
            Some(PathBuf::from(OsString::from_vec(path.into_bytes())))
        };
        self.program.get_or_init(read).as_deref()
    }

    /// The working directory, by the name that the shell has for it where that is right; `None` where it is gone.
    pub fn working_directory(&self) -> Option<PathBuf> {
        let named = self.nonempty("PWD").map(PathBuf::from).filter(|path| path.is_absolute());
        let is_same = |path: &PathBuf| matches!((files::entry(path), files::entry(Path::new("."))), (Ok(one), Ok(other)) if one == other);
        named.filter(is_same).or_else(|| self.real_working_directory())
    }

    /// The working directory without symlinks, as the kernel knows it: no storage is asked. `None` where it is gone.
    #[allow(clippy::unused_self)] // part of the world, as everything here
    pub fn real_working_directory(&self) -> Option<PathBuf> {
        let path = PathBuf::from(OsString::from_vec(rustix::process::getcwd(Vec::new()).ok()?.into_bytes()));
        // One that cannot be reached from the root begins with a remark of the kernel's.
        path.is_absolute().then_some(path)
    }

    /// What is mounted, as it was when this was first asked.
    pub fn mounts(&self) -> &mounts::Mounts {
        self.mounts.get_or_init(|| mounts::Mounts::read(self))
    }

    /// Whether absolute paths are those of the kernel, and no test's.
    pub fn is_real(&self) -> bool {
        self.root == Path::new("/")
    }

    /// The path from the root, without `.` and `..`, symlinks as they are.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        let mut absolute =
            if path.is_absolute() { PathBuf::new() } else { self.working_directory().unwrap_or_default() };
        for part in path.components() {
            match part {
                Component::ParentDir => {
                    absolute.pop();
                }
                Component::CurDir => {}
                part => absolute.push(part),
            }
        }
        absolute
    }

    /// Where an absolute path lies in this world.
    pub fn locate(&self, path: &Path) -> PathBuf {
        match path.strip_prefix("/") {
            Ok(rest) if !self.is_real() => self.root.join(rest),
            _ => path.to_owned(),
        }
    }

    /// Asks a yes-or-no question on the terminal; `yes` without a terminal, where the caller has made sure it is safe.
    #[allow(clippy::disallowed_methods)] // this is the door
    pub fn confirm(&mut self, question: &str) -> bool {
        if matches!(self.variables, Variables::Given(_)) || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return true;
        }
        let _ = write!(self.err, "{question} [Y/n] ").and_then(|()| self.err.flush());
        let mut answer = String::new();
        if !matches!(io::stdin().lock().read_line(&mut answer), Ok(1..)) {
            return false;
        }
        matches!(answer.trim(), "" | "y" | "Y" | "yes" | "Yes")
    }

    /// Whether the data for the caller goes into a pipe, as a shell's `$( )` makes one.
    pub fn out_is_pipe(&self) -> bool {
        let real = matches!(self.variables, Variables::Process);
        real && rustix::fs::fstat(rustix::stdio::stdout())
            .is_ok_and(|found| rustix::fs::FileType::from_raw_mode(found.st_mode) == rustix::fs::FileType::Fifo)
    }

    /// How many columns standard error has, where it is a terminal on which a line can be written again: not while this process is
    /// in its background, where the line is that of a shell.
    #[allow(clippy::disallowed_methods)] // this is the door
    pub fn err_columns(&self) -> Option<usize> {
        let is_real = matches!(self.variables, Variables::Process);
        if !is_real || !io::stderr().is_terminal() || self.nonempty("TERM").is_none_or(|kind| kind == "dumb") {
            return None;
        }
        // One that is not ours to be in the background of says nothing.
        let foreground = rustix::termios::tcgetpgrp(rustix::stdio::stderr());
        if foreground.is_ok_and(|foreground| foreground != rustix::process::getpgrp()) {
            return None;
        }
        let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr()).ok()?;
        Some(if size.ws_col == 0 { 80 } else { size.ws_col.into() })
    }

    /// Writes data for the caller; a reader that has gone away ends the output, not the program.
    pub fn print(&mut self, data: impl AsRef<[u8]>) {
        let _ = self.out.write_all(data.as_ref()).and_then(|()| self.out.flush());
    }

    /// The same; whether there still is a reader.
    pub fn print_all(&mut self, data: impl AsRef<[u8]>) -> bool {
        self.out.write_all(data.as_ref()).and_then(|()| self.out.flush()).is_ok()
    }

    /// Whether the data goes into a pipe or a socket whose reader has gone away.
    pub fn has_no_reader(&self) -> bool {
        let stdout = rustix::stdio::stdout();
        let mut files = [PollFd::new(&stdout, PollFlags::empty())];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let real = matches!(self.variables, Variables::Process);
        real && poll(&mut files, Some(&at_once)).is_ok()
            && files[0].revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL)
    }

    /// Writes one line of talk for people.
    pub fn say(&mut self, line: impl AsRef<str>) {
        let _ = writeln!(self.err, "{}", line.as_ref());
    }
}

/// Writes to standard error what a thread has to say that has no [`Host`]; whether all of it could be written.
#[allow(clippy::disallowed_methods)] // this is the door
pub fn talk(bytes: &[u8]) -> bool {
    io::stderr().write_all(bytes).is_ok()
}
