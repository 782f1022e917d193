//! What the node remembers of its verdict: files in the run directory, named by boot, host and network namespace.
//!
//! `KEY-verdict` is one line, replaced whole, which shells read too. `KEY-lock` says who is looking just now: one process
//! per node and user; a process that is gone holds nothing. Whatever else is found there is as good as nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::probe::Attempt;
use crate::host::boot::{self, Boot};
use crate::host::{Host, files, run_dir};
use crate::verdict::Kept;

/// The node's memory: where its files lie.
#[derive(Clone, Debug)]
pub struct Memory {
    stem: PathBuf,
}

/// How long the others are waited for who take a lock that nobody has.
const TAKING: Duration = Duration::from_millis(100);

/// The right to look at the network, until it is given back.
#[derive(Debug)]
pub struct Lock(PathBuf);

impl Memory {
    /// The memory of this node; `None` where there is no place for one, or nothing tells the node from others.
    pub fn of(host: &Host) -> Option<Self> {
        Self::in_boot(host, &Boot::of(host)?)
    }

    /// The same, where the boot is known.
    pub fn in_boot(host: &Host, boot: &Boot) -> Option<Self> {
        Some(Self { stem: run_dir::find(host)?.join(boot.key()) })
    }

    /// The memory whose files' paths begin so.
    pub fn at(stem: &Path) -> Self {
        Self { stem: stem.to_owned() }
    }

    /// Whether a process that began with this memory has that one now: another one in the same directory.
    pub fn has_moved_to(&self, other: &Self) -> bool {
        self.stem != other.stem && self.stem.parent() == other.stem.parent()
    }

    /// Tells this process, which began with this memory, that its memory is that one.
    pub fn tell(&self, process: u32, other: &Self) {
        let line = [other.stem.file_name().unwrap_or_default().as_encoded_bytes(), b"\n"].concat();
        let _ = files::put(&self.file(&format!("of-{process}")), &line);
    }

    /// What the paths of its files begin with: `-verdict` and the others follow.
    pub fn stem(&self) -> &Path {
        &self.stem
    }

    /// The file of this name.
    pub fn file(&self, name: &str) -> PathBuf {
        let mut path = self.stem.clone().into_os_string();
        path.push("-");
        path.push(name);
        path.into()
    }

    /// The verdict that is remembered, however old.
    pub fn verdict(&self) -> Option<Kept> {
        Kept::parse(&files::read_short(&self.file("verdict")).ok()?)
    }

    /// Remembers a verdict, and, where that can be written, what was tried for it.
    pub fn keep(&self, kept: &Kept, now: u64, attempts: &[Attempt]) -> io::Result<()> {
        let line = |attempt: &Attempt| {
            let result = attempt.result.as_ref().map_or_else(String::as_str, |()| "");
            format!("{}\t{}\t{result}\n", attempt.took.as_millis(), attempt.target)
        };
        let text: String = [format!("{now}\n")].into_iter().chain(attempts.iter().map(line)).collect();
        let _ = files::put(&self.file("attempts"), text.as_bytes());
        files::put(&self.file("verdict"), kept.line().as_bytes())
    }

    /// Remembers that something of this name was seen to for so long. Nobody else reads it but shells.
    pub fn remind(&self, host: &Host, name: &str, ttl: Duration) {
        let until = boot::seconds(host).unwrap_or_default() + ttl.as_secs();
        let _ = files::put(&self.file(name), format!("kept {until} \n").as_bytes());
    }

    /// When the node was looked at last, in seconds since it started, and what was tried then.
    pub fn attempts(&self) -> Option<(u64, Vec<Attempt>)> {
        let bytes = files::read(&self.file("attempts")).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines();
        let when = lines.next()?.parse().ok()?;
        Some((when, lines.filter_map(attempt).collect()))
    }

    /// Takes the lock; `None` while a live process has it. `for_us` is the process that took it already, to start this one.
    pub fn lock(&self, host: &Host, for_us: Option<u32>) -> Option<Lock> {
        let path = self.file("lock");
        let line = format!("{} {}\n", std::process::id(), boot::seconds(host).unwrap_or_default());
        if for_us.is_none() && files::claim(&path, line.as_bytes()).is_ok() {
            return Some(Lock(path));
        }
        // Of those who find at once that nobody has it, since it ended without giving it back, one gets it.
        let taken = files::alone(&path, TAKING, || match Holder::of(&path) {
            Some(holder) if Some(holder.id) != for_us && !holder.is_me() && holder.lives(host) => false,
            _ => files::put(&path, line.as_bytes()).is_ok(),
        });
        taken.then_some(Lock(path))
    }

