//! What a command sees of the world in a rehearsal: as who runs the tests, and as nobody where that is root.
//!
//! All of it happens in a network namespace without a way out, so whatever is asked for, nothing leaves the machine.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Home, Outcome, PROGRAM, has, is_root, run, skip};
use crate::terminal::Terminal;

const NOTHING: &str = "hpcsh: nothing outside of this node was asked for\n";

/// What has as many words as these, each time with a home of another user.
fn homes(programs: &[&str]) -> Vec<Home> {
    for program in programs {
        if !has(program) {
            skip(&format!("{program} is not installed"));
            return Vec::new();
        }
    }
    let homes: Vec<Home> = [Some(Home::new()), Home::of_nobody()].into_iter().flatten().collect();
    for home in &homes {
        let outcome = home.hpcsh(&["airgap", "true"]);
        if outcome.status == 125 {
            skip(&format!("no network of one's own: {}", outcome.err));
            return Vec::new();
        }
    }
    homes
}

/// The words behind `hpcsh airgap`, as a script of sh.
fn script(home: &Home, switches: &[&str], text: &str) -> Outcome {
    home.hpcsh(&[&["airgap"], switches, &["--", "sh", "-c", text]].concat())
}

/// The least milliseconds that a line took within it, of several times. Each must fail.
#[track_caller]
fn least(home: &Home, line: &str) -> u128 {
    let text = format!(
        "for i in 1 2 3 4 5; do a=$(date +%s%N); {line} >/dev/null 2>&1 && exit 1; b=$(date +%s%N); echo $(((b - a) / 1000000)); done"
    );
    let outcome = script(home, &[], &text);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    outcome.out.lines().map(|line| line.parse().unwrap()).min().unwrap()
}

#[test]
fn what_needs_the_internet_fails_at_once() {
    for home in homes(&["curl", "git", "python3"]) {
        home.configure("[env]\npresets = [\"failfast\"]\n");
        for line in
            ["curl -sS https://huggingface.co", "curl -sS http://198.51.100.7", "git ls-remote https://github.com/a/b"]
        {
            let took = least(&home, line);
            assert!(took < 100, "{line}: {took} ms");
        }
        let requests = "import time
try: import requests
except ImportError: from pip._vendor import requests
times = []
for url in ['https://huggingface.co', 'http://198.51.100.7', 'http://[2001:db8:1::1]'] * 3:
    before = time.monotonic()
    try: requests.get(url)
    except requests.exceptions.ConnectionError: pass
    times.append(time.monotonic() - before)
print(max(min(times[at::3]) for at in range(3)))";
        let outcome = home.hpcsh(&["airgap", "--", "python3", "-c", requests]);
        assert!(outcome.status == 0 && outcome.out.trim().parse::<f64>().unwrap() < 0.1, "{outcome:?}");
        // What pip waits for the network; to start takes it longer.
        let pip = "import runpy, socket, sys, time
ask, took = socket.getaddrinfo, []
def timed(*words, **named):
    before = time.monotonic()
    try: return ask(*words, **named)
    finally: took.append(time.monotonic() - before)
socket.getaddrinfo = timed
sys.argv = ['pip', 'download', '--no-deps', '--index-url', 'https://index.example', 'no-such-package']
try: runpy.run_module('pip', run_name='__main__')
except SystemExit as end: print(end.code, len(took), sum(took))";
        let took = (0..3).map(|_| {
            let outcome = home.hpcsh(&["airgap", "--", "python3", "-c", pip]);
            let words: Vec<f64> = outcome.out.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            let [code, count, took] = words[words.len() - 3..] else { panic!("{outcome:?}") };
            // It does not try again; some releases of pip ask twice for each try.
            assert!((code, count <= 2.0) == (1.0, true), "{outcome:?}");
            took
        });
        assert!(took.fold(f64::MAX, f64::min) < 0.1, "pip");
    }
}

