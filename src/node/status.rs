//! `hpcsh status`: the verdict, why, how old, and what was tried for it.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use super::memory::Memory;
use super::probe::{Attempt, Settings};
use super::settle::{self, Standing};
use crate::host::{Host, boot, clock};
use crate::verdict::{Kept, State, Verdict};

/// What is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// For programs.
    pub json: bool,
    /// Look now.
    pub refresh: bool,
    /// Only the exit code.
    pub check: bool,
    /// Go on, a line whenever it turns.
    pub watch: bool,
    /// For a script: one word, after the first look.
    pub word: bool,
}

/// All there is to say.
#[derive(Debug)]
struct Report {
    verdict: Verdict,
    /// What is remembered, and for how many seconds it still holds.
    remembered: Option<(Memory, i64)>,
    /// How many seconds ago the node was looked at, and what was tried.
    looked: Option<(u64, Vec<Attempt>)>,
}

/// Gives whether the node is online.
pub fn run(host: &mut Host, settings: &Settings, question: Question) -> bool {
    if question.word {
        let verdict = settle::for_good(host, settings).verdict;
        host.print(format!("{}\n", verdict.state));
        return true;
    }
    let mut report = look(host, settings, question.refresh);
    if question.check && report.is_expired() {
        report = look(host, settings, true);
    }
    let is_online = report.verdict.state == State::Online;
    if question.json {
        host.print(report.json(question.watch));
    } else if question.watch {
        host.print(report.line());
    } else if !question.check {
        host.print(report.text());
    }
    while question.watch {
        clock::sleep(Duration::from_secs(1));
        let before = report.verdict.state;
        if host.has_no_reader() {
            break;
        }
        report = look(host, settings, report.is_expired());
        if report.verdict.state != before
            && !host.print_all(if question.json { report.json(true) } else { report.line() })
        {
            break;
        }
    }
    is_online
}

/// Looks in the background, for a shell whose verdict has expired, and gives back the lock, which its process took.
pub fn for_shell(host: &Host, settings: &Settings, process: u32) {
    match settle::at_rest(host, settings).memory {
        Some(memory) => {
            settle::refresh(host, settings, &memory, Some(process));
        }
        None => drop(Memory::of(host).and_then(|memory| memory.lock(host, Some(process)))),
    }
}

fn look(host: &Host, settings: &Settings, refresh: bool) -> Report {
    let Standing { mut verdict, memory, is_fixed } = settle::at_rest(host, settings);
    let Some(memory) = memory else {
        if !is_fixed {
            verdict = settle::without_memory(host, settings, settings.deadline);
        }
        return Report { verdict, remembered: None, looked: None };
    };
    if refresh || memory.verdict().is_none() {
        verdict = settle::refresh(host, settings, &memory, None);
    }
    let now = boot::seconds(host).unwrap_or_default();
    let left = |kept: &Kept| kept.expires.cast_signed() - now.cast_signed();
    let left = memory.verdict().map_or(0, |kept| left(&kept));
    let looked = memory.attempts().map(|(when, attempts)| (now.saturating_sub(when), attempts));
    Report { verdict, remembered: Some((memory, left)), looked }
}

impl Report {
    fn is_expired(&self) -> bool {
        self.remembered.as_ref().is_some_and(|(_, left)| *left <= 0)
    }

    /// For people.
    fn text(&self) -> String {
        let mut text = format!("{} ({})\n", self.verdict.state, self.verdict.reason);
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
            "targets": self.looked.iter().flat_map(|(_, attempts)| attempts.iter().map(target)).collect::<Vec<_>>(),
        });
        let text =
            if in_one_line { value.to_string() } else { serde_json::to_string_pretty(&value).unwrap_or_default() };
        text + "\n"
    }
}
