//! How long storage that may hang is waited for, and by whom: one process of a user's on a node at the most.
//!
//! Who looks does so in a child, which leaves a record while it does; the others find that and do not try. Nobody waits past the
//! deadline, whatever becomes of the child.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::mounts::{self, Storage};
use super::process::{Stuck, in_child};
use super::record::{self, State};
use super::{Host, clock, files};

/// How long, and where the others are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The most that is waited, all in all.
    pub deadline: Duration,
    /// The record's path, in a node-local directory that is ours alone; `None` goes on without memory, so that each shell
    /// waits, and leaves a process behind, where storage hangs.
    pub record: Option<PathBuf>,
}

/// How often a record is looked at while another process reads.
const PAUSE: Duration = Duration::from_millis(2);

/// The first byte of what a child says: what follows is what the work gave.
const DONE: u8 = b'd';
/// Or: another process has just made the record.
const BUSY: u8 = b'b';

/// Runs `work`, which touches storage that may hang, in a child, unless another process of this user's is stuck with that; while
/// another has only just begun, it waits for that one.
///
/// Gives the bytes of the work; fewer, or none, where its process came to a bad end. Takes no longer than the deadline, and
/// nearly no time where somebody is stuck.
///
/// # Errors
/// `Stuck` where storage does not answer, or somebody waits for its answer since longer than the deadline.
pub fn in_time(patience: &Patience, work: impl Fn() -> Vec<u8>) -> Result<Vec<u8>, Stuck> {
    // Once for all kinds of work: the program stays small.
    heard_in_time(patience, &work)
}

fn heard_in_time(patience: &Patience, work: &dyn Fn() -> Vec<u8>) -> Result<Vec<u8>, Stuck> {
    let begun = clock::now();
    let mut record = patience.record.as_deref();
    let mut awaited = None;
    let mut lost = 0;
    loop {
        let left = patience.deadline.checked_sub(begun.elapsed()).ok_or(Stuck)?;
        match record.map_or(State::Free, |path| record::state(path, patience.deadline)) {
            State::Free => {}
            State::Stuck => return Err(Stuck),
            State::Reading(other) if awaited.is_none_or(|before| before == other) => {
                awaited = Some(other);
                clock::sleep(PAUSE.min(left));
                continue;
            }
            // Of another than that for which we waited: that one is through, so storage answers, and where many begin at
            // once they need not queue. Or of nothing that can be had.
            State::Reading(_) | State::Unusable => record = None,
        }
        let said = in_child(left, || recorded(record, work))?;
        match said.split_first() {
            Some((&BUSY, _)) => {
                lost += 1;
                // The second winner means that the first one is through.
                record = record.filter(|_| lost < 2);
            }
            Some((&DONE, _)) => return Ok(said[1..].to_vec()),
            _ => return Ok(Vec::new()),
        }
    }
}

/// Whether what is at this path answers a look at it in time, even if to say that nothing is there. Always so on local storage,
/// for which no process is started.
pub fn answers(host: &Host, path: &Path, patience: &Patience) -> bool {
    let look = || {
        let _ = files::entry(&host.locate(path));
        Vec::new()
    };
    mounts::storage(host, path) == Storage::Local || in_time(patience, look).is_ok()
}

