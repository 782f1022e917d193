//! `hpcsh wait`: servers of every kind and of none, from a closed port to ready; processes that end at any moment.
//!
//! Everything is on loopback. What takes longer than it should is told by the time-outs of the commands themselves.

mod edges;
mod process;
mod server;

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Home, Outcome, PROGRAM, has, run, skip};
use crate::terminal::Terminal;
use server::{Act, Seen, answer, free_port, hang_up, listen, listen_at, serve};

/// The command, with a time limit that a test which goes wrong runs into.
fn wait(home: &Home, words: &[&str]) -> Command {
    let mut command = home.command(PROGRAM);
    command.arg("wait").args(words);
    if !words.contains(&"--timeout") {
        command.env("HPCSH_WAIT_TIMEOUT", "20");
    }
    command
}

fn waited(words: &[&str]) -> Outcome {
    run(&mut wait(&Home::new(), words))
}

/// The events of a run that ends well: `state` or `event`, with the kind where it is known.
fn events(words: &[&str]) -> (Vec<String>, Outcome) {
    let outcome = waited(&[&["--json"], words].concat());
    let told = outcome.out.lines().map(|line| {
        let event: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let state = if event["event"] == "state" { text("state") } else { text("event") };
        format!("{state} {}", text("kind")).trim().to_owned()
    });
    (told.collect(), outcome)
}

fn first(port: u16) -> String {
    format!("VLLM is not started, waiting for http://localhost:{port}/health ...\n")
}

fn asked(seen: &Seen) -> Vec<String> {
    let mut asked = seen.asked.lock().unwrap().clone();
    asked.dedup();
    asked
}

/// What a server does with its requests.
type Serving = Box<dyn Fn(usize, &str) -> Act + Send + Sync>;
/// One that does the same with each.
type Steady = fn() -> Act;

/// Each from a closed port to ready, as its source has it.
#[test]
fn each_kind_is_waited_for() {
    const LLAMA: &str = "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}";
    let not_found = || answer("404 Not Found", "", "404 page not found");
    let kinds: [(&str, Serving, &[&str]); 6] = [
        ("vllm", Box::new(|_, _| answer("200 OK", "server: uvicorn\r\n", "")), &["refused", "ready"]),
        (
            "sglang",
            Box::new(|number, _| match number {
                0..2 => answer("503 Service Unavailable", "server: uvicorn\r\n", ""),
                // A token is generated first.
                _ => Act::Late(Duration::from_millis(1100), "HTTP/1.1 200 OK\r\nserver: uvicorn\r\n\r\n".into()),
            }),
            &["refused", "loading sglang", "ready sglang"],
        ),
        (
            "llama.cpp",
            Box::new(|number, _| match number {
                0..2 => answer("503 Service Unavailable", "Server: llama.cpp\r\n", LLAMA),
                _ => answer("200 OK", "Server: llama.cpp\r\n", "{\"status\":\"ok\"}"),
            }),
            &["refused", "loading llama.cpp", "ready llama.cpp"],
        ),
        (
            "tgi",
            Box::new(|number, _| match number {
                0..2 => {
                    answer("503 Service Unavailable", "", "{\"error\":\"unhealthy\",\"error_type\":\"healthcheck\"}")
                }
                _ => answer("200 OK", "", ""),
            }),
            &["refused", "unhealthy tgi", "ready tgi"],
        ),
        (
            "trtllm",
            Box::new(|number, _| match number {
                0..2 => answer("503 Service Unavailable", "x-trtllm-server-state: starting\r\nRetry-After: 1\r\n", ""),
                _ => answer("200 OK", "", ""),
            }),
            &["refused", "loading trtllm", "ready trtllm"],
        ),
        (
            "ollama",
            Box::new(move |_, head| match head {
                head if head.starts_with("GET /v1/models ") => answer(
                    "200 OK",
                    "",
                    "{\"object\":\"list\",\"data\":[{\"id\":\"llama3:latest\",\"owned_by\":\"library\"}]}",
                ),
                head if head.starts_with("GET /api/version ") => answer("200 OK", "", "{\"version\":\"0.9\"}"),
                _ => not_found(),
            }),
            &["refused", "ready ollama"],
        ),
    ];
    for (kind, act, states) in kinds {
        let port = free_port();
        let act = std::sync::Arc::new(act);
        let serving = std::sync::Arc::clone(&act);
        let later = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            listen(&format!("127.0.0.1:{port}"), move |number, head| serving(number, head)).1
        });
        let (told, outcome) = events(&[&port.to_string()]);
        assert_eq!((outcome.err.as_str(), outcome.status), ("", 0), "{kind}");
        assert_eq!(told[0], "waiting", "{kind}");
        assert_eq!(told[1..], *states, "{kind}");
        let seen = later.join().unwrap();
        assert_eq!(seen.most.load(std::sync::atomic::Ordering::SeqCst), 1, "{kind}: probes under way at once");
        // What is told is the same as what is found out.
        let again = waited(&["--kind", kind, &port.to_string(), "--timeout", "20"]);
        assert_eq!(again.status, 0, "{kind}: {again:?}");
    }
}

