//! `CoreDNS`: a server block for each kind of zone, of which the longest that fits decides; templates in it for what has no zone.

use super::zones::{Zone, Zones};
use super::{Export, NEGATIVE, Target, head, soa};
use crate::dns::policy::special;

/// A Corefile.
pub fn text(zones: &Zones, export: &Export) -> String {
    let listen = &export.settings.listen;
    let port = listen.first().map_or(53, std::net::SocketAddr::port);
    let addresses: Vec<String> =
        listen.iter().filter(|address| address.port() == port).map(|address| address.ip().to_string()).collect();
    let head = head(Target::CoreDns, export, &["For `coredns -conf Corefile`, version 1.10 or newer."], DIFFERENCES);
    head + "\n" + &blocks(zones, export, port, &[format!("bind {}", addresses.join(" "))], &["reload"])
}

/// Where it differs from ours.
pub(super) const DIFFERENCES: &[&str] = &["an answer has no text that says who has blocked a name (RFC 8914)"];

/// The server blocks, all with the lines of `common`; that of the root with those of `root`, too.
pub(super) fn blocks(zones: &Zones, export: &Export, port: u16, common: &[String], root: &[&str]) -> String {
    let mut file = Corefile { text: String::new(), port };
    let common: Vec<String> = common.iter().map(|line| format!("{line}\n")).chain(["errors\n".to_owned()]).collect();
    file.text.push_str(&format!("(hpcsh) {{\n{}}}\n", indented(&common.concat())));
    let none = template("ANY ANY", "", "NXDOMAIN", None, false);
    let empty = template("ANY ANY", "", "NOERROR", None, false);
    let forward = forward(export);

    let above: Vec<String> = zones.above.iter().map(|name| pattern(name)).collect();
    let above = [vec!["[.]".to_owned(), format!("(0[.])+{}", pattern("ip6.arpa"))], above].concat().join("|");
    let reserved = special::RESERVED.map(|(name, _)| name);
    let reserved = reserved.into_iter().filter(|name| !zones.forwarded.iter().any(|zone| zone.name == *name));
    let body = [
        root.iter().map(|line| format!("{line}\n")).collect(),
        "# What stands above names that are there is there, too.\n".to_owned(),
        template("ANY ANY", &format!("^({above})$"), "NOERROR", None, true),
        "# What DNS does not have.\n".to_owned(),
        template(&format!("ANY ANY {}", reserved.collect::<Vec<_>>().join(" ")), "", "NXDOMAIN", None, false),
        "# What no other block names does not exist, if it has a dot in it. What has none is one of the intranet.\n"
            .to_owned(),
        template("ANY ANY", "[^.][.][^.]", "NXDOMAIN", None, true),
        forward.clone(),
    ];
    file.block("Everything else", &[".".to_owned()], &body.concat());

    let local = [
        template("IN A", "", "", Some("A 127.0.0.1"), false),
        template("IN AAAA", "", "", Some("AAAA ::1"), false),
        empty.clone(),
    ];
    file.block("This node", &[special::LOCALHOST.to_owned()], &local.concat());
    let loopback = pattern(special::LOOPBACK);
    let addresses = [
        template("IN PTR", &format!("^([^.]+[.]){{3}}{loopback}$"), "", Some("PTR localhost."), true),
        template("ANY ANY", &format!("^([^.]+[.]){{0,3}}{loopback}$"), "NOERROR", None, true),
        none.clone(),
    ];
    file.block("", &[special::LOOPBACK.to_owned()], &addresses.concat());
    let address = format!("^{}$", pattern(special::LOOPBACK_6));
    let addresses = [
        template("IN PTR", &address, "", Some("PTR localhost."), true),
        template("ANY ANY", &address, "NOERROR", None, true),
        none.clone(),
    ];
    file.block("", &[special::LOOPBACK_6.to_owned()], &addresses.concat());
    let around = [special::DESIGNATED, special::TRANSLATED].map(str::to_owned);
    file.block("What would lead around this resolver", &around, &empty);
    file.block("", &[special::CANARY.to_owned()], &none);

    let names = |zones: &[Zone]| zones.iter().map(|zone| zone.name.clone()).collect::<Vec<_>>();
    file.zones("The intranet", &zones.forwarded);
    file.block("", &names(&zones.forwarded), &forward);
    if !zones.denied.is_empty() {
        file.zones("What is denied", &zones.denied);
        file.block("", &names(&zones.denied), &none);
    }
    file.text
}

struct Corefile {
    text: String,
    port: u16,
}

impl Corefile {
    /// A block for these zones, below a comment.
    fn block(&mut self, about: &str, zones: &[String], body: &str) {
        let keys: Vec<String> = zones.iter().map(|zone| format!("{zone}:{}", self.port)).collect();
        let about = if about.is_empty() { String::new() } else { format!("\n# {about}.\n") };
        // A comma goes on to the next line.
        let keys = keys.join(",\n");
        self.text.push_str(&format!("{about}{keys} {{\n    import hpcsh\n{}}}\n", indented(body)));
    }

    /// A comment, and a line for each zone that somebody has named.
    fn zones(&mut self, about: &str, zones: &[Zone]) {
        self.text.push_str(&format!("\n# {about}.\n"));
        for Zone { name, from } in zones {
            if let Some(from) = from {
                self.text.push_str(&format!("# {name}: {from}\n"));
            }
        }
    }
}

/// Answers what matches with a record, or with a code and the SOA; `goes_on` leaves what does not match to what stands below.
fn template(what: &str, matches: &str, code: &str, record: Option<&str>, goes_on: bool) -> String {
    let mut lines = Vec::new();
    if !matches.is_empty() {
        lines.push(format!("match \"{matches}\""));
    }
    match record {
        Some(record) => lines.push(format!("answer \"{{{{ .Name }}}} {NEGATIVE} IN {record}\"")),
        None => lines.extend([format!("rcode {code}"), format!("authority \". {}\"", soa())]),
    }
    if goes_on {
        lines.push("fallthrough".to_owned());
    }
    format!("template {what} {{\n{}}}\n", indented(&(lines.join("\n") + "\n")))
}

/// Asks the upstreams in their order, and remembers.
fn forward(export: &Export) -> String {
    let upstreams: Vec<String> = export.upstreams.iter().map(ToString::to_string).collect();
    let forward = format!("forward . {} {{\n    policy sequential\n}}\n", upstreams.join(" "));
    match export.settings.cache {
        0 => forward,
        size => format!("cache {{\n    success {size} 3600\n    denial {size} 60\n}}\n{forward}"),
    }
}

/// A name as a regular expression: it comes in lower case, with the dot at its end.
fn pattern(name: &str) -> String {
    format!("{name}.").replace('.', "[.]")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
