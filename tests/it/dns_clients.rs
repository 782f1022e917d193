//! The resolvers that programs bring along, asked behind `hpcsh dns serve`: what is blocked is final, what is allowed is right.
//!
//! The server is that of 127.0.0.1, in a network namespace of the test's own; a second name server in resolv.conf writes down
//! whoever comes to it, and nobody must.

use crate::dns_exec::{LOOKUPS, UPSTREAM, User, World, exec, timed, users};
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
    let python = "import socket, sys\ntry: print(socket.getaddrinfo(sys.argv[1], 80)[0][4][0])\n\
                  except socket.gaierror as error: sys.exit(error.strerror)";
    for user in users(&["gron", "curl"]) {
        for rest in ["", CLUSTER] {
            let world = node(&user, rest);
            for (words, url, told) in [
                (&[glibc][..], "", "-2"),
                (&[musl], "", "-2"),
                (&[cares], "", "Domain name not found"),
                (&["python3", "-c", python], "", "Name or service not known"),
                (&["env", "GODEBUG=netdns=go", "gron"], "/data.json", "no such host"),
                (&["env", "GODEBUG=netdns=cgo", "gron"], "/data.json", "no such host"),
                (&["curl", "-sS"], "/data.json", "Could not resolve host: huggingface.co"),
            ] {
                let name = |name: &str| if url.is_empty() { name.to_owned() } else { format!("http://{name}{url}") };
                let (blocked, allowed) = (name("huggingface.co"), name("mirror.lab"));
                let (took, status, said) = timed(&world, &user, &[words, &[&blocked]].concat());
                // The five seconds of a look-up that goes on, and far from what it takes.
                assert!(took < 1000 && status != 0 && said.contains(told), "{words:?}: {took} ms, {status}: {said}");
                let (took, status, said) = timed(&world, &user, &[words, &[&allowed]].concat());
                let page = if url.is_empty() { "127.0.0.1" } else { "intranet" };
                assert!(took < 1000 && status == 0 && said.contains(page), "{words:?}: {took} ms, {status}: {said}");
            }
            let asked = world.asked();
            assert!(asked.iter().all(|line| !line.starts_with(SECOND)), "{asked:?}");
            assert!(asked.iter().all(|line| !line.contains(" huggingface.co ")), "{asked:?}");
        }
    }
}

#[test]
fn a_look_up_of_the_internet_takes_milliseconds() {
    let Some(programs) = LOOKUPS.as_ref() else { return };
    for user in users(&[]).into_iter().take(1) {
        let world = node(&user, CLUSTER);
        for program in [&programs.glibc, &programs.musl, &programs.cares] {
            let text = "for i in $(seq 20); do a=$(date +%s%N); \"$1\" huggingface.co >/dev/null; b=$(date +%s%N); echo $(((b - a) / 1000)); done";
            let outcome = world.run(&user, text, &[program.to_str().unwrap()]);
            let took: Vec<u32> = outcome.out.lines().map(|line| line.parse().unwrap()).collect();
            let least = took.iter().min().unwrap();
            eprintln!("{}: {least} us at the least, {took:?}", program.display());
            assert!(took.len() == 20 && *least < 50_000, "{took:?}");
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
        for (words, status, said) in [
            (&["getent", "hosts", "git.lab"][..], 0, "127.0.0.1       git.lab"),
            (&["getent", "hosts", "huggingface.co"], 2, ""),
            (&[musl, "git.lab"], 0, "127.0.0.1"),
            (&[musl, "huggingface.co"], 1, "-2"),
            (&["sed", "-n", "s/^name/&/p", "/etc/resolv.conf"], 0, "nameserver 127.0.0.1\nnameserver 127.0.0.8"),
        ] {
            let (took, code, found) = timed(&world, &user, &exec(words));
            assert_eq!((code, found.as_str()), (status, said), "{words:?}: {took} ms");
            assert!(took < 1500, "{words:?}: {took} ms");
        }
        let plan = world.run(&user, "\"$P\" dns exec --dry-run true", &[]).clean();
        assert!(plan.starts_with("names: from hpcsh's resolver on 127.0.0.1"), "{plan}");
        let asked = world.asked();
        assert!(asked.iter().all(|line| !line.starts_with(SECOND)), "{asked:?}");
    }
}
