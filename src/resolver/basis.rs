//! What a server goes by: the configuration, as far as it matters here, and resolv.conf; read again at each reload.
//!
//! The two are read apart. A server that root has started reads as somebody who may not look into root's home: there, and where a
//! configuration is wrong or its storage does not answer, what it said last goes on, and a new resolv.conf counts all the same.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::known::{known, searched};
use crate::config::{self, Loaded};
use crate::dns::plan::Plan;
use crate::dns::policy::{Policy, Rules};
use crate::dns::settings::Settings;
use crate::dns::takeover;
use crate::error::Failure;
use crate::host::{Host, users};
use crate::login;
use crate::node::{probe, settle};
use crate::verdict::State;

/// See the module.
pub struct Basis<'a> {
    config: Option<&'a Path>,
    listen: &'a [SocketAddr],
    user: &'a str,
    was_root: bool,
    /// The configuration that was read before the server began, for its first plan.
    first: Mutex<Option<Loaded>>,
    said: Mutex<Said>,
}

/// What the configuration said when it was read last. No more of it: a long list of names would stay twice.
#[derive(Default)]
struct Said {
    rules: Rules,
    upstream: Vec<SocketAddr>,
    cache: usize,
    only_while_offline: bool,
    node: probe::Settings,
}

impl<'a> Basis<'a> {
    /// Of a server that listens here and becomes this user; to be made while it still is who it was.
    pub fn new(config: Option<&'a Path>, loaded: Loaded, listen: &'a [SocketAddr], user: &'a str) -> Self {
        let (first, said) = (Mutex::new(Some(loaded)), Mutex::default());
        Self { config, listen, user, was_root: users::my_id() == 0, first, said }
    }

    /// What the resolver goes by, as things are now, and why the configuration is not, if it could not be had.
    ///
    /// The server's threads have no world yet.
    pub fn plan(&self) -> (Plan, Option<Failure>) {
        let host = Host::real();
        let first = locked(&self.first).take();
        let found = first.map_or_else(|| self.sound(&host), Ok);
        let mut said = locked(&self.said);
        let failure = match found {
            Ok(loaded) => {
                *said = Said::of(&host, loaded);
                None
            }
            Err(failure) => {
                said.rules.search = searched(&host);
                Some(failure)
            }
        };
        (said.plan(&host, self.listen), failure)
    }

    /// Whether the node is online, by what the configuration said last.
    pub fn is_online(&self) -> bool {
        let node = locked(&self.said).node.clone();
        settle::for_good(&Host::real(), &node).verdict.state == State::Online
    }

    /// The configuration, if all of it is sound and there in time.
    fn sound(&self, host: &Host) -> Result<Loaded, Failure> {
        let loaded = login::configuration(host, self.config, config::STORAGE_WAIT)
            .map_err(|stale| Failure::failed(format!("{} does not answer", stale.mount.display())))?;
        let Some(problem) = loaded.problems.first() else { return Ok(loaded) };
        let failure = Failure::failed(problem.brief());
        if loaded.is_unread && self.was_root && users::my_id() != 0 {
            return Err(failure.hint(format!(
                "the server is user {} now, and root no longer: let `dns.user` name another, or put it where that one may read it, \
                 as /etc/hpcsh/config.toml",
                self.user
            )));
        }
        Err(failure)
    }
}

impl Said {
    fn of(host: &Host, loaded: Loaded) -> Self {
        let rules = known(host, &loaded).rules;
        let Settings { upstream, cache, only_while_offline, .. } = loaded.config.dns;
        Self { rules, upstream, cache, only_while_offline, node: loaded.config.node }
    }

    fn plan(&self, host: &Host, listen: &[SocketAddr]) -> Plan {
        let Self { rules, upstream, cache, only_while_offline, .. } = self;
        let upstreams = if upstream.is_empty() { takeover::upstreams(host, listen) } else { upstream.clone() };
        Plan { policy: Policy::new(rules), upstreams, cache: *cache, only_while_offline: *only_while_offline }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
