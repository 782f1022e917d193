//! The process that is to become ready: the user's command, whose parent we are until then, or one that runs already.
//!
//! The command has our streams, or the log for what it says; a pipe of ours would end with us and take it along. It stays in our
//! process group: a terminal's Ctrl-C, `timeout` and batch systems reach it as if the shell had started it.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, getpgid, getpgrp};

use crate::error::{Failure, Kind};
use crate::host::process::{self, Received, Signals};
use crate::host::watch::{self, End, Watch};
use crate::host::{Host, clock, files};

/// What the command gets of what we get.
const FORWARDED: [i32; 5] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2];
/// How long a command that is told to end may take for it.
const GRACE: Duration = Duration::from_secs(10);
/// From one look at whether it has ended to the next.
const PAUSE: Duration = Duration::from_millis(10);

/// Holds back what a command is going to get.
///
/// # Errors
/// Where the kernel has no file for them.
pub fn hold() -> Result<Signals, Failure> {
    Signals::hold(&FORWARDED).map_err(|error| Failure::failed(error.to_string()).of_kind(Kind::Runner))
}

/// See the module.
pub struct Process {
    /// For people: the command, or its number.
    pub name: String,
    /// Whether it is ours.
    pub watch: Watch,
    signals: Option<Signals>,
    /// The last signal that was to end it.
    signal: Option<u8>,
}

impl Process {
    /// One that runs already.
    ///
    /// # Errors
    /// It has ended.
    pub fn running(number: i32) -> Result<Self, Failure> {
        let pid = Pid::from_raw(number).filter(|_| number > 0);
        let pid = pid.ok_or_else(|| Failure::usage(format!("{number} is no process")))?;
        let watch =
            Watch::of(pid).ok_or_else(|| Failure::failed(format!("there is no process {number}: it has ended")))?;
        Ok(Self { name: format!("process {number}"), watch, signals: None, signal: None })
    }

    /// Starts a command.
    ///
    /// # Errors
    /// 125 to 127: it cannot be started.
    pub fn start(host: &Host, words: &[OsString], log: Option<&Path>, signals: Signals) -> Result<Self, Failure> {
        let broken = |why: String| Failure::failed(why).of_kind(Kind::Runner);
        let output = log.map(|path| {
            files::append(&host.locate(path)).map_err(|error| broken(format!("{}: {error}", path.display())))
        });
        let output = output.transpose()?;
        let program = words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let pid = process::spawn(words, output.as_ref()).map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => {
                Failure::failed(format!("there is no command {program}")).of_kind(Kind::NotThere)
            }
            ErrorKind::WouldBlock | ErrorKind::OutOfMemory => broken(format!("{program} cannot be started: {error}")),
            _ => Failure::failed(format!("{program} cannot be run: {error}")).of_kind(Kind::CannotRun),
        })?;
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        let name: String = words.join(" ").chars().take(80).collect();
        Ok(Self { name: format!("`{name}`"), watch: Watch::of_child(pid), signals: Some(signals), signal: None })
    }

    /// What becomes readable when signals have come.
    pub fn signals(&self) -> Option<&Signals> {
        self.signals.as_ref()
    }

    /// Hands the signals on that have come. What the terminal has sent, a command in our group has already.
    pub fn forward(&mut self) {
        while let Some(Received { number, is_from_terminal }) = self.signals.as_ref().and_then(Signals::next) {
            let pid = self.watch.pid();
            if !is_from_terminal || getpgid(Some(pid)) != Ok(getpgrp()) {
                process::send(pid, number);
            }
            if matches!(number, libc::SIGINT | libc::SIGTERM | libc::SIGHUP) {
                self.signal = u8::try_from(number).ok();
            }
        }
    }

    /// The failure that its end is.
    pub fn end(&self, end: End) -> Failure {
        let how = match end {
            End::Code(code) => format!("ended with status {code}"),
            End::Signal(number) => match name(number) {
                Some(name) => format!("was ended by signal {number} ({name})"),
                None => format!("was ended by signal {number}"),
            },
            End::Unknown => "has ended".to_owned(),
        };
        let failure = Failure::failed(format!("{} {how} before the server was ready", self.name));
        match self.signal {
            Some(number) => failure.of_kind(Kind::Signalled(number)),
            None => failure,
        }
    }

    /// Whether we have started it.
    pub fn is_ours(&self) -> bool {
        self.signals.is_some()
    }

    /// Ends a command whose server nobody waits for any more, and what it has started; gives whether there was anything to end.
    ///
    /// It is asked alone at first: a server ends its own in the right order, and a script does not.
    pub fn stop(&mut self) -> bool {
        if self.watch.ended().is_some() {
            return false;
        }
        let others = watch::descendants(self.watch.pid());
        let ask = |pid| {
            process::send(pid, libc::SIGTERM);
            // One that is stopped does not hear.
            process::send(pid, libc::SIGCONT);
        };
        ask(self.watch.pid());
        let begun = clock::now();
        let mut is_over = false;
        while !is_over && begun.elapsed() < GRACE {
            self.forward();
            is_over = self.watch.ended().is_some();
            if !is_over {
                clock::sleep(PAUSE);
            }
        }
        if !is_over {
            process::send(self.watch.pid(), libc::SIGKILL);
        }
        let is_left = |one: &Watch| one.ended().is_none();
        let more: Vec<Watch> =
            others.iter().filter(|one| is_left(one)).flat_map(|one| watch::descendants(one.pid())).collect();
        let mut left: Vec<Watch> = others.into_iter().chain(more).filter(is_left).collect();
        for one in &left {
            ask(one.pid());
        }
        while !left.is_empty() && begun.elapsed() < GRACE {
            clock::sleep(PAUSE);
            left.retain(is_left);
        }
        for one in left.iter().filter(|one| is_left(one)) {
            process::send(one.pid(), libc::SIGKILL);
        }
        true
    }
}

fn name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGILL => "SIGILL",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL: the kernel does that where memory is short",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGTERM => "SIGTERM",
        _ => return None,
    })
}
