//! The server as a service: who it is, what it is told and tells, what it does where it cannot have what it wants.

use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use rustix::process::Signal;

use super::{A, CONFIG, PATIENCE, Server, ask, ask_patiently, no_name, place, query};
use crate::support::{Home, Outcome, PROGRAM, has, is_root, run, skip};

/// A run that is expected to end by itself.
fn attempt(home: &Home, words: &[&str]) -> Outcome {
    home.hpcsh(&[&["dns", "serve"], words].concat())
}

fn failure(message: &str, hint: &str, status: i32) -> Outcome {
    Outcome { out: String::new(), err: format!("error: {message}\nhint: {hint}\n"), status }
}

#[test]
fn it_stops_when_it_is_told_to() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start(&[]);
        let query = query(1, "huggingface.co", A);
        assert_eq!(ask(&server.udp(), &query), no_name(&query));
        let port = server.address.port();
        server.signal(signal);
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{signal:?}");
        let mut said = vec![format!("answering on 127.0.0.1:{port}; forwarding to 127.0.0.1:9")];
        assert_eq!(server.said, said);
        said.clear();
        while let Ok(line) = server.lines.recv_timeout(PATIENCE) {
            said.push(line.split_once("Z ").unwrap().1.to_owned());
        }
        assert!(said.is_empty() || said == ["blocked huggingface.co (A)"], "{said:?}");
        // The port is free again, at once, though connections were open.
        UdpSocket::bind(("127.0.0.1", port)).unwrap();
    }
}

#[test]
fn root_becomes_nobody_and_may_do_nothing() {
    if !is_root() {
        skip("only root can become another user");
        return;
    }
    for (user, id, group) in [("nobody", 65534, 65534), ("daemon", 1, 1), ("12345", 12345, 12345)] {
        let home = Home::new();
        home.configure(&format!("{CONFIG}user = \"{user}\"\nthreads = 3\n"));
        let mut command = home.command(PROGRAM);
        command.args(["dns", "serve", "--listen", "127.0.0.1:0"]);
        let server = Server::run(home, &mut command);
        let ids = |id: u32| [id; 4].map(|id| id.to_string()).join(" ");
        assert_eq!(
            (server.status("Uid:"), server.status("Gid:"), server.status("Groups:")),
            (ids(id), ids(group), String::new())
        );
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
            assert_eq!(server.status(set), "0000000000000000", "{set}");
        }
        assert_eq!(server.status("NoNewPrivs:"), "1");
        // Each thread.
        for task in fs::read_dir(format!("/proc/{}/task", server.child.id())).unwrap() {
            let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
            assert!(status.contains(&format!("\nUid:\t{id}\t{id}\t{id}\t{id}\n")), "{status}");
        }
        let query = query(1, "huggingface.co", A);
        assert_eq!(ask(&server.udp(), &query), no_name(&query));
    }
    let home = Home::new();
    home.configure("[dns]\nuser = \"no-such-user\"\n");
    let message = "there is no user no-such-user in /etc/passwd (`dns.user`)";
    let hint = "name another one, or a number; `root` keeps what it may do";
    assert_eq!(attempt(&home, &["--listen", "127.0.0.1:0"]), failure(message, hint, 2));
}

#[test]
fn only_this_node_asks_unless_others_may() {
    let home = Home::new();
    for place in ["0.0.0.0:0", "[::]:0", "192.0.2.1:53"] {
        let message = format!("{place} can be asked by other nodes");
        let hint = "--allow-remote means it; 127.0.0.1 and ::1 are this node's alone";
        assert_eq!(attempt(&home, &["--listen", place]), failure(&message, hint, 2));
    }
    home.configure(CONFIG);
    let mut command = home.command(PROGRAM);
    command.args(["dns", "serve", "--allow-remote", "--listen", "0.0.0.0:0"]);
    let mut server = Server::run(home, &mut command);
    // From the address that was asked, though the socket has them all.
    server.address.set_ip([127, 0, 0, 77].into());
    let query = query(1, "huggingface.co", A);
    assert_eq!(ask(&server.udp(), &query), no_name(&query));
    assert_eq!(server.tcp().ask(&query), no_name(&query));
    let place = server.address;
    let message = "192.0.2.1:53 cannot be had: it is no address of this node's";
    let outcome = attempt(&server.home, &["--allow-remote", "--listen", "192.0.2.1:53"]);
    assert_eq!(outcome, Outcome { out: String::new(), err: format!("error: {message}\n"), status: 1 });
    assert_eq!(place.port(), server.address.port());
}

