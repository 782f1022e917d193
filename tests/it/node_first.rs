//! The first look of a node: who waits for it, how long, how often it is made. And what a job inherits from a login node.
//!
//! Each test is in a network namespace without a way out, with a server of its own on loopback that takes its time.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::node::{CONFIG, NAMES, Node, Shell, shown, turn, until};
use crate::shells::Shell as Posix;
use crate::support::{Home, PROGRAM, has, is_root, run, skip};
use crate::terminal::Terminal;

/// Answers each request with "ok" after some seconds, and writes a line for each connection.
const SERVER: &str = "
import socket, sys, threading, time
wait, log = float(sys.argv[1]), open(sys.argv[2], 'a', buffering=1)
server = socket.create_server(('127.0.0.1', 8080), backlog=64)
open(sys.argv[2] + '.ready', 'w')
def answer(peer):
    log.write('connection\\n')
    peer.recv(1000)
    time.sleep(wait)
    peer.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok')
    peer.close()
while True:
    threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()
";
/// A default route by which everything is lost.
const ROUTE: &str =
    "ip link set lo up; ip link add out type veth peer name nowhere; ip link set out up; ip link set nowhere up
    ip addr add 192.0.2.2/24 dev out; ip route add default via 192.0.2.1
    ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev out nud permanent";

pub fn can_make_namespaces() -> bool {
    let can = is_root()
        && has("python3")
        && has("ip")
        && run(Command::new("unshare").args(["--net", "--mount", "--uts", "ip", "link", "add", "x", "type", "veth"]))
            .status
            == 0;
    if !can {
        skip("no namespaces can be made here");
    }
    can
}

/// A command of the home that runs in a network with such a server; `$1` and so on are its words.
fn world(home: &Home, wait: f32, inner: &Command) -> Command {
    let server = home.write("server.py", SERVER);
    let log = home.path().join("connections");
    let _ = fs::remove_file(home.path().join("connections.ready"));
    let script = format!(
        "{ROUTE}
        python3 '{}' {wait} '{}' </dev/null >/dev/null 2>&1 &
        server=$!; trap 'kill $server' EXIT
        for _ in $(seq 200); do [ -e '{}.ready' ] && break; sleep 0.05; done
        \"$@\"",
        server.display(),
        log.display(),
        log.display(),
    );
    let mut command = home.command("unshare");
    command.args(["--net", "--mount", "sh", "-c", &script, "sh"]).arg(inner.get_program()).args(inner.get_args());
    command.env_remove("HPCSH_NO_PROBE");
    command
}

fn connections(home: &Home) -> usize {
    fs::read_to_string(home.path().join("connections")).unwrap_or_default().lines().count()
}

/// One target, the server; more of `[node]` behind it.
fn configured(more: &str) -> Home {
    let home = Home::new();
    home.configure(&format!(
        "{CONFIG}[node]\ntargets = [\"http://127.0.0.1:8080/up ok\"]\ndeadline = \"8s\"\n{more}\n"
    ));
    home
}

