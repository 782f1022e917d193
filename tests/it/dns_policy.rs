//! What happens to which name: one table, held against the policy, against `hpcsh dns check`, and in `dns_export` against other
//! engines.
//!
//! The program runs in a mount namespace of its own with its own /etc/resolv.conf. Nothing is asked.

use std::process::Command;

use hpcsh::dns::policy::{Policy, Rules};
use hpcsh::dns::question::{self, Name};
use serde_json::Value;

use crate::support::{Home, Outcome, PROGRAM, is_root, path, run, skip};

/// The configuration of the table.
pub const CONFIG: &str = r#"
[dns]
allow = ["corp.example", ".Lab.Test.", "_msdcs.ad.example", "a.denied.example"]
deny = ["bad.corp.example", "denied.example", "gpu66", "ads.internal", "66.10.in-addr.arpa", "x.localhost"]

[env.set]
UV_INDEX = "http://nexus.your.mirror/pypi/simple"
PIP_INDEX_URL = "https://pypi.org/simple"

[env.offline]
HF_ENDPOINT = "https://me:secret@hub.mirror.example:8443"

[node]
verdict = "offline"
"#;
/// What a pod's resolv.conf says.
pub const RESOLV: &str = "search ml.svc.cluster.local svc.cluster.local cluster.local site.example\n\
                          nameserver 127.0.0.1\noptions ndots:5\n";
/// What the environment says.
pub const VARIABLES: [(&str, &str); 2] =
    [("https_proxy", "http://proxy.other.example:3128"), ("no_proxy", "localhost,.direct.example,10.0.0.0/8,10.1.1.1")];

/// Types.
pub const A: u16 = 1;
pub const NS: u16 = 2;
pub const PTR: u16 = 12;
pub const MX: u16 = 15;
pub const AAAA: u16 = 28;

