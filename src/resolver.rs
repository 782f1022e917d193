//! What `hpcsh dns` does: the resolver is given what the configuration, the node's verdict and the exports say.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::JOB_WAIT;
use crate::cli::{DnsTask, ServeArguments};
use crate::config::{self, Config};
use crate::dns::plan::Plan;
use crate::dns::policy::{Policy, Rules};
use crate::dns::server::{self, Service};
use crate::dns::settings::Settings;
use crate::dns::takeover;
use crate::error::Failure;
use crate::host::Host;
use crate::login;
use crate::node::settle;
use crate::verdict::State;

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
fn serve(host: &mut Host, config: Option<&Path>, arguments: &ServeArguments) -> Result<(), Failure> {
    let loaded = login::configuration(host, config, JOB_WAIT).unwrap_or_else(|stale| stale.rest);
    for problem in &loaded.problems {
        host.say(format!("warning: {}", problem.brief()));
    }
    let Config { dns: settings, node, .. } = loaded.config;
    let listen = if arguments.listen.is_empty() { settings.listen } else { arguments.listen.clone() };
    // Another thread calls these, and has no world yet.
    let plan = || {
        let host = Host::real();
        let config = config::load(&host, config).config;
        Ok(plan(&host, config.dns, &listen))
    };
    let is_online = || settle::for_good(&Host::real(), &node).verdict.state == State::Online;
    let service = Service {
        listen: listen.clone(),
        allow_remote: arguments.allow_remote,
        log_queries: arguments.log_queries,
        threads: settings.threads,
        user: settings.user,
        plan: &plan,
        watched: vec![PathBuf::from("/etc/resolv.conf")],
        is_online: &is_online,
    };
    server::serve(host, &service)
}

/// What the resolver goes by, as the configuration and the original resolv.conf are now.
fn plan(host: &Host, settings: Settings, listen: &[SocketAddr]) -> Plan {
    let Settings { allow, deny, upstream, cache, only_while_offline, .. } = settings;
    let search = takeover::original(host).search;
    let rules = Rules { allow, deny, search, ..Rules::default() };
    let upstreams = if upstream.is_empty() { takeover::upstreams(host, listen) } else { upstream };
    Plan { policy: Policy::new(rules), upstreams, cache, only_while_offline }
}
