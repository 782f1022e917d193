//! Who else writes this node's resolv.conf, and how he is kept from it while ours stands there.
//!
//! His settings come as a file of their own in his directory below /run: it does not outlive the node, and nothing that an
//! administrator has written is touched.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::host::{Host, files};
use crate::net::resolv_conf::ResolvConf;

/// Who writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody, or somebody who does not say so.
    Nobody,
    /// systemd-resolved(8)
    Resolved,
    /// NetworkManager(8)
    NetworkManager,
    /// resolvconf(8), Debian's or openresolv.
    Resolvconf,
    /// A DHCP client's script.
    Dhcp,
}

impl Owner {
    /// By where the link leads, else by what the first comments say.
    pub fn of(target: Option<&Path>, text: &str) -> Self {
        let path = target.map(|target| target.to_string_lossy().into_owned()).unwrap_or_default();
        let comments = text.lines().take_while(|line| line.starts_with(['#', ';']) || line.trim().is_empty());
        let words = path + "\n" + &comments.collect::<Vec<_>>().join("\n");
        let known = [
            ("systemd/resolv", Self::Resolved),
            ("systemd-resolved", Self::Resolved),
            ("NetworkManager", Self::NetworkManager),
            ("resolvconf", Self::Resolvconf),
            ("dhclient", Self::Dhcp),
            ("dhcpcd", Self::Dhcp),
        ];
        known.iter().find(|(word, _)| words.contains(word)).map_or(Self::Nobody, |(_, owner)| *owner)
    }

    /// His name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Resolved => "systemd-resolved",
            Self::NetworkManager => "NetworkManager",
            Self::Resolvconf => "resolvconf",
            Self::Dhcp => "a DHCP client",
        }
    }

    /// What may become of our file, where nothing keeps him from it.
    pub fn warning(self, ours: IpAddr) -> Option<String> {
        Some(match self {
            Self::Resolvconf => format!(
                "resolvconf may write the file again when the network changes; its own way to name us first: \
                 `nameserver {ours}` in /etc/resolvconf/resolv.conf.d/head (Debian), name_servers={ours} in /etc/resolvconf.conf (openresolv)"
            ),
            Self::Dhcp => format!(
                "a DHCP client may write the file again when its lease is renewed; its own way to name us first: \
                 `prepend domain-name-servers {ours};` in /etc/dhcp/dhclient.conf"
            ),
            _ => return None,
        })
    }
}

/// A file of settings for him, and how he is told to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it lies.
    pub path: PathBuf,
    /// What stands in it.
    pub text: String,
}

/// In his directory each.
const RESOLVED: &str = "/run/systemd/resolved.conf.d/hpcsh.conf";
const NETWORK_MANAGER: &str = "/run/NetworkManager/conf.d/hpcsh.conf";

/// What tells the owner of these settings that they are there, or are gone.
pub fn command(settings: &Path) -> Option<&'static [&'static str]> {
    if settings.ends_with(RESOLVED.trim_start_matches('/')) {
        // Once he has gone on to another server he stays there, and so do answers that he remembers: a reload is not enough.
        Some(&["systemctl", "try-restart", "systemd-resolved.service"])
    } else if settings.ends_with(NETWORK_MANAGER.trim_start_matches('/')) {
        Some(&["nmcli", "general", "reload"])
    } else {
        None
    }
}

/// The settings that he needs on this node, where he is at work; `original` is what stands behind us.
pub fn settings(host: &Host, owner: Owner, ours: IpAddr, original: &ResolvConf) -> Option<Settings> {
    let is_there = |path: &str| files::exists(&host.locate(Path::new(path)));
    let head = "# From `hpcsh dns on`; `hpcsh dns off` removes it.\n";
    match owner {
        // Programs whose names come through nss-resolve ask him, and no resolv.conf. An empty line drops the servers of other files,
        // which would come first. The others come last: he goes on to them where we do not answer.
        Owner::Resolved if is_there("/run/systemd/resolve") && asks_resolved(host) => {
            let others = original.servers.iter().filter(|server| !is_stub(server.address));
            let others: String = others.map(|server| format!(" {}", server.address)).collect();
            let text = format!("{head}[Resolve]\nDNS=\nDNS={ours}{others}\nDomains=~.\n");
            Some(Settings { path: RESOLVED.into(), text })
        }
        // He writes what is no link.
        Owner::NetworkManager if is_there("/run/NetworkManager") => {
            let text = format!("{head}[main]\nrc-manager=unmanaged\n");
            Some(Settings { path: NETWORK_MANAGER.into(), text })
        }
        _ => None,
    }
}

