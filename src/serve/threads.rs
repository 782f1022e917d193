//! A thread for each target: it asks once for each word that it gets, so there is never more than one probe under way.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Instant;

use rustix::event::{EventfdFlags, eventfd};

use super::ask::{Asker, Seen};
use super::kinds::{self, Kind};
use super::request::{PROBE, Request};
use super::schedule::Schedule;
use super::target::{Place, Target};
use crate::error::{self, Failure};
use crate::host::{Host, clock};
use crate::net::chain::Trust;
use crate::net::proxy::{Proxies, Way};
use crate::net::race;
use crate::net::resolve::Resolver;

/// A target, what is known of it, and its thread.
pub struct Waiting {
    /// Whom to ask.
    pub target: Target,
    /// For people: what is asked.
    pub url: String,
    /// For people: what it is.
    pub name: &'static str,
    /// A word for its thread: ask.
    pub go: Sender<()>,
    /// The steps of its probes.
    pub schedule: Schedule,
    /// Whether it has been said that it is waited for.
    pub is_announced: bool,
    /// What it was at the last probe.
    pub seen: Option<Seen>,
    /// When it is asked again; `None` while it is, and when that is done with.
    pub due: Option<Instant>,
}

/// An answer: of which target, what, from when to when.
pub type Answer = (usize, Seen, Instant, Instant);

/// The threads' half of what they share with us, before they start.
pub struct Threads {
    askers: Vec<(Asker, Receiver<()>)>,
}

/// The targets, and a thread for each, which are still to be started.
///
/// # Errors
/// What cannot be meant.
pub fn prepare(host: &Host, request: &Request) -> Result<(Vec<Waiting>, Threads), Failure> {
    let targets = request.servers()?;
    if request.settings.probe.is_some_and(|limit| limit.is_zero()) {
        return Err(Failure::usage("a look that may take no time sees nothing")
            .hint("--probe-timeout, or `wait.probe_timeout`"));
    }
    let key = request.key.as_deref().map(|name| key(host, name)).transpose()?;
    let trust = targets.iter().any(|target| target.is_tls).then(|| trust(host, request)).transpose()?;
    let (proxies, resolver) = (Proxies::of(host), Resolver::of(host));
    let own = [host.name(), host.full_name()];
    let mut waiting = Vec::new();
    let mut askers = Vec::new();
    for target in targets {
        let way = match &target.place {
            Place::Host(name, port) if !target.is_near(&own) => proxies.way(target.is_tls, name, *port),
            _ => Way::Direct,
        };
        let path = target.path.clone().unwrap_or_else(|| request.kind.map_or(kinds::HEALTH, Kind::health).to_owned());
        let (go, asked) = mpsc::channel();
        askers.push((
            Asker {
                target: target.clone(),
                kind: request.kind,
                model: request.model.clone(),
                key: key.clone(),
                trust: trust.clone(),
                way,
                resolver: resolver.clone(),
                limit: request.settings.probe,
                usual: PROBE,
                known: None,
            },
            asked,
        ));
        let url = target.url(&path);
        let name = request.kind.unwrap_or(Kind::Vllm).name();
        waiting.push(Waiting {
            target,
            url,
            name,
            go,
            schedule: Schedule::default(),
            is_announced: false,
            seen: None,
            due: None,
        });
    }
    Ok((waiting, Threads { askers }))
}

/// The key in this variable, which is never shown.
fn key(host: &Host, name: &str) -> Result<String, Failure> {
    let value = host.nonempty(name).ok_or_else(|| Failure::usage(format!("the variable {name} is not set")))?;
    let value = value.to_str().map(str::trim).filter(|value| value.bytes().all(|byte| byte.is_ascii_graphic()));
    value
        .map(str::to_owned)
        .ok_or_else(|| Failure::usage(format!("what {name} holds is no key: it has blanks or other letters")))
}

fn trust(host: &Host, request: &Request) -> Result<Trust, Failure> {
    let found = match &request.settings.cacert {
        _ if request.insecure => Trust::of_anybody(),
        Some(file) => Trust::of_file(&host.locate(file)),
        None => Trust::of_system(host),
    };
    found.map_err(|why| Failure::usage(why).hint("--cacert FILE names whom to trust, --insecure trusts anybody"))
}

impl Threads {
    /// Starts them, and each of them with a first probe.
    pub fn start(
        self,
        waiting: &mut [Waiting],
        request: &Request,
    ) -> Result<(Receiver<Answer>, Arc<OwnedFd>), Failure> {
        let failed = |why: String| {
            let failure = Failure::failed(why);
            if request.command.is_empty() { failure } else { failure.of_kind(error::Kind::Runner) }
        };
        // No pipe: a thread that answers while we leave would end us with SIGPIPE.
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let wake = Arc::new(eventfd(0, flags).map_err(|error| failed(error.to_string()))?);
        let (sender, answers) = mpsc::channel();
        for (number, (asker, asked)) in self.askers.into_iter().enumerate() {
            let (sender, waker) = (sender.clone(), Arc::clone(&wake));
            race::beside(move || serve(number, asker, &asked, &sender, &waker)).map_err(failed)?;
            let _ = waiting[number].go.send(());
        }
        Ok((answers, wake))
    }
}

/// A target's thread: one probe for each word.
fn serve(number: usize, mut asker: Asker, words: &Receiver<()>, answers: &Sender<Answer>, waker: &OwnedFd) {
    while words.recv().is_ok() {
        let began = clock::now();
        let seen = asker.ask();
        if answers.send((number, seen, began, clock::now())).is_err()
            || rustix::io::write(waker, &1_u64.to_ne_bytes()).is_err()
        {
            return;
        }
    }
}
