//! Processes and calls on the shared storage, counted by strace, not trusted.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::shells::Shell;
use crate::support::{Home, PROGRAM, has, run, skip};
use crate::terminal::Terminal;

/// What a traced session did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub forks: usize,
    pub execs: usize,
    /// Calls whose arguments name the shared home.
    pub shared: usize,
}

pub fn can_trace() -> bool {
    let works = has("strace") && run(Command::new("strace").args(["-o", "/dev/null", "true"])).status == 0;
    if !works {
        skip("strace is not installed or may not trace");
    }
    works
}

/// The command under strace, its processes and looks at files in a log.
pub fn traced(home: &Home, log: &Path, inner: &Command) -> Command {
    let mut command = home.command("strace");
    command.args(["-f", "-qq", "-o"]).arg(log).args(["-e", "trace=process,file"]);
    command.arg(inner.get_program()).args(inner.get_args());
    command
}

/// A session on a terminal of its own, under strace: after `first` has run, `lines` are typed; what those did.
fn trace(shell: Shell, home: &Home, first: &str, lines: &[&str]) -> Counts {
    let log = home.path().join("strace");
    let mut terminal = Terminal::start(&traced(home, &log, &shell.interactive(home)));
    // A look at a name that is nowhere marks the place in the log.
    terminal.run(&format!("{first}; [ -e /hpcsh-mark ]"));
    for line in lines {
        terminal.run(line);
    }
    terminal.run("[ -e /hpcsh-mark ]");
    terminal.leave();
    let text = fs::read_to_string(&log).unwrap();
    let parts: Vec<&str> = text.split("/hpcsh-mark").collect();
    assert_eq!(parts.len(), 3, "the marks are not in the log");
    count(parts[1], &home.shared())
}

pub fn count(log: &str, shared: &Path) -> Counts {
    let shared = shared.to_str().unwrap();
    let begins = |names: &[&str]| {
        log.lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(_, call)| names.iter().any(|name| call.trim_start().starts_with(name)))
            .count()
    };
    Counts {
        forks: begins(&["clone", "clone3", "fork", "vfork"]),
        execs: begins(&["execve"]),
        shared: log.lines().filter(|line| line.contains(shared)).count(),
    }
}

#[test]
fn a_prompt_costs_no_process_and_nothing_on_shared_storage() {
    if !can_trace() {
        return;
    }
    for shell in Shell::ALL {
        let home = Home::with_article();
        home.write(shell.rc(), format!("shared='{}'\n{}", home.shared().display(), shell.line()));
        let control = trace(shell, &home, "true", &["x=$(: </dev/null)", "[ -e $shared/x ]"]);
        assert_eq!((control.forks, control.shared), (1, 1), "{}: strace sees what is there", shell.name());
        let counts = trace(shell, &home, "true", &[":"; 20]);
        assert_eq!(counts, Counts::default(), "{}", shell.name());
    }
}

#[test]
fn act_deactivate_and_cdr_cost_no_process() {
    if !can_trace() {
        return;
    }
    for shell in Shell::ALL {
        let home = Home::with_article();
        home.write(shell.rc(), shell.line());
        home.write("p/.venv/pyvenv.cfg", "home = /usr/bin\nprompt = label\n");
        home.write("p/.venv/bin/python", "");
        home.configure("[venv]\nauto = false\n");
        let lines = ["act p", "deactivate", "cd p", "act", "deactivate", "act .venv", "cdr ..", "deactivate"];
        let counts = trace(shell, &home, "true", &lines);
        assert_eq!(counts, Counts::default(), "{}", shell.name());
    }
}

/// Looks at files from the mark on, of one line typed.
fn looks(shell: Shell, home: &Home, first: &str, line: &str) -> (Counts, Vec<String>) {
    let log = home.path().join("strace");
    let mut terminal = Terminal::start(&traced(home, &log, &shell.interactive(home)));
    terminal.run(first);
    terminal.run("[ -e /hpcsh-mark ]");
    terminal.run(line);
    terminal.run("[ -e /hpcsh-mark ]");
    terminal.leave();
    let text = fs::read_to_string(&log).unwrap();
    let part = text.split("/hpcsh-mark").nth(1).unwrap();
    let files = part.lines().filter(|line| line.contains(".venv")).map(str::to_owned).collect();
    (count(part, &home.shared()), files)
}

