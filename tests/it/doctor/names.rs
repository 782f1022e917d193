//! resolv.conf and the resolver that it names, on a node of the test's own.

use std::fs;

use serde_json::{Value, json};

use super::Seen;
use crate::dns_takeover::world::{KINDS, World};
use crate::support::{NOBODY, PROGRAM, has, run, skip};

/// What is found on that node, by this user; without what the home and its rc files say.
fn found(world: &World, user: u32, words: &[&str]) -> Seen {
    let mut command = world.command(user, &[&[PROGRAM, "doctor"], words].concat());
    Seen::of(command.env("HPCSH_EXPORTS", "\u{1f}"))
}

/// The findings of it that are of names, and no `ok`.
fn of_names(seen: &Seen) -> Vec<String> {
    let all = [seen.problems(), seen.notes()].concat();
    all.into_iter().filter_map(|line| line.strip_prefix("dns: ").map(str::to_owned)).collect()
}

fn kill_the_server(world: &World) {
    assert_eq!(world.run(&["pkill", "-KILL", "-f", "dns serve"]).status, 0);
    while world.servers() > 0 {
        std::thread::yield_now();
    }
}

const DEAD: &str = "/etc/resolv.conf names hpcsh's resolver at 127.0.0.1, and nobody answers there";

#[test]
fn a_resolver_that_was_killed_is_found_and_the_original_comes_back_byte_for_byte() {
    for kind in [KINDS[0], KINDS[5], KINDS[8]] {
        let Some(world) = World::new(kind.script) else { return };
        (kind.make)(&world);
        let (before, text) = (world.shot(), world.text());
        assert_eq!(of_names(&found(&world, 0, &[])), [""; 0], "{}", kind.name);
        world.dns("on");
        let seen = found(&world, 0, &[]);
        assert_eq!(of_names(&seen), [""; 0], "{}", kind.name);
        seen.one("names go by hpcsh's resolver at 127.0.0.1, which answers");
        kill_the_server(&world);
        let (on, text_on) = (world.shot(), world.text());
        let seen = found(&world, 0, &[]);
        assert_eq!(of_names(&seen), [DEAD], "{}", kind.name);
        assert_eq!(
            seen.one(DEAD)["mends"],
            json!([
                { "command": "hpcsh dns on", "does": "starts it again", "root": true, "fix": false },
                { "command": "hpcsh dns restore", "does": "brings the original back", "root": true, "fix": true },
            ])
        );
        // Who is not root is told what root can do, and nothing is tried.
        let theirs = found(&world, NOBODY, &["--fix", "--yes"]);
        assert_eq!((of_names(&theirs), &theirs.value["fixed"]), (vec![DEAD.to_owned()], &json!([])));
        let said = run(&mut world.command(NOBODY, &[PROGRAM, "doctor"])).out;
        assert!(said.contains("           as root: hpcsh dns restore  # brings the original back\n"), "{said}");
        let plan = world.hpcsh(&["doctor", "--fix", "--dry-run"]);
        assert_eq!((plan.out.as_str(), plan.status), ("", 3));
        assert!(plan.err.starts_with("would run: hpcsh dns restore  # brings the original back\n"), "{}", plan.err);
        assert_eq!((world.shot(), world.text()), (on, text_on), "a plan changes nothing");
        let fixed = found(&world, 0, &["--fix", "--yes"]);
        assert_eq!((of_names(&fixed), &fixed.value["fixed"]), (vec![], &json!(["hpcsh dns restore"])), "{}", kind.name);
        assert_eq!((world.shot(), world.text()), (before.clone(), text), "{}", kind.name);
        let again = found(&world, 0, &["--fix", "--yes"]);
        assert_eq!((of_names(&again), &again.value["fixed"]), (vec![], &json!([])));
        assert_eq!(world.shot(), before);
    }
}

/// The other command that is told does it as well.
#[test]
fn the_resolver_that_was_killed_is_started_again() {
    let Some(world) = World::new("") else { return };
    (KINDS[0].make)(&world);
    world.dns("on");
    kill_the_server(&world);
    let command = found(&world, 0, &[]).command(DEAD);
    assert_eq!(command, "hpcsh dns on");
    world.dns("on");
    assert_eq!(of_names(&found(&world, 0, &[])), [""; 0]);
}

