//! Memory after many questions, and the time from the start to the first answer: without a list of suffixes, and with one.

use std::time::Duration;

use crate::entry;
use crate::load::{self, Shape, questions};
use crate::report::{Report, Row, Table, ms, times};
use crate::rounds::{Candidate, interleave};
use crate::servers::{Engine, INTERNET, Listed, Role, Server};
use crate::stage::Stage;

const QUESTIONS: f64 = 1e7;
const STARTS: usize = 25;
const GOAL: f64 = 5.0;
const ENGINES: [Engine; 2] = [Engine::Ours, Engine::Dnsmasq];
/// Both have the same list.
const LISTS: [(Listed, &str); 2] = [(Listed::None, ""), (Listed::All, ", each with the same 10,000 suffixes")];

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    for (listed, title) in LISTS {
        let there: Vec<Engine> = memory(stage, report, listed, title)?;
        starts(stage, report, &there, listed, title)?;
    }
    Ok(())
}

/// Gives who is there.
fn memory(stage: &Stage, report: &mut Report, listed: Listed, title: &str) -> Result<Vec<Engine>, String> {
    let names = questions(60_000, INTERNET);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // millions
    let answers = (QUESTIONS * entry::share()) as usize;
    let shape = Shape { window: 100, answers, span: Duration::from_mins(5), code: 3 };
    let mut table = Table::new(
        format!("memory: after {answers} questions for 60,000 names{title}"),
        &["at its start", "afterwards", "answers", "lost or wrong"],
    );
    let mega = |bytes: f64| format!("{:.2} MB", bytes / 1e6);
    let mut there = Vec::new();
    for engine in ENGINES {
        let Some(server) = Server::start(stage, engine, Role::Block(listed))? else {
            report.skip(format!("{} is not there", engine.name()));
            continue;
        };
        let before = server.memory()?;
        let outcome = load::udp(server.address, &names, shape)?;
        let after = server.memory()?;
        let bad = (outcome.wrong + outcome.lost).to_string();
        let row = Row::new(engine.name(), [mega(before), mega(after), outcome.answers.to_string(), bad]);
        // The suffixes themselves are no part of the goal.
        let has_goal = engine == Engine::Ours && listed == Listed::None;
        table.row(if has_goal { row.goal(format!("≤ {GOAL} MB"), after <= GOAL * 1e6) } else { row });
        there.push(engine);
    }
    report.table(table);
    Ok(there)
}

fn starts(stage: &Stage, report: &mut Report, engines: &[Engine], listed: Listed, title: &str) -> Result<(), String> {
    let candidate = |engine: &Engine| {
        let engine = *engine;
        Candidate::new(engine.name(), move || {
            let server = Server::start(stage, engine, Role::Block(listed))?;
            server.map(|server| server.first).ok_or("it went away".to_owned())
        })
    };
    let all = interleave(2, STARTS, engines.iter().map(candidate).collect())?;
    let title = format!("start to first answer ({STARTS} starts){title}");
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