/// What the child does: makes the record, does the work, removes the record, says it.
fn recorded(record: Option<&Path>, work: &dyn Fn() -> Vec<u8>) -> Vec<u8> {
    let made = match record.map(|path| (path, record::make(path))) {
        Some((_, Err(error))) if error.kind() == io::ErrorKind::AlreadyExists => return vec![BUSY],
        Some((path, Ok(mine))) => Some((path, mine)),
        // It cannot be written: nobody is told.
        Some((_, Err(_))) | None => None,
    };
    let mut said = vec![DONE];
    said.extend(work());
    // Before the parent hears of it: who comes next finds no record of one that is through.
    if let Some((path, mine)) = made {
        record::remove(path, mine);
    }
    said
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // records of readers that are none
mod tests {
    use std::fs;
    use std::time::Instant;

    use super::*;

    const DEADLINE: Duration = Duration::from_millis(200);

    fn with_record(record: &Path) -> Patience {
        Patience { deadline: DEADLINE, record: Some(record.to_owned()) }
    }

    /// Work that leaves a mark and takes two seconds.
    fn slow(mark: &Path) -> impl Fn() -> Vec<u8> {
        let mark = mark.to_owned();
        move || {
            fs::write(mark.join(rustix::process::getpid().as_raw_pid().to_string()), "").unwrap();
            clock::sleep(Duration::from_secs(2));
            Vec::new()
        }
    }

    #[test]
    fn the_work_is_done_and_its_record_goes() {
        let temporary = tempfile::tempdir().unwrap();
        let record = temporary.path().join("reader");
        for patience in [with_record(&record), Patience { deadline: DEADLINE, record: None }] {
            assert_eq!(in_time(&patience, || b"said".to_vec()), Ok(b"said".to_vec()));
            assert_eq!(in_time(&patience, Vec::new), Ok(Vec::new()));
            assert!(!record.exists());
        }
        // Where no record can be made, it is done without one.
        for odd in [temporary.path().to_owned(), record.join("no/such/dir"), "/dev/null/x".into(), "/".into()] {
            assert_eq!(in_time(&with_record(&odd), || b"said".to_vec()), Ok(b"said".to_vec()), "{}", odd.display());
        }
        let during = || fs::read(&record).unwrap();
        let text = String::from_utf8(in_time(&with_record(&record), during).unwrap()).unwrap();
        assert_eq!(text.split([' ', '\n']).filter(|number| number.parse::<u64>().is_ok()).count(), 2, "{text}");
    }

    #[test]
    fn one_waits_and_the_next_do_not_until_it_is_through() {
        let temporary = tempfile::tempdir().unwrap();
        let record = temporary.path().join("reader");
        let marks = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        assert_eq!(in_time(&with_record(&record), slow(marks.path())), Err(Stuck));
        assert!(begun.elapsed() >= DEADLINE && begun.elapsed() < DEADLINE * 4, "{:?}", begun.elapsed());
        for _ in 0..5 {
            let begun = Instant::now();
            assert_eq!(in_time(&with_record(&record), slow(marks.path())), Err(Stuck));
            assert!(begun.elapsed() < DEADLINE / 2, "{:?}", begun.elapsed());
        }
        assert_eq!(fs::read_dir(marks.path()).unwrap().count(), 1);
        // It gets unstuck, and removes its record itself.
        while record.exists() {
            assert!(begun.elapsed() < Duration::from_secs(20));
            clock::sleep(PAUSE);
        }
        assert_eq!(in_time(&with_record(&record), || vec![1]), Ok(vec![1]));
    }

    #[test]
    fn many_at_once_leave_one_and_are_all_through_in_time() {
        let temporary = tempfile::tempdir().unwrap();
        let record = temporary.path().join("reader");
        let marks = tempfile::tempdir().unwrap();
        // Each a process of its own, as logins are.
        let login = || {
            let begun = Instant::now();
            let stuck = in_time(&with_record(&record), slow(marks.path())) == Err(Stuck);
            format!("{stuck} {}", begun.elapsed().as_millis()).into_bytes()
        };
        let said: Vec<_> = std::thread::scope(|scope| {
            let logins: Vec<_> = (0..10).map(|_| scope.spawn(|| in_child(Duration::from_secs(20), login))).collect();
            logins.into_iter().map(|login| String::from_utf8(login.join().unwrap().unwrap()).unwrap()).collect()
        });
        for said in &said {
            let (stuck, took) = said.split_once(' ').unwrap();
            assert_eq!(stuck, "true");
            assert!(took.parse::<u128>().unwrap() < DEADLINE.as_millis() * 3, "{took} ms");
        }
        assert_eq!(fs::read_dir(marks.path()).unwrap().count(), 1);
    }

    #[test]
    fn many_at_once_need_not_queue_where_storage_answers() {
        let temporary = tempfile::tempdir().unwrap();
        let record = temporary.path().join("reader");
        let work = || {
            clock::sleep(Duration::from_millis(60));
            b"said".to_vec()
        };
        let login =
            || in_time(&Patience { deadline: DEADLINE * 4, record: Some(record.clone()) }, work).unwrap_or_default();
        std::thread::scope(|scope| {
            let logins: Vec<_> = (0..30).map(|_| scope.spawn(|| in_child(Duration::from_secs(20), login))).collect();
            for login in logins {
                assert_eq!(login.join().unwrap(), Ok(b"said".to_vec()));
            }
        });
        assert!(!record.exists());
    }

    #[test]
    fn local_storage_answers_without_a_process() {
        let host = Host::real();
        let none = Patience { deadline: Duration::ZERO, record: None };
        assert!(answers(&host, Path::new("/no/such/place"), &none));
        assert!(answers(&host, Path::new("/"), &none));
    }

    #[test]
    fn shared_storage_answers_through_a_child() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("proc/self")).unwrap();
        fs::write(root.path().join("proc/self/mountinfo"), "2 1 0:1 / /far rw - nfs4 server:/ rw\n").unwrap();
        let host = Host::pretend(root.path(), &[], Box::new(io::sink()), Box::new(io::sink()));
        assert!(answers(&host, Path::new("/far/x"), &Patience { deadline: DEADLINE * 10, record: None }));
        // No time is too little for a child, and for what is local it is enough.
        let none = Patience { deadline: Duration::ZERO, record: None };
        assert!(!answers(&host, Path::new("/far/x"), &none));
        assert!(answers(&host, Path::new("/near/x"), &none));
    }
}
