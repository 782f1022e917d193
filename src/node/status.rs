//! `hpcsh status`: the verdict, why, how old, and what was tried for it.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::memory::Memory;
use super::probe::{Attempt, Settings};
use super::settle::{self, Standing};
use crate::host::{Host, boot, clock};
use crate::verdict::{Kept, State, Verdict};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is to be said.
    pub answer: Answer,
    /// For programs.
    pub json: bool,
    /// Look now.
    pub refresh: bool,
}

/// What is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All there is.
    All,
    /// Nothing: the exit code tells.
    ExitCode,
    /// A line now, and whenever the verdict turns, until nobody reads it.
    Turns,
    /// For a script: one word, after the first look.
    Word,
}

/// The resolver of ours that the node's resolv.conf names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolver {
    /// Where.
    pub address: IpAddr,
    /// Whether it is there.
    pub answers: bool,
}

/// What a report has of others than the node's own look.
pub struct Beside<'a> {
    /// Shared storage that does not answer.
    pub stale: Option<&'a Path>,
    /// Says which resolver of ours resolv.conf names, if it does.
    pub resolver: &'a dyn Fn(&Host) -> Option<Resolver>,
}

/// All there is to say.
#[derive(Debug)]
struct Report {
    verdict: Verdict,
    /// What is remembered, and for how many seconds it still holds.
    remembered: Option<(Memory, i64)>,
    /// How many seconds ago the node was looked at, and what was tried.
    looked: Option<(u64, Vec<Attempt>)>,
    /// Shared storage that does not answer.
    stale: Option<PathBuf>,
    resolver: Option<Resolver>,
}

/// Gives whether the node is online.
pub fn run(host: &mut Host, settings: &Settings, question: Question, beside: &Beside<'_>) -> bool {
    if question.answer == Answer::Word {
        let verdict = settle::for_good(host, settings).verdict;
        host.print(format!("{}\n", verdict.state));
        return true;
    }
    let look = |host: &Host, refresh| Report {
        stale: beside.stale.map(Path::to_owned),
        resolver: if question.answer == Answer::ExitCode { None } else { (beside.resolver)(host) },
        ..look(host, settings, refresh)
    };
    let mut report = look(host, question.refresh);
    if question.answer == Answer::ExitCode && report.is_expired() {
        report = look(host, true);
    }
    let is_online = report.verdict.state == State::Online;
    match question.answer {
        Answer::Turns => {
            let say = |report: &Report| if question.json { report.json(true) } else { report.line() };
            watch(host, report, look, say);
        }
        _ if question.json => host.print(report.json(false)),
        Answer::All => host.print(report.text()),
        Answer::ExitCode | Answer::Word => {}
    }
    is_online
}

/// Says each turn, from now on, while somebody reads it.
fn watch(host: &mut Host, mut report: Report, look: impl Fn(&Host, bool) -> Report, say: impl Fn(&Report) -> String) {
    let mut said = None;
    loop {
        if said != Some(report.verdict.state) {
            said = Some(report.verdict.state);
            if !host.print_all(say(&report)) {
                return;
            }
        }
        clock::sleep(Duration::from_secs(1));
        if host.has_no_reader() {
            return;
        }
        report = look(host, report.is_expired());
    }
}

/// Looks in the background, for a shell whose verdict has expired, and gives back the lock, which its process took. Without
/// settings, which may lie on storage that hangs, it only does that.
///
/// `remembers` is what the paths of the shell's memory begin with. Where proxies were set or unset since the shell started, its
/// memory is another one by now: that is told to it, and nobody looks more often than a verdict holds.
pub fn for_shell(host: &Host, settings: Option<&Settings>, process: u32, remembers: Option<&Path>) {
    let memory = settings.and_then(|settings| Some((settings, settle::at_rest(host, settings).memory?)));
    let old = remembers.map(Memory::at).filter(|_| memory.is_some());
    let old = old.filter(|old| memory.as_ref().is_some_and(|(_, memory)| old.has_moved_to(memory)));
    match memory {
        Some((settings, memory)) if let Some(old) = old => {
            old.tell(process, &memory);
            drop(old.lock(host, Some(process)));
            settle::for_good(host, settings);
        }
        Some((settings, memory)) => drop(settle::refresh(host, settings, &memory, Some(process))),
        None => drop(Memory::of(host).and_then(|memory| memory.lock(host, Some(process)))),
    }
}

