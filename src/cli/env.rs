//! `hpcsh env`

use clap::{Arg, ArgMatches, Command};

use crate::shell::format::Format;
use crate::verdict::State;

/// What `hpcsh env` is asked for.
#[derive(Clone, Copy, Debug)]
pub struct EnvArguments {
    /// `--offline` or `--online`, instead of the node's verdict.
    pub state: Option<State>,
    /// For whom.
    pub format: Format,
    /// A table with reasons instead of exports.
    pub explain: bool,
}

const EXAMPLES: &str = "\
Examples:
  eval \"$(hpcsh env)\"                        in a job script
  hpcsh env --explain                        each variable with its reason
  hpcsh env --offline --format docker        lines for a Dockerfile
  hpcsh env --offline --format k8s | kubectl apply -f -";

pub(super) fn command() -> Command {
    Command::new("env").about("Print the variables alone: for job scripts, images and manifests").defer(|command| {
        command
            .after_help(EXAMPLES)
            .arg(super::flag("offline", "As on a node that is offline").conflicts_with("online"))
            .arg(super::flag("online", "As on a node that is online"))
            .arg(
                Arg::new("format")
                    .long("format")
                    .value_name("FORMAT")
                    .value_parser(super::choice(&Format::ALL))
                    .default_value("sh")
                    .help("For whom the variables are written"),
            )
            .arg(super::flag("json", "The same as --format json").conflicts_with("format"))
            .arg(super::flag("explain", "A table with the reason of each").conflicts_with_all(["format", "json"]))
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> EnvArguments {
    let state = match (matches.get_flag("offline"), matches.get_flag("online")) {
        (true, _) => Some(State::Offline),
        (_, true) => Some(State::Online),
        _ => None,
    };
    let format = if matches.get_flag("json") { Some(Format::Json) } else { None };
    EnvArguments {
        state,
        format: format.or_else(|| super::chosen(matches, "format", &Format::ALL)).unwrap_or(Format::Sh),
        explain: matches.get_flag("explain"),
    }
}
