//! The node's verdict: a prompt that shows a fresh one, and a login that finds one remembered.

use std::fs;

use hpcsh::shell::code::Shell;

use crate::house::{House, line};
use crate::prompt::typed;
use crate::report::{Report, Row, Table, ms, times, us};
use crate::rounds::{Candidate, interleave};
use crate::shells;
use crate::stage::{Stage, find, output};
use crate::terminal::PROMPT;
use crate::trace;

const ROUNDS: usize = 25;
/// Starts of the program.
const STARTS: usize = 200;
/// Prompts under strace.
const TRACED: usize = 20;
const PROMPT_GOAL: f64 = 40e-6;
const INIT_GOAL: f64 = 1.15;
/// Calls in the run directory for one look at the verdict: whose it is, what it says.
const ONE_LOOK: usize = 6;

const LOOKED: &str = "shared_home = \"/STAGE/shared\"\nlocal_dir = \"/STAGE/local\"\n[node]\nttl = \"1h\"\n";
const CONFIGURED: &str =
    "shared_home = \"/STAGE/shared\"\nlocal_dir = \"/STAGE/local\"\n[node]\nttl = \"1h\"\nverdict = \"offline\"\n";

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let looked = House::new(stage, "looked", LOOKED)?;
    let configured = House::new(stage, "configured", CONFIGURED)?;
    remember(stage, &looked)?;
    init(stage, report, &looked, &configured)?;
    let can_trace = trace::is_possible(stage, report);
    for shell in shells::installed(report).into_iter().filter(|shell| *shell != Shell::Fish) {
        prompts(stage, report, shell, &looked)?;
        if can_trace {
            count(stage, report, shell, &looked)?;
        }
    }
    if find("zsh-bench").is_none() {
        report.skip("zsh-bench is not here: its first prompt (goal: ≤ 3 ms more than a bare zsh) is not measured");
    }
    Ok(())
}

/// Has the node remember that it is offline, without a look.
pub fn remember(stage: &Stage, house: &House) -> Result<(), String> {
    output(house.command(&stage.program).args(["status", "--refresh"]))?;
    let broken = |error: std::io::Error| format!("no verdict to remember: {error}");
    for entry in fs::read_dir(stage.path("run/hpcsh")).map_err(broken)?.flatten() {
        let path = entry.path();
        if path.to_string_lossy().ends_with("-verdict") {
            let text = fs::read_to_string(&path).map_err(broken)?;
            fs::write(&path, text.replacen("unknown", "offline", 1)).map_err(broken)?;
        }
    }
    let said = output(house.command(&stage.program).args(["status", "--word"]))?;
    if said.trim() == "offline" { Ok(()) } else { Err(format!("the verdict is not remembered, but {said:?}")) }
}

fn init(stage: &Stage, report: &mut Report, looked: &House, configured: &House) -> Result<(), String> {
    let mut table = Table::new(
        format!("node: `hpcsh init` with a remembered verdict ({STARTS} rounds)"),
        &["median", "min", "to configured"],
    );
    for shell in ["zsh", "bash"] {
        let of = |what: &str, house: &House| {
            let mut command = house.command(&stage.program);
            command.args(["init", shell]);
            Candidate::process(format!("{shell}, {what}"), command)
        };
        let all = interleave(10, STARTS, vec![of("configured", configured), of("remembered", looked)])?;
        for (at, series) in all.iter().enumerate() {
            let ratio = series.ratio(&all[0]);
            let mut row = Row::new(series.name.clone(), [ms(series.median()), ms(series.min()), times(ratio)]);
            if at == 1 {
                row = row.goal("≤ 1.15 × configured", ratio <= INIT_GOAL);
            }
            table.row(row);
        }
    }
    report.table(table);
    Ok(())
}

fn prompts(stage: &Stage, report: &mut Report, shell: Shell, looked: &House) -> Result<(), String> {
    let name = shells::name(shell);
    let text =
        if shell == Shell::Zsh { include_str!("fixtures/prompt.zsh") } else { include_str!("fixtures/prompt.bash") };
    let file = stage.write(&format!("prompt.{name}"), text)?.to_string_lossy().into_owned();
    let mut variants = vec![("empty rc", String::new(), "1000"), ("hpcsh, a fresh verdict", line(shell), "1000")];
    for (program, verb) in [("starship", "init"), ("direnv", "hook")] {
        if let Some(path) = find(program) {
            // The houses have none of what is installed elsewhere in their PATH.
            variants.push((program, format!("eval \"$('{}' {verb} {name})\"\n", path.display()), "20"));
        } else {
            report.skip(format!("{program} is not installed: nothing to compare a prompt with"));
        }
    }
    let mut candidates = Vec::new();
    for (at, (what, rc, prompts)) in variants.iter().enumerate() {
        // A home each: the rc files stay.
        let house = if at == 1 { None } else { Some(House::bare(stage, &format!("prompt-{what}"))?) };
        let house = house.as_ref().unwrap_or(looked);
        let mut command = house.shell(shell, rc, &["-c", ". \"$0\"", &file, prompts])?;
        command.current_dir(&stage.work);
        candidates.push(Candidate::measuring(format!("{name}, {what}"), command));
    }
    let all = interleave(1, ROUNDS, candidates)?;
    let title = format!("node: {name}, one prompt with the node in it ({ROUNDS} rounds)");
    let mut table = Table::new(title, &["median", "min", "added"]);
    for (at, series) in all.iter().enumerate() {
        let added = series.added(&all[0]);
        let mut row = Row::new(series.name.clone(), [us(series.median()), us(series.min()), us(added)]);
        if at == 1 {
            row = row.goal("≤ 40 µs added", added <= PROMPT_GOAL);
        }
        table.row(row);
    }
    report.table(table);
    Ok(())
}

fn count(stage: &Stage, report: &mut Report, shell: Shell, looked: &House) -> Result<(), String> {
    let name = shells::name(shell);
    let title = format!("node: {name}, {TRACED} prompts under a terminal, in the shared home");
    let mut table =
        Table::new(title, &["system calls", "forks", "execs", "in the shared home", "in the run directory"]);
    let mut empty = None;
    for (what, house) in [("empty rc", &House::bare(stage, "prompt-empty")?), ("hpcsh", looked)] {
        let rc = if what == "hpcsh" { line(shell) } else { String::new() } + &format!("PS1='{PROMPT}'\n");
        let mut command = house.shell(shell, &rc, &[])?;
        command.current_dir(&stage.work);
        let trace = typed(&command, TRACED)?;
        let run = trace.below(&stage.path("run"));
        let counts = [trace.count(), trace.forks(), trace.execs(), trace.within(&stage.shared), run];
        let base = *empty.get_or_insert(counts[3]);
        let mut row = Row::new(format!("{name}, {what}"), counts.map(|count| count.to_string()));
        if what == "hpcsh" {
            row = row
                .goal("no fork", counts[1] == 0)
                .goal("no exec", counts[2] == 0)
                .goal("no call in the shared home", counts[3] <= base)
                .goal("one small read at the most", run <= ONE_LOOK);
        }
        table.row(row);
    }
    report.table(table);
    Ok(())
}