#[test]
fn the_article_s_words_come_first_and_nothing_else() {
    let port = free_port();
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        listen(&format!("127.0.0.1:{port}"), |_, _| answer("200 OK", "", ""))
    });
    let outcome = waited(&[&port.to_string()]);
    assert_eq!((outcome.out.as_str(), outcome.err, outcome.status), ("", first(port), 0));
    later.join().unwrap();
    // What is ready already is no word worth.
    assert_eq!(waited(&[&format!("http://127.0.0.1:{port}/health")]).clean(), "");
    assert_eq!(waited(&[&format!("http://localhost:{port}/v1")]).clean(), "");
}

#[test]
fn a_server_that_wants_a_key_is_up() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let (port, _) = listen("127.0.0.1:0", move |_, _| answer(status, "", "{}"));
        assert_eq!(waited(&[&port.to_string()]).clean(), "");
        let outcome = waited(&["--model", "m", &port.to_string()]);
        assert_eq!(outcome.status, 1);
        assert!(outcome.err.contains("wants a key") && outcome.err.contains("hint: --api-key-env"), "{}", outcome.err);
    }
}

#[test]
fn a_model_is_waited_for_by_its_name_and_with_a_key() {
    let list = |name: &str| format!("{{\"object\":\"list\",\"data\":[{{\"id\":\"{name}\",\"owned_by\":\"vllm\"}}]}}");
    let (port, seen) = listen("127.0.0.1:0", move |number, head| match head {
        head if head.starts_with("GET /health") => answer("200 OK", "", ""),
        head if !head.contains("\r\nAuthorization: Bearer s3cret\r\n") => answer("401 Unauthorized", "", ""),
        _ if number < 6 => answer("200 OK", "", &list("org/other")),
        _ => answer("200 OK", "", &list("org/name")),
    });
    let port = port.to_string();
    let home = Home::new();
    let mut command = wait(&home, &["--model", "org/name", "--api-key-env", "MY_KEY", &port]);
    let outcome = run(command.env("MY_KEY", "s3cret"));
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(outcome.err.contains(": ready, but serves org/other, not org/name, after 0 s\n"), "{}", outcome.err);
    assert!(!outcome.err.contains("s3cret"), "{}", outcome.err);
    let keys = asked(&seen).into_iter().filter(|line| line.contains("Bearer")).collect::<Vec<_>>();
    assert!(
        keys.iter().all(|line| line.starts_with("GET /v1/models ")),
        "the key goes where it is looked at: {keys:?}"
    );
    let outcome = run(command.env("MY_KEY", "wrong"));
    assert_eq!(outcome.status, 1);
    assert!(outcome.err.contains("does not take the key"), "{}", outcome.err);
    let outcome = run(command.env_remove("MY_KEY"));
    assert_eq!((outcome.err.as_str(), outcome.status), ("error: the variable MY_KEY is not set\n", 2));
    let outcome = run(command.env("MY_KEY", "a\r\nHost: b"));
    assert_eq!(outcome.status, 2, "{outcome:?}");
}

