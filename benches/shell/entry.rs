//! How every bench program starts and ends: the words, the surroundings, each bench that is wanted, the last line.

use std::process::ExitCode;
use std::time::Instant;

use crate::report::Report;
use crate::stage::Stage;

/// A bench and its name: prints its tables; an error is something broken, never a missed goal.
pub type Bench<S> = (&'static str, fn(&S, &mut Report) -> Result<(), String>);

/// Runs the benches that the words name, all of them where there are none, on what `prepare` makes of the stage.
pub fn run<S>(benches: &[Bench<S>], prepare: impl FnOnce(Stage) -> Result<S, String>) -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let asked = words.iter().any(|word| word == "--bench");
    words.retain(|word| !word.starts_with('-'));
    if !asked || cfg!(debug_assertions) {
        println!("benches run under `cargo bench` only: the figures of a debug build mean nothing");
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = words.iter().find(|word| benches.iter().all(|(name, _)| name != word)) {
        let names: Vec<&str> = benches.iter().map(|(name, _)| *name).collect();
        eprintln!("no bench {unknown}; there are {}", names.join(", "));
        return ExitCode::from(2);
    }
    let said = |stage: Stage| {
        stage.surroundings().iter().for_each(|line| println!("{line}"));
        prepare(stage)
    };
    let prepared = match Stage::new().and_then(said) {
        Ok(prepared) => prepared,
        Err(why) => {
            eprintln!("FAILED: {why}");
            return ExitCode::FAILURE;
        }
    };
    let started = Instant::now();
    let mut report = Report::default();
    for (name, bench) in benches {
        if (words.is_empty() || words.iter().any(|word| word == name))
            && let Err(why) = bench(&prepared, &mut report)
        {
            report.fail(format!("{name}: {why}"));
        }
    }
    report.end(started.elapsed())
}

/// How much of each bench is run: `HPCSH_BENCH_SHARE=0.1` is a tenth, for a first look.
#[allow(dead_code)] // for the long ones
pub fn share() -> f64 {
    std::env::var("HPCSH_BENCH_SHARE").ok().and_then(|share| share.parse().ok()).unwrap_or(1.0)
}
