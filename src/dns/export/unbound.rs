//! unbound: local zones, of which the longest that fits decides.

use std::net::SocketAddr;

use super::zones::Zones;
use super::{Export, NEGATIVE, Target, head, remark, soa};
use crate::dns::policy::special;

/// A file for `/etc/unbound/unbound.conf.d`.
pub fn text(zones: &Zones, export: &Export) -> String {
    let mut text = head(
        Target::Unbound,
        export,
        &[
            "For /etc/unbound/unbound.conf.d/hpcsh.conf. `unbound-checkconf` tells whether the rest of the configuration agrees.",
            "Nothing is validated: for that unbound would ask the root's servers, which an offline node does not reach.",
        ],
        &[
            "a name without a dot does not exist: unbound has no rule for these. One host is local-zone: \"gpu17.\" always_transparent",
            "names below 127.in-addr.arpa are localhost, whether they are those of an address or not",
            "\"there is none\" comes without a SOA for what is denied, and in resolver.arpa, ipv4only.arpa, localhost and 127.in-addr.arpa",
            "an answer has no text that says who has blocked a name (RFC 8914)",
        ],
    );
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line("server:".to_owned());
    line("    module-config: \"iterator\"".to_owned());
    if export.upstreams.iter().any(|upstream| upstream.ip().is_loopback()) {
        line("    do-not-query-localhost: no".to_owned());
    }
    line("\n    # What nothing below names does not exist.".to_owned());
    line("    local-zone: \".\" static".to_owned());
    line(format!("    local-data: \". {}\"", soa()));
    line("    # These have zones of unbound's own otherwise.".to_owned());
    for (name, _) in special::RESERVED {
        // Not where it is forwarded, denied, or stands above what is: then there is a line for it.
        let is_named = zones.forwarded.iter().chain(&zones.denied).any(|zone| zone.name == name);
        if !is_named {
            line(format!("    local-zone: \"{name}.\" nodefault"));
        }
    }
    line(format!("    local-zone: \"{}.\" nodefault", special::LOOPBACK_6));
    line("\n    # This node.".to_owned());
    for (zone, records) in
        [(special::LOCALHOST, &["A 127.0.0.1", "AAAA ::1"][..]), (special::LOOPBACK, &["PTR localhost."])]
    {
        line(format!("    local-zone: \"{zone}.\" redirect"));
        for record in records {
            line(format!("    local-data: \"{zone}. {NEGATIVE} IN {record}\""));
        }
    }
    line(format!("    local-data: \"{}. {NEGATIVE} IN PTR localhost.\"", special::LOOPBACK_6));
    line("\n    # What would lead around this resolver.".to_owned());
    for zone in [special::DESIGNATED, special::TRANSLATED] {
        line(format!("    local-zone: \"{zone}.\" always_nodata"));
    }
    line(format!("    local-zone: \"{}.\" always_nxdomain", special::CANARY));
    line(
        "\n    # What stands above names that are there is there: a record of a type that nobody asks for says so."
            .to_owned(),
    );
    for name in &zones.above {
        line(format!("    local-data: \"{name}. {NEGATIVE} IN TYPE65280 \\# 0\""));
    }
    line("\n    # The intranet.".to_owned());
    for zone in &zones.forwarded {
        line(format!("    local-zone: \"{}.\" always_transparent{}", zone.name, remark(zone)));
    }
    if !zones.denied.is_empty() {
        line("\n    # What is denied.".to_owned());
    }
    for zone in &zones.denied {
        line(format!("    local-zone: \"{}.\" always_nxdomain{}", zone.name, remark(zone)));
    }
    if export.settings.cache == 0 {
        line("\n    # Nothing is remembered.\n    cache-max-ttl: 0\n    cache-max-negative-ttl: 0".to_owned());
    }
    line("\nforward-zone:\n    name: \".\"".to_owned());
    for upstream in &export.upstreams {
        line(format!("    forward-addr: {}", address(*upstream)));
    }
    text
}

/// `10.0.0.1@53`
fn address(upstream: SocketAddr) -> String {
    let scope = match upstream {
        SocketAddr::V6(six) if six.scope_id() != 0 => format!("%{}", six.scope_id()),
        _ => String::new(),
    };
    format!("{}{scope}@{}", upstream.ip(), upstream.port())
}
