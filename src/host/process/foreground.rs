//! One command in our place: in our process group, with our streams, its status ours.
//!
//! A terminal's signals reach it by themselves, since it is in the same group; those that somebody sends to us alone are handed on.
//! We end when it has ended, and where we are killed, it is asked to end (SIGTERM). While it runs, one file tells of signals and of its end, so nothing here needs a thread.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::ptr;

use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::system_call;
use crate::error::{Failure, Kind};

/// Those that are handed on.
const FORWARDED: [c_int; 6] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGUSR1, libc::SIGUSR2];
/// Those that are held back with them: the end of the command, and a terminal that is not ours while we say our last word.
const HELD: [c_int; 2] = [libc::SIGCHLD, libc::SIGTTOU];

/// A command that runs.
#[derive(Debug)]
pub struct Running {
    child: Pid,
    signals: OwnedFd,
}

/// Starts it. From then on the signals are held back, until this process ends.
///
/// # Errors
/// Where it is not there, cannot be run, or the kernel gives no process: exit codes 127, 126, 125.
pub fn start(words: &[OsString], variables: &BTreeMap<OsString, OsString>) -> Result<Running, Failure> {
    let wrong = |what: &str, error: io::Error| Failure::runner(format!("{what}: {error}"));
    let program = Program::new(words, variables).ok_or_else(|| Failure::runner("a word holds a zero byte"))?;
    let (reader, writer) =
        rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(|error| wrong("a pipe", error.into()))?;
    let held = Held::now().map_err(|error| wrong("signals", error))?;
    let child = program.spawn(&held, &writer).map_err(|error| wrong("a process", error))?;
    drop(writer);
    let mut code = [0; 4];
    if matches!(rustix::io::retry_on_intr(|| rustix::io::read(&reader, &mut code)), Ok(4)) {
        let _ = rustix::io::retry_on_intr(|| waitpid(Some(child), WaitOptions::empty()));
        return Err(not_run(words, i32::from_ne_bytes(code)));
    }
    Ok(Running { child, signals: held.signals })
}

/// Turns this process into it: same id, same parent, same streams, and nobody stands between it and its signals. Comes back
/// only with why that failed: exit codes as for [`start`].
pub fn turn_into(words: &[OsString], variables: &BTreeMap<OsString, OsString>) -> Failure {
    match Program::new(words, variables) {
        Some(program) => not_run(words, program.pointers().run()),
        None => Failure::runner("a word holds a zero byte"),
    }
}

/// The command of these words cannot be run, by the number of the error.
fn not_run(words: &[OsString], error: c_int) -> Failure {
    let name = words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
    let error = io::Error::from_raw_os_error(error);
    if error.kind() == io::ErrorKind::NotFound {
        Failure::failed(format!("{name}: command not found")).of_kind(Kind::NotThere)
    } else {
        Failure::failed(format!("{name}: {error}")).of_kind(Kind::CannotRun)
    }
}

/// Readable when there is something to look at.
impl AsFd for Running {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }
}

impl Running {
    /// Hands signals on; the exit code where the command has ended: its own, or 128 and the number of the signal that ended it.
    pub fn look(&mut self) -> Option<u8> {
        // One `signalfd_siginfo` at a time: its signal first, its code in the third place of four bytes.
        let mut told = [0; 128];
        while let Ok(128) = rustix::io::read(&self.signals, &mut told) {
            let number = |at: usize| i32::from_ne_bytes([told[at], told[at + 1], told[at + 2], told[at + 3]]);
            let (signal, code) = (number(0), number(8));
            // What the terminal sends, by the kernel, the command has got already.
            if code <= 0 && FORWARDED.contains(&signal) {
                self.send(signal);
            }
        }
        match waitpid(Some(self.child), WaitOptions::NOHANG) {
            Ok(None) | Err(Errno::INTR) => None,
            Ok(Some((_, status))) => {
                let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal));
                code.map(|code| u8::try_from(code).unwrap_or(u8::MAX))
            }
            // Somebody else has taken its status; there is nothing to wait for.
            Err(_) => Some(Kind::Runner.code()),
        }
    }

    fn send(&self, signal: c_int) {
        if let Some(signal) = Signal::from_named_raw(signal) {
            let _ = kill_process(self.child, signal);
        }
    }
}

/// The signals, as they were and as they are told of now.
struct Held {
    signals: OwnedFd,
    before: libc::sigset_t,
    on_end: libc::sighandler_t,
}

