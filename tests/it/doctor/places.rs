//! What the node keeps: its verdict and locks, directories of others, full and read-only disks.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::PathBuf;
use std::process::Command;

use super::{Seen, doctor, obey, seen, sound, tree};
use crate::node_first::can_make_namespaces;
use crate::support::{Home, NOBODY, PROGRAM, is_root, run, skip};
use crate::terminal::Terminal;

/// The file of this name in the node's memory.
fn memory(home: &Home, name: &str) -> PathBuf {
    // Without the configuration, whose word would need none.
    let outcome = run(home.command(PROGRAM).env("XDG_CONFIG_HOME", "/nowhere").args(["status", "--json"]));
    let value: serde_json::Value = serde_json::from_str(&outcome.out).unwrap();
    let verdict = value["file"].as_str().unwrap_or_else(|| panic!("no memory: {outcome:?}"));
    PathBuf::from(verdict.strip_suffix("verdict").unwrap().to_owned() + name)
}

/// A home whose node is looked at, and does not look.
fn looking() -> Home {
    let home = sound();
    home.configure("shared_home = \"SHARED\"\n");
    home
}

/// Seconds since the node started.
fn uptime() -> u64 {
    fs::read_to_string("/proc/uptime").unwrap().split('.').next().unwrap().parse().unwrap()
}

