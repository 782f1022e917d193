//! That the tests' own shared storage is as slow, as stuck and as broken as it is told to be.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::storage::{Behaviour, Storage, mounts, state, stuck};
use crate::support::{Home, Outcome, run, skip};

/// How long anything may take that is not to take for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a command that succeeds puts out.
fn outcome(out: &str) -> Outcome {
    Outcome { out: out.to_owned(), err: String::new(), status: 0 }
}

#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Starts a command, and waits until it hangs in the storage.
#[track_caller]
fn start_to_hang(storage: &Storage, command: &mut Command) -> Child {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("it hangs", || storage.waiting().contains(&child.id()));
    child
}

/// The letter that `ps` shows for a process.
fn letter(process: u32) -> Option<char> {
    state(&fs::read(format!("/proc/{process}/stat")).unwrap_or_default())
}

/// How a process ends, if it does in time.
#[track_caller]
fn end(child: &mut Child) -> ExitStatus {
    wait_until("it ends", || child.try_wait().unwrap().is_some());
    child.wait().unwrap()
}

#[test]
fn files_directories_and_symlinks_are_as_in_the_directory_behind() {
    let home = Home::new();
    fs::write(home.shared().join("old"), "from before\n").unwrap();
    let Some(storage) = home.slow_shared() else { return };
    let script = r#"
        cd "$1" && cat old
        mkdir -p a/b && echo one >a/b/file && echo two >>a/b/file && ln -s b/file a/link && cat a/link && readlink a/link
        chmod 640 a/b/file && touch -d '2001-02-03 04:05:06.789 UTC' a/b/file && stat -c '%a %s %.3Y %F' a/b/file
        ln a/b/file hard && stat -c %h hard && mv a/b a/c && cat a/c/file && ls -A a && rm a/link
        echo new >tmp && exec 3<old && mv tmp old && cat old - <&3 && stat -L -c %h /dev/fd/3
        truncate -s 3 hard && cat a/c/file && echo && mkfifo pipe && test -p pipe && rm pipe
        head -c 1000000 /dev/zero >big && stat -c %s big && tr -d '\0' <big | wc -c
        rm -r a && ls -A && rmdir none
    "#;
    let done = run(home.command("sh").args(["-c", script, "sh"]).arg(home.shared()));
    let out = "from before\none\ntwo\nb/file\n640 8 981173106.789 regular file\n2\none\ntwo\nc\nlink\nnew\nfrom before\n0\none\n\
        1000000\n0\nbig\nhard\nold\n";
    let err = "rmdir: failed to remove 'none': No such file or directory\n".to_owned();
    assert_eq!(done, Outcome { out: out.to_owned(), err, status: 1 });
    assert_eq!(fs::read(storage.behind().join("hard")).unwrap(), b"one");
    drop(storage);
    assert_eq!(fs::read(home.shared().join("big")).unwrap(), vec![0; 1_000_000]);
}

#[test]
fn a_directory_of_many_entries_is_whole() {
    let home = Home::new();
    let names: Vec<_> = (0..3000).map(|number| format!("{number:0100}")).collect();
    for name in &names {
        fs::write(home.shared().join(name), "").unwrap();
    }
    let Some(_storage) = home.slow_shared() else { return };
    assert_eq!(run(home.command("ls").arg(home.shared())), outcome(&(names.join("\n") + "\n")));
}

#[test]
fn what_is_replaced_behind_is_seen_at_once() {
    let home = Home::new();
    let Some(storage) = home.slow_shared() else { return };
    let file = home.shared().join("file");
    let cat = || run(home.command("cat").arg(&file));
    for text in ["first", "second, longer", "3rd"] {
        fs::write(storage.behind().join("file"), text).unwrap();
        assert_eq!(cat(), outcome(text));
        fs::write(storage.behind().join("new"), "new").unwrap();
        fs::rename(storage.behind().join("new"), storage.behind().join("file")).unwrap();
        assert_eq!(cat(), outcome("new"));
    }
    fs::remove_file(storage.behind().join("file")).unwrap();
    assert_eq!(cat().status, 1);
}

#[test]
fn a_program_on_it_runs() {
    let home = Home::new();
    let Some(_storage) = home.slow_shared() else { return };
    let program = home.shared().join("program");
    assert_eq!(run(home.command("cp").arg("/bin/cat").arg(&program)), outcome(""));
    fs::write(home.shared().join("text"), "read by it\n").unwrap();
    assert_eq!(run(home.command(&program).arg(home.shared().join("text"))), outcome("read by it\n"));
}

