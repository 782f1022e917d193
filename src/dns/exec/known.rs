//! The names that are looked up before the command starts: side by side, within a deadline, remembered for the next one.
//!
//! The lookups are a child's: they take threads, and who is to have mounts of his own has one. What the node's own hosts file
//! knows is not looked up.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::digest;
use crate::host::boot::{self, Boot};
use crate::host::process;
use crate::host::{Host, clock, files, run_dir};
use crate::net::race;
use crate::net::resolve::{Resolver, Unresolved};

/// The most that a command waits for them.
const PATIENCE: Duration = Duration::from_secs(1);
/// What the child has more, to say what it has found.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long addresses are remembered, in seconds.
const TTL: u64 = 300;
/// The same where some name server has not answered.
const TTL_SILENT: u64 = 30;
/// As many are looked up at once; and no more than so many in all.
const AT_ONCE: usize = 32;
const MOST: usize = 256;

/// A name and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The name.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether name servers have said that there are no others.
    pub is_sure: bool,
}

/// What is known of these names; `servers` is the text that says who is asked.
pub fn look(host: &Host, mut names: Vec<String>, servers: &str) -> Vec<Known> {
    names.truncate(MOST);
    if names.is_empty() {
        return Vec::new();
    }
    let key = digest::of(servers.as_bytes());
    let file = memory(host);
    let now = boot::seconds(host).unwrap_or_default();
    let old = file.as_ref().and_then(|file| read(&files::read(file).ok()?, key)).unwrap_or_default();
    let of = |name: &str| old.iter().find(|kept| kept.known.name == name);
    let missing = names.iter().filter(|name| of(name).is_none_or(|kept| kept.until <= now)).cloned().collect();
    let mut found = ask(host, missing);
    for one in found.iter_mut().filter(|one| !one.is_sure) {
        // Who does not answer now has not taken it back.
        one.addresses = of(&one.name).map(|kept| kept.known.addresses.clone()).unwrap_or_default();
    }
    if let Some(file) = file.filter(|_| !found.is_empty()) {
        let until = |known: &Known| now + if known.is_sure { TTL } else { TTL_SILENT };
        let new = found.iter().map(|known| Kept { until: until(known), known: known.clone() });
        let is_new = |kept: &Kept| found.iter().any(|known| known.name == kept.known.name);
        let all: Vec<Kept> = new.chain(old.iter().filter(|kept| !is_new(kept)).cloned()).take(2 * MOST).collect();
        let _ = files::put(&file, text(key, &all).as_bytes());
    }
    let one = |name: String| {
        let known = found.iter().find(|known| known.name == name).or_else(|| Some(&of(&name)?.known)).cloned();
        known.unwrap_or(Known { name, addresses: Vec::new(), is_sure: false })
    };
    names.into_iter().map(one).collect()
}

/// What is remembered of a name, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    known: Known,
    until: u64,
}

/// Where they are remembered, for this boot and this network.
fn memory(host: &Host) -> Option<PathBuf> {
    Some(run_dir::find(host)?.join(format!("{}-names", Boot::of(host)?.key())))
}

/// The file: of which servers it is, then a line for each name.
fn text(key: u64, all: &[Kept]) -> String {
    let mut text = format!("{key:016x}\n");
    for Kept { known, until } in all {
        let _ = writeln!(text, "{until} {}", line(known));
    }
    text
}

fn read(bytes: &[u8], wanted: u64) -> Option<Vec<Kept>> {
    let (key, rest) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
    (u64::from_str_radix(key, 16).ok()? == wanted).then_some(())?;
    let kept = |line: &str| {
        let (until, known) = line.split_once(' ')?;
        Some(Kept { until: until.parse().ok()?, known: of_line(known)? })
    };
    rest.lines().map(kept).collect()
}

/// `= NAME ADDRESS…`, or `?` for one that is not sure.
fn line(known: &Known) -> String {
    let addresses: String = known.addresses.iter().map(|address| format!(" {address}")).collect();
    format!("{} {}{addresses}", if known.is_sure { "=" } else { "?" }, known.name)
}

fn of_line(line: &str) -> Option<Known> {
    let mut words = line.split(' ');
    let is_sure = words.next()? == "=";
    let name = words.next()?.to_owned();
    Some(Known { name, addresses: words.map(|word| word.parse().ok()).collect::<Option<_>>()?, is_sure })
}

/// Asks the name servers, in a child; what it did not come to say is not sure.
fn ask(host: &Host, names: Vec<String>) -> Vec<Known> {
    if names.is_empty() {
        return Vec::new();
    }
    let resolver = Resolver::of(host);
    let wanted = names.clone();
    let said = process::in_child(PATIENCE + LAST_WORDS, move || {
        let found = side_by_side(resolver, wanted);
        found.iter().map(|one| line(one) + "\n").collect::<String>().into_bytes()
    });
    let said = String::from_utf8(said.unwrap_or_default()).unwrap_or_default();
    let found: Vec<Known> = said.lines().filter_map(of_line).collect();
    let one = |name: String| {
        let known = found.iter().find(|one| one.name == name).cloned();
        known.unwrap_or(Known { name, addresses: Vec::new(), is_sure: false })
    };
    names.into_iter().map(one).collect()
}

fn side_by_side(resolver: Resolver, names: Vec<String>) -> Vec<Known> {
    let deadline = clock::now() + PATIENCE;
    let (count, threads) = (names.len(), names.len().min(AT_ONCE));
    let shared = Arc::new((resolver, names, AtomicUsize::new(0)));
    let (sender, receiver) = mpsc::channel();
    for _ in 0..threads {
        let (shared, sender) = (Arc::clone(&shared), sender.clone());
        let _ = race::beside(move || {
            let (resolver, names, next) = &*shared;
            while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                let found = resolver.addresses(name, deadline);
                let is_sure = !matches!(found, Err(Unresolved::Silent | Unresolved::Failing(_)));
                let known = Known { name: name.clone(), addresses: found.unwrap_or_default(), is_sure };
                if sender.send(known).is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    let left = || deadline.saturating_duration_since(clock::now()) + LAST_WORDS / 2;
    let mut found = Vec::new();
    while found.len() < count {
        let Ok(one) = receiver.recv_timeout(left()) else { break };
        found.push(one);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_read_again() {
        let kept = |name: &str, addresses: &[&str], is_sure, until| {
            let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
            Kept { known: Known { name: name.into(), addresses, is_sure }, until }
        };
        let all = [
            kept("a.lab", &["10.0.0.1", "fd00::1"], true, 99),
            kept("b.lab", &[], true, 98),
            kept("c.lab", &[], false, 97),
        ];
        let text = text(7, &all);
        assert_eq!(text, "0000000000000007\n99 = a.lab 10.0.0.1 fd00::1\n98 = b.lab\n97 ? c.lab\n");
        assert_eq!(read(text.as_bytes(), 7), Some(all.to_vec()));
        for (bytes, key) in [(text.as_bytes(), 8), (b"", 7), (b"7\n9 = a x\n", 7), (b"7\n9 =\n", 7), (b"\xff", 7)] {
            assert_eq!(read(bytes, key), None);
        }
    }
}
