//! `hpcsh config init|show|check|path|schema`

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};

/// What `hpcsh config` is asked for.
#[derive(Clone, Debug)]
pub enum ConfigTask {
    /// Write a first configuration.
    Init {
        /// Root of the lasting storage; else it is found.
        shared_home: Option<PathBuf>,
        /// Ask nothing.
        yes: bool,
        /// Print the file instead of writing it.
        dry_run: bool,
    },
    /// Each value with its layer.
    Show {
        /// For programs.
        json: bool,
    },
    /// Everything that is wrong.
    Check {
        /// For programs.
        json: bool,
    },
    /// The files, in the order in which they are read.
    Path {
        /// For programs.
        json: bool,
    },
    /// The JSON Schema.
    Schema,
}

const EXAMPLES: &str = "\
Examples:
  hpcsh config init --shared-home /gpfs
  hpcsh config show | grep env
  hpcsh config check && echo fine
  hpcsh config schema > ~/.config/hpcsh/schema.json";

pub(super) fn command() -> Command {
    Command::new("config").about("Write, show and check the configuration").defer(|command| {
        command.after_help(EXAMPLES).subcommand_required(true).arg_required_else_help(true).subcommands([
            Command::new("init")
                .about("Write a first configuration")
                .arg(
                    Arg::new("shared-home")
                        .long("shared-home")
                        .value_name("DIR")
                        .value_parser(value_parser!(PathBuf))
                        .help("Root of the shared storage; otherwise a mounted one is proposed"),
                )
                .arg(super::flag("yes", "Ask nothing"))
                .arg(super::flag("dry-run", "Print the file, write nothing")),
            Command::new("show")
                .about("Each value, and the layer that said it")
                .arg(super::flag("json", "For programs")),
            Command::new("check")
                .about("Read every layer again and tell what is wrong (exit code 2)")
                .arg(super::flag("json", "For programs")),
            Command::new("path")
                .about("The files, in the order in which one overrules the one before")
                .arg(super::flag("json", "For programs")),
            Command::new("schema")
                .about("A JSON Schema, by which editors complete and check a configuration")
                .after_help("In the configuration's first line: #:schema ./schema.json"),
        ])
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> ConfigTask {
    let (name, mut below) = matches.remove_subcommand().unwrap_or_default();
    match name.as_str() {
        "init" => ConfigTask::Init {
            shared_home: below.remove_one("shared-home"),
            yes: below.get_flag("yes"),
            dry_run: below.get_flag("dry-run"),
        },
        "show" => ConfigTask::Show { json: below.get_flag("json") },
        "check" => ConfigTask::Check { json: below.get_flag("json") },
        "path" => ConfigTask::Path { json: below.get_flag("json") },
        _ => ConfigTask::Schema,
    }
}
