//! Logins, prompts and `cd` while shared storage is slow, hangs or fails, in real shells: what comes up, what is said, what waits.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::entering::environment;
use crate::shells::Shell;
use crate::storage::{Behaviour, Storage, stuck};
use crate::support::{Home, Outcome, PROGRAM, has, is_root, run, skip};
use crate::terminal::Terminal;

/// The most that a prompt may take to come up, on a machine that does other things too.
const SOON: Duration = Duration::from_secs(5);
/// The most where nobody waits any more: less than a deadline.
const AT_ONCE: Duration = Duration::from_millis(280);

const CONFIG: &str = r#"
shared_home = "SHARED"
[env.set]
GOOD = "1"
[path]
prepend = ["SHARED/bin", "$HOME/bin"]
[node]
verdict = "offline"
"#;

/// Writes a line for each thing that is to be known of a shell.
const TELL: &str =
    r#"printf '%s\n' "good=${GOOD-}" "storage=${HPCSH_STORAGE-}" "prompt=${HPCSH_PROMPT-}" "path=$PATH""#;

/// Where the configuration lies on the shared storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// `~/.config` leads to it.
    Link,
    /// `HPCSH_CONFIG` names it.
    Named,
    /// Beside the program, which itself is local.
    Prefix,
}

impl Place {
    const ALL: [Self; 3] = [Self::Link, Self::Named, Self::Prefix];
}

/// A home whose configuration lies on the shared storage.
struct Scene {
    // In the order in which they are to be dropped.
    storage: Storage,
    home: Home,
    place: Place,
}

impl Scene {
    fn new(place: Place) -> Option<Self> {
        let home = Home::new();
        let file = home.shared().join("etc/hpcsh/config.toml");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        write(&file, &CONFIG.replace("SHARED", home.shared().to_str().unwrap()));
        match place {
            Place::Link => symlink(home.shared().join("etc"), home.path().join(".config")).unwrap(),
            Place::Named => {}
            Place::Prefix => {
                home.write("prefix/bin/none", "");
                let program = home.path().join("prefix/bin/hpcsh");
                if fs::hard_link(PROGRAM, &program).is_err() {
                    fs::copy(PROGRAM, &program).unwrap();
                }
                symlink(home.shared().join("etc"), home.path().join("prefix/etc")).unwrap();
            }
        }
        let storage = home.slow_shared()?;
        Some(Self { storage, home, place })
    }

    fn program(&self) -> PathBuf {
        if self.place == Place::Prefix { self.home.path().join("prefix/bin/hpcsh") } else { PROGRAM.into() }
    }

    /// The configuration, past the storage.
    fn file(&self) -> PathBuf {
        self.storage.behind().join("etc/hpcsh/config.toml")
    }

    /// A shell with the line in its rc file, and this below it.
    fn shell(&self, shell: Shell, below: &str) -> Command {
        let line = format!("PS1='> '\neval \"$('{}' init {})\"\n{below}\n", self.program().display(), shell.name());
        self.home.write(shell.rc(), line);
        let mut command = shell.interactive(&self.home);
        if self.place == Place::Named {
            command.env("HPCSH_CONFIG", self.home.shared().join("etc/hpcsh/config.toml"));
        }
        command
    }

    /// Runs a shell of one command, its first prompt before that; gives what it says, and how long it took.
    fn told(&self, shell: Shell) -> (Told, Duration) {
        let began = Instant::now();
        let script = format!("echo before >&2; _hpcsh_precmd; _hpcsh_precmd; {TELL}");
        let outcome = run(self.shell(shell, "").arg("-c").arg(script));
        (Told::of(&outcome), began.elapsed())
    }

    /// Waits until no process waits for the storage, and so no record is there.
    fn settle(&self) {
        wait_until("nobody waits for the storage", || self.storage.waiting().is_empty() && self.records().is_empty());
    }

    /// The records of readers.
    fn records(&self) -> Vec<PathBuf> {
        let names = fs::read_dir(self.home.run().join("hpcsh")).into_iter().flatten().flatten();
        names.map(|entry| entry.path()).filter(|path| path.to_str().unwrap().ends_with("-reader")).collect()
    }
}

/// What a shell said.
#[derive(Debug)]
struct Told {
    words: BTreeMap<String, String>,
    before: Vec<String>,
    warnings: Vec<String>,
    status: i32,
}

impl Told {
    fn of(outcome: &Outcome) -> Self {
        let words = outcome.out.lines().filter_map(|line| line.split_once('='));
        let words = words.map(|(name, word)| (name.to_owned(), word.to_owned())).collect();
        let lines = outcome.err.lines().filter(|line| !line.starts_with("bash: ")).map(str::to_owned);
        let lines: Vec<String> = lines.collect();
        let at = lines.iter().position(|line| line == "before").unwrap_or(lines.len());
        let warnings = lines.get(at + 1..).unwrap_or_default().to_vec();
        Self { words, before: lines[..at].to_vec(), warnings, status: outcome.status }
    }

