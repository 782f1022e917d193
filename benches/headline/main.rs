//! The headline: how long programs take to fail, or to start from a cache, on a node whose packets to the internet vanish: before, with
//! the resolver, and with resolver and variables. `cargo bench --bench headline`; it takes about three minutes.
//!
//! Each program runs in a network and mounts of its own, with a name server in resolv.conf to which packets are lost. What stands
//! at [`CAP`] was ended there. The last table is the README's.

// The lints keep the program behind its door to the world; a bench is the world: it prints, and starts processes.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]
// The modules of others have more than is used here.
#![allow(dead_code)]

#[path = "../shell/entry.rs"]
mod entry;
mod inside;
mod programs;
#[path = "../shell/report.rs"]
mod report;
#[path = "../shell/stage.rs"]
mod stage;

use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use entry::Bench;
use inside::World;
use programs::Program;
use report::{Report, Row, Table};
use stage::Stage;

/// The before column stops here.
const CAP: Duration = Duration::from_mins(2);
const GOAL: f64 = 2.0;
const BENCHES: [Bench<Stage>; 1] = [("headline", run)];
/// A user who has chosen nothing: `failfast` holds of itself.
const CONFIGURATION: &str = "[node]\nverdict = \"offline\"\n";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    match words.split_first() {
        Some((_, [first, rest @ ..])) if first == inside::WORD => inside::run(rest),
        _ => entry::run(&BENCHES, Ok),
    }
}

fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let Some(namespace) = namespace() else {
        report.skip("no namespaces here: nothing may reach the real network");
        return Ok(());
    };
    let config = stage.write("headline/config.toml", CONFIGURATION)?;
    let mut all = programs::prepare(stage, report)?;
    // Before: they mostly sleep, so all at once. With the resolver: some sleep still. With both: one after the other.
    for (column, world, is_abreast) in [(0, World::Lost, true), (1, World::Resolver, true), (2, World::Both, false)] {
        let one = |program: &Program| -> Result<f64, String> {
            let mut command = Command::new(namespace[0]);
            command.args(&namespace[1..]).arg(std::env::current_exe().map_err(|error| error.to_string())?);
            command.args([inside::WORD, world.word(), &CAP.as_secs().to_string()]);
            command.arg(&stage.program).arg(&config).args(&program.words);
            command.env_clear().envs(program.variables.iter().cloned()).current_dir(&program.dir);
            command.stdin(Stdio::null());
            let output = command.output().map_err(|error| error.to_string())?;
            let text = String::from_utf8_lossy(&output.stdout);
            text.lines()
                .last()
                .and_then(|line| line.parse().ok())
                .ok_or_else(|| format!("{}: {}{}", program.name, text, String::from_utf8_lossy(&output.stderr)))
        };
        let taken: Vec<Result<f64, String>> = if is_abreast {
            std::thread::scope(|scope| {
                let lanes: Vec<_> = all.iter().map(|program| scope.spawn(|| one(program))).collect();
                lanes
                    .into_iter()
                    .map(|lane| lane.join().unwrap_or_else(|_| Err("a thread has panicked".into())))
                    .collect()
            })
        } else {
            all.iter().map(one).collect()
        };
        for (program, taken) in all.iter_mut().zip(taken) {
            program.taken[column] = taken?;
        }
    }
    let mut table =
        Table::new("headline: seconds until they end", &["packets lost", "resolver", "resolver and variables"]);
    let mut text = String::from(
        "| program | packets lost | with the resolver | with resolver and variables |\n|---|---|---|---|\n",
    );
    for program in &all {
        let said = |seconds: f64| match seconds {
            capped if capped >= CAP.as_secs_f64() => format!("> {} s", CAP.as_secs()),
            long if long >= 10.0 => format!("{long:.0} s"),
            short if short < 0.01 => format!("{short:.3} s"),
            short => format!("{short:.2} s"),
        };
        let [before, resolver, both] = program.taken.map(said);
        text.push_str(&format!("| {} | {before} | {resolver} | {both} |\n", program.name));
        let row = Row::new(program.name, [before, resolver, both]);
        table.row(row.goal(format!("≤ {GOAL} s"), program.taken[2] <= GOAL));
    }
    report.table(table);
    println!("\n{text}");
    Ok(())
}

/// The words that bring a command into a network and mounts of its own.
fn namespace() -> Option<&'static [&'static str]> {
    const WAYS: [&[&str]; 2] =
        [&["unshare", "--net", "--mount"], &["unshare", "--net", "--mount", "--user", "--map-root-user"]];
    WAYS.into_iter().find(|words| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg("true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}
