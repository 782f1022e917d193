//! The verdict that a node remembers: who decides, what `hpcsh status` tells, how running shells follow, who looks again.
//!
//! Nothing here looks at a network (`HPCSH_NO_PROBE`): the verdict's file is written by the tests.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::forks::{can_trace, count, traced};
use crate::shells::Shell as Posix;
use crate::support::{Home, Outcome, PROGRAM, has, run};
use crate::terminal::Terminal;

/// Every shell, and how its words are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    Zsh,
    Bash,
    Fish,
}

impl Shell {
    /// Those that are installed.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Zsh, Self::Bash, Self::Fish].into_iter().filter(|shell| has(shell.name()))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Zsh => "zsh",
            Self::Bash => "bash",
            Self::Fish => "fish",
        }
    }

    /// An interactive shell whose rc file is the one line, with `before` above it and `after` below.
    pub fn command(self, home: &Home, before: &str, after: &str) -> Command {
        match self {
            Self::Fish => {
                let line = format!("set -g fish_greeting\n{before}\n'{PROGRAM}' init fish | source\n{after}\n");
                home.write(".config/fish/config.fish", line);
                fs::create_dir_all(home.path().join(".local/share/fish/generated_completions")).unwrap();
                home.command("fish")
            }
            posix => {
                let shell = if posix == Self::Zsh { Posix::Zsh } else { Posix::Bash };
                home.write(shell.rc(), format!("{before}\n{}{after}\n", shell.line()));
                shell.interactive(home)
            }
        }
    }

    pub fn assign(self, name: &str, value: &str) -> String {
        if self == Self::Fish { format!("set -g {name} {value}") } else { format!("{name}={value}") }
    }

    /// That this is the program: for bash also where its data have not been read yet, which name it.
    pub fn assign_program(self, path: &str) -> String {
        let named = self.assign("_hpcsh_program", path);
        if self == Self::Bash { format!("_hpcsh_call node :; _hpcsh_data[9]={path}; {named}") } else { named }
    }

    pub fn export(self, name: &str, value: &str) -> String {
        if self == Self::Fish { format!("set -gx {name} {value}") } else { format!("export {name}={value}") }
    }

    pub fn unset(self, name: &str) -> String {
        if self == Self::Fish { format!("set -e {name}") } else { format!("unset {name}") }
    }
}

/// What a shell on a terminal has in these variables: `[A|B]`.
pub fn shown(terminal: &mut Terminal, names: &[&str]) -> String {
    let values: Vec<String> = names.iter().map(|name| format!("${name}")).collect();
    let told = terminal.run(&format!("echo \"=[{}]=\"", values.join("|")));
    let value = told.rsplit_once("=[").and_then(|(_, rest)| rest.split_once("]=")).map(|(value, _)| value.to_owned());
    value.unwrap_or_else(|| panic!("no value in {told:?}"))
}

/// Lets the next prompt look at the node, as it does every five seconds.
pub fn turn(shell: Shell, terminal: &mut Terminal) -> String {
    let now = shell.assign("_hpcsh_due", "0");
    // zsh's own clock would, and cannot be set.
    if shell == Shell::Zsh { terminal.run(&format!("{now}; _hpcsh_precmd")) } else { terminal.run(&now) }
}

/// The same, where whatever was asked lately may be asked again.
pub fn turn_again(shell: Shell, terminal: &mut Terminal) -> String {
    let name = if shell == Shell::Fish { "_hpcsh_ask_again" } else { "_hpcsh_asked" };
    terminal.run(&shell.assign(name, if shell == Shell::Fish { "0" } else { "-10" }));
    turn(shell, terminal)
}

/// Waits until something is so.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited in vain: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// Seconds since the node started.
pub fn uptime() -> i64 {
    fs::read_to_string("/proc/uptime").unwrap().split('.').next().unwrap().parse().unwrap()
}

/// A home whose node has a memory.
pub struct Node {
    pub home: Home,
    pub verdict: PathBuf,
}

