//! What there is: `hf ls` against the library's command and `du`, from memory and where each operation waits for a server.

use std::time::Duration;

use crate::cache::Cache;
use crate::report::{Report, Row, Table, ms, times};
use crate::rounds::{Candidate, Series, interleave};
use crate::storage::{Behaviour, Storage};

const ROUNDS: usize = 20;
/// Of these, one takes `du` half a minute.
const SLOW_ROUNDS: usize = 3;
const DELAY: Duration = Duration::from_millis(2);

const DU: &str = "du -s";
const THEIRS: &str = "hf cache ls";

/// From memory.
pub fn run(cache: &Cache, report: &mut Report) -> Result<(), String> {
    let mut candidates = candidates(cache);
    match cache.theirs(&["cache", "ls"]) {
        Some(theirs) => candidates.push(Candidate::process(THEIRS, theirs)),
        None => report.skip("huggingface_hub is not installed: no `hf cache ls`"),
    }
    let all = interleave(2, ROUNDS, candidates)?;
    let title = format!("list: all models, from memory ({ROUNDS} rounds)");
    report.table(table(&title, &all, THEIRS, 20.0));
    Ok(())
}

/// Where each operation takes 2 ms.
pub fn slow(cache: &Cache, report: &mut Report) -> Result<(), String> {
    let storage = match Storage::mount(&cache.stage.shared, &cache.stage.shared) {
        Ok(storage) => storage,
        Err(why) => {
            report.skip(why);
            return Ok(());
        }
    };
    storage.behave(Behaviour::Delay(DELAY));
    let all = interleave(0, SLOW_ROUNDS, candidates(cache));
    storage.behave(Behaviour::Answers);
    let title = format!("slow: all models, each operation takes {DELAY:?} ({SLOW_ROUNDS} rounds)");
    report.table(table(&title, &all?, DU, 5.0));
    Ok(())
}

fn candidates(cache: &Cache) -> Vec<Candidate<'static>> {
    let mut du = cache.stage.command("du");
    du.arg("-s").arg(cache.path());
    vec![Candidate::process("hpcsh hf ls", cache.ours(&["ls"])), Candidate::process(DU, du)]
}

fn table(title: &str, all: &[Series], against: &str, goal: f64) -> Table {
    let ours = &all[0];
    let mut table = Table::new(title, &["median", "min", "to ours"]);
    for series in all {
        let mut row = Row::new(series.name.clone(), [ms(series.median()), ms(series.min()), times(series.ratio(ours))]);
        if series.name == against {
            row = row.goal(format!("≥ {goal} × ours"), series.ratio(ours) >= goal);
        }
        table.row(row);
    }
    table
}
