//! What the offline resolver does, against name servers that a site may have, in the same run: `cargo bench --bench dns`, or with
//! names for some.
//!
//! The server has processor 0 for itself, the load and the upstream processor 1; everything is on loopback. The others are
//! Debian's, fetched into the build directory and not installed.

// The lints keep the program behind its door to the world; a bench is the world: it prints, and starts processes.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]
// The modules of others have more than is used here.
#![allow(dead_code)]

mod blocked;
mod dead;
mod echo;
#[path = "../shell/entry.rs"]
mod entry;
mod forwarded;
mod load;
mod memory;
#[path = "../shell/report.rs"]
mod report;
#[path = "../shell/rounds.rs"]
mod rounds;
mod servers;
#[path = "../shell/stage.rs"]
mod stage;

use std::process::{Command, ExitCode};

use entry::Bench;
use stage::{Stage, output};

const BENCHES: [Bench<Stage>; 5] = [
    ("udp", blocked::udp),
    ("tcp", blocked::tcp),
    ("forward", forwarded::run),
    ("dead", dead::run),
    ("memory", memory::run),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    if let [_, word, port, code, more @ ..] = &words[..]
        && word == echo::WORD
    {
        let numbers = port.parse().and_then(|port| Ok((port, code.parse()?)));
        return match numbers
            .map_err(|_| format!("no port, or no code: {port} {code}"))
            .and_then(|numbers| echo::echo(numbers, more == [echo::JOINED]))
        {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        };
    }
    entry::run(&BENCHES, |stage| {
        if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
            return Err("one processor: the load would be measured with the server".to_owned());
        }
        if let Err(why) = servers::fetch() {
            println!("no other name servers to measure against: {why}");
        }
        // All threads that this one starts are there too.
        output(Command::new("taskset").args(["-cp", "1", &std::process::id().to_string()]))?;
        Ok(stage)
    })
}