/// Name, type, what happens, by which rule.
#[rustfmt::skip]
pub const TABLE: &[(&str, u16, &str, &str)] = &[
    // The internet.
    ("huggingface.co", A, "blocked", "internet"),
    ("huggingface.co.", AAAA, "blocked", "internet"),
    ("HuGgInGfAcE.cO", A, "blocked", "internet"),
    ("cdn-lfs.us-1.huggingface.co", MX, "blocked", "internet"),
    ("pypi.org", A, "blocked", "internet"),
    ("hub.mirror.example.evil.com", A, "blocked", "internet"),
    ("_443._tcp.pypi.org", A, "blocked", "internet"),
    // As they stand in the table of names of the internet, too; in the cluster they have its domain behind them.
    ("vllm.ml", A, "blocked", "internet"),
    ("git.dev", A, "blocked", "internet"),
    ("pod-0.app.ns", A, "blocked", "internet"),
    ("vllm.ml.svc.cluster.local", A, "forwarded", "search"),
    ("vllm.ml.ml.svc.cluster.local", A, "forwarded", "search"),
    ("git.dev.svc.cluster.local", AAAA, "forwarded", "search"),
    ("pod-0.app.ns.svc.cluster.local", A, "forwarded", "search"),
    ("huggingface.co.ml.svc.cluster.local", A, "forwarded", "search"),
    ("huggingface.co.site.example", A, "forwarded", "search"),
    ("SITE.example.", A, "forwarded", "search"),
    ("notsite.example", A, "blocked", "internet"),
    ("cluster.local", A, "forwarded", "search"),
    ("notcluster.local", A, "blocked", "internet"),
    ("notyour.cluster.domain", A, "blocked", "internet"),
    ("printer.local", A, "blocked", "internet"),
    ("local", A, "empty", "ancestor"),
    // What the configuration names.
    ("corp.example", A, "forwarded", "allow"),
    ("a.b.c.corp.example", AAAA, "forwarded", "allow"),
    ("A.b.CORP.eXample.", A, "forwarded", "allow"),
    ("notcorp.example", A, "blocked", "internet"),
    ("corp.example.com", A, "blocked", "internet"),
    ("example", A, "empty", "ancestor"),
    ("example", NS, "empty", "ancestor"),
    ("unrelated.example", A, "blocked", "internet"),
    ("other.example", A, "empty", "ancestor"),
    ("git.lab.test", A, "forwarded", "allow"),
    ("test", A, "empty", "ancestor"),
    ("x.test", A, "blocked", "reserved"),
    ("_ldap._tcp.dc._msdcs.ad.example", A, "forwarded", "allow"),
    ("ad.example", A, "empty", "ancestor"),
    ("bad.corp.example", A, "blocked", "deny"),
    ("very.BAD.corp.example", A, "blocked", "deny"),
    ("notbad.corp.example", A, "forwarded", "allow"),
    ("denied.example", A, "blocked", "deny"),
    ("a.denied.example", A, "blocked", "deny"),
    ("ads.internal", A, "blocked", "deny"),
    // Mirrors and proxies, and what they are not.
    ("nexus.your.mirror", A, "forwarded", "mirror"),
    ("your.mirror", A, "empty", "ancestor"),
    ("mirror", A, "empty", "ancestor"),
    ("other.your.mirror", A, "blocked", "internet"),
    ("hub.mirror.example", A, "forwarded", "mirror"),
    ("proxy.other.example", A, "forwarded", "mirror"),
    ("x.direct.example", A, "forwarded", "mirror"),
    // Of every intranet.
    ("nexus", A, "forwarded", "single-label"),
    ("gpu17.", A, "forwarded", "single-label"),
    ("com", A, "forwarded", "single-label"),
    ("gpu66", A, "blocked", "deny"),
    ("x.gpu66", A, "blocked", "deny"),
    ("nexus.internal", A, "forwarded", "private"),
    ("internal", A, "forwarded", "private"),
    ("router.home.arpa", A, "forwarded", "private"),
    ("home.arpa", A, "forwarded", "private"),
    ("1.2.3.10.in-addr.arpa", PTR, "forwarded", "private-reverse"),
    ("10.in-addr.arpa", NS, "forwarded", "private-reverse"),
    ("1.2.66.10.in-addr.arpa", PTR, "blocked", "deny"),
    ("1.2.16.172.in-addr.arpa", PTR, "forwarded", "private-reverse"),
    ("1.2.31.172.in-addr.arpa", PTR, "forwarded", "private-reverse"),
    ("1.2.15.172.in-addr.arpa", PTR, "blocked", "internet"),
    ("1.2.32.172.in-addr.arpa", PTR, "blocked", "internet"),
    ("1.2.168.192.in-addr.arpa", PTR, "forwarded", "private-reverse"),
    ("1.2.169.192.in-addr.arpa", PTR, "blocked", "internet"),
    ("254.169.254.169.in-addr.arpa", PTR, "forwarded", "private-reverse"),
    ("1.2.64.100.in-addr.arpa", PTR, "forwarded", "private-reverse"),
    ("1.2.127.100.in-addr.arpa", PTR, "forwarded", "private-reverse"),
    ("1.2.128.100.in-addr.arpa", PTR, "blocked", "internet"),
    ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", PTR, "forwarded", "private-reverse"),
    ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.e.f.ip6.arpa", PTR, "forwarded", "private-reverse"),
    ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.e.f.ip6.arpa", PTR, "forwarded", "private-reverse"),
    ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.e.f.ip6.arpa", PTR, "blocked", "internet"),
    ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", PTR, "blocked", "internet"),
    ("8.8.8.8.in-addr.arpa", PTR, "blocked", "internet"),
    ("in-addr.arpa", NS, "empty", "ancestor"),
    ("172.in-addr.arpa", NS, "empty", "ancestor"),
    ("192.in-addr.arpa", A, "empty", "ancestor"),
    ("8.in-addr.arpa", A, "blocked", "internet"),
    ("ip6.arpa", A, "empty", "ancestor"),
    ("e.f.ip6.arpa", A, "empty", "ancestor"),
    ("arpa", A, "empty", "ancestor"),
    ("x.arpa", A, "blocked", "internet"),
    // This node.
    ("localhost", A, "localhost", "localhost"),
    ("LOCALHOST.", AAAA, "localhost", "localhost"),
    ("localhost", MX, "empty", "localhost"),
    ("a.b.localhost", A, "localhost", "localhost"),
    ("x.localhost", AAAA, "localhost", "localhost"),
    ("evillocalhost", A, "forwarded", "single-label"),
    ("x.evillocalhost", A, "blocked", "internet"),
    ("localhost.evil.com", A, "blocked", "internet"),
    ("1.0.0.127.in-addr.arpa", PTR, "localhost", "loopback"),
    ("1.0.0.127.in-addr.arpa", A, "empty", "loopback"),
    ("53.1.2.127.in-addr.arpa", PTR, "localhost", "loopback"),
    ("0.127.in-addr.arpa", PTR, "empty", "loopback"),
    ("127.in-addr.arpa", NS, "empty", "loopback"),
    ("x.1.0.0.127.in-addr.arpa", PTR, "blocked", "loopback"),
    ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", PTR, "localhost", "loopback"),
    ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", A, "empty", "loopback"),
    ("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", PTR, "blocked", "internet"),
    ("x.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", PTR, "blocked", "loopback"),
    ("0.0.0.0.ip6.arpa", A, "empty", "ancestor"),
    // What DNS does not have, and what would lead around us.
    (".", A, "empty", "root"),
    (".", NS, "empty", "root"),
    ("invalid", A, "blocked", "reserved"),
    ("x.invalid", A, "blocked", "reserved"),
    ("onion", A, "blocked", "reserved"),
    ("facebookcorewwwi.onion", A, "blocked", "reserved"),
    ("alt", A, "blocked", "reserved"),
    ("x.gnu.alt", A, "blocked", "reserved"),
    ("notinvalid", A, "forwarded", "single-label"),
    ("resolver.arpa", NS, "empty", "resolver-arpa"),
    ("_dns.resolver.arpa", A, "empty", "resolver-arpa"),
    ("x.resolver.arpa", A, "empty", "resolver-arpa"),
    ("ipv4only.arpa", A, "empty", "ipv4only-arpa"),
    ("ipv4only.arpa", AAAA, "empty", "ipv4only-arpa"),
    ("use-application-dns.net", A, "blocked", "canary"),
    ("x.use-application-dns.net", A, "blocked", "canary"),
    ("net", A, "forwarded", "single-label"),
];

