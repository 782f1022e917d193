//! What the server says of itself to who asks: a thread of its own, which ends with the process.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch::Sender;

use super::{Common, Orders};
use crate::dns::counters::{Counters, Figures};
use crate::dns::status::Report;
use crate::dns::status::place::Door;
use crate::host::{clock, local_socket, users};

/// Answers at this door from now on; gives where it is, to be removed at the end. A server without one only says so.
///
/// # Errors
/// Where no thread can be had.
pub fn begin(
    door: Result<Option<Door>, String>,
    common: &Common,
    counters: &[Arc<Counters>],
    orders: &Sender<Orders>,
) -> io::Result<Option<PathBuf>> {
    let door = door.unwrap_or_else(|why| {
        tracing::warn!("`hpcsh dns status` has nobody to ask: {why}");
        None
    });
    let Some(Door { listener, path }) = door else { return Ok(None) };
    let report = reports(common, counters.to_vec(), orders.clone());
    std::thread::Builder::new().name("status".to_owned()).spawn(move || local_socket::tell(&listener, report))?;
    Ok(Some(path))
}

/// What is told to a user, by his number.
fn reports(
    common: &Common,
    counters: Vec<Arc<Counters>>,
    orders: Sender<Orders>,
) -> impl Fn(u32) -> Vec<u8> + Send + 'static {
    let begun = clock::now();
    let listen: Vec<String> = common.own.iter().map(ToString::to_string).collect();
    let is_online = Arc::clone(&common.is_online);
    move |user| {
        let plan = Arc::clone(&orders.borrow().plan);
        let mut figures = Figures::of_all(counters.iter().map(AsRef::as_ref));
        if user != 0 && user != users::my_id() {
            figures.top_blocked.clear();
        }
        let report = Report {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            uptime_seconds: begun.elapsed().as_secs(),
            listen: listen.clone(),
            forwards_everything: plan.only_while_offline && is_online.load(Ordering::Relaxed),
            cache: plan.cache as u64,
            figures,
        };
        report.json().into_bytes()
    }
}
