//! How the node comes to ask us, and comes back from it: /etc/resolv.conf with our server in front of the original ones.
//!
//! [`text`] is what stands there then, [`plan`] how it comes there on this node, [`switch`] does it; [`owner`] knows who else writes
//! the file, [`server`] who answers, [`checks`] what is wrong. The journal has the original; where that is lost, the text has it too.

pub mod checks;
pub mod owner;
pub mod plan;
pub mod server;
pub mod switch;
pub mod text;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

pub use server::Service;
pub use switch::{off, on, restore};

use crate::host::likeness::Likeness;
use crate::host::{Host, files, local_dir, users};
use crate::journal::{self, Stands};
use crate::net::resolv_conf::{self, ResolvConf};

/// The name of the journal.
const NAME: &str = "resolv.conf";

/// The resolv.conf of this node as it is without us: the original where ours is in its place, else the file itself.
///
/// Where the original is a link, what it leads to now, since others go on writing that. Empty where there is no file. Whoever
/// serves drops his own address from it: [`upstreams`].
pub fn original(host: &Host) -> ResolvConf {
    let found = ResolvConf::of(host);
    let Some(ours) = text::ours(found.text()) else { return found };
    let bytes = linked(host).and_then(|path| files::read(&path).ok());
    let linked = bytes.map(|bytes| plan::seen(host, &String::from_utf8_lossy(&bytes)));
    // By its owner's settings it may name us.
    let linked = linked.map(|conf| conf.without(|server| server.address == ours));
    // Its owner may be gone.
    linked.filter(|conf| !conf.servers.is_empty()).unwrap_or_else(|| plan::seen(host, found.text()))
}

/// The files on whose changes [`original`] changes, now or once we have taken over.
pub fn watched(host: &Host) -> Vec<PathBuf> {
    let mut found = vec![host.locate(Path::new(resolv_conf::PATH))];
    if let Some(path) = linked(host) {
        let bytes = files::read(&path).unwrap_or_default();
        found.extend(owner::beyond_stub(&String::from_utf8_lossy(&bytes)).map(|beyond| host.locate(beyond)));
        found.push(path);
    }
    found
}

/// What the original leads to, where it is a link.
fn linked(host: &Host) -> Option<PathBuf> {
    let path = host.locate(Path::new(resolv_conf::PATH));
    let saved = || {
        let saved = places(host).into_iter().find_map(|dir| journal::glance(&dir, NAME).ok()?);
        match saved?.changes.into_iter().find(|change| change.path == path)?.before {
            Likeness::Link { target, .. } => Some(target),
            _ => None,
        }
    };
    let target = files::link_target(&path).ok().or_else(saved)?;
    Some(if target.is_absolute() { host.locate(&target) } else { host.absolute(&path.parent()?.join(target)) })
}

/// Where journals of this file may lie: on the node, as the file does, and never on shared storage, where each node would find
/// those of the others. The second place of root's is for nodes whose disk cannot be written.
fn places(host: &Host) -> Vec<PathBuf> {
    let is_mine = |dir: &PathBuf| files::own_entry(dir).is_ok_and(|found| found.owner == users::my_id());
    let own = Some(local_dir::default_path(host)).filter(|dir| users::my_id() != 0 && is_mine(dir));
    places_of_root(host).into_iter().chain(own).collect()
}

fn places_of_root(host: &Host) -> [PathBuf; 2] {
    ["/var/lib/hpcsh", "/run/hpcsh"].map(|dir| host.locate(Path::new(dir)))
}

/// What resolv.conf is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// None of ours.
    Nothing,
    /// As we have written it, with this address of ours.
    Ours(IpAddr),
    /// The same, and nothing is saved of what it has replaced.
    Alone,
    /// Ours, and changed by somebody else since; this address of ours is in it.
    Changed(IpAddr),
}

/// Looks at resolv.conf. A journal that cannot be read is none: the text tells by itself whether it is whole.
fn look(host: &Host) -> Found {
    let conf = ResolvConf::of(host);
    let Some(ours) = text::ours(conf.text()) else { return Found::Nothing };
    let saved = places(host).into_iter().find_map(|dir| journal::glance(&dir, NAME).ok()?);
    let stands = saved.and_then(|journal| journal.stands(journal.changes.len().saturating_sub(1)).ok());
    match stands {
        Some(Stands::After) => Found::Ours(ours),
        _ if text::is_whole(conf.text()) => Found::Alone,
        _ => Found::Changed(ours),
    }
}

/// How this node looks names up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As without us.
    Away,
    /// By our resolver, at this address.
    Here(IpAddr),
    /// resolv.conf names our resolver at this address, and it is not there: each look-up costs a little, and those of the internet
    /// their time.
    Dead(IpAddr),
}