fn sh(home: &Home, script: &str) -> Command {
    let mut command = home.command("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn a_login_waits_a_moment_and_a_job_until_it_is_known() {
    if !can_make_namespaces() {
        return;
    }
    let home = configured("first_wait = \"300ms\"");
    // Two logins, a job and one more: what is known to each, and how many tenths of a second that took.
    let script = format!(
        "now() {{ cut -c1-2 /proc/self/stat >/dev/null; date +%s%N | cut -c1-11; }}
        init() {{ before=$(now); fact=$('{PROGRAM}' init bash --print | grep -o \"_hpcsh_fact='[a-z]*'\"); echo \"$fact $(($(now) - before))\"; }}
        init; init
        before=$(now); eval \"$('{PROGRAM}' env)\"; echo \"$HPCSH_NODE [$HF_HUB_OFFLINE] $(($(now) - before))\"
        init"
    );
    let out = run(&mut world(&home, 2.5, &sh(&home, &script))).clean();
    let lines: Vec<(&str, i64)> = out
        .lines()
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(what, took)| (what, took.parse().unwrap()))
        .collect();
    assert_eq!(lines[0].0, "_hpcsh_fact='unknown'", "{out}");
    assert!((2..=18).contains(&lines[0].1), "first_wait, and no more: {out}");
    assert_eq!(lines[1].0, "_hpcsh_fact='unknown'", "{out}");
    assert!(lines[1].1 <= lines[0].1 + 1 && lines[1].1 < 10, "the second one does not wait: {out}");
    assert_eq!(lines[2].0, "online []", "{out}");
    assert!(lines[2].1 <= 60, "{out}");
    assert_eq!(lines[3].0, "_hpcsh_fact='online'", "{out}");
    assert_eq!(connections(&home), 1, "{out}");
}

#[test]
fn a_shell_that_is_not_interactive_waits() {
    if !can_make_namespaces() {
        return;
    }
    for shell in Shell::all() {
        let home = configured("first_wait = \"100ms\"");
        let script = match shell {
            Shell::Fish => format!("'{PROGRAM}' init fish | source; echo \"$HPCSH_NODE [$HF_HUB_OFFLINE]\""),
            _ => format!("eval \"$('{PROGRAM}' init {})\"; echo \"$HPCSH_NODE [$HF_HUB_OFFLINE]\"", shell.name()),
        };
        let mut inner = home.command(shell.name());
        if shell == Shell::Zsh {
            inner.arg("-f");
        }
        inner.arg("-c").arg(&script);
        let out = run(&mut world(&home, 0.6, &inner)).clean();
        assert_eq!(out, "online []\n", "{}", shell.name());
        assert_eq!(connections(&home), 1, "{}", shell.name());
    }
}

/// What the node knew hours ago is not what holds for a shell that has no next prompt to mend it.
#[test]
fn a_shell_that_is_not_interactive_takes_no_expired_verdict() {
    for shell in Shell::all() {
        let node = Node::new(CONFIG);
        // The program in the script's place, which finds out by a look that the node is online.
        let program = node.stand_in("echo online");
        let change = format!("'{PROGRAM}' init --print {} | sed 's|{PROGRAM}|{}|'", shell.name(), program.display());
        let script = match shell {
            Shell::Fish => format!("{change} | source; echo $HPCSH_NODE"),
            _ => format!("eval \"$({change})\"; echo $HPCSH_NODE"),
        };
        for (left, found, asked) in [(200, "offline", 0), (-5, "online", 1)] {
            node.keep("offline", left);
            let mut command = node.home.command(shell.name());
            command.args(if shell == Shell::Zsh { &["-f", "-c"][..] } else { &["-c"] }).arg(&script);
            assert_eq!(run(&mut command).clean(), format!("{found}\n"), "{}", shell.name());
            assert_eq!(node.started().len(), asked, "{}", shell.name());
        }
    }
}

#[test]
fn fifty_at_once_look_once() {
    if !can_make_namespaces() {
        return;
    }
    let home = configured("first_wait = \"50ms\"");
    let script = format!(
        "for i in $(seq 25); do
            '{PROGRAM}' env >env.$i 2>&1 &
            '{PROGRAM}' init zsh --print >init.$i 2>&1 &
        done
        # The server of this network is no child of this shell.
        wait
        cat env.* | grep -c 'HPCSH_NODE=.online'
        cat init.* | grep -c \"_hpcsh_fact='unknown'\\|_hpcsh_fact='online'\"
        '{PROGRAM}' status | head -n 1; ls \"$XDG_RUNTIME_DIR/hpcsh\""
    );
    let out = run(&mut world(&home, 1.5, &sh(&home, &script))).clean();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[..3], ["25", "25", "online (http://127.0.0.1:8080/up answered)"], "{out}");
    // Nothing half written is left.
    let left: Vec<&str> = lines[3..].iter().map(|name| name.rsplit('-').next().unwrap()).collect();
    assert_eq!(left, ["attempts", "verdict"], "{out}");
    assert_eq!(connections(&home), 1, "{out}");
}

/// What a terminal of a person shows while the first look is under way, and then.
#[test]
fn the_first_shell_of_a_node_follows_the_look() {
    if !can_make_namespaces() {
        return;
    }
    for shell in Shell::all() {
        let name = shell.name();
        let home = configured("first_wait = \"50ms\"");
        let mut terminal = Terminal::start(&world(&home, 4.0, &shell.command(&home, "", "")));
        assert_eq!(shown(&mut terminal, &NAMES), "unknown|1|1|offline?", "{name}");
        until("the verdict", || {
            home.run()
                .join("hpcsh")
                .read_dir()
                .unwrap()
                .flatten()
                .any(|file| file.file_name().to_str().unwrap().ends_with("-verdict"))
        });
        turn(shell, &mut terminal);
        assert_eq!(shown(&mut terminal, &NAMES), "online|||", "{name}");
        assert_eq!(connections(&home), 1, "{name}");
        terminal.leave();

        let home = configured("first_wait = \"50ms\"\nunknown = \"online\"");
        let mut terminal = Terminal::start(&world(&home, 2.0, &shell.command(&home, "", "")));
        assert_eq!(shown(&mut terminal, &NAMES), "unknown|||offline?", "{name}: unknown counts as online");
        terminal.leave();
    }
}

/// What looks in the background: in a session of its own, its streams at /dev/null, with nothing of the shell's open.
#[test]
fn what_looks_in_the_background_holds_nothing() {
    if !can_make_namespaces() {
        return;
    }
    for shell in Shell::all() {
        let name = shell.name();
        let home = configured("first_wait = \"3s\"\nttl = \"1s\"");
        let rest = if shell == Shell::Fish { "" } else { "exec 7</etc/passwd" };
        let mut terminal = Terminal::start(&world(&home, 0.5, &shell.command(&home, "", rest)));
        assert_eq!(shown(&mut terminal, &["HPCSH_NODE"]), "online", "{name}");
        let lock = || {
            let files = home.run().join("hpcsh").read_dir().unwrap().flatten();
            let lock = files.map(|file| file.path()).find(|path| path.to_str().unwrap().ends_with("-lock"))?;
            let text = fs::read_to_string(lock).ok()?;
            text.split(' ').next()?.parse::<u32>().ok()
        };
        let mut seen = None;
        until("a process that looks", || {
            if lock().is_none() {
                turn(shell, &mut terminal);
            }
            let Some(id) = lock() else { return false };
            let process = Path::new("/proc").join(id.to_string());
            let Ok(stat) = fs::read_to_string(process.join("stat")) else { return false };
            let words: Vec<String> = stat.rsplit(") ").next().unwrap().split(' ').map(str::to_owned).collect();
            let files: Vec<_> = process.join("fd").read_dir().map(Iterator::collect).unwrap_or_default();
            let files = files.into_iter().flatten().filter_map(|file: fs::DirEntry| fs::read_link(file.path()).ok());
            let files: Vec<String> = files.map(|file| file.display().to_string()).collect();
            // It is at its work: it talks to the server.
            if !files.iter().any(|file| file.starts_with("socket:")) {
                return false;
            }
            seen = Some((id.to_string() == words[3], words[4].clone(), files));
            true
        });
        let (leads_its_session, terminal_number, files) = seen.unwrap();
        assert!(leads_its_session, "{name}");
        assert_eq!(terminal_number, "0", "{name}");
        let others: Vec<&String> =
            files.iter().filter(|file| *file != "/dev/null" && !file.starts_with("socket:")).collect();
        assert!(others.is_empty(), "{name}: {files:?}");
        terminal.leave();
    }
}

/// A batch system carries the login node's environment to a node of another name in another network, which has no way out.
#[test]
fn a_job_gets_its_own_nodes_variables() {
    if !can_make_namespaces() {
        return;
    }
    let home = Home::new();
    home.configure(&format!(
        "{CONFIG}[env.set]\nMINE = \"ours\"\n[env.online]\nMIRROR = \"public\"\n[env.offline]\nMIRROR = \"inner\"\n[path]\nprepend = [\"/first\"]\n[node]\nonline_hosts = [\"login*\"]\n"
    ));
    let login = "hostname login1; exec \"$@\"";
    for shell in Posix::ALL {
        let name = shell.name();
        home.write(shell.rc(), shell.line());
        let inner = shell.interactive(&home);
        let mut outer = home.command("unshare");
        outer.args(["--uts", "--net", "sh", "-c", login, "sh"]).arg(inner.get_program()).args(inner.get_args());
        outer.args(["-c", "MINE=changed; export HPCSH_STORAGE=stale VIRTUAL_ENV=/gpfs/env; exec env -0"]);
        let out = run(&mut outer).out;
        let carried: Vec<(&str, &str)> = out.split('\0').filter_map(|pair| pair.split_once('=')).collect();
        let of = |name: &str| carried.iter().find(|(found, _)| *found == name).map(|(_, value)| *value);
        assert_eq!(
            (of("HPCSH_NODE"), of("HF_HUB_OFFLINE"), of("MIRROR")),
            (Some("online"), None, Some("public")),
            "{name}"
        );

        let show = "echo \"$HPCSH_NODE|$HF_HUB_OFFLINE|$MIRROR|$MINE|${HPCSH_STORAGE-none}|$VIRTUAL_ENV\"";
        let env = format!("eval \"$('{PROGRAM}' env)\"; {show}");
        let init = |shell: &str| format!("eval \"$('{PROGRAM}' init {shell})\"; {show}");
        for (words, script) in [
            (&["dash"][..], env.clone()),
            (&["bash", "--norc"], env.clone()),
            (&["zsh", "-f"], env.clone()),
            (&["bash", "--norc"], init("bash")),
            (&["zsh", "-f"], init("zsh")),
        ] {
            let mut job = Command::new("unshare");
            job.args(["--uts", "--net", "sh", "-c", "hostname gpu1; exec \"$@\"", "sh"]);
            job.args(words).arg("-c").arg(&script).env_clear().envs(carried.iter().copied());
            job.env_remove("HPCSH_NO_PROBE").current_dir(home.path());
            let out = run(&mut job).clean();
            assert_eq!(out, "offline|1|inner|changed|none|/gpfs/env\n", "from {name}: {words:?}: {script}");
        }
        if has("fish") {
            let mut job = Command::new("unshare");
            let script =
                format!("'{PROGRAM}' init fish | source; {}", show.replace("${HPCSH_STORAGE-none}", "$HPCSH_STORAGE"));
            job.args(["--uts", "--net", "sh", "-c", "hostname gpu1; exec fish -c \"$1\"", "sh", &script]);
            job.env_clear().envs(carried.iter().copied()).env_remove("HPCSH_NO_PROBE").current_dir(home.path());
            assert_eq!(run(&mut job).clean(), "offline|1|inner|changed||/gpfs/env\n", "from {name}: fish");
        }
    }
}