#[test]
fn a_takeover_that_was_cut_short_leaves_a_journal_that_is_found_and_ended() {
    let Some(world) = World::new("") else { return };
    (KINDS[0].make)(&world);
    let (before, text) = (world.shot(), world.text());
    world.dns("on");
    world.run(&["pkill", "-KILL", "-f", "dns serve"]);
    // As whoever is killed after the journal lies there, and before the file changes: strace's injection is in `killed`.
    let journal = world.below("lib/hpcsh/journal/resolv.conf");
    let aside = world.below("outside/journal");
    assert!(std::process::Command::new("cp").arg("-a").arg(&journal).arg(&aside).status().unwrap().success());
    world.dns("restore");
    assert!(!journal.exists());
    assert_eq!(of_names(&found(&world, 0, &[])), [""; 0]);
    fs::rename(&aside, &journal).unwrap();
    let cut = "a `hpcsh dns on` or `off` was cut short, and has left its journal for /etc/resolv.conf";
    assert_eq!(of_names(&found(&world, 0, &[])), [cut]);
    // While somebody is at work, a journal is not left.
    let lock = world.seen("/var/lib/hpcsh/journal/lock");
    let held = fs::File::open(&lock).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_eq!(of_names(&found(&world, 0, &[])), [""; 0]);
    // Not by closing it: another test's child may have it open until it has become a program.
    rustix::fs::flock(&held, rustix::fs::FlockOperation::Unlock).unwrap();
    let fixed = found(&world, 0, &["--fix"]);
    assert_eq!((of_names(&fixed), &fixed.value["fixed"]), (vec![], &json!(["hpcsh dns restore"])));
    assert!(!journal.exists());
    assert_eq!((world.shot(), world.text()), (before, text));
    assert_eq!(found(&world, 0, &["--fix"]).value["fixed"], json!([]));
}

/// Really killed, at each call that gives a file another name: what it leaves is found, if it is anything, and mended.
#[test]
fn whatever_a_kill_leaves_is_mended() {
    if !has("strace") {
        skip("strace is not installed");
        return;
    }
    let Some(world) = World::new("") else { return };
    (KINDS[0].make)(&world);
    world.serve();
    let (before, text) = (world.shot(), world.text());
    let mut found_at = Vec::new();
    for word in ["on", "off"] {
        for number in 1..=9 {
            if word == "off" {
                world.dns("on");
            }
            let inject = format!("inject=?rename,?renameat,?renameat2:signal=KILL:when={number}");
            let words = ["strace", "-qq", "-o", "/dev/null", "-e", "trace=?rename,?renameat,?renameat2", "-e", &inject];
            let outcome = run(&mut world.command(0, &[&words[..], &[PROGRAM, "dns", word]].concat()));
            let is_on = world.text() != text;
            let seen = found(&world, 0, &[]);
            let at = of_names(&seen);
            if outcome.status == 0 {
                assert_eq!((at, is_on), (vec![], word == "on"), "{word} {number}");
                assert!(number > 1, "{word} was never killed");
                world.serve_once();
                world.dns("off");
                world.serve_once();
                break;
            }
            // The server is there: who has taken over is as he is to be.
            assert!(!is_on || at.is_empty(), "{word} {number}: {at:?}");
            found_at.extend(at.first().cloned());
            let fixed = found(&world, 0, &["--fix"]);
            assert_eq!(of_names(&fixed), [""; 0], "{word} {number}");
            if is_on {
                world.dns("restore");
            }
            assert_eq!((world.shot(), world.text()), (before.clone(), text.clone()), "{word} {number}");
            assert_eq!(found(&world, 0, &["--fix"]).value["fixed"], json!([]), "{word} {number}");
        }
    }
    let cut = "a `hpcsh dns on` or `off` was cut short, and has left its journal for /etc/resolv.conf";
    assert!(!found_at.is_empty() && found_at.iter().all(|at| at == cut), "{found_at:?}");
}

