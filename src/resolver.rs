//! What `hpcsh dns` does: the resolver is given what the configuration, the node's verdict and the exports say.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use crate::cli::{DnsTask, ExecArguments};
use crate::config::Config;
use crate::dns::exec::{self, Order};
use crate::dns::policy::Rules;
use crate::error::Failure;
use crate::host::Host;
use crate::shell::env::Export;

/// Does what was asked. Gives whether everything that was looked at is as it should be.
///
/// # Errors
/// The capability's own.
pub fn run(_host: &mut Host, _config: Option<&Path>, task: &DnsTask) -> Result<bool, Failure> {
    let name = match task {
        DnsTask::Serve(_) => "serve",
        DnsTask::On(_) => "on",
        DnsTask::Off(_) => "off",
        DnsTask::Restore(_) => "restore",
        DnsTask::Status(_) => "status",
        DnsTask::Check(_) => "check",
        DnsTask::Exec(_) => "exec",
        DnsTask::Export(_) => "export",
    };
    Err(Failure::failed(format!("hpcsh dns {name}: not built yet")))
}

/// `hpcsh dns exec`, with the environment of a node that is offline.
///
/// # Errors
/// Where the command does not start. It never comes back where it does.
pub fn exec(
    host: &mut Host,
    config: &Config,
    _exports: &[Export],
    variables: BTreeMap<OsString, OsString>,
    exec: ExecArguments,
) -> Result<(), Failure> {
    let rules = Rules { allow: config.dns.allow.clone(), deny: config.dns.deny.clone(), ..Rules::default() };
    let order = Order { words: exec.words, variables, rules };
    if exec.dry_run {
        exec::plan(host, order, exec.json);
        return Ok(());
    }
    Err(exec::run(host, order))
}
