//! What `hpcsh dns` does: the resolver is given what the configuration, the node's verdict and the exports say.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::cli::{DnsTask, ServeArguments};
use crate::config;
use crate::dns::plan::Plan;
use crate::dns::policy::{Policy, Rules};
use crate::dns::server::{self, Service};
use crate::dns::settings::Settings;
use crate::dns::takeover;
use crate::error::Failure;
use crate::host::Host;
use crate::login;

/// Does what was asked. Gives whether everything that was looked at is as it should be.
///
/// # Errors
/// The capability's own.
pub fn run(host: &mut Host, config: Option<&Path>, task: &DnsTask) -> Result<bool, Failure> {
    let name = match task {
        DnsTask::Serve(arguments) => return serve(host, config, arguments).map(|()| true),
        DnsTask::On(arguments) => return on(host, config, arguments.dry_run).map(|()| true),
        DnsTask::Off(arguments) => return takeover::off(host, arguments.dry_run).map(|()| true),
        DnsTask::Restore(arguments) => return takeover::restore(host, arguments.dry_run).map(|()| true),
        DnsTask::Status(_) => "status",
        DnsTask::Check(_) => "check",
        DnsTask::Exec(_) => "exec",
        DnsTask::Export(_) => "export",
    };
    Err(Failure::failed(format!("hpcsh dns {name}: not built yet")))
}

/// Points resolv.conf at a resolver of this configuration.
fn on(host: &mut Host, config: Option<&Path>, dry_run: bool) -> Result<(), Failure> {
    let loaded = login::configuration(host, config, config::STORAGE_WAIT).unwrap_or_else(|stale| stale.rest);
    for problem in &loaded.problems {
        host.say(format!("warning: {}", problem.brief()));
    }
    // A name server is an address there, without a port (resolv.conf(5)).
    let address =
        loaded.config.dns.listen.iter().find(|address| address.port() == 53).map(|address| match address.ip() {
            ip @ IpAddr::V4(_) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            ip @ IpAddr::V6(_) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        });
    let Some(address) = address else {
        return Err(Failure::usage("`dns.listen` names no address with port 53, and resolv.conf knows no other port")
            .hint("without root: hpcsh dns exec -- COMMAND"));
    };
    let program = host.program().ok_or_else(|| Failure::failed("/proc does not say where this program lies"))?;
    let mut words: Vec<OsString> = vec![program.into(), "dns".into(), "serve".into()];
    if let Some(config) = config {
        words.extend(["--config".into(), host.absolute(config).into_os_string()]);
    }
    takeover::on(host, &takeover::Service { address, words }, dry_run)
}

/// Until it is told to stop.
fn serve(host: &mut Host, config: Option<&Path>, arguments: &ServeArguments) -> Result<(), Failure> {
    let loaded = login::configuration(host, config, config::STORAGE_WAIT).unwrap_or_else(|stale| stale.rest);
    for problem in &loaded.problems {
        host.say(format!("warning: {}", problem.brief()));
    }
    let settings = loaded.config.dns;
    let listen = if arguments.listen.is_empty() { settings.listen.clone() } else { arguments.listen.clone() };
    let first = Mutex::new(Some(settings.clone()));
    // Made anew by another thread, which has no world yet.
    let plan = || {
        let host = Host::real();
        let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let settings = first.map_or_else(|| sound(&host, config), Ok)?;
        Ok(plan(&host, settings, &listen))
    };
    let is_online = || false;
    let service = Service {
        listen: listen.clone(),
        allow_remote: arguments.allow_remote,
        log_queries: arguments.log_queries,
        threads: settings.threads,
        user: settings.user,
        plan: &plan,
        watched: takeover::watched(host),
        is_online: &is_online,
    };
    server::serve(host, &service)
}

/// The settings, if all of the configuration is sound and there in time.
fn sound(host: &Host, config: Option<&Path>) -> Result<Settings, Failure> {
    let loaded = login::configuration(host, config, config::STORAGE_WAIT)
        .map_err(|stale| Failure::failed(format!("{} does not answer", stale.mount.display())))?;
    match loaded.problems.first() {
        Some(problem) => Err(Failure::failed(problem.brief())),
        None => Ok(loaded.config.dns),
    }
}

fn plan(host: &Host, settings: Settings, listen: &[SocketAddr]) -> Plan {
    let rules = Rules {
        allow: settings.allow,
        deny: settings.deny,
        search: takeover::original(host).search,
        mirrors: Vec::new(),
    };
    let upstreams = if settings.upstream.is_empty() { takeover::upstreams(host, listen) } else { settings.upstream };
    Plan {
        policy: Policy::new(rules),
        upstreams,
        cache: settings.cache,
        only_while_offline: settings.only_while_offline,
    }
}
