//! The record of a reader of storage that may hang: who reads, and since when.
//!
//! It is there whole or not at all. Its reader makes it and removes it, be that hours later; the record of a reader that is
//! gone is removed by the next one. What is no record of ours is not followed, and never waited for.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::process::Pid;

use super::{boot, clock, files, users};

/// A record holds two numbers.
const MOST: u64 = 64;

/// Who reads, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    process: Pid,
    /// Hundredths of a second since the node started.
    since: u64,
}

impl Record {
    fn text(self) -> String {
        format!("{} {}\n", self.process.as_raw_pid(), self.since)
    }

    fn parse(text: &str) -> Option<Self> {
        let (process, since) = text.strip_suffix('\n')?.split_once(' ')?;
        // Process 1 is no reader, and what is below is no process.
        let process = process.parse().ok().filter(|process| *process > 1).and_then(Pid::from_raw)?;
        let record = Self { process, since: since.parse().ok()? };
        // A sign or a zero in front is none of ours.
        (record.text() == text).then_some(record)
    }

    /// Whether the process that made it at this time (in the record's unit) still lives.
    fn is_alive(self, now: u64) -> bool {
        // From another start of the node; or its number is another user's, or nobody's.
        if self.since > now || rustix::process::test_kill_process(self.process).is_err() {
            return false;
        }
        let stat = files::read(Path::new(&format!("/proc/{}/stat", self.process.as_raw_pid()))).unwrap_or_default();
        boot::is_of(&String::from_utf8_lossy(&stat), self.since)
    }
}

/// What lies at a record's path.
enum Found {
    Nothing,
    Record(Record),
    /// No record of ours.
    Odd,
}

/// Reads a record; never waits for what is there, never follows a link.
fn read(path: &Path) -> Found {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
        Err(_) => return Found::Odd,
    };
    let is_ours = |found: &fs::Metadata| found.is_file() && found.uid() == users::my_id() && found.len() <= MOST;
    let mut text = String::new();
    if !file.metadata().is_ok_and(|found| is_ours(&found)) || file.take(MOST).read_to_string(&mut text).is_err() {
        return Found::Odd;
    }
    Record::parse(&text).map_or(Found::Odd, Found::Record)
}

/// What a record says to one who wants to read.
pub(super) enum State {
    /// Nobody reads.
    Free,
    /// Somebody has only just begun.
    Reading(Record),
    /// Somebody reads since longer than the deadline.
    Stuck,
    /// There is something that is no record and cannot be removed.
    Unusable,
}

/// What is at this path; what is to be removed is removed. Takes no longer than the deadline.
pub(super) fn state(path: &Path, deadline: Duration) -> State {
    match judge(path, deadline) {
        Some(state) => state,
        // Without a lock, one could remove what another has just put in place of what both have judged.
        None => match files::alone(path, deadline, || {
            // A shell writes one in two steps: what is empty may be one in a moment.
            clock::sleep(Duration::from_millis(2));
            judge(path, deadline).or_else(|| fs::remove_file(path).ok().map(|()| State::Free))
        }) {
            Some(state) => state,
            None if matches!(read(path), Found::Nothing) => State::Free,
            None => State::Unusable,
        },
    }
}

/// What the record says; `None` where it is to be removed, since its reader is gone or it is none.
fn judge(path: &Path, deadline: Duration) -> Option<State> {
    match read(path) {
        Found::Nothing => Some(State::Free),
        Found::Odd => None,
        Found::Record(record) => {
            let now = clock::hundredths();
            let age = Duration::from_millis(now.saturating_sub(record.since) * 10);
            record.is_alive(now).then_some(if age < deadline { State::Reading(record) } else { State::Stuck })
        }
    }
}

/// Makes the record of this process, unless there is one.
///
/// # Errors
/// `AlreadyExists` where there is one; others where it cannot be written.
pub(super) fn make(path: &Path) -> io::Result<Record> {
    let mine = Record { process: rustix::process::getpid(), since: clock::hundredths() };
    // Beside it, and linked: so nobody sees one without its text.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!("-{}", mine.process.as_raw_pid()));
    let beside = path.with_file_name(name);
    let create = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside);
    let mut file = create().or_else(|_| {
        // What stands there was left by one of the same number.
        fs::remove_file(&beside)?;
        create()
    })?;
    let made = file.write_all(mine.text().as_bytes()).and_then(|()| fs::hard_link(&beside, path));
    let _ = fs::remove_file(&beside);
    made.map(|()| mine)
}

