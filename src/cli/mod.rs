//! The command line: what can be typed, and nothing of what it does. Reads as the manual.

mod airgap;
mod completions;
mod config;
mod dns;
mod doctor;
mod env;
mod hf;
mod init;
mod man;
mod status;
mod trust;
mod wait;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};

use crate::doctor::Question;
use crate::error::{Failure, Kind};

pub use airgap::AirgapArguments;
pub use completions::CompletionsArguments;
pub use config::ConfigTask;
pub use dns::{
    CheckArguments, DnsStatusArguments, DnsTask, ExecArguments, ExportArguments, ServeArguments, TakeoverArguments,
};
pub use env::EnvArguments;
pub use hf::HfTask;
pub use init::InitArguments;
pub use man::ManArguments;
pub use status::StatusArguments;
pub use trust::TrustTask;
pub use wait::{TIMEOUT, WaitArguments, time};

/// What was typed.
pub struct Arguments {
    /// `--config FILE`
    pub config: Option<PathBuf>,
    /// The command.
    pub task: Task,
}

/// A command with its arguments.
pub enum Task {
    /// `hpcsh init`
    Init(InitArguments),
    /// `hpcsh env`
    Env(EnvArguments),
    /// `hpcsh status`
    Status(StatusArguments),
    /// `hpcsh wait`
    Wait(Box<WaitArguments>),
    /// `hpcsh hf`; or what is wrong with the names
    Hf(Result<HfTask, Failure>),
    /// `hpcsh airgap`
    Airgap(AirgapArguments),
    /// `hpcsh dns`
    Dns(DnsTask),
    /// `hpcsh doctor`
    Doctor(Question),
    /// `hpcsh config`
    Config(ConfigTask),
    /// `hpcsh allow`, `hpcsh deny`, `hpcsh trust`
    Trust(TrustTask),
    /// `hpcsh completions`
    Completions(CompletionsArguments),
    /// `hpcsh man`
    Man(ManArguments),
}

const EXAMPLES: &str = "\
Examples:
  eval \"$(hpcsh init zsh)\"     in ~/.zshrc: the whole of hpcsh in one line
  hpcsh config init            write a first configuration
  hpcsh env --explain          each variable with its reason
  waitvllm && curl …           wait until the inference server on this node is ready";

/// The whole command line.
///
/// A command's arguments are built when it is called (`Command::defer`): `hpcsh init` runs at every login.
pub fn command() -> Command {
    Command::new("hpcsh")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Makes an air-gapped GPU cluster feel like a workstation")
        .after_help(EXAMPLES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .global(true)
                .help("Read this configuration too, over all others"),
        )
        .subcommands([init::command(), env::command(), status::command(), wait::command()])
        .subcommands([airgap::command(), dns::command(), hf::command()])
        .subcommands([trust::allow(), trust::deny(), trust::trust()])
        .subcommands([doctor::command(), config::command()])
        .subcommands([completions::command(), man::command()])
}

/// Parses what was typed.
///
/// # Errors
/// clap's, which may also be the text of `--help` or `--version`.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Arguments, clap::Error> {
    let words: Vec<OsString> = words.into_iter().collect();
    if let Some(init) = init::usual(&words) {
        return Ok(Arguments { config: None, task: Task::Init(init) });
    }
    let mut matches = command().try_get_matches_from(words)?;
    let (name, mut below) = matches
        .remove_subcommand()
        .ok_or_else(|| command().error(clap::error::ErrorKind::MissingSubcommand, "a command is required"))?;
    let config = below.remove_one("config");
    let task = match name.as_str() {
        "init" => Task::Init(init::read(&mut below)),
        "env" => Task::Env(env::read(&mut below)),
        "status" => Task::Status(status::read(&mut below)),
        "wait" => Task::Wait(Box::new(wait::read(&mut below))),
        "hf" => Task::Hf(hf::read(&mut below)),
        "airgap" => Task::Airgap(airgap::read(&mut below)),
        "dns" => Task::Dns(dns::read(&mut below)),
        "allow" | "deny" | "trust" => Task::Trust(trust::read(&name, &mut below)),
        "doctor" => Task::Doctor(doctor::read(&mut below)),
        "completions" => Task::Completions(completions::read(&mut below)),
        "man" => Task::Man(man::read(&mut below)),
        _ => Task::Config(config::read(&mut below)),
    };
    Ok(Arguments { config, task })
}

/// The exit code for words that are none of ours: that of a command in our place may be 2 as well.
pub fn wrong(words: &[OsString]) -> Kind {
    let mut rest = words.iter().skip(1);
    let mut next = || {
        let mut word = rest.next();
        while word.is_some_and(|word| word == "--config" || word.as_encoded_bytes().starts_with(b"--config=")) {
            word = if word.is_some_and(|word| word == "--config") { rest.nth(1) } else { rest.next() };
        }
        word.map(|word| word.to_string_lossy())
    };
    let names = (next(), next());
    let is_runner =
        matches!((names.0.as_deref(), names.1.as_deref()), (Some("airgap"), _) | (Some("dns"), Some("exec")));
    if is_runner { Kind::Runner } else { Kind::Usage }
}

/// A switch without a value.
fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(clap::ArgAction::SetTrue).help(help)
}

/// A command that is run in our place, and its words; at least one.
fn command_words() -> Arg {
    Arg::new("command")
        .value_name("COMMAND")
        .required(true)
        .num_args(1..)
        .trailing_var_arg(true)
        .value_parser(value_parser!(OsString))
        .value_hint(ValueHint::CommandWithArguments)
        .help("The command and its words")
}

/// One of the words of a table, and back from the word to what it stands for.
fn choice<T: Copy, const N: usize>(table: &'static [(&'static str, T); N]) -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(table.iter().map(|(word, _)| *word))
}

fn chosen<T: Copy>(matches: &ArgMatches, name: &str, table: &[(&str, T)]) -> Option<T> {
    let word = matches.get_one::<String>(name)?;
    table.iter().find(|(known, _)| known == word).map(|(_, value)| *value)
}
