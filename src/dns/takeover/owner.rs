//! Who else writes this node's resolv.conf, and how he is kept from it while ours stands there.
//!
//! His settings come as a file of their own in his directory below /run: it does not outlive the node, and nothing that an
//! administrator has written is touched. Only resolvconf has no such directory: lines of ours stand in its own file meanwhile,
//! below a comment by which they are found again.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::host::{Host, files, likeness};
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
                "resolvconf may write the file again when the network changes; against that: \
                 `nameserver {ours}` in /etc/resolvconf/resolv.conf.d/head (Debian), libc=NO in /etc/resolvconf.conf (openresolv)"
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
    /// What of it is ours.
    pub lines: String,
}

/// In his directory each.
const RESOLVED: &str = "/run/systemd/resolved.conf.d/hpcsh.conf";
const NETWORK_MANAGER: &str = "/run/NetworkManager/conf.d/hpcsh.conf";
/// The file of an administrator's that Debian's resolvconf puts before all that it writes, and the one that openresolv reads.
const DEBIAN: &str = "/etc/resolvconf/resolv.conf.d/head";
const OPENRESOLV: &str = "/etc/resolvconf.conf";
/// Files that are not ours, with lines of ours in them.
pub const SHARED: [&str; 2] = [DEBIAN, OPENRESOLV];

/// Above our lines.
const HEAD: &str = "# From `hpcsh dns on`; `hpcsh dns off` removes it.\n";

/// What tells the owner of these settings that they are there, or are gone.
pub fn command(settings: &Path) -> Option<&'static [&'static str]> {
    let is = |path: &str| settings.ends_with(path.trim_start_matches('/'));
    if is(RESOLVED) {
        // Once he has gone on to another server he stays there, and so do answers that he remembers: a reload is not enough.
        Some(&["systemctl", "try-restart", "systemd-resolved.service"])
    } else if is(NETWORK_MANAGER) {
        Some(&["nmcli", "general", "reload"])
    } else if SHARED.into_iter().any(is) {
        Some(&["resolvconf", "-u"])
    } else {
        None
    }
}

/// The settings that he needs on this node, where he is at work; `original` is what stands behind us, `is_link` says whether
/// resolv.conf is a link.
pub fn settings(host: &Host, owner: Owner, is_link: bool, ours: IpAddr, original: &ResolvConf) -> Option<Settings> {
    let is_there = |path: &str| files::exists(&host.locate(Path::new(path)));
    let alone = |path: &str, lines: String| Settings { path: path.into(), text: format!("{HEAD}{lines}"), lines };
    match owner {
        // Programs whose names come through nss-resolve ask him, and no resolv.conf. An empty line drops the servers of other files,
        // which would come first. The others come last: he goes on to them where we do not answer.
        Owner::Resolved if is_there("/run/systemd/resolve") && asks_resolved(host) => {
            let others = original.servers.iter().filter(|server| !is_stub(server.address));
            let others: String = others.map(|server| format!(" {}", server.address)).collect();
            Some(alone(RESOLVED, format!("[Resolve]\nDNS=\nDNS={ours}{others}\nDomains=~.\n")))
        }
        // He writes what is no link.
        Owner::NetworkManager if is_there("/run/NetworkManager") => {
            Some(alone(NETWORK_MANAGER, "[main]\nrc-manager=unmanaged\n".to_owned()))
        }
        // He writes what the link leads to, and leaves a file in its place alone. Whoever puts the link back finds us there too.
        Owner::Resolvconf if is_link && is_there("/etc/resolvconf/resolv.conf.d") => {
            let lines = format!("nameserver {ours}\n");
            let text = format!("{HEAD}{lines}{}", shared(host, DEBIAN)?);
            Some(Settings { path: DEBIAN.into(), text, lines })
        }
        // A script for sh, in which the last word counts. With our address in `name_servers` he would leave all the others out.
        Owner::Resolvconf if !is_link && is_there(OPENRESOLV) => {
            let lines = "libc=NO\n".to_owned();
            let mut text = shared(host, OPENRESOLV)?;
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            Some(Settings { path: OPENRESOLV.into(), text: text + HEAD + &lines, lines })
        }
        _ => None,
    }
}

