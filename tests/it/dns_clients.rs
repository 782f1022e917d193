//! The resolvers that programs bring along, asked behind `hpcsh dns serve`: what is blocked is final, what is allowed is right.
//!
//! The server is that of 127.0.0.1, in a network namespace of the test's own; a second name server in resolv.conf writes down
//! whoever comes to it, and nobody must.

use crate::dns_exec::{LOOKUPS, PYTHON, UPSTREAM, User, World, exec, timed, users};
use crate::support::PROGRAM;

/// Who must not be asked, behind ours.
const SECOND: &str = "127.0.0.8";
/// What Kubernetes writes.
const CLUSTER: &str = "search ml.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n";

/// A node that asks our resolver first.
fn node(user: &User, rest: &str) -> World {
    let config = user.home.configure(&format!("[dns]\nallow = [\"lab\"]\nupstream = [\"{UPSTREAM}\"]\n"));
    let mut world = World::new()
        .resolv(&format!("nameserver 127.0.0.1\nnameserver {SECOND}\n{rest}"))
        .serve(&format!("dns {SECOND} silent"))
        .background(&format!("{PROGRAM} --config {} dns serve", config.display()));
    // As a cluster's name server has it: of others' names it says that they are not there.
    world.answer_all();
    world
}

#[test]
fn what_is_blocked_is_final_and_what_is_allowed_is_right() {
    let Some(programs) = LOOKUPS.as_ref() else { return };
    let [glibc, musl, cares] = [&programs.glibc, &programs.musl, &programs.cares].map(|path| path.to_str().unwrap());
    for user in users(&["gron", "curl"]) {
        for rest in ["", CLUSTER] {
            let world = node(&user, rest);
            let clients = [
                (&[glibc][..], "", "-2"),
                (&[musl], "", "-2"),
                (&[cares], "", "Domain name not found"),
                (&["python3", "-c", PYTHON], "", "Name or service not known"),
                (&["env", "GODEBUG=netdns=go", "gron"], "/data.json", "no such host"),
                (&["env", "GODEBUG=netdns=cgo", "gron"], "/data.json", "no such host"),
                (&["curl", "-sS"], "/data.json", "Could not resolve host: huggingface.co"),
            ];
            let url = |name: &str, path: &str| {
                if path.is_empty() { name.to_owned() } else { format!("http://{name}{path}") }
            };
            let urls: Vec<[String; 2]> = clients
                .iter()
                .map(|(_, path, _)| ["huggingface.co", "mirror.lab"].map(|name| url(name, path)))
                .collect();
            let commands: Vec<Vec<&str>> = clients
                .iter()
                .zip(&urls)
                .flat_map(|((words, ..), urls)| urls.iter().map(|url| [*words, &[url.as_str()]].concat()))
                .collect();
            let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
            let ran = timed(&world, &user, &commands);
            for ((words, path, told), ran) in clients.iter().zip(ran.chunks(2)) {
                let (blocked, allowed) = (&ran[0], &ran[1]);
                // A look-up that goes on takes five seconds.
                assert!(blocked.took < 1500 && blocked.status != 0, "{words:?}: {blocked:?}");
                assert!(blocked.said.contains(told), "{words:?}: {blocked:?}");
                let page = if path.is_empty() { "127.0.0.1" } else { "the intranet" };
                assert!(allowed.took < 1500 && allowed.status == 0, "{words:?}: {allowed:?}");
                assert!(allowed.said.contains(page), "{words:?}: {allowed:?}");
                // Nothing of the internet is forwarded, and nobody goes on to the next server; but musl asks all of them at once.
                let is_asked = |start: &str| blocked.asked.iter().any(|line| line.starts_with(start));
                assert!(!is_asked(&format!("{UPSTREAM} huggingface.co ")), "{words:?}: {blocked:?}");
                assert_eq!(is_asked(SECOND), *words == [musl], "{words:?}: {blocked:?}");
            }
        }
    }
}