#[test]
fn what_needs_the_internet_hangs_where_packets_vanish() {
    for home in homes(&["curl", "git", "python3"]) {
        // With it, pip gives up after one try.
        home.configure("env.failfast = false\n");
        let outcome =
            script(&home, &["--hang"], "curl -sS -m 1 https://huggingface.co; curl -sS -m 1 http://198.51.100.7");
        let [name, address, ..] = outcome.err.lines().collect::<Vec<_>>()[..] else { panic!("{outcome:?}") };
        assert!(name.starts_with("curl: (28) Resolving timed out"), "{outcome:?}");
        assert!(address.starts_with("curl: (28)") && outcome.status == 28, "{outcome:?}");
        let told = "hpcsh: asked for without internet:\n  huggingface.co   1 ×  curl\n  198.51.100.7:80  1 ×  curl\n";
        assert!(outcome.err.ends_with(told), "{outcome:?}");
        // Each would go on for ten seconds at least, and pip, which takes longer to begin, for a minute.
        let text = "for line in \"$@\"; do (timeout $line >/dev/null 2>&1; echo $?) & done; wait";
        let get = home.write(
            "get.py",
            "try: import requests\nexcept ImportError: from pip._vendor import requests\nrequests.get('https://pypi.org')\n",
        );
        let get = format!("9 python3 {}", get.display());
        let patient = [
            "6 git ls-remote https://github.com/a/b",
            "6 git ls-remote git://198.51.100.9/a",
            "15 python3 -m pip download --index-url https://index.example no-such-package",
            &get,
        ];
        let outcome = home.hpcsh(&[&["airgap", "--hang", "--", "sh", "-c", text, "sh"], &patient[..]].concat());
        assert_eq!(outcome.out, "124\n".repeat(4), "{outcome:?}");
        for host in ["github.com", "198.51.100.9:9418", "index.example", "pypi.org"] {
            assert!(outcome.err.contains(&format!("\n  {host} ")), "{host}: {outcome:?}");
        }
    }
}

const SERVERS: &str = "import socket, sys
for family, address in [(socket.AF_INET, ('127.0.0.1', 0)), (socket.AF_INET6, ('::1', 0)), (socket.AF_UNIX, sys.argv[1])]:
    server = socket.socket(family)
    server.bind(address)
    server.listen()
    client = socket.socket(family)
    client.connect(server.getsockname())
    print('connected')
print(socket.gethostbyname('localhost'), socket.gethostbyname(socket.gethostname()) != '')";

#[test]
fn loopback_and_unix_sockets_work() {
    for home in homes(&["python3"]) {
        for switches in [&[][..], &["--hang"]] {
            let socket = home.path().join(format!("socket{}", switches.len()));
            let words = ["--", "python3", "-c", SERVERS, socket.to_str().unwrap()];
            let mut wanted = "connected\nconnected\nconnected\n127.0.0.1 True\n".to_owned();
            if !switches.is_empty() {
                // The node's own name may have to be asked for, and is then never answered.
                wanted.truncate(30);
            }
            let words =
                if switches.is_empty() { words.to_vec() } else { [&["--", "timeout", "3"], &words[1..]].concat() };
            let outcome = home.hpcsh(&[&["airgap"], switches, &words].concat());
            assert!(outcome.out.starts_with(&wanted), "{outcome:?}");
        }
        // One that somebody outside serves.
        let path = home.path().join("outside");
        let _server = std::os::unix::net::UnixListener::bind(&path).unwrap();
        if home.path().metadata().is_ok() {
            let open: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o777);
            fs::set_permissions(&path, open).unwrap();
        }
        let connect = format!("import socket; socket.socket(socket.AF_UNIX).connect('{}')", path.display());
        assert_eq!(home.hpcsh(&["airgap", "--", "python3", "-c", &connect]).status, 0);
    }
}

#[test]
fn the_status_is_the_commands() {
    for home in homes(&[]) {
        for (text, status) in
            [("exit 0", 0), ("exit 7", 7), ("exit 124", 124), ("kill -9 $$", 137), ("kill -2 $$", 130)]
        {
            let outcome = script(&home, &[], text);
            assert_eq!((outcome.status, outcome.err.as_str()), (status, NOTHING), "{text}");
        }
        home.write("none.sh", "echo \"$1\"\n");
        let plain = home.write("plain", "");
        let open: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(home.path().join("none.sh"), open).unwrap();
        let ours = |words: &[&str]| home.hpcsh(&[&["airgap"], words].concat());
        assert_eq!(ours(&["./none.sh", "as a shell does"]).out, "as a shell does\n");
        let missing = ours(&["no-such-command"]);
        assert_eq!((missing.status, missing.err.as_str()), (127, "error: no-such-command: command not found\n"));
        assert_eq!(ours(&["./plain"]).status, 126, "{}", plain.display());
        // The directories of PATH are no commands.
        assert_eq!(ours(&["--", ""]).status, 127);
        for words in [&["--no-such"][..], &[], &["--report", "/no/such/dir/file", "true"]] {
            let outcome = ours(words);
            assert!(outcome.status == 125 && outcome.err.starts_with("error: "), "{outcome:?}");
        }
        // Words of the command's that could be ours, and what is no text.
        assert_eq!(ours(&["--", "echo", "--hang", "--config", "x"]).out, "--hang --config x\n");
    }
}

