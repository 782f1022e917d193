//! A shell under a terminal, as a person has it: each line is typed when the prompt has come.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitCode};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The first word with which this program is called to become the leader of a session: [`lead`].
pub const LEADER: &str = "--lead-a-session";
/// The prompt that is waited for.
pub const PROMPT: &str = "bench> ";
/// No prompt takes longer, even under strace.
const PATIENCE: Duration = Duration::from_secs(20);
/// When nothing comes for so long, all has been drawn.
const SETTLED: Duration = Duration::from_millis(15);

/// Makes the terminal on standard input this session's, and becomes the command. That belongs between fork and exec,
/// where only unsafe code gets; so this program is started again in between.
pub fn lead(words: &[String]) -> ExitCode {
    let led = rustix::process::setsid().and_then(|_| rustix::process::ioctl_tiocsctty(std::io::stdin()));
    if let (Ok(()), [program, words @ ..]) = (led, words) {
        eprintln!("{program}: {}", Command::new(program).args(words).exec());
    }
    ExitCode::from(127)
}

/// A running shell.
pub struct Session {
    shell: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
}

impl Session {
    /// Starts the command under a terminal of its own.
    pub fn start(command: &Command) -> Result<Self, String> {
        let broken = |error: std::io::Error| format!("no terminal: {error}");
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .map_err(|error| broken(error.into()))?;
        grantpt(&ours).and_then(|()| unlockpt(&ours)).map_err(|error| broken(error.into()))?;
        let name = ptsname(&ours, Vec::new()).map_err(|error| broken(error.into()))?;
        let theirs = std::ffi::OsStr::from_bytes(name.as_bytes());
        let theirs = OpenOptions::new().read(true).write(true).open(theirs).map_err(broken)?;
        let size = rustix::termios::Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&theirs, size).map_err(|error| broken(error.into()))?;

        let mut leader = Command::new(std::env::current_exe().map_err(broken)?);
        leader.arg(LEADER).arg(command.get_program()).args(command.get_args()).env_clear();
        for (name, value) in command.get_envs() {
            leader.env(name, value.unwrap_or_default());
        }
        if let Some(dir) = command.get_current_dir() {
            leader.current_dir(dir);
        }
        leader.stdin(theirs.try_clone().map_err(broken)?).stdout(theirs.try_clone().map_err(broken)?).stderr(theirs);
        let shell = leader.spawn().map_err(broken)?;
        drop(leader); // and with it our hold on their side

        let keyboard = File::from(ours);
        let mut output = keyboard.try_clone().map_err(broken)?;
        let (sender, screen) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Ok(Self { shell, keyboard, screen })
    }

    /// Waits for the next prompt.
    pub fn prompt(&mut self) -> Result<(), String> {
        self.until(PROMPT)
    }

    /// Waits until this text comes up.
    pub fn until(&mut self, text: &str) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => seen.extend(bytes),
                Err(_) => return Err(format!("no {text:?} came, but {:?}", String::from_utf8_lossy(&seen))),
            }
        }
        Ok(())
    }

    /// Lets what is still being drawn go by.
    pub fn settle(&mut self) {
        while self.screen.recv_timeout(SETTLED).is_ok() {}
    }

    /// Types these keys.
    pub fn press(&mut self, keys: &str) -> Result<(), String> {
        self.keyboard.write_all(keys.as_bytes()).map_err(|error| format!("cannot type: {error}"))
    }

    /// Types a line.
    pub fn enter(&mut self, line: &str) -> Result<(), String> {
        writeln!(self.keyboard, "{line}").map_err(|error| format!("cannot type: {error}"))
    }

    /// Leaves the shell and waits for its end.
    pub fn leave(mut self) -> Result<(), String> {
        self.enter("exit")?;
        let deadline = Instant::now() + PATIENCE;
        while self.shell.try_wait().map_err(|error| error.to_string())?.is_none() {
            if Instant::now() > deadline {
                return Err("the shell does not leave".to_owned());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Where it has ended there is nothing to kill; that is no error of ours.
        drop(self.shell.kill());
        drop(self.shell.wait());
    }
}
