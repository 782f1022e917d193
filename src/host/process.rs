//! Work that may never end, or is to outlive this process, in a process that nobody has to wait for; and the calls to the kernel
//! for which there is no safe interface.
//!
//! Whoever touches shared storage that hangs sleeps for ever, and no signal ends that. So a child does, which holds nothing
//! that its parent's caller waits for: no stream, no other file, no terminal.
//!
//! And a user's command, with our own streams, and the signals that it is to get.

use std::ffi::{CString, OsString, c_char, c_int};
use std::fs::File;
use std::io::{self, PipeReader, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, IntoRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, waitpid};

use super::clock;

pub mod daemon;
pub mod foreground;

/// It was not done in time; the child that tried may be stuck for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck;

/// Runs `work` in a child and gives its bytes; fewer, or none, where the child came to a bad end.
///
/// Past the deadline it returns at once, and the child goes on alone: it does not get killed, and when this process has
/// ended, init takes it over. The child is a copy of this process without an `exec`, since the program itself may lie on what
/// hangs. Its files are all closed: `work` writes nothing, and opens what it reads.
///
/// # Errors
/// `Stuck` where the bytes were not all there in time, or the kernel gave no process or no pipe.
pub fn in_child(deadline: Duration, work: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, Stuck> {
    let (reader, mut writer) = io::pipe().map_err(|_| Stuck)?;
    let child = fork(writer.as_raw_fd(), || writer.write_all(&work())).map_err(|_| Stuck)?;
    drop(writer);
    let bytes = read(&reader, deadline)?;
    // Its end of the pipe was the last that it had to close: it is gone, or will be at once.
    while matches!(waitpid(Some(child), WaitOptions::empty()), Err(Errno::INTR)) {}
    Ok(bytes)
}

/// Runs `work` in a child that nobody waits for, with its three streams at /dev/null. Where there can be none, it is not done.
pub fn detached(work: impl FnOnce()) {
    let _ = fork(-1, || {
        for _ in 0..3 {
            let _ = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty())?.into_raw_fd();
        }
        work();
        Ok(())
    });
}

/// What a process can have of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// Mounts; the network is everybody's.
    Mounts,
    /// A network, and mounts.
    Network,
}