#[test]
fn another_user_has_the_rights_of_another_user() {
    let Some(home) = Home::of_nobody() else { return skip("another user: not root") };
    let secret = home.shared().join("secret");
    fs::write(&secret, "root's").unwrap();
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let Some(_storage) = home.slow_shared() else { return };
    let script = r#"cd "$1" && umask 077 && echo mine >own && cat own && stat -c '%u %g %a' own && cat secret"#;
    let done = run(home.command("sh").args(["-c", script, "sh"]).arg(home.shared()));
    let err = "cat: secret: Permission denied\n".to_owned();
    assert_eq!(done, Outcome { out: "mine\n65534 65534 600\n".to_owned(), err, status: 1 });
}

#[test]
fn mountinfo_shows_it_until_it_is_dropped_even_by_a_panic() {
    let home = Home::new();
    let Some(storage) = home.slow_shared() else { return };
    let point = fs::canonicalize(home.shared()).unwrap();
    let mounted = || mounts().contains(&(point.clone(), std::process::id()));
    assert!(mounted());
    let panics = std::thread::spawn(move || {
        let _storage = storage;
        // Without the message that a panic gives.
        std::panic::resume_unwind(Box::new(()));
    });
    assert!(panics.join().is_err());
    assert!(!mounted());
}

#[test]
fn operations_are_told_each_time() {
    let home = Home::new();
    fs::create_dir(home.shared().join("dir")).unwrap();
    fs::write(home.shared().join("dir/file"), "text").unwrap();
    let Some(storage) = home.slow_shared() else { return };
    assert_eq!(storage.operations(), [""; 0]);
    let file = home.shared().join("dir/file");
    let mut counts = Vec::new();
    for _ in 0..3 {
        assert_eq!(run(home.command("cat").arg(&file)), outcome("text"));
        let operations = storage.operations();
        for operation in ["lookup dir", "lookup dir/file", "open dir/file", "read dir/file"] {
            assert!(operations.iter().any(|told| told == operation), "{operation} is not in {operations:?}");
        }
        counts.push(operations.len());
        storage.forget();
    }
    assert_eq!(counts[1], counts[2]);
    assert_eq!(run(home.command("cat").arg("/dev/null")), outcome(""));
    assert_eq!(storage.operations(), [""; 0]);
}

#[test]
fn a_delay_is_that_of_each_operation_and_not_of_other_processes() {
    const DELAY: Duration = Duration::from_millis(60);
    let home = Home::new();
    fs::write(home.shared().join("file"), "text").unwrap();
    let Some(storage) = home.slow_shared() else { return };
    storage.behave(Behaviour::Delay(DELAY));
    let cat = || {
        let start = Instant::now();
        assert_eq!(run(home.command("cat").arg(home.shared().join("file"))), outcome("text"));
        start.elapsed()
    };
    let alone = cat();
    let count = u32::try_from(storage.operations().len()).unwrap();
    assert!(count >= 3 && alone >= DELAY * count, "{alone:?} for {:?}", storage.operations());
    assert!(alone < DELAY * count + Duration::from_secs(2), "{alone:?} for {:?}", storage.operations());

    // One after the other, eight would take eight times as long.
    let start = Instant::now();
    std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(cat))));
    assert!(start.elapsed() < alone * 6, "{:?}, alone {alone:?}", start.elapsed());
}

#[test]
fn errors_are_given_as_they_are() {
    let home = Home::new();
    fs::write(home.shared().join("file"), "text").unwrap();
    let Some(storage) = home.slow_shared() else { return };
    let file = home.shared().join("file");
    for error in [Errno::STALE, Errno::NOTCONN, Errno::IO] {
        storage.behave(Behaviour::Error(error));
        for path in [file.as_path(), &home.shared(), &home.shared().join("none")] {
            assert_eq!(fs::metadata(path).unwrap_err().raw_os_error(), Some(error.raw_os_error()), "{path:?}");
        }
        assert_eq!(File::open(&file).unwrap_err().raw_os_error(), Some(error.raw_os_error()));
        assert_eq!(fs::write(home.shared().join("new"), "").unwrap_err().raw_os_error(), Some(error.raw_os_error()));
    }
    storage.behave(Behaviour::Answers);
    assert_eq!(fs::read(&file).unwrap(), b"text");
}

