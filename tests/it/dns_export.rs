//! The exports: other engines, run for real with them, say of the policy's table what we say.
//!
//! Each engine has an address of 127.0.0.0/8 of its own, and an upstream that answers everything and writes down what it was asked:
//! what is blocked never reaches it. `CoreDNS` is in no registry that the tests reach: a model of it reads the Corefile.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::dns_policy::{A, AAAA, CONFIG, MX, NS, PTR, RESOLV, TABLE, VARIABLES, can_bind, hpcsh_with, message};
use crate::support::{Home, Outcome, PROJECT, has, is_root, path, run, skip};

/// What the upstream says to everything: no engine says that by itself.
const FOUR: [u8; 4] = [192, 0, 2, 53];
const SIX: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53];
const HOST: &[u8] = b"\x08upstream\x07example\0";

/// A name server that has an answer for everything, and what it was asked.
struct Upstream {
    address: SocketAddr,
    asked: Arc<Mutex<BTreeSet<String>>>,
}

impl Upstream {
    fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(BTreeSet::new()));
        let heard = Arc::clone(&asked);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok((length, peer)) = socket.recv_from(&mut bytes) {
                let (name, end) = name_at(&bytes[..length], 12);
                heard.lock().unwrap().insert(name);
                let kind = u16::from_be_bytes([bytes[end], bytes[end + 1]]);
                let data = match kind {
                    A => &FOUR[..],
                    AAAA => &SIX,
                    PTR | NS => HOST,
                    _ => &[],
                };
                let mut answer = bytes[..end + 4].to_vec();
                answer[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, u8::from(!data.is_empty()), 0, 0, 0, 0]);
                if !data.is_empty() {
                    answer.extend([0xc0, 12]);
                    answer.extend(kind.to_be_bytes());
                    answer.extend([0, 1, 0, 0, 0, 60, 0, u8::try_from(data.len()).unwrap()]);
                    answer.extend(data);
                }
                let _ = socket.send_to(&answer, peer);
            }
        });
        Self { address, asked }
    }
}

/// The name at this place, in lower case, and where it ends.
fn name_at(message: &[u8], mut at: usize) -> (String, usize) {
    let mut labels = Vec::new();
    while message[at] != 0 {
        let end = at + 1 + usize::from(message[at]);
        labels.push(String::from_utf8_lossy(&message[at + 1..end]).to_lowercase());
        at = end;
    }
    (labels.join("."), at + 1)
}

/// An engine that runs.
struct Engine {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Engine {
    /// Starts it and waits until it answers.
    #[track_caller]
    fn start(command: &mut Command, address: SocketAddr, log: PathBuf) -> Self {
        let file = fs::File::create(&log).unwrap();
        let child = command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let mut engine = Self { child, address, log };
        let begun = Instant::now();
        while engine.ask("localhost", A).is_none() {
            let log = || fs::read_to_string(&engine.log).unwrap_or_default();
            assert!(engine.child.try_wait().unwrap().is_none(), "{}", log());
            assert!(begun.elapsed() < Duration::from_mins(1), "{}", log());
        }
        engine
    }

    /// What it says: the code, and the data of its first record.
    fn ask(&self, name: &str, kind: u16) -> Option<(u8, Option<Vec<u8>>)> {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let question = message(name, kind);
        let mut bytes = [0; 4096];
        socket.send(&question).ok()?;
        let length = socket.recv(&mut bytes).ok()?;
        let answer = &bytes[..length];
        assert_eq!(answer[..2], question[..2]);
        let end = name_at(answer, 12).1 + 4;
        if answer[7] == 0 {
            return Some((answer[3] & 15, None));
        }
        // Each record is one of the name that was asked for, or the same name again.
        let fixed = if answer[end] >= 192 { end + 2 } else { name_at(answer, end).1 };
        let size = usize::from(u16::from_be_bytes([answer[fixed + 8], answer[fixed + 9]]));
        Some((answer[3] & 15, Some(answer[fixed + 10..fixed + 10 + size].to_vec())))
    }

