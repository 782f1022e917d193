//! What waiting for a server costs, against the article's loop of curl in the same run: `cargo bench --bench serve`, with `ready`
//! or `cpu` behind `--` for one of them.
//!
//! `HPCSH_BENCH_SHARE=0.1` runs a tenth of it, for a first look. Everything is on loopback.

// The lints keep the program behind its door to the world; a bench is the world: it prints, and starts processes.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

#[path = "../shell/entry.rs"]
mod entry;
#[path = "../shell/report.rs"]
#[allow(dead_code)] // what other benches print
mod report;
#[path = "../shell/stage.rs"]
#[allow(dead_code)] // what other benches need
mod stage;

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use entry::Bench;
use report::{Report, Row, Table, ms, times};
use stage::{Stage, find};

const LOOP: &str = include_str!("fixtures/article.bash");
const STARTS: f64 = 200.0;
const LATER: f64 = 20.0;
const SECONDS: f64 = 60.0;
/// So many servers start side by side: each waits for most of its time.
const ABREAST: usize = 8;
const GOAL: f64 = 1.0 / 20.0;
const GOAL_LATER: f64 = 1.0 / 4.0;
const GOAL_CPU: f64 = 1.0 / 3.0;

const BENCHES: [Bench<Stage>; 2] = [("ready", ready), ("cpu", cpu)];

fn main() -> ExitCode {
    entry::run(&BENCHES, |stage| match find("curl") {
        Some(_) => Ok(stage),
        None => Err("curl is not installed: the article's loop is the baseline".to_owned()),
    })
}

/// How many rounds a share of them is.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a few hundred at the most
fn rounds(all: f64, share: f64) -> usize {
    (all * share).round().max(1.0) as usize
}

fn hpcsh(stage: &Stage, port: u16) -> Command {
    let mut command = stage.command(&stage.program);
    command.arg("wait").arg(port.to_string());
    command
}

fn article(stage: &Stage, port: u16) -> Command {
    let mut command = stage.command("bash");
    command.args(["--norc", "-c", LOOP, "bash", &port.to_string()]);
    command
}

type Waiter = fn(&Stage, u16) -> Command;

/// From the moment at which a server listens to the end of who waits for it.
fn ready(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let share = entry::share();
    let cases = [
        ("a server that starts within 5 s", rounds(STARTS, share), 0.05..5.0, GOAL),
        ("a server that starts later (8 to 14 s)", rounds(LATER, share), 8.0..14.0, GOAL_LATER),
    ];
    for (name, count, span, goal) in cases {
        let mut both = Vec::new();
        let waiters: [Waiter; 2] = [hpcsh, article];
        for waiter in waiters {
            both.push(noticed(stage, waiter, count, &span)?);
        }
        let mut table =
            Table::new(format!("ready to noticed: {name} ({count} starts)"), &["median", "90 %", "max", "ratio"]);
        let base = quantile(&both[1], 0.5);
        for (label, samples) in ["hpcsh wait", "the article's loop"].into_iter().zip(&both) {
            let ratio = quantile(samples, 0.5) / base;
            let cells = [0.5, 0.9, 1.0].map(|part| ms(quantile(samples, part)));
            let [median, most, max] = cells;
            let mut row = Row::new(label, [median, most, max, times(ratio)]);
            if label == "hpcsh wait" {
                row = row.goal(format!("≤ {}", times(goal)), ratio <= goal);
            }
            table.row(row);
        }
        report.table(table);
    }
    Ok(())
}

/// A sample for each start, several side by side.
fn noticed(stage: &Stage, waiter: Waiter, count: usize, span: &std::ops::Range<f64>) -> Result<Vec<f64>, String> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let offset = random();
    let run = || -> Result<Vec<f64>, String> {
        let mut samples = Vec::new();
        loop {
            let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if number >= count {
                return Ok(samples);
            }
            samples.push(one(stage, waiter, moment(number, offset, span))?);
        }
    };
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..ABREAST.min(count)).map(|_| scope.spawn(run)).collect();
        let mut all = Vec::new();
        for lane in lanes {
            all.extend(lane.join().map_err(|_| "a thread has panicked")??);
        }
        Ok(all)
    })
}

