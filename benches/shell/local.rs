//! A start without a process: the installer's line that reads first what the node has kept of the last login.

use hpcsh::shell::code::Shell;

use crate::house::{House, line};
use crate::node::remember;
use crate::report::{Report, Row, Table, ms};
use crate::rounds::{Candidate, interleave};
use crate::shells::{self, first_prompt};
use crate::stage::{Stage, output};
use crate::trace::{self, Trace};

const ROUNDS: usize = 100;
const GOAL: f64 = 0.5e-3;
const CONFIGURATION: &str = include_str!("fixtures/config.toml");

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let can_trace = trace::is_possible(stage, report);
    for shell in shells::installed(report).into_iter().filter(|shell| *shell != Shell::Fish) {
        let name = shells::name(shell);
        let empty = House::bare(stage, "local-empty")?;
        let usual = House::new(stage, "local-usual", CONFIGURATION)?;
        let first = House::new(stage, "local-first", CONFIGURATION)?;
        let looked =
            House::new(stage, "local-looked", &CONFIGURATION.replace("verdict = \"offline\"", "ttl = \"1h\""))?;
        remember(stage, &looked)?;
        let rc = first.installed(shell, &stage.program)?;
        let houses = [
            ("empty rc", &empty, String::new()),
            ("the usual line", &usual, line(shell)),
            ("local first", &first, rc.clone()),
            ("local first, a remembered verdict", &looked, rc),
        ];
        for (when, script) in [("from its start to its end", "exit"), ("with the first prompt", first_prompt(shell))] {
            let mut table = Table::new(
                format!("local: {name}, {when} ({ROUNDS} rounds)"),
                &["median", "min", "added", "execs", "in the shared home"],
            );
            let mut candidates = Vec::new();
            let mut traces = Vec::new();
            for (what, house, rc) in &houses {
                // What the node keeps is of one home.
                let mut command = house.shell(shell, rc, &["-c", script])?;
                command.env("HPCSH_LOCAL_DIR", house.path().join(".node")).current_dir(stage.path("home"));
                // The first one is what the others read; and zsh's first prompt compiles it.
                for _ in 0..2 {
                    let mut prompt = house.shell(shell, rc, &["-c", first_prompt(shell)])?;
                    prompt.env("HPCSH_LOCAL_DIR", house.path().join(".node")).current_dir(stage.path("home"));
                    output(&mut prompt)?;
                }
                traces.push(if can_trace { Some(Trace::of(&command)?) } else { None });
                candidates.push(Candidate::process(format!("{name}, {what}"), command));
            }
            let all = interleave(5, ROUNDS, candidates)?;
            for (series, trace) in all.iter().zip(&traces) {
                let added = series.added(&all[0]);
                // Its own is one of them.
                let execs = trace.as_ref().map(|trace| trace.execs() - 1);
                let shared = trace.as_ref().map(|trace| trace.below(&stage.shared));
                let said = |count: Option<usize>| count.map_or("-".to_owned(), |count| count.to_string());
                let mut row = Row::new(
                    series.name.clone(),
                    [ms(series.median()), ms(series.min()), ms(added), said(execs), said(shared)],
                );
                if series.name.contains("local first") {
                    if script == "exit" {
                        row = row.goal("≤ 0.5 ms added", added <= GOAL);
                    }
                    if let (Some(execs), Some(shared)) = (execs, shared) {
                        row = row.goal("no exec", execs == 0).goal("no call in the shared home", shared == 0);
                    }
                }
                table.row(row);
            }
            report.table(table);
        }
    }
    Ok(())
}