/// The rules that the table's configuration makes.
fn rules() -> Rules {
    let texts = |names: &[&str]| names.iter().collect();
    Rules {
        allow: texts(&["corp.example", "lab.test", "_msdcs.ad.example", "a.denied.example"]),
        deny: texts(&[
            "bad.corp.example",
            "denied.example",
            "gpu66",
            "ads.internal",
            "66.10.in-addr.arpa",
            "x.localhost",
        ]),
        search: texts(&["ml.svc.cluster.local", "svc.cluster.local", "cluster.local", "site.example"]),
        mirrors: texts(&["nexus.your.mirror", "hub.mirror.example", "proxy.other.example", "direct.example"]),
    }
}

/// Whether a file can be laid over /etc/resolv.conf here.
pub fn can_bind() -> bool {
    let user: &[&str] = if is_root() { &[] } else { &["--map-root-user"] };
    let mut bind = Command::new("unshare");
    bind.args(user).args(["--mount", "mount", "--bind", "/etc/hosts", "/etc/resolv.conf"]);
    let can = bind.output().is_ok_and(|output| output.status.success());
    if !can {
        skip("nothing can be laid over /etc/resolv.conf here");
    }
    can
}

/// Runs the program with this resolv.conf and these variables.
pub fn hpcsh_with(home: &Home, resolv: &str, variables: &[(&str, &str)], words: &[&str]) -> Outcome {
    let resolv = home.write("resolv.conf", resolv);
    let mut command = home.command("unshare");
    if !is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "sh", "-c", "mount --bind \"$1\" /etc/resolv.conf && shift && exec \"$@\"", "sh"]);
    command.arg(resolv).arg(PROGRAM).args(words).env("PATH", path()).envs(variables.iter().copied());
    run(&mut command)
}

