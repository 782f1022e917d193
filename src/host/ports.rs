//! Who holds a port: its number → the socket → the process that has it open. All from /proc.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::{Host, files};

/// The program that listens where this address is, and its number: `dnsmasq (process 7)`. `None` where it is not to be seen.
pub fn holder(host: &Host, address: SocketAddr) -> Option<String> {
    let proc = host.locate(Path::new("/proc"));
    let sockets: Vec<u64> = ["udp", "udp6", "tcp", "tcp6"]
        .into_iter()
        .flat_map(|table| {
            let text = files::read(&proc.join("net").join(table)).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            text.lines().filter_map(|text| listening(text, address)).collect::<Vec<_>>()
        })
        .collect();
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let names: Vec<PathBuf> = sockets.iter().map(|socket| PathBuf::from(format!("socket:[{socket}]"))).collect();
    let holds = |process: &Path| {
        files::list(&process.join("fd")).is_ok_and(|open| {
            open.iter().any(|file| files::link_target(file).is_ok_and(|found| names.contains(&found)))
        })
    };
    let processes = files::list(&proc).ok()?.into_iter().filter_map(|path| Some((number(&path)?, path)));
    let (number, process) = processes.filter(|(_, path)| holds(path)).min()?;
    let name = files::read(&process.join("comm")).ok()?;
    Some(format!("{} (process {number})", String::from_utf8_lossy(&name).trim()))
}

/// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`: the socket, if it is open there for everybody.
fn listening(text: &str, address: SocketAddr) -> Option<u64> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let (ip, port) = fields.get(1)?.rsplit_once(':')?;
    let (_, other) = fields.get(2)?.rsplit_once(':')?;
    // Each four bytes are a number of this machine's.
    let hex = |bytes: &[u8]| {
        let words = bytes.chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
        words.map(|word| format!("{word:08X}")).collect::<String>()
    };
    let own = match address.ip() {
        IpAddr::V4(ip) => hex(&ip.octets()),
        IpAddr::V6(ip) => hex(&ip.octets()),
    };
    let is_there = (ip == own || ip.bytes().all(|byte| byte == b'0')) && other == "0000";
    let socket = fields.get(9)?.parse().ok()?;
    (is_there && u16::from_str_radix(port, 16) == Ok(address.port())).then_some(socket)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    #[test]
    fn who_holds_a_port_is_told() {
        let host = Host::real();
        let me = format!("(process {})", std::process::id());
        for place in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0"] {
            let (udp, tcp) = (UdpSocket::bind(place).unwrap(), TcpListener::bind(place).unwrap());
            for address in [udp.local_addr().unwrap(), tcp.local_addr().unwrap()] {
                let asked = SocketAddr::from(([127, 0, 0, 1], address.port()));
                assert!(holder(&host, asked).unwrap().ends_with(&me), "{address}");
            }
        }
        assert_eq!(holder(&host, SocketAddr::from(([127, 0, 0, 1], 1))), None);
    }
}