#[test]
fn signals_reach_the_command() {
    for home in homes(&[]) {
        let text = "trap 'echo caught; exit 9' TERM; trap 'echo two' USR2; echo ready; while :; do sleep 0.05; done";
        let mut child = home
            .command(PROGRAM)
            .args(["airgap", "--", "sh", "-c", text])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut line = || lines.next().unwrap().unwrap();
        assert_eq!(line(), "ready");
        let send = |signal| kill_process(Pid::from_child(&child), signal).unwrap();
        send(Signal::USR2);
        assert_eq!(line(), "two");
        send(Signal::TERM);
        assert_eq!(line(), "caught");
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(9), NOTHING));
    }
}

/// Says that it has begun, and that it goes on after it was stopped: from then on each key reaches it. (A shell that is just starting `sleep`
/// loses them: dash's `vfork`.)
const SLEEPER: &str = "python3 -c 'import signal as s; s.signal(s.SIGINT, s.SIG_DFL); s.pthread_sigmask(s.SIG_BLOCK, [s.SIGCONT]); \
    print(\"be\" \"gun\", flush=True); s.sigwait([s.SIGCONT]); print(\"go\" \"es on\", flush=True); s.pause()'";

#[test]
fn a_shell_inside_has_the_terminal() {
    if homes(&["bash", "python3"]).is_empty() {
        return;
    }
    let home = Home::new();
    let mut command = home.command("bash");
    command.args(["--norc", "-i"]).env("PS1", "ready> ");
    let mut terminal = Terminal::start(&command);
    terminal.expect("ready> ");
    // In our own group: keys reach both, and we stay for the last word.
    let sleep = format!("{PROGRAM} airgap -- {SLEEPER}\r");
    terminal.send(&sleep);
    terminal.expect("begun");
    terminal.send("\x03");
    terminal.expect("nothing outside");
    terminal.send("echo status:$?\r");
    terminal.expect("status:130");
    terminal.send(&sleep);
    terminal.expect("begun");
    terminal.send("\x1a");
    terminal.expect("Stopped");
    terminal.send("fg\r");
    terminal.expect("goes on");
    terminal.send("\x03");
    terminal.expect("nothing outside");
    // A shell has groups of its own.
    terminal.send(&format!("{PROGRAM} airgap -- bash --norc -i\r"));
    terminal.expect("ready> ");
    terminal.send("echo node:$HPCSH_NODE\r");
    terminal.expect("node:offline");
    terminal.send(&format!("{SLEEPER}\r"));
    terminal.expect("begun");
    terminal.send("\x1a");
    terminal.expect("Stopped");
    terminal.run("kill %1");
    terminal.send(&format!("{SLEEPER}\r"));
    terminal.expect("begun");
    terminal.send("\x03");
    terminal.send("echo status:$?\r");
    terminal.expect("status:130");
    terminal.send("exit 5\r");
    terminal.expect("nothing outside");
    terminal.send("echo status:$?\r");
    terminal.expect("status:5");
    terminal.leave();
}

/// How many processes are in this network: `net:[…]`.
fn in_network(network: &str) -> usize {
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path().join("ns/net")).ok());
    processes.filter(|found| found == Path::new(network)).count()
}

