//! What a probe finds, in networks that the tests make.
//!
//! Each test is a network namespace with no link to the outside, and a mount namespace with its own /etc/hosts and
//! /etc/resolv.conf: nothing can leave the machine, whatever a target is called.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Home, NOBODY, PROGRAM, has, is_root, path, run, skip};

/// A default route by which everything is lost: the other end of the cable is not the router's.
const ROUTE: &str = "ip link add out type veth peer name nowhere; ip link set out up; ip link set nowhere up
    ip addr add 192.0.2.2/24 dev out; ip route add default via 192.0.2.1
    ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev out nud permanent";
/// The same for IPv6.
const ROUTE_6: &str = "ip link add out type veth peer name nowhere; ip link set out up; ip link set nowhere up
    ip addr add 2001:db8::2/64 dev out nodad; ip -6 route add default via 2001:db8::1
    ip neigh add 2001:db8::1 lladdr 02:00:00:00:00:01 dev out nud permanent";
/// An address behind it.
const LOST: &str = "198.51.100.7";

/// The files that the worlds share, made once: certificates and the servers.
static SHARED: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let dir = tempfile::Builder::new().prefix("hpcsh-test-net-").tempdir().unwrap();
    fs::write(dir.path().join("servers.py"), include_str!("network/servers.py")).unwrap();
    for (file, names) in [
        ("right", "DNS:huggingface.co,IP:127.0.0.1,IP:::1"),
        ("portal", "DNS:portal.local,DNS:*.portal.local"),
        ("proxy", "DNS:proxy.local"),
    ] {
        let (key, certificate) = (dir.path().join("key"), dir.path().join("certificate"));
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-subj",
                "/CN=test",
            ])
            .args(["-addext", &format!("subjectAltName={names}"), "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let both = fs::read_to_string(key).unwrap() + &fs::read_to_string(certificate).unwrap();
        fs::write(dir.path().join(file), both).unwrap();
    }
    dir
});

/// A network, and who is in it.
#[derive(Clone, Default)]
struct World {
    /// Commands that make it; loopback is up.
    network: &'static str,
    hosts: String,
    resolv: String,
    /// In the words of servers.py; `CERT/` stands for the directory of the certificates.
    servers: Vec<String>,
    variables: Vec<(&'static str, &'static str)>,
    targets: Vec<&'static str>,
    deadline: &'static str,
}

/// What the program says.
#[derive(Debug)]
struct Seen {
    verdict: String,
    reason: String,
    targets: Vec<(String, String)>,
    took: Duration,
}

impl Seen {
    #[track_caller]
    fn is(&self, verdict: &str, reason: &str) {
        assert_eq!((self.verdict.as_str(), self.reason.as_str()), (verdict, reason), "{self:?}");
        // What is bounded by 2 s may find the machine busy.
        assert!(self.took < Duration::from_millis(3500), "{self:?}");
    }

    #[track_caller]
    fn is_at_once(&self, verdict: &str, reason: &str) {
        self.is(verdict, reason);
        assert!(self.took < Duration::from_millis(1500), "{self:?}");
    }

    #[track_caller]
    fn says(&self, target: &str, result: &str) {
        assert!(self.targets.contains(&(target.to_owned(), result.to_owned())), "{self:?}");
    }
}

impl World {
    fn new(network: &'static str) -> Self {
        let hosts = "127.0.0.1 localhost\n".to_owned();
        Self { network, hosts, targets: vec!["https://huggingface.co"], deadline: "2s", ..Self::default() }
    }

    fn host(mut self, address: &str, name: &str) -> Self {
        self.hosts += &format!("{address} {name}\n");
        self
    }

    fn serve(mut self, server: &str) -> Self {
        self.servers.push(server.replace("CERT", SHARED.path().to_str().unwrap()));
        self
    }

    fn proxy(self, url: &'static str) -> Self {
        Self { variables: vec![("https_proxy", url), ("http_proxy", url)], ..self }
    }

