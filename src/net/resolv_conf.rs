//! resolv.conf(5): text → what it says, and the text again with other servers. Pure.
//!
//! Read as the C library reads it, but for its limits, which are the reader's: a line is a keyword and words, the last `search`
//! or `domain` holds, `options` add up. What is not understood is kept as it is.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::path::Path;

use crate::host::{Host, files};

/// As many servers the C library asks (resolv.h: `MAXNS`), musl and Go too.
pub const MOST_SERVERS: usize = 3;

/// A name server as it is written: behind a `%` stands its interface, by name or number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its address.
    pub address: IpAddr,
    /// The interface of a link-local address.
    pub interface: Option<String>,
}

impl Server {
    fn parse(word: &str) -> Option<Self> {
        let word = word.split(['#', ';']).next()?;
        let Some((address, interface)) = word.split_once('%') else {
            return Some(Self { address: word.parse().ok()?, interface: None });
        };
        let is_name = !interface.is_empty() && !interface.contains('/') && interface != "." && interface != "..";
        let address = IpAddr::V6(address.parse().ok()?);
        is_name.then(|| Self { address, interface: Some(interface.to_owned()) })
    }

    /// Where it is asked; `interface` gives the number of one. `None` where there is no such interface.
    pub fn place(&self, interface: impl Fn(&str) -> Option<u32>) -> Option<SocketAddr> {
        match (self.address, &self.interface) {
            (IpAddr::V6(address), Some(name)) => {
                let scope = name.parse().ok().or_else(|| interface(name))?;
                Some(SocketAddrV6::new(address, 53, 0, scope).into())
            }
            (address, _) => Some((address, 53).into()),
        }
    }
}

/// What one line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// `nameserver`, with an address.
    Server(Server),
    /// `search`, or `domain` with its first word: without a dot at the end.
    Search(Vec<&'a str>),
    /// `options`
    Options(Vec<&'a str>),
    /// A comment, or what is not understood.
    Other,
}

impl<'a> Line<'a> {
    /// Reads a line.
    pub fn of(line: &'a str) -> Self {
        if line.starts_with(['#', ';']) {
            return Self::Other;
        }
        let mut words = line.split_whitespace();
        let domains = |words: &mut dyn Iterator<Item = &'a str>| {
            Self::Search(words.map(|word| word.trim_end_matches('.')).filter(|word| !word.is_empty()).collect())
        };
        match words.next() {
            Some("nameserver") => words.next().and_then(Server::parse).map_or(Self::Other, Self::Server),
            Some("search") => domains(&mut words),
            Some("domain") => domains(&mut words.take(1)),
            Some("options") => Self::Options(words.collect()),
            _ => Self::Other,
        }
    }
}

/// What a resolv.conf says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvConf {
    /// The name servers, in order; there may be more than [`MOST_SERVERS`].
    pub servers: Vec<Server>,
    /// The domains in which names are looked for, in order.
    pub search: Vec<String>,
    /// The words of its options, in order: `ndots:5`, `rotate`.
    pub options: Vec<String>,
    text: String,
}

impl ResolvConf {
    /// Reads a text.
    pub fn parse(text: &str) -> Self {
        let mut found = Self { text: text.to_owned(), ..Self::default() };
        for line in text.lines() {
            match Line::of(line) {
                Line::Server(server) => found.servers.push(server),
                Line::Search(domains) => found.search = domains.into_iter().map(str::to_owned).collect(),
                Line::Options(words) => found.options.extend(words.into_iter().map(str::to_owned)),
                Line::Other => {}
            }
        }
        found
    }

    /// Reads /etc/resolv.conf; an empty one where that cannot be read.
    pub fn of(host: &Host) -> Self {
        let bytes = files::read(&host.locate(Path::new(PATH))).unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    /// The text that was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same without these servers.
    #[must_use]
    pub fn without(mut self, own: impl Fn(&Server) -> bool) -> Self {
        self.servers.retain(|server| !own(server));
        self
    }

    /// The last number that is given to this option: `ndots` of `options ndots:5`.
    pub fn number(&self, option: &str) -> Option<u8> {
        let value = |word: &String| word.split_once(':').filter(|(name, _)| *name == option)?.1.parse().ok();
        self.options.iter().rev().find_map(value)
    }

    /// Where its servers are asked, those left out whose interface is not there.
    pub fn places(&self, host: &Host) -> Vec<SocketAddr> {
        self.servers.iter().filter_map(|server| server.place(|name| interface(host, name))).collect()
    }

    /// A text that names this server alone, with the same domains and options, below a comment.
    pub fn with_server_alone(&self, comment: &str, server: IpAddr) -> String {
        let kept = self.text.lines().filter(|line| matches!(Line::of(line), Line::Search(_) | Line::Options(_)));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        format!("# {comment}\nnameserver {server}\n{kept}")
    }
}

/// Where the C library looks.
pub const PATH: &str = "/etc/resolv.conf";

/// The number of an interface, as the kernel has it here.
pub fn interface(host: &Host, name: &str) -> Option<u32> {
    let known = Path::new("/sys/class/net").join(name).join("ifindex");
    String::from_utf8(files::read(&host.locate(&known)).ok()?).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_the_c_library_reads_it() {
        let text = "# nameserver 192.0.2.9\n; x\nnameserver 192.0.2.1#x\nnameserver fe80::1%eth0\nnameserver fe80::2%7\n\
                    nameserver fe80::1%../x\nnameserver x\nnameserver\nnameserver 192.0.2.4 more\nnameservers 192.0.2.5\n\
                    search old.example\nsearch a.example b.example. .\noptions ndots:5 timeout:90\nsortlist 1\n\
                    options rotate ndots:x\n";
        let found = ResolvConf::parse(text);
        let places: Vec<String> = found
            .servers
            .iter()
            .filter_map(|server| server.place(|name| (name == "eth0").then_some(3)))
            .map(|place| place.to_string())
            .collect();
        assert_eq!(places, ["192.0.2.1:53", "[fe80::1%3]:53", "[fe80::2%7]:53", "192.0.2.4:53"]);
        assert_eq!(found.servers.iter().filter_map(|server| server.place(|_| None)).count(), 3, "no such interface");
        assert_eq!(found.search, ["a.example", "b.example"]);
        assert_eq!(found.options, ["ndots:5", "timeout:90", "rotate", "ndots:x"]);
        assert_eq!(["ndots", "timeout", "rotate"].map(|name| found.number(name)), [Some(5), Some(90), None]);
        assert_eq!(found.text(), text);
        assert_eq!(ResolvConf::parse("domain a.example b.example\n").search, ["a.example"]);
        assert_eq!(ResolvConf::parse(""), ResolvConf::default());
    }

    #[test]
    fn a_server_alone_keeps_domains_and_options() {
        let alone = |text: &str| ResolvConf::parse(text).with_server_alone("x", [127, 0, 0, 1].into());
        let text = "# y\nnameserver 10.0.0.1\nsearch A.example. b\noptions ndots:5\n nameserver 1.1.1.1\nsortlist 1\n";
        assert_eq!(alone(text), "# x\nnameserver 127.0.0.1\nsearch A.example. b\noptions ndots:5\n");
        assert_eq!(alone(""), "# x\nnameserver 127.0.0.1\n");
    }
}
