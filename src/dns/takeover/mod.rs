//! How the node comes to ask us, and comes back from it: /etc/resolv.conf with our server in front of the original ones.

pub mod text;

use std::net::{IpAddr, SocketAddr, UdpSocket};

use crate::host::Host;
use crate::net::resolv_conf::ResolvConf;

/// The resolv.conf of this node as it is without us: the original where ours is in its place, else the file itself.
///
/// Whoever serves drops his own address from it: [`upstreams`]. Empty where there is no file.
pub fn original(host: &Host) -> ResolvConf {
    let found = ResolvConf::of(host);
    if text::ours(found.text()).is_some() { text::behind(found.text()) } else { found }
}

/// Whom a resolver that listens here asks: the servers of the original but itself, in their order. Who asks himself never ends.
pub fn upstreams(host: &Host, listen: &[SocketAddr]) -> Vec<SocketAddr> {
    let original = original(host).without(|server| listen.iter().any(|own| is_own(own.ip(), server.address)));
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
    use crate::host::files;

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
