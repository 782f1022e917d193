//! A real terminal: a pseudo-terminal with a shell on it, typed into and read as a person would.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// How long a shell may take to show what is expected of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program on its own terminal; killed at the end.
pub struct Terminal {
    keys: File,
    shown: Arc<Mutex<String>>,
    read: usize,
    child: Child,
}

impl Terminal {
    /// Starts a command on a terminal of its own.
    pub fn start(command: &Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let side = || Stdio::from(File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap());
        // `setsid --ctty` makes the terminal the controlling one, which std cannot.
        let mut wrapped = Command::new("setsid");
        wrapped.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args()).env_clear();
        for (name, value) in command.get_envs() {
            wrapped.env(name, value.unwrap_or_default());
        }
        wrapped.current_dir(command.get_current_dir().unwrap());
        let child = wrapped.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();

        let keys = File::from(master);
        let shown = Arc::new(Mutex::new(String::new()));
        let (mut screen, sink) = (keys.try_clone().unwrap(), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                sink.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
        });
        Self { keys, shown, read: 0, child }
    }

    /// Types.
    pub fn send(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the text appears in what has not been looked at yet; gives what came up to its end.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> String {
        let start = Instant::now();
        loop {
            let shown = self.shown.lock().unwrap().clone();
            let new = &shown[self.read..];
            if let Some(at) = new.find(text) {
                let end = at + text.len();
                self.read += end;
                return new[..end].to_owned();
            }
            assert!(start.elapsed() < PATIENCE, "waited for {text:?} in vain; shown since:\n{new}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Types a line, and waits for the output that ends with a marker of its own; gives what lies between.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> String {
        // The quotes keep the echo of the line from being taken for its output.
        self.send(&format!("{line}; printf '<%s>\\n' \"do\"ne\r"));
        let text = self.expect("<done>");
        let after_echo = text.split_once('\n').map_or("", |(_, output)| output);
        after_echo.trim_end_matches("<done>").replace('\r', "")
    }

    /// Ends the shell and waits for it.
    pub fn leave(mut self) {
        self.send("exit\r");
        let start = Instant::now();
        while start.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
