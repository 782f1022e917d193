//! The process behind a server: started or named, ended at any moment, told of signals, left alone when it is ready.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::server::{Act, answer, free_port, listen};
use super::{events, first, wait, waited};
use crate::support::{Home, Outcome, PROGRAM, run};
use crate::terminal::Terminal;

const PATIENCE: Duration = Duration::from_secs(20);

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn ended(child: Child) -> Outcome {
    let output = child.wait_with_output().unwrap();
    Outcome {
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        status: output.status.code().unwrap_or(-1),
    }
}

fn is_alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Started with pipes for what it says.
fn start(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Closed, loading, silent: and the process ends before, while and after it is asked.
#[test]
fn the_end_of_the_process_ends_the_waiting_at_each_moment() {
    let (loading, _) = listen("127.0.0.1:0", |_, _| answer("503 Service Unavailable", "", ""));
    let (silent, _) = listen("127.0.0.1:0", |_, _| Act::Stall(String::new()));
    for port in [free_port(), loading, silent] {
        for pause in ["0", "0.01", "0.05", "0.2", "0.6"] {
            let script = format!("sleep {pause}; exit 3");
            let started = Instant::now();
            let outcome = waited(&[&port.to_string(), "--", "sh", "-c", &script]);
            let took = started.elapsed();
            let told = format!("error: `sh -c {script}` ended with status 3 before the server was ready\n");
            assert!(outcome.err.ends_with(&told), "{port} {pause}: {}", outcome.err);
            assert_eq!((outcome.out.as_str(), outcome.status), ("", 1));
            // The pause and, where the port is silent, the look before the start.
            assert!(took < Duration::from_secs(3), "{port} {pause}: {took:?}");

            let child = Command::new("sh").args(["-c", &script]).spawn().unwrap();
            // It is a zombie then: nobody waits for it.
            let outcome = waited(&[&port.to_string(), "--pid", &child.id().to_string()]);
            let told = format!("error: process {} ended with status 3 before the server was ready\n", child.id());
            assert!(outcome.err.ends_with(&told), "{port} {pause}: {}", outcome.err);
            assert_eq!(outcome.status, 1);
            drop(child);
        }
    }
}

#[test]
fn a_process_that_is_not_there_has_ended() {
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let outcome = waited(&["--pid", &child.id().to_string(), &free_port().to_string()]);
    let told = format!("error: there is no process {}: it has ended\n", child.id());
    assert_eq!((outcome.err, outcome.status), (told, 1));
}

#[test]
fn a_signal_that_ended_it_is_named() {
    let outcome = waited(&[&free_port().to_string(), "--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(outcome.status, 1);
    assert!(outcome.err.contains("was ended by signal 9 (SIGKILL"), "{}", outcome.err);
}

#[test]
fn what_cannot_be_started_is_told_by_the_exit_code() {
    let port = free_port().to_string();
    let outcome = waited(&[&port, "--", "no-such-command-of-mine"]);
    assert_eq!((outcome.err.as_str(), outcome.status), ("error: there is no command no-such-command-of-mine\n", 127));
    let outcome = waited(&[&port, "--", "/etc/passwd"]);
    assert_eq!(outcome.status, 126, "{outcome:?}");
    let outcome = waited(&[&port, "--log", "/nowhere/at/all", "--", "true"]);
    assert_eq!(outcome.status, 125, "{outcome:?}");
    // Another server is there already: the command's could only fail.
    let (port, _) = listen("127.0.0.1:0", |_, _| answer("200 OK", "", ""));
    let outcome = waited(&[&port.to_string(), "--", "sh", "-c", "echo started"]);
    assert_eq!((outcome.out.as_str(), outcome.status), ("", 125), "{outcome:?}");
}

/// A server that is ready a moment after its start, in Python.
const SERVER: &str = r#"
import http.server, os, signal, sys, time
def told(number, frame):
    print("signal", number, flush=True)
    if number == signal.SIGTERM: os._exit(5)
for number in signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1: signal.signal(number, told)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *words): pass
print("Loading weights", os.getpid(), flush=True)
end = time.time() + float(sys.argv[2])
while time.time() < end: time.sleep(0.01)
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print("Serving", flush=True)
server.serve_forever()
"#;

fn pid_in(log: &Path) -> Option<String> {
    let text = fs::read_to_string(log).unwrap_or_default();
    Some(text.split_once("Loading weights ")?.1.lines().next()?.to_owned())
}

/// Its output is the log's, no pipe of ours: it writes on when we are gone.
#[test]
fn a_command_runs_on_when_its_server_is_ready() {
    let home = Home::new();
    let program = home.write("server.py", SERVER);
    let log = home.write("log", "an older line about loading\n");
    let port = free_port().to_string();
    let words = ["--log", "log", &port, "--", "python3", program.to_str().unwrap(), &port, "0.2"];
    let outcome = run(&mut wait(&home, &words));
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert_eq!(outcome.out, "");
    let rest = outcome.err.strip_prefix(&first(port.parse().unwrap())).unwrap();
    assert!(rest.is_empty() || rest.starts_with("hpcsh wait: log: Loading weights "), "{rest}");
    let pid = pid_in(&log).unwrap();
    assert!(is_alive(&pid));
    run(Command::new("kill").args(["-USR1", &pid]));
    until("it writes into its log", || fs::read_to_string(&log).unwrap().contains("signal 10"));
    assert!(fs::read_to_string(&log).unwrap().starts_with("an older line"), "nothing of the log is lost");
    run(Command::new("kill").args(["-9", &pid]));
}

#[test]
fn without_a_log_it_has_our_streams() {
    let home = Home::new();
    let port = free_port().to_string();
    let (out, err) = (home.path().join("out"), home.path().join("err"));
    let script = "read line; echo \"got $line\"; echo talk >&2; exit 4";
    let status = wait(&home, &[&port, "--", "sh", "-c", script])
        .stdin(fs::File::open(home.write("in", "this\n")).unwrap())
        .stdout(fs::File::create(&out).unwrap())
        .stderr(fs::File::create(&err).unwrap())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(fs::read_to_string(&out).unwrap(), "got this\n");
    assert!(fs::read_to_string(&err).unwrap().contains("talk\n"));
}

#[test]
fn the_last_lines_of_the_log_are_printed() {
    let home = Home::new();
    let port = free_port().to_string();
    let script = "for n in $(seq 100); do echo line $n; done; printf '\\033[31mout of memory\\033[0m\\n' >&2; exit 1";
    let outcome = run(&mut wait(&home, &["--log", "log", &port, "--", "sh", "-c", script]));
    assert_eq!(outcome.status, 1);
    let lines = "the last lines of log:\n  line 82\n";
    assert!(
        outcome.err.contains(lines) && outcome.err.contains("  line 100\n  out of memory\nerror: "),
        "{}",
        outcome.err
    );
    // Of a log that is rotated meanwhile, both parts.
    let log = home.write("rotating", "before\n");
    let mut server = Command::new("sleep").arg("1.5").spawn().unwrap();
    let words = ["--log", "rotating", &port, "--pid", &server.id().to_string()];
    let waiting = start(&mut wait(&home, &words));
    std::thread::sleep(Duration::from_millis(300));
    fs::rename(&log, home.path().join("rotating.1")).unwrap();
    home.write("rotating", "Capturing CUDA graphs\nafter\n");
    server.wait().unwrap();
    let outcome = ended(waiting);
    assert!(
        outcome.err.contains("the last lines of rotating:\n  before\n  Capturing CUDA graphs\n  after\n"),
        "{outcome:?}"
    );
    assert!(outcome.err.contains("hpcsh wait: log: Capturing CUDA graphs, after "), "{outcome:?}");
    assert!(outcome.err.ends_with(" before the server was ready\n"), "{outcome:?}");
}

#[test]
fn the_end_is_an_event() {
    let port = free_port().to_string();
    let log = tempfile::NamedTempFile::new().unwrap();
    let (told, outcome) = events(&["--log", log.path().to_str().unwrap(), &port, "--", "sh", "-c", "exit 3"]);
    assert_eq!(outcome.status, 1);
    assert_eq!(told.last().map(String::as_str), Some("ended"), "{told:?}");
    assert!(outcome.out.contains("\"status\":3"), "{}", outcome.out);
}

#[test]
fn signals_go_to_the_command() {
    let home = Home::new();
    let program = home.write("server.py", SERVER);
    let port = free_port().to_string();
    let log = home.path().join("log");
    let words = ["--log", "log", &port, "--", "python3", program.to_str().unwrap(), &port, "60"];
    // Whoever started us ignores no signal, whatever runs the tests.
    let mut command = home.command("env");
    command.args(["--default-signal", PROGRAM, "wait", "--timeout", "50"]).args(words);
    let waiting = start(&mut command);
    let us = waiting.id().to_string();
    until("it runs", || pid_in(&log).is_some());
    for (name, number) in [("INT", 2), ("HUP", 1), ("USR1", 10)] {
        run(Command::new("kill").args([&format!("-{name}"), &us]));
        until(name, || fs::read_to_string(&log).unwrap().contains(&format!("signal {number}\n")));
    }
    run(Command::new("kill").args(["-TERM", &us]));
    let output = waiting.wait_with_output().unwrap();
    // As a shell has to see it: ended by the signal.
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(15));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("ended with status 5 before the server was ready"), "{err}");
    assert_eq!(fs::read_to_string(&log).unwrap().matches("signal 2\n").count(), 1);
}

