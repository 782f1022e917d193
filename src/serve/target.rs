//! Which server, as people write it: a port, `HOST:PORT`, a URL, `unix:PATH`. Pure.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::net::place::{bracketed, split};
use crate::net::tls;

/// What a wrong target's message advises.
pub const HINT: &str = "give a port, HOST:PORT, a URL such as http://HOST:PORT, or unix:PATH";

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it listens.
    pub place: Place,
    /// Whether it speaks TLS.
    pub is_tls: bool,
    /// What stands before each path.
    prefix: String,
    /// The one path that is asked, where the user has named it.
    pub path: Option<String>,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A name or an address without brackets, and a port.
    Host(String, u16),
    /// A unix socket.
    Socket(PathBuf),
}

/// Without a path: `http://localhost:8000`, `unix:/run/x.sock`.
impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Socket(path) => write!(out, "unix:{}", path.display()),
            Place::Host(..) => {
                write!(out, "{}://{}{}", if self.is_tls { "https" } else { "http" }, self.authority(), self.prefix)
            }
        }
    }
}

impl Target {
    /// The server of this node at this port.
    pub fn here(port: u16) -> Self {
        Self { place: Place::Host("localhost".into(), port), is_tls: false, prefix: String::new(), path: None }
    }

    /// For people: the URL of a path. A socket has none.
    pub fn url(&self, path: &str) -> String {
        match &self.place {
            Place::Socket(_) => format!("{self} {path}"),
            Place::Host(..) => format!("{self}{path}"),
        }
    }

    /// For a request: a path with what stands before it.
    pub fn full(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// For the `Host` line. A server behind a socket wants one too.
    pub fn authority(&self) -> String {
        match &self.place {
            Place::Socket(_) => "localhost".into(),
            Place::Host(host, port) if *port == if self.is_tls { 443 } else { 80 } => bracketed(host),
            Place::Host(host, port) => format!("{}:{port}", bracketed(host)),
        }
    }

    /// Whether it lies where no proxy leads: on this node, whose names these are, or near it (a name without a dot, a
    /// private address).
    pub fn is_near(&self, own: &[String]) -> bool {
        let Place::Host(host, _) = &self.place else { return true };
        let host = host.trim_end_matches('.');
        match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(four)) => {
                four.is_loopback() || four.is_private() || four.is_link_local() || four.is_unspecified()
            }
            Ok(IpAddr::V6(six)) => {
                six.is_loopback() || six.is_unicast_link_local() || six.is_unique_local() || six.is_unspecified()
            }
            Err(_) => {
                let is_own = own.iter().any(|own| own.eq_ignore_ascii_case(host));
                is_own || !host.contains('.') || host.to_ascii_lowercase().ends_with(".localhost")
            }
        }
    }
}

/// Reads a target.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn parse(text: &str) -> Result<Target, String> {
    let text = text.trim();
    if let Some(path) = text.strip_prefix("unix:") {
        let path = path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path);
        // What the kernel's structure holds.
        return match path.len() {
            0 => Err("unix: needs a path".into()),
            1..108 => {
                Ok(Target { place: Place::Socket(path.into()), is_tls: false, prefix: String::new(), path: None })
            }
            _ => Err("the path of a socket has no more than 107 bytes".into()),
        };
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let is_tls = match scheme.to_ascii_lowercase().as_str() {
        "" | "http" => false,
        "https" => true,
        other => return Err(format!("{other}:// is neither http:// nor https://")),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (place, path) = rest.split_at(end);
    if scheme.is_empty() && !path.is_empty() && !place.contains(':') {
        return Err("a path needs a URL".into());
    }
    let is_port = !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_digit());
    let (host, port) = match split(place) {
        Some(_) if scheme.is_empty() && is_port => ("localhost", Some(place)),
        Some((_, None)) if scheme.is_empty() => return Err("it has no port".into()),
        Some(both) => both,
        None => return Err(format!("\"{place}\" is no host")),
    };
    let port = match port {
        None => {
            if is_tls {
                443
            } else {
                80
            }
        }
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(|| format!("\"{port}\" is no port"))?,
    };
    if !tls::is_host(host) {
        return Err(format!("\"{host}\" is no host"));
    }
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a path is written in ASCII, without blanks".into());
    }
    let (prefix, path) = base(path.split('#').next().unwrap_or_default());
    Ok(Target { place: Place::Host(host.to_owned(), port), is_tls, prefix, path })
}

