//! Shared storage that is slow, hangs or fails: a FUSE file system of the tests' own, which shows a directory that exists.
//!
//! It depends on no other module of the tests, so that the benchmarks can have it too. While it hangs, nothing in this very
//! process may touch what is below its mount point: that thread would wait for its own file system.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};

#[path = "storage/passthrough.rs"]
mod passthrough;
use passthrough::{MOST, Passthrough, Request};

/// The type that `/proc/self/mountinfo` shows.
pub const TYPE: &str = "fuse.hpcsh-tests";

/// After so long nobody means it to hang any more: a test waits for what it has started. Then it fails, so that the test can.
const LONGEST: Duration = Duration::from_mins(1);

/// How the storage behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// As a local disk does.
    Answers,
    /// Each operation takes this long; operations of several processes do not wait for one another.
    Delay(Duration),
    /// It takes every request and answers none: who asks sleeps so that no signal ends it, until it behaves otherwise.
    Hang,
    /// The same for operations of one name, such as `read`, while the others are answered: servers of names and of data are two.
    HangIn(&'static str),
    /// Each operation fails.
    Error(Errno),
}

/// A mounted file system. Dropping it lets everybody go who waits, with an error, and unmounts.
pub struct Storage {
    point: PathBuf,
    directory: File,
    daemon: Arc<Daemon>,
    threads: Vec<JoinHandle<()>>,
}

impl Storage {
    /// Shows a directory at a mount point, which may be the directory itself; `Err` says what is missing here.
    ///
    /// Everybody may use it, with the rights that the owners and modes of the files give.
    pub fn mount(directory: &Path, point: &Path) -> Result<Self, String> {
        let failed = |what: &str, error: std::io::Error| format!("a FUSE mount: {what}: {error}");
        sweep();
        let device = File::options().read(true).write(true).open("/dev/fuse");
        let device = device.map_err(|error| failed("/dev/fuse", error))?;
        let point = fs::canonicalize(point).map_err(|error| failed("the mount point", error))?;
        // Held open: what lies below the mount point stays in reach.
        let held = File::options().read(true).custom_flags(OFlags::DIRECTORY.bits().cast_signed()).open(directory);
        let held = held.map_err(|error| failed("the directory", error))?;

        let options = "rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions";
        let options = CString::new(format!("fd={},{options}", device.as_raw_fd())).unwrap_or_default();
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        rustix::mount::mount(source(std::process::id()), &point, TYPE, flags, options.as_c_str())
            .map_err(|error| failed("mount", error.into()))?;

        let state = State {
            behaviour: Behaviour::Answers,
            requests: VecDeque::new(),
            operations: Vec::new(),
            files: Passthrough::new(passthrough::held(&held)),
            ended: false,
        };
        let daemon = Arc::new(Daemon { device, state: Mutex::new(state), changed: Condvar::new() });
        let (takes, answers) = (Arc::clone(&daemon), Arc::clone(&daemon));
        let threads = vec![std::thread::spawn(move || takes.take()), std::thread::spawn(move || answers.answer())];
        Ok(Self { point, directory: held, daemon, threads })
    }

    /// Behaves so from now on, towards who waits already as well.
    pub fn behave(&self, behaviour: Behaviour) {
        self.daemon.lock().behaviour = behaviour;
        self.daemon.changed.notify_all();
    }

    /// What processes have asked for since the beginning, or since it was forgotten, each as `lookup name/of/a/file`.
    ///
    /// Without what no process waits for, such as the end of an open file.
    pub fn operations(&self) -> Vec<String> {
        self.daemon.lock().operations.clone()
    }

    /// Forgets the operations.
    pub fn forget(&self) {
        self.daemon.lock().operations.clear();
    }

    /// The processes that wait for an answer at this moment.
    ///
    /// Who waits for another process's answer is not among them, such as a second one that looks up the same new name: `stuck`.
    pub fn waiting(&self) -> Vec<u32> {
        let state = self.daemon.lock();
        let threads: BTreeSet<u32> = state
            .requests
            .iter()
            .filter(|(request, _)| request.is_waited_for())
            .map(|(request, _)| request.thread)
            .collect();
        drop(state);
        let processes: BTreeSet<u32> = threads.into_iter().filter(|thread| *thread != 0).map(process_of).collect();
        processes.into_iter().collect()
    }

    /// The directory that is shown, past the file system: for this process, even while it hangs.
    pub fn behind(&self) -> PathBuf {
        passthrough::held(&self.directory)
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.daemon.lock().ended = true;
        self.daemon.changed.notify_all();
        // Forced: that ends the connection, and with it every wait. Closing the device would not do: a child of another thread
        // that is about to become a program has it too, and may itself wait here.
        if rustix::mount::unmount(&self.point, UnmountFlags::FORCE | UnmountFlags::DETACH).is_ok() {
            for thread in self.threads.drain(..) {
                let _ = thread.join();
            }
        }
    }
}

/// What the threads share.
struct Daemon {
    device: File,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    behaviour: Behaviour,
    /// What has not been answered, and when it came.
    requests: VecDeque<(Request, Instant)>,
    operations: Vec<String>,
    files: Passthrough,
    ended: bool,
}

