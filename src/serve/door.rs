//! A connection to a server: to an address or a socket, through a proxy, with TLS in it.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use super::ask::{Asker, Seen, State};
use super::target::Place;
use crate::net::chain::Distrust;
use crate::net::http;
use crate::net::place::bracketed;
use crate::net::proxy::{Proxy, Way};
use crate::net::stream::{self, Timed};

/// Where to connect.
pub enum Door {
    /// An address, of the server or of a proxy.
    Address(SocketAddr),
    /// A unix socket.
    Socket(PathBuf),
}

/// Both halves of a connection, whatever is in between.
pub trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

impl Asker {
    /// A connection to the target, what to ask it for, and a line for a proxy.
    pub(super) fn open(
        &self,
        door: &Door,
        path: &str,
        deadline: Instant,
    ) -> Result<(Box<dyn Stream>, String, String), Seen> {
        let stream = match door {
            Door::Address(address) => stream::connect(*address, deadline),
            Door::Socket(path) => stream::connect_local(path, deadline),
        };
        let (Place::Host(host, port), is_tls) = (&self.target.place, self.target.is_tls) else {
            return Ok((Box::new(stream?), path.to_owned(), String::new()));
        };
        let mut stream: Box<dyn Stream> = match &self.way {
            Way::Through(proxy) => {
                let told = |what: &str| Seen::new(State::Odd, format!("the proxy {proxy} {what}"));
                let mut stream = stream.map_err(|trouble| told(&format!("is not there: {trouble}")))?;
                if proxy.is_tls {
                    return Err(Seen::new(
                        State::Hopeless,
                        format!("the proxy {proxy} wants TLS, which is not spoken with proxies here"),
                    ));
                }
                if !is_tls {
                    let url = format!("http://{}{path}", self.target.authority());
                    return Ok((Box::new(stream), url, proxy.authorization()));
                }
                tunnel(&mut stream, host, *port, proxy).map_err(|what| told(&what))?;
                Box::new(stream)
            }
            _ => Box::new(stream?),
        };
        if is_tls {
            let trust = self.trust.as_ref().ok_or_else(|| Seen::new(State::Hopeless, "nobody is trusted"))?;
            stream = Box::new(trust.over(stream, host).map_err(distrust)?);
        }
        Ok((stream, path.to_owned(), String::new()))
    }
}

fn tunnel(stream: &mut Timed, host: &str, port: u16, proxy: &Proxy) -> Result<(), String> {
    let place = format!("{}:{port}", bracketed(host));
    let known = proxy.authorization();
    let request = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nUser-Agent: hpcsh\r\n{known}\r\n");
    match http::ask(stream, &request) {
        Ok(head) if (200..300).contains(&head.status) => Ok(()),
        Ok(head) => Err(format!("does not lead there ({})", head.status)),
        Err(trouble) => Err(format!("does not lead there: {trouble}")),
    }
}

fn distrust(why: Distrust) -> Seen {
    match why {
        Distrust::Certificate(why) => {
            let hint =
                "--cacert FILE names whom to trust instead of the system's authorities; --insecure trusts anybody";
            Seen::new(State::Hopeless, why).hint(hint)
        }
        Distrust::NotTls => Seen::new(State::Odd, "speaks no TLS"),
        Distrust::Trouble(trouble) => trouble.into(),
    }
}
