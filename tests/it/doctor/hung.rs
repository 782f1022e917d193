//! Shared storage that hangs: it is told soon, and once, and nobody else waits for it.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use super::{Seen, doctor, sound};
use crate::entering::environment;
use crate::storage::{Behaviour, stuck};
use crate::support::{Home, PROGRAM};

/// The most that a whole look may take, on a machine that does other things too.
const SOON: Duration = Duration::from_secs(4);
/// The most where nobody waits any more: less than a deadline.
const AT_ONCE: Duration = Duration::from_millis(650);

/// What is found, and how long it took.
fn timed(home: &Home) -> (Seen, Duration) {
    let began = Instant::now();
    let seen = Seen::of(&mut doctor(home));
    (seen, began.elapsed())
}

/// The processes of this home that sleep so that nothing ends them.
fn waiting(home: &Home) -> usize {
    stuck(home.path().parent().unwrap().to_str().unwrap()).len()
}

#[test]
fn a_shared_home_that_hangs_is_found_in_time_and_one_process_waits_for_it() {
    let home = sound();
    let point = home.shared().display().to_string();
    let Some(storage) = home.slow_shared() else { return };
    let (found, _) = timed(&home);
    assert_eq!((found.problems(), found.notes()), (vec![], vec![]), "{found:#?}");
    storage.behave(Behaviour::Hang);
    let (found, took) = timed(&home);
    assert_eq!(found.problems(), [format!("storage: {point} does not answer")], "{found:#?}");
    assert!(took < SOON, "{took:?}");
    assert_eq!(waiting(&home), 1);
    // The others do not try.
    for _ in 0..3 {
        let (found, took) = timed(&home);
        assert_eq!(found.problems(), [format!("storage: {point} does not answer")]);
        assert!(took < AT_ONCE, "{took:?}");
    }
    assert_eq!(waiting(&home), 1);
    storage.behave(Behaviour::Answers);
    let began = Instant::now();
    while timed(&home).0.status != 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "it answers again, and nobody says so");
    }
}

/// The configuration, an rc file, the records and the node-local directory: each leads there, and none is waited for twice.
#[test]
fn whatever_lies_on_storage_that_hangs_is_not_waited_for_again() {
    let home = sound();
    environment(&home, "p");
    assert_eq!(home.hpcsh(&["allow", "p"]).status, 0);
    for name in [".config", ".bashrc", ".local", ".cache"] {
        let at = home.path().join(name);
        if at.exists() {
            fs::rename(&at, home.shared().join(name)).unwrap();
        } else {
            fs::create_dir(home.shared().join(name)).unwrap();
        }
        symlink(home.shared().join(name), &at).unwrap();
    }
    let Some(storage) = home.slow_shared() else { return };
    let (found, _) = timed(&home);
    assert_eq!(found.problems(), [""; 0], "{found:#?}");
    // Names are answered and data is not, too.
    for behaviour in [Behaviour::Hang, Behaviour::HangIn("read"), Behaviour::HangIn("open")] {
        storage.behave(behaviour);
        let (found, took) = timed(&home);
        let point = home.shared().display().to_string();
        assert!(took < SOON, "{behaviour:?}: {took:?}");
        let problems = found.problems();
        assert!(problems.contains(&format!("storage: {point} does not answer")), "{behaviour:?}: {found:#?}");
        let unread = format!(
            "config: not read, since {point} does not answer: {}",
            home.path().join(".config/hpcsh/config.toml").display()
        );
        assert!(problems.contains(&unread), "{behaviour:?}: {found:#?}");
        for check in ["shell", "storage", "trust"] {
            let note = format!("{check}: not looked at what lies on {point}: {point} does not answer");
            assert!(found.notes().contains(&note), "{behaviour:?}: {check}: {found:#?}");
        }
        // And what lies on the node is looked at all the same.
        assert!(!found.all("ok").is_empty());
        storage.behave(Behaviour::Answers);
        let began = Instant::now();
        while !timed(&home).0.problems().is_empty() {
            assert!(began.elapsed() < Duration::from_secs(20), "it answers again, and nobody says so");
        }
    }
}

