//! Names of the internet, which all of them know not to exist.

use std::time::Duration;

use crate::entry;
use crate::load::{self, Outcome, Shape, questions};
use crate::report::{Report, Row, Table, times, us};
use crate::servers::{Engine, INTERNET, Listed, Role, Server};
use crate::stage::Stage;

const ROUNDS: f64 = 9.0;
const SPAN: Duration = Duration::from_secs(1);
const NAMES: u16 = 10_000;
const WINDOW: usize = 100;
const CONNECTIONS: usize = 10;
/// The code of "there is no such name".
const NO_NAME: u8 = 3;

/// A second's load in each round.
pub struct Measured {
    /// Who.
    pub engine: Engine,
    /// Medians of the rounds: answers of a second, seconds of processors for each, and how long half and 99 of 100 took.
    pub rate: f64,
    /// See there.
    pub cost: f64,
    /// See there.
    pub middle: f64,
    /// See there.
    pub most: f64,
    /// Lost or wrong in all rounds.
    pub bad: usize,
}

/// Samples the engines in interleaved rounds, each a server that is started anew.
pub fn measure(
    stage: &Stage,
    engines: &[Engine],
    role: impl Fn(Engine) -> Role,
    load: impl Fn(&Server) -> Result<Outcome, String>,
    report: &mut Report,
) -> Result<Vec<Measured>, String> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a few
    let rounds = (ROUNDS * entry::share()).ceil() as usize;
    let mut samples: Vec<(Engine, Vec<[f64; 4]>, usize)> = Vec::new();
    for &engine in engines {
        match Server::start(stage, engine, role(engine))? {
            Some(_) => samples.push((engine, Vec::new(), 0)),
            None => report.skip(format!("{} is not there", engine.name())),
        }
    }
    for round in 0..rounds {
        let count = samples.len();
        for at in 0..count {
            let at = if round % 2 == 0 { at } else { count - 1 - at };
            let (engine, series, bad) = &mut samples[at];
            let server = Server::start(stage, *engine, role(*engine))?.ok_or("a server went away")?;
            let before = server.used()?;
            let outcome = load(&server)?;
            #[allow(clippy::cast_precision_loss)] // millions
            let cost = (server.used()? - before) / outcome.answers as f64;
            series.push([outcome.rate(), cost, outcome.quantile(0.5), outcome.quantile(0.99)]);
            *bad += outcome.wrong + outcome.lost;
        }
    }
    let median = |series: &[[f64; 4]], field: usize| {
        let mut all: Vec<f64> = series.iter().map(|sample| sample[field]).collect();
        all.sort_unstable_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let made = samples.into_iter().map(|(engine, series, bad)| {
        let [rate, cost, middle, most] = [0, 1, 2, 3].map(|field| median(&series, field));
        Measured { engine, rate, cost, middle, most, bad }
    });
    Ok(made.collect())
}

/// The table; a goal is who, what our rate is at the least, in theirs.
pub fn table(report: &mut Report, title: &str, all: &[Measured], goals: &[(Engine, f64)], costs: &[(Engine, f64)]) {
    let ours = all.iter().find(|measured| measured.engine == Engine::Ours);
    let mut table =
        Table::new(title, &["answers/s", "ours to it", "CPU each", "ours to it", "half", "99 %", "lost or wrong"]);
    for measured in all {
        let ratio = ours.map_or(f64::NAN, |ours| ours.rate / measured.rate);
        let cost = ours.map_or(f64::NAN, |ours| ours.cost / measured.cost);
        let mut row = Row::new(
            measured.engine.name(),
            [
                format!("{:.0}", measured.rate),
                times(ratio),
                us(measured.cost),
                times(cost),
                us(measured.middle),
                us(measured.most),
                measured.bad.to_string(),
            ],
        );
        for (_, goal) in goals.iter().filter(|(engine, _)| *engine == measured.engine) {
            row = row.goal(format!("≥ {}", times(*goal)), ratio >= *goal);
        }
        for (_, goal) in costs.iter().filter(|(engine, _)| *engine == measured.engine) {
            row = row.goal(format!("CPU ≤ {}", times(*goal)), cost <= *goal);
        }
        table.row(row);
    }
    report.table(table);
}

/// By datagrams.
pub fn udp(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let names = questions(NAMES, INTERNET);
    let shape = Shape { window: WINDOW, answers: usize::MAX, span: SPAN, code: NO_NAME };
    let engines = [Engine::Echo, Engine::Joined, Engine::Ours, Engine::Nsd, Engine::Unbound, Engine::Dnsmasq];
    let all = measure(
        stage,
        &engines,
        |_| Role::Block(Listed::Ours),
        |server| load::udp(server.address, &names, shape),
        report,
    )?;
    let goals = [(Engine::Echo, 0.93), (Engine::Nsd, 1.0), (Engine::Unbound, 1.1), (Engine::Dnsmasq, 1.65)];
    let title = format!("udp: blocked names, {WINDOW} in flight, {NAMES} names, a policy of 10,000 suffixes");
    table(report, &title, &all, &goals, &[(Engine::Unbound, 0.9)]);
    Ok(())
}

/// Over connections.
pub fn tcp(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let names = questions(NAMES, INTERNET);
    let shape = Shape { window: WINDOW, answers: usize::MAX, span: SPAN, code: NO_NAME };
    let engines = [Engine::Ours, Engine::Named, Engine::Unbound];
    let load = |server: &Server| load::tcp(server.address, &names, shape, CONNECTIONS);
    let all = measure(stage, &engines, |_| Role::Block(Listed::Ours), load, report)?;
    let title = format!("tcp: blocked names, {CONNECTIONS} connections, {WINDOW} in flight");
    table(report, &title, &all, &[(Engine::Named, 2.5)], &[]);
    Ok(())
}
