//! Which verdict holds, and who waits for it: the user's word, the configuration, the node's memory, then a look.
//!
//! A login never waits longer than `first_wait`, and only the node's very first. What has no next prompt to mend it waits for
//! the first look, once per node. One process per node and user looks at a time, and an online verdict turns only when two looks
//! in a row have failed.

use std::time::Duration;

use super::memory::{Lock, Memory};
use super::probe::{self, Finding, Settings};
use crate::host::{Host, boot, clock, process};
use crate::verdict::{Kept, State, Verdict};

/// How soon a look that failed is repeated before an online verdict turns.
const AGAIN: Duration = Duration::from_secs(10);
/// The most that is waited until another process has taken over a lock.
const TAKEN_OVER: Duration = Duration::from_millis(100);
/// What stands behind the reason of an online verdict while one look has failed.
const FAILED_ONCE: &str = "; since then one look has failed";

/// What holds of the node, and whether that may change.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What holds.
    pub verdict: Verdict,
    /// Where it is remembered. `None`: it is the user's or the configuration's word, or there is no memory.
    pub memory: Option<Memory>,
    /// Whether it is somebody's word, which does not turn.
    pub is_fixed: bool,
    /// Whether it has expired.
    pub is_old: bool,
}

impl Standing {
    fn fixed(verdict: Verdict) -> Self {
        Self { verdict, memory: None, is_fixed: true, is_old: false }
    }

    fn turning(verdict: Verdict, memory: Option<Memory>) -> Self {
        Self { verdict, memory, is_fixed: false, is_old: false }
    }
}

/// The user's word for this process: `HPCSH_OFFLINE`.
pub fn overruled(host: &Host) -> Option<Verdict> {
    probe::overruled(host.nonempty("HPCSH_OFFLINE")?.to_str())
}

/// What the configuration says; `None` where it leaves it to a look.
pub fn configured(host: &Host, settings: &Settings) -> Option<Verdict> {
    let verdict = probe::configured(settings, &host.name());
    (verdict.state != State::Unknown).then_some(verdict)
}

/// Somebody's word, the user's before the configuration's.
fn word(host: &Host, settings: &Settings) -> Option<Standing> {
    overruled(host).or_else(|| configured(host, settings)).map(Standing::fixed)
}

/// For the script of a login, which a prompt mends. What `HPCSH_OFFLINE` says the script itself sees; there is no look then.
pub fn at_login(host: &Host, settings: &Settings, memory: Option<Memory>) -> Standing {
    if let Some(verdict) = configured(host, settings) {
        return Standing::fixed(verdict);
    }
    let Some(memory) = memory else {
        return Standing::turning(without_memory(host, settings, settings.first_wait), None);
    };
    if let Some(kept) = memory.verdict() {
        let is_old = !kept.is_fresh(boot::seconds(host).unwrap_or_default(), settings.ttl.as_secs());
        return Standing { is_old, ..Standing::turning(kept.verdict, Some(memory)) };
    }
    let unknown = Verdict::new(State::Unknown, "the first look at the network has not ended");
    let verdict = match overruled(host).map_or_else(|| memory.lock(host, None), |_| None) {
        Some(lock) => {
            // Somebody may have been quicker, and done already.
            if let Some(kept) = memory.verdict() {
                return Standing::turning(kept.verdict, Some(memory));
            }
            look_beside(host, settings, &memory, lock);
            await_first(&memory, settings.first_wait).unwrap_or(unknown)
        }
        None if overruled(host).is_some() || memory.holder(host).is_some() => unknown,
        // Who had it has ended since, or it cannot be taken, as on a full disk.
        None => match memory.verdict() {
            Some(kept) => kept.verdict,
            None => without_memory(host, settings, settings.first_wait),
        },
    };
    Standing::turning(verdict, Some(memory))
}