impl Daemon {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes requests as soon as they come: from then on, who asks cannot be killed.
    fn take(&self) {
        let mut buffer = vec![0; MOST as usize + 4096];
        loop {
            match (&self.device).read(&mut buffer) {
                Ok(length) => {
                    let Some(request) = Request::parse(&buffer[..length]) else { continue };
                    if request.operation == "init" {
                        self.send(&request.no_interrupts());
                        self.send(&request.message(Ok(request.agreement())));
                        continue;
                    }
                    let mut state = self.lock();
                    if request.is_waited_for() {
                        let operation = state.files.describe(&request);
                        state.operations.push(operation);
                    }
                    state.requests.push_back((request, Instant::now()));
                    self.changed.notify_all();
                }
                // A request that was withdrawn before it was taken.
                Err(error)
                    if matches!(Errno::from_io_error(&error), Some(Errno::NOENT | Errno::INTR | Errno::AGAIN)) => {}
                Err(_) => return,
            }
        }
    }

    /// Answers requests in the order in which they came, when the behaviour says so.
    fn answer(&self) {
        let mut state = self.lock();
        while !state.ended {
            let next = state.requests.iter().position(|(request, _)| match state.behaviour {
                Behaviour::Hang => false,
                Behaviour::HangIn(operation) => request.operation != operation,
                _ => true,
            });
            let pause = match (state.behaviour, next) {
                (_, None) => match state.requests.front().map(|(_, came)| LONGEST.checked_sub(came.elapsed())) {
                    Some(None) => {
                        eprintln!("slow storage: processes have hung for {LONGEST:?}; it fails from now on");
                        state.behaviour = Behaviour::Error(Errno::TIMEDOUT);
                        continue;
                    }
                    Some(left) => left,
                    None => Some(Duration::MAX),
                },
                (Behaviour::Delay(delay), Some(next)) => delay.checked_sub(state.requests[next].1.elapsed()),
                _ => None,
            };
            if let Some(pause) = pause {
                state = self.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let Some((request, _)) = next.and_then(|next| state.requests.remove(next)) else { continue };
            let answer = match state.behaviour {
                Behaviour::Error(error) if !request.is_end() => Err(error.into()),
                _ => state.files.answer(&request),
            };
            drop(state);
            self.send(&request.message(answer));
            state = self.lock();
        }
    }

    /// Tells the kernel. It does not listen where the file system has been unmounted in the meantime.
    fn send(&self, message: &[u8]) {
        let _ = (&self.device).write(message);
    }
}

/// What mountinfo shows as the source of a mount of this process.
fn source(process: u32) -> String {
    format!("hpcsh-tests:{process}")
}

/// Unmounts what a test run has left behind that was killed itself.
fn sweep() {
    for (point, process) in mounts() {
        if !Path::new(&format!("/proc/{process}")).exists() {
            let _ = rustix::mount::unmount(point, UnmountFlags::FORCE | UnmountFlags::DETACH);
        }
    }
}

/// The mount points of such file systems, and the processes behind them.
pub fn mounts() -> Vec<(PathBuf, u32)> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mounts = table.lines().filter_map(|line| {
        let (mount, system) = line.split_once(" - ")?;
        let process = system.strip_prefix(TYPE)?.strip_prefix(" hpcsh-tests:")?.split(' ').next()?;
        Some((mount.split(' ').nth(4)?.into(), process.parse().ok()?))
    });
    mounts.collect()
}

/// The process that a thread belongs to.
fn process_of(thread: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let process = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok());
    process.unwrap_or(thread)
}

/// The processes, and their command lines, that have a thread in an uninterruptible sleep and this text in their environment:
/// the path of a test's home finds those that the test has started, and theirs.
pub fn stuck(mark: &str) -> Vec<(u32, String)> {
    // Neither a moment's sleep, as for a disk, is meant, nor a moment awake, as after a signal.
    let pause = || std::thread::sleep(Duration::from_millis(100));
    pause();
    let before = asleep(mark);
    pause();
    let still = asleep(mark).into_iter().filter(|thread| before.contains(thread));
    let processes: BTreeSet<_> = still.map(|(process, _, command)| (process, command)).collect();
    processes.into_iter().collect()
}

/// The same at this moment, with the threads. What is asked of a thread, not of its process, is answered after a fatal signal
/// too, which ends all threads but the one that sleeps.
fn asleep(mark: &str) -> Vec<(u32, u32, String)> {
    let numbers = |directory: &str| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for process in numbers("/proc") {
        for thread in numbers(&format!("/proc/{process}/task")) {
            let read = |name: &str| fs::read(format!("/proc/{process}/task/{thread}/{name}")).unwrap_or_default();
            if state(&read("stat")) == Some('D') && read("environ").windows(mark.len()).any(|at| at == mark.as_bytes())
            {
                let command = String::from_utf8_lossy(&read("cmdline")).trim_end_matches('\0').replace('\0', " ");
                found.push((process, thread, command));
            }
        }
    }
    found
}

/// The state in a `stat` of /proc: the letter after the name, which may itself contain parentheses.
pub fn state(stat: &[u8]) -> Option<char> {
    let name = stat.iter().rposition(|byte| *byte == b')')?;
    stat.get(name + 2).map(|letter| char::from(*letter))
}
