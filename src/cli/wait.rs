//! `hpcsh wait [URL]`

use std::time::Duration;

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};

/// What `hpcsh wait` is asked for.
#[derive(Clone, Debug)]
pub struct WaitArguments {
    /// A port, `HOST:PORT` or an `http://` URL.
    pub target: String,
    /// How long at the most; `None`: for ever.
    pub timeout: Option<Duration>,
}

const EXAMPLES: &str = "\
Examples:
  waitvllm                     the server on port 8000 of this node
  hpcsh wait 30000             another port
  hpcsh wait --timeout 600 http://10.0.0.7:8000";

pub(super) fn command() -> Command {
    Command::new("wait").about("Wait until an inference server is ready (`waitvllm` in the shell)").defer(|command| {
        command
            .after_help(EXAMPLES)
            .arg(
                Arg::new("target")
                    .value_name("TARGET")
                    .default_value("http://localhost:8000")
                    .value_hint(ValueHint::Other)
                    .help("A port, HOST:PORT or an http:// URL"),
            )
            .arg(
                Arg::new("timeout")
                    .long("timeout")
                    .value_name("SECONDS")
                    .value_parser(value_parser!(u64))
                    .value_hint(ValueHint::Other)
                    .help("Give up after so many seconds (exit code 124)"),
            )
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> WaitArguments {
    WaitArguments {
        target: matches.remove_one("target").unwrap_or_default(),
        timeout: matches.remove_one("timeout").map(Duration::from_secs),
    }
}
