//! What turns while the server runs: the plan, when somebody wishes so (SIGHUP) or a file changes; the node's verdict.
//!
//! Files are looked at every two seconds: resolv.conf may be a link into a directory that is not there yet, be replaced, or be mounted over,
//! and a look by its name sees all of these. A plan that cannot be made changes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::watch::Sender;

use super::{Orders, Service, upstreams};
use crate::host::activation::News;
use crate::host::{clock, files};

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
}

impl Watcher<'_> {
    /// Until nobody can wish for anything any more.
    pub fn watch(&self, wishes: &Receiver<()>) {
        let stamps = || self.service.watched.iter().map(|path| files::stamp(path)).collect::<Vec<_>>();
        let mut known = stamps();
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

    fn reload(&self, why: &str) {
        let microseconds = clock::monotonic_micros();
        self.news.tell(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
        match (self.service.plan)() {
            Ok(plan) => {
                tracing::info!("loaded anew, {why}; {}", upstreams(&plan));
                self.orders.send_modify(|orders| orders.plan = Arc::new(plan));
            }
            Err(failure) => {
                let hint = failure.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
                tracing::warn!("not loaded anew, what was goes on: {}{hint}", failure.message);
            }
        }
        self.news.tell("READY=1");
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