    fn word(&self, name: &str) -> &str {
        self.words.get(name).map_or("(nothing)", String::as_str)
    }

    /// What the prompt, and the variables, have.
    fn state(&self) -> [&str; 3] {
        ["good", "storage", "prompt"].map(|name| self.word(name))
    }
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
}

/// What the line puts out, its last line, without what the line editor draws around it.
#[track_caller]
fn said(terminal: &mut Terminal, line: &str) -> String {
    let shown = terminal.run(line);
    let last = shown.trim_end_matches('\n').rsplit('\n').next().unwrap_or_default();
    last.rsplit("\u{1b}[?2004l").next().unwrap_or_default().to_owned()
}

#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// That this process, which may never end, holds no file that anybody waits for: neither a terminal nor somebody's pipe.
#[track_caller]
fn assert_holds_nothing(process: u32) {
    for entry in fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten() {
        let Ok(target) = fs::read_link(entry.path()) else { continue };
        let target = target.to_str().unwrap().to_owned();
        assert!(!target.starts_with("/dev/pts") && !target.starts_with("/dev/tty"), "{process} holds {target}");
        // Its own pipe, of which nobody has the other end any more.
        if target.starts_with("pipe:") {
            let others = holders(&target).into_iter().filter(|other| *other != process).collect::<Vec<_>>();
            assert_eq!(others, [0; 0], "{process} holds {target}");
        }
    }
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after = stat.rsplit_once(") ").unwrap().1;
    let terminal = after.split(' ').nth(4);
    assert_eq!(terminal, Some("0"), "{process} has a terminal: {stat}");
}

/// The processes that have this pipe.
fn holders(pipe: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let has = |process: &u32| {
        let files = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        files.into_iter().any(|file| fs::read_link(file.path()).is_ok_and(|target| target.to_str() == Some(pipe)))
    };
    numbers.filter(has).collect()
}

/// What hangs, with and without a login before that could read the configuration.
#[test]
fn a_login_whose_configuration_hangs_has_the_last_good_one() {
    for place in Place::ALL {
        let Some(scene) = Scene::new(place) else { return };
        for shell in Shell::ALL {
            for behaviour in [Behaviour::Hang, Behaviour::HangIn("read")] {
                for was_good in [false, true] {
                    let title = format!("{place:?}, {shell:?}, {behaviour:?}, {was_good}");
                    let _ = fs::remove_dir_all(scene.home.local());
                    if was_good {
                        let (told, _) = scene.told(shell);
                        assert_eq!(
                            (told.state(), &*told.before, &*told.warnings),
                            (["1", "", "offline"], &[][..], &[][..]),
                            "{title}"
                        );
                    }
                    // What is as it was is not read.
                    let text = fs::read_to_string(scene.file()).unwrap();
                    write(&scene.file(), &(text + "#\n"));
                    scene.storage.behave(behaviour);
                    let (told, took) = scene.told(shell);
                    let shared = scene.home.shared();
                    let (good, rest) = if was_good {
                        ("1", ": all is as at the last login that could read its configuration there")
                    } else {
                        ("", ", and with it the configuration")
                    };
                    // Without a configuration nobody says that the node is offline.
                    let prompt = if was_good { "offline stale" } else { "offline? stale" };
                    assert_eq!(told.state(), [good, "stale", prompt], "{title}: {told:?}");
                    assert_eq!(told.before, [""; 0], "{title}");
                    assert_eq!(
                        told.warnings,
                        [format!("hpcsh: {} does not answer{rest}", shared.display())],
                        "{title}"
                    );
                    assert_eq!(told.status, 0, "{title}");
                    assert!(took < SOON, "{title}: {took:?}");

                    let waiting = scene.storage.waiting();
                    assert_eq!(waiting.len(), 1, "{title}");
                    assert_holds_nothing(waiting[0]);
                    // The next one does not wait, and leaves nobody behind.
                    let (told, took) = scene.told(shell);
                    assert_eq!(told.state(), [good, "stale", prompt], "{title}");
                    assert!(took < AT_ONCE + Duration::from_millis(200), "{title}: {took:?}");
                    assert_eq!(scene.storage.waiting(), waiting, "{title}");

                    scene.storage.behave(Behaviour::Answers);
                    scene.settle();
                    let (told, _) = scene.told(shell);
                    assert_eq!((told.state(), told.warnings.len()), (["1", "", "offline"], 0), "{title}: {told:?}");
                }
            }
        }
    }
}

