//! Names → addresses without the C library: /etc/hosts, then the name servers of /etc/resolv.conf.
//!
//! Its own deadline holds, whatever `timeout` and `attempts` say. What else a C library may be told to ask (mDNS, NIS, a
//! directory) is not asked. The files are read once; what was read can be handed to threads.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::{Duration, Instant};

use super::ask::{Servers, ask};
use super::resolv_conf::{self, MOST_SERVERS, ResolvConf};
use super::wire::Name;
use crate::host::{Host, clock, files};

/// Why there is no address; its text is a short sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// The name servers know of no such name.
    NotFound,
    /// The name has no address.
    NoAddress,
    /// No name server has answered.
    Silent,
    /// They answer that they cannot answer: with this code.
    Failing(&'static str),
    /// No name looks like that.
    NoName,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => out.write_str("name not found"),
            Self::NoAddress => out.write_str("the name has no address"),
            Self::Silent => out.write_str("the name servers do not answer"),
            Self::Failing(code) => write!(out, "the name servers answer {code}"),
            Self::NoName => out.write_str("no name looks like that"),
        }
    }
}

/// What the node's files say of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolver {
    hosts: Vec<(IpAddr, Vec<String>)>,
    servers: Servers,
    search: Vec<String>,
    dots: usize,
}

impl Resolver {
    /// Reads /etc/hosts and /etc/resolv.conf; one that cannot be read is empty.
    pub fn of(host: &Host) -> Self {
        Self::by(host, &ResolvConf::of(host))
    }

    /// The same, with this in place of /etc/resolv.conf.
    pub fn by(host: &Host, conf: &ResolvConf) -> Self {
        let hosts = files::read(&host.locate(Path::new("/etc/hosts"))).unwrap_or_default();
        let hosts = parse_hosts(&String::from_utf8_lossy(&hosts));
        // A link-local address belongs to an interface, whose number the kernel has here.
        Self { hosts, ..configured(conf, |name| resolv_conf::interface(host, name)) }
    }

    /// The addresses of a name, or of an address itself; at least one.
    ///
    /// # Errors
    /// Past the deadline at the latest: [`Unresolved`].
    pub fn addresses(&self, name: &str, deadline: Instant) -> Result<Vec<IpAddr>, Unresolved> {
        if let Some(address) = literal(name) {
            return Ok(vec![address]);
        }
        if let Some(found) = self.known(name) {
            return Ok(found);
        }
        let mut worst = Unresolved::NotFound;
        for candidate in candidates(name, &self.search, self.dots) {
            let Some(wire) = Name::of(&candidate) else { continue };
            match ask(&self.servers, &wire, deadline) {
                Ok(found) => return Ok(found),
                // Whoever does not answer one name answers no other one.
                Err(Unresolved::Silent) => return Err(Unresolved::Silent),
                Err(Unresolved::NotFound) => {}
                Err(why) => worst = why,
            }
            if clock::now() >= deadline {
                return Err(Unresolved::Silent);
            }
        }
        Err(if Name::of(name).is_none() { Unresolved::NoName } else { worst })
    }

    /// What needs no server: the lines of /etc/hosts, and `localhost` (RFC 6761).
    fn known(&self, name: &str) -> Option<Vec<IpAddr>> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_named = |names: &[String]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        let found: Vec<IpAddr> = self.hosts.iter().filter(|(_, names)| is_named(names)).map(|(one, _)| *one).collect();
        let last = name.rsplit('.').next().unwrap_or_default();
        match found.is_empty() {
            false => Some(found),
            true if last.eq_ignore_ascii_case("localhost") => {
                Some(vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()])
            }
            true => None,
        }
    }
}

/// The address that this text is, with or without brackets.
fn literal(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok()
}

/// The names to ask for, in order: resolv.conf(5), `search` and `ndots`.
fn candidates(name: &str, search: &[String], dots: usize) -> Vec<String> {
    if name.ends_with('.') {
        return vec![name.to_owned()];
    }
    let mut names: Vec<String> = search.iter().map(|domain| format!("{name}.{domain}")).collect();
    let at = if name.matches('.').count() >= dots { 0 } else { names.len() };
    names.insert(at, name.to_owned());
    names
}

/// /etc/hosts: an address and its names on each line.
fn parse_hosts(text: &str) -> Vec<(IpAddr, Vec<String>)> {
    let line = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.split('%').next()?.parse().ok()?;
        Some((address, words.map(str::to_owned).collect()))
    };
    text.lines().filter_map(line).collect()
}

