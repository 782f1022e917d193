//! The proxy that the environment names for a target, as curl and Python take it: `https_proxy`, `http_proxy`, `all_proxy`
//! and `no_proxy`, in small letters first.
//!
//! The password is in the header for the proxy and nowhere else: in no reason, no message, no `Debug`.

use std::fmt;
use std::net::IpAddr;

use super::place::{bracketed, split};
use crate::host::Host;
pub use crate::host::boot::REFUSING;

/// What is never the internet, for `no_proxy`: names, each with all below it, and addresses.
pub const NEAR: &str = "localhost,127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,fc00::/7,\
                        internal,home.arpa,cluster.local";

/// How a target is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through no proxy.
    Direct,
    /// Through this one.
    Through(Proxy),
    /// Through one that is not understood: a sentence.
    Unusable(String),
}

/// A proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// A name or an address, without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// Whether TLS is spoken with the proxy itself.
    pub is_tls: bool,
    /// `USER:PASSWORD`, where given.
    user: Option<Vec<u8>>,
}

/// `http://proxy:3128`, without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(out, "{scheme}://{}:{}", bracketed(&self.host), self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Proxy {
    /// The line of a request by which the user is known to the proxy, or nothing.
    ///
    /// Nothing over TLS: nobody vouches for the peer, and it must not get a password that was meant to be safe.
    pub fn authorization(&self) -> String {
        match &self.user {
            Some(user) if !self.is_tls => format!("Proxy-Authorization: Basic {}\r\n", base64(user)),
            _ => String::new(),
        }
    }
}

/// The variables.
pub struct Proxies {
    https: Option<String>,
    http: Option<String>,
    none: String,
}

impl Proxies {
    /// As the environment has them.
    pub fn of(host: &Host) -> Self {
        let first = |names: &[&str]| {
            let value = names.iter().find_map(|name| host.nonempty(name))?;
            // Ours stands for the internet that is not there; whoever asks us wants to know whether it is.
            Some(value.to_string_lossy().trim().to_owned()).filter(|value| value != REFUSING)
        };
        Self {
            https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            http: first(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]),
            none: first(&["no_proxy", "NO_PROXY"]).unwrap_or_default(),
        }
    }

    /// How the tools of this environment reach a target.
    pub fn way(&self, is_https: bool, host: &str, port: u16) -> Way {
        let proxy = if is_https { &self.https } else { &self.http };
        match proxy {
            Some(proxy) if !is_exempt(&self.none, host, port) => parse(proxy).map_or_else(Way::Unusable, Way::Through),
            _ => Way::Direct,
        }
    }
}

/// Reads a proxy; the error is a sentence without user and password.
fn parse(text: &str) -> Result<Proxy, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    // A password may hold what it should not, a `/` or an `@`: the last `@` ends it.
    let (user, rest) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
    let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (is_tls, usual) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (false, 80),
        "https" => (true, 443),
        other => return Err(format!("the proxy {other}://{place} is of a kind that is not asked")),
    };
    let wrong = || format!("the proxy \"{place}\" is no host");
    let (host, port) = split(place).filter(|(host, _)| !host.is_empty()).ok_or_else(wrong)?;
    let port = match port.filter(|port| !port.is_empty()) {
        None => usual,
        Some(port) => port.parse().map_err(|_| wrong())?,
    };
    Ok(Proxy { host: host.to_owned(), port, is_tls, user: user.map(decoded) })
}

/// Whether `no_proxy` names the target: `*`, a name and all below it, an address, a range of addresses, each with a port or
/// without.
fn is_exempt(none: &str, host: &str, target: u16) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    none.split([',', ' ', '\t', '\n']).map(str::trim).filter(|word| !word.is_empty()).any(|word| {
        if word == "*" {
            return true;
        }
        if let (Some(address), Some((range, length))) = (address, word.split_once('/')) {
            return is_in_range(address, range, length);
        }
        let Some((name, port)) = split(word) else { return false };
        if port.is_some_and(|port| port.parse() != Ok(target)) {
            return false;
        }
        if let (Some(address), Ok(exempt)) = (address, name.parse::<IpAddr>()) {
            return address == exempt;
        }
        let name = name.trim_start_matches("*.").trim_matches('.').to_ascii_lowercase();
        let above = host.strip_suffix(&name);
        !name.is_empty() && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    })
}

fn is_in_range(address: IpAddr, range: &str, length: &str) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(four) => (u128::from(four.to_bits()) << 96, 32),
        IpAddr::V6(six) => (six.to_bits(), 128),
    };
    let (Ok(range), Ok(length)) = (range.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
    let ((one, most), (other, _)) = (bits(address), bits(range));
    address.is_ipv4() == range.is_ipv4() && length <= most && (length == 0 || (one ^ other) >> (128 - length) == 0)
}

