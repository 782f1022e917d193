//! What `hpcsh dns` does: the resolver is given what the configuration, the node's verdict and the exports say.

mod basis;
mod known;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use crate::cli::{CheckArguments, DnsStatusArguments, DnsTask, ExecArguments, ExportArguments, ServeArguments};
use crate::config::{self, Loaded};
use crate::dns::check;
use crate::dns::exec::{self, Order};
use crate::dns::export::{self, Export};
use crate::dns::rules::Known;
use crate::dns::server::{self, Service};
use crate::dns::{status, takeover};
use crate::error::Failure;
use crate::host::{Host, files};
use crate::login;
use crate::node::settle;
use crate::verdict::State;
use basis::Basis;
use known::known;

/// Does what was asked. Gives whether everything that was looked at is as it should be.
///
/// # Errors
/// The capability's own.
pub fn run(host: &mut Host, config: Option<&Path>, task: &DnsTask) -> Result<bool, Failure> {
    match task {
        DnsTask::Status(arguments) => return status(host, config, arguments),
        DnsTask::Serve(arguments) => serve(host, config, arguments),
        DnsTask::On(arguments) => on(host, config, arguments.dry_run),
        DnsTask::Off(arguments) => takeover::off(host, arguments.dry_run),
        DnsTask::Restore(arguments) => takeover::restore(host, arguments.dry_run),
        DnsTask::Check(arguments) => check(host, config, arguments),
        DnsTask::Export(arguments) => export(host, config, arguments),
        // Its environment is made where all of the exports are known: see [`exec`].
        DnsTask::Exec(_) => Ok(()),
    }
    .map(|()| true)
}

/// Points resolv.conf at a resolver of this configuration.
fn on(host: &mut Host, config: Option<&Path>, dry_run: bool) -> Result<(), Failure> {
    let loaded = configured(host, config);
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
    let loaded = configured(host, config);
    let settings = &loaded.config.dns;
    let listen = if arguments.listen.is_empty() { settings.listen.clone() } else { arguments.listen.clone() };
    let (threads, user) = (settings.threads, settings.user.clone());
    let basis = Basis::new(config, loaded, &listen, &user);
    let service = Service {
        listen: listen.clone(),
        allow_remote: arguments.allow_remote,
        log_queries: arguments.log_queries,
        threads,
        user: user.clone(),
        plan: &|| basis.plan(),
        watched: takeover::watched(host),
        is_online: &|| basis.is_online(),
    };
    server::serve(host, &service)
}

/// What a resolver that runs says of itself. Gives whether there is one.
fn status(host: &mut Host, config: Option<&Path>, arguments: &DnsStatusArguments) -> Result<bool, Failure> {
    let addresses = match arguments.at {
        Some(at) => vec![at],
        None => configured(host, config).config.dns.listen,
    };
    let report = status::ask(host, &addresses)?;
    match (&arguments.prometheus, &report) {
        (Some(path), _) => {
            let text = status::prometheus::text(report.as_ref());
            if path.as_os_str() == "-" {
                host.print(text);
            } else {
                files::publish(path, text.as_bytes())
                    .map_err(|error| Failure::failed(format!("{} cannot be written: {error}", path.display())))?;
            }
        }
        (None, Some(report)) if arguments.json => host.print(report.json()),
        (None, Some(report)) => host.print(status::text::text(report)),
        (None, None) => {}
    }
    if report.is_none() {
        let failure = status::nobody(host, &addresses);
        host.say(failure.to_string());
    }
    Ok(report.is_some())
}

/// What would happen to names, now.
fn check(host: &mut Host, config: Option<&Path>, arguments: &CheckArguments) -> Result<(), Failure> {
    let loaded = configured(host, config);
    // A look at the network only where that decides.
    let is_open = loaded.config.dns.only_while_offline
        && settle::for_good(host, &loaded.config.node).verdict.state == State::Online;
    let resolv = takeover::original(host);
    let node = check::Node {
        known: known(host, &loaded),
        search: known::search(host).into_iter().map(|(domain, _)| domain).collect(),
        dots: resolv.number("ndots").map_or(1, usize::from),
        is_open,
    };
    let rows = check::rows(&node, &arguments.names)?;
    host.print(if arguments.json { check::json(&rows) } else { check::text(&rows) });
    Ok(())
}

/// The same policy for another engine, or ours as a service.
fn export(host: &mut Host, config: Option<&Path>, arguments: &ExportArguments) -> Result<(), Failure> {
    let loaded = configured(host, config);
    let known = known(host, &loaded);
    let settings = loaded.config.dns;
    // Whoever listens here in our place would ask himself.
    let found = || takeover::upstreams(host, &settings.listen);
    let upstreams = if settings.upstream.is_empty() { found() } else { settings.upstream.clone() };
    let program = host.program().map_or_else(|| PathBuf::from("/usr/local/bin/hpcsh"), Path::to_owned);
    let named = config.map(Path::to_owned).or_else(|| host.nonempty("HPCSH_CONFIG").map(PathBuf::from));
    let config = named.map(|path| host.absolute(&path));
    let export = Export { known, upstreams, settings, program, config };
    let text = export::text(arguments.target, &export)?;
    host.print(text);
    Ok(())
}

/// The configuration, or what can be had of it; what is wrong is said.
fn configured(host: &mut Host, config: Option<&Path>) -> Loaded {
    let loaded = login::configuration(host, config, config::JOB_WAIT).unwrap_or_else(|stale| {
        host.say(format!("warning: {} does not answer: what lies there is not known", stale.mount.display()));
        stale.rest
    });
    for problem in &loaded.problems {
        host.say(format!("warning: {}", problem.brief()));
    }
    loaded
}

/// `hpcsh dns exec`, with the environment of a node that is offline.
///
/// # Errors
/// Where the command does not start. It never comes back where it does.
pub fn exec(
    host: &mut Host,
    loaded: &Loaded,
    variables: BTreeMap<OsString, OsString>,
    exec: ExecArguments,
) -> Result<(), Failure> {
    // A look at the network only where that decides.
    let is_open = loaded.config.dns.only_while_offline
        && settle::for_good(host, &loaded.config.node).verdict.state == State::Online;
    let variables = if is_open { host.variables() } else { variables };
    let Known { rules, labels, .. } = known(host, loaded);
    let order = Order { words: exec.words, variables, rules, labels, is_open };
    if exec.dry_run {
        exec::plan(host, &order, exec.json);
        return Ok(());
    }
    Err(exec::run(host, order))
}
