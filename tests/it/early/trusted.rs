//! A shell's question about an environment that is answered before the C library has begun: yes, and only while nothing has changed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::{CONFIG, FIXED, is_possible};
use crate::storage::{Behaviour, Storage};
use crate::support::{Home, NOBODY, Outcome, PROGRAM, is_root, run, skip};

/// A shell's question: what came of it, and whether the C library had begun.
fn asked(home: &Home, environment: &Path, change: impl Fn(&mut Command)) -> (Outcome, bool) {
    let log = home.run().join("strace");
    let mut command = home.command("strace");
    command.args(["-f", "-qq", "-o"]).arg(&log).args(["-e", "trace=arch_prctl,exit_group"]).arg(PROGRAM);
    command.args(["trust", "--ask", "--"]).arg(environment);
    change(&mut command);
    let outcome = run(&mut command);
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.contains("exit_group("), "nothing was traced");
    (outcome, !log.contains("ARCH_SET_FS"))
}

/// An environment as `python -m venv` makes it.
fn environment(home: &Home, name: &str) -> PathBuf {
    let environment = home.path().join(name).join(".venv");
    fs::create_dir_all(environment.join("bin")).unwrap();
    fs::write(environment.join("pyvenv.cfg"), "home = /usr/bin\n").unwrap();
    symlink("python3", environment.join("bin/python")).unwrap();
    symlink("/bin/sh", environment.join("bin/python3")).unwrap();
    environment
}

#[track_caller]
fn is_known(home: &Home, environment: &Path) {
    let (first, is_early) = asked(home, environment, |_| ());
    assert!(!is_early, "nothing is known yet");
    assert_eq!(first.clean(), "");
    let (second, is_early) = asked(home, environment, |_| ());
    assert!(is_early, "the second time it is known");
    assert_eq!(second.clean(), "");
}

/// A home with an environment about which the answer is known.
fn known() -> (Home, PathBuf) {
    let home = Home::new();
    home.configure(&[CONFIG, FIXED].concat());
    let environment = environment(&home, "p");
    thread::sleep(Duration::from_millis(3100));
    is_known(&home, &environment);
    (home, environment)
}

fn settle() {
    thread::sleep(Duration::from_millis(3100));
}

#[test]
fn whatever_the_answer_depends_on_is_looked_at_again() {
    if !is_possible() {
        return;
    }
    let (home, environment) = known();
    let mode = |path: &Path, mode: u32| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    // What anybody may write is refused, and by no early answer; as it was, it is looked at before it is known again.
    for (part, open, closed) in [("", 0o777, 0o755), ("bin", 0o775, 0o755), ("pyvenv.cfg", 0o664, 0o644)] {
        let path = environment.join(part);
        mode(&path, open);
        let (outcome, is_early) = asked(&home, &environment, |_| ());
        assert_eq!((outcome.status, is_early), (3, false), "{part}");
        assert!(outcome.err.contains("can be written by others"), "{}", outcome.err);
        mode(&path, closed);
        assert!(!asked(&home, &environment, |_| ()).1, "{part}");
    }
    settle();
    is_known(&home, &environment);
    // Another environment in its place, with its old times; another link that leads to the same program.
    let other = self::environment(&home, "other");
    let away = home.path().join("away");
    fs::rename(&environment, &away).unwrap();
    fs::rename(&other, &environment).unwrap();
    assert!(!asked(&home, &environment, |_| ()).1, "another environment");
    fs::rename(&environment, &other).unwrap();
    fs::rename(&away, &environment).unwrap();
    settle();
    is_known(&home, &environment);
    fs::remove_file(environment.join("bin/python3")).unwrap();
    symlink("/bin/sh", environment.join("bin/python3")).unwrap();
    assert!(!asked(&home, &environment, |_| ()).1, "another link");
    settle();
    is_known(&home, &environment);
    // The way to it leads through a link, as it did not when it was judged.
    let project = environment.parent().unwrap();
    let beside = home.path().join("beside");
    fs::rename(project, &beside).unwrap();
    symlink(&beside, project).unwrap();
    assert!(!asked(&home, &environment, |_| ()).1, "through a link");
    if is_root() {
        lchown(project, Some(NOBODY), None).unwrap();
        let (outcome, is_early) = asked(&home, &environment, |_| ());
        assert_eq!((outcome.status, is_early), (3, false));
        assert!(outcome.err.contains("is reached by a symlink of"), "{}", outcome.err);
    }
}