pub const CONFIG: &str = "shared_home = \"SHARED\"\n[env]\npresets = [\"huggingface\"]\n";
/// The offline switches of that, and what tells of the node.
pub const NAMES: [&str; 4] = ["HPCSH_NODE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HPCSH_PROMPT"];

impl Node {
    pub fn new(config: &str) -> Self {
        Self::of(Home::new(), config)
    }

    /// The same in this home.
    pub fn of(home: Home, config: &str) -> Self {
        home.configure(config);
        let told: Value = serde_json::from_str(&home.hpcsh(&["status", "--json"]).clean()).unwrap();
        let verdict = PathBuf::from(told["file"].as_str().unwrap());
        assert!(verdict.starts_with(home.run()), "{}", verdict.display());
        let node = Self { home, verdict };
        for name in ["verdict", "attempts"] {
            fs::remove_file(node.file(name)).unwrap();
        }
        node
    }

    /// Another file of the memory.
    pub fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(self.verdict.to_str().unwrap().replace("-verdict", &format!("-{name}")))
    }

    /// What the program would have written.
    pub fn keep(&self, state: &str, left: i64) {
        self.keep_for(state, left, "a test says so");
    }

    /// The same, for this reason.
    pub fn keep_for(&self, state: &str, left: i64, reason: &str) {
        let beside = self.file("beside");
        fs::write(&beside, format!("{state} {} {reason}\n", uptime() + left)).unwrap();
        fs::rename(&beside, &self.verdict).unwrap();
    }

    pub fn line(&self) -> String {
        fs::read_to_string(&self.verdict).unwrap_or_default()
    }

    /// For how long what is remembered holds.
    pub fn left(&self) -> i64 {
        self.line().split(' ').nth(1).and_then(|word| word.parse::<i64>().ok()).map_or(-1, |expires| expires - uptime())
    }

    /// A script in the program's place, which writes its words into the log and goes on with `then`.
    pub fn stand_in(&self, then: &str) -> PathBuf {
        let log = self.home.path().join("started");
        let text = format!("#!/bin/sh\necho \"$$ $*\" >>'{}'\n{then}\n", log.display());
        let path = self.home.path().join("stand-in");
        // By another process: one that a test beside this one starts just now would hold the file open, and nobody can run it then.
        let mut writer = Command::new("sh");
        writer.args(["-c", "cat >\"$1\" && chmod 755 \"$1\"", "sh"]).arg(&path).stdin(Stdio::piped());
        let mut writer = writer.spawn().unwrap();
        writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
        path
    }

    /// What has been started in the program's place: process and words.
    pub fn started(&self) -> Vec<String> {
        let text = fs::read_to_string(self.home.path().join("started")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub fn status(&self) -> Value {
        serde_json::from_str(&self.home.hpcsh(&["status", "--json"]).clean()).unwrap()
    }
}

/// A number that is no process's.
fn dead() -> u32 {
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    child.id()
}

// --- who decides, and what is told

#[test]
fn the_first_that_has_a_word_decides() {
    let node = Node::new("");
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().split('.').next().unwrap().to_owned();
    let asked = |word: Option<&str>| {
        let mut command = node.home.command(PROGRAM);
        command.arg("status");
        if let Some(word) = word {
            command.env("HPCSH_OFFLINE", word);
        }
        run(&mut command).clean().lines().next().unwrap().to_owned()
    };
    let unknown = "unknown (HPCSH_NO_PROBE keeps hpcsh from looking)";
    assert_eq!(asked(None), unknown);
    fs::remove_file(&node.verdict).unwrap();
    node.keep("online", 100);
    assert_eq!(asked(None), "online (a test says so)");
    node.home.configure(&format!("[node]\nonline_hosts = [\"*\"]\noffline_hosts = [\"{host}\", \"x*\"]\n"));
    assert_eq!(asked(None), format!("offline (the host name {host} matches {host})"));
    node.home.configure("[node]\nverdict = \"online\"\noffline_hosts = [\"*\"]\n");
    assert_eq!(asked(None), "online (configured)");
    assert_eq!(asked(Some("1")), "offline (HPCSH_OFFLINE=1)");
    assert_eq!(asked(Some("0")), "online (HPCSH_OFFLINE=0)");
    assert_eq!(asked(Some("yes")), "online (configured)");
    assert_eq!(node.line().split(' ').next(), Some("online"), "nobody's word is remembered");
}

#[test]
fn status_tells_all_and_check_only_by_its_exit_code() {
    let node = Node::new("");
    node.keep("offline", 200);
    fs::write(
        node.file("attempts"),
        format!("{}\n2000\thttps://a.example\tno answer\n31\thttps://b\t\n", uptime() - 7),
    )
    .unwrap();
    let told = node.status();
    assert_eq!((&told["verdict"], &told["reason"]), (&"offline".into(), &"a test says so".into()));
    assert!((7..=9).contains(&told["age"].as_i64().unwrap()), "{told}");
    assert!((198..=200).contains(&told["expires_in"].as_i64().unwrap()), "{told}");
    assert_eq!(told["file"], node.verdict.to_str().unwrap());
    let first = &told["targets"][0];
    assert_eq!(
        (&first["target"], &first["result"], &first["ms"]),
        (&"https://a.example".into(), &"no answer".into(), &2000.into())
    );
    assert_eq!(told["targets"][1]["result"], "answered");
    let text = node.home.hpcsh(&["status"]).clean();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "offline (a test says so)");
    assert!(lines[1].starts_with("looked at ") && lines[1].contains(" s ago, holds for "), "{text}");
    assert_eq!(lines[2..], ["  https://a.example   2000 ms  no answer", "  https://b             31 ms  answered"]);

    let silent = |status| Outcome { out: String::new(), err: String::new(), status };
    assert_eq!(node.home.hpcsh(&["status", "--check"]), silent(3));
    node.keep("unknown", 200);
    assert_eq!(node.home.hpcsh(&["status", "--check"]), silent(3));
    node.keep("online", 200);
    assert_eq!(node.home.hpcsh(&["status", "--check"]), silent(0));
    // One that has expired is looked at again, and so is what is asked for.
    node.keep("online", -50);
    assert_eq!(node.home.hpcsh(&["status", "--check"]), silent(0));
    assert!(node.left() > 100, "{}", node.line());
    node.keep("online", 5);
    node.home.hpcsh(&["status", "--refresh"]).clean();
    assert!(node.left() > 100, "{}", node.line());
    assert!(!node.file("lock").exists(), "it is given back");

    for wrong in
        [&["status", "--check", "--watch"][..], &["status", "now"], &["status", "--locked"], &["status", "--refersh"]]
    {
        let outcome = node.home.hpcsh(wrong);
        assert_eq!((outcome.status, outcome.out.as_str()), (2, ""), "{wrong:?}: {outcome:?}");
    }
}

