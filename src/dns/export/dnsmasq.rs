//! dnsmasq: servers and literal addresses for domains, of which the longest that fits decides.

use std::net::SocketAddr;

use super::zones::Zones;
use super::{Export, Target, head, remark};
use crate::dns::policy::special;

/// More answers it does not remember.
const MOST: usize = 10_000;

/// A file for `/etc/dnsmasq.d`.
pub fn text(zones: &Zones, export: &Export) -> String {
    let mut text = head(
        Target::Dnsmasq,
        export,
        &["For /etc/dnsmasq.d/hpcsh.conf; `dnsmasq --test` tells whether the rest of the configuration agrees."],
        &[
            "`.` does not exist (dnsmasq has no rule for it): no resolver that validates or minimises should ask this one",
            "of the addresses in 127.0.0.0/8 only 127.0.0.1 has a name",
            "below resolver.arpa and ipv4only.arpa only _dns.resolver.arpa exists",
            "what stands above a name of the intranet has an empty TXT record, and nothing else",
            "names in /etc/hosts are answered from there, unless it is told `no-hosts`",
            "it asks whichever upstream answers, in no order, unless it is told `strict-order`",
            "\"there is no such name\" comes without a SOA, so that nobody remembers it, and without a text that says who has blocked it",
            "a newer version of EDNS is answered as if it were the known one",
        ],
    );
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line("no-resolv".to_owned());
    line(format!("cache-size={}", export.settings.cache.min(MOST)));
    line("\n# What nothing below names does not exist.\nlocal=/#/".to_owned());
    line("# A name without a dot is one of the intranet.".to_owned());
    for upstream in &export.upstreams {
        line(format!("server=//{}", address(*upstream)));
    }
    line("# But not these.".to_owned());
    for (name, _) in special::RESERVED {
        if !zones.forwarded.iter().any(|zone| zone.name == name) && !zones.above.iter().any(|above| above == name) {
            line(format!("local=/{name}/"));
        }
    }
    line("\n# This node.".to_owned());
    // Its other types would be asked for as those of a name without a dot.
    line(format!("local=/{0}/\naddress=/{0}/127.0.0.1\naddress=/{0}/::1", special::LOCALHOST));
    line(format!("ptr-record=1.0.0.{},localhost", special::LOOPBACK));
    line(format!("ptr-record={},localhost", special::LOOPBACK_6));
    line("\n# What would lead around this resolver. A text makes a name one that is there.".to_owned());
    line(format!("txt-record=_dns.{}\ntxt-record={}", special::DESIGNATED, special::TRANSLATED));
    // What it lies in may be forwarded.
    for zone in [special::DESIGNATED, special::TRANSLATED, special::CANARY] {
        line(format!("local=/{zone}/"));
    }
    line("\n# What stands above names that are there is there, too.".to_owned());
    for name in &zones.above {
        line(format!("txt-record={name}"));
        if !name.contains('.') {
            line(format!("local=/{name}/"));
        }
    }
    line("\n# The intranet.".to_owned());
    for zone in &zones.forwarded {
        // Behind a value no comment may stand.
        if zone.from.is_some() {
            line(remark(zone).trim().to_owned());
        }
        for upstream in &export.upstreams {
            line(format!("server=/{}/{}", zone.name, address(*upstream)));
        }
    }
    if !zones.denied.is_empty() {
        line("\n# What is denied.".to_owned());
    }
    for zone in &zones.denied {
        if zone.from.is_some() {
            line(remark(zone).trim().to_owned());
        }
        line(format!("local=/{}/", zone.name));
    }
    text
}

/// `10.0.0.1#53`
fn address(upstream: SocketAddr) -> String {
    let scope = match upstream {
        SocketAddr::V6(six) if six.scope_id() != 0 => format!("%{}", six.scope_id()),
        _ => String::new(),
    };
    format!("{}{scope}#{}", upstream.ip(), upstream.port())
}
