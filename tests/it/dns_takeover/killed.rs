//! Killed at whatever call that changes something: the file is always whole, and the way back is always there.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use super::nothing_is_left;
use super::owners::{HEAD, SHARED};
use super::world::{KINDS, Kind, Shot, World};
use crate::support::{PROGRAM, has, run, skip};

/// What changes something, or makes it last. Of `openat` only those that make a file.
const CALLS: [&str; 22] = [
    "openat",
    "mkdir",
    "rmdir",
    "unlink",
    "unlinkat",
    "rename",
    "symlink",
    "write",
    "pwrite64",
    "ftruncate",
    "fsync",
    "fchmod",
    "chmod",
    "fchown",
    "fchownat",
    "fsetxattr",
    "fremovexattr",
    "utimensat",
    "flock",
    "mount",
    "umount2",
    "clone",
];

/// Which calls of each name a command makes that change something: their numbers, from 1.
fn calls(world: &World, words: &[&str]) -> BTreeMap<String, Vec<usize>> {
    let log = world.below("outside/log");
    let trace = format!("trace={}", CALLS.map(|call| format!("?{call}")).join(","));
    let outcome = run(&mut strace(world, &["-o", log.to_str().unwrap(), "-e", &trace], words));
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for line in fs::read_to_string(log).unwrap().lines() {
        let Some((call, rest)) = line.split_once('(') else { continue };
        let number = seen.entry(call.to_owned()).or_default();
        *number += 1;
        if call != "openat" || rest.contains("O_CREAT") {
            found.entry(call.to_owned()).or_default().push(*number);
        }
    }
    found
}

fn strace(world: &World, options: &[&str], words: &[&str]) -> Command {
    world.command(0, &[&["strace", "-qq"], options, &[PROGRAM], words].concat())
}

/// Kills the command before each of these calls, from the same beginning each time.
fn kill_each(world: &World, words: &[&str], begin: impl Fn(), check: impl Fn(&str, usize)) -> usize {
    begin();
    let mut kills = 0;
    for (call, numbers) in calls(world, words) {
        for number in numbers {
            begin();
            let (trace, inject) = (format!("trace=?{call}"), format!("inject=?{call}:signal=KILL:when={number}"));
            let outcome = run(&mut strace(world, &["-o", "/dev/null", "-e", &trace, "-e", &inject], words));
            // strace ends as what it traces.
            assert_ne!(outcome.status, 0, "{words:?} was not killed at {call} {number}");
            kills += 1;
            check(&format!("{words:?}, {call} {number}"), kills);
        }
    }
    kills
}

fn kill_everywhere(kind: &Kind) {
    if !has("strace") {
        skip("strace is not installed");
        return;
    }
    let Some(world) = World::new(kind.script) else { return };
    if run(&mut strace(&world, &["-o", "/dev/null"], &["--version"])).status != 0 {
        skip("strace may not trace here");
        return;
    }
    (kind.make)(&world);
    world.serve();
    let shared = || SHARED.map(|name| Shot::of(&world.seen(name)));
    let (before, original, others) = (world.shot(), world.text(), shared());
    world.dns("on");
    // The last: a link still, or again, to what its owner has made of our settings.
    let texts = [original.clone(), world.text(), format!("{HEAD}nameserver 127.0.0.1\n{original}")];
    world.dns("off");
    let is_original = |when: &str| {
        assert_eq!((world.shot(), world.text()), (before.clone(), original.clone()), "{}: {when}", kind.name);
        assert_eq!(shared(), others, "{}: {when}", kind.name);
        assert!(nothing_is_left(&world), "{}: {when}", kind.name);
    };
    let back = |when: &str, number: usize| {
        let text = world.text();
        let same = |other: &String| text.trim_end_matches('\n') == other.trim_end_matches('\n');
        assert!(texts.iter().any(same), "{}: {when}: {text:?}", kind.name);
        match number % 3 {
            0 => drop(world.dns("restore")),
            1 => drop(world.dns("off")),
            _ => {
                world.dns("on");
                assert!(world.text().starts_with("# hpcsh dns at "), "{}: {when}", kind.name);
                world.dns("off");
            }
        }
        is_original(when);
    };
    let is_on = || world.shot() != before || shared() != others;
    let off = || {
        if is_on() {
            world.dns("off");
        }
        // The directories are made anew, too.
        for dir in ["lib/hpcsh", "run/hpcsh"] {
            let _ = fs::remove_dir_all(world.below(dir));
        }
    };
    let kills = kill_each(&world, &["dns", "on"], off, back);
    assert!(kills >= 15, "{}: only {kills} kills of `on`", kind.name);
    let on = || {
        if !is_on() {
            world.dns("on");
        }
    };
    let kills = kill_each(&world, &["dns", "restore"], on, back);
    assert!(kills >= 6, "{}: only {kills} kills of `restore`", kind.name);
}

#[test]
fn a_plain_file_killed_anywhere() {
    kill_everywhere(&KINDS[0]);
}

#[test]
fn no_file_killed_anywhere() {
    kill_everywhere(&KINDS[2]);
}

#[test]
fn a_link_killed_anywhere() {
    kill_everywhere(&KINDS[5]);
}

#[test]
fn a_mount_killed_anywhere() {
    kill_everywhere(&KINDS[8]);
}

#[test]
fn a_link_into_memory_killed_anywhere() {
    kill_everywhere(&KINDS[11]);
}

#[test]
fn a_cover_killed_anywhere() {
    kill_everywhere(&KINDS[10]);
}

#[test]
fn settings_for_resolvconf_killed_anywhere() {
    kill_everywhere(&KINDS[12]);
    kill_everywhere(&KINDS[13]);
}

/// Calls between which a server comes into being, or ends.
#[test]
fn a_server_that_was_just_started_is_not_forgotten() {
    if !has("strace") {
        skip("strace is not installed");
        return;
    }
    let Some(world) = World::new("") else { return };
    (KINDS[0].make)(&world);
    let before = world.shot();
    let gone = |when: &str| {
        // The server's own process notes it, and may not have come to it.
        for _ in 0..100 {
            world.dns("off");
            if world.servers() == 0 {
                break;
            }
        }
        assert_eq!((world.shot(), world.servers()), (before.clone(), 0), "{when}");
    };
    let kill = |word: &str, call: &str, number: usize| {
        let (trace, inject) = (format!("trace=?{call}"), format!("inject=?{call}:signal=KILL:when={number}"));
        run(&mut strace(&world, &["-o", "/dev/null", "-e", &trace, "-e", &inject], &["dns", word])).status != 0
    };
    let mut kills = 0;
    for (call, most) in [("clone", 2), ("ftruncate", 1), ("sendto", 3), ("rename", 2), ("mkdir", 3)] {
        for number in 1..=most {
            kills += usize::from(kill("on", call, number));
            gone(&format!("on, {call} {number}"));
        }
    }
    for (call, number) in [("kill", 1), ("pidfd_open", 1), ("unlink", 4), ("unlink", 5), ("rename", 1), ("rename", 2)] {
        world.dns("on");
        kills += usize::from(kill("off", call, number));
        gone(&format!("off, {call} {number}"));
    }
    assert!(kills >= 12, "only {kills} kills");
}
