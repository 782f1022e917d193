//! `hpcsh hf path|ls|check`

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::error::Failure;
use crate::storage::hf::name::{Kind, Wanted};
use crate::storage::hf::{check, list, path};

/// What is asked of the models in the cache.
#[derive(Clone, Debug)]
pub enum HfTask {
    /// Where one lies.
    Path(path::Question),
    /// What there is.
    List(list::Question),
    /// The names of what there is, for a TAB.
    Names,
    /// Whether some would load.
    Check(check::Question),
}

const EXAMPLES: &str = "\
Examples:
  vllm serve \"$(hpcsh hf path Qwen/Qwen3-8B)\"
  hpcsh hf path org/name@v1.0 --file config.json
  hpcsh hf ls                       the largest first
  hpcsh hf ls 'qwen*' --sort used   some of them, what was used last first
  hpcsh hf check Qwen/Qwen3-8B datasets/nyu-mll/glue && sbatch job.sh";

const NAME: &str = "`org/name`, with `datasets/` before or `@REVISION` behind where needed";

pub(super) fn command() -> Command {
    Command::new("hf").about("Models in the Hugging Face cache, without starting Python").defer(|command| {
        command
            .after_help(format!("{EXAMPLES}\n\nThe cache is where HF_HUB_CACHE or HF_HOME say. Exit codes of check: 0 would load, 3 would not."))
            .subcommand_required(true)
            .arg_required_else_help(true)
            .subcommands([
                Command::new("path")
                    .about("Print where one lies, as `HF_HUB_OFFLINE=1 hf download -q` does")
                    .arg(Arg::new("name").required(true).value_name("NAME").help(NAME))
                    .arg(Arg::new("file").long("file").value_name("FILE").help("One file of it"))
                    .arg(kind("What the name is of"))
                    .arg(super::flag("json", "For programs")),
                Command::new("ls")
                    .about("What there is: size, revisions, last use")
                    .arg(
                        Arg::new("glob")
                            .num_args(0..)
                            .value_name("GLOB")
                            .help("Of these names alone: globs, or pieces of a name"),
                    )
                    .arg(kind("Of this kind alone"))
                    .arg(
                        Arg::new("sort")
                            .long("sort")
                            .value_name("KEY")
                            .value_parser(super::choice(&list::Order::ALL))
                            .help("In which order; otherwise by size"),
                    )
                    .arg(super::flag("json", "For programs: sizes in bytes"))
                    .arg(super::flag("names", "For a TAB").hide(true)),
                Command::new("check")
                    .about("Whether they would load offline; what is missing, and the command that brings it (exit code 3)")
                    .arg(Arg::new("name").required(true).action(ArgAction::Append).num_args(1..).value_name("NAME").help(NAME))
                    .arg(kind("What the names are of"))
                    .arg(super::flag("json", "For programs")),
            ])
    })
}

fn kind(help: &'static str) -> Arg {
    Arg::new("kind").long("kind").value_name("KIND").value_parser(super::choice(&Kind::ALL)).help(help)
}

/// # Errors
/// For what cannot be a name.
pub(super) fn read(matches: &mut ArgMatches) -> Result<HfTask, Failure> {
    let (command, mut below) = matches.remove_subcommand().unwrap_or_default();
    let kind = super::chosen(&below, "kind", &Kind::ALL);
    let json = below.get_flag("json");
    if command == "ls" {
        if below.get_flag("names") {
            return Ok(HfTask::Names);
        }
        let globs = below.remove_many("glob").into_iter().flatten().collect();
        let order = super::chosen(&below, "sort", &list::Order::ALL).unwrap_or_default();
        return Ok(HfTask::List(list::Question { globs, kind, order, json }));
    }
    let names = below.remove_many::<String>("name").into_iter().flatten();
    let mut wanted = names.map(|name| Wanted::parse(&name, kind)).collect::<Result<Vec<_>, _>>()?;
    match (command.as_str(), wanted.pop()) {
        ("path", Some(wanted)) => Ok(HfTask::Path(path::Question { wanted, file: below.remove_one("file"), json })),
        (_, last) => {
            wanted.extend(last);
            Ok(HfTask::Check(check::Question { wanted, json }))
        }
    }
}
