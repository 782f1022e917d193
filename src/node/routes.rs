//! Whether the kernel has a way to the internet at all: `/proc/net/route` and `/proc/net/ipv6_route`, read without a packet.
//!
//! A way is a default route that is up and leads somewhere, or routes that cover as much in pieces, as VPNs set them. The
//! tables of policy routing beside the main one are not in the first file; such a node wants `verdict` or `online_hosts`.

use std::path::Path;

use crate::host::{Host, files};

/// For each family, whether there is a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Routes {
    /// IPv4.
    pub four: bool,
    /// IPv6.
    pub six: bool,
}

/// `RTF_UP` and `RTF_REJECT` of linux/route.h.
const UP: u32 = 0x1;
const REJECT: u32 = 0x200;

/// Prefixes as the upper bits of a number, each with its length.
type Prefix = (u128, u32);

impl Routes {
    /// What the kernel's files say; where there are none (no /proc), both families are tried.
    pub fn of(host: &Host) -> Self {
        let text = |path| {
            let bytes = files::read(&host.locate(Path::new(path))).ok()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        match (text("/proc/net/route"), text("/proc/net/ipv6_route")) {
            (None, None) => Self { four: true, six: true },
            // A kernel without IPv6 has no file for it.
            (four, six) => {
                Self { four: leads_out_4(&four.unwrap_or_default()), six: leads_out_6(&six.unwrap_or_default()) }
            }
        }
    }
}

/// /proc/net/route: interface, destination, gateway, flags, three counts, mask; addresses as the kernel has them in memory.
fn leads_out_4(text: &str) -> bool {
    let prefix = |line: &str| -> Option<Prefix> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let hex = |at: usize| u32::from_str_radix(words.get(at)?, 16).ok();
        let flags = hex(3)?;
        // A `blackhole` is up, and belongs to no interface.
        if flags & UP == 0 || flags & REJECT != 0 || words[0] == "*" {
            return None;
        }
        let in_order = |number: u32| u32::from_be_bytes(number.to_ne_bytes());
        Some((u128::from(in_order(hex(1)?)) << 96, in_order(hex(7)?).leading_ones()))
    };
    covers(&text.lines().filter_map(prefix).collect::<Vec<_>>(), (0, 0), 1)
}

/// `/proc/net/ipv6_route`: destination, its length, source, its length, gateway, metric, two counts, flags, interface.
///
/// The kernel's own `::/0` by which it refuses what has no route is a reject on `lo`. What is asked for is a way to the
/// addresses that are given out, `2000::/3`.
fn leads_out_6(text: &str) -> bool {
    let prefix = |line: &str| -> Option<Prefix> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let flags = u32::from_str_radix(words.get(8)?, 16).ok()?;
        if flags & UP == 0 || flags & REJECT != 0 || *words.get(9)? == "lo" {
            return None;
        }
        let length = u32::from_str_radix(words[1], 16).ok().filter(|length| *length <= 128)?;
        Some((u128::from_str_radix(words[0], 16).ok()?, length))
    };
    covers(&text.lines().filter_map(prefix).collect::<Vec<_>>(), (0x2000 << 112, 3), 4)
}

/// Whether these prefixes cover that one, as a whole or in pieces no smaller than `finest`.
fn covers(prefixes: &[Prefix], (number, length): Prefix, finest: u32) -> bool {
    let is_in = |(upper, short): &Prefix| *short <= length && (*short == 0 || (number ^ upper) >> (128 - short) == 0);
    let half = (1 << 127) >> length;
    prefixes.iter().any(is_in)
        || length < finest
            && covers(prefixes, (number, length + 1), finest)
            && covers(prefixes, (number | half, length + 1), finest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

    fn four(lines: &[(&str, &str, &str, &str)]) -> bool {
        let line = |(interface, to, flags, mask): &(&str, &str, &str, &str)| {
            format!("{interface}\t{to}\t0101A8C0\t{flags}\t0\t0\t0\t{mask}\t0\t0\t0\n")
        };
        leads_out_4(&(HEADER.to_owned() + &lines.iter().map(line).collect::<String>()))
    }

    fn six(lines: &[(&str, &str, &str, &str)]) -> bool {
        let line = |(to, length, flags, interface): &(&str, &str, &str, &str)| {
            let zeros = "0".repeat(32);
            format!("{to:0<32} {length} {zeros} 00 {zeros} 00000400 00000001 00000000 {flags}     {interface}\n")
        };
        leads_out_6(&lines.iter().map(line).collect::<String>())
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn ipv4_wants_a_default_that_leads_somewhere() {
        let local = ("eth0", "0001A8C0", "0001", "00FFFFFF");
        assert!(!four(&[]) && !four(&[local]));
        assert!(four(&[local, ("eth0", "00000000", "0003", "00000000")]));
        assert!(four(&[("tun0", "00000000", "0001", "00000000")]), "without a gateway");
        assert!(!four(&[("eth0", "00000000", "0002", "00000000")]), "not up");
        assert!(!four(&[("*", "00000000", "0201", "00000000")]), "unreachable");
        assert!(!four(&[("*", "00000000", "0001", "00000000")]), "blackhole");
        let halves = [("tun0", "00000000", "0003", "00000080"), ("tun0", "00000080", "0003", "00000080")];
        assert!(four(&halves) && !four(&halves[..1]) && !four(&halves[1..]));
        assert!(!leads_out_4("what\n\neth0 0\neth0 x x x x x x x\n"));
    }

    #[test]
    fn ipv6_wants_a_default_that_leads_somewhere() {
        let own = [("", "00", "00200200", "lo"), ("fe80", "40", "00000001", "eth0"), ("ff", "08", "00000001", "eth0")];
        assert!(!six(&[]) && !six(&own));
        assert!(six(&[own[0], ("", "00", "00000003", "eth0")]));
        assert!(!six(&[("", "00", "00000201", "lo")]), "unreachable or blackhole");
        assert!(!six(&[("", "00", "00000002", "eth0")]), "not up");
        assert!(six(&[("2", "03", "00000003", "tun0")]), "all that is given out");
        assert!(six(&[("", "01", "00000003", "tun0"), ("8", "01", "00000003", "tun0")]));
        assert!(!six(&[("8", "01", "00000003", "tun0")]) && !six(&[("2001", "20", "00000003", "tun0")]));
        assert!(!leads_out_6("what\n\n0 0 0 0 0 0 0 0 1\n0 81 0 0 0 0 0 0 1 eth0\nx 00 0 0 0 0 0 0 1 eth0\n"));
    }
}