    /// The process that has the lock.
    pub fn holder(&self, host: &Host) -> Option<u32> {
        Holder::of(&self.file("lock")).filter(|holder| holder.lives(host)).map(|holder| holder.id)
    }

    /// The lock of a process that has ended without giving it back. It holds nobody up: the next one takes it.
    pub fn abandoned(&self, host: &Host) -> Option<PathBuf> {
        let path = self.file("lock");
        // A shell makes it before it writes into it.
        let is_written = files::read_short(&path).is_ok_and(|text| !text.is_empty());
        let lives = || Holder::of(&path).is_some_and(|holder| holder.lives(host));
        (is_written && !lives()).then_some(path)
    }
}

/// `MILLISECONDS TAB TARGET TAB WHAT WENT WRONG`
fn attempt(line: &str) -> Option<Attempt> {
    let mut fields = line.splitn(3, '\t');
    let took = Duration::from_millis(fields.next()?.parse().ok()?);
    let target = fields.next()?.to_owned();
    let wrong = fields.next()?;
    Some(Attempt { target, result: if wrong.is_empty() { Ok(()) } else { Err(wrong.to_owned()) }, took })
}

/// Who has the lock, and since when, in seconds since the node started.
struct Holder {
    id: u32,
    since: u64,
}

impl Holder {
    fn of(path: &Path) -> Option<Self> {
        let text = files::read_short(path).ok()?;
        let mut words = text.split_whitespace();
        Some(Self { id: words.next()?.parse().ok()?, since: words.next()?.parse().ok()? })
    }

    fn is_me(&self) -> bool {
        self.id == std::process::id()
    }

    /// Whether it is there, and no later process of its number. A shell writes the time at which it began to look.
    fn lives(&self, host: &Host) -> bool {
        boot::lives_since(host, self.id, self.since.saturating_add(5).saturating_mul(100))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Another may have taken it for abandoned.
        if Holder::of(&self.0).is_some_and(|holder| holder.is_me()) {
            let _ = files::remove(&self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{State, Verdict};

    fn memory(dir: &Path) -> Memory {
        Memory { stem: dir.join("0123") }
    }

    #[test]
    fn what_is_kept_is_found_again() {
        let temporary = tempfile::tempdir().unwrap();
        let memory = memory(temporary.path());
        assert_eq!(memory.verdict(), None);
        let kept = Kept { verdict: Verdict::new(State::Offline, "no default route"), expires: 7 };
        let attempt =
            Attempt { target: "https://a".into(), result: Err("no answer".into()), took: Duration::from_millis(3) };
        memory.keep(&kept, 5, std::slice::from_ref(&attempt)).unwrap();
        assert_eq!(memory.verdict(), Some(kept));
        assert_eq!(memory.attempts(), Some((5, vec![attempt])));
    }

    #[test]
    fn one_has_the_lock_until_it_has_gone() {
        let temporary = tempfile::tempdir().unwrap();
        let (memory, host) = (memory(temporary.path()), Host::real());
        let lock = memory.lock(&host, None).unwrap();
        assert_eq!(memory.holder(&host), Some(std::process::id()));
        drop(lock);
        assert_eq!(memory.holder(&host), None);
        // The first process of the machine, which is not us.
        let now = boot::seconds(&host).unwrap();
        let first = format!("1 {now}\n");
        files::put(&memory.file("lock"), first.as_bytes()).unwrap();
        assert!(memory.lock(&host, None).is_none());
        assert!(memory.lock(&host, Some(1)).is_some());
        // The parent of this process is not as old as the node: it only has the number of the one that took the lock.
        let reused = format!("{} 0\n", std::os::unix::process::parent_id());
        for abandoned in [&reused, "4294967295 0\n", "", "what?\n", "1\n"] {
            files::put(&memory.file("lock"), abandoned.as_bytes()).unwrap();
            assert!(memory.lock(&host, None).is_some(), "{abandoned:?}");
        }
    }
}