/// Ctrl-C reaches the command once, from the terminal itself, and ends the script that waits.
#[test]
fn an_interrupt_from_the_terminal_comes_once() {
    let home = Home::new();
    let program = home.write("server.py", SERVER.replace("signal.SIGTERM: os", "signal.SIGINT: time.sleep(0.3); os"));
    let log = home.path().join("log");
    let port = free_port();
    let script = format!(
        "'{PROGRAM}' wait --log log --timeout 50 {port} -- python3 {} {port} 60; echo reached >reached",
        program.display()
    );
    let mut shell = home.command("bash");
    let mut terminal = Terminal::start(shell.args(["--norc", "-c", &format!("bash -c \"{script}\"; echo \"<$?>\"")]));
    until("it runs", || pid_in(&log).is_some());
    std::thread::sleep(Duration::from_millis(100));
    terminal.send("\u{3}");
    until("it has ended", || !is_alive(&pid_in(&log).unwrap()));
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(fs::read_to_string(&log).unwrap().matches("signal 2\n").count(), 1);
    assert!(!home.path().join("reached").exists(), "the script goes on");
    drop(terminal);
}

/// Nobody waits for it any more, and it must not keep a GPU.
#[test]
fn a_command_that_is_not_ready_in_time_is_ended() {
    let home = Home::new();
    let program = home.write("server.py", SERVER);
    let port = free_port().to_string();
    let log = home.path().join("log");
    let words = ["--log", "log", "--timeout", "1s", &port, "--", "python3", program.to_str().unwrap(), &port, "60"];
    let outcome = run(&mut wait(&home, &words));
    assert_eq!(outcome.status, 124, "{outcome:?}");
    assert!(outcome.err.contains("was not ready in time: refused; `python3 ") && outcome.err.ends_with(" was ended\n"));
    assert!(!is_alive(&pid_in(&log).unwrap()));
    assert!(fs::read_to_string(&log).unwrap().contains("signal 15"));
}

