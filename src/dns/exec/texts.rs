//! The node's files that say where names are looked up, as the command is to see them. Pure.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::known::Known;
use crate::dns::takeover;
use crate::net::resolv_conf::ResolvConf;

/// The line that parts what is ours from what was there.
const OURS: &str = "hpcsh dns exec";
/// What Debian gives to a node whose name has no other address.
const OWN: Ipv4Addr = Ipv4Addr::new(127, 0, 1, 1);

/// Whether this hosts file has a line for the name.
pub fn is_in(hosts: &str, name: &str) -> bool {
    let named = |line: &str| {
        line.split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .skip(1)
            .any(|word| word.eq_ignore_ascii_case(name))
    };
    hosts.lines().any(named)
}

/// /etc/hosts with these names behind its own; a node's own name that nobody knows is the node itself.
pub fn hosts(text: &str, known: &[Known], own: &[String]) -> String {
    let mut all = text.trim_end().to_owned();
    if !all.is_empty() {
        all.push('\n');
    }
    let _ = writeln!(all, "# {OURS}");
    for Known { name, addresses, .. } in known {
        for address in addresses {
            let _ = writeln!(all, "{address} {name}");
        }
    }
    let is_known = |name: &String| {
        is_in(text, name) || known.iter().any(|known| known.name == *name && !known.addresses.is_empty())
    };
    let missing: Vec<&str> = own.iter().filter(|name| !is_known(name)).map(String::as_str).collect();
    if !missing.is_empty() {
        let _ = writeln!(all, "{OWN} {}", missing.join(" "));
    }
    all
}

/// nsswitch.conf(5) with hosts from files, and from what else knows the cluster's: not from name servers, unless ours is
/// asked, and not from those that ask others (`resolve`, `mdns`).
pub fn switch(text: &str, is_served: bool) -> String {
    let is_hosts =
        |line: &str| line.trim_start().strip_prefix("hosts").is_some_and(|rest| rest.trim_start().starts_with(':'));
    let found = text.lines().find(|line| is_hosts(line)).and_then(|line| line.split('#').next()?.split_once(':'));
    let mut kept = Vec::new();
    // In brackets stands what is done about the service before them.
    let mut is_kept = false;
    let words = found.map_or("files dns", |(_, words)| words).replace('[', " [").replace(']', "] ");
    let mut is_in_brackets = false;
    for word in words.split_whitespace() {
        is_in_brackets |= word.starts_with('[');
        if !is_in_brackets {
            is_kept = match word {
                "dns" => is_served,
                "resolve" => false,
                other => !other.starts_with("mdns"),
            };
        }
        if is_kept {
            kept.push(word);
        }
        is_in_brackets &= !word.ends_with(']');
    }
    if !kept.contains(&"files") {
        kept.insert(0, "files");
    }
    if is_served && !kept.contains(&"dns") {
        kept.push("dns");
    }
    let before: Vec<&str> = words.split_whitespace().collect();
    if found.is_some() && before == kept {
        return text.to_owned();
    }
    let line = format!("hosts: {}\n", kept.join(" "));
    let mut all: String = text.lines().filter(|line| !is_hosts(line)).map(|line| format!("{line}\n")).collect();
    all.push_str(&line);
    all
}

/// resolv.conf(5) where our resolver answers on loopback: it first, and the others behind it, should it end.
pub fn resolver(text: &str) -> String {
    let is_so = takeover::text::ours(text).is_some();
    if is_so { text.to_owned() } else { takeover::text::front(text, Ipv4Addr::LOCALHOST.into()).text }
}

/// The same where nobody answers at this address: a program that asks all the same does it once, for a second.
pub fn no_resolver(text: &str, server: Ipv4Addr) -> String {
    ResolvConf::parse(text).with_server_alone(OURS, server.into()) + "options timeout:1 attempts:1\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_names_stand_behind_those_of_the_node() {
        let known = [("pypi.lab", &["10.0.0.1", "fd00::1"][..]), ("gone.lab", &[])].map(|(name, addresses)| Known {
            name: name.into(),
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
            is_sure: true,
        });
        let text = hosts("127.0.0.1 localhost # me\n\n", &known, &["node7.lab".into(), "LocalHost".into()]);
        assert_eq!(
            text,
            "127.0.0.1 localhost # me\n# hpcsh dns exec\n10.0.0.1 pypi.lab\nfd00::1 pypi.lab\n127.0.1.1 node7.lab\n"
        );
        assert_eq!(hosts("", &[], &[]), "# hpcsh dns exec\n");
        assert!(!is_in("1.2.3.4 a # b\n#5.6.7.8 c\n", "b") && !is_in("#5.6.7.8 c\n", "c") && !is_in("::1 a", "::1"));
    }

    #[test]
    fn only_the_line_of_hosts_is_another() {
        let others = "passwd: files sss\n\n# hosts: no\n";
        for (before, files, served) in [
            ("hosts: dns", "hosts: files", "hosts: files dns"),
            // As it was.
            ("hosts:          files dns", "hosts: files", "hosts:          files dns"),
            (
                "hosts: files resolve [!UNAVAIL=return] myhostname dns # x",
                "hosts: files myhostname",
                "hosts: files myhostname dns",
            ),
            (
                "hosts: mymachines mdns4_minimal [NOTFOUND=return] dns [ SUCCESS = return ] nis [NOTFOUND=continue]",
                "hosts: files mymachines nis [NOTFOUND=continue]",
                "hosts: files mymachines dns [ SUCCESS = return ] nis [NOTFOUND=continue]",
            ),
            (
                "hosts: files[NOTFOUND=continue]dns",
                "hosts: files [NOTFOUND=continue]",
                "hosts: files[NOTFOUND=continue]dns",
            ),
            (" hosts :", "hosts: files", "hosts: files dns"),
            ("ethers: db", "ethers: db\nhosts: files", "ethers: db\nhosts: files dns"),
        ] {
            for (is_served, line) in [(false, files), (true, served)] {
                assert_eq!(switch(&format!("{others}{before}\n"), is_served), format!("{others}{line}\n"));
            }
        }
    }

    #[test]
    fn resolv_conf_keeps_all_but_its_servers() {
        let text = "# x\nnameserver 10.0.0.1\nsearch a.example b\noptions ndots:5\n nameserver 1.1.1.1\n";
        let alone = "# hpcsh dns exec\nnameserver 255.255.255.255\nsearch a.example b\noptions ndots:5\n";
        assert_eq!(no_resolver(text, Ipv4Addr::BROADCAST), format!("{alone}options timeout:1 attempts:1\n"));
        let served = resolver(text);
        let servers: Vec<String> =
            ResolvConf::parse(&served).servers.iter().map(|one| one.address.to_string()).collect();
        assert_eq!(servers, ["127.0.0.1", "10.0.0.1", "1.1.1.1"]);
        assert_eq!(resolver(&served), served);
    }
}
