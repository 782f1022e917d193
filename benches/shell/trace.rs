//! What the kernel was asked for: a command under strace.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempPath;

use crate::report::Report;
use crate::stage::{Stage, find, output};

/// Files that are not there. A shell looks for the first where the part that counts begins, and for the second where it
/// ends: the looks are seen in the trace, and in nothing else.
pub const BEGIN: &str = "/hpcsh-bench-begin";
/// See [`BEGIN`].
pub const END: &str = "/hpcsh-bench-end";

/// Whether strace is installed and may trace; says so where not.
pub fn is_possible(stage: &Stage, report: &mut Report) -> bool {
    let file = stage.path("trace");
    let works = find("strace").is_some_and(|strace| {
        output(stage.command(strace).arg("-o").arg(file).arg("true")).is_ok() // it prints only to the file
    });
    if !works {
        report.skip("no strace, or it may not trace: system calls, forks and execs are not counted");
    }
    works
}

/// The same command under strace, which writes to the file.
pub fn wrap(command: &Command) -> Result<(Command, TempPath), String> {
    let file = tempfile::Builder::new().prefix("hpcsh-bench-trace-").tempfile();
    let path = file.map_err(|error| format!("no file for a trace: {error}"))?.into_temp_path();
    let strace = find("strace").ok_or("strace went away")?;
    let mut traced = Command::new(strace);
    traced.args(["-f", "-o"]).arg(&path).arg(command.get_program()).args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        traced.env(name, value.unwrap_or(OsStr::new("")));
    }
    if let Some(dir) = command.get_current_dir() {
        traced.current_dir(dir);
    }
    Ok((traced, path))
}

/// The system calls of a run, a line each, in their order.
pub struct Trace {
    calls: Vec<String>,
}

impl Trace {
    /// Runs the command to its good end.
    pub fn of(command: &Command) -> Result<Self, String> {
        let (mut traced, path) = wrap(command)?;
        let done = output(&mut traced);
        let trace = Self::read(&path);
        done.and(trace)
    }

    /// The same, with nobody who would read what it prints.
    pub fn unread(command: &Command) -> Result<Self, String> {
        let (mut traced, path) = wrap(command)?;
        let done = traced.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        match done {
            Ok(status) if status.success() => Self::read(&path),
            other => Err(format!("{command:?}: {other:?}")),
        }
    }

    /// Reads what strace has written.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        // `PID  CALL(…) = …`; `<… resumed>`, signals (`---`) and ends (`+++`) are none.
        let calls = text.lines().filter_map(|line| line.split_once(' ')).map(|(_, call)| call.trim_start());
        let calls = calls.filter(|call| call.starts_with(|first: char| first.is_ascii_lowercase()));
        Ok(Self { calls: calls.map(str::to_owned).collect() })
    }

    /// The calls between the two marks.
    pub fn between_marks(&self) -> Result<Self, String> {
        let at = |mark: &str| {
            let look = |call: &String| path_of(call) == Some(mark);
            self.calls.iter().position(look).ok_or_else(|| format!("{mark} is not in the trace"))
        };
        let (begin, end) = (at(BEGIN)?, at(END)?);
        self.calls
            .get(begin + 1..end)
            .map(|calls| Self { calls: calls.to_vec() })
            .ok_or("the marks are in no order".into())
    }

    /// All of them.
    pub fn count(&self) -> usize {
        self.calls.len()
    }

    /// Processes begun.
    pub fn forks(&self) -> usize {
        // A thread is no process.
        self.calls
            .iter()
            .filter(|call| is_one_of(call, &["fork", "vfork", "clone", "clone3"]) && !call.contains("CLONE_THREAD"))
            .count()
    }

    /// Programs begun.
    pub fn execs(&self) -> usize {
        self.calls.iter().filter(|call| is_one_of(call, &["execve", "execveat"])).count()
    }

    /// Calls that name a path in `dir` in full.
    pub fn below(&self, dir: &Path) -> usize {
        let dir = dir.to_string_lossy();
        self.calls.iter().filter(|call| path_of(call).is_some_and(|path| path.starts_with(&*dir))).count()
    }

    /// Calls that name a path in `dir`; a relative one does, since everything runs there.
    pub fn within(&self, dir: &Path) -> usize {
        let dir = dir.to_string_lossy();
        let is_within = |path: &str| path.starts_with(&*dir) || !path.is_empty() && !path.starts_with('/');
        self.calls.iter().filter(|call| path_of(call).is_some_and(is_within)).count()
    }
}

fn name_of(call: &str) -> &str {
    call.split('(').next().unwrap_or_default()
}

fn is_one_of(call: &str, names: &[&str]) -> bool {
    names.contains(&name_of(call))
}

/// The path of a call that has one: its first word in quotes, unless that is data or part of a structure.
fn path_of(call: &str) -> Option<&str> {
    const DATA: [&str; 9] = ["read", "write", "pread64", "pwrite64", "readv", "writev", "sendto", "recvfrom", "prctl"];
    let (before, rest) = call.split_once('"')?;
    if before.contains('{') || is_one_of(call, &DATA) {
        return None;
    }
    rest.split('"').next()
}
