//! A process that may end, and never a later one with the same number.
//!
//! By a file that stands for the process (Linux 5.3), else by the moment at which it started. A zombie has ended.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, WaitOptions, pidfd_open, test_kill_process, waitpid};

use super::files;

/// How a process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this code.
    Code(i32),
    /// By the signal of this number.
    Signal(i32),
    /// Nobody says: it was somebody else's child.
    Unknown,
}

/// A process that is watched.
pub struct Watch {
    pid: Pid,
    is_child: bool,
    file: Option<OwnedFd>,
    /// When it started, in the kernel's units since the node's own start.
    started: Option<u64>,
}

impl Watch {
    /// A process of anybody's; `None` where there is none with this number.
    pub fn of(pid: Pid) -> Option<Self> {
        Self::with(pid, pidfd_open(pid, PidfdFlags::empty()))
    }

    /// A child of ours, whose status we get.
    pub fn of_child(pid: Pid) -> Self {
        let file = pidfd_open(pid, PidfdFlags::empty()).ok();
        Self { pid, is_child: true, file, started: None }
    }

    fn with(pid: Pid, file: Result<OwnedFd, Errno>) -> Option<Self> {
        if matches!(file, Err(Errno::SRCH)) {
            return None;
        }
        let started = stat(pid).map(|stat| stat.started);
        let watch = Self { pid, is_child: false, file: file.ok(), started };
        // Without either: it is at least there now.
        (watch.file.is_some() || watch.started.is_some() || is_there(pid)).then_some(watch)
    }

    /// Its number.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// What becomes readable when it ends; `None` on an old kernel, where one has to look.
    pub fn file(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(OwnedFd::as_fd)
    }

    /// How it has ended, if it has. A child's end is told once.
    pub fn ended(&self) -> Option<End> {
        if self.is_child {
            return match waitpid(Some(self.pid), WaitOptions::NOHANG) {
                Ok(None) | Err(Errno::INTR) => None,
                Ok(Some((_, status))) => Some(end_of(status.as_raw())),
                Err(_) => Some(End::Unknown),
            };
        }
        if let Some(file) = &self.file {
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            let is_over = matches!(poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&now)), Ok(1));
            return is_over.then(|| self.last_words());
        }
        match stat(self.pid) {
            Some(stat) if self.started.is_some_and(|started| started != stat.started) => Some(End::Unknown),
            Some(stat) if stat.is_over => Some(self.last_words()),
            Some(_) => None,
            None => (!is_there(self.pid)).then_some(End::Unknown),
        }
    }

    /// The status of a process that is still there as a zombie, where the kernel tells us.
    fn last_words(&self) -> End {
        let zombie = stat(self.pid).filter(|stat| Some(stat.started) == self.started && stat.is_over);
        // To those who may not know it is shown as 0.
        let is_ours = files::entry(&dir(self.pid)).is_ok_and(|entry| {
            let me = rustix::process::geteuid().as_raw();
            me == 0 || entry.owner == me
        });
        zombie.and_then(|stat| stat.status).filter(|status| is_ours || *status != 0).map_or(End::Unknown, end_of)
    }
}

/// All processes that this one has started, and those have, as far as they are still theirs. Their parents first.
pub fn descendants(pid: Pid) -> Vec<Watch> {
    let number = |path: PathBuf| Pid::from_raw(path.file_name()?.to_str()?.parse().ok()?);
    let all = files::list(Path::new("/proc")).unwrap_or_default().into_iter().filter_map(number);
    let parents: Vec<(Pid, i32)> = all.filter_map(|pid| Some((pid, stat(pid)?.parent))).collect();
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(above) = found.get(at).map(|pid| pid.as_raw_nonzero().get()) {
        found.extend(parents.iter().filter(|(_, parent)| *parent == above).map(|(pid, _)| *pid));
        at += 1;
    }
    found.into_iter().skip(1).filter_map(Watch::of).collect()
}

fn dir(pid: Pid) -> PathBuf {
    PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()))
}

fn is_there(pid: Pid) -> bool {
    !matches!(test_kill_process(pid), Err(Errno::SRCH))
}