/// Whether names go to systemd-resolved without a look into resolv.conf: nsswitch.conf(5), nss-resolve(8).
fn asks_resolved(host: &Host) -> bool {
    let bytes = files::read(&host.locate(Path::new("/etc/nsswitch.conf"))).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let is_asked = |line: &str| {
        let line = line.split('#').next().unwrap_or_default();
        line.trim_start()
            .strip_prefix("hosts:")
            .is_some_and(|rest| rest.split_whitespace().any(|word| word == "resolve"))
    };
    text.lines().any(is_asked)
}

/// The addresses at which systemd-resolved is asked itself: who forwards to them comes back to us.
fn is_stub(address: IpAddr) -> bool {
    [IpAddr::from([127, 0, 0, 53]), IpAddr::from([127, 0, 0, 54])].contains(&address)
}

/// Where the servers stand that systemd-resolved asks, where this is the file that names only himself.
pub fn beyond_stub(text: &str) -> Option<&'static Path> {
    let conf = ResolvConf::parse(text);
    let is_stub = !conf.servers.is_empty() && conf.servers.iter().all(|server| is_stub(server.address));
    is_stub.then_some(Path::new("/run/systemd/resolve/resolv.conf"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn the_owner_is_told_by_the_link_and_by_the_comments() {
        let linked = |target: &str| Owner::of(Some(Path::new(target)), "");
        assert_eq!(linked("../run/systemd/resolve/stub-resolv.conf"), Owner::Resolved);
        assert_eq!(linked("/usr/lib/systemd/resolv.conf"), Owner::Resolved);
        assert_eq!(linked("/run/NetworkManager/no-stub-resolv.conf"), Owner::NetworkManager);
        assert_eq!(linked("/etc/resolvconf/run/resolv.conf"), Owner::Resolvconf);
        assert_eq!(linked("/run/resolv.conf"), Owner::Nobody);
        let said = |text: &str| Owner::of(None, text);
        assert_eq!(said("# Generated by NetworkManager\nsearch x\n"), Owner::NetworkManager);
        assert_eq!(said("; generated by /usr/sbin/dhclient-script\n"), Owner::Dhcp);
        assert_eq!(said("# Generated by resolvconf\n"), Owner::Resolvconf);
        // Who leaves a file alone that was changed.
        assert_eq!(said("# Generated by Docker Engine.\n"), Owner::Nobody);
        assert_eq!(said("nameserver 10.0.0.1\n# NetworkManager is off\n"), Owner::Nobody);
    }

    #[test]
    fn an_owner_who_is_at_work_gets_settings() {
        let root = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = root.path().join(name);
            files::make_parent(&path).and_then(|()| files::put(&path, text.as_bytes())).unwrap();
        };
        let host = Host::pretend(root.path(), &[], Box::new(Vec::new()), Box::new(Vec::new()));
        let original = ResolvConf::parse("nameserver 127.0.0.53\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n");
        let text = |owner| settings(&host, owner, OURS, &original).map(|settings| settings.text);
        assert_eq!((text(Owner::Resolved), text(Owner::NetworkManager)), (None, None), "they are not at work");
        put("run/systemd/resolve/resolv.conf", "");
        put("run/NetworkManager/resolv.conf", "");
        put("etc/nsswitch.conf", "hosts: files dns # resolve\n");
        assert_eq!(text(Owner::Resolved), None, "nobody asks him but by resolv.conf");
        put("etc/nsswitch.conf", "passwd: files\nhosts: files resolve [!UNAVAIL=return] dns\n");
        let head = "# From `hpcsh dns on`; `hpcsh dns off` removes it.\n";
        let resolved = format!("{head}[Resolve]\nDNS=\nDNS=127.0.0.1 10.0.0.1 10.0.0.2\nDomains=~.\n");
        assert_eq!(text(Owner::Resolved), Some(resolved));
        assert_eq!(text(Owner::NetworkManager), Some(format!("{head}[main]\nrc-manager=unmanaged\n")));
        assert_eq!(text(Owner::Nobody), None);
        for path in [RESOLVED, NETWORK_MANAGER] {
            assert!(command(Path::new(path)).is_some(), "{path}");
        }
        assert_eq!(command(Path::new("/etc/resolv.conf")), None);
    }

    #[test]
    fn a_stub_is_looked_behind() {
        assert!(beyond_stub("nameserver 127.0.0.53\noptions edns0\n").is_some());
        for text in ["", "nameserver 127.0.0.53\nnameserver 10.0.0.1\n", "nameserver 127.0.0.1\n"] {
            assert_eq!(beyond_stub(text), None, "{text:?}");
        }
    }
}
