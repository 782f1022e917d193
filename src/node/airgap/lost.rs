//! What was wanted of addresses that no name had led to: the packets that vanish, and the kernel's count of those without a route.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use super::asker::Transport;
use crate::host::{Host, files};

/// A packet on its way to nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The sender's port; 0 where there are none.
    pub port: u16,
    /// To whom.
    pub to: SocketAddr,
    /// Whether it opens a TCP connection, or is a datagram.
    pub is_tcp: bool,
}

impl Packet {
    /// Reads one from its IP header on; `None` for what nobody sends by hand: the kernel's own talk with its neighbours.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (to, protocol, body): (IpAddr, u8, &[u8]) = match bytes.first()? >> 4 {
            4 => {
                let to = Ipv4Addr::from(<[u8; 4]>::try_from(bytes.get(16..20)?).ok()?);
                (to.into(), *bytes.get(9)?, bytes.get(usize::from(bytes[0] & 15) * 4..)?)
            }
            6 => {
                let to = Ipv6Addr::from(<[u8; 16]>::try_from(bytes.get(24..40)?).ok()?);
                (to.into(), *bytes.get(6)?, bytes.get(40..)?)
            }
            _ => return None,
        };
        let is_for_one = match to {
            IpAddr::V4(to) => !to.is_multicast() && !to.is_broadcast() && !to.is_link_local(),
            IpAddr::V6(to) => !to.is_multicast() && !to.is_unicast_link_local(),
        };
        if !is_for_one {
            return None;
        }
        let port = |at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]));
        match protocol {
            6 | 17 => Some(Self { port: port(0)?, to: SocketAddr::new(to, port(2)?), is_tcp: protocol == 6 }),
            // Others have no ports: ping.
            _ => Some(Self { port: 0, to: SocketAddr::new(to, 0), is_tcp: false }),
        }
    }

    /// In which table the sender's socket stands.
    pub fn transport(&self) -> Transport {
        if self.is_tcp { Transport::Tcp } else { Transport::Udp }
    }

    /// The address as people write it, with the port where there is one.
    pub fn name(&self) -> String {
        if self.to.port() == 0 { self.to.ip().to_string() } else { self.to.to_string() }
    }
}

/// How often the kernel had no route for somebody of this network.
pub fn without_route(host: &Host) -> u64 {
    let text = |name: &str| {
        let bytes = files::read(&host.locate(&Path::new("/proc/self/net").join(name))).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    four(&text("snmp")).unwrap_or_default() + six(&text("snmp6")).unwrap_or_default()
}

/// Two lines begin with `Ip:`; the names, then the numbers.
fn four(text: &str) -> Option<u64> {
    let mut lines = text.lines().filter(|line| line.starts_with("Ip:"));
    let at = lines.next()?.split_whitespace().position(|name| name == "OutNoRoutes")?;
    lines.next()?.split_whitespace().nth(at)?.parse().ok()
}

fn six(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("Ip6OutNoRoutes"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_says_to_whom_it_goes() {
        let mut four = [0_u8; 40];
        (four[0], four[9]) = (0x45, 6);
        four[16..20].copy_from_slice(&[198, 51, 100, 7]);
        four[20..24].copy_from_slice(&[0xa1, 0xb2, 1, 187]);
        let packet = Packet::read(&four).unwrap();
        assert_eq!((packet.name().as_str(), packet.port, packet.is_tcp), ("198.51.100.7:443", 0xa1b2, true));
        four[16] = 224;
        assert_eq!(Packet::read(&four), None);
        let mut six = [0_u8; 48];
        (six[0], six[6], six[24], six[39]) = (0x60, 17, 0x20, 9);
        six[43] = 53;
        assert_eq!(Packet::read(&six).unwrap().name(), "[2000::9]:53");
        for end in 0..40 {
            let _ = (Packet::read(&four[..end]), Packet::read(&six[..end]));
        }
    }

    #[test]
    fn the_kernel_counts_what_has_no_route() {
        assert_eq!(four("Ip: Forwarding OutNoRoutes X\nIp: 1 7 3\nIcmp: A\nIcmp: 1\n"), Some(7));
        assert_eq!(six("Ip6InReceives   3\nIp6OutNoRoutes     \t4\n"), Some(4));
        assert_eq!(four(""), None);
    }
}