#[test]
fn the_table_holds() {
    let policy = Policy::new(&rules());
    for (text, kind, action, rule) in TABLE {
        let name = Name::of(text).unwrap();
        let (found, why) = policy.explain(&name, *kind);
        assert_eq!((found.word(), why.kind.word()), (*action, *rule), "{text} {kind}");
        assert_eq!(policy.decide(&name, *kind), found, "{text} {kind}");
        // As a client sends it, with its letters anyhow.
        let asked = question::read(&message(text, *kind)).unwrap();
        assert_eq!(policy.decide(&asked.name, asked.kind), found, "{text} {kind}");
    }
}

/// A question, every other letter in upper case.
pub fn message(name: &str, kind: u16) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.trim_end_matches('.').split('.').filter(|label| !label.is_empty()) {
        message.push(u8::try_from(label.len()).unwrap());
        let mixed = |(at, byte): (usize, u8)| if at % 2 == 0 { byte.to_ascii_uppercase() } else { byte };
        message.extend(label.bytes().enumerate().map(mixed));
    }
    message.push(0);
    message.extend([kind.to_be_bytes(), [0, 1]].concat());
    message
}

#[test]
fn check_says_what_the_table_says() {
    if !can_bind() {
        return;
    }
    let home = Home::new();
    home.configure(CONFIG);
    let rows: Vec<_> = TABLE.iter().filter(|(_, kind, ..)| *kind == A).collect();
    // With a dot at its end a name is asked for as it is.
    let names: Vec<String> = rows.iter().map(|(name, ..)| format!("{}.", name.trim_end_matches('.'))).collect();
    let words: Vec<&str> = ["dns", "check", "--json"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let said = hpcsh_with(&home, RESOLV, &VARIABLES, &words).clean();
    let said: Vec<Value> = serde_json::from_str(&said).unwrap();
    assert_eq!(said.len(), rows.len());
    for ((name, _, action, rule), said) in rows.into_iter().zip(said) {
        assert_eq!((said["action"].as_str(), said["rule"].as_str()), (Some(*action), Some(*rule)), "{name}");
    }
}

#[test]
fn check_tells_the_rule_and_where_it_comes_from() {
    if !can_bind() {
        return;
    }
    let home = Home::new();
    let file = home.configure(CONFIG).display().to_string();
    let checked = |names: &[&str]| {
        let words = [&["dns", "check"], names].concat();
        hpcsh_with(&home, RESOLV, &VARIABLES, &words).clean().replace(&file, "CONFIG")
    };
    assert_eq!(
        checked(&["huggingface.co.", "x.corp.example.", "very.bad.corp.example.", "nexus.your.mirror.", "10.1.2.3", "::1"]),
        "\
huggingface.co.         blocked    nothing says that it is of the intranet
x.corp.example.         forwarded  `dns.allow` has corp.example (CONFIG:3)
very.bad.corp.example.  blocked    `dns.deny` has bad.corp.example, and goes before what is allowed (CONFIG:4)
nexus.your.mirror.      forwarded  a mirror, a proxy or `no_proxy` names nexus.your.mirror (UV_INDEX of env.set in CONFIG:7)
3.2.1.10.in-addr.arpa   forwarded  10.in-addr.arpa has private addresses
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa  localhost  it is a name of this node's own addresses (RFC 6303)
"
    );
    // As the C library looks for a short name, and for one with fewer dots than `ndots`.
    assert_eq!(
        checked(&["vllm", "vllm.ml", "localhost"]),
        "\
vllm.ml.svc.cluster.local     forwarded  ml.svc.cluster.local is a search domain of this node (/etc/resolv.conf)
vllm.svc.cluster.local        forwarded  svc.cluster.local is a search domain of this node (/etc/resolv.conf)
vllm.cluster.local            forwarded  cluster.local is a search domain of this node (/etc/resolv.conf)
vllm.site.example             forwarded  site.example is a search domain of this node (/etc/resolv.conf)
vllm                          forwarded  a name without a dot is one of the intranet
vllm.ml.ml.svc.cluster.local  forwarded  ml.svc.cluster.local is a search domain of this node (/etc/resolv.conf)
vllm.ml.svc.cluster.local     forwarded  ml.svc.cluster.local is a search domain of this node (/etc/resolv.conf)
vllm.ml.cluster.local         forwarded  cluster.local is a search domain of this node (/etc/resolv.conf)
vllm.ml.site.example          forwarded  site.example is a search domain of this node (/etc/resolv.conf)
vllm.ml                       blocked    nothing says that it is of the intranet
localhost                     localhost  localhost is this node (RFC 6761)
"
    );
    let json = hpcsh_with(&home, "", &VARIABLES, &["dns", "check", "--json", "hub.mirror.example"]).clean();
    let row = serde_json::json!([{
        "asked": "hub.mirror.example",
        "name": "hub.mirror.example",
        "type": "A",
        "action": "forwarded",
        "rule": "mirror",
        "suffix": "hub.mirror.example",
        "from": format!("HF_ENDPOINT of env.offline in {file}:11"),
        "reason": "a mirror, a proxy or `no_proxy` names hub.mirror.example",
    }]);
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), row);
    assert!(!json.contains("secret"));
}