/// What cannot be mended is told, with another exit code than that of what was only found.
#[test]
fn a_mend_that_fails_is_told() {
    let Some(world) = World::new("") else { return };
    (KINDS[0].make)(&world);
    world.dns("on");
    kill_the_server(&world);
    assert_eq!(world.run(&["mount", "-o", "remount,bind,ro", "/etc"]).status, 0);
    let text = world.text();
    let outcome = world.hpcsh(&["doctor", "--fix"]);
    assert_eq!((outcome.status, world.text()), (1, text));
    assert!(outcome.err.contains("error: /etc/resolv.conf cannot be put back: "), "{}", outcome.err);
    assert!(outcome.err.ends_with("error: 1 of what was to be mended could not be\n"), "{}", outcome.err);
    assert!(outcome.out.contains(DEAD), "{}", outcome.out);
    assert_eq!(world.run(&["mount", "-o", "remount,bind,rw", "/etc"]).status, 0);
    assert_eq!(of_names(&found(&world, 0, &["--fix"])), [""; 0]);
}

#[test]
fn a_damaged_journal_is_put_aside_where_nobody_needs_it() {
    let Some(world) = World::new("") else { return };
    (KINDS[0].make)(&world);
    let text = world.text();
    world.dns("on");
    let plan = world.below("lib/hpcsh/journal/resolv.conf/plan.json");
    fs::write(&plan, "[").unwrap();
    let damaged = "/var/lib/hpcsh/journal/resolv.conf is damaged";
    // What answers is not stopped for that.
    let seen = found(&world, 0, &["--fix"]);
    assert_eq!((of_names(&seen), &seen.value["fixed"]), (vec![damaged.to_owned()], &json!([])));
    assert_eq!(seen.command(damaged), "hpcsh dns on");
    kill_the_server(&world);
    let fixed = found(&world, 0, &["--fix"]);
    assert_eq!((of_names(&fixed), &fixed.value["fixed"]), (vec![], &json!(["hpcsh dns restore"])));
    assert_eq!(world.text(), text);
}

#[test]
fn what_somebody_else_has_made_of_the_file_is_told_and_stays() {
    let Some(world) = World::new("") else { return };
    (KINDS[0].make)(&world);
    world.dns("on");
    let ours = world.text();
    // One more line, with our address still first.
    world.write("/etc/resolv.conf", &format!("{ours}nameserver 10.9.8.8\n"));
    let changed = "/etc/resolv.conf was changed since `hpcsh dns on`, and names the resolver at 127.0.0.1 still";
    let seen = found(&world, 0, &["--fix"]);
    assert_eq!(of_names(&seen), [changed]);
    assert_eq!(world.text(), format!("{ours}nameserver 10.9.8.8\n"));
    kill_the_server(&world);
    let seen = found(&world, 0, &["--fix"]);
    let dead = "/etc/resolv.conf names hpcsh's resolver at 127.0.0.1, where nobody answers, and was changed since `hpcsh dns on`";
    assert_eq!((of_names(&seen), &seen.value["fixed"]), (vec![dead.to_owned()], &json!([])));
    // All of it anew.
    world.write("/etc/resolv.conf", "nameserver 10.9.8.8\n");
    let seen = found(&world, 0, &["--fix"]);
    let replaced = "somebody else has replaced /etc/resolv.conf since `hpcsh dns on`: the resolver is not asked";
    assert_eq!((of_names(&seen), &seen.value["fixed"]), (vec![replaced.to_owned()], &json!([])));
    assert_eq!(world.text(), "nameserver 10.9.8.8\n");
    world.dns("restore");
    assert_eq!((of_names(&found(&world, 0, &[])), world.text()), (vec![], "nameserver 10.9.8.8\n".to_owned()));
}

#[test]
fn a_resolver_whose_name_servers_are_dead_is_told() {
    let Some(world) = World::new("") else { return };
    // Nobody is there.
    world.write("/etc/resolv.conf", "nameserver 10.9.8.9\n");
    world.dns("on");
    assert_eq!(of_names(&found(&world, 0, &[])), [""; 0], "nobody was asked yet");
    for name in ["a.internal", "b.internal", "c.internal"] {
        world.run(&["getent", "ahostsv4", name]);
    }
    assert_eq!(of_names(&found(&world, 0, &[])), ["no name server of the resolver's answers: 10.9.8.9:53"]);
    // Neither the takeover nor a later look thinks so of one that answers.
    world.dns("off");
    world.write("/etc/resolv.conf", "nameserver 10.9.8.7\n");
    world.dns("on");
    world.run(&["getent", "ahostsv4", "a.internal"]);
    assert_eq!(of_names(&found(&world, 0, &[])), [""; 0]);
    let value: Value = found(&world, NOBODY, &[]).value;
    assert_eq!(value["fixed"], json!([]));
}