fn look(host: &Host, settings: &Settings, refresh: bool) -> Report {
    let Standing { mut verdict, memory, is_fixed, .. } = settle::at_rest(host, settings);
    let Some(memory) = memory else {
        if !is_fixed {
            verdict = settle::without_memory(host, settings, settings.deadline);
        }
        return Report { verdict, remembered: None, looked: None, stale: None, resolver: None };
    };
    if refresh || memory.verdict().is_none() {
        verdict = settle::refresh(host, settings, &memory, None);
    }
    let now = boot::seconds(host).unwrap_or_default();
    let left = |kept: &Kept| kept.expires.cast_signed() - now.cast_signed();
    let left = memory.verdict().map_or(0, |kept| left(&kept));
    let looked = memory.attempts().map(|(when, attempts)| (now.saturating_sub(when), attempts));
    Report { verdict, remembered: Some((memory, left)), looked, stale: None, resolver: None }
}

impl Report {
    fn is_expired(&self) -> bool {
        self.remembered.as_ref().is_some_and(|(_, left)| *left <= 0)
    }

    /// For people.
    fn text(&self) -> String {
        let mut text = self.line();
        if let (Some((_, left)), Some((ago, attempts))) = (&self.remembered, &self.looked) {
            let until =
                if *left > 0 { format!("holds for {left} s") } else { "expired: the next prompt looks again".into() };
            let _ = writeln!(text, "looked at {ago} s ago, {until}");
            let width = attempts.iter().map(|attempt| attempt.target.chars().count()).max().unwrap_or_default();
            for Attempt { target, result, took } in attempts {
                let what = result.as_ref().map_or_else(String::as_str, |()| "answered");
                let _ = writeln!(text, "  {target:width$}  {:>5} ms  {what}", took.as_millis());
            }
        }
        if let Some(Resolver { address, answers }) = self.resolver {
            let missing =
                ", which is not there: `hpcsh dns on` starts it, `hpcsh dns restore` brings the original back";
            let missing = if answers { "" } else { missing };
            let _ = writeln!(text, "names: resolv.conf names hpcsh's resolver at {address}{missing}");
        }
        if let Some(mount) = &self.stale {
            let _ = writeln!(text, "storage: {} does not answer", mount.display());
        }
        text
    }

    /// For people who watch.
    fn line(&self) -> String {
        format!("{} ({})\n", self.verdict.state, self.verdict.reason)
    }

    /// For programs.
    fn json(&self, in_one_line: bool) -> String {
        let target = |Attempt { target, result, took }: &Attempt| {
            let result = result.as_ref().map_or_else(String::as_str, |()| "answered");
            json!({ "target": target, "result": result, "ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX) })
        };
        let value = json!({
            "verdict": self.verdict.state.word(),
            "reason": self.verdict.reason,
            "age": self.looked.as_ref().map(|(ago, _)| ago),
            "expires_in": self.remembered.as_ref().map(|(_, left)| left),
            "file": self.remembered.as_ref().map(|(memory, _)| memory.file("verdict").to_string_lossy().into_owned()),
            "resolver": self.resolver.map(|resolver| {
                json!({ "address": resolver.address.to_string(), "answers": resolver.answers })
            }),
            "storage": if self.stale.is_some() { "stale" } else { "answers" },
            "targets": self.looked.iter().flat_map(|(_, attempts)| attempts.iter().map(target)).collect::<Vec<_>>(),
        });
        let text =
            if in_one_line { value.to_string() } else { serde_json::to_string_pretty(&value).unwrap_or_default() };
        text + "\n"
    }
}