/// How this node looks names up. Reads one file, and asks one question where that is ours.
pub fn standing(host: &Host) -> Standing {
    match text::ours(ResolvConf::of(host).text()) {
        None => Standing::Away,
        Some(at) if server::ask(at).is_none() => Standing::Dead(at),
        Some(at) => Standing::Here(at),
    }
}

/// Whom a resolver that listens here asks: the servers of the original but itself, in their order. Who asks himself never ends, nor
/// who asks a stub that is about to ask him.
pub fn upstreams(host: &Host, listen: &[SocketAddr]) -> Vec<SocketAddr> {
    let original = plan::seen(host, original(host).text())
        .without(|server| listen.iter().any(|own| is_own(own.ip(), server.address)));
    original.places(host)
}

/// Whether what is sent to this address comes to him who listens there.
fn is_own(listens: IpAddr, asked: IpAddr) -> bool {
    // Each address that this node has can be bound.
    listens == asked || listens.is_unspecified() && UdpSocket::bind((asked, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(resolv_conf: Option<&str>) -> (tempfile::TempDir, Host) {
        let root = tempfile::tempdir().unwrap();
        if let Some(text) = resolv_conf {
            let path = root.path().join("etc/resolv.conf");
            files::make_parent(&path).unwrap();
            files::put(&path, text.as_bytes()).unwrap();
        }
        let host = Host::pretend(root.path(), &[], Box::new(Vec::new()), Box::new(Vec::new()));
        (root, host)
    }

    #[test]
    fn the_original_is_what_stands_behind_us() {
        let text = "nameserver 10.0.0.1\nsearch a\n";
        for seen in [text.to_owned(), text::front(text, [127, 0, 0, 1].into()).text] {
            assert_eq!(original(&host(Some(&seen)).1), ResolvConf::parse(text));
        }
        // Another's server on this node, as NetworkManager's.
        let local = "nameserver 127.0.0.1\n";
        assert_eq!(original(&host(Some(local)).1), ResolvConf::parse(local));
        assert_eq!(original(&host(None).1), ResolvConf::default());
    }

    #[test]
    fn the_original_behind_a_link_is_what_it_leads_to_now() {
        let (root, host) = host(None);
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            files::make_parent(&path).and_then(|()| files::put(&path, text.as_bytes())).unwrap();
        };
        write("run/systemd/resolve/stub-resolv.conf", "nameserver 127.0.0.53\n");
        write("run/systemd/resolve/resolv.conf", "nameserver 10.0.0.1\n");
        write("etc/hosts", "");
        std::os::unix::fs::symlink("../run/systemd/resolve/stub-resolv.conf", root.path().join("etc/resolv.conf"))
            .unwrap();
        assert_eq!(original(&host), ResolvConf::parse("nameserver 127.0.0.53\n"));
        let listen = ["127.0.0.1:53".parse().unwrap()];
        assert_eq!(upstreams(&host, &listen), ["10.0.0.1:53".parse().unwrap()]);
        let names = ["etc/resolv.conf", "run/systemd/resolve/resolv.conf", "run/systemd/resolve/stub-resolv.conf"];
        let all = names.map(|name| root.path().join(name));
        assert_eq!(watched(&host), all);
        let ours: IpAddr = [127, 0, 0, 1].into();
        let journals = journal::Journals::open(&places(&host)[0], std::time::Duration::ZERO).unwrap();
        let journal = journals.begin(NAME, plan::plan(&host, ours).unwrap().changes).unwrap();
        journal.apply(&host, 0).unwrap();
        assert_eq!(look(&host), Found::Ours(ours));
        // Whom the stub asks, who reads our file too: to ask the stub would come back to us.
        assert_eq!(original(&host).text(), "nameserver 10.0.0.1\n");
        write("run/systemd/resolve/resolv.conf", "nameserver 127.0.0.1\nnameserver 10.0.0.2\n");
        assert_eq!(upstreams(&host, &listen), ["10.0.0.2:53".parse().unwrap()]);
        assert_eq!(watched(&host), all);
        // Its owner has gone: what there was of it is in our text.
        write("run/systemd/resolve/stub-resolv.conf", "");
        assert_eq!(original(&host).text(), "nameserver 10.0.0.1\n");
    }

    #[test]
    fn nobody_asks_himself() {
        let (_root, host) = host(Some("nameserver 127.0.0.1\nnameserver 127.0.0.53\nnameserver 192.0.2.1\n"));
        let asked = |listen: &str| upstreams(&host, &[listen.parse().unwrap()]);
        let all: Vec<SocketAddr> =
            ["127.0.0.1:53", "127.0.0.53:53", "192.0.2.1:53"].map(|text| text.parse().unwrap()).to_vec();
        assert_eq!(asked("127.0.0.1:53"), all[1..]);
        assert_eq!(asked("127.0.0.2:53"), all);
        assert_eq!(asked("0.0.0.0:53"), all[2..]);
    }
}
