//! Answers and words at the edge of what is usual.

use std::time::{Duration, Instant};

use super::server::{Act, answer, free_port, listen};
use super::{events, first, wait, waited};
use crate::support::{Home, PROGRAM};
use crate::terminal::Terminal;

const LIST: &str = "{\"object\":\"list\",\"data\":[{\"id\":\"m\",\"owned_by\":\"vllm\"}]}";

/// What is said before the answer is not the answer (RFC 9110, 15.2).
#[test]
fn what_comes_before_the_answer_is_passed_over() {
    for before in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"] {
        let (port, _) = listen("127.0.0.1:0", move |_, _| {
            Act::Say(format!("{before}{before}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
        });
        assert_eq!(waited(&[&port.to_string()]).clean(), "", "{before}");
    }
    let (port, _) = listen("127.0.0.1:0", |_, _| Act::Flood("HTTP/1.1 100 x\r\n\r\nHTTP/1.1 100 x\r\n\r\n".into()));
    assert_eq!(waited(&["--timeout", "300ms", &port.to_string()]).status, 124);
}

/// The last piece is the end, whether the connection goes on or not.
#[test]
fn a_body_in_pieces_ends_with_its_last_piece() {
    let pieces: String = LIST
        .as_bytes()
        .chunks(7)
        .map(|part| format!("{:x};a=b\r\n{}\r\n", part.len(), str::from_utf8(part).unwrap()))
        .collect();
    let (port, _) = listen("127.0.0.1:0", move |_, head| {
        if head.starts_with("GET /health") {
            return answer("200 OK", "", "");
        }
        Act::Stall(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{pieces}0\r\nTrailer: x\r\n\r\n"))
    });
    let started = Instant::now();
    assert_eq!(waited(&["--model", "m", "--probe-timeout", "15", &port.to_string()]).clean(), "");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    // An error's words come in pieces too.
    let error = "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}";
    let (port, _) = listen("127.0.0.1:0", move |number, _| match number {
        0 => Act::Say(format!(
            "HTTP/1.1 503 x\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{error}\r\n0\r\n\r\n",
            error.len()
        )),
        _ => answer("200 OK", "", ""),
    });
    let (told, outcome) = events(&[&port.to_string()]);
    assert_eq!(told, ["waiting", "loading llama.cpp", "ready llama.cpp"]);
    assert!(outcome.out.contains("loading (503: Loading model)"), "{}", outcome.out);
}

/// llama.cpp gives a name, and the same as an alias of it.
#[test]
fn a_model_is_named_once() {
    let list = "{\"object\":\"list\",\"data\":[{\"id\":\"a\",\"aliases\":[\"a\",\"b\"],\"owned_by\":\"llamacpp\"}]}";
    let (port, _) = listen("127.0.0.1:0", move |_, _| answer("200 OK", "", list));
    let outcome = waited(&["--timeout", "100ms", "--model", "c", &port.to_string()]);
    assert!(outcome.err.ends_with(": ready, but serves a, b, not c\n"), "{}", outcome.err);
}

#[test]
fn times_have_no_upper_end_and_a_look_needs_some() {
    let (port, _) = listen("127.0.0.1:0", |_, _| answer("200 OK", "", ""));
    let port = port.to_string();
    for long in [u64::MAX, u64::MAX / 2] {
        let long = long.to_string();
        assert_eq!(waited(&["--timeout", &long, "--probe-timeout", &long, &port]).clean(), "", "{long}");
        assert_eq!(waited(&["--timeout", &long, &port]).clean(), "", "{long}");
    }
    let outcome = waited(&["--probe-timeout", "0", &port]);
    assert_eq!(
        (outcome.err.as_str(), outcome.status),
        ("error: a look that may take no time sees nothing\nhint: --probe-timeout, or `wait.probe_timeout`\n", 2)
    );
}

/// That something is waited for is said before a server that says nothing has said it for so long as a look may take.
#[test]
fn a_silent_server_does_not_silence_us() {
    let (port, _) = listen("127.0.0.1:0", |_, _| Act::Stall(String::new()));
    let words = ["--timeout", "4", "--probe-timeout", "30", &port.to_string()];
    let outcome = waited(&words);
    let end = format!("error: http://localhost:{port}/health was not ready in time: does not answer\n");
    assert_eq!((outcome.err, outcome.status), (first(port) + &end, 124));
}

/// The line of a shell that types belongs to that shell.
#[test]
fn what_waits_in_the_background_writes_over_no_prompt() {
    let home = Home::new();
    let port = free_port();
    let mut shell = home.command("bash");
    shell.args(["--norc", "-i"]).env("PS1", "ready> ");
    let mut terminal = Terminal::start(&shell);
    terminal.expect("ready> ");
    terminal.send(&format!("'{PROGRAM}' wait {port} --timeout 3 &\r"));
    let shown = terminal.expect("was not ready in time: refused");
    assert!(!shown.contains("\u{1b}[K"), "{shown:?}");
    // Stopped, and sent there.
    terminal.send("\r");
    terminal.send(&format!("'{PROGRAM}' wait {port} --timeout 4\r"));
    terminal.expect("0 s http://localhost");
    terminal.send("\u{1a}");
    terminal.expect("Stopped");
    terminal.send("bg\r");
    terminal.expect("ready> ");
    let shown = terminal.expect("was not ready in time: refused");
    assert!(!shown.contains("\u{1b}[K"), "{shown:?}");
    terminal.leave();
}

/// A limit of the configuration counts as one that was typed.
#[test]
fn a_configured_look_needs_time_too() {
    let home = Home::new();
    home.configure("[wait]\nprobe_timeout = \"0s\"\n");
    let outcome = crate::support::run(&mut wait(&home, &[&free_port().to_string()]));
    assert_eq!(outcome.status, 2, "{outcome:?}");
}
