//! A login that is answered before the C library has begun: by the same bytes as ever, and only while all that they depend on holds.

mod trusted;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::forks::can_trace;
use crate::storage::Behaviour;
use crate::support::{Home, NOBODY, PROGRAM, PROJECT, has, is_root, run, skip};

const SHELLS: [&str; 3] = ["zsh", "bash", "fish"];

const CONFIG: &str = "local_dir = \"$HOME/.node\"\nenv.set.SITE = \"one\"\nenv.offline.OFF = \"$USER\"\n";
const FIXED: &str = "node.verdict = \"offline\"\n";

/// A login in this home, under strace: what it printed, and whether the C library had begun.
#[track_caller]
fn login(home: &Home, shell: &str, change: impl Fn(&mut Command)) -> (String, bool) {
    through(home, home.command("strace"), PROGRAM.as_ref(), shell, change)
}

#[track_caller]
fn through(
    home: &Home,
    mut command: Command,
    program: &OsStr,
    shell: &str,
    change: impl Fn(&mut Command),
) -> (String, bool) {
    let log = home.run().join("strace");
    command.args(["-f", "-qq", "-o"]).arg(&log).args(["-e", "trace=arch_prctl,exit_group"]).arg(program);
    command.args(["init", shell]);
    change(&mut command);
    let said = run(&mut command).clean();
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.contains("exit_group("), "nothing was traced");
    (said, !log.contains("ARCH_SET_FS"))
}

/// What a shell comes to read: the script, or the files that are named in its place.
fn script(said: &str) -> String {
    let named = |text: &str, before: &str| {
        let (_, rest) = text.split_once(before)?;
        Some(fs::read_to_string(rest.split('\'').next().unwrap()).unwrap())
    };
    match named(said, "\\builtin source '") {
        Some(text) => [named(&text, "_hpcsh_file='").unwrap_or_default(), text].concat(),
        None => said.to_owned(),
    }
}

/// A home where each shell has logged in once, of which the last answer can be told from all others, and says so.
fn known(config: &str) -> Home {
    let home = Home::new();
    home.configure(config);
    // The files' times tell no more of what happens within two seconds.
    thread::sleep(Duration::from_millis(3100));
    for shell in SHELLS {
        let first = login(&home, shell, |_| ());
        assert!(!first.1, "nothing is known yet");
        assert_eq!(login(&home, shell, |_| ()), (first.0, true), "{shell}");
    }
    home
}

fn is_possible() -> bool {
    let built = cfg!(all(target_arch = "x86_64", target_os = "linux"));
    if !built {
        skip("the program begins with the C library on this machine");
    }
    // Of the table of users.
    let settled = |path: &str| fs::metadata(path).is_ok_and(|found| found.ctime() + 3 < now());
    built && can_trace() && (settled("/etc/passwd") || !PathBuf::from("/etc/passwd").exists())
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_secs().cast_signed()
}

/// The answer is the slow one, and it is what a program says that knows no answer.
#[track_caller]
fn is_found_out(home: &Home, why: &str, change: impl Fn(&mut Command)) -> String {
    for shell in SHELLS {
        let (said, is_early) = login(home, shell, &change);
        assert!(!is_early, "{shell}: {why}");
        let record = home.local().join(format!("ready.{shell}"));
        let _ = fs::remove_file(&record);
        assert_eq!(login(home, shell, &change), (said, false), "{shell}: {why}");
    }
    script(&login(home, "bash", &change).0)
}

#[test]
fn what_runs_before_the_c_library_calls_nothing() {
    let object = tempfile::tempdir().unwrap();
    let object = object.path().join("early.o");
    let mut compiler = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    compiler.args(["--crate-name=early", "--edition=2024", "--crate-type=lib", "--emit=obj", "-Copt-level=s"]);
    compiler.args(["-Cpanic=abort", "-Coverflow-checks=off", "-o"]).arg(&object);
    compiler.arg(format!("{PROJECT}/early/src/lib.rs"));
    run(&mut compiler).clean();
    if !has("nm") {
        return skip("nm is not installed");
    }
    // `memcpy`, a panic, a stack guard: each would be a name that is defined elsewhere.
    assert_eq!(run(Command::new("nm").arg("--undefined-only").arg(&object)).clean(), "");
    assert!(run(Command::new("nm").arg(&object)).clean().contains("answer"), "it is empty");
}

