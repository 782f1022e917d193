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
#[path = "../shell/entry.rs"]
mod entry;
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

use cache::Cache;
use entry::Bench;

const BENCHES: [Bench<Cache>; 3] = [("path", path::run), ("list", list::run), ("slow", list::slow)];

fn main() -> ExitCode {
    entry::run(&BENCHES, |stage| {
        let cache = Cache::fill(stage)?;
        println!("{} models of {} files; {}", cache::MODELS, cache::FILES, cache.library());
        Ok(cache)
    })
}