/// A storage that says so is an ordinary problem: it is told, and does not cost the exports.
#[test]
fn a_login_whose_configuration_fails_has_the_last_good_one() {
    let Some(scene) = Scene::new(Place::Link) else { return };
    for shell in Shell::ALL {
        for error in [Errno::STALE, Errno::NOTCONN, Errno::IO] {
            for was_good in [false, true] {
                let title = format!("{shell:?}, {error:?}, {was_good}");
                let _ = fs::remove_dir_all(scene.home.local());
                if was_good {
                    assert_eq!(scene.told(shell).0.state(), ["1", "", "offline"], "{title}");
                }
                scene.storage.behave(Behaviour::Error(error));
                // The second one no less than the first: what could not be read is not kept.
                for _ in 0..2 {
                    let (told, took) = scene.told(shell);
                    let (good, prompt) = if was_good { ("1", "offline") } else { ("", "offline?") };
                    assert_eq!(told.state(), [good, "", prompt], "{title}: {told:?}");
                    assert_eq!((told.before.len(), told.status), (0, 0), "{title}: {told:?}");
                    let number = format!("os error {}", error.raw_os_error());
                    assert!(told.warnings.len() == 1 && told.warnings[0].contains(&number), "{title}: {told:?}");
                    assert!(took < SOON, "{title}: {took:?}");
                }
                scene.storage.behave(Behaviour::Answers);
                let (told, _) = scene.told(shell);
                assert_eq!((told.state(), told.warnings.len()), (["1", "", "offline"], 0), "{title}: {told:?}");
            }
        }
    }
}

/// Of a file that ends too early, what is valid holds, and one line tells what is not.
#[test]
fn a_truncated_configuration_is_told_once() {
    let Some(scene) = Scene::new(Place::Link) else { return };
    for shell in Shell::ALL {
        let whole = fs::read_to_string(scene.file()).unwrap();
        write(&scene.file(), &whole[..whole.find("offline").unwrap()]);
        let (told, _) = scene.told(shell);
        assert_eq!(told.state(), ["1", "", "offline?"], "{told:?}");
        assert!(told.warnings.len() == 1 && told.warnings[0].contains("config.toml:8:"), "{told:?}");
        assert_eq!((told.before.len(), told.status), (0, 0), "{told:?}");
        write(&scene.file(), &whole);
        assert_eq!(scene.told(shell).0.warnings, [""; 0]);
    }
}

/// On a terminal: the prompt says `stale`, the shell works and ends, and when the storage answers again it says so, once.
#[test]
fn a_terminal_says_stale_and_says_when_it_is_over() {
    for shell in Shell::ALL {
        let Some(scene) = Scene::new(Place::Link) else { return };
        drop(scene.told(shell));
        scene.storage.behave(Behaviour::Hang);
        let began = Instant::now();
        let mut terminal = Terminal::start(&scene.shell(shell, ""));
        let shown = terminal.expect("stale");
        let all = shown + &terminal.expect("> ");
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        assert_eq!(all.matches("does not answer").count(), 1, "{all}");
        assert!(terminal.run(TELL).contains("good=1\nstorage=stale\n"));
        for process in scene.storage.waiting() {
            assert_holds_nothing(process);
        }
        terminal.run("_hpcsh_due=0");
        assert_eq!(said(&mut terminal, "echo $HPCSH_STORAGE"), "stale");

        // A child process has inherited the word, and a nested shell finds out for itself.
        scene.storage.behave(Behaviour::Answers);
        scene.settle();
        write(&scene.file(), &fs::read_to_string(scene.file()).unwrap().replace("GOOD = \"1\"", "GOOD = \"2\""));
        terminal.run("_hpcsh_due=0");
        let told = terminal.run("echo \"[${HPCSH_STORAGE-}|$HPCSH_PROMPT|$GOOD]\"");
        assert!(told.ends_with("[|offline|1]\n"), "{told}");
        let told = terminal.run("_hpcsh_due=0; echo again") + &terminal.run("echo and again");
        assert!(!told.contains("answers"), "{told}");
        let (told, _) = scene.told(shell);
        assert_eq!(told.state(), ["2", "", "offline"]);
        let nested = terminal.run(&format!("{} -i -c 'echo \"[$HPCSH_STORAGE|$GOOD]\"' 2>/dev/null", shell.name()));
        assert!(nested.contains("[|2]"), "{nested}");
        let began = Instant::now();
        terminal.leave();
        assert!(began.elapsed() < SOON);
    }
}

/// The words `answers again` come at the next prompt, which is a line of its own.
#[test]
fn a_prompt_says_once_that_storage_answers_again() {
    for shell in Shell::ALL {
        let Some(scene) = Scene::new(Place::Named) else { return };
        drop(scene.told(shell));
        scene.storage.behave(Behaviour::Hang);
        // The storage is set free by another process of the test, in the middle of the script.
        let go = scene.home.path().join("go");
        let gone = scene.home.path().join("gone");
        let script = format!(
            "_hpcsh_precmd; _hpcsh_due=0; _hpcsh_precmd; : >{}; while [ ! -e {} ]; do sleep 0.01; done
            echo before >&2; _hpcsh_due=0; _hpcsh_precmd; _hpcsh_due=0; _hpcsh_precmd; {TELL}",
            go.display(),
            gone.display()
        );
        let mut command = scene.shell(shell, "");
        let child = command.arg("-c").arg(script).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = child.spawn().unwrap();
        wait_until("it has its prompt", || go.exists());
        scene.storage.behave(Behaviour::Answers);
        scene.settle();
        fs::write(gone, "").unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let told = Told::of(&Outcome { out: text(output.stdout), err: text(output.stderr), status: 0 });
        assert_eq!(
            told.warnings,
            ["hpcsh: the shared storage answers again; a new shell reads the configuration there"]
        );
        assert_eq!(told.state(), ["1", "", "offline"]);
        assert!(told.before.len() == 1 && told.before[0].contains("does not answer"), "{told:?}");
    }
}