/// Whatever names a path there, nobody who looks is held up: as root, and as somebody else.
#[test]
fn whatever_variable_leads_to_storage_that_hangs_it_is_told_in_time() {
    for home in [Some(sound()), Home::of_nobody()].into_iter().flatten() {
        home.write(".bashrc", "eval \"$(hpcsh init bash)\"\n");
        home.configure("shared_home = \"SHARED\"\nnode.verdict = \"offline\"\n");
        for name in ["tmp", "local", "bin", "hf"] {
            fs::create_dir(home.shared().join(name)).unwrap();
        }
        let Some(storage) = home.slow_shared() else { return };
        storage.behave(Behaviour::Hang);
        let names = [
            ("TMPDIR", "tmp"),
            ("HPCSH_LOCAL_DIR", "local"),
            ("HF_HOME", "hf"),
            ("HF_TOKEN_PATH", "hf/token"),
            ("ZDOTDIR", "zsh"),
            ("XDG_CONFIG_HOME", "config"),
            ("HPCSH_CONFIG", "config.toml"),
            ("SHELL", "bin/zsh"),
            ("PATH", "bin"),
            ("HOME", "home"),
            ("PWD", "here"),
            ("XDG_CACHE_HOME", "cache"),
        ];
        for all in [false, true] {
            for (name, value) in names {
                let mut command = doctor(&home);
                for (other, value) in names.iter().filter(|(other, _)| all || *other == name) {
                    command.env(other, home.shared().join(value));
                }
                let began = Instant::now();
                let found = Seen::of(&mut command);
                let took = began.elapsed();
                assert!(took < SOON, "{name}={value}: {took:?}");
                let hung = format!("storage: {} does not answer", home.shared().display());
                assert!(found.problems().contains(&hung), "{name}={value}: {found:#?}");
                if all {
                    break;
                }
            }
        }
        storage.behave(Behaviour::Answers);
    }
}

/// A program there is not looked at, nor is it run: the line in the rc file tells where it lies.
#[test]
fn a_line_that_hangs_with_the_storage_of_its_program_is_told_before_it_does() {
    let home = sound();
    let program = home.shared().join("my tools/bin/hpcsh");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::copy(PROGRAM, &program).unwrap();
    let word = format!("'{}'", program.display());
    let line = format!("if [ -x {word} ]; then eval \"$({word} init bash)\"; fi\n");
    home.write(".bashrc", &line);
    assert_eq!(timed(&home).0.notes(), [""; 0], "it lies on this node's disk");
    let Some(storage) = home.slow_shared() else { return };
    let rc = home.path().join(".bashrc").display().to_string();
    let point = home.shared().display().to_string();
    let note = format!("shell: {rc} calls the program on {point}: while that hangs, a new bash hangs too");
    for behaviour in [Behaviour::Answers, Behaviour::Hang] {
        storage.behave(behaviour);
        let (found, took) = timed(&home);
        assert!(took < SOON, "{behaviour:?}: {took:?}");
        assert_eq!(found.notes(), [&*note], "{behaviour:?}");
        let command = found.command("calls the program on");
        assert_eq!(command, format!("./install.sh --rc --local-first --prefix '{point}/my tools'"));
    }
    let first = format!("_hpcsh_login=${{HPCSH_LOCAL_DIR:-/var/tmp/hpcsh-$UID}}/login.bash; {line}");
    home.write(".bashrc", first);
    assert_eq!(timed(&home).0.notes(), [""; 0]);
}

/// What a slow one says is all heard.
#[test]
fn storage_that_is_slow_is_no_problem() {
    let home = sound();
    let Some(storage) = home.slow_shared() else { return };
    storage.behave(Behaviour::Delay(Duration::from_millis(40)));
    assert_eq!(timed(&home).0.problems(), [""; 0]);
}

#[test]
fn a_shared_home_that_is_not_mounted_is_told() {
    let home = sound();
    fs::remove_dir(home.shared()).unwrap();
    let (found, _) = timed(&home);
    assert_eq!(found.problems(), [format!("storage: the shared home {} is not there", home.shared().display())]);
    fs::write(home.shared(), "").unwrap();
    assert_eq!(
        timed(&home).0.problems(),
        [format!("storage: the shared home {} is no directory", home.shared().display())]
    );
}