/// What a resolv.conf says, with the C library's limits and defaults; `interface` gives the number of one.
fn configured(conf: &ResolvConf, interface: impl Fn(&str) -> Option<u32>) -> Resolver {
    let number = |option, default: u8, most: u8| conf.number(option).unwrap_or(default).clamp(1, most);
    let mut addresses: Vec<_> = conf.servers.iter().filter_map(|server| server.place(&interface)).collect();
    addresses.truncate(MOST_SERVERS);
    if addresses.is_empty() {
        addresses.push((Ipv4Addr::LOCALHOST, 53).into());
    }
    let patience = Duration::from_secs(number("timeout", 5, 30).into());
    let servers = Servers { addresses, patience, attempts: number("attempts", 2, 5).into() };
    let dots = conf.number("ndots").unwrap_or(1).min(15).into();
    Resolver { hosts: Vec::new(), servers, search: conf.search.clone(), dots }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener, UdpSocket};
    use std::thread;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn parse(text: &str, interface: impl Fn(&str) -> Option<u32>) -> Resolver {
        configured(&ResolvConf::parse(text), interface)
    }

    #[test]
    fn resolv_conf_holds_within_the_c_librarys_limits() {
        let text = "# nameserver 192.0.2.9\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver fe80::2%7\n\
                    nameserver 192.0.2.4\ndomain old.example\nsearch a.example b.example.\n\
                    options ndots:5 timeout:90 attempts:0 rotate ndots:x\nsortlist 1\n";
        let found = parse(text, |name| (name == "eth0").then_some(3));
        let servers: Vec<_> = found.servers.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.1:53", "[fe80::1%3]:53", "[fe80::2%7]:53"]);
        assert_eq!((found.servers.patience, found.servers.attempts), (Duration::from_secs(30), 1));
        assert_eq!((found.search, found.dots), (vec!["a.example".into(), "b.example".into()], 5));
        let empty = parse("nameserver x\nnameserver fe80::1%../x\noptions\n", |_| Some(1));
        assert_eq!(empty.servers.addresses, ["127.0.0.1:53".parse().unwrap()]);
    }

    #[test]
    fn search_and_ndots_give_the_order() {
        let search = ["x.example".to_owned(), "y.example".to_owned()];
        assert_eq!(candidates("a.b", &search, 1), ["a.b", "a.b.x.example", "a.b.y.example"]);
        assert_eq!(candidates("a.b", &search, 2), ["a.b.x.example", "a.b.y.example", "a.b"]);
        assert_eq!(candidates("a.b.", &search, 5), ["a.b."]);
    }

    #[test]
    fn what_is_known_needs_no_server() {
        let mut resolver = parse("", |_| None);
        resolver.hosts = parse_hosts("192.0.2.1 a A.example # b\n\n#192.0.2.2 b\n::1%lo a\nx c\n");
        let now = clock::now();
        assert_eq!(resolver.addresses("a", now), Ok(addresses(&["192.0.2.1", "::1"])));
        assert_eq!(resolver.addresses("a.EXAMPLE.", now), Ok(addresses(&["192.0.2.1"])));
        assert_eq!(resolver.addresses("192.0.2.7", now), Ok(addresses(&["192.0.2.7"])));
        assert_eq!(resolver.addresses("[2001:db8::1]", now), Ok(addresses(&["2001:db8::1"])));
        assert_eq!(resolver.addresses("LocalHost", now), Ok(addresses(&["::1", "127.0.0.1"])));
        assert_eq!(resolver.addresses("app.localhost.", now), Ok(addresses(&["::1", "127.0.0.1"])));
        assert_eq!(resolver.addresses("a..b", now), Err(Unresolved::NoName));
        assert_eq!(resolver.addresses("b", now), Err(Unresolved::Silent), "the time is over");
    }

    /// A name server on loopback; `reply` turns a query into an answer, or into silence.
    fn name_server(reply: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        thread::spawn(move || {
            let mut bytes = [0; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut bytes) {
                if let Some(answer) = reply(&bytes[..length]) {
                    let _ = socket.send_to(&answer, peer);
                }
            }
        });
        address
    }

    /// The query as an answer with these flags, and with one address where it asks for IPv4.
    fn reply(query: &[u8], flags: u16, address: Option<[u8; 4]>) -> Vec<u8> {
        let mut message = query.to_vec();
        message[2..4].copy_from_slice(&flags.to_be_bytes());
        let is_four = query[query.len() - 3] == 1;
        if let Some(address) = address.filter(|_| is_four) {
            message[7] = 1;
            message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
            message.extend(address);
        }
        message
    }

    fn resolver(servers: &[SocketAddr]) -> Resolver {
        let mut resolver = parse("search x.example", |_| None);
        resolver.servers.addresses = servers.to_vec();
        resolver
    }

    fn look(servers: &[SocketAddr], name: &str, milliseconds: u64) -> (Result<Vec<IpAddr>, Unresolved>, Duration) {
        let start = clock::now();
        let found = resolver(servers).addresses(name, start + Duration::from_millis(milliseconds));
        (found, start.elapsed())
    }

    #[test]
    fn a_server_answers() {
        let server = name_server(|query| Some(reply(query, 0x8180, Some([192, 0, 2, 7]))));
        assert_eq!(look(&[server], "a.example", 5000).0, Ok(addresses(&["192.0.2.7"])));
        let server = name_server(|query| Some(reply(query, 0x8180, None)));
        assert_eq!(look(&[server], "a.example", 5000).0, Err(Unresolved::NoAddress));
    }

    #[test]
    fn a_name_that_is_not_there_is_not_silence() {
        let nobody = name_server(|query| Some(reply(query, 0x8183, None)));
        let (found, took) = look(&[nobody], "a.example", 5000);
        assert_eq!(found, Err(Unresolved::NotFound));
        assert!(took < Duration::from_secs(1));
        let silent = name_server(|_| None);
        let (found, took) = look(&[silent], "a.example", 300);
        assert_eq!(found, Err(Unresolved::Silent));
        assert!((300..1000).contains(&took.as_millis()), "{took:?}");
        // With nobody at the port, nothing is waited for.
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (found, took) = look(&[closed], "a.example", 5000);
        assert_eq!(found, Err(Unresolved::Silent));
        assert!(took < Duration::from_secs(1), "{took:?}");
    }

    #[test]
    fn the_next_server_helps_soon() {
        let good = name_server(|query| Some(reply(query, 0x8180, Some([192, 0, 2, 7]))));
        let silent = name_server(|_| None);
        let failing = name_server(|query| Some(reply(query, 0x8182, None)));
        for bad in [silent, failing] {
            let (found, took) = look(&[bad, good], "a.example", 4000);
            assert_eq!(found, Ok(addresses(&["192.0.2.7"])));
            assert!(took < Duration::from_secs(1), "{took:?}");
        }
        assert_eq!(look(&[failing], "a.example", 4000).0, Err(Unresolved::Failing("SERVFAIL")));
    }

    #[test]
    fn the_search_list_is_gone_through() {
        let server = name_server(|query| {
            let is_found = query.windows(9).any(|window| window == b"\x01x\x07exampl");
            Some(reply(query, if is_found { 0x8180 } else { 0x8183 }, is_found.then_some([192, 0, 2, 7])))
        });
        assert_eq!(look(&[server], "short", 5000).0, Ok(addresses(&["192.0.2.7"])));
        assert_eq!(look(&[server], "short.", 5000).0, Err(Unresolved::NotFound));
    }

    #[test]
    fn a_forged_answer_is_waited_through() {
        let server = name_server(|query| {
            let mut wrong = reply(query, 0x8180, Some([192, 0, 2, 66]));
            wrong[0] ^= 0xff;
            Some(wrong)
        });
        assert_eq!(look(&[server], "a.example", 200).0, Err(Unresolved::Silent));
    }

    #[test]
    fn a_truncated_answer_is_fetched_over_tcp() {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = udp.local_addr().unwrap();
        let tcp = TcpListener::bind(address).unwrap();
        thread::spawn(move || {
            let mut bytes = [0; 512];
            while let Ok((length, peer)) = udp.recv_from(&mut bytes) {
                let _ = udp.send_to(&reply(&bytes[..length], 0x8380, None), peer);
            }
        });
        thread::spawn(move || {
            while let Ok((mut peer, _)) = tcp.accept() {
                let mut length = [0; 2];
                peer.read_exact(&mut length).unwrap();
                let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
                peer.read_exact(&mut query).unwrap();
                let message = reply(&query, 0x8180, Some([192, 0, 2, 7]));
                let length = u16::try_from(message.len()).unwrap().to_be_bytes();
                peer.write_all(&[&length[..], &message].concat()).unwrap();
            }
        });
        assert_eq!(look(&[address], "a.example", 5000).0, Ok(addresses(&["192.0.2.7"])));
    }
}
