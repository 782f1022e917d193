//! `hpcsh dns status`: what is told of a resolver that runs, and to whom.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use super::{A, CONFIG, PATIENCE, Server, ask, no_name, query};
use crate::node::until;
use crate::support::{Home, Outcome, PROGRAM, is_root, run, skip, tools};

fn status(server: &Server, words: &[&str]) -> Outcome {
    let at = server.address.to_string();
    server.home.hpcsh(&[&["dns", "status", "--at", &at], words].concat())
}

fn json(server: &Server) -> Value {
    serde_json::from_str(&status(server, &["--json"]).clean()).unwrap()
}

/// A server that was asked for three names of the internet, one of them twice, for this node, and for one of the intranet.
fn asked() -> Server {
    let server = Server::start(&[]);
    let socket = server.udp();
    for name in ["huggingface.co", "pypi.org", "HuggingFace.co", "wandb.ai"] {
        let question = query(1, name, A);
        assert_eq!(ask(&socket, &question), no_name(&question));
    }
    // Answered in place; and by nobody, since no server listens there.
    ask(&socket, &query(2, "localhost", A));
    ask(&socket, &query(3, "git.corp.example", A));
    server
}

#[test]
fn what_was_answered_is_told() {
    let server = asked();
    // Counted once in a while.
    until("nothing to be on its way", || json(&server)["pending"] == 0);
    let told = json(&server);
    let figures = ["served", "blocked", "here", "forwarded", "failed", "remembered", "pending", "unusual"];
    assert_eq!(figures.map(|name| told[name].as_u64().unwrap()), [6, 4, 1, 1, 1, 0, 0, 0], "{told}");
    assert_eq!(told["listen"], serde_json::json!([server.address.to_string()]));
    assert_eq!(told["process"], server.child.id());
    assert_eq!(told["forwards_everything"], false);
    assert_eq!(
        (&told["upstreams"][0]["address"], &told["upstreams"][0]["answered"]),
        (&"127.0.0.1:9".into(), &0.into())
    );
    let names: Vec<_> =
        told["top_blocked"].as_array().unwrap().iter().map(|name| (&name["name"], &name["count"])).collect();
    assert_eq!(names[0], (&"huggingface.co".into(), &2.into()), "{told}");
    assert_eq!(names.len(), 3, "{told}");
    let text = status(&server, &[]).clean();
    for part in [
        &format!("answering on {} for ", server.address),
        "\nserved           6\n  blocked        4  66 %\n  forwarded      1  1 got no answer\n",
        "\n127.0.0.1:9  does not answer; 0 of 1 answered\n",
        "\nblocked most often\n  2  huggingface.co\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn threads_and_reloads_are_in_one_figure() {
    let home = Home::new();
    home.configure(&format!("{CONFIG}threads = 3\n"));
    let mut command = home.command(PROGRAM);
    command.args(["dns", "serve", "--listen", "127.0.0.1:0"]);
    let mut server = Server::run(home, &mut command);
    for number in 0..60 {
        let question = query(number, "huggingface.co", A);
        assert_eq!(ask(&server.udp(), &question), no_name(&question));
    }
    assert_eq!(json(&server)["blocked"], 60);
    server.home.configure(&format!("{CONFIG}threads = 3\ncache = 7\n"));
    server.signal(Signal::HUP);
    // All threads have told that they go by it, and the one that tells of them is none of them.
    server.line("loaded anew");
    assert_eq!((&json(&server)["cache"], &json(&server)["blocked"]), (&7.into(), &60.into()));
}

#[test]
fn prometheus_reads_what_is_written() {
    let mut server = asked();
    let path = server.home.path().join("hpcsh.prom");
    let name = path.to_str().unwrap();
    for _ in 0..2 {
        assert_eq!(status(&server, &["--prometheus", name]).clean(), "");
    }
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("hpcsh_dns_up 1\n") && !text.contains("huggingface"), "{text}");
    assert!(text.contains("hpcsh_dns_questions_total{outcome=\"blocked\"} 4\n"), "{text}");
    assert!(text.contains("hpcsh_dns_upstream_up{address=\"127.0.0.1:9\"} 0\n"), "{text}");
    let script = "import sys; from prometheus_client.parser import text_string_to_metric_families as read
for family in read(open(sys.argv[1]).read()): print(family.name, family.type, len(family.samples))";
    let Some(tools) = tools() else {
        skip("there is no prometheus_client");
        return;
    };
    let families = run(server.home.command(tools.join("bin/python")).args(["-c", script, name])).clean();
    for family in ["hpcsh_dns_up gauge 1", "hpcsh_dns_questions counter 5", "hpcsh_dns_upstream_seconds histogram 16"] {
        assert!(families.lines().any(|line| line == family), "{family}: {families}");
    }
    // What is scraped does not stay as it was when nobody answers any more.
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let gone = status(&server, &["--prometheus", name]);
    assert_eq!((gone.status, gone.out.as_str()), (3, ""), "{}", gone.err);
    assert!(std::fs::read_to_string(&path).unwrap().ends_with("hpcsh_dns_up 0\n"));
}

