//! `hpcsh wait [TARGET…] [-- COMMAND…]`

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};

use crate::serve::kinds::KINDS;
use crate::serve::request::Request;
use crate::span;

/// What `hpcsh wait` is asked for.
#[derive(Clone, Debug)]
pub struct WaitArguments {
    /// All but what the configuration says too.
    pub request: Request,
    /// How long at the most.
    pub timeout: Option<Duration>,
    /// How long one probe at the most.
    pub probe: Option<Duration>,
    /// Whom to trust for https.
    pub cacert: Option<PathBuf>,
}

/// The variable that holds a time limit.
pub const TIMEOUT: &str = "HPCSH_WAIT_TIMEOUT";

const EXAMPLES: &str = "\
Examples:
  waitvllm                     the server on port 8000 of this node
  hpcsh wait 30000             another port
  hpcsh wait --timeout 30m http://gpu17:8000 http://gpu18:8000
  hpcsh wait --model org/name --pid $! --log vllm.log
  hpcsh wait --log vllm.log -- vllm serve org/name && python evaluate.py";

const AFTER: &str = "\
Exit codes: 0 ready; 1 the process has ended, or waiting cannot help; 2 wrong usage; 124 timed out;
125 to 127 COMMAND could not be started. COMMAND runs on when its server is ready, and is ended when
that fails.";

pub(super) fn command() -> Command {
    Command::new("wait").about("Wait until inference servers are ready (`waitvllm` in the shell)").defer(|command| {
        command
            .after_help(format!("{EXAMPLES}\n\n{AFTER}"))
            .arg(
                Arg::new("target")
                    .value_name("TARGET")
                    .num_args(0..)
                    .value_hint(ValueHint::Other)
                    .help("A port, HOST:PORT, a URL or unix:PATH [default: `wait.targets`, http://localhost:8000]"),
            )
            .arg(
                text(
                    "timeout",
                    "TIME",
                    "Give up after so long: seconds, or 500ms, 30m, 2h (exit code 124); HPCSH_WAIT_TIMEOUT",
                )
                .value_parser(time),
            )
            .arg(super::flag("any", "One of the targets is enough"))
            .arg(
                text("kind", "KIND", "What kind of server it is, where that is not to be found out")
                    .value_parser(super::choice(&KINDS)),
            )
            .arg(text("model", "NAME", "Wait until this model is served too"))
            .arg(text("api-key-env", "VARIABLE", "The environment variable that holds the key for the list of models"))
            .arg(
                text("pid", "PID", "Stop waiting when this process ends (exit code 1)")
                    .value_parser(value_parser!(i32).range(1..))
                    .conflicts_with("command"),
            )
            .arg(file(
                "log",
                "The server's log: its phases are shown, and its last lines when the process ends; COMMAND writes it",
            ))
            .arg(text("probe-timeout", "TIME", "The longest that one look may take").value_parser(time))
            .arg(file("cacert", "Trust these certificates instead of the system's authorities (PEM)"))
            .arg(super::flag("insecure", "Trust any certificate"))
            .arg(super::flag("json", "Events for programs, one in a line"))
            .arg(
                Arg::new("command")
                    .value_name("COMMAND")
                    .last(true)
                    .num_args(0..)
                    .action(ArgAction::Append)
                    .value_parser(value_parser!(OsString))
                    .value_hint(ValueHint::CommandWithArguments)
                    .help("Start the server, and stop waiting when it ends; it runs on when it is ready"),
            )
    })
}

fn text(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_hint(ValueHint::Other).help(help)
}

fn file(name: &'static str, help: &'static str) -> Arg {
    let arg = Arg::new(name).long(name).value_name("FILE").value_hint(ValueHint::FilePath).help(help);
    arg.value_parser(value_parser!(PathBuf))
}

/// A time: seconds, or a number with a unit.
///
/// # Errors
/// A sentence.
pub fn time(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| span::parse(text)).ok_or_else(|| "no time: 90, 200ms, 2s, 5m or 1h".to_owned())
}

pub(super) fn read(matches: &mut ArgMatches) -> WaitArguments {
    let request = Request {
        targets: matches.remove_many("target").unwrap_or_default().collect(),
        any: matches.get_flag("any"),
        kind: super::chosen(matches, "kind", &KINDS),
        model: matches.remove_one("model"),
        key: matches.remove_one("api-key-env"),
        pid: matches.remove_one("pid"),
        command: matches.remove_many("command").unwrap_or_default().collect(),
        log: matches.remove_one("log"),
        insecure: matches.get_flag("insecure"),
        json: matches.get_flag("json"),
        ..Request::default()
    };
    WaitArguments {
        request,
        timeout: matches.remove_one("timeout"),
        probe: matches.remove_one("probe-timeout"),
        cacert: matches.remove_one("cacert"),
    }
}
