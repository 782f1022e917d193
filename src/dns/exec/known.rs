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
    let key = names
        .iter()
        .fold(digest::of(servers.as_bytes()), |sum, name| digest::with(digest::with(sum, b"\n"), name.as_bytes()));
    let file = memory(host);
    let now = boot::seconds(host).unwrap_or_default();
    let (old, until) = file.as_ref().and_then(|file| read(&files::read(file).ok()?, key)).unwrap_or_default();
    if now < until {
        return old;
    }
    let mut found = ask(host, names);
    for one in found.iter_mut().filter(|one| !one.is_sure) {
        // Who does not answer now has not taken it back.
        one.addresses =
            old.iter().find(|last| last.name == one.name).map(|last| last.addresses.clone()).unwrap_or_default();
    }
    let ttl = if found.iter().all(|one| one.is_sure) { TTL } else { TTL_SILENT };
    if let Some(file) = file {
        let _ = files::put(&file, text(key, now + ttl, &found).as_bytes());
    }
    found
}

/// Where they are remembered, for this boot and this network.
fn memory(host: &Host) -> Option<PathBuf> {
    Some(run_dir::find(host)?.join(format!("{}-names", Boot::of(host)?.key())))
}

/// The file: of which names and servers it is, and until when it holds; then a line for each name.
fn text(key: u64, until: u64, all: &[Known]) -> String {
    let mut text = format!("{key:016x} {until}\n");
    for one in all {
        let addresses: String = one.addresses.iter().map(|address| format!(" {address}")).collect();
        let _ = writeln!(text, "{} {}{addresses}", if one.is_sure { "=" } else { "?" }, one.name);
    }
    text
}

fn read(bytes: &[u8], wanted: u64) -> Option<(Vec<Known>, u64)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (first, rest) = text.split_once('\n')?;
    let (key, until) = first.split_once(' ')?;
    (u64::from_str_radix(key, 16).ok()? == wanted).then_some(())?;
    Some((rest.lines().map(line).collect::<Option<_>>()?, until.parse().ok()?))
}

fn line(line: &str) -> Option<Known> {
    let mut words = line.split(' ');
    let is_sure = words.next()? == "=";
    let name = words.next()?.to_owned();
    Some(Known { name, addresses: words.map(|word| word.parse().ok()).collect::<Option<_>>()?, is_sure })
}

/// Asks the name servers, in a child; what it did not come to say is not sure.
fn ask(host: &Host, names: Vec<String>) -> Vec<Known> {
    let resolver = Resolver::of(host);
    let wanted = names.clone();
    let said = process::in_child(PATIENCE + LAST_WORDS, move || {
        let lines = side_by_side(resolver, wanted);
        lines.iter().map(text_of).collect::<String>().into_bytes()
    });
    let said = String::from_utf8(said.unwrap_or_default()).unwrap_or_default();
    let found: Vec<Known> = said.lines().filter_map(line).collect();
    let one = |name: String| found.iter().find(|one| one.name == name).cloned();
    names
        .into_iter()
        .map(|name| one(name.clone()).unwrap_or(Known { name, addresses: Vec::new(), is_sure: false }))
        .collect()
}

fn text_of(one: &Known) -> String {
    let text = text(0, 0, std::slice::from_ref(one));
    text.split_once('\n').map(|(_, line)| line.to_owned()).unwrap_or_default()
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
        let all = [
            Known {
                name: "a.lab".into(),
                addresses: vec!["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()],
                is_sure: true,
            },
            Known { name: "b.lab".into(), addresses: Vec::new(), is_sure: true },
            Known { name: "c.lab".into(), addresses: Vec::new(), is_sure: false },
        ];
        let text = text(7, 99, &all);
        assert_eq!(text, "0000000000000007 99\n= a.lab 10.0.0.1 fd00::1\n= b.lab\n? c.lab\n");
        assert_eq!(read(text.as_bytes(), 7), Some((all.to_vec(), 99)));
        for (bytes, key) in [(text.as_bytes(), 8), (b"", 7), (b"7 99\n= a x\n", 7), (b"7 99\n=\n", 7), (b"\xff", 7)] {
            assert_eq!(read(bytes, key), None);
        }
    }
}