/// A script in between ends at once, and what it has started would keep the GPU.
#[test]
fn what_a_command_has_started_is_ended_with_it() {
    let home = Home::new();
    let program = home.write("server.py", SERVER);
    let port = free_port().to_string();
    let log = home.path().join("log");
    // One that ends when it is asked to, and one that must be made to.
    let deaf = "sh -c 'trap \"\" TERM; echo $$ >deaf; while :; do sleep 0.1; done' & ";
    let script = format!("{deaf} python3 {} {port} 60; true", program.display());
    let words = ["--log", "log", "--timeout", "1s", &port, "--", "sh", "-c", &script];
    let outcome = run(&mut wait(&home, &words));
    assert_eq!(outcome.status, 124, "{outcome:?}");
    assert!(fs::read_to_string(&log).unwrap().contains("signal 15"), "it was asked");
    assert!(!is_alive(&pid_in(&log).unwrap()));
    assert!(!is_alive(fs::read_to_string(home.path().join("deaf")).unwrap().trim()));
}

/// A process that is not ours is left alone.
#[test]
fn a_named_process_outlives_the_time_limit() {
    let mut server = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
    let outcome = waited(&["--timeout", "200ms", "--pid", &server.id().to_string(), &free_port().to_string()]);
    assert_eq!(outcome.status, 124);
    assert!(is_alive(&server.id().to_string()));
    server.kill().unwrap();
    server.wait().unwrap();
}
