//! `hpcsh init` as a process, against programs that do nothing.

use crate::nothing;
use crate::report::{Report, Row, Table, ms, times};
use crate::rounds::{Candidate, Series, interleave};
use crate::stage::{Stage, find};
use crate::trace::{self, Trace};

const ROUNDS: usize = 1000;
const C: &str = "static C that does nothing";
const RUST: &str = "static Rust that does nothing";
const HPCSH: &str = "hpcsh init zsh";
const GOAL: f64 = 1.3;
const CALLS: usize = 60;

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let mut commands = Vec::new();
    for (name, built) in [(C, nothing::in_c(stage)?), (RUST, nothing::in_rust(stage)?)] {
        match built {
            Some(program) => commands.push((name, stage.command(program))),
            None => report.skip(format!("no compiler for the baseline, a {name}")),
        }
    }
    for (name, shell) in [(HPCSH, "zsh"), ("hpcsh init bash", "bash")] {
        let mut command = stage.command(&stage.program);
        command.args(["init", shell]);
        commands.push((name, command));
    }
    if let Some(zoxide) = find("zoxide") {
        let mut command = stage.command(zoxide);
        command.args(["init", "zsh"]);
        commands.push(("zoxide init zsh", command));
    }
    let traces: Vec<Option<usize>> = if trace::is_possible(stage, report) {
        commands
            .iter()
            .map(|(_, command)| Trace::of(command).map(|trace| Some(trace.count())))
            .collect::<Result<_, _>>()?
    } else {
        vec![None; commands.len()]
    };

    let candidates = commands.into_iter().map(|(name, command)| Candidate::process(name, command)).collect();
    let all = interleave(10, ROUNDS, candidates)?;
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
        if series.name == HPCSH {
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
