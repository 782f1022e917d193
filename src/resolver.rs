//! What `hpcsh dns` does: the resolver is given what the configuration, the node's verdict and the exports say.

use std::path::Path;

use crate::cli::DnsTask;
use crate::error::Failure;
use crate::host::Host;

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