impl Held {
    #[allow(unsafe_code)] // masks of signals have no safe interface
    fn now() -> io::Result<Self> {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the sets are made before they are used; no handler is installed; the new file belongs to nobody else.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for signal in FORWARDED.iter().chain(&HELD) {
                libc::sigaddset(set.as_mut_ptr(), *signal);
            }
            libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr());
            // Where the end of children is ignored, as somebody may have left it, it is not told.
            let on_end = libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            let file = libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
            if file < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(Self { signals: OwnedFd::from_raw_fd(file), before: before.assume_init(), on_end })
        }
    }
}

/// What `execve` takes, made before there is a child, which then asks for no memory.
struct Program {
    paths: Vec<CString>,
    words: Vec<CString>,
    variables: Vec<CString>,
}

impl Program {
    fn new(words: &[OsString], variables: &BTreeMap<OsString, OsString>) -> Option<Self> {
        let c = |bytes: Vec<u8>| CString::new(bytes).ok();
        let name = words.first()?;
        let paths = if name.is_empty() {
            Vec::new()
        } else if name.as_bytes().contains(&b'/') {
            vec![name.clone().into_vec()]
        } else {
            let path =
                variables.get(OsStr::new("PATH")).map_or(&b"/usr/local/bin:/usr/bin:/bin"[..], |path| path.as_bytes());
            let dirs = path.split(|byte| *byte == b':').map(|dir| if dir.is_empty() { b"." } else { dir });
            dirs.map(|dir| [dir, b"/", name.as_bytes()].concat()).collect()
        };
        let pair = |(name, value): (&OsString, &OsString)| c([name.as_bytes(), b"=", value.as_bytes()].concat());
        Some(Self {
            paths: paths.into_iter().map(c).collect::<Option<_>>()?,
            words: words.iter().map(|word| c(word.clone().into_vec())).collect::<Option<_>>()?,
            variables: variables.iter().map(pair).collect::<Option<_>>()?,
        })
    }

    fn pointers(&self) -> Pointers<'_> {
        let pointers = |words: &[CString]| -> Vec<*const libc::c_char> {
            words.iter().map(|word| word.as_ptr()).chain([ptr::null()]).collect()
        };
        let (words, variables) = (pointers(&self.words), pointers(&self.variables));
        // As a shell has it: what is no program for the kernel is a script for sh.
        let script = |path: &CString| [c"sh".as_ptr(), path.as_ptr()].into_iter().chain(words.iter().skip(1).copied());
        let scripts = self.paths.iter().map(|path| script(path).collect()).collect();
        Pointers { program: self, words, variables, scripts }
    }

    /// A child that becomes the program, or writes the number of the error that kept it from that.
    #[allow(unsafe_code)] // there is no safe way to fork and to become a program
    fn spawn(&self, held: &Held, writer: &OwnedFd) -> io::Result<Pid> {
        let pointers = self.pointers();
        // SAFETY: the program has one thread, so the child finds no lock taken by a thread that it does not have.
        let forked = unsafe { system_call() };
        if forked != 0 {
            return Pid::from_raw(forked).filter(|_| forked > 0).ok_or_else(io::Error::last_os_error);
        }
        // SAFETY: a child that calls the kernel alone, with memory that was made before it, and ends.
        unsafe {
            // Without us there is nobody who waits for it, or answers it.
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
            libc::signal(libc::SIGCHLD, held.on_end);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const held.before, ptr::null_mut());
            let code = pointers.run().to_ne_bytes();
            libc::write(writer.as_raw_fd(), code.as_ptr().cast(), code.len());
            libc::_exit(127)
        }
    }
}

/// The same in the kernel's form.
struct Pointers<'a> {
    program: &'a Program,
    words: Vec<*const libc::c_char>,
    variables: Vec<*const libc::c_char>,
    scripts: Vec<Vec<*const libc::c_char>>,
}

impl Pointers<'_> {
    /// Becomes the program; asks for no memory. Gives the number of the error that kept this process from that.
    #[allow(unsafe_code)] // there is no safe way to become a program
    fn run(&self) -> c_int {
        let mut worst = libc::ENOENT;
        for (path, script) in self.program.paths.iter().zip(&self.scripts) {
            // SAFETY: each list ends in a null pointer, and its words are strings of the program's, which is borrowed.
            let error = unsafe {
                libc::execve(path.as_ptr(), self.words.as_ptr(), self.variables.as_ptr());
                let error = *libc::__errno_location();
                if error == libc::ENOEXEC {
                    libc::execve(c"/bin/sh".as_ptr(), script.as_ptr(), self.variables.as_ptr());
                }
                error
            };
            match error {
                libc::ENOENT | libc::ENOTDIR => {}
                // The others may have one that can be run; and a directory that is closed to us has none.
                // SAFETY: as above.
                libc::EACCES if unsafe { libc::access(path.as_ptr(), libc::F_OK) } != 0 => {}
                libc::EACCES => worst = error,
                _ => return error,
            }
        }
        worst
    }
}