/// The prefix of a URL's path and what is asked there: the address of an API or of a health check names the server, and
/// any other path is the user's own question.
fn base(path: &str) -> (String, Option<String>) {
    let bare = path.trim_end_matches('/');
    for end in ["/health", "/v1/models", "/v1"] {
        if let Some(prefix) = bare.strip_suffix(end) {
            return (prefix.to_owned(), None);
        }
    }
    if path.ends_with('/') || path.is_empty() {
        return (bare.to_owned(), None);
    }
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    (String::new(), Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_port_an_address_a_url_or_a_socket() {
        for (text, shown, path) in [
            ("8000", "http://localhost:8000", None),
            (" http://localhost:8000/health ", "http://localhost:8000", None),
            ("10.0.0.7:30000", "http://10.0.0.7:30000", None),
            ("gpu17:8000", "http://gpu17:8000", None),
            ("[::1]:80", "http://[::1]", None),
            ("HTTP://x/", "http://x", None),
            ("https://x", "https://x", None),
            ("https://x:8443/llm/v1", "https://x:8443/llm", None),
            ("http://x:1/llm/", "http://x:1/llm", None),
            ("http://x:1/readyz?full=1#a", "http://x:1", Some("/readyz?full=1")),
            ("http://x:1?a", "http://x:1", Some("/?a")),
            ("unix:/run/v.sock", "unix:/run/v.sock", None),
            ("unix:///run/v.sock", "unix:/run/v.sock", None),
            ("unix:v.sock", "unix:v.sock", None),
        ] {
            let target = parse(text).unwrap();
            assert_eq!((target.to_string().as_str(), target.path.as_deref()), (shown, path), "{text}");
        }
        let target = parse("http://x:1/llm/v1").unwrap();
        assert_eq!(
            (target.url("/health"), target.full("/health")),
            ("http://x:1/llm/health".into(), "/llm/health".into())
        );
        assert_eq!(
            (parse("[::1]:8000").unwrap().authority(), parse("unix:x").unwrap().authority()),
            ("[::1]:8000".into(), "localhost".into())
        );
    }

    #[test]
    fn what_is_no_target_is_told() {
        for (text, why) in [
            ("", "it has no port"),
            ("gpu17", "it has no port"),
            ("ftp://x", "ftp:// is neither http:// nor https://"),
            ("http://", "\"\" is no host"),
            ("0", "\"0\" is no port"),
            ("65536", "\"65536\" is no port"),
            ("x:y", "\"y\" is no port"),
            ("http://me:secret@x", "\"secret@x\" is no port"),
            ("http://x/a b", "a path is written in ASCII, without blanks"),
            ("8000/health", "a path needs a URL"),
            ("unix:", "unix: needs a path"),
        ] {
            assert_eq!(parse(text), Err(why.to_owned()), "{text}");
        }
        assert!(parse(&format!("unix:{}", "x".repeat(108))).is_err());
    }

    #[test]
    fn no_proxy_leads_to_what_is_near() {
        let own = ["gpu17".to_owned(), "gpu17.cluster.example".to_owned()];
        let is_near = |text: &str| parse(text).unwrap().is_near(&own);
        for near in [
            "8000",
            "unix:x",
            "127.0.0.2:1",
            "[::1]:1",
            "10.1.2.3:1",
            "gpu3:1",
            "GPU17.cluster.example:1",
            "a.localhost:1",
            "0.0.0.0:1",
            "[fd00::1]:1",
        ] {
            assert!(is_near(near), "{near}");
        }
        for far in ["https://api.example", "192.0.2.1:1", "gpu3.cluster.example:1", "[2001:db8::1]:1"] {
            assert!(!is_near(far), "{far}");
        }
    }
}