#[test]
fn where_nobody_answers_it_says_who_does() {
    let mut server = asked();
    let other = server.home.hpcsh(&["dns", "status", "--at", "127.0.0.1:1", "--json"]);
    let address = server.address;
    let hint = "hpcsh dns status --at 127.0.0.1:";
    assert_eq!((other.status, other.out.as_str()), (3, ""));
    assert!(
        other.err.starts_with("error: no resolver of hpcsh answers at 127.0.0.1:1\nhint: there is one at "),
        "{}",
        other.err
    );
    assert!(other.err.contains(hint), "{}", other.err);
    server.signal(Signal::TERM);
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    let gone = status(&server, &[]);
    assert_eq!((gone.status, gone.out.as_str()), (3, ""));
    assert!(gone.err.starts_with(&format!("error: no resolver of hpcsh answers at {address}\nhint: ")), "{}", gone.err);
}

#[test]
fn one_that_hangs_is_told() {
    let server = asked();
    server.signal(Signal::STOP);
    let begin = Instant::now();
    let hung = status(&server, &[]);
    server.signal(Signal::CONT);
    let message = format!("error: the resolver at {} cannot be asked: it does not answer\n", server.address);
    assert_eq!((hung.status, hung.err.as_str()), (1, message.as_str()));
    assert!(begin.elapsed() < PATIENCE);
}

#[test]
fn the_names_are_nobody_elses() {
    if !is_root() {
        skip("only root can become another user");
        return;
    }
    let server = asked();
    let stranger = |user: u32| {
        // Not our program, which others may not reach where it lies.
        let mut command = std::process::Command::new("python3");
        let script = "import glob, socket, sys
for path in glob.glob('/run/hpcsh-dns/dns-*-' + sys.argv[1]):
    s = socket.socket(socket.AF_UNIX); s.connect(path)
    print(s.makefile().read())";
        run(command.args(["-c", script, &server.address.to_string()]).current_dir("/").uid(user).gid(user)).clean()
    };
    let told = |user: u32| serde_json::from_str::<Value>(&stranger(user)).unwrap();
    assert_eq!(told(12_345)["top_blocked"], serde_json::json!([]));
    assert_eq!(told(12_345)["blocked"], 4);
    for user in [0, 65_534] {
        assert_eq!(told(user)["top_blocked"].as_array().unwrap().len(), 3, "{user}");
    }
    let dir = std::fs::metadata("/run/hpcsh-dns").unwrap();
    assert_eq!((dir.uid(), dir.mode() & 0o777), (0, 0o755));
}

/// The exit of a resolver that may not remove its socket leaves one, which the next one removes.
#[test]
fn sockets_do_not_pile_up() {
    if !is_root() {
        skip("others remove their own");
        return;
    }
    let server = asked();
    let name = format!("-{}", server.address);
    let is_there = || {
        let dir = std::fs::read_dir("/run/hpcsh-dns").unwrap();
        dir.flatten().any(|entry| entry.file_name().to_str().unwrap().ends_with(&name))
    };
    assert!(is_there());
    drop(server);
    drop(Server::start(&[]));
    assert!(!is_there());
}
