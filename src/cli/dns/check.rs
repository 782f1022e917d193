//! `hpcsh dns check NAME…`

use clap::{Arg, ArgMatches, Command, ValueHint};

/// What `hpcsh dns check` is asked for.
#[derive(Clone, Debug)]
pub struct CheckArguments {
    /// The names; at least one.
    pub names: Vec<String>,
    /// For programs.
    pub json: bool,
}

const EXAMPLES: &str = "\
Examples:
  hpcsh dns check huggingface.co nexus.corp.example
  hpcsh dns check vllm                 with the search domains, in the order in which they are asked
  hpcsh dns check 10.1.2.3             the name of this address
  hpcsh dns check --json pypi.org | jq -r '.[].action'";

pub(super) fn command() -> Command {
    Command::new("check").about("Say what would happen to a name, and which rule says so").defer(|command| {
        command
            .after_help(EXAMPLES)
            .arg(
                Arg::new("name")
                    .value_name("NAME")
                    .required(true)
                    .num_args(1..)
                    .value_hint(ValueHint::Hostname)
                    .help("A name, or an address for its reverse name"),
            )
            .arg(crate::cli::flag("json", "For programs: an object for each name that would be asked for"))
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> CheckArguments {
    CheckArguments { names: matches.remove_many("name").unwrap_or_default().collect(), json: matches.get_flag("json") }
}
