//! `HOST:PORT` as people write it.

use std::net::Ipv6Addr;

/// A host as it stands in a URL.
pub fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Host and port of `HOST`, `HOST:PORT`, `[ADDRESS]`, `[ADDRESS]:PORT` or a bare IPv6 address.
pub fn split(place: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
        return host.parse::<Ipv6Addr>().is_ok().then_some((host, port));
    }
    if place.parse::<Ipv6Addr>().is_ok() {
        return Some((place, None));
    }
    Some(place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_ipv6_has_colons_of_its_own() {
        assert_eq!(split("a:80"), Some(("a", Some("80"))));
        assert_eq!(split("a"), Some(("a", None)));
        assert_eq!(split("::1"), Some(("::1", None)));
        assert_eq!(split("[::1]:80"), Some(("::1", Some("80"))));
        assert_eq!((split("[a]:80"), split("[::1]80")), (None, None));
        assert_eq!((bracketed("::1"), bracketed("a")), ("[::1]".to_owned(), "a".to_owned()));
    }
}