/// Ten shells at once: each has its prompt in time, and one process hangs at the most.
#[test]
fn ten_shells_at_once_leave_one_process_behind() {
    for shell in Shell::ALL {
        let Some(scene) = Scene::new(Place::Named) else { return };
        drop(scene.told(shell));
        scene.storage.behave(Behaviour::Hang);
        drop(scene.shell(shell, ""));
        let start = || {
            let script = format!("echo before >&2; _hpcsh_precmd; {TELL}");
            let mut command = shell.interactive(&scene.home);
            command.env("HPCSH_CONFIG", scene.home.shared().join("etc/hpcsh/config.toml")).arg("-c").arg(script);
            let began = Instant::now();
            (Told::of(&run(&mut command)), began.elapsed())
        };
        let told: Vec<_> = std::thread::scope(|scope| {
            let shells: Vec<_> = (0..10).map(|_| scope.spawn(start)).collect();
            shells.into_iter().map(|shell| shell.join().unwrap()).collect()
        });
        for (told, took) in told {
            assert_eq!((told.state(), told.warnings.len()), (["1", "stale", "offline stale"], 1), "{told:?}");
            assert!(took < SOON, "{took:?}");
        }
        let mark = scene.home.path().to_str().unwrap().to_owned();
        let stuck = stuck(&mark);
        assert_eq!((scene.storage.waiting().len(), stuck.len()), (1, 1), "{stuck:?}");
    }
}

/// A shell that is not interactive has no next prompt: it waits for no verdict of a program that would hang itself.
#[test]
fn a_script_does_not_wait_for_a_verdict_while_storage_hangs() {
    for shell in Shell::ALL {
        for was_good in [false, true] {
            let Some(scene) = Scene::new(Place::Named) else { return };
            write(&scene.file(), "env.set.GOOD = \"1\"\n");
            let config = scene.home.shared().join("etc/hpcsh/config.toml");
            let start = || {
                let line = shell.line();
                let mut command = scene.home.command(shell.name());
                command.args(if shell == Shell::Zsh { &["-f"][..] } else { &["--norc"] }).env("HPCSH_CONFIG", &config);
                let began = Instant::now();
                (run(command.arg("-c").arg(format!("{line}\n{TELL}"))), began.elapsed())
            };
            if was_good {
                assert!(start().0.out.starts_with("good=1\n"));
            }
            scene.storage.behave(Behaviour::Hang);
            let (outcome, took) = start();
            let good = if was_good { "good=1\nstorage=stale\n" } else { "good=\nstorage=stale\n" };
            assert!(outcome.out.starts_with(good), "{outcome:?}");
            assert_eq!((outcome.err.lines().count(), outcome.status), (1, 0), "{outcome:?}");
            assert!(took < SOON, "{took:?}");
        }
    }
}

/// The directories on the storage that hangs come last, whoever put them into PATH.
#[test]
fn what_hangs_comes_last_in_path() {
    for shell in Shell::ALL {
        for was_good in [false, true] {
            let Some(scene) = Scene::new(Place::Named) else { return };
            let shared = scene.home.shared().display().to_string();
            if was_good {
                drop(scene.told(shell));
            }
            scene.storage.behave(Behaviour::Hang);
            let script = format!("echo before >&2; _hpcsh_precmd; {TELL}");
            let mut command = scene.shell(shell, "");
            let rc = fs::read_to_string(scene.home.path().join(shell.rc())).unwrap();
            scene.home.write(shell.rc(), format!("PATH='{shared}/inherited:/usr/bin:{shared}:/bin:{shared}x'\n{rc}"));
            let told = Told::of(&run(command.arg("-c").arg(script)));
            let home = scene.home.path().display().to_string();
            let wanted = if was_good {
                format!("{home}/bin:/usr/bin:/bin:{shared}x:{shared}/bin:{shared}/inherited:{shared}")
            } else {
                format!("/usr/bin:/bin:{shared}x:{shared}/inherited:{shared}")
            };
            assert_eq!(told.word("path"), wanted, "{shell:?} {was_good}");
        }
    }
}

