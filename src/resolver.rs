//! What `hpcsh dns` does: the resolver is given what the configuration, the node's verdict and the exports say.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::cli::{DnsTask, ServeArguments};
use crate::dns::plan::Plan;
use crate::dns::policy::{Policy, Rules};
use crate::dns::server::{self, Service};
use crate::error::Failure;
use crate::host::{Host, files};

/// Does what was asked. Gives whether everything that was looked at is as it should be.
///
/// # Errors
/// The capability's own.
pub fn run(host: &mut Host, config: Option<&Path>, task: &DnsTask) -> Result<bool, Failure> {
    let name = match task {
        DnsTask::Serve(arguments) => return serve(host, config, arguments).map(|()| true),
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

/// Until it is told to stop.
fn serve(host: &mut Host, _config: Option<&Path>, arguments: &ServeArguments) -> Result<(), Failure> {
    // STUB: from the configuration, once `[dns]` is there.
    let default = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].map(|ip| SocketAddr::new(ip, 53));
    let listen = if arguments.listen.is_empty() { default.to_vec() } else { arguments.listen.clone() };
    // Another thread calls it, and has no world yet.
    let plan = || Ok(plan(&Host::real()));
    let is_online = || false;
    let service = Service {
        listen,
        allow_remote: arguments.allow_remote,
        log_queries: arguments.log_queries,
        threads: 1,
        user: "nobody".to_owned(),
        plan: &plan,
        watched: vec![PathBuf::from(RESOLV)],
        is_online: &is_online,
    };
    server::serve(host, &service)
}

const RESOLV: &str = "/etc/resolv.conf";

/// STUB: the policy's own rules, and the original resolv.conf, once they are there.
fn plan(host: &Host) -> Plan {
    let text = files::read(&host.locate(Path::new(RESOLV))).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let words = |key: &str| {
        let lines = text.lines().map(str::split_whitespace).map(Iterator::collect::<Vec<_>>);
        let lines = lines.filter(|words| words.first() == Some(&key));
        lines.flat_map(|words| words[1..].iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let upstreams =
        words("nameserver").into_iter().filter_map(|word| word.parse().ok()).map(|ip: IpAddr| SocketAddr::new(ip, 53));
    let rules = Rules { search: words("search"), ..Rules::default() };
    Plan { policy: Policy::new(rules), upstreams: upstreams.collect(), cache: 10_000, only_while_offline: false }
}