/// Moves this process into a world of its own, which ends with it and its children; with `as_user` into a user
/// namespace too, which anybody may make and in which he may make the others.
///
/// # Errors
/// As `unshare`. The process is where it was then.
#[allow(unsafe_code)] // there is no safe way
pub fn leave_namespaces(own: Own, as_user: bool) -> io::Result<()> {
    let user = if as_user { libc::CLONE_NEWUSER } else { 0 };
    let network = if own == Own::Network { libc::CLONE_NEWNET } else { 0 };
    // SAFETY: it moves the process alone, which has one thread, and takes no memory.
    match unsafe { libc::unshare(user | network | libc::CLONE_NEWNS) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A socket that gets a copy of each packet on this interface, from its IP header on.
///
/// # Errors
/// As `socket` and `bind`: without the right to it there is none.
#[allow(unsafe_code)] // no safe interface knows such addresses
pub fn listen_to_packets(interface: u32) -> io::Result<OwnedFd> {
    // SAFETY: all of these are numbers, and zeros are an address.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    let every = u16::try_from(libc::ETH_P_ALL).unwrap_or_default().to_be();
    address.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or_default();
    address.sll_protocol = every;
    address.sll_ifindex = c_int::try_from(interface).unwrap_or_default();
    let size = libc::socklen_t::try_from(size_of_val(&address)).unwrap_or_default();
    // SAFETY: the socket belongs to nobody else, and the address is as long as its size says. Without a protocol it hears
    // nothing before it is bound.
    unsafe {
        let socket = libc::socket(libc::AF_PACKET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0);
        if socket < 0 {
            return Err(io::Error::last_os_error());
        }
        let socket = OwnedFd::from_raw_fd(socket);
        match libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size) {
            0 => Ok(socket),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// From now on, who reads what this process writes may go away: the write fails, and the process stays.
#[allow(unsafe_code)] // what a signal does has no safe interface
pub fn outlive_readers() {
    // SAFETY: no handler is installed.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}

/// As many files as it may, up to this, this process can have open from now on: how many.
pub fn raise_files(wanted: u64) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let now = limit.current.unwrap_or(u64::MAX);
    let most = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if most > now && setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: limit.maximum }).is_ok() {
        return most;
    }
    now
}

/// Leaves whoever started this process: the session, with it the terminal, and all files but the three streams.
pub fn leave_caller() {
    leave_session();
    close_all_but(&[0, 1, 2]);
}

fn leave_session() {
    let _ = rustix::process::setsid();
}

/// Starts a child that has only this file (none: -1), does its work, and ends without a word.
#[allow(unsafe_code)] // there is no safe way to fork; the child's own part is below
fn fork(keep: RawFd, work: impl FnOnce() -> io::Result<()>) -> io::Result<Pid> {
    // SAFETY: the program has one thread (what looks at the network starts others, and forks no more), so the child finds no lock taken by a thread that it does not have.
    let forked = unsafe { system_call() };
    if forked != 0 {
        return Pid::from_raw(forked).filter(|_| forked > 0).ok_or_else(io::Error::last_os_error);
    }
    // No panic may unwind into the parent's code, of which this is a copy.
    let done = catch_unwind(AssertUnwindSafe(|| {
        leave_session();
        forget_signals();
        let keep = [keep];
        close_all_but(if keep[0] < 0 { &[] } else { &keep });
        work()
    }));
    // SAFETY: it ends here: nothing that the parent will do at its end is done twice.
    unsafe { libc::_exit(c_int::from(!matches!(done, Ok(Ok(()))))) }
}

/// The system call, since the C library's function brings its look-ups of users and names into a static program. Tests have
/// threads, and need what the function does about locks.
#[allow(unsafe_code)] // for `fork` alone
unsafe fn system_call() -> libc::pid_t {
    if cfg!(test) {
        return unsafe { libc::fork() };
    }
    let forked = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
    libc::pid_t::try_from(forked).unwrap_or(-1)
}

/// The signal that says that nobody listens any more ends it, whatever this process does with that one; none is held back.
#[allow(unsafe_code)] // the child of `fork` alone
fn forget_signals() {
    // SAFETY: an empty set is made before it is used, and no handler is installed.
    unsafe {
        let mut none = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

/// Closes every file but these, which come in order.
#[allow(unsafe_code)] // the child of `fork`, and a process at its start
fn close_all_but(keep: &[RawFd]) {
    let ends = keep.iter().map(|file| file - 1).chain([RawFd::MAX]);
    let ranges = [0].into_iter().chain(keep.iter().map(|file| file + 1)).zip(ends);
    for (first, last) in ranges.filter(|(first, last)| first <= last) {
        // SAFETY: this process uses none of these: they belong to whoever started it, or to the code of which it is a copy. The
        // call by its number: not each C library has it.
        if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0 {
            continue;
        }
        // Before Linux 5.9. What is open is in /proc; without that, few processes have more than these.
        for file in open_files().unwrap_or_else(|| (0..1024).collect()) {
            if (first..=last).contains(&file) {
                // SAFETY: as above. What is not open is an error, and no more.
                unsafe { libc::close(file) };
            }
        }
    }
}

fn open_files() -> Option<Vec<RawFd>> {
    let entries = std::fs::read_dir("/proc/self/fd").ok()?;
    Some(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
}

/// Signals that are held back, to be read.
pub struct Signals(OwnedFd);

/// A signal that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its number.
    pub number: c_int,
    /// Whether the terminal has sent it: then the whole process group has got it.
    pub is_from_terminal: bool,
}

impl Signals {
    /// Holds these back from now on; those that whoever started us has made us ignore stay ignored.
    #[allow(unsafe_code)] // the C library's sets of signals
    pub fn hold(numbers: &[c_int]) -> io::Result<Self> {
        // SAFETY: each structure is written by the call before it is read; a null pointer is none to be used.
        unsafe {
            let mut set = MaybeUninit::<libc::sigset_t>::uninit();
            libc::sigemptyset(set.as_mut_ptr());
            for number in numbers {
                let mut now = MaybeUninit::<libc::sigaction>::uninit();
                let is_known = libc::sigaction(*number, std::ptr::null(), now.as_mut_ptr()) == 0;
                if is_known && now.assume_init().sa_sigaction != libc::SIG_IGN {
                    libc::sigaddset(set.as_mut_ptr(), *number);
                }
            }
            // Ignored, it would take the status of a child away.
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
            libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
            let file = libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
            if file < 0 { Err(io::Error::last_os_error()) } else { Ok(Self(OwnedFd::from_raw_fd(file))) }
        }
    }

    /// The next one that has come. That a child has ended is no more than a reason to wake up.
    pub fn next(&self) -> Option<Received> {
        loop {
            let mut bytes = [0; size_of::<libc::signalfd_siginfo>()];
            if !matches!(rustix::io::read(&self.0, &mut bytes), Ok(count) if count == bytes.len()) {
                return None;
            }
            // The structure begins with the number, an error, and where it came from.
            let word = |at: usize| c_int::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
            if word(0) != libc::SIGCHLD {
                return Some(Received { number: word(0), is_from_terminal: word(8) == libc::SI_KERNEL });
            }
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Starts a command with our streams, or with `output` for what it says, and none of our signals held back.
///
/// In our process group and session: what ends those (a terminal, `timeout`, a batch system) ends it as it ends us.
///
/// # Errors
/// As `exec`: `NotFound` where there is no such command.
#[allow(unsafe_code)] // the C library's way to start a process without a copy of this one
pub fn spawn(words: &[OsString], output: Option<&File>) -> io::Result<Pid> {
    unsafe extern "C" {
        static environ: *const *mut c_char;
    }
    let words: Result<Vec<CString>, _> = words.iter().map(|word| CString::new(word.clone().into_vec())).collect();
    let words = words.map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut pointers: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
    pointers.push(std::ptr::null_mut());
    let mut id = 0;
    // SAFETY: the structures are made by the calls before they are used, and outlive the last one; the words are
    // strings of C with a null pointer behind them; nobody changes the environment meanwhile.
    let error = unsafe {
        let mut streams = MaybeUninit::<libc::posix_spawn_file_actions_t>::uninit();
        let mut how = MaybeUninit::<libc::posix_spawnattr_t>::uninit();
        let mut none = MaybeUninit::<libc::sigset_t>::uninit();
        libc::posix_spawn_file_actions_init(streams.as_mut_ptr());
        for stream in [1, 2].into_iter().filter(|_| output.is_some()) {
            let file = output.map_or(-1, rustix::fd::AsRawFd::as_raw_fd);
            libc::posix_spawn_file_actions_adddup2(streams.as_mut_ptr(), file, stream);
        }
        libc::posix_spawnattr_init(how.as_mut_ptr());
        libc::sigemptyset(none.as_mut_ptr());
        libc::posix_spawnattr_setsigmask(how.as_mut_ptr(), none.as_ptr());
        let flags = libc::c_short::try_from(libc::POSIX_SPAWN_SETSIGMASK).unwrap_or_default();
        libc::posix_spawnattr_setflags(how.as_mut_ptr(), flags);
        let error =
            libc::posix_spawnp(&raw mut id, pointers[0], streams.as_ptr(), how.as_ptr(), pointers.as_ptr(), environ);
        libc::posix_spawnattr_destroy(how.as_mut_ptr());
        libc::posix_spawn_file_actions_destroy(streams.as_mut_ptr());
        error
    };
    match Pid::from_raw(id) {
        Some(id) if error == 0 => Ok(id),
        _ => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Sends a signal; whether there was somebody to get it.
#[allow(unsafe_code)] // the number may be any that we were sent
pub fn send(process: Pid, number: c_int) -> bool {
    // SAFETY: no memory is involved.
    unsafe { libc::kill(process.as_raw_nonzero().get(), number) == 0 }
}

/// Ends this process as the signal would have: a shell that waits for it then knows, and ends its script.
#[allow(unsafe_code)] // the C library's sets of signals
pub fn end_by(number: c_int) {
    // SAFETY: the set is made before it is used; the default is no function of ours.
    unsafe {
        libc::signal(number, libc::SIG_DFL);
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), number);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), std::ptr::null_mut());
        libc::raise(number);
    }
}

/// All that comes through the pipe until its end.
fn read(pipe: &PipeReader, deadline: Duration) -> Result<Vec<u8>, Stuck> {
    let begun = clock::now();
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let left = deadline.checked_sub(begun.elapsed()).ok_or(Stuck)?;
        let timeout = Timespec::try_from(left).map_err(|_| Stuck)?;
        match poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&timeout)) {
            Err(Errno::INTR) => continue,
            Ok(0) | Err(_) => return Err(Stuck),
            Ok(_) => {}
        }
        match rustix::io::read(pipe, &mut part) {
            Ok(0) => return Ok(bytes),
            Ok(some) => bytes.extend_from_slice(&part[..some]),
            Err(Errno::INTR) => {}
            Err(_) => return Err(Stuck),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use super::super::files;
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn the_bytes_of_the_work_come_back() {
        for size in [0, 1, 4096, 3 << 20] {
            let bytes = vec![7; size];
            assert_eq!(in_child(LONG, || bytes.clone()), Ok(bytes.clone()));
        }
    }

    #[test]
    fn a_child_has_its_own_session_and_no_file_but_its_pipe() {
        let kept_open = io::pipe().unwrap();
        let said = in_child(LONG, || {
            let mut files = open_files().unwrap();
            // The directory that was read for it takes the first free number.
            files.sort_unstable();
            let session = rustix::process::getsid(None).unwrap() == rustix::process::getpid();
            let dead = files.iter().filter(|file| !Path::new(&format!("/proc/self/fd/{file}")).exists()).count();
            let status = String::from_utf8(files::read(Path::new("/proc/self/status")).unwrap()).unwrap();
            let mask = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
                u64::from_str_radix(line.trim(), 16).unwrap()
            };
            let sigpipe = 1 << (libc::SIGPIPE - 1);
            format!("{session} {} {}", files.len() - dead, (mask("SigIgn:") | mask("SigBlk:")) & sigpipe).into_bytes()
        });
        assert_eq!(String::from_utf8(said.unwrap()).unwrap(), "true 1 0");
        drop(kept_open);
    }

    #[test]
    fn nobody_waits_past_the_deadline() {
        let begun = Instant::now();
        let stops = || {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
            Vec::new()
        };
        let sleeps = || {
            clock::sleep(Duration::from_secs(2));
            Vec::new()
        };
        assert_eq!(in_child(Duration::from_millis(50), stops), Err(Stuck));
        assert_eq!(in_child(Duration::from_millis(50), sleeps), Err(Stuck));
        assert_eq!(in_child(Duration::ZERO, sleeps), Err(Stuck));
        assert!(begun.elapsed() >= Duration::from_millis(100));
        assert!(begun.elapsed() < Duration::from_millis(1900), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_child_that_comes_to_a_bad_end_has_said_nothing() {
        assert_eq!(in_child(LONG, || panic!("in the child alone")), Ok(Vec::new()));
        let dies = || {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            vec![1]
        };
        assert_eq!(in_child(LONG, dies), Ok(Vec::new()));
    }

    #[test]
    fn a_child_that_is_done_leaves_nothing_behind() {
        let child = in_child(LONG, || rustix::process::getpid().as_raw_nonzero().to_string().into_bytes()).unwrap();
        let child = String::from_utf8(child).unwrap();
        assert!(!Path::new("/proc").join(child).exists());
    }
}
