//! What `hpcsh hf` costs, each thing against its baseline in the same run: `cargo bench --bench storage`, or with names for some.
//!
//! The goals stand beside the figures and are no tests: a missed one is marked `OVER` and the run still ends well. What
//! cannot run here says so. Nothing leaves the machine, and nothing outside a temporary directory is written.
//!
//! The benches: [`path`], [`list`]. What they stand on: [`cache`] (a cache of 200 models), the stage, rounds and tables of
//! `benches/shell`, and the slow storage of the tests.

// The lints keep the program behind its door to the world; a bench is the world: it prints, and starts processes.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]
// The modules of others have more than is used here.
#![allow(dead_code)]

mod cache;
mod list;
mod path;
#[path = "../shell/report.rs"]
mod report;
#[path = "../shell/rounds.rs"]
mod rounds;
#[path = "../shell/stage.rs"]
mod stage;
#[path = "../../tests/it/storage.rs"]
mod storage;

use std::process::ExitCode;
use std::time::Instant;

use cache::Cache;
use report::Report;
use stage::Stage;

/// A bench: prints its tables; an error is something broken, never a missed goal.
type Bench = fn(&Cache<'_>, &mut Report) -> Result<(), String>;

const BENCHES: [(&str, Bench); 3] = [("path", path::run), ("list", list::run), ("slow", list::slow)];

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
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
    let made = Stage::new().and_then(|stage| Cache::fill(&stage).map(|()| stage));
    let stage = match made {
        Ok(stage) => stage,
        Err(why) => {
            eprintln!("FAILED: {why}");
            return ExitCode::FAILURE;
        }
    };
    let cache = Cache::of(&stage);
    let started = Instant::now();
    let mut report = Report::default();
    for line in stage.surroundings() {
        println!("{line}");
    }
    println!("{} models of {} files; {}", cache::MODELS, cache::FILES, cache.library());
    for (name, bench) in BENCHES {
        if (words.is_empty() || words.iter().any(|word| word == name))
            && let Err(why) = bench(&cache, &mut report)
        {
            report.fail(format!("{name}: {why}"));
        }
    }
    report.end(started.elapsed())
}
