//! What hpcsh costs, each thing against its baseline in the same run: `cargo bench`, or `cargo bench -- NAME…` for some.
//!
//! The goals stand beside the figures and are no tests: a missed one is marked `OVER` and the run still ends well. What
//! cannot run here says so. Nothing leaves the machine, and nothing outside a temporary directory is written.
//!
//! The benches: [`process`], [`start`], [`prompt`], [`act`], [`cd`], [`script`], [`completion`], [`node`], [`local`], [`hung`], [`airgap`]. What they
//! stand on: [`stage`] (a throwaway home), [`house`] (another one on it), [`storage`] (shared storage that is slow or hangs), [`shells`] (how each shell is started), [`nothing`] (programs that do nothing), [`rounds`] (shuffled rounds),
//! [`trace`] (system calls), [`terminal`] (a shell under a terminal), [`report`] (the tables).

// The lints keep the program behind its door to the world; a bench is the world: it prints, and starts processes.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

mod act;
mod airgap;
mod cd;
mod completion;
mod house;
mod hung;
mod local;
mod node;
mod nothing;
mod process;
mod prompt;
mod report;
mod rounds;
mod script;
mod shells;
mod stage;
mod start;
#[path = "../../tests/it/storage.rs"]
#[allow(dead_code)] // the tests use more of it
mod storage;
mod terminal;
mod trace;

use std::process::ExitCode;
use std::time::Instant;

use report::Report;
use stage::Stage;

/// A bench: prints its tables; an error is something broken, never a missed goal.
type Bench = fn(&Stage, &mut Report) -> Result<(), String>;

const BENCHES: [(&str, Bench); 11] = [
    ("process", process::run),
    ("start", start::run),
    ("prompt", prompt::run),
    ("act", act::run),
    ("cd", cd::run),
    ("script", script::run),
    ("completion", completion::run),
    ("node", node::run),
    ("local", local::run),
    ("hung", hung::run),
    ("airgap", airgap::run),
];

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == terminal::LEADER) {
        return terminal::lead(&words.split_off(1));
    }
    let asked = words.iter().any(|word| word == "--bench");
    words.retain(|word| !word.starts_with('-'));
    if !asked || cfg!(debug_assertions) {
        println!("benches run under `cargo bench` only: the figures of a debug build mean nothing");
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = words.iter().find(|word| BENCHES.iter().all(|(name, _)| name != word)) {
        eprintln!("no bench {unknown}; there are {}", BENCHES.map(|(name, _)| name).join(", "));
        return ExitCode::from(2);
    }
    let stage = match Stage::new() {
        Ok(stage) => stage,
        Err(why) => {
            eprintln!("FAILED: {why}");
            return ExitCode::FAILURE;
        }
    };
    let started = Instant::now();
    let mut report = Report::default();
    for line in stage.surroundings() {
        println!("{line}");
    }
    for (name, bench) in BENCHES {
        if (words.is_empty() || words.iter().any(|word| word == name))
            && let Err(why) = bench(&stage, &mut report)
        {
            report.fail(format!("{name}: {why}"));
        }
    }
    report.end(started.elapsed())
}