fn mode(home: &Home) -> u32 {
    fs::metadata(home.local()).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_verdict_is_told_with_its_reason_and_age() {
    let home = looking();
    let verdict = memory(&home, "verdict");
    let keep = |state: &str, expires: u64, looked: u64| {
        fs::write(&verdict, format!("{state} {expires} by hand\n")).unwrap();
        fs::write(memory(&home, "attempts"), format!("{looked}\n")).unwrap();
    };
    let now = uptime();
    keep("online", now + 100, now.saturating_sub(20));
    let said = seen(&home).all("ok").join("\n");
    assert!(said.contains("node: online (by hand), looked at 2"), "{said}");
    assert!(!said.contains("looks again"), "{said}");
    keep("online", now.saturating_sub(1), now.saturating_sub(20));
    assert!(seen(&home).all("ok").join("\n").contains(" s ago; the next prompt looks again"));
    keep("unknown", now + 100, now);
    assert_eq!(seen(&home).command("unknown (by hand)"), "hpcsh status --refresh");
    // The configuration's word is another one.
    keep("online", now + 100, now);
    home.configure("shared_home = \"SHARED\"\nnode.verdict = \"offline\"\n");
    let found = seen(&home);
    let note = found.one("and the network was found to be online (by hand)");
    assert!(note["hint"].as_str().unwrap().contains("verdict = \"auto\""), "{note}");
    assert_eq!(note["level"], "note");
    home.configure("shared_home = \"SHARED\"\n");
    let found = Seen::of(doctor(&home).env("HPCSH_OFFLINE", "1"));
    assert!(found.one("was found to be online")["hint"].as_str().unwrap().starts_with("HPCSH_OFFLINE says so"));
    keep("offline", now + 100, now);
    home.configure("shared_home = \"SHARED\"\nnode.verdict = \"offline\"\n");
    assert_eq!(seen(&home).notes(), [""; 0]);
}

#[test]
fn the_lock_of_a_process_that_has_ended_is_freed_and_that_of_another_is_not() {
    let home = sound();
    let lock = memory(&home, "lock");
    let mut sleeper = Command::new("sleep").arg("100").spawn().unwrap();
    // It was there before the lock was.
    let line = format!("{} {}\n", sleeper.id(), uptime() + 1);
    fs::write(&lock, &line).unwrap();
    assert_eq!(Seen::of(doctor(&home).args(["--fix", "--yes"])).notes(), [""; 0]);
    assert_eq!(fs::read_to_string(&lock).unwrap(), line);
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    let found = seen(&home);
    assert_eq!(found.command("ended without giving back its lock"), format!("rm {}", lock.display()));
    let before = tree(home.path().parent().unwrap());
    let plan = run(doctor(&home).args(["--fix", "--dry-run"]));
    let told = format!("would run: rm {}  # removes it; the next look takes it anyway\n", lock.display());
    assert_eq!((plan.out.as_str(), plan.err, plan.status), ("", told, 0));
    assert_eq!(tree(home.path().parent().unwrap()), before, "a plan changes nothing");
    let fixed = Seen::of(doctor(&home).args(["--fix", "--yes"]));
    assert_eq!((fixed.notes(), &fixed.value["fixed"][0]), (vec![], &format!("rm {}", lock.display()).into()));
    assert!(!lock.exists());
    let again = Seen::of(doctor(&home).args(["--fix", "--yes"]));
    assert_eq!(again.value["fixed"], serde_json::json!([]));
    assert_eq!(again.err, "nothing to do: there is nothing that hpcsh may mend by itself\n");
}

#[test]
fn on_a_terminal_it_asks() {
    let home = sound();
    let lock = memory(&home, "lock");
    for (answer, stays) in [("n", true), ("y", false)] {
        fs::write(&lock, "4194304 1\n").unwrap();
        let mut terminal = Terminal::start(home.command("sh").env("PS1", "> "));
        terminal.send(&format!("SHELL=/bin/bash '{PROGRAM}' doctor --fix; echo \"<do\"ne\\>\r"));
        let asked = terminal.expect("Run that? [Y/n] ");
        assert!(asked.contains(&format!("to be run: rm {}", lock.display())), "{asked}");
        assert!(lock.exists(), "before the answer");
        terminal.send(&format!("{answer}\r"));
        let said = terminal.expect("<done>");
        assert_eq!(lock.exists(), stays, "{answer}: {said}");
        assert_eq!(said.contains("1 note"), stays, "{said}");
    }
}

#[test]
fn a_node_local_directory_that_others_look_into_is_closed() {
    let home = sound();
    fs::create_dir(home.local()).unwrap();
    fs::set_permissions(home.local(), Permissions::from_mode(0o755)).unwrap();
    let found = seen(&home);
    let part = "is open to other users: everything works, without memory";
    assert_eq!(found.command(part), format!("chmod 700 {}", home.local().display()));
    assert_eq!(run(doctor(&home).args(["--fix", "--dry-run"])).status, 3);
    assert_eq!(mode(&home), 0o755);
    assert_eq!(Seen::of(doctor(&home).arg("--fix")).problems(), [""; 0]);
    assert_eq!(mode(&home), 0o700);
    // What others could write may hold what others wrote.
    fs::set_permissions(home.local(), Permissions::from_mode(0o777)).unwrap();
    let found = Seen::of(doctor(&home).arg("--fix"));
    assert_eq!((found.problems().len(), mode(&home)), (1, 0o777));
    assert_eq!(found.one(part)["mends"], serde_json::json!([]));
    assert!(found.one(part)["hint"].as_str().unwrap().contains("HPCSH_LOCAL_DIR"));
}

#[test]
fn a_node_local_directory_of_somebody_else_is_told_and_left_alone() {
    if !is_root() {
        skip("only root can give a directory to somebody else");
        return;
    }
    let home = sound();
    fs::create_dir(home.local()).unwrap();
    fs::set_permissions(home.local(), Permissions::from_mode(0o700)).unwrap();
    chown(home.local(), Some(NOBODY), Some(NOBODY)).unwrap();
    let found = Seen::of(doctor(&home).arg("--fix"));
    found.one("belongs to another user: everything works, without memory");
    // For an ordinary user root's is somebody else's, and closed.
    let home = Home::of_nobody().unwrap();
    home.configure("shared_home = \"SHARED\"\nnode.verdict = \"offline\"\n");
    home.write(".bashrc", "eval \"$(hpcsh init bash)\"\n");
    assert_eq!(seen(&home).problems(), [""; 0]);
    fs::create_dir(home.local()).unwrap();
    fs::set_permissions(home.local(), Permissions::from_mode(0o700)).unwrap();
    seen(&home).one("belongs to another user");
    fs::remove_dir(home.local()).unwrap();
    let above = home.local().parent().unwrap().to_owned();
    chown(&above, Some(0), Some(0)).unwrap();
    fs::set_permissions(&above, Permissions::from_mode(0o755)).unwrap();
    seen(&home).one(&format!("cannot be made: {} cannot be written", above.display()));
    assert!(!home.local().exists());
}

/// On file systems of the test's own, which end with its mounts.
#[test]
fn full_and_read_only_disks_are_told() {
    if !can_make_namespaces() {
        return;
    }
    let home = sound();
    fs::create_dir(home.local()).unwrap();
    fs::set_permissions(home.local(), Permissions::from_mode(0o700)).unwrap();
    let look = |then: &str| {
        let script = format!("set -e; mount -t tmpfs -o size=64k,mode=700 x \"$1\"; {then}; shift; \"$@\"");
        let mut command = home.command("unshare");
        command.env("SHELL", "/bin/bash").args(["--mount", "sh", "-c", &script, "sh"]).arg(home.local());
        Seen::of(command.args([PROGRAM, "doctor"]))
    };
    assert_eq!(look("true").problems(), [""; 0]);
    look("cat /dev/zero >\"$1/x\" 2>/dev/null || true")
        .one("lies on a file system that is full: everything works, without memory");
    look("mount -o remount,ro \"$1\"").one("lies on a file system that is read-only: everything works, without memory");
}

#[test]
fn a_tmpdir_of_another_node_is_told() {
    let home = sound();
    let lost = home.path().join("job 17/tmp");
    let look = || Seen::of(doctor(&home).env("TMPDIR", &lost));
    let found = look();
    assert_eq!(found.problems().len(), 1);
    obey(&home, &found.command("TMPDIR names"));
    assert_eq!(look().problems(), [""; 0]);
    fs::remove_dir(&lost).unwrap();
    fs::write(&lost, "").unwrap();
    assert_eq!(look().command("TMPDIR names"), "unset TMPDIR");
}

#[test]
fn where_nothing_can_be_remembered_it_is_told() {
    if !can_make_namespaces() {
        return;
    }
    let home = sound();
    // The program may lie in /tmp too.
    let script = "set -e; exec 3<\"$1\"; shift
        for dir in /dev/shm /tmp; do mount -t tmpfs -o ro x $dir; done; exec /proc/self/fd/3 \"$@\"";
    // Its own files lie in /tmp, which is covered: so the home is another one.
    let mut command = home.command("unshare");
    command
        .env("HOME", "/")
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("TMPDIR")
        .env_remove("HPCSH_LOCAL_DIR")
        .current_dir("/");
    let found = Seen::of(command.args(["--mount", "sh", "-c", script, "sh", PROGRAM, "doctor"]));
    assert!(found.problems().iter().any(|problem| problem.starts_with("node: no verdict is remembered")), "{found:#?}");
}
