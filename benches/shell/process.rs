//! `hpcsh init` as a process, against programs that do nothing: with the answer known, as at all logins but the first after a
//! change, and found out, as it always is where nobody reads it.

use std::process::Command;

use crate::nothing;
use crate::report::{Report, Row, Table, ms, times};
use crate::rounds::{Candidate, Series, interleave};
use crate::stage::{Stage, find};
use crate::trace::{self, Trace};

const ROUNDS: usize = 400;
const C: &str = "static C that does nothing";
const RUST: &str = "static Rust that does nothing";
const KNOWN: &str = "hpcsh init zsh";
const FOUND: &str = "hpcsh init zsh, found out";
const GOAL: f64 = 1.3;
const CALLS: usize = 60;

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    stage.settle()?;
    let mut commands = Vec::new();
    for (name, built) in [(C, nothing::in_c(stage)?), (RUST, nothing::in_rust(stage)?)] {
        match built {
            Some(program) => commands.push((name, true, stage.command(program))),
            None => report.skip(format!("no compiler for the baseline, a {name}")),
        }
    }
    for (name, is_read, shell) in [
        (KNOWN, true, "zsh"),
        ("hpcsh init bash", true, "bash"),
        (FOUND, false, "zsh"),
        ("hpcsh init bash, found out", false, "bash"),
    ] {
        let mut command = stage.command(&stage.program);
        command.args(["init", shell]);
        commands.push((name, is_read, command));
    }
    if let Some(zoxide) = find("zoxide") {
        let mut command = stage.command(zoxide);
        command.args(["init", "zsh"]);
        commands.push(("zoxide init zsh", true, command));
    }
    let can_trace = trace::is_possible(stage, report);
    let calls = |is_read: bool, command: &Command| match (can_trace, is_read) {
        (false, _) => Ok(None),
        (true, true) => Trace::of(command).map(|trace| Some(trace.count())),
        (true, false) => Trace::unread(command).map(|trace| Some(trace.count())),
    };
    let traces: Vec<Option<usize>> =
        commands.iter().map(|(_, is_read, command)| calls(*is_read, command)).collect::<Result<_, _>>()?;

    let candidates = commands.into_iter().map(|(name, is_read, command)| {
        if is_read { Candidate::substituted(name, command) } else { Candidate::process(name, command) }
    });
    let all = interleave(10, ROUNDS, candidates.collect())?;
    let base = |name: &str| all.iter().find(|series| series.name == name);
    let against = |series: &Series, name| base(name).map(|base| series.ratio(base));
    let mut table = Table::new(
        format!("process: a start with a configuration of 30 lines ({ROUNDS} rounds)"),
        &["median", "min", "to C", "to Rust", "system calls"],
    );
    for (series, calls) in all.iter().zip(traces) {
        let said = |ratio: Option<f64>| ratio.map_or("-".to_owned(), times);
        let to_c = against(series, C);
        let mut row = Row::new(
            series.name.clone(),
            [
                ms(series.median()),
                ms(series.min()),
                said(to_c),
                said(against(series, RUST)),
                calls.map_or("-".to_owned(), |calls| calls.to_string()),
            ],
        );
        if [KNOWN, FOUND].contains(&&*series.name) {
            if let Some(ratio) = to_c {
                row = row.goal(format!("≤ {} C", times(GOAL)), ratio <= GOAL);
            }
            if let Some(calls) = calls {
                row = row.goal(format!("≤ {CALLS} calls"), calls <= CALLS);
            }
        }
        table.row(row);
    }
    report.table(table);
    Ok(())
}
