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
mod entry;
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

use entry::Bench;
use stage::Stage;

const BENCHES: [Bench<Stage>; 11] = [
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
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((first, rest)) if first == terminal::LEADER => terminal::lead(rest),
        _ => entry::run(&BENCHES, Ok),
    }
}
