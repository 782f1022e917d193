//! The interfaces of a network of one's own: loopback, and a cable into which everything else disappears.
//!
//! By messages to the kernel (rtnetlink(7)), each answered by a number: no program of the node's is needed.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

/// Loopback's number, in every network.
const LOOPBACK: u32 = 1;
/// The cable's ends: numbers that no interface has that the kernel makes by itself.
pub const OUT: u32 = 1001;
const NOWHERE: u32 = 1002;

const UP: u32 = 0x1;
const NO_NEIGHBOURS: u32 = 0x80; // IFF_NOARP

/// Takes loopback up.
pub fn raise_loopback() -> io::Result<()> {
    Kernel::new()?.raise(LOOPBACK)
}

/// Default routes, for both families, by which every packet is lost and no word comes back.
///
/// # Errors
/// Where the kernel has no interface that could do that.
pub fn lose_all() -> io::Result<()> {
    let mut kernel = Kernel::new()?;
    // What goes into one end of the pair comes out of the other for an address that it does not have; a dummy has no other end.
    kernel.ask(NEW_LINK, MAKE, &cable("veth", true)).or_else(|_| kernel.ask(NEW_LINK, MAKE, &cable("dummy", false)))?;
    let _ = kernel.raise(NOWHERE);
    kernel.raise(OUT)?;
    // From the ranges for examples: nobody has them.
    kernel.route(AF_INET, &Ipv4Addr::new(192, 0, 2, 2).octets())?;
    // A kernel may have no IPv6, or have it switched off.
    let _ = kernel.route(AF_INET6, &Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2).octets());
    Ok(())
}

const NEW_LINK: u16 = 16;
const NEW_ADDRESS: u16 = 20;
const NEW_ROUTE: u16 = 24;
const REQUEST: u16 = 0x1 | 0x4; // to be answered
const MAKE: u16 = 0x400 | 0x200; // where there is none
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// The kernel's ear.
struct Kernel(OwnedFd);

impl Kernel {
    fn new() -> io::Result<Self> {
        Ok(Self(socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?))
    }

    fn ask(&mut self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        let size = u32::try_from(16 + body.len()).unwrap_or_default();
        let head = [&size.to_ne_bytes()[..], &kind.to_ne_bytes(), &(REQUEST | flags).to_ne_bytes(), &[0; 8]].concat();
        send(&self.0, &[&head, body].concat(), SendFlags::empty())?;
        let mut answer = [0; 4096];
        let (_, count) = rustix::io::retry_on_intr(|| recv(&self.0, &mut answer, RecvFlags::empty()))?;
        // Behind the header: zero, or the number of an error below it.
        let code = answer[..count].get(16..20).map(|code| i32::from_ne_bytes([code[0], code[1], code[2], code[3]]));
        match code {
            Some(0) => Ok(()),
            Some(code) => Err(io::Error::from_raw_os_error(-code)),
            None => Err(Errno::PROTO.into()),
        }
    }

    fn raise(&mut self, link: u32) -> io::Result<()> {
        let flags = if link == LOOPBACK { UP } else { UP | NO_NEIGHBOURS };
        self.ask(NEW_LINK, 0, &interface(link, flags))
    }

    /// An address for the cable, and all the world behind it.
    fn route(&mut self, family: u8, address: &[u8]) -> io::Result<()> {
        let bits = u8::try_from(address.len() * 8).unwrap_or_default();
        // Nobody else is asked whether he has it.
        let no_detection = 0x2;
        let head = [&[family, bits, no_detection, 0][..], &OUT.to_ne_bytes()].concat();
        self.ask(NEW_ADDRESS, MAKE, &[head, attribute(1, address), attribute(2, address)].concat())?;
        let (main, by_hand, on_link, unicast) = (254, 4, 253, 1);
        let head = [family, 0, 0, 0, main, by_hand, on_link, unicast, 0, 0, 0, 0];
        let interface = 4;
        self.ask(NEW_ROUTE, MAKE, &[head.to_vec(), attribute(interface, &OUT.to_ne_bytes())].concat())
    }
}

/// `struct ifinfomsg`
fn interface(link: u32, flags: u32) -> Vec<u8> {
    [[0; 4], link.to_ne_bytes(), flags.to_ne_bytes(), flags.to_ne_bytes()].concat()
}

/// `struct rtattr`, padded to four bytes.
fn attribute(kind: u16, data: &[u8]) -> Vec<u8> {
    let size = u16::try_from(4 + data.len()).unwrap_or_default();
    let mut bytes = [&size.to_ne_bytes()[..], &kind.to_ne_bytes(), data].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The interface `out` of this kind; its other end, where it has one, is `nowhere`.
fn cable(kind: &str, has_ends: bool) -> Vec<u8> {
    let (name, info, info_kind, info_data, peer) = (3, 18, 1, 2, 1);
    let other = [interface(NOWHERE, 0), attribute(name, b"nowhere\0")].concat();
    let ends = if has_ends { attribute(info_data, &attribute(peer, &other)) } else { Vec::new() };
    let told = attribute(info, &[attribute(info_kind, kind.as_bytes()), ends].concat());
    [interface(OUT, 0), attribute(name, b"out\0"), told].concat()
}
