//! How long blocked names take while 1,000 questions wait for an upstream that is dead.

use std::net::UdpSocket;
use std::time::Duration;

use crate::echo;
use crate::load::{self, Shape, question, questions};
use crate::report::{Report, Row, Table, times, us};
use crate::servers::{Engine, INTERNET, INTRANET, Role, Server};
use crate::stage::Stage;

const ROUNDS: usize = 9;
const WAITING: u16 = 1000;
/// Within the time of the first try: afterwards the upstream is known to be dead, and nothing waits.
const SPAN: Duration = Duration::from_millis(700);
const WINDOW: usize = 20;
const GOAL: f64 = 1.5;

/// The bench.
pub fn run(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let names = questions(10_000, INTERNET);
    let shape = Shape { window: WINDOW, answers: usize::MAX, span: SPAN, code: 3 };
    let (_socket, upstream) = echo::dead()?;
    let mut samples = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        for case in [round % 2, 1 - round % 2] {
            let server = Server::start(stage, Engine::Ours, Role::Forward(upstream, false))?.ok_or("no program")?;
            let client = UdpSocket::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
            for number in 0..if case == 1 { WAITING } else { 0 } {
                let message = question(number, &format!("waiting-{number}.{INTRANET}"), false);
                client.send_to(&message, server.address).map_err(|error| error.to_string())?;
                if number % 50 == 49 {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            let outcome = load::udp(server.address, &names, shape)?;
            samples[case].push([outcome.quantile(0.5), outcome.quantile(0.99)]);
            if case == 1 {
                client.set_nonblocking(true).map_err(|error| error.to_string())?;
                if client.recv(&mut [0; 512]).is_ok() {
                    return Err("a question was answered before the measurement ended: nothing waited".to_owned());
                }
            }
        }
    }
    let median = |case: usize, field: usize| {
        let mut all: Vec<f64> = samples[case].iter().map(|sample: &[f64; 2]| sample[field]).collect();
        all.sort_unstable_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let mut table = Table::new(
        format!("dead: blocked names, {WINDOW} in flight, beside questions for a dead upstream ({ROUNDS} rounds)"),
        &["half", "99 %", "99 % to without"],
    );
    for (case, name) in ["nothing waits", "1,000 wait"].into_iter().enumerate() {
        let ratio = median(case, 1) / median(0, 1);
        let row = Row::new(name, [us(median(case, 0)), us(median(case, 1)), times(ratio)]);
        let row = if case == 1 { row.goal(format!("≤ {}", times(GOAL)), ratio <= GOAL) } else { row };
        table.row(row);
    }
    report.table(table);
    Ok(())
}