#[test]
fn the_users_word_and_his_configuration_count_at_once() {
    if !is_possible() {
        return;
    }
    let (home, environment) = known();
    let name = environment.to_string_lossy().into_owned();
    home.hpcsh(&["deny", &name]);
    let (outcome, is_early) = asked(&home, &environment, |_| ());
    assert_eq!((outcome.status, is_early), (3, false));
    assert!(outcome.err.contains("was denied"), "{}", outcome.err);
    settle();
    assert!(!asked(&home, &environment, |_| ()).1, "a no is never kept");
    assert!(!asked(&home, &environment, |_| ()).1, "a no is never kept");
    home.hpcsh(&["trust", "--forget", &name]);
    assert_eq!(asked(&home, &environment, |_| ()).0.status, 0, "all is as it was before");
    home.hpcsh(&["allow", &name]);
    assert!(!asked(&home, &environment, |_| ()).1, "there is a record");
    settle();
    is_known(&home, &environment);

    let other = home.write("other.toml", "state_dir = \"$HOME/elsewhere\"\n");
    let named = |command: &mut Command| {
        command.env("HPCSH_CONFIG", &other);
    };
    assert!(!asked(&home, &environment, named).1, "another configuration");
    // One that an argument names is nobody else's, for this answer as for a login's.
    fs::remove_dir_all(home.local()).unwrap();
    for words in [&["trust", "--ask", "--", &name][..], &["init", "bash"]] {
        run(home.command(PROGRAM).arg("--config").arg(&other).args(words)).clean();
    }
    assert!(!asked(&home, &environment, |_| ()).1, "what is kept is of a configuration of an argument's");
    let said = run(home.command(PROGRAM).args(["init", "bash"])).clean();
    assert!(super::script(&said).contains("SITE=one"), "{said}");
    // Roots are for shared storage: there nothing is kept.
    home.configure(&[CONFIG, FIXED, "venv.trusted_roots = [\"/\"]\n"].concat());
    settle();
    for _ in 0..2 {
        let (outcome, is_early) = asked(&home, &environment, |_| ());
        assert_eq!((outcome.status, is_early), (0, false));
    }
}

#[test]
fn a_record_of_another_or_a_broken_one_lets_nobody_in() {
    if !is_possible() {
        return;
    }
    let (home, environment) = known();
    let kept = || {
        let entries = fs::read_dir(home.local()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.to_string_lossy().contains("ready.trusted-")).collect::<Vec<_>>()
    };
    let [record] = &kept()[..] else { panic!("one record: {:?}", kept()) };
    let good = fs::read(record).unwrap();
    // From here on it is somebody else's business to say no.
    let open = environment.join("bin");
    fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).unwrap();
    let is_refused = |why: &str| assert_eq!(asked(&home, &environment, |_| ()).0.status, 3, "{why}");
    for at in (0..good.len()).step_by(61).chain(good.len() - 5..good.len()) {
        fs::write(record, &good[..at]).unwrap();
        is_refused(&format!("cut at {at}"));
    }
    // One that says nothing but yes is about nothing.
    fs::write(record, b"hpcsh ready 1\n.\0\0\0\0\0\0\0\0").unwrap();
    is_refused("an answer about nothing");
    fs::set_permissions(&open, PermissionsExt::from_mode(0o755)).unwrap();
    settle();
    is_known(&home, &environment);
    // The record of one environment in the place of another's, as if they had the same name.
    let other = self::environment(&home, "q");
    settle();
    let before = kept();
    is_known(&home, &other);
    let fresh = kept().into_iter().find(|path| !before.contains(path));
    let Some(theirs) = fresh else { panic!("two names in 256 are one: choose others") };
    fs::copy(record, &theirs).unwrap();
    assert!(!asked(&home, &other, |_| ()).1, "it is about another");
    if is_root() {
        chown(record, Some(NOBODY), None).unwrap();
        assert!(!asked(&home, &environment, |_| ()).1, "another user's record");
    }
}

#[test]
fn an_environment_on_shared_storage_is_never_known() {
    if !is_possible() {
        return;
    }
    let (home, environment) = known();
    fs::create_dir_all(home.shared().join("p")).unwrap();
    let copied = home.shared().join("p/.venv");
    run(Command::new("cp").args(["-a"]).arg(&environment).arg(&copied)).clean();
    // Mounted over the project of which the answer is known.
    let project = environment.parent().unwrap();
    let Ok(storage) = Storage::mount(&home.shared().join("p"), project) else {
        return skip("nothing can be mounted here");
    };
    settle();
    for _ in 0..2 {
        assert!(!asked(&home, &environment, |_| ()).1, "other storage");
    }
    storage.behave(Behaviour::Hang);
    let begun = Instant::now();
    let outcome = run(home.command(PROGRAM).args(["trust", "--ask", "--"]).arg(&environment));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(outcome.status, 3, "{}", outcome.err);
}
