//! `hpcsh airgap -- COMMAND…`

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};

/// What `hpcsh airgap` is asked for.
#[derive(Clone, Debug)]
pub struct AirgapArguments {
    /// The command and its words; at least one.
    pub words: Vec<OsString>,
    /// Packets vanish.
    pub hang: bool,
    /// Sockets of daemons outside stay.
    pub allow_unix: bool,
    /// The environment stays as it is.
    pub keep_env: bool,
    /// Where the report goes as JSON too.
    pub report: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  hpcsh airgap -- python train.py              does it run without internet, and what does it ask for?
  hpcsh airgap --hang -- python train.py       as where packets are dropped: what would have hung?
  hpcsh airgap --report hosts.json -- make     the same list for programs
  hpcsh airgap -- bash                         a shell to try things in";

const AFTER: &str = "\
The exit code is the command's, or 128 and the number of the signal that ended it; 125 where hpcsh
fails itself, 126 where the command cannot be run, 127 where it is not there.";

pub(super) fn command() -> Command {
    Command::new("airgap").about("Rehearse a command as a node without internet would run it").defer(|command| {
        command
            .after_help(format!("{EXAMPLES}\n\n{AFTER}"))
            .arg(super::flag("hang", "Drop packets silently, and leave names unanswered, instead of failing at once"))
            .arg(super::flag(
                "allow-unix",
                "Leave the sockets of daemons outside that look names up or start containers (nscd, systemd-resolved, \
                 D-Bus, Docker)",
            ))
            .arg(super::flag("keep-env", "Leave the environment as it is, without `hpcsh env --offline`"))
            .arg(
                Arg::new("report")
                    .long("report")
                    .value_name("FILE")
                    .value_parser(value_parser!(PathBuf))
                    .value_hint(ValueHint::FilePath)
                    .help("Write the hosts that were asked for as JSON, too"),
            )
            .arg(super::command_words())
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> AirgapArguments {
    AirgapArguments {
        words: matches.remove_many("command").map(Iterator::collect).unwrap_or_default(),
        hang: matches.get_flag("hang"),
        allow_unix: matches.get_flag("allow-unix"),
        keep_env: matches.get_flag("keep-env"),
        report: matches.remove_one("report"),
    }
}