/// As `wait` gives it: the code in the second byte, the signal in the lower bits of the first.
fn end_of(status: i32) -> End {
    match status & 0x7f {
        0 => End::Code(status >> 8 & 0xff),
        signal => End::Signal(signal),
    }
}

/// What is read of /proc/PID/stat.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    is_over: bool,
    parent: i32,
    started: u64,
    status: Option<i32>,
}

fn stat(pid: Pid) -> Option<Stat> {
    parse(&String::from_utf8_lossy(&files::read(&dir(pid).join("stat")).ok()?))
}

/// As `proc_pid_stat(5)` has it. The second field is the program's name in parentheses, and may hold anything.
fn parse(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse().ok();
    // A first thread that has ended before the others shows as a zombie too.
    let threads: u64 = number(20)?;
    let is_over = matches!(*fields.first()?, "Z" | "X" | "x") && threads <= 1;
    let parent = i32::try_from(number(4)?).ok()?;
    Some(Stat {
        is_over,
        parent,
        started: number(22)?,
        status: number(52).and_then(|status| i32::try_from(status).ok()),
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::host::clock;

    #[allow(clippy::disallowed_methods)] // a test's own process
    fn start(script: &str) -> (Child, Pid) {
        let child = Command::new("sh").args(["-c", script]).spawn().unwrap();
        let pid = Pid::from_child(&child);
        (child, pid)
    }

    fn watches(pid: Pid) -> [Watch; 2] {
        [Watch::of(pid).unwrap(), Watch::with(pid, Err(Errno::NOSYS)).unwrap()]
    }

    #[track_caller]
    fn end(watch: &Watch) -> End {
        let begun = Instant::now();
        loop {
            if let Some(end) = watch.ended() {
                return end;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "it is not seen to end");
            clock::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn an_end_is_seen_with_and_without_a_file_for_the_process() {
        for (script, status) in [("exit 3", End::Code(3)), ("exit 0", End::Code(0)), ("kill -9 $$", End::Signal(9))] {
            let (mut child, pid) = start(&format!("read x; {script}"));
            drop(child.stdin.take());
            // Nobody has waited for it: it is a zombie.
            for watch in watches(pid) {
                assert_eq!(end(&watch), status, "{script}");
            }
            child.wait().unwrap();
        }
    }

    #[test]
    fn what_lives_has_not_ended_and_what_was_taken_away_has() {
        let (mut child, pid) = start("exec sleep 60");
        let both = watches(pid);
        assert!(both.iter().all(|watch| watch.ended().is_none()));
        assert!(both[0].file().is_some() && both[1].file().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(both.map(|watch| end(&watch)), [End::Unknown; 2]);
        assert!(Watch::of(pid).is_none() && Watch::with(pid, Err(Errno::NOSYS)).is_none());
    }

    #[test]
    fn a_reused_number_is_another_process() {
        let me = rustix::process::getpid();
        let [_, mut watch] = watches(me);
        assert_eq!(watch.ended(), None);
        watch.started = watch.started.map(|started| started - 1);
        assert_eq!(watch.ended(), Some(End::Unknown));
    }

    #[test]
    fn the_name_of_a_program_may_hold_anything() {
        // From the fourth field to the last one.
        let mut fields = ["0"; 49];
        (fields[0], fields[20 - 4], fields[22 - 4], fields[52 - 4]) = ("17", "1", "4711", "768");
        let rest = fields.join(" ");
        let found = |state: &str| parse(&format!("7 (a) Z (b) {state} {rest}"));
        assert_eq!(found("Z"), Some(Stat { is_over: true, parent: 17, started: 4711, status: Some(768) }));
        assert_eq!(found("S").map(|stat| stat.is_over), Some(false));
        fields[20 - 4] = "2";
        assert_eq!(
            parse(&format!("7 (a) Z {}", fields.join(" "))).map(|stat| stat.is_over),
            Some(false),
            "other threads of it live"
        );
        assert_eq!((parse(""), parse("7 (a) Z 1")), (None, None));
    }
}