/// What stands in a file that is shared, without us; `None` where it cannot be ours to change.
fn shared(host: &Host, path: &str) -> Option<String> {
    let path = host.locate(Path::new(path));
    likeness::way(&path, false).ok()?;
    let text = match files::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        bytes => String::from_utf8(bytes.ok()?).ok()?,
    };
    Some(without_ours(&text).unwrap_or(text))
}

/// The text of a shared file without our lines, where they are in it: the comment, and the one below it.
pub fn without_ours(text: &str) -> Option<String> {
    let (before, rest) = text.split_once(HEAD)?;
    let after = rest.split_once('\n').map_or("", |(_, after)| after);
    Some(format!("{before}{after}"))
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
        let text = |owner| settings(&host, owner, false, OURS, &original).map(|settings| settings.text);
        assert_eq!((text(Owner::Resolved), text(Owner::NetworkManager)), (None, None), "they are not at work");
        put("run/systemd/resolve/resolv.conf", "");
        put("run/NetworkManager/resolv.conf", "");
        put("etc/nsswitch.conf", "hosts: files dns # resolve\n");
        assert_eq!(text(Owner::Resolved), None, "nobody asks him but by resolv.conf");
        put("etc/nsswitch.conf", "passwd: files\nhosts: files resolve [!UNAVAIL=return] dns\n");
        let resolved = format!("{HEAD}[Resolve]\nDNS=\nDNS=127.0.0.1 10.0.0.1 10.0.0.2\nDomains=~.\n");
        assert_eq!(text(Owner::Resolved), Some(resolved));
        assert_eq!(text(Owner::NetworkManager), Some(format!("{HEAD}[main]\nrc-manager=unmanaged\n")));
        assert_eq!(text(Owner::Nobody), None);
        for path in [RESOLVED, NETWORK_MANAGER, DEBIAN, OPENRESOLV] {
            assert!(command(Path::new(path)).is_some(), "{path}");
        }
        assert_eq!(command(Path::new("/etc/resolv.conf")), None);
    }

    #[test]
    fn the_lines_of_ours_in_a_shared_file_are_found_again() {
        let root = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = root.path().join(name);
            files::make_parent(&path).and_then(|()| files::put(&path, text.as_bytes())).unwrap();
        };
        let host = Host::pretend(root.path(), &[], Box::new(Vec::new()), Box::new(Vec::new()));
        let text = |is_link| {
            settings(&host, Owner::Resolvconf, is_link, OURS, &ResolvConf::default()).map(|settings| settings.text)
        };
        assert_eq!((text(true), text(false)), (None, None), "they are not at work");
        put("etc/resolvconf/resolv.conf.d/base", "");
        let debian = format!("{HEAD}nameserver 127.0.0.1\n");
        assert_eq!((text(true), text(false)), (Some(debian.clone()), None));
        put("etc/resolvconf/resolv.conf.d/head", "# mine\nnameserver 10.0.0.1");
        put("etc/resolvconf.conf", "libc=YES");
        let (debian, openresolv) = (debian + "# mine\nnameserver 10.0.0.1", format!("libc=YES\n{HEAD}libc=NO\n"));
        assert_eq!((text(true), text(false)), (Some(debian.clone()), Some(openresolv.clone())));
        // What an earlier time has left is not there twice.
        put("etc/resolvconf/resolv.conf.d/head", &debian);
        put("etc/resolvconf.conf", &openresolv);
        assert_eq!((text(true), text(false)), (Some(debian.clone()), Some(openresolv)));
        assert_eq!(without_ours(&debian).as_deref(), Some("# mine\nnameserver 10.0.0.1"));
        assert_eq!(without_ours(&format!("a=1\n{HEAD}libc=NO\nb=2\n")).as_deref(), Some("a=1\nb=2\n"));
        assert_eq!(without_ours("a=1\n"), None);
    }

    #[test]
    fn a_stub_is_looked_behind() {
        assert!(beyond_stub("nameserver 127.0.0.53\noptions edns0\n").is_some());
        for text in ["", "nameserver 127.0.0.53\nnameserver 10.0.0.1\n", "nameserver 127.0.0.1\n"] {
            assert_eq!(beyond_stub(text), None, "{text:?}");
        }
    }
}