/// For a job script, or a shell that is not interactive: what is there and holds, else a look, for which it waits, and a second
/// one where an online verdict may turn. Nothing mends it later.
pub fn for_good(host: &Host, settings: &Settings) -> Standing {
    if let Some(standing) = word(host, settings) {
        return standing;
    }
    let Some(memory) = Memory::of(host) else {
        return Standing::turning(without_memory(host, settings, settings.deadline), None);
    };
    let now = boot::seconds(host).unwrap_or_default();
    let holds = |kept: &Kept| kept.verdict.state != State::Unknown && kept.is_fresh(now, settings.ttl.as_secs());
    if let Some(kept) = memory.verdict().filter(holds) {
        return Standing::turning(kept.verdict, Some(memory));
    }
    let mut verdict = match memory.lock(host, None) {
        // Somebody may have been quicker, and done already.
        Some(lock) => match memory.verdict().filter(holds) {
            Some(kept) => kept.verdict,
            None => look(host, settings, &memory, lock),
        },
        None => await_other(host, settings, &memory),
    };
    if verdict.reason.ends_with(FAILED_ONCE) {
        verdict = refresh(host, settings, &memory, None);
    }
    Standing::turning(verdict, Some(memory))
}

/// What is there, whoever asks; nobody waits, and nobody looks.
pub fn at_rest(host: &Host, settings: &Settings) -> Standing {
    if let Some(standing) = word(host, settings) {
        return standing;
    }
    let memory = Memory::of(host);
    let verdict = memory.as_ref().and_then(Memory::verdict).map(|kept| kept.verdict);
    let nothing = || Verdict::new(State::Unknown, "nobody has looked at the network yet");
    Standing::turning(verdict.unwrap_or_else(nothing), memory)
}

/// Looks now, or waits for him who is looking. `for_us` is the process that took the lock to start this one.
pub fn refresh(host: &Host, settings: &Settings, memory: &Memory, for_us: Option<u32>) -> Verdict {
    match memory.lock(host, for_us) {
        Some(lock) => look(host, settings, memory, lock),
        None => await_other(host, settings, memory),
    }
}

/// Waits for him who is looking. Where nobody is, the lock cannot be taken, as on a full disk.
fn await_other(host: &Host, settings: &Settings, memory: &Memory) -> Verdict {
    let before = memory.verdict();
    let start = clock::now();
    // A little more than he may need.
    while start.elapsed() < settings.deadline + Duration::from_millis(500) {
        clock::sleep(Duration::from_millis(5));
        match memory.verdict() {
            Some(kept) if before.as_ref() != Some(&kept) => return kept.verdict,
            _ if memory.holder(host).is_some() => {}
            // He may have ended between the two questions.
            _ => {
                let kept = memory.verdict();
                return kept.map_or_else(|| without_memory(host, settings, settings.deadline), |kept| kept.verdict);
            }
        }
    }
    let late = || Verdict::new(State::Unknown, "another process looks at the network and has not answered");
    before.map_or_else(late, |kept| kept.verdict)
}

/// Looks, and remembers what it found.
fn look(host: &Host, settings: &Settings, memory: &Memory, lock: Lock) -> Verdict {
    let before = memory.verdict();
    let Finding { verdict, attempts } = match &before {
        Some(kept) if may_not_look(host) => Finding { verdict: kept.verdict.clone(), attempts: Vec::new() },
        _ => ask(host, settings),
    };
    let now = boot::seconds(host).unwrap_or_default();
    let kept = next(before, verdict, now, settings.ttl);
    // What cannot be written, as on a full disk, the next one finds out again.
    let _ = memory.keep(&kept, now, &attempts);
    drop(lock);
    kept.verdict
}

