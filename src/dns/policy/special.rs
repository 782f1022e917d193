//! The names that no configuration has to name: those of the node itself, of every intranet, and those that DNS does not have.

/// Kubernetes' own domain, though `.local` is multicast DNS's (RFC 6762).
pub const KUBERNETES: &str = "cluster.local";

/// Top-level names that are for private use, and why: ICANN's resolution 2024.07.29.06, RFC 8375.
pub const PRIVATE: [&str; 2] = ["internal", "home.arpa"];

/// Top-level names that are not looked up in DNS, and the RFC that says so.
pub const RESERVED: [(&str, u16); 4] = [("test", 6761), ("invalid", 6761), ("onion", 7686), ("alt", 9476)];

/// This node; what lies below it, too (RFC 6761, 6.3).
pub const LOCALHOST: &str = "localhost";
/// The addresses of this node as names (RFC 6303, 4.2).
pub const LOOPBACK: &str = "127.in-addr.arpa";
/// The same for `::1` (RFC 6303, 4.4).
pub const LOOPBACK_6: &str = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa";

/// By which a client asks for a resolver's encrypted twin (RFC 9462, 6.4: nobody forwards it). We have none. An NXDOMAIN would be
/// taken for the whole of it, and remembered.
pub const DESIGNATED: &str = "resolver.arpa";
/// By which a client finds a translator of IPv4 (RFC 7050). There is none here.
pub const TRANSLATED: &str = "ipv4only.arpa";
/// What Firefox asks before it looks names up over HTTPS, past us; NXDOMAIN keeps it from that.
pub const CANARY: &str = "use-application-dns.net";

/// The reverse names of private and of link-local addresses: RFC 1918, RFC 6598 (clouds give these to pods), RFC 3927, RFC 4193,
/// RFC 4291.
pub fn reverse() -> impl Iterator<Item = String> {
    let one = ["10.in-addr.arpa", "168.192.in-addr.arpa", "254.169.in-addr.arpa", "d.f.ip6.arpa"];
    let private = (16..32).map(|number| format!("{number}.172.in-addr.arpa"));
    let shared = (64..128).map(|number| format!("{number}.100.in-addr.arpa"));
    let near = ["8", "9", "a", "b"].map(|digit| format!("{digit}.e.f.ip6.arpa"));
    one.map(str::to_owned).into_iter().chain(private).chain(shared).chain(near)
}