    fn targets(self, targets: &[&'static str]) -> Self {
        Self { targets: targets.to_vec(), ..self }
    }

    fn resolv(self, text: &str) -> Self {
        Self { resolv: text.to_owned(), ..self }
    }

    /// What the program says in it: to the user who runs the tests, and to nobody where that is root.
    #[track_caller]
    fn seen(&self) -> Vec<Seen> {
        let homes = [Some(Home::new()), Home::of_nobody()].into_iter().flatten().enumerate();
        homes.map(|(number, home)| self.seen_in(&home, number == 1)).collect()
    }

    #[track_caller]
    fn seen_in(&self, home: &Home, as_nobody: bool) -> Seen {
        let targets: Vec<String> = self.targets.iter().map(|target| format!("{target:?}")).collect();
        let (targets, deadline) = (targets.join(", "), self.deadline);
        home.configure(&format!("[node]\ntargets = [{targets}]\ndeadline = \"{deadline}\"\n"));
        let own = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| -> PathBuf {
            let path = own.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let (hosts, resolv) = (file("hosts", &self.hosts), file("resolv.conf", &self.resolv));
        // Only for the program: the servers are root's.
        let program = if as_nobody {
            format!("setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups {PROGRAM}")
        } else {
            PROGRAM.to_owned()
        };
        let variables: String = self.variables.iter().map(|(name, value)| format!("'{name}={value}' ")).collect();
        let script = format!(
            "set -e
            mount --bind {} /etc/hosts
            mount --bind {} /etc/resolv.conf
            ip link set lo up
            {}
            python3 {} {ready} \"$@\" >&2 & servers=$!
            trap 'kill $servers' EXIT
            for _ in $(seq 200); do [ -e {ready} ] && break; sleep 0.05; done
            before=$(date +%s%N)
            env {variables} {program} status --refresh --json
            echo $((($(date +%s%N) - before) / 1000000))",
            hosts.display(),
            resolv.display(),
            self.network,
            SHARED.path().join("servers.py").display(),
            ready = own.path().join("ready").display(),
        );
        let mut command = Command::new("unshare");
        if !is_root() {
            command.arg("--map-root-user");
        }
        command.args(["--net", "--mount", "sh", "-c", &script, "sh"]).args(&self.servers);
        command.env_clear().env("HOME", home.path()).env("HPCSH_LOCAL_DIR", home.local()).env("PATH", path());
        command.env("XDG_RUNTIME_DIR", home.run());
        let out = run(&mut command).clean();
        let (json, took) = out.trim_end().rsplit_once('\n').unwrap();
        let json: Value = serde_json::from_str(json).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let targets = json["targets"].as_array().unwrap();
        Seen {
            verdict: text(&json["verdict"]),
            reason: text(&json["reason"]),
            targets: targets.iter().map(|one| (text(&one["target"]), text(&one["result"]))).collect(),
            took: Duration::from_millis(took.parse().unwrap()),
        }
    }
}

/// Whether such worlds can be made here.
fn can_make_worlds() -> bool {
    for program in ["unshare", "ip", "openssl", "python3", "setpriv"] {
        if !has(program) {
            skip(&format!("{program} is not installed"));
            return false;
        }
    }
    let user: &[&str] = if is_root() { &[] } else { &["--map-root-user"] };
    let mut cable = Command::new("unshare");
    cable.args(user).args(["--net", "--mount", "ip", "link", "add", "out", "type", "veth"]);
    let can = cable.output().is_ok_and(|output| output.status.success()) && Path::new("/etc/resolv.conf").exists();
    if !can {
        skip("no network namespaces can be made here");
    }
    can
}

#[test]
fn a_target_that_answers_is_online() {
    if !can_make_worlds() {
        return;
    }
    let world = World::new(ROUTE).host("127.0.0.1", "huggingface.co").serve("tls 127.0.0.1 443 CERT/right");
    for seen in world.seen() {
        seen.is_at_once("online", "https://huggingface.co answered");
    }
    // One of several is enough, and the others are not waited for.
    let several =
        world.host(LOST, "pypi.org").targets(&["https://pypi.org", "https://1.1.1.1", "https://huggingface.co"]);
    for seen in several.seen() {
        seen.is_at_once("online", "https://huggingface.co answered");
        seen.says("https://pypi.org", "not waited for");
        seen.says("https://huggingface.co", "answered");
    }
    // The first address of a name is lost, the second one answers.
    let second = World::new(ROUTE).host(LOST, "huggingface.co").host("127.0.0.1", "huggingface.co");
    for seen in second.serve("tls 127.0.0.1 443 CERT/right").seen() {
        seen.is_at_once("online", "https://huggingface.co answered");
    }
}

#[test]
fn packets_that_are_dropped_end_at_the_deadline() {
    if !can_make_worlds() {
        return;
    }
    let world = World::new(ROUTE).host(LOST, "huggingface.co").host(LOST, "pypi.org").host(LOST, "github.com");
    let world = world.targets(&["https://huggingface.co", "https://pypi.org", "https://github.com", "https://1.1.1.1"]);
    for seen in world.seen() {
        seen.is("offline", "no target answered within 2s");
        assert!(seen.took >= Duration::from_millis(1500), "{seen:?}");
        seen.says("https://1.1.1.1", "no answer");
    }
    let soon = World { deadline: "400ms", ..world };
    for seen in soon.seen() {
        seen.is_at_once("offline", "no target answered within 400ms");
    }
    // Whoever takes the connection and says nothing is no better.
    let silent = World::new(ROUTE).host("127.0.0.1", "huggingface.co").serve("silent 127.0.0.1 443");
    for seen in silent.seen() {
        seen.is("offline", "no target answered within 2s");
    }
}

#[test]
fn without_a_route_it_is_offline_at_once() {
    if !can_make_worlds() {
        return;
    }
    for network in [
        "",
        // A network of its own, and nothing beyond.
        "ip link add out type veth peer name nowhere; ip addr add 192.0.2.2/24 dev out
            ip link set out up; ip link set nowhere up",
        "ip route add blackhole default; ip -6 route add unreachable default",
        "ip route add unreachable default; ip -6 route add blackhole default",
    ] {
        let world = World::new(network).host("127.0.0.1", "huggingface.co").resolv("nameserver 192.0.2.9\n");
        for seen in world.serve("tls 127.0.0.1 443 CERT/right").targets(&["huggingface.co", "pypi.org"]).seen() {
            seen.is_at_once("offline", "no default route");
            assert!(seen.took < Duration::from_millis(500), "{seen:?}");
            seen.says("https://pypi.org", "no default route");
        }
    }
    // In two halves, as a VPN sets it.
    let halves = "ip link add out type veth peer name nowhere; ip link set out up
        ip route add 0.0.0.0/1 dev out; ip route add 128.0.0.0/1 dev out";
    let world = World::new(halves).host("127.0.0.1", "huggingface.co").serve("tls 127.0.0.1 443 CERT/right");
    for seen in world.seen() {
        seen.is_at_once("online", "https://huggingface.co answered");
    }
}

#[test]
fn ipv6_alone_is_enough() {
    if !can_make_worlds() {
        return;
    }
    let world = World::new(ROUTE_6).host("127.0.0.1", "huggingface.co");
    for seen in world.clone().host("::1", "huggingface.co").serve("tls ::1 443 CERT/right").seen() {
        seen.is_at_once("online", "https://huggingface.co answered");
    }
    for seen in world.clone().serve("tls ::1 443 CERT/right").targets(&["https://[::1]"]).seen() {
        seen.is_at_once("online", "https://[::1] answered");
    }
    // The other family leads nowhere, though somebody answers there.
    for seen in world.serve("tls 127.0.0.1 443 CERT/right").seen() {
        seen.is_at_once("offline", "no target is reachable");
        seen.says("https://huggingface.co", "no default route for its addresses");
    }
}

#[test]
fn names_are_looked_up_by_the_nodes_servers() {
    if !can_make_worlds() {
        return;
    }
    let world = World::new(ROUTE).serve("tls 127.0.0.1 443 CERT/right");
    let known = "dns 127.0.0.1 53 huggingface.co=127.0.0.1";
    for resolv in [
        "nameserver 127.0.0.1\n",
        "",
        // Another one that is dead comes first; what Kubernetes writes.
        "nameserver 198.51.100.53\nnameserver 127.0.0.1\n",
        "nameserver 127.0.0.1\nsearch ml.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n",
    ] {
        for seen in world.clone().resolv(resolv).serve(known).seen() {
            seen.is_at_once("online", "https://huggingface.co answered");
        }
    }
    for seen in world.clone().serve("dns 127.0.0.1 53 nobody=").targets(&["huggingface.co", "127.0.0.2:1"]).seen() {
        seen.is_at_once("offline", "names are not resolved");
        seen.says("https://huggingface.co", "name not found");
        seen.says("https://127.0.0.2:1", "connection refused");
    }
}

#[test]
fn dead_name_servers_do_not_hide_what_answers() {
    if !can_make_worlds() {
        return;
    }
    let world = World::new(ROUTE).targets(&["https://huggingface.co", "https://pypi.org", "https://127.0.0.1"]);
    for resolv in ["nameserver 198.51.100.53\noptions timeout:30 attempts:5\n", "nameserver 127.0.0.9\n"] {
        let world = world.clone().resolv(resolv);
        for seen in world.clone().serve("tls 127.0.0.1 443 CERT/right").seen() {
            seen.is_at_once("online", "https://127.0.0.1 answered");
        }
        for seen in world.seen() {
            seen.is("offline", "names are not resolved");
            seen.says("https://huggingface.co", "the name servers do not answer");
            seen.says("https://127.0.0.1", "connection refused");
        }
    }
}

#[test]
fn a_proxy_is_asked_even_without_a_route() {
    if !can_make_worlds() {
        return;
    }
    let world = World::new("").host("127.0.0.1", "proxy.local").serve("tls 127.0.0.1 8443 CERT/right");
    let online = "the proxy http://proxy.local:3128 reaches https://huggingface.co";
    let plain = world.clone().serve("proxy 127.0.0.1 3128 200 8443");
    for url in ["http://proxy.local:3128", "proxy.local:3128/", "http://me:secret@proxy.local:3128"] {
        for seen in plain.clone().proxy(url).seen() {
            seen.is_at_once("online", online);
        }
    }
    // me:secret
    let guarded = world.clone().serve("proxy 127.0.0.1 3128 200 8443 bWU6c2VjcmV0");
    for seen in guarded.clone().proxy("http://me:secret@proxy.local:3128").seen() {
        seen.is_at_once("online", online);
    }
    for seen in guarded.proxy("http://me:wrong@proxy.local:3128").seen() {
        seen.is_at_once("offline", "the proxy http://proxy.local:3128 refuses (407)");
        assert!(!format!("{seen:?}").contains("wrong"), "{seen:?}");
    }
    // A proxy with TLS of its own; it does not get the password.
    let tls = world.clone().proxy("https://me:secret@proxy.local:3128");
    for seen in tls.clone().serve("proxy 127.0.0.1 3128 200 8443 bWU6c2VjcmV0 CERT/proxy").seen() {
        seen.is_at_once("online", "the proxy https://proxy.local:3128 reaches https://huggingface.co");
    }
    for seen in tls.serve("proxy 127.0.0.1 3128 200 8443 bWU6c2VjcmV0 CERT/portal").seen() {
        let portal = "the proxy https://proxy.local:3128 has a certificate that names portal.local, *.portal.local";
        seen.is_at_once("offline", portal);
    }
    // What `no_proxy` exempts needs a route.
    let mut exempt = plain.proxy("http://proxy.local:3128");
    exempt.variables.push(("no_proxy", "localhost,.co"));
    for seen in exempt.seen() {
        seen.is_at_once("offline", "no default route");
    }
}

/// Ours says of every name of the internet that it is not there.
#[test]
fn a_node_behind_our_resolver_asks_the_original_ones() {
    if !can_make_worlds() {
        return;
    }
    let behind = "# hpcsh dns at 127.0.0.1 answers first\nnameserver 127.0.0.1\nnameserver 127.0.0.2\n";
    let world = World::new(ROUTE).serve("tls 127.0.0.1 443 CERT/right").serve("dns 127.0.0.1 53 nobody=");
    let world = world.serve("dns 127.0.0.2 53 huggingface.co=127.0.0.1");
    for seen in world.clone().resolv(behind).seen() {
        seen.is_at_once("online", "https://huggingface.co answered");
    }
    // Another's server in that place is believed.
    for seen in world.resolv("nameserver 127.0.0.1\nnameserver 127.0.0.2\n").seen() {
        seen.is_at_once("offline", "names are not resolved");
    }
}

#[test]
fn a_proxy_that_leads_nowhere_is_offline() {
    if !can_make_worlds() {
        return;
    }
    let url = "http://proxy.local:3128";
    // Though the target itself could be reached: the tools of this environment would not.
    let world = World::new(ROUTE).host("127.0.0.1", "proxy.local").host("127.0.0.1", "huggingface.co").proxy(url);
    let world = world.serve("tls 127.0.0.1 443 CERT/right").serve("tls 127.0.0.1 8443 CERT/portal");
    for (proxy, what) in [
        ("close 127.0.0.1 3128", "accepts and closes"),
        ("proxy 127.0.0.1 3128 200", "accepts and closes"),
        ("proxy 127.0.0.1 3128 403", "refuses (403)"),
        ("proxy 127.0.0.1 3128 407", "refuses (407)"),
        ("proxy 127.0.0.1 3128 502", "does not reach https://huggingface.co (502)"),
        ("proxy 127.0.0.1 3128 503", "does not reach https://huggingface.co (503)"),
        ("close 127.0.0.1 3129", "is not there: connection refused"),
        ("silent 127.0.0.1 3128", "does not answer"),
    ] {
        for seen in world.clone().serve(proxy).seen() {
            seen.is("offline", &format!("the proxy {url} {what}"));
        }
    }
    for seen in world.clone().serve("proxy 127.0.0.1 3128 200 8443").seen() {
        seen.is_at_once("offline", "a captive portal answers for https://huggingface.co");
        let sentence = "the certificate names portal.local, *.portal.local, not huggingface.co";
        seen.says("https://huggingface.co", sentence);
    }
    let unknown = world.resolv("nameserver 127.0.0.9\n").proxy("http://proxy.unknown:3128");
    for seen in unknown.seen() {
        seen.is_at_once("offline", "the proxy http://proxy.unknown:3128: the name servers do not answer");
    }
}

#[test]
fn a_captive_portal_is_not_the_internet() {
    if !can_make_worlds() {
        return;
    }
    let world = World::new(ROUTE).host("127.0.0.1", "huggingface.co");
    for portal in ["tls 127.0.0.1 443 CERT/portal", "http 127.0.0.1 443 302"] {
        for seen in world.clone().serve(portal).targets(&["https://huggingface.co", "https://127.0.0.2"]).seen() {
            seen.is_at_once("offline", "a captive portal answers for https://huggingface.co");
            seen.says("https://127.0.0.2", "connection refused");
        }
    }
    let body = world.targets(&["http://huggingface.co/up.txt it is up"]);
    for seen in body.clone().serve("http 127.0.0.1 80 200 it is up").seen() {
        seen.is_at_once("online", "http://huggingface.co/up.txt answered");
    }
    for (portal, why) in [
        ("http 127.0.0.1 80 200 please log in", "another body than the expected one"),
        ("http 127.0.0.1 80 302 it is up", "status 302, not 200"),
    ] {
        for seen in body.clone().serve(portal).seen() {
            seen.is_at_once("offline", "a captive portal answers for http://huggingface.co/up.txt");
            seen.says("http://huggingface.co/up.txt", why);
        }
    }
    for seen in body.serve("http 127.0.0.1 80 500").seen() {
        seen.is_at_once("offline", "http://huggingface.co/up.txt: status 500, not 200");
    }
}