/// The bytes behind `%` and two digits.
fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut found = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits =
            bytes.get(at + 1..at + 3).filter(|digits| *byte == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let coded = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        found.push(coded.unwrap_or(*byte));
        at += if coded.is_some() { 3 } else { 1 };
    }
    found
}

/// RFC 4648, 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let four = |three: &[u8]| {
        let sum = (0..3).fold(0, |sum, at| sum << 8 | usize::from(three.get(at).copied().unwrap_or_default()));
        let letter = move |at: usize| char::from(LETTERS[sum >> (18 - 6 * at) & 63]);
        let length = three.len();
        (0..4).map(move |at| if at <= length { letter(at) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(four).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(variables: &[(&str, &str)], target: &str) -> Way {
        let host = Host::pretend("/nowhere".as_ref(), variables, Box::new(Vec::new()), Box::new(Vec::new()));
        let (scheme, place) = target.split_once("://").unwrap_or(("https", target));
        let (name, port) = split(place.split('/').next().unwrap()).unwrap();
        let usual = if scheme == "https" { 443 } else { 80 };
        Proxies::of(&host).way(scheme == "https", name, port.map_or(usual, |port| port.parse().unwrap()))
    }

    fn shown(way: &Way) -> String {
        match way {
            Way::Direct => "direct".into(),
            Way::Through(proxy) => proxy.to_string(),
            Way::Unusable(why) => why.clone(),
        }
    }

    #[test]
    fn ours_that_refuses_is_no_way_to_the_internet() {
        let ours = [("https_proxy", REFUSING), ("http_proxy", REFUSING), ("no_proxy", NEAR)];
        assert_eq!(way(&ours, "https://huggingface.co"), Way::Direct);
    }

    #[test]
    fn each_scheme_has_its_variables() {
        let all =
            [("all_proxy", "http://all:1"), ("HTTPS_PROXY", "big:2"), ("https_proxy", ""), ("http_proxy", "h:3/")];
        assert_eq!(shown(&way(&all, "https://a")), "http://big:2");
        assert_eq!(shown(&way(&all, "http://a/")), "http://h:3");
        assert_eq!(shown(&way(&all[..1], "https://a")), "http://all:1");
        assert_eq!(shown(&way(&[], "https://a")), "direct");
        assert_eq!(shown(&way(&[("https_proxy", "https://[::1]")], "a")), "https://[::1]:443");
        assert_eq!(shown(&way(&[("https_proxy", "http://proxy/")], "a")), "http://proxy:80");
    }

    #[test]
    fn a_password_is_sent_and_never_shown() {
        let secret = [("https_proxy", "http://me:p%40ss/w@rd@proxy:3128")];
        let Way::Through(proxy) = way(&secret, "a") else { panic!() };
        assert_eq!(
            (format!("{proxy}"), format!("{proxy:?}")),
            ("http://proxy:3128".into(), "http://proxy:3128".into())
        );
        assert_eq!(proxy.authorization(), format!("Proxy-Authorization: Basic {}\r\n", base64(b"me:p@ss/w@rd")));
        let Way::Through(safe) = way(&[("https_proxy", "https://me:secret@proxy")], "a") else { panic!() };
        assert_eq!(safe.authorization(), "");
        for wrong in ["socks5h://me:secret@proxy:1080", "http://me:secret@", "http://me:secret@proxy:x"] {
            let why = shown(&way(&[("https_proxy", wrong)], "a"));
            assert!(why.starts_with("the proxy ") && !why.contains("secret") && !why.contains("me:"), "{why}");
        }
    }

    #[test]
    fn no_proxy_exempts() {
        let is_exempt = |none: &str, target: &str| {
            way(&[("https_proxy", "http://proxy:1"), ("no_proxy", none)], target) == Way::Direct
        };
        for (none, target) in [
            ("*", "a.example"),
            ("a.example", "A.example"),
            ("x, .example ,y", "a.example"),
            ("*.example", "a.example"),
            ("x example", "a.example"),
            ("a.example:443", "a.example"),
            ("10.0.0.0/8", "10.1.2.3"),
            ("10.1.2.3", "10.1.2.3"),
            ("[::1]:8443,::1", "::1"),
            ("fd00::/8", "fd00::1"),
            ("0.0.0.0/0", "192.0.2.1"),
        ] {
            assert!(is_exempt(none, target), "{none} {target}");
        }
        for (none, target) in [
            ("", "a.example"),
            (".", "a.example"),
            ("xample", "a.example"),
            ("a.example:80", "a.example"),
            ("10.0.0.0/8", "11.0.0.1"),
            ("10.0.0.0/99", "10.0.0.1"),
            ("0.0.0.0/0", "::1"),
            ("2.3", "10.1.2.3.example"),
        ] {
            assert!(!is_exempt(none, target), "{none} {target}");
        }
    }

    #[test]
    fn base64_is_the_usual_one() {
        let found = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(found, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
        assert_eq!(decoded("%41%zz%e4%"), b"A%zz\xe4%");
    }
}