/// Without an environment: one look for each directory from three levels below the home up to it. Into one for the first time:
/// one exec. Entered before: none in zsh; bash asks once for each visit. Within a project: none.
#[test]
fn a_change_of_directory_costs_a_few_looks_and_no_process() {
    if !can_trace() {
        return;
    }
    for shell in Shell::ALL {
        let home = Home::new();
        home.write(shell.rc(), shell.line());
        fs::create_dir_all(home.path().join("a/b/c")).unwrap();
        crate::entering::environment(&home, "p");
        fs::create_dir_all(home.path().join("p/src/deep")).unwrap();
        // What has changed in the last seconds zsh does not remember.
        std::thread::sleep(std::time::Duration::from_millis(3200));

        let (counts, files) = looks(shell, &home, "true", "cd a/b/c");
        assert_eq!((counts.forks, counts.execs, files.len()), (0, 0, 4), "{}: {files:#?}", shell.name());
        let (counts, files) = looks(shell, &home, "cd p/src; cd ~/p", "cd src/deep");
        assert_eq!((counts.forks, counts.execs), (0, 0), "{}: within a project", shell.name());
        assert!(files.len() <= 6, "{}: {files:#?}", shell.name());
        let (counts, _) = looks(shell, &home, "true", "cd p");
        assert_eq!((counts.forks, counts.execs), (1, 1), "{}: the first entry", shell.name());
        let (counts, files) = looks(shell, &home, "cd p\ncd ~", "cd p");
        let asked = usize::from(shell == Shell::Bash);
        assert_eq!((counts.forks, counts.execs), (asked, asked), "{}: entered before", shell.name());
        assert!(shell == Shell::Bash || files.len() <= 12, "{}: {files:#?}", shell.name());
        // One that is not entered is asked for once, until the project is left.
        fs::set_permissions(home.path().join("p/.venv"), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let (counts, _) = looks(shell, &home, "cd p", "cd src; cd deep; cd ~/p");
        assert_eq!((counts.forks, counts.execs), (0, 0), "{}: refused before", shell.name());
    }
}

/// One exec at login, of the program itself; an empty rc file has none.
#[test]
fn a_start_costs_one_process() {
    if !can_trace() {
        return;
    }
    // The first prompt has nothing to add, where zsh's table of completions is there too.
    let prompted = "if typeset -f _hpcsh_precmd >/dev/null; then _hpcsh_precmd; fi";
    for (shell, script) in Shell::ALL.into_iter().flat_map(|shell| [(shell, "exit"), (shell, prompted)]) {
        let start = |line: &str| {
            let home = Home::with_article();
            home.write(shell.rc(), format!("{line}[ -z \"${{ZSH_VERSION-}}\" ] || typeset -gA _comps\n"));
            // The very first one in a home makes the directory of the history, which costs a `mkdir`.
            run(shell.interactive(&home).args(["-c", script]));
            let log = home.path().join("strace");
            run(&mut traced(&home, &log, shell.interactive(&home).args(["-c", script])));
            count(&fs::read_to_string(&log).unwrap(), &home.shared())
        };
        let (empty, line) = (start(""), start(&shell.line()));
        let counted = (line.forks - empty.forks, line.execs - empty.execs);
        assert_eq!(counted, (1, 1), "{}: {script}", shell.name());
    }
}

/// On shared storage a login makes no call at all: the configuration is local here, and no value is looked at.
#[test]
fn init_is_sixty_calls_at_the_most_and_looks_at_no_value() {
    if !can_trace() {
        return;
    }
    let home = Home::new();
    home.configure(
        "shared_home = \"SHARED\"\nstate_dir = \"$shared_home/home/$USER/state\"\n[env]\npresets = [\"huggingface\", \"uv\", \"wandb\", \"rust\", \"pip\"]\n[node]\nverdict = \"offline\"\n",
    );
    for shell in Shell::ALL {
        // The very first one in a home writes the node's copies.
        home.hpcsh(&["init", shell.name()]);
        let log = home.path().join("strace");
        let outcome =
            run(home.command("strace").args(["-f", "-qq", "-o"]).arg(&log).args([PROGRAM, "init", shell.name()]));
        assert_eq!((outcome.err.as_str(), outcome.status), ("", 0));
        let text = fs::read_to_string(&log).unwrap();
        // What a debug build of the standard library asks for itself before it closes a file is not the program's.
        let text: String = text.split_inclusive('\n').filter(|line| !line.contains("F_GETFD")).collect();
        let shared = home.shared();
        // Values are written out, not looked up: only `write` may name them. What the kernel has in its memory is no look.
        let is_look = |line: &&str| !line.contains(" write(") && !line.contains("RESOLVE_CACHED");
        let looked = text.lines().filter(is_look).filter(|line| line.contains(shared.to_str().unwrap())).count();
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for line in text.lines() {
            let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
            *kinds.entry(call.split('(').next().unwrap_or_default()).or_default() += 1;
        }
        assert!(text.lines().count() <= 60, "{} calls: {kinds:?}", text.lines().count());
        assert_eq!(looked, 0, "init touches the shared home:\n{text}");
    }
}
