//! Which boot of which host, and which network namespace, through which proxies: what a verdict belongs to.
//!
//! A container that was restored, a pod that shares the host's memory, a namespace of one's own: each differs in one of them.

use std::io;
use std::path::Path;

use super::{Host, files};
use crate::digest;

/// The boot, the host and the network namespace of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// The kernel's number of this boot.
    pub id: String,
    /// The name of the host, as the kernel has it.
    pub name: String,
    /// The number of the network namespace.
    pub network: String,
    /// The proxies that the environment names: what they reach is another network.
    pub proxies: String,
}

/// The variables that name them, in the order in which `proxies` has their values.
pub const PROXIES: [&str; 8] =
    ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"];

/// The proxy that is set where HTTP to the internet is to fail at once: nobody listens there. It is no way to another network.
pub const REFUSING: &str = "http://127.0.0.1:9";

impl Boot {
    /// Of this process; `None` where /proc does not say.
    pub fn of(host: &Host) -> Option<Self> {
        let id = files::read_short(&host.locate(Path::new("/proc/sys/kernel/random/boot_id"))).ok()?;
        let network = network(host)?;
        let value = |name| host.variable(name).unwrap_or_default().to_string_lossy().into_owned() + " ";
        let mut proxies = PROXIES.map(value);
        if proxies.iter().any(|value| value.trim_end() == REFUSING) {
            // The list of what needs no proxy came with it.
            proxies.fill(" ".to_owned());
        }
        let proxies = proxies.concat();
        Some(Self { id: id.trim().to_owned(), name: host.full_name(), network, proxies })
    }

    /// What the names of files begin with that belong to it.
    pub fn key(&self) -> String {
        let parts = [&self.id, &self.name, &self.network, &self.proxies];
        let sum = parts.iter().fold(digest::NONE, |sum, part| digest::with(digest::with(sum, part.as_bytes()), b"\n"));
        format!("{sum:016x}")
    }
}

/// The number of this process's network namespace; empty on a kernel without them, which has one network. `None` where /proc does
/// not say.
pub fn network(host: &Host) -> Option<String> {
    // `net:[4026531840]`
    match files::link_target(&host.locate(Path::new("/proc/self/ns/net"))) {
        Ok(link) => Some(link.to_str()?.strip_prefix("net:[")?.strip_suffix(']')?.to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(String::new()),
        Err(_) => None,
    }
}

/// Seconds since this node started, as /proc/uptime has them: shells can read it too, and no administrator moves it.
pub fn seconds(host: &Host) -> Option<u64> {
    let text = files::read_short(&host.locate(Path::new("/proc/uptime"))).ok()?;
    text.split('.').next()?.parse().ok()
}

/// Whether the process of this number that was there at this time, in hundredths of a second since the node started, lives on.
///
/// One that began later only got the same number, and one whose status nobody has asked for has ended.
pub fn lives_since(host: &Host, id: u32, since: u64) -> bool {
    let stat = files::read(&host.locate(&Path::new("/proc").join(id.to_string()).join("stat")));
    stat.is_ok_and(|stat| is_of(&String::from_utf8_lossy(&stat), since))
}

/// Whether the process with this line in /proc was there at this time and has not ended; so where the line tells nothing.
///
/// The line counts in hundredths of a second on all that the kernel runs on nowadays.
pub(super) fn is_of(stat: &str, since: u64) -> bool {
    // `PID (NAME) STATE …`, and the name may hold anything.
    let Some((_, after)) = stat.rsplit_once(") ") else { return true };
    let mut fields = after.split(' ');
    let has_ended = matches!(fields.next(), Some("Z" | "X" | "x"));
    let began = fields.nth(18).and_then(|began| began.parse::<u64>().ok());
    !has_ended && began.is_none_or(|began| began <= since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_tells_boot_host_and_network_apart() {
        let boot = |id: &str, name: &str, network: &str| Boot {
            id: id.into(),
            name: name.into(),
            network: network.into(),
            proxies: String::new(),
        };
        let one = boot("b", "gpu1", "4026531840").key();
        assert_eq!(one, boot("b", "gpu1", "4026531840").key());
        assert_eq!(one.len(), 16);
        for other in [boot("c", "gpu1", "4026531840"), boot("b", "gpu2", "4026531840"), boot("b", "gpu1", "4026531841")]
        {
            assert_ne!(one, other.key());
        }
        assert_ne!(boot("b", "gpu", "1").key(), boot("bgpu", "", "1").key());
        assert_ne!(Boot { proxies: "http://p:1".into(), ..boot("b", "gpu1", "4026531840") }.key(), one);
    }

    #[test]
    fn a_kernel_without_network_namespaces_has_one_network() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::pretend(root.path(), &[], Box::new(io::sink()), Box::new(io::sink()));
        assert_eq!(Boot::of(&host), None, "nor a number of its boot");
        let id = root.path().join("proc/sys/kernel/random/boot_id");
        files::make_parent(&id).unwrap();
        files::create(&id, b"0123\n").unwrap();
        let boot = Boot::of(&host).unwrap();
        assert_eq!((boot.id.as_str(), boot.network.as_str()), ("0123", ""));
    }

    #[test]
    fn a_proxy_that_refuses_leads_to_no_other_network() {
        let proxies = |variables: &[(&str, &str)]| {
            let root = tempfile::tempdir().unwrap();
            let id = root.path().join("proc/sys/kernel/random/boot_id");
            files::make_parent(&id).unwrap();
            files::create(&id, b"0123\n").unwrap();
            let host = Host::pretend(root.path(), variables, Box::new(io::sink()), Box::new(io::sink()));
            Boot::of(&host).unwrap().proxies
        };
        assert_eq!(proxies(&[("https_proxy", REFUSING), ("no_proxy", "lab")]), proxies(&[]));
        assert_ne!(proxies(&[("https_proxy", "http://proxy.lab"), ("no_proxy", "lab")]), proxies(&[]));
    }

    #[test]
    fn this_process_runs_in_some_boot() {
        let host = Host::real();
        let boot = Boot::of(&host).unwrap();
        assert!(boot.id.len() == 36 && boot.network.parse::<u64>().is_ok());
        assert!(seconds(&host).is_some());
        assert!(lives_since(&host, 1, u64::MAX) && !lives_since(&host, u32::MAX, u64::MAX));
        assert!(!lives_since(&host, std::process::id(), 0), "another one of this number");
    }
}