/// When this one starts: spread evenly over the span and over the steps of who waits, by the golden ratio, so that a few
/// starts are enough for a median.
#[allow(clippy::cast_precision_loss)] // a few hundred at the most
fn moment(number: usize, offset: f64, span: &std::ops::Range<f64>) -> f64 {
    let part = (number as f64).mul_add(0.618_033_988_75, offset).fract();
    part.mul_add(span.end - span.start, span.start)
}

fn one(stage: &Stage, waiter: Waiter, moment: f64) -> Result<f64, String> {
    let failed = |error: std::io::Error| error.to_string();
    let port = free_port().map_err(failed)?;
    let mut command = waiter(stage, port);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(failed)?;
    std::thread::sleep(Duration::from_secs_f64(moment));
    let listener = TcpListener::bind(("127.0.0.1", port)).map_err(failed)?;
    let listening = Instant::now();
    let server = std::thread::spawn(move || {
        // Until nobody comes any more: the listener goes with the last one, who says so.
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap_or_default();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            if request[..length].starts_with(b"END") {
                return;
            }
        }
    });
    let status = child.wait().map_err(failed)?;
    let took = listening.elapsed().as_secs_f64();
    std::net::TcpStream::connect(("127.0.0.1", port)).and_then(|mut end| end.write_all(b"END")).map_err(failed)?;
    let _ = server.join();
    if status.success() { Ok(took) } else { Err(format!("{command:?}: {status}")) }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// From 0 to 1.
#[allow(clippy::cast_precision_loss)] // it need not be exact
fn random() -> f64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u8(0);
    (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // a few hundred samples
fn quantile(samples: &[f64], part: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = ((sorted.len() as f64 - 1.0) * part).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// The processors' time of who waits at a closed port, with all the processes that it starts.
fn cpu(stage: &Stage, report: &mut Report) -> Result<(), String> {
    let seconds = (SECONDS * entry::share()).max(1.0);
    let mut used = Vec::new();
    let waiters: [Waiter; 2] = [hpcsh, article];
    for waiter in waiters {
        let port = free_port().map_err(|error| error.to_string())?;
        let waiting = waiter(stage, port);
        // `timeout` ends both in the same way, and its own part is nothing.
        let mut command = stage.command("timeout");
        command.arg(format!("{seconds:.1}")).arg(waiting.get_program()).args(waiting.get_args());
        let before = children()?;
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let status = status.map_err(|error| error.to_string())?;
        if status.code() != Some(124) {
            return Err(format!("{command:?}: {status}"));
        }
        used.push(children()? - before);
    }
    let mut table =
        Table::new(format!("processors' time while waiting {seconds:.0} s at a closed port"), &["time", "ratio"]);
    let ratio = used[0] / used[1];
    table.row(
        Row::new("hpcsh wait", [ms(used[0]), times(ratio)]).goal(format!("≤ {}", times(GOAL_CPU)), ratio <= GOAL_CPU),
    );
    table.row(Row::new("the article's loop", [ms(used[1]), times(1.0)]));
    report.table(table);
    Ok(())
}

/// Seconds that the processes have used for which we, or our children, have waited: to a hundredth.
fn children() -> Result<f64, String> {
    let stat = std::fs::read_to_string(Path::new("/proc/self/stat")).map_err(|error| error.to_string())?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // `cutime` and `cstime` are fields 16 and 17, and the third is the first behind the name.
    let ticks: f64 = [13, 14].iter().filter_map(|at| fields.get(*at)?.parse::<f64>().ok()).sum();
    Ok(ticks / 100.0)
}
