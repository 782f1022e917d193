//! What turns while the server runs: the plan, when somebody wishes so (SIGHUP) or a file changes; the node's verdict.
//!
//! Files are looked at every two seconds: resolv.conf may be a link into a directory that is not there yet, be replaced, or be mounted over,
//! and a look by its name sees all of these.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use hpcsh_early::record::Stamp;
use tokio::sync::watch::Sender;

use super::{Orders, Service, upstreams};
use crate::dns::plan::Plan;
use crate::error::Failure;
use crate::host::activation::News;
use crate::host::{clock, memory, stamp};

/// From one look to the next.
const PAUSE: Duration = Duration::from_secs(2);

/// Looks at the files and the verdict, and makes the plan again.
pub struct Watcher<'a> {
    /// The service.
    pub service: &'a Service<'a>,
    /// To whom a new plan is told.
    pub orders: &'a Sender<Orders>,
    /// What the verdict says.
    pub is_online: &'a AtomicBool,
    /// To whom systemd listens.
    pub news: &'a News,
    /// What the files were before the plan was made.
    pub known: Stamps,
}

/// How files can be told from what they will be.
pub type Stamps = Vec<Option<Stamp>>;

/// Of these files, now.
pub fn stamps(files: &[PathBuf]) -> Stamps {
    files.iter().map(|path| stamp::at(path)).collect()
}

/// Why there is a new plan, and how many threads do not go by it yet.
#[derive(Debug)]
pub struct Change {
    why: &'static str,
    /// Why it goes by the configuration of before.
    failure: Option<Failure>,
    threads: AtomicUsize,
}

impl Change {
    /// A thread goes by the new plan; the last one says so.
    pub fn is_done(&self, plan: &Plan, news: &News) {
        if self.threads.fetch_sub(1, Ordering::Relaxed) == 1 {
            let (why, upstreams) = (self.why, upstreams(plan));
            match &self.failure {
                None => tracing::info!("loaded anew, {why}; {upstreams}"),
                Some(Failure { message, hint, .. }) => {
                    let hint = hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                    tracing::warn!(
                        "loaded anew, {why}; {upstreams}; but not the configuration, which stays as it was: {message}{hint}"
                    );
                }
            }
            news.tell("READY=1");
        }
    }
}

impl Watcher<'_> {
    /// Until nobody can wish for anything any more.
    pub fn watch(&self, wishes: &Receiver<()>) {
        let stamps = || stamps(&self.service.watched);
        let mut known = self.known.clone();
        self.ask();
        loop {
            match wishes.recv_timeout(PAUSE) {
                Ok(()) => {
                    // Several that have come meanwhile are one.
                    while wishes.try_recv().is_ok() {}
                    known = stamps();
                    self.reload("as was asked for");
                }
                Err(RecvTimeoutError::Timeout) => {
                    let now = stamps();
                    if now != known {
                        known = now;
                        self.reload("since resolv.conf has changed");
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.ask();
        }
    }

    fn reload(&self, why: &'static str) {
        let microseconds = clock::monotonic_micros();
        self.news.tell(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
        let (plan, failure) = (self.service.plan)();
        memory::give_back();
        let threads = AtomicUsize::new(self.orders.receiver_count());
        let (plan, change) = (Arc::new(plan), Arc::new(Change { why, failure, threads }));
        self.orders.send_modify(|orders| {
            (orders.plan, orders.change) = (plan, Some(change));
        });
    }

    fn ask(&self) {
        let is_asked = self.orders.borrow().plan.only_while_offline;
        let is_online = is_asked && (self.service.is_online)();
        if self.is_online.swap(is_online, Ordering::Relaxed) != is_online {
            let what = if is_online { "everything is forwarded" } else { "names of the internet are blocked" };
            tracing::info!("the node is {}: {what}", if is_online { "online" } else { "offline" });
        }
    }
}