/// Whatever answers: the limit holds, and what it is is told.
#[test]
fn what_is_no_server_of_that_kind_is_told() {
    let redirect = || answer("307 Temporary Redirect", "Location: https://elsewhere/health\r\n", "");
    let cases: [(&str, Steady); 7] = [
        ("answers 404 to /health, and 404 to /v1/models", || answer("404 Not Found", "", "")),
        ("unhealthy (500)", || answer("500 Internal Server Error", "", "")),
        ("the answer is no HTTP", || Act::Stall("SSH-2.0-OpenSSH_9.6\r\n".into())),
        ("the answer is no HTTP", || Act::Flood(String::new())),
        ("does not answer", || Act::Stall(String::new())),
        ("closes the connection", || Act::Say("HTTP/1.1 2".into())),
        ("loading (503)", || Act::Flood("HTTP/1.1 503 x\r\n\r\n".into())),
    ];
    let told = |words: &str, port: u16| {
        let started = Instant::now();
        let outcome = waited(&["--timeout", "700ms", "--probe-timeout", "300ms", &port.to_string()]);
        let end = format!("error: http://localhost:{port}/health was not ready in time: {words}\n");
        assert!(outcome.err.contains(&end), "{words}: {}", outcome.err);
        assert_eq!(outcome.status, 124, "{words}");
        assert!(started.elapsed() < Duration::from_secs(3), "{words}: {:?}", started.elapsed());
    };
    for (words, act) in cases {
        told(words, listen("127.0.0.1:0", move |_, _| act()).0);
    }
    let outcome = {
        let (port, _) = listen("127.0.0.1:0", move |_, _| redirect());
        waited(&["--timeout", "300ms", &port.to_string()])
    };
    assert!(outcome.err.contains("redirects to https://elsewhere/health (307)"), "{}", outcome.err);
    assert_eq!(outcome.status, 124);
    told("refused", free_port());
}

#[test]
fn a_body_without_end_is_no_reason_to_wait() {
    for act in [|| Act::Flood("HTTP/1.1 200 OK\r\n\r\n".into()), || Act::Stall("HTTP/1.1 200 OK\r\n\r\nx".into())] {
        let (port, _) = listen("127.0.0.1:0", move |_, _| act());
        let started = Instant::now();
        assert_eq!(waited(&[&port.to_string()]).clean(), "");
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }
    // A list of models that is never all there is none.
    let (port, _) = listen("127.0.0.1:0", |_, head| {
        if head.starts_with("GET /health") {
            answer("200 OK", "", "")
        } else {
            Act::Flood("HTTP/1.1 200 OK\r\n\r\n{\"data\":[".into())
        }
    });
    let outcome = waited(&["--timeout", "1s", "--model", "m", &port.to_string()]);
    assert!(outcome.err.contains("answers no list to /v1/models") && outcome.status == 124, "{outcome:?}");
}

