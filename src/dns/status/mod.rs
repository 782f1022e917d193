//! `hpcsh dns status`: what a resolver that runs says of itself, over a unix socket.
//!
//! [`place`] is where the socket lies, [`text`] what people read, [`prometheus`] what is scraped,
//! [`checks`] what is wrong.

pub mod checks;
pub mod place;
pub mod prometheus;
pub mod text;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::counters::Figures;
use crate::error::Failure;
use crate::host::{Host, local_socket};

/// How long a resolver on this node may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// All that a resolver says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Its version.
    pub version: String,
    /// Its process.
    pub process: u32,
    /// How long it has been answering, in seconds.
    pub uptime_seconds: u64,
    /// Where it is asked.
    pub listen: Vec<String>,
    /// The node is online, and the configuration says that everything is forwarded then.
    pub forwards_everything: bool,
    /// How many answers it would remember.
    pub cache: u64,
    /// What it has counted. The names are there for root and its own user alone: they tell what others look up.
    #[serde(flatten)]
    pub figures: Figures,
}

impl Report {
    /// For programs.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default()
    }
}

/// Asks the resolver that listens at one of these addresses; `None` where there is none.
///
/// # Errors
/// Where there is one that does not answer, or not what is expected.
pub fn ask(host: &Host, addresses: &[SocketAddr]) -> Result<Option<Report>, Failure> {
    for (address, path) in
        addresses.iter().flat_map(|address| place::all(host, *address).map(move |path| (address, path)))
    {
        let bytes = match local_socket::ask(&path, ANSWER) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                continue;
            }
            Err(error) => {
                let why = match error.kind() {
                    io::ErrorKind::WouldBlock => "it does not answer".to_owned(),
                    _ => error.to_string(),
                };
                return Err(Failure::failed(format!("the resolver at {address} cannot be asked: {why}")));
            }
        };
        return serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            Failure::failed(format!("what the resolver at {address} says cannot be read: {error}"))
                .hint("is it of another version? `hpcsh dns off`, then `hpcsh dns on`, starts this one")
        });
    }
    Ok(None)
}

/// What is said where [`ask`] has found none.
pub fn nobody(host: &Host, addresses: &[SocketAddr]) -> Failure {
    let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let failure = Failure::failed(format!("no resolver of hpcsh answers at {}", names.join(" or ")));
    match place::others(host).into_iter().find(|other| matches!(ask(host, &[*other]), Ok(Some(_)))) {
        Some(other) => failure.hint(format!("there is one at {other}: hpcsh dns status --at {other}")),
        None => failure.hint("as root: hpcsh dns on; without root, for one command: hpcsh dns exec -- COMMAND"),
    }
}