#[test]
fn nothing_is_left_behind() {
    for home in homes(&[]) {
        let outcome = script(&home, &["--hang"], "readlink /proc/self/ns/net; touch $XDG_RUNTIME_DIR/hpcsh/inside");
        let network = outcome.out.trim();
        assert!(network.starts_with("net:[") && in_network(network) == 0, "{outcome:?}");
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(home.run().to_str().unwrap()), "{mounts}");
        assert!(!home.run().join("hpcsh/inside").exists());
        // Killed, it takes the command with it.
        let mut child = home
            .command(PROGRAM)
            .args(["airgap", "--", "sh", "-c", "readlink /proc/self/ns/net; exec sleep 100"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut network = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut network).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let begun = Instant::now();
        while in_network(network.trim()) > 0 {
            assert!(begun.elapsed() < Duration::from_secs(10), "{network}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn the_nodes_verdict_is_neither_read_nor_changed() {
    for home in homes(&[]) {
        let seen = || {
            let mut files: Vec<_> = fs::read_dir(home.run().join("hpcsh"))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .map(|path| (path.clone(), fs::read(path).unwrap()))
                .collect();
            files.sort();
            files
        };
        script(&home, &[], "true");
        for file in fs::read_dir(home.run().join("hpcsh")).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        fs::write(home.run().join("hpcsh/mine"), "as it was").unwrap();
        let before = seen();
        let text = format!(
            "ls $XDG_RUNTIME_DIR/hpcsh; env -u HPCSH_OFFLINE -u HPCSH_NO_PROBE {PROGRAM} status --refresh --json"
        );
        let outcome = script(&home, &[], &text);
        assert!(!outcome.out.contains("mine") && outcome.out.contains("\"verdict\": \"offline\""), "{outcome:?}");
        assert_eq!(seen(), before);
    }
}

#[test]
fn the_environment_is_that_of_a_node_that_is_offline() {
    for home in homes(&[]) {
        home.configure("[env.offline]\nA = \"off line\"\n[env.online]\nB = \"on\"\n[env.set]\nMINE = \"theirs\"\n");
        let inside = |switches: &[&str]| {
            let words = [&["airgap"], switches, &["--", "env"]].concat();
            let outcome = run(home.command(PROGRAM).env("MINE", "my own").args(words));
            let mut lines: Vec<String> = outcome.out.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let offline = inside(&[]);
        for line in ["A=off line", "HPCSH_NODE=offline", "HPCSH_OFFLINE=1", "MINE=my own"] {
            assert!(offline.contains(&line.to_owned()), "{line}: {offline:?}");
        }
        assert!(!offline.iter().any(|line| line.starts_with("B=")), "{offline:?}");
        let mut kept: Vec<String> =
            run(home.command("env").env("MINE", "my own")).clean().lines().map(str::to_owned).collect();
        kept.sort();
        assert_eq!(inside(&["--keep-env"]), kept);
    }
}

/// A script of root's, of this namespace at least, with its own mounts; the words are its `$@`.
fn as_root(home: &Home, text: &str, words: &[&str]) -> Outcome {
    let mut command = home.command("unshare");
    if !is_root() {
        command.arg("--map-root-user");
    }
    run(command.args(["--mount", "sh", "-c", text, "sh"]).args(words))
}

#[test]
fn the_report_tells_who_asked_for_what() {
    if homes(&["python3", "unshare", "setpriv"]).is_empty() {
        return;
    }
    let ask = "import socket
def ask(name):
    try: socket.getaddrinfo(name, 443)
    except socket.gaierror as error: assert error.errno in (socket.EAI_NONAME, socket.EAI_NODATA), error
for name in ['huggingface.co', 'pypi.org', 'huggingface.co', 'www.localhost']: ask(name)
for address in ['198.51.100.7', '2001:db8:1::1']:
    try: socket.create_connection((address, 443))
    except OSError as error: assert error.errno == 101, error
message = b'\\0\\7\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\3tcp\\4test\\0\\0\\1\\0\\1'
for family, address in [(socket.AF_INET, '127.0.0.1'), (socket.AF_INET, '127.0.0.53'), (socket.AF_INET6, '::1')]:
    stream = socket.socket(family)
    stream.connect((address, 53))
    stream.sendall(bytes([0, len(message)]) + message)
    assert stream.recv(999)[5] & 15 == 3";
    for home in [Some(Home::new()), Home::of_nobody()].into_iter().flatten() {
        let file = home.write("ask.py", ask);
        let own = home.write("resolv", "nameserver 192.0.2.1\nsearch lab.example example\noptions ndots:5\n");
        let report = home.run().join("report.json");
        let text = "mount --bind \"$1\" /etc/resolv.conf; shift; exec \"$@\"";
        let user = if Home::of_nobody().is_some() && report.metadata().is_err() && home_is_nobodys(&home) {
            &["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"][..]
        } else {
            &["env"]
        };
        let words = [
            &[own.to_str().unwrap()],
            user,
            &[PROGRAM, "airgap", "--report", report.to_str().unwrap(), "--", "python3", file.to_str().unwrap()],
        ]
        .concat();
        // As root: the mount. Then as who the home belongs to.
        let root = Home::new();
        let mut command = root.command("unshare");
        if !is_root() {
            command.arg("--map-root-user");
        }
        command.env("HOME", home.path()).env("XDG_RUNTIME_DIR", home.run()).env("HPCSH_LOCAL_DIR", home.local());
        let outcome = run(command.args(["--mount", "sh", "-c", text, "sh"]).args(words));
        let told = "hpcsh: asked for without internet:\n  \
                    tcp.test        3 ×  python3 ask.py\n  \
                    huggingface.co  2 ×  python3 ask.py\n  \
                    pypi.org        1 ×  python3 ask.py\n\
                    hpcsh: 2 times an address was asked for by number, the kernel does not say which\n";
        assert_eq!((outcome.err.as_str(), outcome.status), (told, 0), "{outcome:?}");
        let json: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
        assert_eq!(json["hosts"][1]["host"], "huggingface.co");
        assert_eq!(json["hosts"][1]["programs"][0]["count"], 2);
        assert_eq!(
            (&json["network"], &json["nameless"], &json["status"]),
            (&"unreachable".into(), &2.into(), &0.into())
        );
    }
}

fn home_is_nobodys(home: &Home) -> bool {
    std::os::unix::fs::MetadataExt::uid(&fs::metadata(home.path()).unwrap()) == crate::support::NOBODY
}

#[test]
fn daemons_outside_are_covered_unless_they_are_allowed() {
    if homes(&["python3", "unshare"]).is_empty() {
        return;
    }
    let text = "set -e
        mount -t tmpfs x /run; mkdir /run/nscd
        python3 -c \"import socket, time; s = socket.socket(socket.AF_UNIX); s.bind('/run/nscd/socket'); s.listen(); time.sleep(60)\" &
        trap \"kill $!\" EXIT
        for i in $(seq 200); do [ -S /run/nscd/socket ] && break; sleep 0.05; done
        connect=\"import socket; print(socket.socket(socket.AF_UNIX).connect_ex('/run/nscd/socket'))\"
        \"$1\" airgap -- python3 -c \"$connect\"; \"$1\" airgap --allow-unix -- python3 -c \"$connect\"";
    let home = Home::new();
    let outcome = as_root(&home, text, &[PROGRAM]);
    assert_eq!((outcome.out.as_str(), outcome.status), ("111\n0\n", 0), "{outcome:?}");
}

#[test]
fn a_rehearsal_can_be_rehearsed() {
    for home in homes(&[]) {
        let outcome = home.hpcsh(&["airgap", "--", PROGRAM, "airgap", "--", "sh", "-c", "exit 3"]);
        assert_eq!((outcome.status, outcome.err.as_str()), (3, format!("{NOTHING}{NOTHING}").as_str()));
    }
}

#[test]
fn a_kernel_that_forbids_it_is_quoted_with_the_remedy() {
    if homes(&["unshare", "setpriv"]).is_empty() {
        return;
    }
    // The setting of a user namespace of its own: that of the machine stays.
    let text = "echo 0 >/proc/sys/user/max_user_namespaces
        exec setpriv --inh-caps=-all --bounding-set=-all \"$@\"";
    let home = Home::new();
    let mut command: Command = home.command("unshare");
    let outcome = run(command.args(["--map-root-user", "sh", "-c", text, "sh", PROGRAM, "airgap", "true"]));
    let wanted = "error: the kernel allows no network of one's own here: user.max_user_namespaces is 0\nhint: as root: \
                  sysctl -w user.max_user_namespaces=15000, and the same in /etc/sysctl.d to keep it\n";
    assert_eq!((outcome.err.as_str(), outcome.status), (wanted, 125));
}

/// In a container that has dropped all capabilities, as Kubernetes' restricted ones do.
#[test]
fn a_root_without_capabilities_is_told_which_one_it_lacks() {
    if !is_root() || homes(&["setpriv"]).is_empty() {
        return;
    }
    let home = Home::new();
    let bare = |words: &[&str]| run(home.command("setpriv").args(words).args([PROGRAM, "airgap", "true"]));
    let outcome = bare(&["--inh-caps=-all", "--bounding-set=-all"]);
    let wanted = "error: the kernel allows no network of one's own here: root without CAP_SETFCAP cannot be itself in a user \
                  namespace (Linux 5.12)\nhint: as an ordinary user; or start the container with --cap-add SETFCAP\n";
    assert_eq!((outcome.err.as_str(), outcome.status), (wanted, 125));
    let outcome = bare(&["--inh-caps=-sys_admin", "--bounding-set=-sys_admin"]);
    assert_eq!((outcome.err.as_str(), outcome.status), (NOTHING, 0));
}