#[test]
fn who_hangs_cannot_be_killed_until_it_answers() {
    let home = Home::new();
    fs::write(home.shared().join("file"), "text").unwrap();
    let Some(storage) = home.slow_shared() else { return };
    storage.behave(Behaviour::Hang);
    let mut killed = start_to_hang(&storage, home.command("cat").arg(home.shared().join("file")));
    let mut left = start_to_hang(&storage, home.command("ls").arg(home.shared()));
    let (id, other) = (killed.id(), left.id());
    wait_until("it sleeps", || letter(id) == Some('D') && letter(other) == Some('D'));
    killed.kill().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!((killed.try_wait().unwrap(), letter(id)), (None, Some('D')));
    let mut waiting = vec![id, other];
    waiting.sort_unstable();
    assert_eq!(storage.waiting(), waiting);
    // Past the file system, everything is in reach.
    assert_eq!(fs::read(storage.behind().join("file")).unwrap(), b"text");

    storage.behave(Behaviour::Answers);
    assert_eq!(end(&mut killed).signal(), Some(9));
    assert!(end(&mut left).success());
    let mut out = String::new();
    left.stdout.unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(out, "file\n");
    assert_eq!(storage.waiting(), [0; 0]);
}

#[test]
fn a_read_or_a_program_hangs_as_well() {
    let home = Home::new();
    fs::write(home.shared().join("file"), "text\n").unwrap();
    fs::copy("/bin/cat", home.shared().join("program")).unwrap();
    let Some(storage) = home.slow_shared() else { return };
    let script = r#"exec <"$1"; echo open; while ! [ -e "$2" ]; do sleep 0.01; done; read -r line; echo "$line""#;
    let go = home.path().join("go");
    let mut reads = home.command("sh");
    reads.args(["-c", script, "sh"]).arg(home.shared().join("file")).arg(&go).stdout(Stdio::piped());
    let mut reads = reads.spawn().unwrap();
    let mut line = [0; 5];
    reads.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
    storage.behave(Behaviour::HangIn("read"));
    storage.forget();
    fs::write(go, "").unwrap();
    let asked = |operation: &str| storage.operations().iter().any(|asked| asked == operation);
    wait_until("it reads", || asked("read file"));
    // By way of a shell: who starts a program waits until it has been read.
    let start = r#"exec "$1" /dev/null"#;
    let mut runs = home.command("sh").args(["-c", start, "sh"]).arg(home.shared().join("program")).spawn().unwrap();
    wait_until("it is read", || asked("read program"));
    let mut waiting = vec![reads.id(), runs.id()];
    waiting.sort_unstable();
    assert_eq!(storage.waiting(), waiting);
    for child in [&mut reads, &mut runs] {
        child.kill().unwrap();
    }
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!((letter(reads.id()), letter(runs.id())), (Some('D'), Some('D')));
    drop(storage);
    assert_eq!((end(&mut reads).signal(), end(&mut runs).signal()), (Some(9), Some(9)));
}

#[test]
fn dropping_it_lets_everybody_go() {
    let home = Home::new();
    let Some(storage) = home.slow_shared() else { return };
    storage.behave(Behaviour::Hang);
    let mut child = start_to_hang(&storage, home.command("cat").arg(home.shared().join("file")));
    drop(storage);
    assert_eq!(end(&mut child).code(), Some(1));
    assert_eq!(fs::read_dir(home.shared()).unwrap().count(), 0);
}

#[test]
fn stuck_finds_who_waits_for_who_waits() {
    let home = Home::new();
    let Some(storage) = home.slow_shared() else { return };
    let mark = home.path().display().to_string();
    assert_eq!(stuck(&mark), []);
    storage.behave(Behaviour::HangIn("lookup"));
    let cat = || home.command("cat").arg(home.shared().join("new name")).spawn().unwrap();
    let mut children = [cat(), cat()];
    let ids = children.each_ref().map(Child::id);
    let command = format!("cat {}", home.shared().join("new name").display());
    let mut expected = ids.map(|id| (id, command.clone()));
    expected.sort_unstable();
    wait_until("both sleep", || stuck(&mark) == expected);
    assert_eq!(storage.waiting().len(), 1);
    for child in &mut children {
        child.kill().unwrap();
    }
    assert_eq!(stuck(&mark), expected);
    drop(storage);
    for mut child in children {
        assert_eq!(end(&mut child).signal(), Some(9));
    }
    assert_eq!(stuck(&mark), []);
}
