//! One target asked, directly or through a proxy: it answered, or why it did not.
//!
//! Ends by its deadline. A sentence names neither the target nor what is secret; what kind of failure it is decides which
//! of several sentences is told as the node's reason.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use crate::host::clock;
use crate::net::http;
use crate::net::place::bracketed;
use crate::net::proxy::{Proxy, Way};
use crate::net::race;
use crate::net::resolve::Resolver;
use crate::net::stream::{self, Trouble};
use crate::net::tls::{self, Refusal};
use crate::node::routes::Routes;
use crate::node::targets::{Proof, Target};
use crate::verdict::printable;

/// What kind of failure it is, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Somebody else answers in the target's place.
    Portal,
    /// The proxy does not lead there; the sentence names it.
    Proxy,
    /// The target answers, and not as it should.
    Odd,
    /// Its name has no address.
    Name,
    /// It says that it is not there, or the kernel does.
    Unreached,
    /// The kernel has no way out.
    NoRoute,
    /// Nothing came by the deadline.
    Silent,
}

/// Why a target was not reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// For the choice of the reason.
    pub kind: Kind,
    /// A short sentence.
    pub sentence: String,
}

impl Miss {
    /// A miss of its parts.
    pub fn new(kind: Kind, sentence: impl Into<String>) -> Self {
        Self { kind, sentence: printable(&sentence.into()) }
    }
}

impl From<Trouble> for Miss {
    fn from(trouble: Trouble) -> Self {
        let kind = match trouble {
            Trouble::Silent => Kind::Silent,
            Trouble::Refused | Trouble::Unreachable | Trouble::Closed => Kind::Unreached,
            Trouble::Other(_) => Kind::Odd,
        };
        Self::new(kind, trouble.to_string())
    }
}

/// Asks one target. Directly, only addresses of a family that leads out are tried.
pub fn ask(target: &Target, way: &Way, routes: Routes, resolver: &Resolver, deadline: Instant) -> Result<(), Miss> {
    // What is left of the time is for the address: three quarters are enough for a name.
    let now = clock::now();
    let named_by = now + deadline.saturating_duration_since(now) * 3 / 4;
    match way {
        Way::Direct => {
            let found = resolver.addresses(&target.host, named_by);
            let mut addresses = found.map_err(|why| Miss::new(Kind::Name, why.to_string()))?;
            addresses.retain(|address| if address.is_ipv4() { routes.four } else { routes.six });
            if addresses.is_empty() {
                return Err(Miss::new(Kind::Unreached, "no default route for its addresses"));
            }
            let asked = target.clone();
            race(race::order(&addresses, target.port), deadline, move |address, deadline| {
                let stream = stream::connect(address, deadline)?;
                prove(stream, &asked, None)
            })
        }
        Way::Through(proxy) => {
            let found = resolver.addresses(&proxy.host, named_by);
            let addresses = found.map_err(|why| Miss::new(Kind::Proxy, format!("the proxy {proxy}: {why}")))?;
            let (asked, through) = (target.clone(), proxy.clone());
            race(race::order(&addresses, proxy.port), deadline, move |address, deadline| {
                through_proxy(address, &asked, &through, deadline)
            })
        }
        Way::Unusable(why) => Err(Miss::new(Kind::Proxy, why.clone())),
    }
}

/// The first success, or the most telling failure.
fn race(
    addresses: Vec<SocketAddr>,
    deadline: Instant,
    task: impl Fn(SocketAddr, Instant) -> Result<(), Miss> + Send + Sync + 'static,
) -> Result<(), Miss> {
    race::run(addresses, deadline, task)
        .map_err(|misses| misses.into_iter().min_by_key(|miss| miss.kind).unwrap_or_else(|| Trouble::Silent.into()))
}

fn through_proxy(address: SocketAddr, target: &Target, proxy: &Proxy, deadline: Instant) -> Result<(), Miss> {
    let miss = |what: &str| Miss::new(Kind::Proxy, format!("the proxy {proxy} {what}"));
    let trouble = |trouble: Trouble| match trouble {
        Trouble::Silent => miss("does not answer"),
        Trouble::Refused => miss("is not there: connection refused"),
        Trouble::Unreachable => miss("is not reachable"),
        Trouble::Closed => miss("accepts and closes"),
        Trouble::Other(why) => miss(&format!("is none: {why}")),
    };
    let stream = stream::connect(address, deadline).map_err(trouble)?;
    if !proxy.is_tls {
        return tunnel(stream, target, proxy, trouble);
    }
    match tls::over(stream, &proxy.host) {
        Ok(stream) => tunnel(stream, target, proxy, trouble),
        Err(Refusal::Names(names)) => Err(miss(&format!("has a certificate that names {}", or_nobody(&names)))),
        Err(Refusal::NotTls) => Err(miss("speaks no TLS")),
        Err(Refusal::Trouble(why)) => Err(trouble(why)),
    }
}