#[test]
fn a_second_one_says_who_is_there() {
    for threads in ["1", "3"] {
        let home = Home::new();
        home.configure(&format!("{CONFIG}threads = {threads}\n"));
        let mut command = home.command(PROGRAM);
        command.args(["dns", "serve", "--listen", "127.0.0.1:0"]);
        let server = Server::run(home, &mut command);
        let place = server.address.to_string();
        let message = format!("{place} cannot be had: hpcsh (process {}) has it", server.child.id());
        let hint = "it runs already: `hpcsh dns status` asks it";
        assert_eq!(attempt(&server.home, &["--listen", &place]), failure(&message, hint, 1));
        let query = query(1, "huggingface.co", A);
        assert_eq!(ask(&server.udp(), &query), no_name(&query));
    }
}

#[test]
fn another_server_on_the_port_is_named() {
    let home = Home::new();
    let me = fs::read_to_string("/proc/self/comm").unwrap();
    // For datagrams, for connections, for all addresses.
    let (udp, tcp) = (UdpSocket::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let all = UdpSocket::bind("0.0.0.0:0").unwrap();
    for port in [udp.local_addr(), tcp.local_addr(), all.local_addr()].map(|place| place.unwrap().port()) {
        let place = SocketAddr::from(([127, 0, 0, 1], port)).to_string();
        let outcome = attempt(&home, &["--listen", &place]);
        let process = format!(" (process {}) has it", std::process::id());
        let comm = outcome
            .err
            .strip_prefix(&format!("error: {place} cannot be had: "))
            .and_then(|rest| rest.split_once(&process));
        let Some((comm, rest)) = comm else { panic!("{outcome:?}") };
        assert_eq!((comm, rest), (me.trim(), "\nhint: stop that one, or take another address with --listen\n"));
        assert_eq!((outcome.out.as_str(), outcome.status), ("", 1));
    }
}

#[test]
fn who_may_not_have_port_53_is_told_so() {
    let Some(home) = Home::of_nobody() else {
        skip("only root can become another user");
        return;
    };
    let start = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    if start.trim().parse::<u32>().unwrap() <= 53 {
        // A container may have it so; then in a network of one's own it is otherwise.
        return;
    }
    let outcome = attempt(&home, &[]);
    let hint = "ports below 1024 are root's, unless net.ipv4.ip_unprivileged_port_start says otherwise: as root, or with \
        --listen 127.0.0.1:5353, or `hpcsh dns exec` for one command";
    assert_eq!(outcome, failure("127.0.0.1:53 cannot be had: not permitted", hint, 1));
}

/// Runs a script as root of a network and mounts of its own, with loopback up and without IPv6.
fn in_a_network(home: &Home, network: &str, script: &str) -> Option<Outcome> {
    for program in ["unshare", "ip", "dig"] {
        if !has(program) {
            skip(&format!("{program} is not installed"));
            return None;
        }
    }
    let script = format!("ip link set lo up\n{network}\n{script}");
    let mut command = home.command("unshare");
    if !is_root() {
        command.arg("--map-root-user");
    }
    Some(run(command.args(["--net", "--mount", "sh", "-euc", &script, "sh"]).arg(PROGRAM)))
}

#[test]
fn by_default_it_has_port_53_of_both_loopbacks_and_goes_on_without_ipv6() {
    let home = Home::new();
    home.configure(CONFIG);
    let ask = "$1 dns serve 2>said & trap 'kill $!' EXIT
        for try in $(seq 300); do grep -qs answering said && break; sleep 0.1; done
        dig +noall +comments @127.0.0.1 huggingface.co | grep -o 'status: [A-Z]*'";
    let both = format!(
        "{ask}\ndig +noall +comments @::1 huggingface.co | grep -o 'status: [A-Z]*'\ncut -d' ' -f2- said | head -n 1"
    );
    let Some(outcome) = in_a_network(&home, "", &both) else { return };
    let status = "status: NXDOMAIN\n";
    let begin = |places: &str| format!("answering on {places}; forwarding to 127.0.0.1:9\n");
    assert_eq!(outcome.clean(), [status, status, &begin("127.0.0.1:53 and [::1]:53")].concat());
    if !is_root() {
        return;
    }
    let without = format!("{ask}\ncut -d' ' -f2- said | head -n 2");
    let network = "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6";
    let Some(outcome) = in_a_network(&home, network, &without) else { return };
    let told = "there is no IPv6 here: [::1]:53 is left out\n";
    assert_eq!(outcome.clean(), [status, told, &begin("127.0.0.1:53")].concat());
    let only = "$1 dns serve --listen '[::1]:53' || echo $?";
    let Some(outcome) = in_a_network(&home, network, only) else { return };
    let err = "error: [::1]:53 cannot be had: it is no address of this node's\n".to_owned();
    assert_eq!(outcome, Outcome { out: "1\n".to_owned(), err, status: 0 });
}

#[test]
fn systemd_is_told_and_hands_in_sockets() {
    if !has("python3") {
        skip("python3 is not installed");
        return;
    }
    let home = Home::new();
    home.configure(CONFIG);
    let news = UnixDatagram::bind(home.run().join("news")).unwrap();
    news.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = || {
        let mut bytes = [0; 256];
        let count = news.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    };
    // As systemd does: the sockets are the files from 3 on, and belong to this process.
    let activate = "import os, socket, sys
while True:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(('127.0.0.1', 0))
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        tcp.bind(udp.getsockname())
        break
    except OSError:  # another's, for TCP
        udp.close()
        tcp.close()
tcp.listen()
for number, own in enumerate([os.dup(udp.fileno()), os.dup(tcp.fileno())]):
    os.dup2(own, 3 + number, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='2')
os.execv(sys.argv[1], sys.argv[1:])";
    let mut command = home.command("python3");
    command.args(["-c", activate, PROGRAM, "dns", "serve", "--listen", "127.0.0.1:1"]);
    command.env("NOTIFY_SOCKET", home.run().join("news"));
    let mut server = Server::run(home, &mut command);
    assert_eq!(told(), "READY=1");
    let query = query(1, "huggingface.co", A);
    assert_eq!(ask(&server.udp(), &query), no_name(&query));
    assert_eq!(server.tcp().ask(&query), no_name(&query));
    server.signal(Signal::HUP);
    let reloading = told();
    let micros = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{reloading}"));
    assert!(micros.parse::<u64>().is_ok(), "{reloading}");
    assert_eq!(told(), "READY=1");
    server.signal(Signal::TERM);
    assert_eq!(told(), "STOPPING=1");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    // Sockets that were meant for another process are none of ours, and those that others can reach need the same word.
    let home = Home::new();
    let mut other = home.command(PROGRAM);
    other.args(["dns", "serve", "--listen", "192.0.2.1:53"]).env("LISTEN_PID", "1").env("LISTEN_FDS", "1");
    assert_eq!(run(&mut other).status, 2);
    let open = activate.replace("127.0.0.1", "0.0.0.0");
    let outcome = run(home.command("python3").args(["-c", &open, PROGRAM, "dns", "serve"]));
    assert!(
        outcome.err.contains(" can be asked by other nodes\nhint: --allow-remote") && outcome.status == 2,
        "{outcome:?}"
    );
    // Nor files that are none.
    let closed = home
        .command("sh")
        .args(["-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\" 3<&-", "sh", PROGRAM])
        .args(["dns", "serve"])
        .output();
    let closed = closed.unwrap();
    let err = "error: the sockets from systemd ($LISTEN_FDS) are not there: Bad file descriptor (os error 9)\n";
    assert_eq!((String::from_utf8_lossy(&closed.stderr), closed.status.code()), (err.into(), Some(1)));
}

/// The answer's code.
fn code(answer: &[u8]) -> u8 {
    answer[3] & 15
}

#[test]
fn a_reload_is_asked_for_by_a_signal() {
    // It reads its configuration as whom it has become.
    let home = Home::of_nobody().unwrap_or_else(Home::new);
    let config = home.configure(CONFIG);
    if is_root() {
        std::os::unix::fs::chown(&config, Some(65534), Some(65534)).unwrap();
    }
    let mut command = home.command(PROGRAM);
    command.args(["dns", "serve", "--listen", "127.0.0.1:0"]);
    let mut server = Server::run(home, &mut command);
    let socket = server.udp();
    let above = query(1, "example.net", A);
    assert_eq!(code(&ask(&socket, &above)), 3);
    fs::write(&config, CONFIG.replace("corp.example", "a.example.net")).unwrap();
    server.signal(Signal::HUP);
    assert_eq!(server.line("loaded"), "loaded anew, as was asked for; forwarding to 127.0.0.1:9");
    // What stands above a name that is there, is there.
    assert_eq!(code(&ask(&socket, &above)), 0);
    // Of what is wrong nothing is taken.
    fs::write(&config, "[dns]\nallow = 7\n").unwrap();
    server.signal(Signal::HUP);
    let line = server.line("loaded");
    let begin = "warning: loaded anew, as was asked for; forwarding to 127.0.0.1:9; \
        but not the configuration, which stays as it was: ";
    assert!(line.starts_with(begin) && line.contains("config.toml:2:9"), "{line}");
    assert_eq!(code(&ask(&socket, &above)), 0);
    fs::write(&config, CONFIG).unwrap();
    server.signal(Signal::HUP);
    server.line("loaded");
    assert_eq!(code(&ask(&socket, &above)), 3);
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn what_may_not_be_read_any_more_goes_on_beside_a_new_resolv_conf() {
    if !is_root() {
        skip("only root can mount a resolv.conf, and become another user");
        return;
    }
    let home = Home::new();
    let dir = home.path();
    let allow = |mode| fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    // As /root is.
    allow(0o700);
    let config = home.configure("[dns]\nallow = [\"corp.test\"]\n");
    let resolv = home.write("resolv.conf", "nameserver 127.0.0.77\n");
    let script = "mount --bind \"$2\" /etc/resolv.conf; exec \"$1\" dns serve --listen 127.0.0.1:0";
    let mut command = home.command("unshare");
    command.args(["--mount", "sh", "-euc", script, "sh", PROGRAM]).arg(&resolv);
    let mut server = Server::run(home, &mut command);
    assert_eq!(server.said.last().unwrap().split_once("; ").unwrap().1, "forwarding to 127.0.0.77:53");
    let socket = server.udp();
    // What stands above a name that is there, is there: by the configuration, and by resolv.conf.
    let [allowed, searched] = ["test", "example.net"].map(|name| query(1, name, A));
    let codes = || [&allowed, &searched].map(|query| code(&ask(&socket, query)));
    assert_eq!(codes(), [0, 3]);
    let kept = |why: &str, servers: &str| {
        format!(
            "warning: loaded anew, {why}; forwarding to {servers}; but not the configuration, which stays as it was: \
             {}: cannot be read: Permission denied (os error 13) (the server is user nobody now, and root no longer: \
             let `dns.user` name another, or put it where that one may read it, as /etc/hpcsh/config.toml)",
            config.display()
        )
    };
    fs::write(&resolv, "nameserver 127.0.0.78\nsearch a.example.net\n").unwrap();
    assert_eq!(server.line("loaded"), kept("since resolv.conf has changed", "127.0.0.78:53"));
    assert_eq!(codes(), [0, 0]);
    fs::write(&config, "[dns]\nallow = []\n").unwrap();
    fs::write(&resolv, "nameserver 127.0.0.78\nnameserver 127.0.0.79\n").unwrap();
    server.line("loaded");
    server.signal(Signal::HUP);
    assert_eq!(server.line("loaded"), kept("as was asked for", "127.0.0.78:53 and 127.0.0.79:53"));
    assert_eq!(codes(), [0, 3]);
    // Once it may read it, it does.
    allow(0o755);
    server.signal(Signal::HUP);
    let line = "loaded anew, as was asked for; forwarding to 127.0.0.78:53 and 127.0.0.79:53";
    assert_eq!(server.line("loaded"), line);
    assert_eq!(codes(), [3, 3]);
}

#[test]
fn a_change_of_resolv_conf_is_seen() {
    if !is_root() {
        skip("only root can mount a resolv.conf");
        return;
    }
    let home = Home::new();
    let resolv = home.write("resolv.conf", "nameserver 192.0.2.1\n");
    let script = "mount --bind \"$2\" /etc/resolv.conf; exec \"$1\" dns serve --listen 127.0.0.1:0";
    let mut command = home.command("unshare");
    command
        .args(["--mount", "--net", "sh", "-euc", &format!("ip link set lo up; {script}"), "sh", PROGRAM])
        .arg(&resolv);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let mut line = || lines.next().unwrap().unwrap().split_once("Z ").unwrap().1.to_owned();
    assert!(line().ends_with("; forwarding to 192.0.2.1:53"));
    fs::write(&resolv, "nameserver 192.0.2.2\nnameserver 192.0.2.33\n").unwrap();
    assert_eq!(line(), "loaded anew, since resolv.conf has changed; forwarding to 192.0.2.2:53 and 192.0.2.33:53");
    fs::write(&resolv, "").unwrap();
    assert_eq!(line(), "loaded anew, since resolv.conf has changed; there is no name server to forward to");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_log_has_a_line_for_each_name_and_never_holds_an_answer_up() {
    let mut server = Server::start(&["--log-queries"]);
    let socket = server.udp();
    for (text, line) in [
        ("Huggingface.co", "blocked huggingface.co (A)"),
        ("huggingface.co", "blocked huggingface.co (A)"),
        ("localhost", "localhost localhost (A)"),
        ("arpa", "empty arpa (A)"),
    ] {
        ask(&socket, &query(1, text, A));
        assert_eq!(server.line(" ("), line);
    }
    assert_eq!(server.stop().0, Some(0));
    // Into a pipe that nobody reads.
    let home = Home::new();
    home.configure(CONFIG);
    let words = ["dns", "serve", "--log-queries", "--listen", "127.0.0.1:0"];
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut child = home.command(PROGRAM).args(words).stderr(writer).spawn().unwrap();
    let mut said = Vec::new();
    let mut chunk = [0; 4096];
    let port = loop {
        let count = std::io::Read::read(&mut reader, &mut chunk).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&said));
        said.extend_from_slice(&chunk[..count]);
        if let Some(place) = String::from_utf8_lossy(&said).split_once('\n').and_then(|(line, _)| place(line)) {
            break place;
        }
    };
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(port).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
    let query = query(1, &"a-long-name.".repeat(15), A);
    let mut answers = 0;
    let mut bytes = [0; 512];
    let started = std::time::Instant::now();
    while answers < 5000 {
        assert!(started.elapsed() < 4 * PATIENCE, "{answers} answers");
        if socket.send(&query).is_ok()
            && matches!(socket.recv(&mut bytes), Ok(count) if bytes[..count] == no_name(&query))
        {
            answers += 1;
        }
    }
    // The one who reads is there again, and hears how many are lost.
    said.clear();
    while !String::from_utf8_lossy(&said).contains(" lines are lost: nobody took them\n") {
        socket.send(&query).unwrap();
        let count = std::io::Read::read(&mut reader, &mut chunk).unwrap();
        said.extend_from_slice(&chunk[..count]);
    }
    // And when he goes for good, the server stays.
    drop(reader);
    for _ in 0..5 {
        assert_eq!(ask_patiently(&socket, &query), no_name(&query));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_journal_has_its_own_times() {
    let home = Home::new();
    home.configure(CONFIG);
    let log = home.write("log", "");
    let found = fs::metadata(&log).unwrap();
    let mut command = home.command(PROGRAM);
    command.args(["dns", "serve", "--listen", "127.0.0.1:0"]);
    command.env("JOURNAL_STREAM", format!("{}:{}", found.dev(), found.ino()));
    let mut child = command.stderr(fs::OpenOptions::new().append(true).open(&log).unwrap()).spawn().unwrap();
    let started = std::time::Instant::now();
    let port = loop {
        let said = fs::read_to_string(&log).unwrap();
        if let Some(place) = said.split_once('\n').and_then(|(line, _)| place(line)) {
            break place;
        }
        assert!(started.elapsed() < PATIENCE, "{said}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(port).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
    let query = query(1, "huggingface.co", A);
    assert_eq!(ask_patiently(&socket, &query), no_name(&query));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.starts_with(&format!("<6>answering on {port}; forwarding to 127.0.0.1:9\n")), "{text}");
    assert!(text.lines().all(|line| line.starts_with("<6>")), "{text}");
}

#[test]
fn help_and_wrong_words() {
    let home = Home::new();
    let help = attempt(&home, &["--help"]).clean();
    assert!(help.contains("--listen <ADDRESS:PORT>") && help.contains("Examples:"), "{help}");
    assert_eq!(attempt(&home, &["--listen", "nonsense"]).status, 2);
}