/// What is local works on, while the storage hangs since before the login, or since after it.
#[test]
fn what_is_local_works_while_it_hangs() {
    for shell in Shell::ALL {
        for (hangs_at_login, hangs_later) in [(true, true), (false, true)] {
            let Some(scene) = Scene::new(Place::Link) else { return };
            let title = format!("{shell:?} {hangs_at_login}");
            // Entered before, and never.
            for project in ["one", "two"] {
                environment(&scene.home, project);
            }
            fs::create_dir_all(scene.home.path().join("none/below")).unwrap();
            drop(scene.told(shell));
            if hangs_at_login {
                scene.storage.behave(Behaviour::Hang);
            }
            let mut terminal = Terminal::start(&scene.shell(shell, ""));
            terminal.run("true");
            if hangs_later {
                scene.storage.behave(Behaviour::Hang);
            }
            let began = Instant::now();
            for line in ["cd none/below", "cd ../../two", "cd ../one", "cd ~/none"] {
                terminal.run(line);
            }
            assert!(began.elapsed() < SOON, "{title}: {:?}", began.elapsed());
            assert_eq!(said(&mut terminal, "echo \"${VIRTUAL_ENV-}\""), "", "{title}");
            // By hand there is nothing to ask.
            assert_eq!(said(&mut terminal, "act ~/one; echo \"${VIRTUAL_ENV##*/home/}\""), "one/.venv", "{title}");
            assert_eq!(said(&mut terminal, "deactivate; echo \"[${VIRTUAL_ENV-}]\""), "[]", "{title}");
            // A command is looked for where PATH says; after the login that is nobody's but the user's.
            let path = if hangs_at_login { "" } else { "PATH=/usr/bin:/bin; " };
            terminal.run(&format!("{path}true"));
            assert_eq!(said(&mut terminal, "mdcd ~/made; cdr .; echo ${PWD##*/}"), "made", "{title}");
            terminal.run("_hpcsh_due=0");
            assert_eq!(said(&mut terminal, "hpcsh_off; echo \"[${GOOD-}]\""), "[]", "{title}");
            assert!(began.elapsed() < SOON * 2, "{title}: {:?}", began.elapsed());
            assert!(scene.storage.waiting().len() <= 1, "{title}: {:?}", stuck(scene.home.path().to_str().unwrap()));
            let began = Instant::now();
            terminal.leave();
            assert!(began.elapsed() < SOON, "{title}: {:?}", began.elapsed());
        }
    }
}

/// The history's directory hangs, the configuration does not.
#[test]
fn a_history_that_hangs_stays_in_memory() {
    // Below the shared home, and elsewhere.
    for (shell, shared_home) in Shell::ALL.into_iter().flat_map(|shell| [(shell, "SHARED"), (shell, "/nowhere")]) {
        let home = Home::new();
        let state =
            format!("shared_home = \"{shared_home}\"\nstate_dir = \"SHARED/state\"\nnode.verdict = \"offline\"\n");
        home.configure(&state);
        home.write(shell.rc(), format!("PS1='> '\n{}", shell.line()));
        let Some(storage) = home.slow_shared() else { return };
        let file = storage.behind().join(format!("state/{}_history", shell.name()));
        let mut terminal = Terminal::start(&shell.interactive(&home));
        terminal.run("echo first");
        terminal.leave();
        let kept = fs::read_to_string(&file).unwrap();
        assert!(kept.contains("echo first"), "{kept}");

        storage.behave(Behaviour::Hang);
        let began = Instant::now();
        let mut terminal = Terminal::start(&shell.interactive(&home));
        let shown = terminal.expect("stale");
        assert_eq!(shown.matches("does not answer: the history stays in memory").count(), 1, "{shown}");
        assert_eq!(said(&mut terminal, "echo second"), "second");
        assert!(terminal.run("fc -l -10").contains("echo second"));
        terminal.leave();
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        storage.behave(Behaviour::Answers);
        assert_eq!(fs::read_to_string(&file).unwrap(), kept);
    }
}