/// Asks the target through a proxy to which there is a stream.
fn tunnel(
    mut stream: impl Read + Write,
    target: &Target,
    proxy: &Proxy,
    trouble: impl Fn(Trouble) -> Miss,
) -> Result<(), Miss> {
    if target.proof != Proof::Certificate {
        return prove(stream, target, Some(proxy)).map_err(|miss| match miss.kind {
            Kind::Silent => trouble(Trouble::Silent),
            Kind::Unreached => trouble(Trouble::Closed),
            Kind::Odd => Miss::new(Kind::Proxy, format!("the proxy {proxy}: {}", miss.sentence)),
            _ => miss,
        });
    }
    let place = format!("{}:{}", bracketed(&target.host), target.port);
    let known = proxy.authorization();
    let request = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nUser-Agent: hpcsh\r\n{known}\r\n");
    let head = http::ask(&mut stream, &request).map_err(&trouble)?;
    if let Some(miss) = refused(head.status, target, proxy) {
        return Err(miss);
    }
    // The proxy was there: what is wrong from here on is between it and the target.
    prove(stream, target, None).map_err(|miss| match miss.kind {
        Kind::Silent => Miss::new(Kind::Proxy, format!("the proxy {proxy} accepts, and nothing comes back")),
        Kind::Unreached => trouble(Trouble::Closed),
        _ => miss,
    })
}

/// What a proxy's status says, where it is no success.
fn refused(status: u16, target: &Target, proxy: &Proxy) -> Option<Miss> {
    let sentence = match status {
        200..300 => return None,
        500.. => format!("the proxy {proxy} does not reach {target} ({status})"),
        _ => format!("the proxy {proxy} refuses ({status})"),
    };
    Some(Miss::new(Kind::Proxy, sentence))
}

/// Whether the peer of this stream is the target, or for plain HTTP a proxy that fetches from it.
fn prove(mut stream: impl Read + Write, target: &Target, fetching: Option<&Proxy>) -> Result<(), Miss> {
    let Proof::Body { path, body } = &target.proof else {
        return match tls::over(stream, &target.host) {
            Ok(_) => Ok(()),
            Err(Refusal::Names(names)) => {
                let sentence = format!("the certificate names {}, not {}", or_nobody(&names), target.host);
                Err(Miss::new(Kind::Portal, sentence))
            }
            Err(Refusal::NotTls) => Err(Miss::new(Kind::Portal, "what answers speaks no TLS")),
            Err(Refusal::Trouble(trouble)) => Err(trouble.into()),
        };
    };
    let (url, known) = match fetching {
        None => (path.clone(), String::new()),
        Some(proxy) => (target.to_string(), proxy.authorization()),
    };
    let host = bracketed(&target.host);
    // HTTP/1.0: the body comes as it is, and the connection ends with it.
    let request = format!("GET {url} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: hpcsh\r\n{known}\r\n");
    let head = http::ask(&mut stream, &request)?;
    if let Some(proxy) = fetching
        && let 403 | 407 | 502..=504 = head.status
        && let Some(miss) = refused(head.status, target, proxy)
    {
        return Err(miss);
    }
    match head.status {
        200 => {}
        // 511: "Network Authentication Required" (RFC 6585), for captive portals.
        201..400 | 511 => return Err(Miss::new(Kind::Portal, format!("status {}, not 200", head.status))),
        status => return Err(Miss::new(Kind::Odd, format!("status {status}, not 200"))),
    }
    let found = http::body(&mut stream, &head)?;
    if found.trim_ascii() == body.as_bytes() {
        Ok(())
    } else {
        Err(Miss::new(Kind::Portal, "another body than the expected one"))
    }
}

fn or_nobody(names: &str) -> &str {
    if names.is_empty() { "nobody" } else { names }
}
