//! What an online node reaches: a text of `node.targets` → whom to ask, and what proves that it was them.
//!
//! `https://HOST[:PORT]`, or without the scheme: the certificate names the host. `http://HOST[:PORT]/PATH BODY`: the body is
//! exactly this one. An answer alone proves nothing: a captive portal answers for everybody.

use std::fmt;

use crate::net::place::{bracketed, split};
use crate::net::tls;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// A name or an address, without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// What counts.
    pub proof: Proof,
}

/// What counts as an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A TLS certificate that names the host.
    Certificate,
    /// This body of this path, blanks around it aside.
    Body {
        /// From the first `/` on.
        path: String,
        /// The body.
        body: String,
    },
}

/// As in a URL, without the body that is expected.
impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual, path) = match &self.proof {
            Proof::Certificate => ("https", 443, ""),
            Proof::Body { path, .. } => ("http", 80, path.as_str()),
        };
        write!(out, "{scheme}://{}", bracketed(&self.host))?;
        if self.port != usual {
            write!(out, ":{}", self.port)?;
        }
        out.write_str(path)
    }
}

/// Reads a target.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn parse(text: &str) -> Result<Target, String> {
    let text = text.trim();
    let (place, proof) = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => {
            let (url, body) =
                rest.split_once(char::is_whitespace).ok_or("http:// needs the exact body behind a blank")?;
            let at = url.find('/').ok_or("http:// needs a path")?;
            if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err("a path is written in ASCII".into());
            }
            (&url[..at], Proof::Body { path: url[at..].to_owned(), body: body.trim().to_owned() })
        }
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (rest, Proof::Certificate),
        Some((scheme, _)) => return Err(format!("{scheme}:// is neither https:// nor http://")),
        None => (text, Proof::Certificate),
    };
    let place = match proof {
        Proof::Certificate => place.strip_suffix('/').unwrap_or(place),
        Proof::Body { .. } => place,
    };
    if place.contains('/') {
        return Err("https:// takes no path: the certificate alone is looked at".into());
    }
    let usual = if proof == Proof::Certificate { 443 } else { 80 };
    let (host, port) = split(place).ok_or_else(|| format!("\"{place}\" is no host"))?;
    let port = match port {
        None => usual,
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(|| format!("\"{port}\" is no port"))?,
    };
    if !tls::is_host(host) {
        return Err(format!("\"{host}\" is no host"));
    }
    Ok(Target { host: host.to_owned(), port, proof })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_host_and_a_proof() {
        for (text, shown, host, port) in [
            ("https://huggingface.co", "https://huggingface.co", "huggingface.co", 443),
            (" HTTPS://Pypi.org/ ", "https://Pypi.org", "Pypi.org", 443),
            ("github.com", "https://github.com", "github.com", 443),
            ("github.com:8443", "https://github.com:8443", "github.com", 8443),
            ("1.1.1.1", "https://1.1.1.1", "1.1.1.1", 443),
            ("::1", "https://[::1]", "::1", 443),
            ("https://[::1]:8443", "https://[::1]:8443", "::1", 8443),
        ] {
            let target = parse(text).unwrap();
            assert_eq!((target.to_string().as_str(), target.host.as_str(), target.port), (shown, host, port), "{text}");
            assert_eq!(target.proof, Proof::Certificate);
        }
        let target = parse("http://detect.example/is up.txt  ").unwrap();
        assert_eq!(target.proof, Proof::Body { path: "/is".into(), body: "up.txt".into() });
        let target = parse("http://[::1]:8080/success.txt\tit is  up").unwrap();
        assert_eq!(target.proof, Proof::Body { path: "/success.txt".into(), body: "it is  up".into() });
        assert_eq!((target.port, target.to_string().as_str()), (8080, "http://[::1]:8080/success.txt"));
    }

    #[test]
    fn what_is_no_target_is_told() {
        for (text, why) in [
            ("", "\"\" is no host"),
            ("ftp://a", "ftp:// is neither https:// nor http://"),
            ("http://a", "http:// needs the exact body behind a blank"),
            ("http://a/b", "http:// needs the exact body behind a blank"),
            ("http://a b", "http:// needs a path"),
            ("https://a/b", "https:// takes no path: the certificate alone is looked at"),
            ("a:0", "\"0\" is no port"),
            ("a:65536", "\"65536\" is no port"),
            ("a:", "\"\" is no port"),
            ("[a]", "\"[a]\" is no host"),
            ("[::1]8", "\"[::1]8\" is no host"),
            ("user@host", "\"user@host\" is no host"),
            ("käse.de", "\"käse.de\" is no host"),
        ] {
            assert_eq!(parse(text), Err(why.to_owned()), "{text}");
        }
    }
}