/// A shell below one of ours has all of them, and looks at each itself.
#[test]
fn variables_of_ours_and_mirrors_are_found_out_where_they_are_set() {
    if !is_possible() {
        return;
    }
    let home = known(&[CONFIG, FIXED].concat());
    for (name, value) in [("SITE", "theirs"), ("SITE", ""), ("PIP_INDEX_URL", "http://mirror")] {
        for shell in SHELLS {
            let set = |marker: &'static str| {
                login(&home, shell, |command| {
                    command.env(name, value).env("HPCSH_EXPORTS", marker);
                })
            };
            let below = set("\u{1f}SITE=one\u{1f}");
            assert!(below.1, "{shell}: {name}={value} below one of ours");
            // Of an empty marker nobody is told anything. The answer is another one, and is not kept as the one for all.
            let (said, is_early) = set("");
            assert!(!is_early && said != below.0, "{shell}: {name}={value}");
            assert!(login(&home, shell, |_| ()).0 == below.0, "{shell}: {name}={value}");
        }
    }
}

#[test]
fn a_login_of_which_nothing_has_changed_is_answered_early() {
    if !is_possible() {
        return;
    }
    let home = known(&[CONFIG, FIXED].concat());
    for shell in SHELLS {
        // Whatever else is in the environment.
        let more = |command: &mut Command| {
            command.env("SSH_TTY", "/dev/pts/1").env("HOMES", "x").current_dir("/");
        };
        assert!(login(&home, shell, more).1, "{shell}");
        // Nobody has asked for a shell that is none, nor for more than a login.
        for words in [&["init"][..], &["init", "zs"], &["init", "zshx"], &["init", shell, "--print"], &["initx", shell]]
        {
            let mut command = home.command(PROGRAM);
            let said = run(command.args(words));
            assert_eq!(said.status == 0, words.contains(&"--print"), "{words:?}");
        }
    }
    // A file is for people.
    let file = home.path().join("script");
    let status = home.command(PROGRAM).args(["init", "zsh"]).stdout(fs::File::create(&file).unwrap()).status().unwrap();
    assert!(status.success());
    assert_eq!(fs::read_to_string(&file).unwrap(), home.hpcsh(&["init", "zsh", "--print"]).clean());
}

#[test]
fn whatever_the_answer_depends_on_is_found_out_again() {
    if !is_possible() {
        return;
    }
    let home = known(&[CONFIG, FIXED].concat());
    let config = home.path().join(".config/hpcsh/config.toml");
    let before = fs::metadata(&config).unwrap().modified().unwrap();

    // Another text of the same length, and a time as before, which anybody can set.
    let text = fs::read_to_string(&config).unwrap().replace("one", "two");
    fs::write(&config, &text).unwrap();
    fs::File::options().write(true).open(&config).unwrap().set_modified(before).unwrap();
    assert!(is_found_out(&home, "the configuration has changed", |_| ()).contains("SITE=two"));
    // Another file in its place.
    let beside = config.with_extension("new");
    fs::write(&beside, text.replace("two", "six")).unwrap();
    fs::rename(&beside, &config).unwrap();
    assert!(is_found_out(&home, "another configuration", |_| ()).contains("SITE=six"));
    // Others can write it: nothing of it is used.
    fs::set_permissions(&config, PermissionsExt::from_mode(0o666)).unwrap();
    assert!(!is_found_out(&home, "the configuration's mode", |_| ()).contains("SITE=six"));
    fs::remove_file(&config).unwrap();
    assert!(!is_found_out(&home, "there is no configuration", |_| ()).contains("SITE=six"));
}

#[test]
fn the_environment_that_was_asked_for_is_part_of_it() {
    if !is_possible() {
        return;
    }
    let home = known(&[CONFIG, FIXED].concat());
    let other = home.write("other/hpcsh/config.toml", "env.set.SITE = \"other\"\n");
    let other_home = other.ancestors().nth(2).unwrap();
    for (name, value) in [
        ("XDG_CONFIG_HOME", other_home.as_os_str()),
        ("HPCSH_CONFIG", other.as_os_str()),
        ("HOME", other_home.as_os_str()),
        ("https_proxy", "http://proxy:3128".as_ref()),
        ("NO_PROXY", "".as_ref()),
        ("XDG_RUNTIME_DIR", other_home.as_os_str()),
    ] {
        for shell in SHELLS {
            let (_, is_early) = login(&home, shell, |command| {
                command.env(name, value);
            });
            assert!(!is_early, "{name} in {shell}");
        }
    }
    let said = is_found_out(&home, "HPCSH_CONFIG", |command| {
        command.env("HPCSH_CONFIG", &other);
    });
    assert!(said.contains("SITE=other"));
    // Of two homes each has its own words.
    let theirs = login(&home, "bash", |command| {
        command.env("HOME", other_home);
    });
    let ours = login(&home, "bash", |_| ());
    assert!(!script(&theirs.0).contains("SITE=one") && script(&ours.0).contains("SITE=one"));
}

