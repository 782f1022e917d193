//! `when = "offline"`: names of the internet are blocked while the node is offline, and forwarded while it is online.
//!
//! Where root runs the tests, the server has become nobody, and reads the configuration and the node's memory as that one.

use std::os::unix::process::CommandExt as _;

use rustix::process::Signal;

use super::{A, Server, ask, query};
use crate::dns_forward::stub::{self, Stub};
use crate::node::Node;
use crate::support::{Home, NOBODY, PROGRAM, is_root};

const ONLINE: &str = "the node is online: everything is forwarded";
const OFFLINE: &str = "the node is offline: names of the internet are blocked";

/// The configuration whose `[node]` says this. Its name server knows every name.
fn config(stub: &Stub, node: &str) -> String {
    format!("[dns]\nwhen = \"offline\"\nupstream = [\"{}\"]\n[node]\n{node}\n", stub.address)
}

/// The home of whom the server becomes.
fn home() -> Home {
    Home::of_nobody().unwrap_or_else(Home::new)
}

#[track_caller]
fn start(home: Home) -> Server {
    let mut command = home.command(PROGRAM);
    command.args(["dns", "serve", "--listen", "127.0.0.1:0"]);
    if is_root() {
        command.uid(0).gid(0);
    }
    let server = Server::run(home, &mut command);
    if is_root() {
        assert_eq!(server.status("Uid:"), [NOBODY; 4].map(|id| id.to_string()).join(" "));
    }
    server
}

/// Asks for a configuration to be read, and waits until the node is what it says.
#[track_caller]
fn reload(server: &mut Server, config: &str, turned: &str) {
    server.home.configure(config);
    let before = server.said.len();
    server.signal(Signal::HUP);
    // Two threads say it.
    let is_said = |server: &Server, line: &str| server.said[before..].iter().any(|said| said.starts_with(line));
    while !(is_said(server, turned) && is_said(server, "loaded anew, as was asked for; ")) {
        server.line("");
    }
}

/// Asks for a name of the internet. An address is the upstream's.
#[track_caller]
fn assert_forwards(server: &Server, is_forwarded: bool) {
    let code = ask(&server.udp(), &query(1, "huggingface.co", A))[3] & 15;
    assert_eq!(code, if is_forwarded { 0 } else { 3 });
}

#[test]
fn what_a_reload_reads_of_the_node_counts_at_once() {
    let stub = Stub::new(stub::good);
    let [offline, online] = ["offline", "online"].map(|word| config(&stub, &format!("verdict = \"{word}\"")));
    let home = home();
    home.configure(&offline);
    let mut server = start(home);
    assert_forwards(&server, false);
    reload(&mut server, &online, ONLINE);
    assert_forwards(&server, true);
    reload(&mut server, &offline, OFFLINE);
    assert_forwards(&server, false);
    assert_eq!(stub.count("huggingface.co"), 1);

    server.home.configure(&online);
    let mut server = start(std::mem::replace(&mut server.home, Home::new()));
    assert_eq!(server.line("the node is "), ONLINE);
    assert_forwards(&server, true);
    reload(&mut server, &offline, OFFLINE);
    assert_forwards(&server, false);
    // Whatever the node is, `when` may no longer ask for it.
    server.home.configure(&online.replace("\"offline\"", "\"always\""));
    server.signal(Signal::HUP);
    server.line("loaded anew");
    assert_forwards(&server, false);
}

#[test]
fn what_the_node_remembers_counts_where_nobody_has_a_word() {
    let stub = Stub::new(stub::good);
    let nobody_says = config(&stub, "");
    let node = Node::of(home(), &nobody_says);
    node.keep("offline", 200);
    let mut server = start(node.home);
    let node = |server: &mut Server, state, turned: &str| {
        let node = Node { home: Home::new(), verdict: node.verdict.clone() };
        node.keep(state, 200);
        assert_eq!(server.line("the node is "), turned);
    };
    assert_forwards(&server, false);
    node(&mut server, "online", ONLINE);
    assert_forwards(&server, true);
    node(&mut server, "offline", OFFLINE);
    assert_forwards(&server, false);
    node(&mut server, "online", ONLINE);
    // The configuration's word is the stronger one, as long as it has one.
    reload(&mut server, &config(&stub, "verdict = \"offline\""), OFFLINE);
    assert_forwards(&server, false);
    reload(&mut server, &nobody_says, ONLINE);
    assert_forwards(&server, true);
}
