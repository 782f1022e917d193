//! An interactive shell's start with the line in its rc file, against an empty rc file and what others put there.

use hpcsh::shell::init::Shell;

use crate::nothing;
use crate::report::{Report, Row, Table, ms};
use crate::rounds::{Candidate, interleave};
use crate::shells::{self, Rc, interactive};
use crate::stage::Stage;

const ROUNDS: usize = 400;

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let mut variants = Rc::installed(report);
    variants.insert(1, Rc::Article);
    if nothing::in_c(stage)?.is_some() {
        variants.insert(1, Rc::Nothing);
    } else {
        report.skip("no compiler for a program that does nothing: the floor of one exec");
    }
    for shell in shells::installed(report) {
        let mut candidates = Vec::new();
        for &rc in &variants {
            let mut command = interactive(stage, shell, rc, "")?;
            command.args(["-c", "exit"]);
            candidates.push(Candidate::process(rc.name(), command));
        }
        let all = interleave(5, ROUNDS, candidates)?;
        let empty = &all[0];
        let zoxide = variants.iter().position(|&rc| rc == Rc::Zoxide).map(|at| all[at].added(empty));
        let name = shells::name(shell);
        let mut table = Table::new(
            format!("start: {name}, from its start to its end ({ROUNDS} rounds)"),
            &["median", "min", "added", "added (medians)"],
        );
        for (series, rc) in all.iter().zip(&variants) {
            let added = series.added(empty);
            let mut row = Row::new(
                format!("{name}, {}", rc.name()),
                [ms(series.median()), ms(series.min()), ms(added), ms(series.median() - empty.median())],
            );
            if *rc == Rc::Hpcsh {
                let goal = goal(shell);
                row = row.goal(format!("≤ {goal} ms added"), added * 1e3 <= goal);
                if let Some(zoxide) = zoxide {
                    row = row.goal("< zoxide", added < zoxide);
                }
            }
            table.row(row);
        }
        report.table(table);
    }
    Ok(())
}

/// Milliseconds that the line may add.
fn goal(shell: Shell) -> f64 {
    match shell {
        Shell::Zsh => 1.3,
        Shell::Bash => 1.4,
    }
}