#[test]
fn an_online_node_is_told_so_where_that_decides() {
    if !can_bind() {
        return;
    }
    let home = Home::new();
    let checked = |config: &str| {
        home.configure(config);
        hpcsh_with(&home, "", &[], &["dns", "check", "huggingface.co", "localhost"]).clean()
    };
    let here = "localhost       localhost  localhost is this node (RFC 6761)\n";
    let blocked = "huggingface.co  blocked    nothing says that it is of the intranet\n".to_owned() + here;
    assert_eq!(checked("[dns]\nwhen = \"offline\"\n[node]\nverdict = \"offline\"\n"), blocked);
    assert_eq!(checked("[node]\nverdict = \"online\"\n"), blocked);
    assert_eq!(
        checked("[dns]\nwhen = \"offline\"\n[node]\nverdict = \"online\"\n"),
        "huggingface.co  forwarded  the node is online, and `dns.when` is \"offline\"\n".to_owned() + here
    );
}

#[test]
fn what_is_no_name_is_told() {
    let home = Home::new();
    home.configure("");
    for (name, shown) in [("a..b", "a..b"), ("https://x", "https://x"), ("", ""), ("\u{1b}]0;x..", "\\u{1b}]0;x..")] {
        let told = Outcome {
            out: String::new(),
            err: format!(
                "error: \"{shown}\" is no name\nhint: give a name such as huggingface.co, other alphabets as xn--…, or an address\n"
            ),
            status: 2,
        };
        assert_eq!(home.hpcsh(&["dns", "check", name]), told);
    }
    // What is wrong in the configuration is said, and the rest holds.
    home.configure("[dns]\nallow = [\"*.corp\"]\ndeny = [\"corp.internal\"]\n");
    let told = home.hpcsh(&["dns", "check", "corp.internal."]);
    assert_eq!(told.status, 0);
    assert!(told.err.starts_with("warning: ") && told.err.contains("\"*.corp\" is no domain"), "{}", told.err);
    assert!(told.out.contains("`dns.deny` has corp.internal"), "{}", told.out);
}