/// The same, in a process that nobody waits for.
fn look_beside(host: &Host, settings: &Settings, memory: &Memory, lock: Lock) {
    // The other process takes it over; given back here, it would be free for a moment.
    std::mem::forget(lock);
    let process = std::process::id();
    process::detached(|| {
        if let Some(lock) = memory.lock(host, Some(process)) {
            look(host, settings, memory, lock);
        }
    });
    // Were this process gone before that one has the lock, others would take it for abandoned.
    let start = clock::now();
    while memory.holder(host) == Some(process) && start.elapsed() < TAKEN_OVER {
        clock::sleep(Duration::from_millis(1));
    }
}

/// What is remembered after a look that found `found`.
fn next(before: Option<Kept>, found: Verdict, now: u64, ttl: Duration) -> Kept {
    let expires = now + ttl.as_secs();
    match before.map(|kept| kept.verdict) {
        Some(before)
            if before.state == State::Online
                && found.state != State::Online
                && !before.reason.ends_with(FAILED_ONCE) =>
        {
            // The end of it must not be cut off.
            let reason: String = before.reason.chars().take(100).collect::<String>() + FAILED_ONCE;
            Kept { verdict: Verdict::new(State::Online, reason), expires: expires.min(now + AGAIN.as_secs()) }
        }
        _ => Kept { verdict: found, expires },
    }
}

/// Whether the user wants no look at the network: what is known stays so, and what is not stays unknown.
fn may_not_look(host: &Host) -> bool {
    host.nonempty("HPCSH_NO_PROBE").is_some()
}

fn ask(host: &Host, settings: &Settings) -> Finding {
    if may_not_look(host) {
        let verdict = Verdict::new(State::Unknown, "HPCSH_NO_PROBE keeps hpcsh from looking");
        return Finding { verdict, attempts: Vec::new() };
    }
    probe::look(host, settings)
}

/// Where nothing can be remembered, each one looks for himself, and not for long.
///
/// In a process of its own, since a look leaves threads behind, and a login may yet have to start a child for its storage.
pub(super) fn without_memory(host: &Host, settings: &Settings, most: Duration) -> Verdict {
    let settings = Settings { deadline: settings.deadline.min(most), ..settings.clone() };
    let look = || Kept { verdict: ask(host, &settings).verdict, expires: 0 }.line().into_bytes();
    let said = process::in_child(settings.deadline + Duration::from_millis(100), look);
    let heard = said.ok().and_then(|line| Kept::parse(&String::from_utf8_lossy(&line)));
    heard.map_or_else(|| Verdict::new(State::Unknown, "no process could look at the network"), |kept| kept.verdict)
}

/// The first verdict of this node, if it comes in time.
fn await_first(memory: &Memory, most: Duration) -> Option<Verdict> {
    let start = clock::now();
    loop {
        if let Some(kept) = memory.verdict() {
            return Some(kept.verdict);
        }
        if start.elapsed() >= most {
            return None;
        }
        clock::sleep(Duration::from_millis(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn online(reason: &str) -> Verdict {
        Verdict::new(State::Online, reason)
    }

    #[test]
    fn an_online_verdict_turns_after_two_failed_looks() {
        let ttl = Duration::from_mins(5);
        let offline = || Verdict::new(State::Offline, "no answer");
        let first = next(None, online("a answered"), 0, ttl);
        assert_eq!(first.expires, 300);
        let second = next(Some(first), offline(), 300, ttl);
        assert_eq!(
            (second.verdict.clone(), second.expires),
            (online("a answered; since then one look has failed"), 310)
        );
        let third = next(Some(second.clone()), offline(), 310, ttl);
        assert_eq!((third.verdict, third.expires), (offline(), 610));
        // One that succeeds in between counts.
        assert_eq!(next(Some(second), online("b answered"), 310, ttl).verdict, online("b answered"));
        assert_eq!(next(None, offline(), 0, ttl).verdict, offline());
        // However long the reason is.
        let long = next(None, online(&"a".repeat(1000)), 0, ttl);
        let once = next(Some(long), offline(), 300, ttl);
        assert_eq!(next(Some(once), offline(), 310, ttl).verdict, offline());
    }
}