#[test]
fn a_look_up_of_the_internet_takes_milliseconds() {
    let Some(programs) = LOOKUPS.as_ref() else { return };
    for user in users(&[]).into_iter().take(1) {
        for rest in ["", CLUSTER] {
            let world = node(&user, rest);
            for program in [&programs.glibc, &programs.musl, &programs.cares] {
                let outcome = world.run(&user, "\"$1\" huggingface.co 50", &[program.to_str().unwrap()]);
                let least: u32 = outcome.out.trim().parse().unwrap_or_else(|_| panic!("{outcome:?}"));
                eprintln!(
                    "{}: {least} us at the least{}",
                    program.display(),
                    if rest.is_empty() { "" } else { ", Kubernetes" }
                );
                assert!(outcome.status == 1 && least < 5000, "{}: {least} us", program.display());
            }
        }
    }
}

/// A program whose look-up fails, less the same program without one: microseconds, the least of thirty each.
const PROGRAMS: &str = r#"
import subprocess, sys, time
def least(*words):
    took = []
    for _ in range(30):
        start = time.perf_counter()
        subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        took.append(time.perf_counter() - start)
    return min(took)
print(int((least("gron", "http://huggingface.co/") - least("gron", "--version")) * 1e6))
"#;

/// Go's own resolver, and the C library's by way of Go: nothing but a whole program can be timed.
#[test]
fn a_look_up_of_gos_takes_milliseconds() {
    for user in users(&["gron"]).into_iter().take(1) {
        for rest in ["", CLUSTER] {
            let world = node(&user, rest);
            for resolver in ["netdns=go", "netdns=cgo"] {
                let script = "GODEBUG=\"$1\" python3 -c \"$2\"";
                let least: i32 = world.run(&user, script, &[resolver, PROGRAMS]).clean().trim().parse().unwrap();
                eprintln!("Go, {resolver}: {least} us{}", if rest.is_empty() { "" } else { ", Kubernetes" });
                assert!(least < 5000, "{resolver}: {least} us");
            }
        }
    }
}

#[test]
fn exec_asks_the_resolver_where_it_answers() {
    let Some(programs) = LOOKUPS.as_ref() else { return };
    let musl = programs.musl.to_str().unwrap();
    for user in users(&["getent"]) {
        // The node itself does not ask it; names that nobody has looked up before are found all the same.
        let world = node(&user, "").resolv(&format!("nameserver {SECOND}\n"));
        let wanted = [
            (exec(&["getent", "hosts", "git.lab"]), 0, "127.0.0.1       git.lab"),
            (exec(&["getent", "hosts", "huggingface.co"]), 2, ""),
            (exec(&["grep", "^nameserver", "/etc/resolv.conf"]), 0, "nameserver 127.0.0.1\nnameserver 127.0.0.8"),
            (exec(&["grep", "^hosts", "/etc/nsswitch.conf"]), 0, "hosts: files dns"),
            (exec(&[musl, "git.lab"]), 0, "127.0.0.1"),
            (exec(&[musl, "huggingface.co"]), 1, "-2"),
        ];
        let commands: Vec<&[&str]> = wanted.iter().map(|(words, ..)| words.as_slice()).collect();
        for ((words, status, said), ran) in wanted.iter().zip(timed(&world, &user, &commands)) {
            assert_eq!((ran.status, ran.said.as_str()), (*status, *said), "{words:?}: {ran:?}");
            // musl asks all servers at once.
            let is_second = ran.asked.iter().any(|line| line.starts_with(SECOND));
            assert!(ran.took < 1500 && (!is_second || words.contains(&musl)), "{words:?}: {ran:?}");
        }
        let plan = world.run(&user, "\"$P\" dns exec --dry-run true", &[]).clean();
        assert!(plan.starts_with("names: from hpcsh's resolver on 127.0.0.1"), "{plan}");
    }
}