#[test]
fn a_password_is_written_nowhere() {
    if !is_possible() {
        return;
    }
    let home = known(&[CONFIG, FIXED].concat());
    for shell in SHELLS {
        for _ in 0..2 {
            let (_, is_early) = login(&home, shell, |command| {
                command.env("https_proxy", "http://me:secret@proxy:3128");
            });
            assert!(!is_early);
        }
        for entry in fs::read_dir(home.local()).unwrap() {
            let text = fs::read(entry.unwrap().path()).unwrap();
            assert!(!text.windows(6).any(|window| window == b"secret"));
        }
    }
}

#[test]
fn another_program_host_or_network_finds_out_for_itself() {
    if !is_possible() {
        return;
    }
    let home = known(&[CONFIG, FIXED].concat());
    let copy = home.path().join("hpcsh");
    fs::copy(PROGRAM, &copy).unwrap();
    for shell in SHELLS {
        assert!(!through(&home, home.command("strace"), copy.as_os_str(), shell, |_| ()).1, "another program");
    }
    if !is_root() || run(Command::new("unshare").args(["-n", "-u", "true"])).status != 0 {
        return skip("no namespaces may be made here");
    }
    let home = known(&[CONFIG, FIXED].concat());
    for (flag, before) in [("-n", ""), ("-u", "hostname another-node; ")] {
        let mut command = home.command("unshare");
        command.args([flag, "sh", "-c", &format!("{before}exec \"$@\""), "sh", "strace"]);
        assert!(!through(&home, command, PROGRAM.as_ref(), "bash", |_| ()).1, "{flag}");
        login(&home, "bash", |_| ());
        assert!(login(&home, "bash", |_| ()).1);
    }
}

#[test]
fn what_was_kept_is_made_again_where_it_is_gone() {
    if !is_possible() {
        return;
    }
    let home = known(&[CONFIG, FIXED].concat());
    let local = home.path().join(".node");
    for shell in SHELLS {
        let files = [&local, &home.local()].map(|dir| fs::read_dir(dir).unwrap());
        for entry in files.into_iter().flatten() {
            let path = entry.unwrap().path();
            let is_the_answer = path.file_name().unwrap().to_string_lossy().starts_with("ready.");
            if path.extension() != Some(shell.as_ref()) || is_the_answer {
                continue;
            }
            fs::remove_file(&path).unwrap();
            assert!(!login(&home, shell, |_| ()).1, "{}", path.display());
            assert!(path.exists(), "{}", path.display());
            assert!(login(&home, shell, |_| ()).1, "{}", path.display());
        }
    }
}

#[test]
fn a_record_of_somebody_elses_or_a_broken_one_says_nothing() {
    if !is_possible() {
        return;
    }
    let home = known(&[CONFIG, FIXED].concat());
    let record = home.local().join("ready.bash");
    let good = fs::read(&record).unwrap();
    let said = login(&home, "bash", |_| ()).0;
    let says_the_same = |why: &str| {
        let mut command = home.command(PROGRAM);
        assert_eq!(run(command.args(["init", "bash"])).clean(), said, "{why}");
    };
    // Cut anywhere, and with any byte another.
    for at in (0..good.len()).step_by(97).chain(good.len() - 5..good.len()) {
        fs::write(&record, &good[..at]).unwrap();
        says_the_same(&format!("cut at {at}"));
    }
    for at in (0..good.len().min(2000)).step_by(7) {
        let mut odd = good.clone();
        odd[at] ^= 0x55;
        fs::write(&record, &odd).unwrap();
        // What is said may have been touched; then only nobody may have crashed.
        let _ = run(home.command(PROGRAM).args(["init", "bash"])).clean();
    }
    let with = |bytes: &[u8]| fs::write(&record, bytes).unwrap();
    with(b"");
    says_the_same("empty");
    with(&vec![b'x'; 1 << 20]);
    says_the_same("large");
    with(&[b"hpcsh ready 1\n", &[0xff; 64][..]].concat());
    says_the_same("nonsense");

    // A good one that cannot be trusted, with words that only it has.
    let poison = |good: &[u8]| {
        let at = good.windows(11).position(|window| window == b"fact='offli").unwrap();
        [&good[..at], b"fact='POISO", &good[at + 11..]].concat()
    };
    with(&poison(&good));
    assert!(login(&home, "bash", |_| ()).0.contains("POISO"), "our own is believed");
    let elsewhere = home.path().join("elsewhere");
    fs::rename(&record, &elsewhere).unwrap();
    symlink(&elsewhere, &record).unwrap();
    says_the_same("a symlink");
    fs::remove_file(&record).unwrap();
    with(&poison(&good));
    fs::set_permissions(home.local(), PermissionsExt::from_mode(0o755)).unwrap();
    says_the_same("a directory that is open to others");
    fs::set_permissions(home.local(), PermissionsExt::from_mode(0o700)).unwrap();
    if is_root() {
        with(&poison(&good));
        chown(&record, Some(NOBODY), None).unwrap();
        says_the_same("another user's file");
        fs::remove_file(&record).unwrap();
        with(&poison(&good));
        chown(home.local(), Some(NOBODY), None).unwrap();
        says_the_same("another user's directory");
    }
}

