//! Where a node's memory lies, and whatever may lie there instead: other people's directories, files that are none, full disks,
//! other clocks. Shells come up and prompts go on.
//!
//! What is the machine's own, /dev/shm and /tmp, is covered in a mount namespace by file systems of the test's own.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::node::{CONFIG, NAMES, Node, Shell, shown, turn, turn_again, until, uptime};
use crate::node_first::can_make_namespaces;
use crate::support::{Home, NOBODY, Outcome, PROGRAM, PROJECT, is_root, run, skip};
use crate::terminal::Terminal;

/// What may lie where a file of the memory should.
const KINDS: [&str; 11] = [
    "nothing",
    "empty",
    "half",
    "large",
    "binary",
    "foreign words",
    "symlink",
    "dangling",
    "fifo",
    "directory",
    "another's",
];

fn put(path: &Path, kind: &str) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_dir(path);
    let line = format!("online {} x\n", uptime() + 200);
    match kind {
        "nothing" => {}
        "empty" => fs::write(path, "").unwrap(),
        "half" => fs::write(path, "onli").unwrap(),
        "large" => fs::write(path, "online 1".repeat(1 << 17)).unwrap(),
        "binary" => fs::write(path, [0, 255, 1, b'\n', 0, 27, b' ', 9].repeat(40)).unwrap(),
        "foreign words" => fs::write(path, "$(touch /tmp/pwned) 99999999999999999999 %n\n").unwrap(),
        "symlink" => {
            let target = path.with_file_name("elsewhere");
            fs::write(&target, line).unwrap();
            symlink(target, path).unwrap();
        }
        "dangling" => symlink("/nowhere/at/all", path).unwrap(),
        "fifo" => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
        "directory" => fs::create_dir(path).unwrap(),
        "another's" => {
            fs::write(path, line).unwrap();
            if is_root() {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        _ => unreachable!(),
    }
}

/// None of them is taken for a verdict, none makes anybody wait, and all that can be is mended.
#[test]
fn whatever_lies_in_the_memory_commands_go_on() {
    let node = Node::new(CONFIG);
    for name in ["verdict", "lock", "attempts"] {
        for kind in KINDS {
            put(&node.file(name), kind);
            let outcome = node.home.hpcsh(&["env"]);
            assert_eq!((outcome.status, outcome.err.as_str()), (0, ""), "{name}: {kind}");
            assert!(outcome.out.contains("export HPCSH_NODE='unknown'"), "{name}: {kind}: {}", outcome.out);
            put(&node.file(name), kind);
            let outcome = node.home.hpcsh(&["init", "bash", "--print"]);
            assert_eq!((outcome.status, outcome.err.as_str()), (0, ""), "{name}: {kind}");
            put(&node.file(name), kind);
            assert_eq!(node.status()["verdict"], "unknown", "{name}: {kind}");
            until("the end of the look", || !node.file("lock").exists() || name == "lock");
            put(&node.file(name), "nothing");
            let _ = fs::remove_file(&node.verdict);
        }
    }
    assert!(!Path::new("/tmp/pwned").exists());
}

#[test]
fn whatever_lies_in_the_memory_prompts_go_on() {
    let node = Node::new(CONFIG);
    for shell in Shell::all() {
        node.keep("offline", 200);
        let mut terminal = Terminal::start(&shell.command(&node.home, "", ""));
        assert_eq!(shown(&mut terminal, &NAMES), "offline|1|1|offline");
        for name in ["verdict", "lock", "attempts"] {
            for kind in KINDS {
                let told = format!("{}: {name}: {kind}", shell.name());
                node.keep("offline", if name == "verdict" { 200 } else { -5 });
                put(&node.file(name), kind);
                // Without a verdict, the program that is not to look finds nothing out. What nobody can replace leaves the
                // shell with what it knew.
                let mut states: Vec<String> = Vec::new();
                until("a verdict, or three turns", || {
                    turn_again(shell, &mut terminal);
                    states.push(shown(&mut terminal, &["HPCSH_NODE", "HPCSH_STORAGE"]));
                    let is_known = ["offline|", "unknown|"].contains(&states[states.len() - 1].as_str());
                    states.len() > 2 && (is_known || kind == "directory")
                });
                assert!(states.iter().all(|state| state.ends_with('|')), "{told}: {states:?}");
                until("that nobody looks", || !node.file("lock").exists() || name == "lock");
                put(&node.file(name), "nothing");
                node.keep("online", 200);
                turn_again(shell, &mut terminal);
                assert_eq!(shown(&mut terminal, &NAMES), "online|||", "{told}");
            }
        }
        terminal.leave();
    }
    assert!(!Path::new("/tmp/pwned").exists());
}

/// A script as root, in a mount namespace with /dev/shm and /tmp of its own; the home, with a copy of the program, is seen there.
fn hidden(home: &Home, script: &str) -> Outcome {
    let root = home.path().parent().unwrap().to_owned();
    let program = home.path().join("hpcsh");
    if !program.exists() {
        fs::copy(PROGRAM, &program).unwrap();
    }
    let script = format!(
        "set -e
        mount --bind '{root}' /mnt
        mount -t tmpfs -o mode=1777 own /dev/shm
        mount -t tmpfs -o mode=1777 own /tmp
        mkdir -p '{root}'; mount --bind /mnt '{root}'
        cd '{root}/home'
        hpcsh='{program}'
        file() {{ \"$@\" $hpcsh status --json | sed -n 's/.*\"file\": \"\\(.*\\)\\/[0-9a-f]*-verdict\",/\\1/p; s/.*\"file\": null,/none/p'; }}
        as_nobody() {{ setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups \"$@\"; }}
        {script}",
        root = root.display(),
        program = program.display(),
    );
    run(home.command("unshare").args(["--mount", "--net", "sh", "-c", &script]))
}

#[test]
fn the_memory_lies_where_only_we_can_write() {
    if !can_make_namespaces() {
        return;
    }
    let home = Home::new();
    let script = "
        run=$XDG_RUNTIME_DIR
        file env
        chmod 777 $run; file env; chmod 700 $run
        chown nobody $run; file env; chown root $run
        file env XDG_RUNTIME_DIR=/run/user/4711; file env -u XDG_RUNTIME_DIR; file env XDG_RUNTIME_DIR=relative
        chmod 755 $run/hpcsh; file env; chmod 700 $run/hpcsh
        ln -s $run ../link; file env XDG_RUNTIME_DIR=$PWD/../link
        unset XDG_RUNTIME_DIR
        echo -- shm
        rm -r /dev/shm/hpcsh-0; ln -s /tmp /dev/shm/hpcsh-0; file env
        rm /dev/shm/hpcsh-0; mkdir -m 700 /dev/shm/hpcsh-0; chown nobody /dev/shm/hpcsh-0; file env
        rm -r /dev/shm/hpcsh-0; touch /dev/shm/hpcsh-0; file env
        echo -- tmp
        rm -r /tmp/hpcsh-0; mkdir -m 777 /tmp/hpcsh-0; chmod 777 /tmp/hpcsh-0; file env
        $hpcsh env | grep HPCSH_NODE; $hpcsh status | head -n 1; $hpcsh init zsh | grep -c _hpcsh_memory=\\'\\'
        ls /tmp/hpcsh-0 /dev/shm";
    let out = hidden(&home, script).clean();
    let run = home.run().join("hpcsh").display().to_string();
    let (run, shm, tmp) = (run.as_str(), "/dev/shm/hpcsh-0", "/tmp/hpcsh-0");
    let wanted = [
        run,
        shm,
        shm,
        shm,
        shm,
        shm,
        shm,
        shm,
        "-- shm",
        tmp,
        tmp,
        tmp,
        "-- tmp",
        "none",
        "export HPCSH_NODE='unknown'",
        "unknown (HPCSH_NO_PROBE keeps hpcsh from looking)",
        "1",
        "/dev/shm:",
        "hpcsh-0",
        "",
        "/tmp/hpcsh-0:",
    ];
    assert_eq!(out.lines().collect::<Vec<_>>(), wanted);
}

#[test]
fn two_users_of_a_node_do_not_meet() {
    if !can_make_namespaces() {
        return;
    }
    let home = Home::new();
    let open = home.path().parent().unwrap().to_owned();
    fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
    // The other one inherits this one's runtime directory, as by `su`.
    let script = "
        file env; file as_nobody
        for file in $XDG_RUNTIME_DIR/hpcsh/*-verdict; do echo \"online 99999999 x\" >$file; done
        $hpcsh status | head -n 1; as_nobody $hpcsh status | head -n 1
        as_nobody $hpcsh status --refresh | head -n 1; $hpcsh status | head -n 1";
    let out = hidden(&home, script).clean();
    let run = home.run().join("hpcsh").display().to_string();
    let unknown = "unknown (HPCSH_NO_PROBE keeps hpcsh from looking)";
    let wanted = [&run, &format!("/dev/shm/hpcsh-{NOBODY}"), "online (x)", unknown, unknown, "online (x)"];
    assert_eq!(out.lines().collect::<Vec<_>>(), wanted);
}

/// Where nothing can be written, each one finds out for himself, and shells come up. The network has no way out.
#[test]
fn without_a_place_to_write_everything_goes_on() {
    if !can_make_namespaces() {
        return;
    }
    for (what, setup) in [
        (
            "full",
            "mount -t tmpfs -o size=4k,mode=700 own $at; mkdir -m 700 $at/hpcsh; cat /dev/zero >$at/fill 2>/dev/null || true",
        ),
        ("out of files", "mount -t tmpfs -o nr_inodes=2,mode=700 own $at; mkdir -m 700 $at/hpcsh"),
        ("read-only", "mount -t tmpfs -o mode=700 own $at; mkdir -m 700 $at/hpcsh; mount -o remount,ro $at"),
    ] {
        let home = Home::new();
        fs::create_dir(home.local()).unwrap();
        fs::set_permissions(home.local(), Permissions::from_mode(0o700)).unwrap();
        home.configure(CONFIG);
        for (shell, rc) in [("zsh -d -i", ".zshrc"), ("bash -i", ".bashrc")] {
            home.write(rc, format!("eval \"$($HOME/hpcsh init {})\"\n", shell.split(' ').next().unwrap()));
        }
        home.write(".config/fish/config.fish", "$HOME/hpcsh init fish | source\n");
        let script = format!(
            "unset HPCSH_NO_PROBE
            for at in $XDG_RUNTIME_DIR $HPCSH_LOCAL_DIR; do {setup}; done
            $hpcsh status | head -n 1; $hpcsh status --refresh | head -n 1; $hpcsh env | grep HPCSH_NODE
            for shell in 'zsh -d -i' 'bash -i' 'fish -i'; do
                command -v ${{shell%% *}} >/dev/null || continue
                $shell -c 'echo \"$HPCSH_NODE $HF_HUB_OFFLINE\"' 2>err || cat err
                $shell -c 'echo \"$HPCSH_NODE $HF_HUB_OFFLINE\"' 2>err || cat err
            done
            for at in $XDG_RUNTIME_DIR $HPCSH_LOCAL_DIR; do umount $at; done"
        );
        let out = hidden(&home, &script).clean();
        let (told, shells) = out.split_at(out.find("'offline'\n").map_or(out.len(), |at| at + 10));
        let offline = "offline (no default route)";
        assert_eq!(told, format!("{offline}\n{offline}\nexport HPCSH_NODE='offline'\n"), "{what}");
        assert!(shells.lines().count() >= 4 && shells.lines().all(|line| line == "offline 1"), "{what}: {shells}");
    }
}

/// The last logout takes the runtime directory away, and the next login brings another one.
#[test]
fn a_running_shell_finds_the_memory_again() {
    if !can_make_namespaces() {
        return;
    }
    for shell in Shell::all() {
        let name = shell.name();
        let node = Node::new(CONFIG);
        node.keep("offline", 200);
        let inner = shell.command(&node.home, "", "");
        let mut outer = node.home.command("unshare");
        outer.args(["--mount", "sh", "-c", "mount -t tmpfs -o mode=1777 own /dev/shm; exec \"$@\"", "sh"]);
        outer.arg(inner.get_program()).args(inner.get_args());
        let mut terminal = Terminal::start(&outer);
        assert_eq!(shown(&mut terminal, &NAMES), "offline|1|1|offline", "{name}");
        fs::remove_dir_all(node.home.run()).unwrap();
        for _ in 0..2 {
            turn_again(shell, &mut terminal);
            terminal.run("sleep 0.3");
        }
        turn_again(shell, &mut terminal);
        let listed = terminal.run("ls /dev/shm/hpcsh-*");
        assert!(listed.contains("-verdict"), "{name}: {listed}");
        assert_eq!(shown(&mut terminal, &["HPCSH_NODE"]), "unknown", "{name}: its own place, and nobody looks");
        assert!(shown(&mut terminal, &["_hpcsh_memory"]).starts_with("/dev/shm/hpcsh-0/"), "{name}");
        // Somebody logs in again; the next who has it looked at finds that place.
        fs::create_dir(node.home.run()).unwrap();
        fs::set_permissions(node.home.run(), Permissions::from_mode(0o700)).unwrap();
        node.home.hpcsh(&["status", "--refresh"]).clean();
        node.keep("online", 200);
        terminal.run("echo unknown 1 x >\"$_hpcsh_memory-verdict\"");
        for _ in 0..2 {
            turn_again(shell, &mut terminal);
        }
        assert_eq!(shown(&mut terminal, &NAMES), "online|||", "{name}");
        assert!(shown(&mut terminal, &["_hpcsh_memory"]).starts_with(node.home.run().to_str().unwrap()), "{name}");
        terminal.leave();
    }
}

// --- clocks, names, networks

/// A verdict of another clock has expired, and freezes nobody.
#[test]
fn a_verdict_of_another_clock_is_looked_at_again() {
    let node = Node::new(CONFIG);
    for shell in Shell::all() {
        let mut terminal = Terminal::start(&shell.command(&node.home, "", ""));
        terminal.run("true");
        for left in [1_000_000, 400, -uptime(), 99_999_999_999] {
            node.keep("online", left);
            turn_again(shell, &mut terminal);
            until("a verdict of this clock", || (1..=300).contains(&node.left()));
            turn(shell, &mut terminal);
            assert_eq!(shown(&mut terminal, &["HPCSH_NODE"]), "online", "{}: {left}", shell.name());
        }
        terminal.leave();
    }
    node.keep("online", 1_000_000);
    node.home.hpcsh(&["env"]).clean();
    assert!((1..=300).contains(&node.left()), "{}", node.line());
}

#[test]
fn a_clock_that_has_moved_freezes_nothing() {
    let node = Node::new(CONFIG);
    let moved = ["--time", "--fork", "--boottime", "1000000"];
    if !is_root() || run(Command::new("unshare").args(moved).arg("true")).status != 0 {
        skip("no time namespaces can be made here");
        return;
    }
    for shell in Shell::all() {
        node.keep("offline", 200);
        let inner = shell.command(&node.home, "", "");
        let mut outer = node.home.command("unshare");
        outer.args(moved).arg(inner.get_program()).args(inner.get_args());
        let mut terminal = Terminal::start(&outer);
        // Here, it has expired long ago; there, what this one writes is of another clock.
        turn_again(shell, &mut terminal);
        until("a verdict of that clock", || (1_000_000..=1_000_300).contains(&node.left()));
        assert_eq!(node.line().split(' ').next(), Some("offline"), "{}", shell.name());
        let mut here = Terminal::start(&shell.command(&node.home, "", ""));
        turn_again(shell, &mut here);
        until("a verdict of this clock", || (1..=300).contains(&node.left()));
        assert_eq!(shown(&mut here, &NAMES), "offline|1|1|offline", "{}", shell.name());
        here.leave();
        terminal.leave();
    }
}

/// The only clocks are the one that counts from the start of the node, and the monotonic one.
#[test]
fn nothing_asks_the_wall_clock() {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut ahead = vec![Path::new(PROJECT).join("src"), Path::new(PROJECT).join("shell")];
    while let Some(dir) = ahead.pop() {
        for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { ahead.push(path) } else { files.push(path) }
        }
    }
    assert!(files.len() > 50);
    // The log's lines tell people when; nothing is decided by that.
    files.retain(|file| !file.ends_with("dns/log.rs"));
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for word in
            ["SystemTime", "UNIX_EPOCH", "EPOCHSECONDS", "EPOCHREALTIME", "command date", "zsh/datetime", "strftime"]
        {
            assert!(!text.contains(word), "{}: {word}", file.display());
        }
    }
}

#[test]
fn another_network_or_host_name_is_another_node() {
    if !can_make_namespaces() {
        return;
    }
    let node = Node::new("");
    node.keep("online", 200);
    let before = node.line();
    let told = |words: &[&str], script: &str| {
        let mut command = node.home.command("unshare");
        command.args(words).args(["sh", "-c", script, PROGRAM]);
        let told: serde_json::Value = serde_json::from_str(&run(&mut command).clean()).unwrap();
        (told["verdict"].as_str().unwrap().to_owned(), PathBuf::from(told["file"].as_str().unwrap()))
    };
    let network = told(&["--net"], "\"$0\" status --refresh --json");
    let name = told(&["--uts"], "hostname another; \"$0\" status --refresh --json");
    let proxy = told(&["--uts"], "https_proxy=http://proxy:1 \"$0\" status --refresh --json");
    let same = told(&["--uts", "--mount", "--pid", "--fork"], "\"$0\" status --json");
    assert_eq!(same, ("online".to_owned(), node.verdict.clone()));
    for (verdict, file) in [&network, &name, &proxy] {
        assert_eq!(verdict, "unknown");
        assert_ne!(file, &node.verdict);
    }
    assert!(network.1 != name.1 && name.1 != proxy.1);
    assert_eq!(node.line(), before);
}
