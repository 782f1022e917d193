//! Memory after many questions, and the time from the start to the first answer.

use std::time::Duration;

use crate::entry;
use crate::load::{self, Shape, questions};
use crate::report::{Report, Row, Table, ms, times};
use crate::rounds::{Candidate, interleave};
use crate::servers::{Engine, INTERNET, Role, Server};
use crate::stage::Stage;

const QUESTIONS: f64 = 1e7;
const STARTS: usize = 25;
const GOAL: f64 = 5.0;
const ENGINES: [Engine; 2] = [Engine::Ours, Engine::Dnsmasq];

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let names = questions(60_000, INTERNET);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // millions
    let answers = (QUESTIONS * entry::share()) as usize;
    let shape = Shape { window: 100, answers, span: Duration::from_mins(5), code: 3 };
    let mut table = Table::new(
        format!("memory: after {answers} questions for 60,000 names"),
        &["at its start", "afterwards", "answers", "lost or wrong"],
    );
    let mega = |bytes: f64| format!("{:.2} MB", bytes / 1e6);
    let mut starts = Vec::new();
    for engine in ENGINES {
        let Some(server) = Server::start(stage, engine, Role::Block)? else {
            report.skip(format!("{} is not there", engine.name()));
            continue;
        };
        let before = server.memory()?;
        let outcome = load::udp(server.address, &names, shape)?;
        let after = server.memory()?;
        let bad = (outcome.wrong + outcome.lost).to_string();
        let row = Row::new(engine.name(), [mega(before), mega(after), outcome.answers.to_string(), bad]);
        let is_ours = engine == Engine::Ours;
        table.row(if is_ours { row.goal(format!("≤ {GOAL} MB"), after <= GOAL * 1e6) } else { row });
        starts.push(Candidate::new(engine.name(), move || {
            Server::start(stage, engine, Role::Block)?.map(|server| server.first).ok_or("it went away".to_owned())
        }));
    }
    report.table(table);
    let all = interleave(2, STARTS, starts)?;
    let title = format!("start to first answer ({STARTS} starts)");
    let mut table = Table::new(title, &["median", "min", "ours to it"]);
    for series in &all {
        let ratio = all[0].median() / series.median();
        let row = Row::new(series.name.clone(), [ms(series.median()), ms(series.min()), times(ratio)]);
        let row = if series.name == Engine::Dnsmasq.name() { row.goal("≤ 1.00 ×", ratio <= 1.0) } else { row };
        table.row(row);
    }
    report.table(table);
    Ok(())
}
