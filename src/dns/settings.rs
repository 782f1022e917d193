//! `[dns]`: what the configuration says of the resolver.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::domains::Domains;

/// `dns.listen` where no layer sets it.
pub const LISTEN: [SocketAddr; 2] =
    [SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT), SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), PORT)];
/// `dns.cache` where no layer sets it.
pub const CACHE: usize = 10_000;
/// `dns.threads` where no layer sets it: one answers more than a node asks.
pub const THREADS: usize = 1;
/// The most threads.
pub const MOST_THREADS: usize = 64;
/// `dns.user` where no layer sets it.
pub const USER: &str = "nobody";

/// Where a name server listens unless somebody says otherwise.
const PORT: u16 = 53;

/// `[dns]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Everything is forwarded while the node is online.
    pub only_while_offline: bool,
    /// Suffixes that are forwarded.
    pub allow: Domains,
    /// Suffixes that are blocked all the same.
    pub deny: Domains,
    /// Where it listens.
    pub listen: Vec<SocketAddr>,
    /// Whom it asks, instead of the name servers of the original resolv.conf.
    pub upstream: Vec<SocketAddr>,
    /// How many answers it remembers; 0: none.
    pub cache: usize,
    /// Threads that serve.
    pub threads: usize,
    /// Who it is after it has taken its sockets, where it was started as root: a name of /etc/passwd, or a number.
    pub user: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            only_while_offline: false,
            allow: Domains::default(),
            deny: Domains::default(),
            listen: LISTEN.to_vec(),
            upstream: Vec::new(),
            cache: CACHE,
            threads: THREADS,
            user: USER.to_owned(),
        }
    }
}

/// What a wrong suffix's message advises.
pub const SUFFIX_HINT: &str = "write corp.example: what lies below it is meant too; other alphabets as xn--…";

/// A domain and all below it, in lower case, without the dots that may stand around it.
///
/// No other letters than those of host names, `_` among them: what stands here is written into the configurations of other
/// programs too.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn suffix(text: &str) -> Result<Cow<'_, str>, String> {
    let bare = text.strip_prefix('.').unwrap_or(text);
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    if bare.is_empty() {
        return Err("\".\" is all names".to_owned());
    }
    let letters = letters(bare.as_bytes());
    // No address ends in a letter, but one with a colon, which no domain has.
    let may_be_address = letters.is_none() || bare.ends_with(|last: char| last.is_ascii_digit());
    if may_be_address && bare.parse::<IpAddr>().is_ok() {
        return Err(format!("\"{text}\" is an address, and no name"));
    }
    match letters {
        None => Err(format!("\"{text}\" is no domain")),
        Some(Letter::Upper) => Ok(bare.to_ascii_lowercase().into()),
        Some(_) => Ok(bare.into()),
    }
}

/// What a byte is in a domain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Letter {
    None,
    Dot,
    Lower,
    Upper,
}

const LETTERS: [Letter; 256] = {
    let (mut letters, mut byte) = ([Letter::None; 256], 0_u8);
    while byte < 128 {
        letters[byte as usize] = match byte {
            b'.' => Letter::Dot,
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => Letter::Lower,
            b'A'..=b'Z' => Letter::Upper,
            _ => Letter::None,
        };
        byte += 1;
    }
    letters
};

/// The greatest letter of labels with dots between them; `None` where these are none. In one pass: a list may have ten thousand.
fn letters(text: &[u8]) -> Option<Letter> {
    let (mut label, mut most) = (0, Letter::None);
    for byte in text {
        let letter = LETTERS[usize::from(*byte)];
        most = most.max(letter);
        label = match letter {
            Letter::Dot if label > 0 => 0,
            Letter::Lower | Letter::Upper if label < 63 => label + 1,
            _ => return None,
        };
    }
    Some(most).filter(|_| label > 0 && text.len() <= 253)
}

/// What a wrong address' message advises.
pub const ADDRESS_HINT: &str = "write 10.0.0.1, 10.0.0.1:5353 or [fd00::1]:53";

/// Where a name server is: an address, and its port unless that is 53.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let found = bare.parse::<IpAddr>().map(|address| SocketAddr::new(address, PORT)).or_else(|_| text.parse());
    found.ok().filter(|found| found.port() != 0).ok_or_else(|| format!("\"{text}\" is no address of a name server"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_is_a_domain() {
        for (text, found) in [
            ("Corp.Example", "corp.example"),
            (".corp.example.", "corp.example"),
            ("_tcp.x-1", "_tcp.x-1"),
            ("internal", "internal"),
            ("xn--nxasmq6b", "xn--nxasmq6b"),
        ] {
            assert_eq!(suffix(text).as_deref(), Ok(found));
        }
        for (text, why) in [
            ("", "\".\" is all names"),
            (".", "\".\" is all names"),
            ("*.corp", "\"*.corp\" is no domain"),
            ("a..b", "\"a..b\" is no domain"),
            ("käse.example", "\"käse.example\" is no domain"),
            ("a b", "\"a b\" is no domain"),
            ("10.0.0.0/8", "\"10.0.0.0/8\" is no domain"),
            ("10.0.0.1", "\"10.0.0.1\" is an address, and no name"),
            ("fd00::1", "\"fd00::1\" is an address, and no name"),
            ("https://x", "\"https://x\" is no domain"),
        ] {
            assert_eq!(suffix(text), Err(why.to_owned()));
        }
        assert!(suffix(&"x".repeat(64)).is_err() && suffix(&["x"; 130].join(".")).is_err());
    }

    #[test]
    fn an_address_has_the_usual_port() {
        for (text, found) in [
            ("10.0.0.1", "10.0.0.1:53"),
            ("10.0.0.1:5353", "10.0.0.1:5353"),
            ("fd00::1", "[fd00::1]:53"),
            ("[fd00::1]", "[fd00::1]:53"),
            ("[fe80::1%2]:5353", "[fe80::1%2]:5353"),
        ] {
            assert_eq!(address(text), Ok(found.parse().unwrap()), "{text}");
        }
        for text in ["", "ns.example", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:70000", "[10.0.0.1", "::1:x", "10.0.0"] {
            assert_eq!(address(text), Err(format!("\"{text}\" is no address of a name server")));
        }
        assert_eq!(Settings::default().listen, [address("127.0.0.1").unwrap(), address("::1").unwrap()]);
    }
}
