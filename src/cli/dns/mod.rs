//! `hpcsh dns serve|on|off|restore|status|check|exec|export`

mod check;
mod exec;
mod export;
mod serve;
mod status;
mod takeover;

use clap::{ArgMatches, Command};

pub use check::CheckArguments;
pub use exec::ExecArguments;
pub use export::ExportArguments;
pub use serve::ServeArguments;
pub use status::DnsStatusArguments;
pub use takeover::TakeoverArguments;

/// What `hpcsh dns` is asked for.
#[derive(Clone, Debug)]
pub enum DnsTask {
    /// `hpcsh dns serve`
    Serve(ServeArguments),
    /// `hpcsh dns on`
    On(TakeoverArguments),
    /// `hpcsh dns off`
    Off(TakeoverArguments),
    /// `hpcsh dns restore`
    Restore(TakeoverArguments),
    /// `hpcsh dns status`
    Status(DnsStatusArguments),
    /// `hpcsh dns check`
    Check(CheckArguments),
    /// `hpcsh dns exec`
    Exec(ExecArguments),
    /// `hpcsh dns export`
    Export(ExportArguments),
}

const EXAMPLES: &str = "\
Examples:
  hpcsh dns check huggingface.co      what would happen to this name, and why
  hpcsh dns on                        as root: every internet lookup of this node fails at once
  hpcsh dns status                    what it has answered since
  hpcsh dns off                       the node's own resolv.conf again, byte for byte
  hpcsh dns exec -- python train.py   for one command, without root";

pub(super) fn command() -> Command {
    Command::new("dns").about("Make every internet lookup fail at once: the offline resolver").defer(|command| {
        command
            .after_help(EXAMPLES)
            .subcommand_required(true)
            .arg_required_else_help(true)
            .subcommands([serve::command(), takeover::on(), takeover::off(), takeover::restore()])
            .subcommands([status::command(), check::command(), exec::command(), export::command()])
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> DnsTask {
    let (name, mut below) = matches.remove_subcommand().unwrap_or_default();
    match name.as_str() {
        "serve" => DnsTask::Serve(serve::read(&mut below)),
        "on" => DnsTask::On(takeover::read(&mut below)),
        "off" => DnsTask::Off(takeover::read(&mut below)),
        "restore" => DnsTask::Restore(takeover::read(&mut below)),
        "status" => DnsTask::Status(status::read(&mut below)),
        "check" => DnsTask::Check(check::read(&mut below)),
        "exec" => DnsTask::Exec(exec::read(&mut below)),
        _ => DnsTask::Export(export::read(&mut below)),
    }
}