#[test]
fn a_connection_that_is_closed_is_tried_again() {
    let port = free_port();
    let closing = hang_up(port);
    let later = std::thread::spawn(move || {
        closing.join().unwrap();
        listen(&format!("127.0.0.1:{port}"), |_, _| answer("200 OK", "", ""))
    });
    let outcome = waited(&[&port.to_string()]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(outcome.err.contains(": closes the connection, after 0 s\n"), "{}", outcome.err);
    later.join().unwrap();
}

#[test]
fn ipv6_and_unix_sockets_are_ways_like_others() {
    let ok = |_: usize, _: &str| answer("200 OK", "", "");
    let (port, _) = listen("[::1]:0", ok);
    for target in [format!("{port}"), format!("[::1]:{port}"), format!("http://localhost:{port}")] {
        assert_eq!(waited(&[&target]).clean(), "", "{target}");
    }
    let home = Home::new();
    let path = home.path().join("v.sock");
    let target = format!("unix:{}", path.display());
    let later = std::thread::spawn({
        let path = path.clone();
        move || {
            std::thread::sleep(Duration::from_millis(200));
            listen_at(&path, ok)
        }
    });
    let outcome = run(&mut wait(&home, &[&target]));
    assert_eq!((outcome.status, outcome.err), (0, format!("VLLM is not started, waiting for {target} /health ...\n")));
    assert_eq!(asked(&later.join().unwrap()), ["GET /health"]);
    assert_eq!(run(&mut wait(&home, &["unix:v.sock"])).clean(), "", "from where we are");
}

#[test]
fn several_servers_all_or_any() {
    let (one, _) = listen("127.0.0.1:0", |_, _| answer("200 OK", "", ""));
    let (two, two_seen) = listen("127.0.0.1:0", |number, _| match number {
        0..3 => answer("503 Service Unavailable", "", ""),
        _ => answer("200 OK", "", ""),
    });
    let none = free_port();
    let (one, two, none) = (one.to_string(), two.to_string(), none.to_string());
    let outcome = waited(&[&one, &two]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert_eq!(two_seen.count(), 4);
    assert!(outcome.err.contains(&first(two.parse().unwrap())), "{}", outcome.err);
    assert_eq!(waited(&["--any", &none, &one]).status, 0);
    let outcome = waited(&["--timeout", "300ms", &none, &one]);
    let end = format!("error: http://localhost:{none}/health was not ready in time: refused\n");
    assert!(outcome.err.ends_with(&end) && outcome.status == 124, "{outcome:?}");
}

#[test]
fn what_is_configured_is_waited_for_where_nothing_is_named() {
    let (port, seen) = listen("127.0.0.1:0", |_, _| answer("200 OK", "", ""));
    let home = Home::new();
    home.configure(&format!("[wait]\ntargets = [\"{port}\"]\n"));
    assert_eq!(run(&mut wait(&home, &[])).clean(), "");
    assert_eq!(seen.count(), 1);
    home.configure(&format!("[wait]\ntargets = [\"{}\"]\ntimeout = \"100ms\"\n", free_port()));
    let outcome = home.hpcsh(&["wait"]);
    assert_eq!(outcome.status, 124, "{outcome:?}");
    // The variable counts more, and what was typed most.
    let started = Instant::now();
    let outcome = run(home.command(PROGRAM).arg("wait").env("HPCSH_WAIT_TIMEOUT", "700ms"));
    assert!(outcome.status == 124 && started.elapsed() >= Duration::from_millis(700), "{outcome:?}");
    let outcome = run(home.command(PROGRAM).args(["wait", "--timeout", "0"]).env("HPCSH_WAIT_TIMEOUT", "1h"));
    assert_eq!(outcome.status, 124);
    let outcome = run(home.command(PROGRAM).arg("wait").env("HPCSH_WAIT_TIMEOUT", "soon"));
    assert_eq!(outcome.status, 2);
    assert_eq!(outcome.err, "error: HPCSH_WAIT_TIMEOUT: \"soon\" is no time: 90, 200ms, 2s, 5m or 1h\n");
    home.configure("[wait]\ntargets = [\"gpu1\"]\n");
    let outcome = home.hpcsh(&["config", "check"]);
    assert!(outcome.status != 0 && outcome.err.contains("`wait.targets`: it has no port"), "{outcome:?}");
}

/// A probe is a line in the server's log, and for `SGLang` a token.
#[test]
fn what_answers_is_asked_gently() {
    let (port, seen) = listen("127.0.0.1:0", |_, _| answer("503 Service Unavailable", "", ""));
    assert_eq!(waited(&["--timeout", "3s", &port.to_string()]).status, 124);
    // After 0, 100, 250, 475, 812, 1312 ms, and each half second then.
    assert!((5..=10).contains(&seen.count()), "{}", seen.count());
    let slow = || Act::Late(Duration::from_millis(800), "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n".into());
    let (port, seen) = listen("127.0.0.1:0", move |_, _| slow());
    assert_eq!(waited(&["--timeout", "3s", &port.to_string()]).status, 124);
    assert!((1..=3).contains(&seen.count()), "{}", seen.count());
}

#[test]
fn a_proxy_is_not_asked_for_what_is_near() {
    let (proxy, seen) = listen("127.0.0.1:0", |_, _| answer("200 OK", "", ""));
    let (port, _) = listen("127.0.0.1:0", |_, _| answer("200 OK", "", ""));
    let url = format!("http://me:secret@127.0.0.1:{proxy}");
    let through = |target: &str| {
        let home = Home::new();
        let mut command = wait(&home, &[target, "--timeout", "5"]);
        run(command.env("http_proxy", &url).env("https_proxy", &url).env("ALL_PROXY", &url))
    };
    assert_eq!(through(&port.to_string()).clean(), "");
    assert_eq!(through(&format!("127.0.0.1:{port}")).clean(), "");
    assert_eq!(seen.count(), 0);
    // A name of somewhere else is the proxy's to find.
    assert_eq!(through("http://server.example:8000/health").clean(), "");
    assert_eq!(asked(&seen), ["GET http://server.example:8000/health"]);
}

/// A certificate authority, and a certificate of it for loopback; PEM files in a directory.
fn certificates() -> Option<tempfile::TempDir> {
    if !has("openssl") {
        skip("openssl is not installed");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let script = "set -e
        new='openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
        $new -subj /CN=authority -keyout ca.key -out ca.pem -addext keyUsage=critical,keyCertSign
        $new -subj /CN=server -CA ca.pem -CAkey ca.key -keyout key -out cert -addext basicConstraints=critical,CA:FALSE \
            -addext subjectAltName=DNS:localhost,IP:127.0.0.1 || {
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server -keyout key -out csr
            printf 'basicConstraints=critical,CA:FALSE\\nsubjectAltName=DNS:localhost,IP:127.0.0.1\\n' >ext
            openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile ext -out cert; }
        $new -subj /CN=self -keyout self.key -out self.cert -addext subjectAltName=DNS:localhost";
    let made = Command::new("sh").args(["-c", script]).current_dir(dir.path()).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    Some(dir)
}

/// A server with TLS in front; gives its port.
fn tls_server(dir: &std::path::Path, certificate: &str, key: &str) -> u16 {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let chain = vec![CertificateDer::from_pem_file(dir.join(certificate)).unwrap()];
    let key = PrivateKeyDer::from_pem_file(dir.join(key)).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = std::sync::Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let accept = move || {
        let connection = rustls::ServerConnection::new(std::sync::Arc::clone(&config)).unwrap();
        rustls::StreamOwned::new(connection, listener.accept().unwrap().0)
    };
    serve(accept, |_, _| answer("200 OK", "", ""));
    port
}

#[test]
fn https_needs_somebody_who_vouches() {
    let Some(dir) = certificates() else { return };
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let port = tls_server(dir.path(), "cert", "key");
    let url = format!("https://localhost:{port}");
    assert_eq!(waited(&["--cacert", &at("ca.pem"), &url]).clean(), "");
    assert_eq!(waited(&["--cacert", &at("ca.pem"), &format!("https://127.0.0.1:{port}")]).clean(), "");
    assert_eq!(waited(&["--insecure", &url]).clean(), "");
    let home = Home::new();
    assert_eq!(run(wait(&home, &[&url]).env("SSL_CERT_FILE", at("ca.pem"))).clean(), "");
    home.configure(&format!("[wait]\ncacert = \"{}\"\n", at("ca.pem")));
    assert_eq!(run(&mut wait(&home, &[&url])).clean(), "");
    // No waiting makes it better.
    let outcome = waited(&["--cacert", &at("self.cert"), &url]);
    assert_eq!(outcome.status, 1);
    let told =
        format!("error: {url}: its certificate is signed by nobody whom this node trusts\nhint: --cacert FILE names");
    assert!(outcome.err.starts_with(&told), "{}", outcome.err);
    assert_eq!(waited(&["--cacert", &at("nothing"), &url]).status, 2);
    // What a server has signed itself is good for itself, and for the names in it.
    let port = tls_server(dir.path(), "self.cert", "self.key");
    assert_eq!(waited(&["--cacert", &at("self.cert"), &format!("https://localhost:{port}")]).clean(), "");
    let outcome = waited(&["--cacert", &at("self.cert"), &format!("https://127.0.0.1:{port}")]);
    assert!(outcome.err.contains("its certificate does not name 127.0.0.1"), "{}", outcome.err);
    // A server without TLS may still get it.
    let (plain, _) = listen("127.0.0.1:0", |_, _| answer("200 OK", "", ""));
    let outcome = waited(&["--insecure", "--timeout", "300ms", &format!("https://localhost:{plain}")]);
    assert_eq!(outcome.status, 124, "{outcome:?}");
}

#[test]
fn wrong_words_are_wrong_usage() {
    for (words, why) in [
        (&["gpu17"][..], "error: `gpu17` is no server to wait for: it has no port\nhint: give a port"),
        (&["ftp://x"], "error: `ftp://x` is no server to wait for: ftp:// is neither http:// nor https://"),
        (&["--timeout", "soon"], "error: invalid value 'soon' for '--timeout <TIME>': no time"),
        (&["--kind", "vlm"], "error: invalid value 'vlm' for '--kind <KIND>'"),
        (&["--pid", "1", "--", "true"], "error: the argument '--pid <PID>' cannot be used with '[COMMAND]...'"),
        (&["--json", "--", "true"], "error: --json and a command share standard output"),
    ] {
        let outcome = waited(words);
        assert_eq!(outcome.status, 2, "{words:?}");
        assert!(outcome.err.starts_with(why), "{words:?}: {}", outcome.err);
    }
}

#[test]
fn a_terminal_shows_what_is_answered_now() {
    let (port, seen) = listen("127.0.0.1:0", |number, _| match number {
        0..9 => answer("503 Service Unavailable", "", ""),
        _ => answer("200 OK", "", ""),
    });
    let home = Home::new();
    let log = home.write("vllm.log", "INFO 11-23 10:00:00 [loader.py:1] Loading weights\n");
    let mut shell = home.command("sh");
    let script = format!("'{PROGRAM}' wait {port} --timeout 20 --log {}; echo \"<$?>\"", log.display());
    let mut terminal = Terminal::start(shell.args(["-c", &script]));
    terminal.expect(&format!("waiting for http://localhost:{port}/health ..."));
    terminal.expect(&format!("\r\u{1b}[K0 s http://localhost:{port} loading (503)"));
    let shown = terminal.expect("<0>");
    assert!(shown.contains("s http://localhost"), "{shown:?}");
    assert!(shown.contains(" | Loading weights") && shown.ends_with("\r\u{1b}[K<0>"), "{shown:?}");
    assert!(seen.count() >= 10);
}

/// `HPCSH_TESTS_LLAMA=/path/to/llama-server`, and `HPCSH_TESTS_LLAMA_MODEL=/path/to/model.gguf`: the real one.
#[test]
fn a_real_llama_server_is_waited_for() {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let (Some(server), Some(model)) = (variable("HPCSH_TESTS_LLAMA"), variable("HPCSH_TESTS_LLAMA_MODEL")) else {
        eprintln!("optional: HPCSH_TESTS_LLAMA and HPCSH_TESTS_LLAMA_MODEL name no llama-server and model");
        return;
    };
    let home = Home::new();
    let port = free_port().to_string();
    let mut command = wait(&home, &["--log", "log", "--timeout", "120", &port, "--"]);
    command.args(["sh", "-c", "echo $$ >pid; exec \"$@\"", "sh"]).arg(server);
    let outcome = run(command.args(["--port", &port, "--alias", "mine", "--model"]).arg(model));
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let (told, outcome) = events(&["--model", "mine", &port]);
    assert_eq!((told, outcome.status), (vec!["ready llama.cpp".to_owned()], 0));
    let pid = std::fs::read_to_string(home.path().join("pid")).unwrap();
    run(Command::new("kill").arg(pid.trim()));
}