#[test]
fn the_verdict_of_this_moment_is_part_of_the_answer() {
    if !is_possible() {
        return;
    }
    let home = Home::new();
    home.configure(CONFIG);
    thread::sleep(Duration::from_millis(3100));
    let first = home.hpcsh(&["init", "bash"]).clean();
    let memory = first.split("_hpcsh_memory='").nth(1).unwrap().split('\'').next().unwrap();
    let verdict = PathBuf::from(format!("{memory}-verdict"));
    let seconds = || -> u64 { fs::read_to_string("/proc/uptime").unwrap().split('.').next().unwrap().parse().unwrap() };
    let say = |word: &str, expires: u64| fs::write(&verdict, format!("{word} {expires} because\n")).unwrap();
    for shell in SHELLS {
        say("offline", seconds() + 100);
        login(&home, shell, |_| ());
        for word in ["online", "offline"] {
            say(word, seconds() + 100);
            let (said, is_early) = login(&home, shell, |_| ());
            assert!(is_early, "{shell}, {word}");
            let quoted =
                if shell == "fish" { format!("_hpcsh_fact '{word}'") } else { format!("_hpcsh_fact='{word}'") };
            assert!(said.contains(&quoted), "{said}");
        }
        // One that has expired, of another clock, cut, or none.
        for (word, expires) in [("offline", seconds()), ("offline", seconds() + 1000), ("unknown", seconds() + 100)] {
            say(word, expires);
            assert!(!login(&home, shell, |_| ()).1, "{word} {expires}");
        }
        for text in ["offline", "offline 99999999999999999999999 x\n", "offline x x\n", "", "offline 5"] {
            fs::write(&verdict, text).unwrap();
            assert!(!login(&home, shell, |_| ()).1, "{text:?}");
        }
        fs::remove_file(&verdict).unwrap();
        assert!(!login(&home, shell, |_| ()).1);
    }
}

#[test]
fn storage_that_others_share_is_never_asked_early() {
    if !is_possible() {
        return;
    }
    // Of a configuration there nothing is kept.
    let home = Home::new();
    fs::create_dir_all(home.shared().join("config/hpcsh")).unwrap();
    fs::write(home.shared().join("config/hpcsh/config.toml"), [CONFIG, FIXED].concat()).unwrap();
    symlink(home.shared().join("config"), home.path().join(".config")).unwrap();
    let Some(storage) = home.slow_shared() else { return };
    thread::sleep(Duration::from_millis(3100));
    for shell in SHELLS {
        for _ in 0..2 {
            assert!(!login(&home, shell, |_| ()).1, "{shell}");
        }
        assert!(!home.local().join(format!("ready.{shell}")).exists());
    }
    drop(storage);

    // A configuration that was local when it was read, and is mounted over since.
    let home = known(&[CONFIG, FIXED].concat());
    let config = home.path().join(".config");
    fs::create_dir(home.shared().join("hpcsh")).unwrap();
    fs::write(home.shared().join("hpcsh/config.toml"), "env.set.SITE = \"over\"\n").unwrap();
    let storage = crate::storage::Storage::mount(&home.shared(), &config).unwrap();
    assert!(script(&login(&home, "bash", |_| ()).0).contains("SITE=over"));
    storage.behave(Behaviour::Hang);
    let begun = Instant::now();
    let said = run(home.command(PROGRAM).args(["init", "bash"])).clean();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(said.contains("does not answer"), "{said}");
}
