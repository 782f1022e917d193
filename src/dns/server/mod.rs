//! The resolver as a service: takes its sockets, gives up its privileges, answers until it is told to stop.
//!
//! Each thread has sockets, a runtime and figures of its own, and shares nothing with the others but the plan. What may take
//! its time (to make the plan again, to look at the node's verdict, to write the log) is done by threads that answer nobody.
//!
//! After the privileges are gone, a reload reads what the service's user may read: the configuration of the node, resolv.conf; not
//! what lies in root's home: what a configuration there said when the server began goes on.

#[cfg(any(test, fuzzing))]
pub mod agree;
pub mod handler;
mod identity;
mod listen;
mod report;
pub mod tcp;
pub mod thread;
pub mod udp;
mod watch;

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch::{Receiver, Sender};
use tokio::task::spawn_local;

use self::listen::Listening;
use self::tcp::Connections;
use self::thread::{LARGEST, Thread};
use self::udp::Front;
use self::watch::{Change, Watcher};
use super::counters::Counters;
use super::forward::Forwarder;
use super::log;
use super::plan::Plan;
use super::status::place;
use super::wire;
use crate::error::Failure;
use crate::host::activation::{self, News};
use crate::host::datagrams::Incoming;
use crate::host::{Host, clock, files, memory, process};

/// What is to be served, and how.
pub struct Service<'a> {
    /// Where it listens; not where systemd hands in sockets.
    pub listen: Vec<SocketAddr>,
    /// Others than this node may ask.
    pub allow_remote: bool,
    /// Every question is a line in the log.
    pub log_queries: bool,
    /// Threads that serve.
    pub threads: usize,
    /// Who it is after it has taken its sockets, where it was started as root: a name of /etc/passwd, or a number.
    pub user: String,
    /// Makes the plan; again at each reload, by another thread and as that user. With why the configuration was not read for it, and
    /// what it said before goes on.
    pub plan: &'a (dyn Fn() -> (Plan, Option<Failure>) + Sync),
    /// When one of these files changes, the plan is made again.
    pub watched: Vec<PathBuf>,
    /// Whether the node reaches the internet. Asked every two seconds where the plan is for nodes that do not, by another thread and as
    /// that user.
    pub is_online: &'a (dyn Fn() -> bool + Sync),
}

/// As many connections are open at once in all.
const CONNECTIONS: usize = 4096;
/// As many files are wished for: the connections, and as many again for those that are asked.
const FILES: u64 = 2 * CONNECTIONS as u64;

/// How long an end may take, and how often is looked whether it is time.
const LINGER: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(10);