/// A kept script serves every shell of its user's, and says nothing of the one that asked for it.
#[test]
fn a_kept_script_holds_nothing_of_the_shell_that_asked() {
    let Some(scene) = Scene::new(Place::Link) else { return };
    for (first, second) in [(Shell::Zsh, Shell::Zsh), (Shell::Bash, Shell::Bash)] {
        // Another configuration, by name, has a last good script of its own.
        let other = scene.home.write("other.toml", "env.set.OTHER = \"2\"\n");
        fs::set_permissions(&other, Permissions::from_mode(0o644)).unwrap();
        let tell = "echo \"good=${GOOD-}\"; echo \"other=${OTHER-}\"; echo \"own=${HF_HOME-}\"";
        let told = |shell: Shell, variables: &[(&str, &str)]| {
            let mut command = scene.shell(shell, "");
            let script = format!("echo before >&2; _hpcsh_precmd; {tell}");
            Told::of(&run(command.arg("-c").arg(script).envs(variables.iter().copied())))
        };
        let words = |told: &Told| ["good", "other", "own"].map(|name| told.word(name).to_owned());
        let good = told(first, &[("HF_HOME", "/mine"), ("GOOD", "own")]);
        assert_eq!(words(&good), ["own", "", "/mine"]);
        let config = other.to_str().unwrap();
        assert_eq!(words(&told(first, &[("HPCSH_CONFIG", config)])), ["1", "2", ""]);

        scene.storage.behave(Behaviour::Hang);
        assert_eq!(words(&told(second, &[])), ["1", "", ""]);
        assert_eq!(words(&told(second, &[("HF_HOME", "/other"), ("GOOD", "third")])), ["third", "", "/other"]);
        assert_eq!(words(&told(second, &[("HPCSH_CONFIG", config)])), ["1", "2", ""]);
        // A third one has none: what can be read of it holds, and nobody else's.
        let third = scene.home.write("third.toml", "env.set.OTHER = \"3\"\n");
        fs::set_permissions(&third, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(words(&told(second, &[("HPCSH_CONFIG", third.to_str().unwrap())])), ["", "3", ""]);
        scene.storage.behave(Behaviour::Answers);
        scene.settle();
    }
}

/// What stands in the place of what was kept, and is not that, is not read.
#[test]
fn what_was_not_kept_by_us_is_never_read() {
    type Spoil = fn(&Path);
    let cases: &[(&str, Spoil)] = &[
        ("another version's", |file| {
            let text = fs::read_to_string(file).unwrap();
            let (_, rest) = text.split_once(' ').unwrap().1.split_once(' ').unwrap().1.split_once(' ').unwrap();
            fs::write(file, format!("# hpcsh 0123456789abcdef {rest}")).unwrap();
        }),
        ("truncated", |file| {
            let text = fs::read(file).unwrap();
            fs::write(file, &text[..text.iter().position(|byte| *byte == b'\n').unwrap() - 9]).unwrap();
        }),
        ("empty", |file| fs::write(file, "").unwrap()),
        ("binary", |file| fs::write(file, [0, 159, 146, 150, b'\n', 255].repeat(100)).unwrap()),
        ("a symlink", |file| {
            let evil = file.with_file_name("evil");
            fs::write(&evil, "touch ~/pwned\n").unwrap();
            fs::remove_file(file).unwrap();
            symlink(evil, file).unwrap();
        }),
        ("a FIFO", |file| {
            fs::remove_file(file).unwrap();
            rustix::fs::mkfifoat(rustix::fs::CWD, file, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        }),
        ("a directory", |file| {
            fs::remove_file(file).unwrap();
            fs::create_dir(file).unwrap();
        }),
        ("another user's", |file| {
            let text = fs::read_to_string(file).unwrap();
            fs::write(file, format!("{text}touch ~/pwned\n")).unwrap();
            chown(file, Some(4321), None).unwrap();
        }),
    ];
    for shell in Shell::ALL {
        for (title, spoil) in cases {
            if title.contains("user") && !is_root() {
                skip("only root gives files away");
                continue;
            }
            let Some(scene) = Scene::new(Place::Link) else { return };
            drop(scene.told(shell));
            scene.storage.behave(Behaviour::Hang);
            let file = scene.home.local().join(format!("login.{}", shell.name()));
            spoil(&file);
            let (told, took) = scene.told(shell);
            assert_eq!((told.word("good"), told.word("storage")), ("", "stale"), "{title}: {told:?}");
            assert_eq!(told.warnings.len(), 1, "{title}: {told:?}");
            assert!(took < SOON, "{title}: {took:?}");
            assert!(!scene.home.path().join("pwned").exists(), "{title}");
            // And when it can be read again, it is mended; but not what we may not replace.
            scene.storage.behave(Behaviour::Answers);
            scene.settle();
            assert_eq!(scene.told(shell).0.state(), ["1", "", "offline"], "{title}");
            let is_mended = fs::symlink_metadata(&file).is_ok_and(|found| found.is_file() && found.len() > 60);
            assert!(is_mended || *title == "a directory", "{title}");
        }
    }
}

/// The script that was kept, in the place of which something else stands.
#[test]
fn a_script_that_is_not_as_it_was_kept_is_never_read() {
    type Spoil = fn(&Path) -> io::Result<()>;
    let cases: &[(&str, Spoil)] = &[
        ("gone", |file| fs::remove_file(file)),
        ("a symlink", |file| {
            let evil = file.with_file_name("evil");
            fs::write(&evil, "touch ~/pwned\n")?;
            fs::remove_file(file)?;
            symlink(evil, file)
        }),
        ("a FIFO", |file| {
            fs::remove_file(file)?;
            Ok(rustix::fs::mkfifoat(rustix::fs::CWD, file, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?)
        }),
        ("another user's", |file| {
            fs::write(file, "touch ~/pwned\n")?;
            chown(file, Some(4321), None)
        }),
    ];
    if !is_root() {
        return skip("only root gives files away");
    }
    for shell in Shell::ALL {
        for (title, spoil) in cases {
            let Some(scene) = Scene::new(Place::Link) else { return };
            drop(scene.told(shell));
            scene.storage.behave(Behaviour::Hang);
            let head = fs::read_to_string(scene.home.local().join(format!("login.{}", shell.name()))).unwrap();
            let script = PathBuf::from(head.lines().next().unwrap().rsplit_once(' ').unwrap().1);
            // What zsh would read instead of it.
            let _ = fs::remove_file(format!("{}.zwc", script.display()));
            spoil(&script).unwrap();
            let (told, took) = scene.told(shell);
            assert_eq!((told.word("good"), told.word("storage")), ("", "stale"), "{title}: {told:?}");
            assert!(took < SOON, "{title}: {took:?}");
            assert!(!scene.home.path().join("pwned").exists(), "{title}");
        }
    }
}

/// Slow storage is asked once for the configuration, in one open, one read; not at a prompt, and not on `cd` elsewhere.
#[test]
fn slow_storage_is_asked_once_at_login_and_never_at_a_prompt() {
    for shell in Shell::ALL {
        let Some(scene) = Scene::new(Place::Named) else { return };
        drop(scene.told(shell));
        for delay in [5, 50] {
            // Another one each time, which nobody has kept.
            let text = fs::read_to_string(scene.file()).unwrap();
            let at = text.find("GOOD = \"").unwrap() + 8;
            write(&scene.file(), &format!("{}{delay}{}", &text[..at], &text[at + text[at..].find('"').unwrap()..]));
            scene.storage.behave(Behaviour::Delay(Duration::from_millis(delay)));
            scene.storage.forget();
            let (told, took) = scene.told(shell);
            let operations = scene.storage.operations();
            // The way to the file; then one open, one look at what it is, one read. This storage lets the kernel remember nothing,
            // so that each part of the way is asked for twice.
            let file = "etc/hpcsh/config.toml";
            let way =
                ["getattr .", "lookup etc", "getattr etc", "lookup etc/hpcsh", "getattr etc/hpcsh"].map(str::to_owned);
            let own = ["lookup", "getattr", "open", "getattr", "read"].map(|operation| format!("{operation} {file}"));
            let is_whole = operations == [&way[..], &own[..]].concat();
            // What is given up goes on.
            assert!(is_whole || took >= Duration::from_millis(300), "{delay} ms: {operations:?}");
            eprintln!("{} at {delay} ms an operation: {took:?}, {operations:?}", shell.name());
            let is_current = told.state() == [&*delay.to_string(), "", "offline"] && told.warnings.is_empty();
            let is_last = told.word("storage") == "stale" && told.warnings.len() == 1;
            assert!(is_current || delay == 50 && is_last, "{delay} ms: {told:?}");
            assert!(took < SOON, "{took:?}");
            scene.settle();
        }
        let mut terminal = Terminal::start(&scene.shell(shell, ""));
        fs::create_dir_all(scene.home.path().join("a/b")).unwrap();
        terminal.run("true");
        scene.settle();
        scene.storage.forget();
        for line in ["true", "cd a/b", "cd ..", "_hpcsh_due=0", "true"] {
            terminal.run(line);
        }
        assert_eq!(scene.storage.operations(), [""; 0]);
        terminal.leave();
    }
}

/// What the storage has said of the configuration is remembered: a login asks whether it is as it was, and reads nothing.
#[test]
fn a_configuration_that_is_as_it_was_is_not_read_again() {
    let Some(scene) = Scene::new(Place::Link) else { return };
    // The file's times tell no more of what happens within two seconds.
    std::thread::sleep(Duration::from_millis(3100));
    let file = "etc/hpcsh/config.toml";
    let is_read = |scene: &Scene| scene.storage.operations().iter().any(|asked| *asked == format!("read {file}"));
    let kept = scene.home.local().join("configuration");
    for shell in Shell::ALL {
        let _ = fs::remove_file(&kept);
        for (title, wanted) in [("the first one", true), ("as it was", false), ("again", false)] {
            scene.storage.forget();
            let (told, _) = scene.told(shell);
            assert_eq!(told.state(), ["1", "", "offline"], "{title}: {told:?}");
            assert_eq!(is_read(&scene), wanted, "{title}: {:?}", scene.storage.operations());
        }
        let way = ["getattr .", "lookup etc", "getattr etc", "lookup etc/hpcsh", "getattr etc/hpcsh"];
        let own = ["lookup", "getattr"].map(|operation| format!("{operation} {file}"));
        assert_eq!(scene.storage.operations(), [&way.map(str::to_owned)[..], &own].concat());
        // What is remembered is damaged, or of another file.
        let whole = fs::read(&kept).unwrap();
        for damaged in [&b""[..], &whole[..whole.len() - 1], &whole[..20], b"\xff\n\n"] {
            fs::write(&kept, damaged).unwrap();
            scene.storage.forget();
            assert_eq!(scene.told(shell).0.state(), ["1", "", "offline"]);
            assert!(is_read(&scene), "{damaged:?}");
        }
        assert_eq!(fs::read(&kept).unwrap(), whole);
    }
    // It counts at once when it has changed, be it by as many bytes, at the same time.
    let text = fs::read_to_string(scene.file()).unwrap();
    let time = fs::metadata(scene.file()).unwrap().modified().unwrap();
    fs::write(scene.file(), text.replace("GOOD = \"1\"", "GOOD = \"2\"")).unwrap();
    fs::File::options().write(true).open(scene.file()).unwrap().set_modified(time).unwrap();
    for shell in Shell::ALL {
        scene.storage.forget();
        assert_eq!(scene.told(shell).0.state(), ["2", "", "offline"]);
        assert!(is_read(&scene));
    }
    // It was another's file: its owner and mode count as ever.
    std::thread::sleep(Duration::from_millis(3100));
    drop(scene.told(Shell::Bash));
    fs::set_permissions(scene.file(), Permissions::from_mode(0o666)).unwrap();
    let (told, _) = scene.told(Shell::Bash);
    assert!(!told.warnings.is_empty(), "{told:?}");
}

/// fish has the same, but for the look at the rest.
#[test]
fn fish_has_its_prompt_too() {
    if !has("fish") {
        return skip("fish is not installed");
    }
    if crate::support::chosen("fish").is_some() {
        // Its own files look for commands along PATH, and hang with that.
        eprintln!("SKIPPED: an older fish cannot be started without its own files (--no-config)");
        return;
    }
    let Some(scene) = Scene::new(Place::Named) else { return };
    environment(&scene.home, "one");
    // fish has files of its own in ~/.config, and hangs with those.
    let config = scene.home.shared().join("etc/hpcsh/config.toml");
    let told = || {
        let script = format!(
            "'{PROGRAM}' init fish | source; echo before >&2; emit fish_prompt; cd ~/one; emit fish_prompt
            printf '%s\\n' good=\"$GOOD\" storage=\"$HPCSH_STORAGE\" prompt=\"$HPCSH_PROMPT\" path=(string join : $PATH) venv=\"$VIRTUAL_ENV\""
        );
        let began = Instant::now();
        let mut command = scene.home.command("fish");
        let told = Told::of(&run(command.env("HPCSH_CONFIG", &config).args(["--no-config", "-i", "-c", &script])));
        (told, began.elapsed())
    };
    let (good, _) = told();
    assert_eq!((good.state(), good.warnings.len()), (["1", "", "offline"], 0), "{good:?}");
    assert!(good.word("venv").ends_with("/one/.venv"), "{good:?}");
    scene.storage.behave(Behaviour::Hang);
    let (stale, took) = told();
    assert_eq!((stale.state(), stale.warnings.len()), (["1", "stale", "offline stale"], 1), "{stale:?}");
    assert_eq!(stale.word("venv"), "", "{stale:?}");
    let shared = scene.home.shared().display().to_string();
    assert!(stale.word("path").ends_with(&format!(":{shared}/bin")), "{stale:?}");
    assert!(took < SOON, "{took:?}");
    assert_eq!(scene.storage.waiting().len(), 1);
    scene.storage.behave(Behaviour::Error(Errno::STALE));
    scene.settle();
    let (failed, _) = told();
    assert_eq!((failed.state(), failed.warnings.len()), (["1", "", "offline"], 1), "{failed:?}");
}

/// The rc file itself is a link to the storage, with the configuration and the program: the installer's line is for that.
#[test]
fn a_shell_whose_rc_file_hangs_has_its_prompt() {
    for shell in Shell::ALL {
        let Some(scene) = Scene::new(Place::Link) else { return };
        let prefix = scene.home.shared().join("prefix");
        let rc = scene.home.shared().join("rc");
        fs::write(&rc, "RC=read\n").unwrap();
        symlink(&rc, scene.home.path().join(shell.rc())).unwrap();
        let mut install = scene.home.command("sh");
        install
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/install.sh"))
            .args(["--from", PROGRAM, "--prefix"])
            .arg(prefix);
        assert_eq!(run(install.args(["--rc", "--local-first", "--shell", shell.name()])).status, 0);
        let told = || {
            let script = format!("echo before >&2; _hpcsh_precmd; {TELL}; echo rc=$RC; exit");
            let began = Instant::now();
            (Told::of(&run(shell.interactive(&scene.home).arg("-c").arg(script))), began.elapsed())
        };
        for _ in 0..2 {
            let (good, _) = told();
            assert_eq!((good.state(), good.word("rc")), (["1", "", "offline"], "read"), "{good:?}");
        }
        for _ in 0..2 {
            scene.storage.behave(Behaviour::Hang);
            let (stale, took) = told();
            assert!(took < SOON, "{took:?} {stale:?}");
            assert_eq!((stale.state(), stale.word("rc")), (["1", "stale", "offline stale"], ""), "{stale:?}");
            assert_eq!(scene.storage.waiting().len(), 1);
            scene.storage.behave(Behaviour::Answers);
            scene.settle();
        }
    }
}