    /// The same in the table's words.
    #[track_caller]
    fn decides(&self, name: &str, kind: u16) -> &'static str {
        // A busy machine may lose a datagram.
        let answer = (0..20).find_map(|_| self.ask(name, kind));
        let (code, data) = answer.unwrap_or_else(|| panic!("no answer for {name} {kind}"));
        match (code, data) {
            (3, None) => "blocked",
            (0, None) => "empty",
            (0, Some(data)) if data == FOUR || data == SIX || data.starts_with(b"\x08upstream") => "forwarded",
            (0, Some(data)) if data == [127, 0, 0, 1] || data == std::net::Ipv6Addr::LOCALHOST.octets() => "localhost",
            (0, Some(data)) if data.starts_with(b"\x09localhost\0") => "localhost",
            other => panic!("{name} {kind}: {other:?}"),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address of this test's own: the process' number is in it.
fn own_address(number: u8) -> SocketAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    SocketAddr::from(([127, 100 + number, high.max(1), low.max(1)], 5300))
}

/// The export for a target, in the world of the table.
#[track_caller]
fn exported(home: &Home, target: &str, dns: &str) -> String {
    home.configure(&CONFIG.replace("[dns]\n", &format!("[dns]\n{dns}\n")));
    hpcsh_with(home, RESOLV, &VARIABLES, &["dns", "export", target]).clean()
}

/// Holds an engine against the table. `differences`: what it says otherwise, which its comments admit.
#[track_caller]
fn compare(
    decides: impl Fn(&str, u16) -> String,
    differences: &[(&str, u16, &'static str)],
    comments: &str,
    admitted: &[&str],
) -> BTreeSet<String> {
    let mut forwarded = BTreeSet::new();
    let mut left: BTreeMap<(&str, u16), &str> =
        differences.iter().map(|(name, kind, said)| ((*name, *kind), *said)).collect();
    let mut wrong = Vec::new();
    for (name, kind, action, _) in TABLE {
        let wanted = left.remove(&(*name, *kind));
        assert_ne!(wanted, Some(*action), "{name} {kind} is no difference");
        let wanted = wanted.unwrap_or(action);
        let found = decides(name, *kind);
        if found != wanted {
            wrong.push(format!("{name} {kind}: {found}, not {wanted}"));
        }
        if wanted == "forwarded" {
            forwarded.insert(name.trim_end_matches('.').to_lowercase());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(left.is_empty(), "not in the table: {left:?}");
    for sentence in admitted {
        assert!(comments.contains(sentence), "not admitted: {sentence}");
    }
    forwarded
}

#[test]
fn unbound_says_what_we_say() {
    if !can_bind() {
        return;
    }
    if !has("unbound") || !has("unbound-checkconf") {
        return skip("unbound is not installed");
    }
    let home = Home::new();
    let upstream = Upstream::start();
    let text = exported(&home, "unbound", &format!("upstream = [\"{}\"]", upstream.address));
    let address = own_address(0);
    let export = home.write("hpcsh.conf", &text);
    let place = format!("{}@{}", address.ip(), address.port());
    let dir = home.path().display().to_string();
    let main = home.write(
        "unbound.conf",
        format!(
            "server:\n  interface: {place}\n  username: \"\"\n  chroot: \"\"\n  directory: \"{dir}\"\n  pidfile: \"\"\n  \
             do-daemonize: no\n  use-syslog: no\n  num-threads: 1\nremote-control:\n  control-enable: no\n\
             include: \"{}\"\n",
            export.display()
        ),
    );
    let checked = run(home.command("unbound-checkconf").arg(&main));
    assert_eq!((checked.err.as_str(), checked.status), ("", 0), "{}", checked.out);
    let engine =
        Engine::start(home.command("unbound").args(["-d", "-p", "-c"]).arg(main), address, home.path().join("log"));
    // A name without a dot does not exist, unless it stands above another; what lies below 127.in-addr.arpa is localhost.
    let single = ["nexus", "gpu17.", "com", "evillocalhost", "notinvalid", "net"].map(|name| (name, A, "blocked"));
    let loopback = [("0.127.in-addr.arpa", PTR, "localhost"), ("x.1.0.0.127.in-addr.arpa", PTR, "localhost")];
    let differences = [&single[..], &loopback].concat();
    let admitted = ["a name without a dot does not exist", "names below 127.in-addr.arpa are localhost"];
    let forwarded = compare(|name, kind| engine.decides(name, kind).to_owned(), &differences, &text, &admitted);
    assert_eq!(*upstream.asked.lock().unwrap(), forwarded);
    // Every "there is no such name" of the internet is one that may be remembered.
    let answer = raw(&engine, "huggingface.co");
    assert_eq!((answer[3] & 15, answer[9]), (3, 1), "NXDOMAIN with a SOA");
}

/// The whole answer.
fn raw(engine: &Engine, name: &str) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(engine.address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.send(&message(name, A)).unwrap();
    let mut bytes = vec![0; 4096];
    let length = socket.recv(&mut bytes).unwrap();
    bytes.truncate(length);
    bytes
}

#[test]
fn dnsmasq_says_what_we_say() {
    if !can_bind() {
        return;
    }
    if !has("dnsmasq") {
        return skip("dnsmasq is not installed");
    }
    let home = Home::new();
    let upstream = Upstream::start();
    let text = exported(&home, "dnsmasq", &format!("upstream = [\"{}\"]", upstream.address));
    let address = own_address(1);
    let export = home.write("hpcsh.conf", &text);
    let checked = run(home.command("dnsmasq").arg("--test").arg("-C").arg(&export));
    assert_eq!(checked, Outcome { out: String::new(), err: "dnsmasq: syntax check OK.\n".into(), status: 0 });
    let mut command = home.command("dnsmasq");
    command.args(["--keep-in-foreground", "--log-facility=-", "--pid-file", "--bind-interfaces", "--no-hosts", "-C"]);
    command.arg(export).arg(format!("--listen-address={}", address.ip())).arg(format!("--port={}", address.port()));
    if is_root() {
        command.arg("--user=root");
    }
    let engine = Engine::start(&mut command, address, home.path().join("log"));
    let differences = [
        (".", A, "blocked"),
        (".", NS, "blocked"),
        ("53.1.2.127.in-addr.arpa", PTR, "blocked"),
        ("x.resolver.arpa", A, "blocked"),
    ];
    let admitted = [
        "`.` does not exist",
        "only 127.0.0.1 has a name",
        "below resolver.arpa and ipv4only.arpa only _dns.resolver.arpa exists",
    ];
    let forwarded = compare(|name, kind| engine.decides(name, kind).to_owned(), &differences, &text, &admitted);
    assert_eq!(*upstream.asked.lock().unwrap(), forwarded);
}

/// What the model of `CoreDNS` says of the table.
#[track_caller]
fn by_the_model(home: &Home, corefile: &str) -> BTreeMap<(String, u16), String> {
    let file = home.write("Corefile", corefile);
    let words = |kind: u16| match kind {
        A => "A",
        NS => "NS",
        PTR => "PTR",
        MX => "MX",
        _ => "AAAA",
    };
    let asked: String = TABLE.iter().map(|(name, kind, ..)| format!("{name} {}\n", words(*kind))).collect();
    let mut model = home.command("python3");
    model.arg(Path::new(PROJECT).join("tests/it/dns_export/corefile.py")).arg(file).env("PATH", path());
    let mut child = model.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(asked.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.lines().count(), TABLE.len());
    TABLE
        .iter()
        .zip(said.lines())
        .map(|((name, kind, ..), said)| (((*name).to_owned(), *kind), said.to_owned()))
        .collect()
}

#[test]
fn a_model_of_coredns_says_what_we_say() {
    if !can_bind() {
        return;
    }
    if !has("python3") {
        return skip("python3 is not installed");
    }
    eprintln!("CoreDNS itself is not run: it is in no registry that the tests reach; a model of it reads the Corefile");
    let home = Home::new();
    let dns = "upstream = [\"10.0.0.1\", \"[fd00::1]:5353\"]\nlisten = [\"127.0.0.1:5300\", \"[::1]:5300\"]";
    let text = exported(&home, "coredns", dns);
    assert!(
        text.contains("\n    bind 127.0.0.1 ::1\n") && text.contains("forward . 10.0.0.1:53 [fd00::1]:5353 {"),
        "{text}"
    );
    let said = by_the_model(&home, &text);
    let answer = |name: &str, kind| said[&(name.to_owned(), kind)].clone();
    compare(answer, &[], &text, &["no text that says who has blocked a name"]);
    // Nothing is remembered where that is said.
    assert!(text.contains("    cache {\n"), "{text}");
    let text = exported(&home, "coredns", "upstream = [\"10.0.0.1\"]\ncache = 0\nwhen = \"offline\"");
    assert!(!text.contains("cache {") && text.contains("whether the node is online or not"), "{text}");
    by_the_model(&home, &text);
}

#[test]
fn kubernetes_gets_the_same_corefile() {
    if !can_bind() {
        return;
    }
    let home = Home::new();
    if !run(home.command("python3").args(["-c", "import yaml"]).env("PATH", path())).err.is_empty() {
        return skip("Python has no yaml");
    }
    let text = exported(&home, "k8s", "upstream = [\"10.96.0.10\"]");
    let file = home.write("all.yaml", &text);
    let read = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let json = run(home.command("python3").args(["-c", read]).arg(file).env("PATH", path())).clean();
    let all: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    let kinds: Vec<_> = all.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ConfigMap", "DaemonSet", "Service"]);
    let [map, daemons, service] = &all[..] else { panic!("{all:?}") };
    for one in &all {
        assert_eq!(
            (&one["metadata"]["name"], &one["metadata"]["namespace"]),
            (&"hpcsh-dns".into(), &"kube-system".into())
        );
    }
    let pod = &daemons["spec"]["template"];
    assert_eq!(pod["metadata"]["labels"], daemons["spec"]["selector"]["matchLabels"]);
    assert_eq!(service["spec"]["selector"], pod["metadata"]["labels"]);
    assert_eq!(pod["spec"]["volumes"][0]["configMap"]["name"], map["metadata"]["name"]);
    let corefile = map["data"]["Corefile"].as_str().unwrap();
    let said = by_the_model(&home, corefile);
    let answer = |name: &str, kind| said[&(name.to_owned(), kind)].clone();
    compare(answer, &[], &text, &[]);
    assert!(
        !corefile.contains("bind ") && corefile.contains(".:53 {") && corefile.contains("health :8080"),
        "{corefile}"
    );
    // A pod reaches no name server that answers its node alone.
    home.configure("[dns]\nupstream = [\"127.0.0.53\"]\n");
    let told = "error: the name servers of this node answer on the node alone, and no pod reaches them\n\
                hint: name the cluster's: dns.upstream in the configuration\n";
    assert_eq!(home.hpcsh(&["dns", "export", "k8s"]), Outcome { out: String::new(), err: told.into(), status: 1 });
}

#[test]
fn systemd_takes_the_unit() {
    let home = Home::new();
    home.configure("");
    let unit = home.hpcsh(&["dns", "export", "systemd"]).clean();
    assert!(unit.contains("Type=notify\n") && unit.contains("\nDynamicUser=yes\n"), "{unit}");
    assert!(unit.contains("AmbientCapabilities=CAP_NET_BIND_SERVICE\n"), "{unit}");
    let named = home.write("a b%$\"c.toml", "[dns]\nuser = \"resolver\"\n");
    let named = home.hpcsh(&["--config", named.to_str().unwrap(), "dns", "export", "systemd"]).clean();
    assert!(named.contains("\nUser=resolver\n") && named.contains("/a b%%$$\\\"c.toml\" dns serve\n"), "{named}");
    home.configure("[dns]\nuser = \"a b\\nExecStart=/bin/sh\"\n");
    let told = "error: `dns.user`: \"a b\\nExecStart=/bin/sh\" is no name for a unit\n";
    assert_eq!(home.hpcsh(&["dns", "export", "systemd"]), Outcome { out: String::new(), err: told.into(), status: 2 });
    if !has("systemd-analyze") {
        return skip("systemd-analyze is not installed");
    }
    for text in [unit, named] {
        let file = home.write("hpcsh-dns.service", &text);
        let verified = run(home.command("systemd-analyze").args(["verify", "--man=no"]).arg(file));
        assert_eq!(verified, Outcome { out: String::new(), err: String::new(), status: 0 });
    }
}

#[test]
fn without_a_name_server_nothing_is_exported() {
    if !can_bind() {
        return;
    }
    let home = Home::new();
    home.configure("");
    let told = "error: no name server is known to which the intranet's names could be forwarded\n\
                hint: name one: dns.upstream in the configuration\n";
    // There is none, or it is where the engine is going to listen.
    for resolv in ["", "nameserver 127.0.0.1\n"] {
        for target in ["coredns", "dnsmasq", "unbound", "k8s"] {
            let said = hpcsh_with(&home, resolv, &[], &["dns", "export", target]);
            assert_eq!(said, Outcome { out: String::new(), err: told.into(), status: 1 }, "{target}");
        }
    }
}

#[test]
fn no_configuration_writes_a_line_of_its_own() {
    if !can_bind() {
        return;
    }
    let home = Home::new();
    // The one text in an export that is not made of names and numbers is a comment: where a name comes from.
    let file = home.write("evil\nserver=-evil-.toml", "[dns]\nallow = [\"corp.example\"]\nupstream = [\"10.0.0.1\"]\n");
    let search = "search ok.example evil\"x.example a{b}.example\n";
    for target in ["coredns", "dnsmasq", "unbound", "k8s", "systemd"] {
        let words = ["--config", file.to_str().unwrap(), "dns", "export", target];
        let variables = [("https_proxy", "http://x\ny.example:1"), ("UV_INDEX", "https://a b$(c).example/")];
        let text = hpcsh_with(&home, search, &variables, &words).clean();
        assert!(!text.lines().any(|line| line.starts_with("server=-evil-")), "{text}");
        assert!(target == "systemd" || text.contains("ok.example") && text.contains("corp.example"), "{text}");
        assert!(!text.contains("evil\"x") && !text.contains("a{b}") && !text.contains("$(c)"), "{text}");
    }
}