/// What the threads are told.
#[derive(Clone, Debug)]
struct Orders {
    plan: Arc<Plan>,
    /// Why this is not the first plan.
    change: Option<Arc<Change>>,
    is_stopping: bool,
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// Where it cannot begin.
pub fn serve(host: &mut Host, service: &Service<'_>) -> Result<(), Failure> {
    // What changes from here on is seen, if not by this plan.
    let known = watch::stamps(&service.watched);
    let plan = Arc::new((service.plan)().0);
    memory::give_back();
    process::outlive_readers();
    let files = usize::try_from(process::raise_files(FILES)).unwrap_or(usize::MAX);
    let mut taken = listen::take(host, &service.listen, service.allow_remote, service.threads)?;
    let news = News::of(host);
    let is_journal = activation::is_journal(host);
    let door = taken.addresses.first().map(|address| place::open(host, *address)).transpose();
    let remark = identity::give_up(host, &service.user)?;
    let (_log, lines) = log::open(is_journal);
    let no_thread = |error: io::Error| Failure::failed(format!("no thread can be had: {error}"));
    std::thread::Builder::new().name("log".to_owned()).spawn(move || lines.write()).map_err(no_thread)?;
    let count = taken.threads.len();
    let orders = Sender::new(Orders { plan: Arc::clone(&plan), change: None, is_stopping: false });
    let common = Common {
        own: taken.addresses.clone(),
        log_queries: service.log_queries,
        connections: (files / 2).clamp(4, CONNECTIONS).div_ceil(count),
        is_online: Arc::default(),
        news,
    };
    let counters: Vec<Arc<Counters>> = (0..count).map(|_| Arc::default()).collect();
    let socket = report::begin(door, &common, &counters, &orders).map_err(no_thread)?;
    let news = &common.news;
    let watcher = Watcher { service, orders: &orders, is_online: &common.is_online, news, known };
    let mut threads = std::mem::take(&mut taken.threads).into_iter();
    let mut counters = counters.into_iter();
    let first = (threads.next().unwrap_or_default(), counters.next().unwrap_or_default());
    let done = std::thread::scope(|scope| {
        for own in threads.zip(counters) {
            let (common, orders) = (&common, orders.subscribe());
            scope.spawn(move || {
                let done = run(common, own, orders, |_| Ok(()), std::future::pending());
                if let Err(error) = done {
                    tracing::error!("a thread cannot serve: {error}");
                }
            });
        }
        let (wishes, heard) = mpsc::channel();
        let begin = |plan: &Plan| {
            if let Some(remark) = &remark {
                tracing::warn!("{remark}");
            }
            for address in &taken.left_out {
                tracing::info!("there is no IPv6 here: {address} is left out");
            }
            tracing::info!("answering on {}; {}", list(&taken.addresses), upstreams(plan));
            news.tell("READY=1");
            let watcher = &watcher;
            std::thread::Builder::new().name("watch".to_owned()).spawn_scoped(scope, move || watcher.watch(&heard))
        };
        let stop = signals(&wishes);
        let done = run(&common, first, orders.subscribe(), begin, stop);
        news.tell("STOPPING=1");
        orders.send_modify(|orders| orders.is_stopping = true);
        drop(wishes);
        done
    });
    if let Some(path) = socket {
        // It lies in a directory of root's where root started us; nobody listens there any more, and the next one replaces it.
        let _ = files::remove(&path);
    }
    done.map_err(|error| Failure::failed(format!("the server cannot run: {error}")))
}

/// `127.0.0.1:53 and [::1]:53`
fn list(addresses: &[SocketAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    match texts.split_last() {
        Some((last, rest @ [_, ..])) => format!("{} and {last}", rest.join(", ")),
        _ => texts.concat(),
    }
}

/// Who is asked, for people.
fn upstreams(plan: &Plan) -> String {
    match &plan.upstreams[..] {
        [] => "there is no name server to forward to".to_owned(),
        all => format!("forwarding to {}", list(all)),
    }
}

/// What all threads have from the beginning.
struct Common {
    own: Vec<SocketAddr>,
    log_queries: bool,
    /// As many may be open in each thread.
    connections: usize,
    is_online: Arc<AtomicBool>,
    news: News,
}

/// Serves in this thread until it is told to stop, or `stop` is there. `begin` is called when questions are answered.
fn run<T>(
    common: &Common,
    (listening, counters): (Listening, Arc<Counters>),
    mut orders: Receiver<Orders>,
    begin: impl FnOnce(&Plan) -> io::Result<T>,
    stop: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().enable_time().build_local(LocalOptions::default())?;
    let stop = async move {
        let plan = Arc::clone(&orders.borrow_and_update().plan);
        let mut batch = Incoming::new(LARGEST, wire::SPARE);
        batch.join_answers();
        let thread = Rc::new(Thread {
            forwarder: Forwarder::new(&plan, &common.own, Arc::clone(&counters))?,
            plan: RefCell::new(Arc::clone(&plan)),
            is_online: Arc::clone(&common.is_online),
            counters,
            log_queries: common.log_queries,
            names: log::Names::new(),
            batch: RefCell::new(batch),
            moment: Cell::new(None),
            connections: Connections::new(common.connections),
        });
        for socket in listening.datagrams {
            let front = Front::new(socket)?;
            spawn_local(Rc::clone(&front).send_late());
            spawn_local(front.serve(Rc::clone(&thread)));
        }
        for listener in listening.streams {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            spawn_local(tcp::accept(listener, Rc::clone(&thread)));
        }
        spawn_local(Connections::sweep(Rc::clone(&thread)));
        let told = async {
            while orders.changed().await.is_ok() {
                let Orders { plan, change, is_stopping } = orders.borrow_and_update().clone();
                if is_stopping {
                    break;
                }
                thread.forwarder.replace_upstreams(&plan);
                thread.plan.replace(Arc::clone(&plan));
                if let Some(change) = change {
                    change.is_done(&plan, &common.news);
                }
            }
        };
        let (mut told, mut stop) = (std::pin::pin!(told), std::pin::pin!(stop));
        let mut begin = Some(begin);
        std::future::poll_fn(|context| {
            if let Poll::Ready(done) = stop.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            // From here on a signal is heard.
            if let Some(Err(error)) = begin.take().map(|begin| begin(&plan)) {
                return Poll::Ready(Err(error));
            }
            told.as_mut().poll(context).map(Ok)
        })
        .await?;
        linger(&thread).await;
        Ok(())
    };
    runtime.block_on(stop)
}

/// Goes on for a moment, and as long as somebody waits for an answer: the node may ask others already, but who has asked us before
/// would wait for five seconds (resolv.conf(5), `timeout`).
async fn linger(thread: &Thread) {
    let end = clock::after(LINGER);
    loop {
        tokio::time::sleep(MOMENT).await;
        if thread.forwarder.is_idle() || clock::now() >= end {
            return;
        }
    }
}

/// Ready when it is time to stop; who wishes for a reload is told meanwhile.
async fn signals(wishes: &mpsc::Sender<()>) -> io::Result<()> {
    let mut stop = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    let mut reload = signal(SignalKind::hangup())?;
    std::future::poll_fn(|context| {
        while let Poll::Ready(Some(())) = reload.poll_recv(context) {
            let _ = wishes.send(());
        }
        let is_time = |signal: &mut Signal| signal.poll_recv(context).is_ready();
        if stop.iter_mut().any(is_time) { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}