/// Removes a record, if it is still this one.
pub(super) fn remove(path: &Path, mine: Record) {
    if matches!(read(path), Found::Record(found) if found == mine) {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // files that no part of ours would write
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    fn mine() -> Record {
        Record { process: rustix::process::getpid(), since: clock::hundredths() }
    }

    #[test]
    fn a_record_is_two_numbers() {
        let record = Record { process: Pid::from_raw(4321).unwrap(), since: 99 };
        assert_eq!(record.text(), "4321 99\n");
        assert_eq!(Record::parse("4321 99\n"), Some(record));
        for odd in
            ["", "\n", "4321 99", "4321\n", "4321 99 1\n", "+4321 99\n", "04321 99\n", "0 1\n", "1 1\n", "-5 1\n"]
        {
            assert_eq!(Record::parse(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_process_is_told_from_a_later_one_of_its_number() {
        let stat =
            |state: &str| format!("7 (a) b (c) {state} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 500 20 21\n");
        assert!(boot::is_of(&stat("D"), 500) && boot::is_of(&stat("S"), 501));
        assert!(!boot::is_of(&stat("D"), 499) && !boot::is_of(&stat("Z"), 501));
        assert!(boot::is_of("", 1) && boot::is_of("nonsense", 1));
        // As the kernel writes it.
        let mine = mine();
        assert!(mine.is_alive(mine.since) && mine.is_alive(mine.since + 1));
        assert!(!mine.is_alive(mine.since - 1), "of another start of the node");
        assert!(!Record { since: 0, ..mine }.is_alive(mine.since));
    }

    #[test]
    fn it_is_made_once_and_removed_by_its_maker() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("reader");
        let record = make(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), record.text());
        assert_eq!(make(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1, "nothing is left beside it");
        remove(&path, Record { since: record.since + 1, ..record });
        assert!(path.exists());
        remove(&path, record);
        assert!(!path.exists());
    }

    #[test]
    fn the_record_of_a_living_reader_counts_by_its_age() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("reader");
        assert!(matches!(state(&path, LONG), State::Free));
        let record = make(&path).unwrap();
        assert!(matches!(state(&path, LONG), State::Reading(found) if found == record));
        assert!(matches!(state(&path, Duration::ZERO), State::Stuck));
        assert!(path.exists());
    }

    #[test]
    fn what_is_no_record_of_a_living_reader_is_removed() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("reader");
        let other = temporary.path().join("other");
        fs::write(&other, mine().text()).unwrap();
        let cases: &[(&str, &dyn Fn())] = &[
            ("a process that is gone", &|| fs::write(&path, format!("{} 1\n", i32::MAX)).unwrap()),
            ("before its process began", &|| fs::write(&path, format!("{} 0\n", mine().process.as_raw_pid())).unwrap()),
            ("later than now", &|| fs::write(&path, Record { since: u64::MAX, ..mine() }.text()).unwrap()),
            ("empty", &|| fs::write(&path, "").unwrap()),
            ("nonsense", &|| fs::write(&path, b"\xff\xfe").unwrap()),
            ("too large", &|| fs::write(&path, vec![b'1'; 1 << 22]).unwrap()),
            ("a link", &|| symlink(&other, &path).unwrap()),
            ("a dangling link", &|| symlink("nowhere", &path).unwrap()),
            ("a FIFO", &|| rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap()),
        ];
        for (title, put) in cases {
            put();
            assert!(matches!(state(&path, LONG), State::Free), "{title}");
            assert!(fs::symlink_metadata(&path).is_err(), "{title}");
        }
        assert!(other.exists());
        if users::my_id() == 0 {
            fs::write(&path, mine().text()).unwrap();
            std::os::unix::fs::chown(&path, Some(4321), None).unwrap();
            assert!(matches!(state(&path, LONG), State::Free), "another user's");
        }
        fs::create_dir(&path).unwrap();
        assert!(matches!(state(&path, LONG), State::Unusable), "a directory");
        assert!(matches!(state(&path.join("x"), LONG), State::Free), "made in vain, then");
        assert!(matches!(state(&other.join("x"), LONG), State::Unusable), "no directory");
    }

    #[test]
    fn a_lock_that_is_never_given_back_holds_nobody() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("reader");
        let dir = OpenOptions::new().read(true).open(temporary.path()).unwrap();
        rustix::fs::flock(&dir, rustix::fs::FlockOperation::LockExclusive).unwrap();
        fs::write(&path, "").unwrap();
        assert!(matches!(state(&path, Duration::from_millis(20)), State::Free));
    }
}
