//! A server's log while it is written: its last lines and the phase that they tell.
//!
//! A thread reads it, since it may lie on storage that hangs. It is followed by its name: one that is rotated, or cut to
//! nothing, goes on from its beginning.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::phase;
use crate::host::files::{self, Entry};
use crate::net::race;

/// From one look to the next.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest that a last look may take.
const LAST_LOOK: Duration = Duration::from_secs(1);
/// How many last lines are kept.
const LINES: usize = 20;
/// The most that is read at once; of a longer log the end.
const MOST: u64 = 256 << 10;

/// A log that is followed.
pub struct Log {
    /// Its path as the user gave it.
    pub shown: PathBuf,
    known: Arc<Mutex<Known>>,
    asking: Sender<Sender<()>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    lines: VecDeque<String>,
    phase: Option<String>,
}

impl Log {
    /// Follows a log, which need not be there yet; from its end where only what is new counts.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn follow(shown: &Path, path: PathBuf, only_new: bool) -> Result<Self, String> {
        let known = Arc::new(Mutex::new(Known::default()));
        let (asking, asked) = mpsc::channel::<Sender<()>>();
        let shared = Arc::clone(&known);
        let mut reader = Reader::new(path, only_new);
        race::beside(move || {
            loop {
                reader.look();
                *shared.lock().unwrap_or_else(PoisonError::into_inner) = reader.known.clone();
                match asked.recv_timeout(PAUSE) {
                    Ok(answer) => {
                        reader.look();
                        *shared.lock().unwrap_or_else(PoisonError::into_inner) = reader.known.clone();
                        let _ = answer.send(());
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        Ok(Self { shown: shown.to_owned(), known, asking })
    }

    /// The phase that its last lines tell, as far as they have been read.
    pub fn phase(&self) -> Option<String> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).phase.clone()
    }

    /// Its last lines, read now where the storage answers in time.
    pub fn last_lines(&self) -> Vec<String> {
        let (answer, answered) = mpsc::channel();
        if self.asking.send(answer).is_ok() {
            let _ = answered.recv_timeout(LAST_LOOK);
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).lines.iter().cloned().collect()
    }
}

struct Reader {
    path: PathBuf,
    open: Option<(Entry, File)>,
    /// The beginning of a line whose end is not written yet.
    rest: Vec<u8>,
    known: Known,
}

impl Reader {
    fn new(path: PathBuf, only_new: bool) -> Self {
        let mut open = files::follow(&path).ok();
        if let Some((_, file)) = open.as_mut().filter(|_| only_new) {
            let _ = file.seek(SeekFrom::End(0));
        }
        Self { path, open, rest: Vec::new(), known: Known::default() }
    }

    /// Reads what is new, in the old file first where there is another one by this name.
    fn look(&mut self) {
        self.read();
        let there = files::entry(&self.path).ok();
        let is_same = |one: &Entry, other: &Entry| (one.device, one.inode) == (other.device, other.inode);
        match (&self.open, there) {
            (_, None) => {}
            (Some((open, _)), Some(there)) if is_same(open, &there) => {}
            _ => {
                if let Ok(next) = files::follow(&self.path) {
                    self.end_line();
                    self.open = Some(next);
                    self.read();
                }
            }
        }
    }

    fn read(&mut self) {
        let Some((_, file)) = &mut self.open else { return };
        let length = file.metadata().map_or(0, |found| found.len());
        let Ok(mut at) = file.stream_position() else { return };
        if length < at {
            at = 0;
            self.rest.clear();
        }
        let is_long = length - at > MOST;
        if is_long {
            at = length - MOST;
            self.rest.clear();
        }
        let mut bytes = Vec::new();
        if file.seek(SeekFrom::Start(at)).is_err() || file.take(MOST).read_to_end(&mut bytes).is_err() {
            return;
        }
        // It began in the middle of a line.
        let begin = if is_long { bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1) } else { 0 };
        for byte in &bytes[begin..] {
            if *byte == b'\n' { self.end_line() } else { self.rest.push(*byte) }
        }
        // A progress bar has no end of line until it is full.
        let keep = self.rest.len().saturating_sub(64 << 10);
        self.rest.drain(..keep);
        let unfinished = phase::plain(&String::from_utf8_lossy(&self.rest));
        if let Some(phase) = phase::phase(&unfinished) {
            self.known.phase = Some(phase);
        }
    }

    fn end_line(&mut self) {
        let plain = phase::plain(&String::from_utf8_lossy(&self.rest));
        self.rest.clear();
        if plain.is_empty() {
            return;
        }
        if let Some(phase) = phase::phase(&plain) {
            self.known.phase = Some(phase);
        }
        self.known.lines.push_back(plain);
        if self.known.lines.len() > LINES {
            self.known.lines.pop_front();
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // a test writes as a server does
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write as _;

    fn write(path: &Path, text: &str) {
        fs::OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn lines(reader: &mut Reader) -> String {
        reader.look();
        reader.known.lines.iter().cloned().collect::<Vec<_>>().join("|")
    }

    #[test]
    fn a_log_is_followed_through_rotation_and_truncation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut reader = Reader::new(path.clone(), false);
        assert_eq!(lines(&mut reader), "", "it is not there yet");
        write(&path, "one\nlo");
        assert_eq!(lines(&mut reader), "one");
        write(&path, "ading 1%\rloading 2%");
        reader.look();
        assert_eq!(reader.known.phase.as_deref(), Some("loading 2%"));
        // The server writes its last line into the old file, and goes on in a new one.
        write(&path, "\nlast of old\n");
        fs::rename(&path, dir.path().join("log.1")).unwrap();
        assert_eq!(lines(&mut reader), "one|loading 2%|last of old");
        write(&dir.path().join("log.1"), "later\n");
        write(&path, "new\n");
        assert_eq!(lines(&mut reader), "one|loading 2%|last of old|later|new");
        // Copied away and cut to nothing.
        fs::write(&path, "x\n").unwrap();
        assert_eq!(lines(&mut reader), "one|loading 2%|last of old|later|new|x");
    }

    #[test]
    fn only_the_end_of_a_long_log_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        write(&path, &(0..100_000).map(|number| format!("line {number}\n")).collect::<String>());
        let told = lines(&mut Reader::new(path.clone(), false));
        assert!(told.starts_with("line 99980|") && told.ends_with("|line 99999"), "{told}");
        let mut new = Reader::new(path.clone(), true);
        write(&path, "new\n");
        assert_eq!(lines(&mut new), "new");
    }

    #[test]
    fn last_lines_are_those_of_now() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = Log::follow(Path::new("log"), path.clone(), false).unwrap();
        write(&path, "Loading weights\nerror: out of memory\n");
        assert_eq!(log.last_lines(), ["Loading weights", "error: out of memory"]);
        assert_eq!(log.phase().as_deref(), Some("error: out of memory"));
    }
}
