//! `hpcsh airgap` around a command, against the command alone.

use crate::report::{Report, Row, Table, ms};
use crate::rounds::{Candidate, interleave};
use crate::stage::Stage;

const ROUNDS: usize = 80;
/// Milliseconds that it may add.
const GOAL: f64 = 15.0;

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let rehearsed = |switches: &[&str]| {
        let mut command = stage.command(&stage.program);
        command.arg("airgap").args(switches).args(["--", "true"]);
        command
    };
    // Where no network of one's own can be made, or none that drops packets.
    let is_possible = |switches: &[&str]| rehearsed(switches).output().is_ok_and(|output| output.status.success());
    let rows = [
        ("hpcsh airgap true", &[][..]),
        ("hpcsh airgap --keep-env true", &["--keep-env"]),
        ("hpcsh airgap --hang true", &["--hang"]),
    ];
    let mut candidates = vec![Candidate::process("true", stage.command("true"))];
    for (name, switches) in rows {
        if is_possible(switches) {
            candidates.push(Candidate::process(name, rehearsed(switches)));
        } else {
            report.skip(format!("{name}: the kernel does not allow it here"));
        }
    }
    let all = interleave(5, ROUNDS, candidates)?;
    let mut table = Table::new(format!("airgap: a command rehearsed ({ROUNDS} rounds)"), &["median", "min", "added"]);
    for series in &all {
        let added = series.added(&all[0]);
        let mut row = Row::new(series.name.clone(), [ms(series.median()), ms(series.min()), ms(added)]);
        if series.name == rows[0].0 {
            row = row.goal(format!("≤ {GOAL} ms added"), added * 1e3 <= GOAL);
        }
        table.row(row);
    }
    report.table(table);
    Ok(())
}
