//! What `hpcsh dns` does: the resolver is given what the configuration, the node's verdict and the exports say.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::cli::{DnsTask, ExecArguments, ServeArguments};
use crate::config::{self, Config};
use crate::dns::exec::{self, Order};
use crate::dns::plan::Plan;
use crate::dns::policy::{Policy, Rules};
use crate::dns::server::{self, Service};
use crate::dns::settings::Settings;
use crate::dns::takeover;
use crate::error::Failure;
use crate::host::Host;
use crate::login;
use crate::node::settle;
use crate::shell::env::Export;
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
    let loaded = login::configuration(host, config, config::STORAGE_WAIT).unwrap_or_else(|stale| stale.rest);
    for problem in &loaded.problems {
        host.say(format!("warning: {}", problem.brief()));
    }
    let Config { dns: settings, node, .. } = loaded.config;
    let listen = if arguments.listen.is_empty() { settings.listen.clone() } else { arguments.listen.clone() };
    let first = Mutex::new(Some(settings.clone()));
    // Made anew by another thread, which has no world yet.
    let plan = || {
        let host = Host::real();
        let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let settings = first.map_or_else(|| sound(&host, config), Ok)?;
        Ok(plan(&host, settings, &listen))
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

/// The settings, if all of the configuration is sound and there in time.
fn sound(host: &Host, config: Option<&Path>) -> Result<Settings, Failure> {
    let loaded = login::configuration(host, config, config::STORAGE_WAIT)
        .map_err(|stale| Failure::failed(format!("{} does not answer", stale.mount.display())))?;
    match loaded.problems.first() {
        Some(problem) => Err(Failure::failed(problem.brief())),
        None => Ok(loaded.config.dns),
    }
}

/// What the resolver goes by, as the configuration and the original resolv.conf are now.
fn plan(host: &Host, settings: Settings, listen: &[SocketAddr]) -> Plan {
    let Settings { allow, deny, upstream, cache, only_while_offline, .. } = settings;
    let search = takeover::original(host).search;
    let rules = Rules { allow, deny, search, ..Rules::default() };
    let upstreams = if upstream.is_empty() { takeover::upstreams(host, listen) } else { upstream };
    Plan { policy: Policy::new(rules), upstreams, cache, only_while_offline }
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
    let Settings { allow, deny, .. } = config.dns.clone();
    let rules = Rules { allow, deny, search: takeover::original(host).search, ..Rules::default() };
    let order = Order { words: exec.words, variables, rules };
    if exec.dry_run {
        exec::plan(host, order, exec.json);
        return Ok(());
    }
    Err(exec::run(host, order))
}