fn watch(node: &Node, words: &[&str]) -> Child {
    node.home.command(PROGRAM).args(["status", "--watch"]).args(words).stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn watch_says_each_turn_and_ends_with_its_reader() {
    let node = Node::new("");
    node.keep("offline", 200);
    let mut child = watch(&node, &[]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "offline (a test says so)");
    node.keep("online", 200);
    assert_eq!(lines.next().unwrap().unwrap(), "online (a test says so)");
    drop(lines);
    // Nothing turns any more, and it ends all the same.
    until("the end of --watch", || child.try_wait().unwrap().is_some());

    let mut child = watch(&node, &["--json"]);
    let line = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(told["verdict"], "online");
    until("the end of --watch --json", || child.try_wait().unwrap().is_some());
}

// --- running shells

#[test]
fn a_running_shell_follows() {
    let node = Node::new(CONFIG);
    for shell in Shell::all() {
        let name = shell.name();
        node.keep("offline", 200);
        let mut terminal = Terminal::start(&shell.command(&node.home, "", ""));
        assert_eq!(shown(&mut terminal, &NAMES), "offline|1|1|offline", "{name}");
        for (state, all) in
            [("online", "online|||"), ("offline", "offline|1|1|offline"), ("unknown", "unknown|1|1|offline?")]
        {
            node.keep(state, 200);
            turn(shell, &mut terminal);
            assert_eq!(shown(&mut terminal, &NAMES), all, "{name}: {state}");
        }
        // What was changed by hand is the user's.
        terminal.run(&shell.export("HF_HUB_OFFLINE", "0"));
        node.keep("online", 200);
        turn(shell, &mut terminal);
        assert_eq!(shown(&mut terminal, &NAMES), "online|0||", "{name}: by hand");
        node.keep("offline", 200);
        turn(shell, &mut terminal);
        assert_eq!(shown(&mut terminal, &NAMES), "offline|0|1|offline", "{name}: by hand");
        // His word for this shell.
        terminal.run(&shell.export("HPCSH_OFFLINE", "0"));
        turn(shell, &mut terminal);
        assert_eq!(shown(&mut terminal, &NAMES), "online|0||", "{name}: his word");
        node.keep("online", 200);
        terminal.run(&shell.export("HPCSH_OFFLINE", "1"));
        turn(shell, &mut terminal);
        assert_eq!(shown(&mut terminal, &NAMES), "offline|0|1|offline", "{name}: his word");
        terminal.run(&shell.unset("HPCSH_OFFLINE"));
        turn(shell, &mut terminal);
        assert_eq!(shown(&mut terminal, &NAMES), "online|0||", "{name}: taken back");
        let off = terminal.run("hpcsh_off");
        assert_eq!(shown(&mut terminal, &["HPCSH_NODE", "HPCSH_PROMPT", "HPCSH_EXPORTS"]), "||", "{name}: {off}");
        terminal.leave();
    }
    assert!(!node.file("lock").exists(), "nobody had to look");
}

/// One look at the memory in five seconds, and no process, be it that the verdict turns.
#[test]
fn prompts_cost_no_process_while_the_verdict_holds() {
    if !can_trace() {
        return;
    }
    let node = Node::new(CONFIG);
    for shell in Shell::all() {
        let name = shell.name();
        node.keep("offline", 200);
        let log = node.home.path().join("strace");
        // That of fish asks git, and an older fish has its own messages translated by a program.
        let plain = match shell {
            Shell::Fish => "function fish_prompt; echo '> '; end; function _; printf '%s' $argv[1]; end",
            _ => "",
        };
        let mut terminal = Terminal::start(&traced(&node.home, &log, &shell.command(&node.home, plain, "")));
        turn(shell, &mut terminal);
        terminal.run("test -e /hpcsh-mark");
        let start = Instant::now();
        for _ in 0..20 {
            terminal.run("true");
        }
        let looks = 1 + start.elapsed().as_secs() / 5;
        node.keep("online", 200);
        turn(shell, &mut terminal);
        assert_eq!(shown(&mut terminal, &NAMES), "online|||", "{name}");
        terminal.run("test -e /hpcsh-mark");
        terminal.leave();
        let text = fs::read_to_string(&log).unwrap();
        // fish looks at paths while they are typed.
        let part = &text[text.find("/hpcsh-mark").unwrap()..text.rfind("/hpcsh-mark").unwrap()];
        // fish has threads.
        let processes: String =
            part.lines().filter(|line| !line.contains("CLONE_THREAD")).flat_map(|line| [line, "\n"]).collect();
        let counts = count(&processes, &node.home.shared());
        assert_eq!((counts.forks, counts.execs), (0, 0), "{name}:\n{processes}");
        let run = node.home.run();
        let is_look = |line: &&str| line.contains("open") && line.contains(run.to_str().unwrap());
        let opened: Vec<&str> = part.lines().filter(is_look).collect();
        assert!(!opened.is_empty() && opened.len() as u64 <= looks + 1, "{name}: {looks}: {opened:#?}");
    }
}

// --- looking again

#[test]
fn an_expired_verdict_is_looked_at_by_one_process_for_all_shells() {
    let node = Node::new(CONFIG);
    node.keep("offline", -5);
    // Slow enough for all of them to see that somebody is at it.
    let program = node.stand_in(&format!("sleep 1.5; exec '{PROGRAM}' \"$@\""));
    let shells: Vec<Shell> = Shell::all().collect();
    let mut terminals: Vec<(Shell, Terminal)> = shells
        .iter()
        .cycle()
        .take(10)
        .map(|shell| {
            let after = shell.assign_program(program.to_str().unwrap());
            (*shell, Terminal::start(&shell.command(&node.home, "", &after)))
        })
        .collect();
    for (shell, terminal) in &mut terminals {
        turn(*shell, terminal);
    }
    let told: Vec<String> = terminals.iter_mut().map(|(shell, terminal)| turn(*shell, terminal)).collect();
    until("the new verdict", || node.left() > 100 && !node.file("lock").exists());
    for (shell, terminal) in &mut terminals {
        turn(*shell, terminal);
        let told = terminal.run("jobs; true");
        let speaks = ["[1]", "Running", "running", "Done", "done ", "stand-in"].iter().any(|word| told.contains(word));
        assert!(!speaks, "{shell:?} speaks of a job: {told}");
    }
    assert_eq!(node.started().len(), 1, "{:?}", node.started());
    assert!(node.started()[0].contains("status --locked"), "{:?}", node.started());
    assert!(told.iter().all(|told| !told.contains("stand-in") && !told.contains("[1]")), "{told:?}");
    // Nothing of it is left behind: no zombie of any of the shells.
    let id = node.started()[0].split(' ').next().unwrap().to_owned();
    until("the end of the process", || !Path::new("/proc").join(&id).exists());
}

#[test]
fn a_lock_is_taken_over_from_the_dead_alone() {
    let node = Node::new(CONFIG);
    let program = node.stand_in(&format!("exec '{PROGRAM}' \"$@\""));
    for shell in Shell::all() {
        let name = shell.name();
        let _ = fs::remove_file(node.home.path().join("started"));
        node.keep("offline", 200);
        let after = shell.assign_program(program.to_str().unwrap());
        let mut terminal = Terminal::start(&shell.command(&node.home, "", &after));
        terminal.run("true");
        // Before the verdict expires: on a busy machine the prompt of the last line may still be on its way.
        fs::write(node.file("lock"), format!("{} {}\n", std::process::id(), uptime())).unwrap();
        node.keep("offline", -5);
        for _ in 0..3 {
            turn(shell, &mut terminal);
        }
        assert_eq!(node.started(), [""; 0], "{name}: a live one has it");
        assert_eq!(shown(&mut terminal, &["HPCSH_STORAGE"]), "", "{name}");
        // The last one is a live process that only has the number of the one that took it.
        for (times, lock) in
            [format!("{} {}\n", dead(), uptime()), format!("{} 0\n", std::process::id())].iter().enumerate()
        {
            node.keep("offline", -5);
            fs::write(node.file("lock"), lock).unwrap();
            turn_again(shell, &mut terminal);
            until("a new verdict", || node.left() > 100 && !node.file("lock").exists());
            assert_eq!(node.started().len(), times + 1, "{name}: {lock}");
        }
        terminal.leave();
    }
}

/// Proxies are part of what a verdict belongs to, and a running shell may set them: it follows, and asks no more often.
#[test]
fn a_shell_that_sets_a_proxy_follows_to_what_is_remembered_of_it() {
    for shell in Shell::all() {
        let node = Node::new(CONFIG);
        let name = shell.name();
        let program = node.stand_in(&format!("exec '{PROGRAM}' \"$@\""));
        node.keep("offline", 200);
        let after = shell.assign_program(program.to_str().unwrap());
        let mut terminal = Terminal::start(&shell.command(&node.home, "", &after));
        assert_eq!(shown(&mut terminal, &["HPCSH_NODE"]), "offline", "{name}");
        terminal.run(&shell.export("https_proxy", "http://proxy.invalid:1"));
        node.keep("offline", -5);
        turn_again(shell, &mut terminal);
        until("the end of the look", || {
            let id = node.started().first().map(|line| line.split(' ').next().unwrap().to_owned());
            id.is_some_and(|id| !Path::new("/proc").join(id).exists())
        });
        let files = fs::read_dir(node.home.run().join("hpcsh")).unwrap().flatten().map(|file| file.path());
        let is_other = |file: &PathBuf| file.to_str().unwrap().ends_with("-verdict") && *file != node.verdict;
        fs::write(files.into_iter().find(is_other).unwrap(), format!("online {} x\n", uptime() + 200)).unwrap();
        for _ in 0..3 {
            turn_again(shell, &mut terminal);
        }
        assert_eq!(shown(&mut terminal, &["HPCSH_NODE"]), "online", "{name}");
        assert_eq!(node.started().len(), 1, "{name}: {:?}", node.started());
        terminal.run(&shell.unset("https_proxy"));
        terminal.leave();
        assert_eq!(node.line().split(' ').next(), Some("offline"), "{name}: others keep theirs");
    }
}

/// The program lies on storage that hangs: one process waits for it, and after half a minute the shells know.
#[test]
fn a_program_that_hangs_is_started_once_and_told_of() {
    let node = Node::new(CONFIG);
    let program = node.stand_in("exec sleep 300");
    for shell in Shell::all() {
        let name = shell.name();
        let _ = fs::remove_file(node.home.path().join("started"));
        let _ = fs::remove_file(node.file("lock"));
        node.keep("offline", -5);
        let after = shell.assign_program(program.to_str().unwrap());
        let command = shell.command(&node.home, "", &after);
        let mut terminals = [Terminal::start(&command), Terminal::start(&command)];
        for terminal in &mut terminals {
            turn(shell, terminal);
        }
        until("the start", || !node.started().is_empty());
        for terminal in &mut terminals {
            turn_again(shell, terminal);
            assert_eq!(shown(terminal, &["HPCSH_NODE", "HPCSH_STORAGE", "HPCSH_PROMPT"]), "offline||offline", "{name}");
        }
        assert_eq!(node.started().len(), 1, "{name}: {:?}", node.started());
        let id = node.started()[0].split(' ').next().unwrap().to_owned();
        let lock = fs::read_to_string(node.file("lock")).unwrap();
        assert_eq!(lock.split(' ').next(), Some(id.as_str()), "{name}: the lock is the process's that hangs");
        // One that has been there for so long.
        fs::write(node.file("lock"), format!("1 {}\n", uptime() - 31)).unwrap();
        for terminal in &mut terminals {
            turn_again(shell, terminal);
            let all = shown(terminal, &["HPCSH_STORAGE", "HPCSH_PROMPT"]);
            assert_eq!(all, "stale|offline stale", "{name}");
        }
        assert_eq!(node.started().len(), 1, "{name}");
        // It answers again: the lock is free, and the one who looks may look.
        fs::write(node.file("lock"), &lock).unwrap();
        assert!(Command::new("kill").arg(&id).status().unwrap().success());
        until("the end of it", || !Path::new("/proc").join(&id).exists());
        for terminal in &mut terminals {
            let fixed = shell.assign_program(PROGRAM);
            terminal.run(&fixed);
            // While another one has it looked at, it cannot know yet.
            until("that it answers", || {
                turn(shell, terminal);
                shown(terminal, &["HPCSH_STORAGE", "HPCSH_PROMPT"]) == "|offline"
            });
        }
        until("a new verdict", || node.left() > 100);
        for terminal in terminals {
            terminal.leave();
        }
    }
}
