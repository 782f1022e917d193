//! Which rule has decided, for people and for programs.

use std::fmt;

use super::special;

/// The rule that has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which one.
    pub kind: Kind,
    /// The suffix that the name ends in, as the rule has it; for [`Kind::Above`] the name that lies below.
    pub suffix: Option<String>,
}

/// What kinds of rules there are, in the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `.`
    Root,
    /// `localhost` and all below it.
    Localhost,
    /// The reverse names of loopback addresses.
    Loopback,
    /// `resolver.arpa`
    Designated,
    /// `use-application-dns.net`
    Canary,
    /// The node is online, and the resolver is for an offline one.
    Online,
    /// `ipv4only.arpa`
    Translated,
    /// `dns.deny`
    Deny,
    /// `dns.allow`
    Allow,
    /// A search domain.
    Search,
    /// A mirror or a proxy.
    Mirror,
    /// `cluster.local`
    Kubernetes,
    /// `internal`, `home.arpa`
    Private,
    /// The reverse name of a private or a link-local address.
    Reverse,
    /// It stands above a name that is forwarded.
    Above,
    /// `test`, `invalid`, `onion`, `alt`
    Reserved,
    /// It has no dot.
    Single,
    /// Nothing else speaks of it.
    Internet,
}

impl Kind {
    /// A word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Localhost => "localhost",
            Self::Loopback => "loopback",
            Self::Designated => "resolver-arpa",
            Self::Canary => "canary",
            Self::Online => "online",
            Self::Translated => "ipv4only-arpa",
            Self::Deny => "deny",
            Self::Allow => "allow",
            Self::Search => "search",
            Self::Mirror => "mirror",
            Self::Kubernetes => "kubernetes",
            Self::Private => "private",
            Self::Reverse => "private-reverse",
            Self::Above => "ancestor",
            Self::Reserved => "reserved",
            Self::Single => "single-label",
            Self::Internet => "internet",
        }
    }
}

/// A sentence for people, without its end.
impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = self.suffix.as_deref().unwrap_or_default();
        match self.kind {
            Kind::Root => out.write_str("all names lie below it: if it were not, none would be (RFC 8020)"),
            Kind::Localhost => out.write_str("localhost is this node (RFC 6761)"),
            Kind::Loopback => out.write_str("it is a name of this node's own addresses (RFC 6303)"),
            Kind::Designated => out.write_str("it asks for an encrypted resolver, which there is not here (RFC 9462)"),
            Kind::Canary => out.write_str("that it is not keeps Firefox from asking a resolver of its own"),
            Kind::Online => out.write_str("the node is online, and `dns.when` is \"offline\""),
            Kind::Translated => out.write_str("it asks for a translator of IPv4, which there is not here (RFC 7050)"),
            Kind::Deny => write!(out, "`dns.deny` has {suffix}, and goes before what is allowed"),
            Kind::Allow => write!(out, "`dns.allow` has {suffix}"),
            Kind::Search => write!(out, "{suffix} is a search domain of this node"),
            Kind::Mirror => write!(out, "a mirror, a proxy or `no_proxy` names {suffix}"),
            Kind::Kubernetes => write!(out, "{suffix} is Kubernetes' own domain"),
            Kind::Private => write!(out, "{suffix} is for private use"),
            Kind::Reverse => write!(out, "{suffix} has private addresses"),
            Kind::Above => write!(out, "{suffix} lies below it, and is forwarded (RFC 8020)"),
            Kind::Reserved => {
                let rfc = special::RESERVED.iter().find(|(name, _)| *name == suffix).map_or(6761, |(_, rfc)| *rfc);
                write!(out, "{suffix} is reserved: DNS does not have it (RFC {rfc})")
            }
            Kind::Single => out.write_str("a name without a dot is one of the intranet"),
            Kind::Internet => out.write_str("nothing says that it is of the intranet"),
        }
    }
}
