//! `install.sh --shared`: one directory for many users, nodes and machines.

use std::env::consts::ARCH;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::install::{
    DONE, NOTHING, block, command, has_all, installer, names, outcome, rc, refused, script, shared_word, shells,
    silent, small, snapshot,
};
use crate::support::{Home, Outcome, PROGRAM, has, run, skip};

/// The machine that this is not.
const OTHER: &str = if cfg!(target_arch = "aarch64") { "x86_64" } else { "aarch64" };

/// As much of a program for the other machine as the installer looks at.
fn foreign(home: &Home) -> String {
    let machine = if OTHER == "aarch64" { b"\xb7\0" } else { b"\x3e\0" };
    let given = home.shared().join("foreign");
    fs::write(&given, [b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0", &machine[..], b" _hpcsh_\n"].concat()).unwrap();
    given.into_os_string().into_string().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn close(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The same run under a umask.
fn under(umask: &str, home: &Home, shell: &[&str], words: &[&str]) -> Outcome {
    let mut command = home.command("sh");
    command.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]).args(shell).arg(script()).args(words);
    outcome(home, &mut command)
}

#[test]
fn each_machine_has_its_program_and_all_have_one_configuration() {
    for shell in shells() {
        for home in [Some(Home::new()), Home::of_nobody()].into_iter().flatten() {
            let mine = format!("tools/bin/{ARCH}/hpcsh");
            let config = "tools/etc/hpcsh/config.toml";
            let plan = format!(
                "  write    HOME/{mine}\n  write    HOME/{config}, a sample in which every line is a comment\n"
            );
            let words = ["--shared", "tools", "--from", PROGRAM];
            let dry = installer(&home, shell, &[&words, &["--dry-run"][..]].concat());
            let planned = format!("install.sh: this would be done (nothing is changed now):\n{plan}");
            assert_eq!((dry, names(&home)), (silent(planned), Vec::new()));

            let done = installer(&home, shell, &words);
            let told = format!(
                "install.sh: this is done now:\n{plan}{DONE}\
                 install.sh: the configuration of all who use this is HOME/{config}\n\
                 install.sh: put the line of your shell at the end of its rc file, or run again with --rc:\n"
            );
            assert!(done.err.starts_with(&told) && done.status == 0, "{}", done.err);
            assert_eq!(done.err.lines().count(), told.lines().count() + 3);
            let before = snapshot(&home.path());
            assert_eq!(installer(&home, shell, &words), silent(NOTHING));
            assert_eq!(snapshot(&home.path()), before);

            // The other machine's comes beside; whose it is, the file tells.
            fs::write(home.path().join(config), "env.set.SITE = \"1\"\n").unwrap();
            let theirs = format!("tools/bin/{OTHER}/hpcsh");
            let given = foreign(&home);
            let beside = installer(&home, shell, &["--shared", "tools", "--from", &given]);
            let told = format!("install.sh: this is done now:\n  write    HOME/{theirs}\n{DONE}");
            assert!(beside.err.starts_with(&told), "{}", beside.err);
            assert!(!beside.err.contains("does not run"), "{}", beside.err);
            assert_eq!(installer(&home, shell, &words), silent(NOTHING));
            let site = run(home.command(home.path().join(&mine)).arg("env"));
            assert!(site.out.contains("SITE"), "{site:?}");

            let told = format!(
                "install.sh: this is done now:\n  remove   HOME/{mine}\n{DONE}\
                 install.sh: left alone: HOME/{config} (others may use it)\n\
                 install.sh: left alone: HOME/{theirs} (nodes of that kind use it)\n"
            );
            assert_eq!(installer(&home, shell, &["--uninstall", "--shared", "tools"]), silent(told));
            let files: Vec<_> = names(&home).into_iter().filter(|name| !name.ends_with('/')).collect();
            assert_eq!(files, [&theirs, config]);
            assert!(!home.path().join("tools/bin").join(ARCH).exists());
        }
    }
}

#[test]
fn others_may_read_everything_and_write_nothing_whatever_the_umask() {
    for shell in shells() {
        for umask in ["077", "000", "022"] {
            let home = Home::new();
            let given = small(&home);
            let words = ["--shared", "deep/tools", "--from", &given, "--rc", "--shell", "bash"];
            let done = under(umask, &home, shell, &words);
            assert_eq!(done.status, 0, "{}", done.err);
            assert!(!done.err.contains("warning: others"), "{}", done.err);
            let program = home.path().join("deep/tools/bin").join(ARCH).join("hpcsh");
            let config = home.path().join("deep/tools/etc/hpcsh/config.toml");
            assert_eq!((mode(&program), mode(&config)), (0o755, 0o644), "{umask}");
            for file in [&program, &config] {
                for dir in file.ancestors().skip(1).take_while(|dir| *dir != home.path()) {
                    assert_eq!(mode(dir), 0o755, "{umask}: {}", dir.display());
                }
            }
            // The rc file is the user's own.
            let asked = u32::from_str_radix(umask, 8).unwrap();
            assert_eq!(mode(&home.path().join(".bashrc")), 0o666 & !asked);

            // A program that its group could write is put right; its text is the same.
            close(&program, 0o775);
            let again = installer(&home, shell, &words);
            assert!(again.err.contains(&format!("\n  replace  HOME/deep/tools/bin/{ARCH}/hpcsh\n")), "{}", again.err);
            assert_eq!(mode(&program), 0o755);

            let gone = installer(&home, shell, &["--uninstall", "--shared", "deep/tools"]);
            assert_eq!(gone.status, 0, "{}", gone.err);
            assert_eq!(names(&home), ["deep/", "deep/tools/", "deep/tools/bin/", "deep/tools/etc/"]);
        }
    }
}

#[test]
fn a_directory_that_others_can_write_is_warned_about() {
    for shell in shells() {
        let home = Home::new();
        let given = small(&home);
        let tools = home.path().join("a/real/tools");
        fs::create_dir_all(tools.join("etc/hpcsh")).unwrap();
        for dir in [&tools, &tools.join("etc"), &tools.join("etc/hpcsh"), &home.path().join("a")] {
            close(dir, 0o755);
        }
        close(&home.path().join("a/real"), 0o1777);
        let config = home.path().join("a/real/tools/etc/hpcsh/config.toml");
        fs::write(&config, "").unwrap();
        close(&config, 0o644);
        std::os::unix::fs::symlink("real/tools", home.path().join("a/link")).unwrap();
        let words = ["--shared", "a/link", "--from", &given, "--dry-run"];
        let quiet = installer(&home, shell, &words);
        assert!(quiet.status == 0 && !quiet.err.contains("warning"), "sticky, as /tmp: {}", quiet.err);

        // The directory itself, one above what the link leads to, and one above the link.
        close(&tools, 0o775);
        close(&home.path().join("a/real"), 0o757);
        close(&home.path().join("a"), 0o777);
        close(&config, 0o664);
        let told = installer(&home, shell, &words);
        let expected: String = ["a/link", "a", "a/real/tools", "a/real"]
            .map(|dir| {
                format!(
                    "install.sh: warning: others can write HOME/{dir}: whoever can runs code in every shell that uses this \
                     installation\nhint: chmod go-w 'HOME/{dir}'\n"
                )
            })
            .concat();
        let file = "install.sh: warning: others can write HOME/a/link/etc/hpcsh/config.toml, so hpcsh will not read it\n\
                    hint: chmod go-w 'HOME/a/link/etc/hpcsh/config.toml'\n";
        assert!(told.err.ends_with(&format!("hpcsh\n{expected}{file}")), "{}", told.err);
    }
}

/// What stands for a program here and there: it prints code for the shell that asks, and says who ran it.
const STANDIN: &str = "#!/bin/sh\n# _hpcsh_\n[ \"$1\" != --help ] || exit 0\necho \"echo active $2 ${0##*/bin/}\"\n";

#[test]
fn the_line_finds_the_machines_program_and_is_silent_without_it() {
    if !has_all() {
        return;
    }
    for shell in shells() {
        for name in ["tools", "it's a \"dir\" $(touch pwned) `touch pwned` \\ \\' %s é", "-x"] {
            let home = Home::new();
            let given = home.shared().join("hpcsh");
            fs::write(&given, STANDIN).unwrap();
            let dir = home.path().join(name);
            let dir = dir.to_str().unwrap();
            let words = ["--shared", dir, "--from", given.to_str().unwrap(), "--rc"];
            assert_eq!(installer(&home, shell, &words).status, 0);
            assert_eq!(installer(&home, shell, &words), silent(NOTHING));
            let program = Path::new(dir).join("bin").join(ARCH).join("hpcsh");
            let check = |there: bool| {
                for user in ["zsh", "bash", "fish"] {
                    let file = home.path().join(rc(user));
                    let text = fs::read_to_string(&file).unwrap();
                    assert_eq!(text, block(" (new file)", &shared_word(dir, user), user));
                    let expected = if there { format!("active {user} {ARCH}/hpcsh\n0\n") } else { "0\n".to_owned() };
                    let (flags, status) = if user == "fish" { ("-c", "$status") } else { ("-fuec", "$?") };
                    let mut command = home.command(crate::install::which(user));
                    command.args([flags, &format!(". {}; echo {status}", file.display())]);
                    // What a csh exports, or a login node of the other kind.
                    for variable in ["CPUTYPE", "HOSTTYPE", "MACHTYPE", "BASH_VERSINFO"] {
                        command.env(variable, format!("{OTHER}-linux"));
                    }
                    // Neither zsh nor bash could find a program to ask.
                    if user == "fish" {
                        command.env("XDG_CONFIG_HOME", home.shared());
                    } else {
                        command.env("PATH", "/nowhere");
                    }
                    assert_eq!(run(&mut command).clean(), expected, "{user} in {name}");
                }
            };
            check(true);
            // Storage that is not mounted.
            let away = home.path().join("away");
            fs::rename(dir, &away).unwrap();
            check(false);
            fs::rename(&away, dir).unwrap();
            assert!(program.exists() && !home.path().join("pwned").exists());
            let gone = installer(&home, shell, &["--uninstall", &format!("--shared={dir}")]);
            assert!(gone.status == 0 && !gone.err.contains("another program"), "{}", gone.err);
            assert_eq!(names(&home).iter().filter(|name| !name.ends_with('/')).count(), 0);
        }
    }
}

#[test]
fn who_may_only_use_it_adds_and_takes_his_line_alone() {
    let Some(home) = Home::of_nobody() else {
        skip("not root: no other user to be");
        return;
    };
    for shell in shells() {
        let tools = home.shared().with_file_name("tools");
        fs::create_dir(&tools).unwrap();
        let given = home.shared().join("hpcsh");
        fs::write(&given, STANDIN).unwrap();
        let dir = tools.to_str().unwrap();
        let root = Command::new("sh")
            .arg(script())
            .args(["--shared", dir, "--from"])
            .arg(&given)
            .env("HOME", home.shared())
            .output()
            .unwrap();
        assert!(root.status.success(), "{root:?}");
        // Left by a run that was killed, and not his to sweep.
        fs::write(tools.join("etc/hpcsh/.hpcsh-install.4194999.abcdef"), "").unwrap();
        let before = snapshot(&tools);
        let words = ["--shared", dir, "--from", given.to_str().unwrap(), "--rc", "--shell", "bash"];
        let added = installer(&home, shell, &words);
        assert!(added.status == 0 && added.err.contains("  make     HOME/.bashrc"), "{}", added.err);
        // Another program than the one that is there is not his to put.
        let other = foreign(&home);
        let denied = installer(&home, shell, &["--shared", dir, "--from", &other]);
        assert_eq!(denied.status, 1);
        assert!(denied.err.contains("\nhint: name another place with --shared DIR\n"), "{}", denied.err);
        let taken = installer(&home, shell, &["--uninstall", "--shared", dir]);
        let told = format!(
            "install.sh: this is done now:\n  restore  HOME/.bashrc: lines 1 to 3 go\n{DONE}\
             install.sh: left alone: {dir}/bin/{ARCH}/hpcsh (others may use it)\n\
             install.sh: left alone: {dir}/etc/hpcsh/config.toml (others may use it)\n"
        );
        assert_eq!(taken, silent(told));
        assert_eq!(snapshot(&tools), before);
        fs::remove_dir_all(&tools).unwrap();
    }
}

/// A group's installation: its owner is neither root nor the user, and his code runs anyway.
#[test]
fn the_configuration_beside_the_program_may_be_the_programs_owners() {
    let Some(home) = Home::of_nobody() else { return skip("only root can give a file to somebody else") };
    let tools = home.shared().with_file_name("tools");
    let program = tools.join("bin").join(ARCH).join("hpcsh");
    let config = tools.join("etc/hpcsh/config.toml");
    for (file, text) in [(&program, fs::read(PROGRAM).unwrap()), (&config, b"env.set.GOOD = \"1\"\n".to_vec())] {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        close(file, 0o755);
    }
    let reads = || run(home.command(&program).args(["config", "check"])).status == 0;
    for (of_program, of_config, read) in
        [(0, 0, true), (4321, 4321, true), (4321, 0, true), (0, 4321, false), (4321, 4322, false)]
    {
        chown(&program, Some(of_program), None).unwrap();
        chown(&config, Some(of_config), None).unwrap();
        assert_eq!(reads(), read, "{of_program} {of_config}");
    }
    chown(&config, Some(4321), None).unwrap();
    close(&config, 0o775);
    assert!(!reads(), "others can write it");
}

#[test]
fn the_sample_without_its_marks_is_a_configuration() {
    let Some(shell) = shells().next() else { return };
    let home = Home::new();
    assert_eq!(installer(&home, shell, &["--shared", "tools", "--from", PROGRAM]).status, 0);
    let config = home.path().join("tools/etc/hpcsh/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.lines().all(|line| line.starts_with('#')), "{text}");
    let wanted: Vec<_> = text.lines().filter_map(|line| line.strip_prefix('#')).collect();
    let wanted: Vec<_> = wanted.into_iter().filter(|line| !line.starts_with(' ')).collect();
    fs::write(&config, wanted.join("\n")).unwrap();
    let program = home.path().join("tools/bin").join(ARCH).join("hpcsh");
    let checked = run(home.command(program).args(["config", "check"]));
    assert_eq!((checked.status, wanted.len() > 8), (0, true), "{}", checked.err);
}

/// Numbers of processes are a node's own: what another node has in hand is not swept.
#[test]
fn what_another_node_is_writing_stays_for_a_day() {
    for shell in shells() {
        let home = Home::new();
        let given = small(&home);
        let node = run(Command::new("uname").arg("-n")).clean();
        let dead = 4_194_999;
        let ours = format!("tools/etc/hpcsh/.hpcsh-install.{dead}.{}.abcdef", node.trim_end());
        let old = format!("tools/etc/hpcsh/.hpcsh-install.{dead}.login7.site.abcdef");
        let fresh = format!("tools/etc/hpcsh/.hpcsh-install.{dead}.gpu17.abcdef");
        for name in [&ours, &old, &fresh] {
            home.write(name, "");
        }
        let yesterday = std::time::SystemTime::now() - std::time::Duration::from_hours(25);
        fs::File::options().write(true).open(home.path().join(&old)).unwrap().set_modified(yesterday).unwrap();
        let done = installer(&home, shell, &["--shared", "tools", "--from", &given]);
        assert_eq!(done.status, 0, "{}", done.err);
        let left: Vec<_> = names(&home).into_iter().filter(|name| name.contains(".hpcsh-install")).collect();
        assert_eq!(left, [fresh]);
    }
}

#[test]
fn a_machine_that_the_shells_call_otherwise_is_refused() {
    let home = Home::new();
    if !has("setarch") || run(home.command("setarch").args(["linux32", "true"])).status != 0 {
        skip("no setarch, or it may not");
        return;
    }
    let machine = run(home.command("setarch").args(["linux32", "uname", "-m"])).clean();
    let given = small(&home);
    for shell in shells() {
        let mut setarch = home.command("setarch");
        setarch.arg("linux32").args(shell).arg(script()).args(["--shared", "tools", "--from", &given]);
        let told = format!(
            "install.sh: error: --shared knows x86_64 and aarch64, and this machine is {}\nhint: install with --prefix DIR \
             instead\n",
            machine.trim_end()
        );
        assert_eq!(outcome(&home, &mut setarch), refused(1, &told));
        assert_eq!(names(&home), Vec::<String>::new());
    }
}

/// A shell may be starting the old one just now, on any node.
#[test]
fn a_running_program_is_replaced_beside_itself() {
    for shell in shells() {
        let home = Home::new();
        let given = small(&home);
        let words = ["--shared", "tools", "--from", &given];
        assert_eq!(installer(&home, shell, &words).status, 0);
        let program: PathBuf = home.path().join("tools/bin").join(ARCH).join("hpcsh");
        let before = fs::metadata(&program).unwrap().ino();
        fs::write(&given, "#!/bin/sh\n# _hpcsh_, a newer one\n").unwrap();
        let held = fs::File::open(&program).unwrap();
        assert_eq!(installer(&home, shell, &words).status, 0);
        assert_ne!(fs::metadata(&program).unwrap().ino(), before);
        assert_eq!(std::io::read_to_string(held).unwrap(), "#!/bin/sh\n# _hpcsh_\n");
    }
}

#[test]
fn a_dry_run_says_what_is_done() {
    for shell in shells() {
        let home = Home::new();
        let given = small(&home);
        for words in [
            &["--shared", "tools", "--from", &given, "--rc", "--shell", "fish"][..],
            &["--uninstall", "--shared", "tools"],
        ] {
            let before = snapshot(&home.path());
            let steps = |outcome: &Outcome| {
                assert_eq!(outcome.status, 0, "{}", outcome.err);
                outcome.err.lines().filter(|line| line.starts_with("  ")).map(str::to_owned).collect::<Vec<_>>()
            };
            let planned = steps(&installer(&home, shell, &[words, &["--dry-run"]].concat()));
            assert_eq!(snapshot(&home.path()), before);
            assert_eq!(planned, steps(&outcome(&home, &mut command(&home, shell, words))));
            assert_eq!(planned.len(), 3);
        }
        assert!(!home.path().join(".config/fish/config.fish").exists());
    }
}
