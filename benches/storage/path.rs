//! Where a model lies: `hf path` against the library's command, and against a `find` that one would write instead.

use crate::cache::{Cache, NAME};
use crate::report::{Report, Row, Table, ms, times};
use crate::rounds::{Candidate, interleave};
use crate::stage::output;

const ROUNDS: usize = 40;

/// The bench.
pub fn run(cache: &Cache, report: &mut Report) -> Result<(), String> {
    let mut find = cache.stage.command("find");
    let directory = format!("models--{}", NAME.replace('/', "--"));
    find.arg(cache.path().join(directory)).args(["-path", "*/snapshots/*", "-prune", "-print"]);
    let mut candidates = vec![
        Candidate::process("hpcsh hf path", cache.ours(&["path", NAME])),
        Candidate::process("find, in its directory", find),
    ];
    match cache.theirs(&["download", "-q", NAME]) {
        Some(mut theirs) => {
            let (theirs_said, ours_said) = (output(&mut theirs)?, output(&mut cache.ours(&["path", NAME]))?);
            if theirs_said != ours_said {
                return Err(format!("the library says {theirs_said:?}, and we say {ours_said:?}"));
            }
            candidates.push(Candidate::process("hf download -q", theirs));
        }
        None => report.skip("huggingface_hub is not installed: no `hf download -q`"),
    }
    let all = interleave(3, ROUNDS, candidates)?;
    let ours = &all[0];
    let mut table =
        Table::new(format!("path: a model of a list of files ({ROUNDS} rounds)"), &["median", "min", "to ours"]);
    for series in &all {
        let mut row = Row::new(series.name.clone(), [ms(series.median()), ms(series.min()), times(series.ratio(ours))]);
        if series.name == ours.name {
            row = row.goal("≤ 5 ms", series.median() <= 5e-3);
        } else if series.name.starts_with("hf ") {
            row = row.goal("≥ 50 × ours", series.ratio(ours) >= 50.0);
        }
        table.row(row);
    }
    report.table(table);
    Ok(())
}
