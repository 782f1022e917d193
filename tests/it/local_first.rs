//! `install.sh --local-first`: a shell starts through what the node has kept, while the program, the rc file and the
//! configuration lie on storage that hangs.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::forks::{can_trace, count, traced};
use crate::install::{DONE, NOTHING, has_all, installer, line, names, rc, refused, shared_word, shells, snapshot};
use crate::shells::Shell;
use crate::storage::{Behaviour, stuck};
use crate::support::{Home, PROGRAM, has, is_root, run, skip};
use crate::terminal::Terminal;

/// The line for a program, which is a word of the shell's; `guard` is what a file in place of a link asks before.
fn local_line(word: &str, shell: &str, guard: &str) -> String {
    let usual = line(word, shell);
    let usual = usual.strip_prefix("if ").unwrap();
    let file = format!("$_hpcsh_login/login.{shell}");
    format!(
        "_hpcsh_login=${{HPCSH_LOCAL_DIR:-/var/tmp/hpcsh-$UID}}; if [[ $_hpcsh_login != /* || ! -O $_hpcsh_login || \
         -L $_hpcsh_login || ! -f {file} || ! -O {file} || -L {file} ]] || ! \\builtin source \"{file}\" && {guard}{usual}"
    )
}

/// Seconds since the node started.
fn uptime() -> u64 {
    fs::read_to_string("/proc/uptime").unwrap().split('.').next().unwrap().parse().unwrap()
}

/// A home whose program, configuration and rc files may lie on shared storage.
struct Site {
    home: Home,
    tools: PathBuf,
}

const CONFIG: &str = "shared_home = \"SHARED\"\nenv.set.SITE = \"one\"\nenv.presets = [\"huggingface\"]\nnode.verdict = \"offline\"\n\
                      path.prepend = [\"SHARED/bin\"]\n";

impl Site {
    /// What the node remembers of its verdict.
    fn verdict(&self) -> PathBuf {
        let files = fs::read_dir(self.home.run().join("hpcsh")).unwrap().flatten().map(|file| file.path());
        files.into_iter().find(|file| file.to_str().unwrap().ends_with("-verdict")).unwrap()
    }

    /// With the program on shared storage; what links lead there: `.config`, and the rc files.
    fn new(config: bool, rcs: bool) -> Self {
        let home = Home::new();
        let tools = home.shared().join("tools");
        let text = CONFIG.replace("SHARED", home.shared().to_str().unwrap());
        if config {
            fs::create_dir_all(home.shared().join("config/hpcsh")).unwrap();
            fs::write(home.shared().join("config/hpcsh/config.toml"), text).unwrap();
            symlink(home.shared().join("config"), home.path().join(".config")).unwrap();
        } else {
            home.write(".config/hpcsh/config.toml", text);
        }
        for shell in Shell::ALL {
            let text = format!("RC_WAS=read; before=${{before-}}x\nPS1='{}> '\n", shell.name());
            if rcs {
                let name = &shell.rc()[1..];
                fs::create_dir_all(home.shared().join("dot")).unwrap();
                fs::write(home.shared().join("dot").join(name), text).unwrap();
                // A chain, one of them relative.
                symlink(home.shared().join("dot"), home.path().join(format!("dot-{name}"))).unwrap();
                symlink(format!("dot-{name}/{name}"), home.path().join(shell.rc())).unwrap();
            } else {
                home.write(shell.rc(), text);
            }
        }
        // One of its own, whoever comes first.
        fs::create_dir(home.run().join("hpcsh")).unwrap();
        fs::set_permissions(home.run().join("hpcsh"), fs::Permissions::from_mode(0o700)).unwrap();
        Self { home, tools }
    }

    fn words(&self, more: &'static [&'static str]) -> Vec<&str> {
        [&["--shared", self.tools.to_str().unwrap(), "--from", PROGRAM, "--rc"], more].concat()
    }

    #[track_caller]
    fn install(&self) {
        let done = installer(&self.home, &["dash"], &self.words(&["--local-first"]));
        assert_eq!(done.status, 0, "{}", done.err);
    }

    /// A shell on a terminal of its own, with nothing typed yet.
    fn open(&self, shell: Shell) -> Terminal {
        Terminal::start(&shell.interactive(&self.home))
    }

    /// One login that could read everything.
    fn log_in(&self, shell: Shell) -> String {
        let mut terminal = self.open(shell);
        let told = ask(&mut terminal, STATE);
        terminal.leave();
        told
    }

    /// Waits until nobody waits for the storage any more.
    #[track_caller]
    fn settle(&self) {
        let is_record = |file: &fs::DirEntry| file.file_name().to_str().is_some_and(|name| name.ends_with("-reader"));
        let began = Instant::now();
        while fs::read_dir(self.home.run().join("hpcsh")).unwrap().any(|file| is_record(&file.unwrap())) {
            assert!(began.elapsed() < Duration::from_secs(20), "a record is left");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn mark(&self) -> String {
        self.home.path().display().to_string()
    }
}

/// What a line says that is typed. Before the prompt is there, what is typed is shown twice.
#[track_caller]
fn ask(terminal: &mut Terminal, line: &str) -> String {
    let shown = terminal.run(&format!("printf '=>'; {line}"));
    let (_, said) = shown.rsplit_once("=>").unwrap();
    said.to_owned()
}

/// What a shell has of us.
const STATE: &str = "echo \"$SITE|${HF_HOME##*/}|$HF_HUB_OFFLINE|${RC_WAS-}|${HPCSH_STORAGE-}|${HPCSH_NODE-}\"; typeset -f act >/dev/null && echo act";

/// What is typed gets its answer in this time; a second is meant.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn the_line_is_brought_changed_in_place_and_taken_back() {
    if !has_all() {
        return;
    }
    for shell in shells() {
        let home = Home::new();
        let old = "a=1";
        home.write(".zshrc", old);
        let usual = ["--from", PROGRAM, "--rc"];
        let first = [&usual, &["--local-first"][..]].concat();
        assert_eq!(installer(&home, shell, &usual).status, 0);
        let fish = fs::read(home.path().join(rc("fish"))).unwrap();
        let dry = installer(&home, shell, &[&first, &["--dry-run"][..]].concat());
        let told = installer(&home, shell, &first);
        let steps =
            |text: &str| text.lines().filter(|line| line.starts_with("  ")).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(steps(&dry.err), steps(&told.err));
        let word = format!("'{}/.local/bin/hpcsh'", home.path().display());
        let shown = |shell| local_line("'HOME/.local/bin/hpcsh'", shell, "");
        assert_eq!(
            steps(&told.err),
            [
                format!("  update   HOME/.zshrc, line 3: {}", shown("zsh")),
                format!("  update   HOME/.bashrc, line 2: {}", shown("bash"))
            ],
        );
        let zsh = format!(
            "a=1\n# >>> hpcsh >>> (with the newline before)\n{}\n# <<< hpcsh <<<\n",
            local_line(&word, "zsh", "")
        );
        assert_eq!(fs::read_to_string(home.path().join(".zshrc")).unwrap(), zsh);
        assert_eq!(fs::read(home.path().join(rc("fish"))).unwrap(), fish);
        let before = snapshot(&home.path());
        for words in [&first[..], &usual] {
            assert_eq!(installer(&home, shell, words).err, NOTHING);
            assert_eq!(snapshot(&home.path()), before);
        }

        // Another program's line stays one that reads first.
        let moved = installer(&home, shell, &["--from", PROGRAM, "--rc", "--prefix", "other"]);
        assert_eq!(moved.status, 0, "{}", moved.err);
        let text = fs::read_to_string(home.path().join(".bashrc")).unwrap();
        let other = format!("'{}/other/bin/hpcsh'", home.path().display());
        assert_eq!(text.lines().nth(1), Some(&*local_line(&other, "bash", "")));
        assert_eq!(installer(&home, shell, &first).status, 0);

        let clean = run(home.command("setsid").args(["zsh", "-ic", "whence -w act"]));
        assert_eq!(clean.out, "act: function\n", "{}", clean.err);
        assert!(home.local().join("login.zsh").exists());
        let gone = installer(&home, shell, &["--uninstall"]);
        assert_eq!(gone.status, 0, "{}", gone.err);
        assert!(!gone.err.contains("another program"), "{}", gone.err);
        assert!(!home.local().join("login.zsh").exists(), "{}", gone.err);
        assert_eq!(fs::read_to_string(home.path().join(".zshrc")).unwrap(), old);
        assert!(!home.path().join(".bashrc").exists());
    }
}

#[test]
fn a_fresh_line_and_wrong_usage() {
    for shell in shells() {
        let home = Home::new();
        let told = installer(&home, shell, &["--from", PROGRAM, "--local-first"]);
        let hint = "hint: see ./install.sh --help\n";
        assert_eq!(told, refused(2, &format!("install.sh: error: --local-first goes with --rc\n{hint}")));
        let told = installer(&home, shell, &["--from", PROGRAM, "--rc", "--shell", "fish", "--local-first"]);
        assert_eq!(
            told,
            refused(
                2,
                "install.sh: error: --local-first is for zsh and bash\nhint: fish cannot tell without a process whether \
                 what was kept holds: --rc gives it the usual line\n"
            )
        );
        assert_eq!(names(&home), Vec::<String>::new());
        if !has("fish") {
            continue;
        }
        let words = ["--shared", "tools", "--from", PROGRAM, "--rc", "--local-first"];
        let told = installer(&home, shell, &words);
        let note = "install.sh: fish gets the usual line, which asks the program: --local-first is for zsh and bash\n";
        assert!(told.status == 0 && told.err.contains(note) && told.err.contains(DONE), "{}", told.err);
        assert_eq!(installer(&home, shell, &words).err, NOTHING);
        let dir = home.path().join("tools");
        for user in ["zsh", "bash"] {
            let text = fs::read_to_string(home.path().join(rc(user))).unwrap();
            let line = local_line(&shared_word(dir.to_str().unwrap(), user), user, "");
            assert_eq!(text, format!("# >>> hpcsh >>> (new file)\n{line}\n# <<< hpcsh <<<\n"));
        }
    }
}

/// The same exports as by the usual line, under all options that an rc file may have set; no process, nothing on shared storage.
#[test]
fn a_login_through_what_was_kept_is_the_usual_one_without_a_process() {
    for shell in Shell::ALL {
        let site = Site::new(false, false);
        let exports = |before: &str, line: &str| {
            site.home.write(shell.rc(), format!("{before}\n{line}\n"));
            let script = "echo \"status $?\"; export -p; set +e; hpcsh_off; export -p";
            let mut outcome = run(shell.interactive(&site.home).args(["-c", script]));
            outcome.err.retain(|_| false);
            outcome
        };
        let usual = exports("", &shell.line());
        assert!(usual.out.contains("SITE") && usual.out.contains("HPCSH_EXPORTS"), "{}", usual.out);
        // One that nothing can be asked.
        let line = local_line("/nonexistent", shell.name(), "");
        for before in
            ["", "set -eu", "set -f", "set -C", "alias source=false builtin=false true=false", "set -a; set +a"]
        {
            assert_eq!(exports(before, &line), usual, "{}: {before}", shell.name());
        }
        // Not interactive.
        let quiet = |line: &str| {
            let mut command = site.home.command(shell.name());
            command.args(if shell == Shell::Zsh { &["-f", "-c"][..] } else { &["-c"] });
            run(command.arg(format!("set -eu\n{line}\nset | grep ^_hpcsh; export -p")))
        };
        assert_eq!(quiet(&line), quiet(&shell.line()), "{}", shell.name());

        if !can_trace() {
            return;
        }
        let start = |line: &str| {
            site.home.write(shell.rc(), format!("{line}\n"));
            let log = site.home.path().join("strace");
            run(&mut traced(&site.home, &log, shell.interactive(&site.home).args(["-c", "exit"])));
            let text = fs::read_to_string(&log).unwrap();
            count(&text, &site.home.shared())
        };
        assert_eq!(start(&line), start(""), "{}", shell.name());
    }
}

/// What such a login finds out by itself where the node has forgotten its verdict, does not know it, or remembers it for too long, and where
/// somebody waits for storage. A script that has no next prompt asks the program, which says `unknown` here.
#[test]
fn what_is_not_known_such_a_login_finds_out_itself() {
    let odd = ["one", "a\\tb"];
    for (shell, value) in Shell::ALL.into_iter().flat_map(|shell| odd.map(|value| (shell, value))) {
        let site = Site::new(false, false);
        let config = CONFIG.replace("SHARED", site.home.shared().to_str().unwrap());
        let config = config.replace("node.verdict = \"offline\"\n", "").replace("\"one\"", &format!("\"{value}\""));
        site.home.configure(&config);
        site.install();
        let run_dir = site.home.run().join("hpcsh");
        let show = "echo \"$HPCSH_NODE|$HF_HUB_OFFLINE|${_hpcsh_reader##*-}|${HPCSH_STORAGE-}\"";
        let told = |before: &str, is_interactive: bool| {
            let mut command = if is_interactive {
                shell.interactive(&site.home)
            } else {
                let mut command = site.home.command(shell.name());
                command.args(if shell == Shell::Zsh { &["-f"][..] } else { &[] });
                command
            };
            let rc = site.home.path().join(shell.rc());
            let script = if is_interactive { show.to_owned() } else { format!(". '{}'; {show}", rc.display()) };
            let outcome = run(command.args(["-c", &format!("{before}{script}")]));
            let said = outcome.err.lines().filter(|line| line.contains("hpcsh")).count();
            assert_eq!(said, 0, "{}: {}", shell.name(), outcome.err);
            outcome.out.trim_end().to_owned()
        };
        told("", true);
        told("", true);
        let verdict = site.verdict();
        let reader = PathBuf::from(verdict.to_str().unwrap().replace("-verdict", "-reader"));
        let uptime = uptime();
        for why in ["no route", "huggingface.co:443 answered in 12 ms", "x"] {
            fs::write(&verdict, format!("online {} {why}\n", uptime + 250)).unwrap();
            assert_eq!([told("", true), told("", false)], ["online|||"; 2], "{}, {value}: {why}", shell.name());
            // One that has waited for half a second, and one whose number another process has got since.
            let now = fs::read_to_string("/proc/uptime").unwrap().split(' ').next().unwrap().replace('.', "");
            fs::write(&reader, format!("{} {now}\n", std::process::id())).unwrap();
            std::thread::sleep(Duration::from_millis(500));
            assert_eq!(told("", true), "online||reader|stale", "{}, {value}: {why}", shell.name());
            fs::write(&reader, format!("{} 1\n", std::process::id())).unwrap();
            assert_eq!(told("", true), "online|||", "{}, {value}: {why}", shell.name());
            fs::remove_file(&reader).unwrap();
        }
        // An interactive one takes an old one for what it is until its next prompt; a script does not.
        let old = "online 1 x\n";
        fs::write(&verdict, old).unwrap();
        assert_eq!(told("", true), "online|||", "{}, {value}", shell.name());
        assert_eq!(fs::read_to_string(&verdict).unwrap(), old, "{}, {value}", shell.name());
        told("", false);
        assert_ne!(fs::read_to_string(&verdict).unwrap(), old, "{}, {value}: the program was asked", shell.name());
        for text in [&b""[..], b"online", b"onl", b"\xff\0\n"] {
            for is_interactive in [true, false] {
                fs::write(&verdict, text).unwrap();
                let found = told("", is_interactive);
                assert_eq!(found, "unknown|1||", "{}, {value}: {text:?}", shell.name());
            }
        }
        // Something is set already.
        fs::remove_file(&verdict).unwrap();
        assert_eq!(told("", true), "unknown|1||", "{}, {value}", shell.name());
        let mut inner = shell.interactive(&site.home);
        inner.env("SITE", "mine").args(["-c", show]);
        assert_eq!(run(&mut inner).out, "unknown|1||\n", "{}, {value}", shell.name());
        // The directory is gone, as at the end of a session.
        fs::rename(&run_dir, site.home.run().join("gone")).unwrap();
        assert_eq!([told("", true), told("", false)], ["unknown|1||"; 2], "{}, {value}", shell.name());
        // A runtime directory of its own has a verdict of its own.
        let other = site.home.path().join("other");
        fs::create_dir_all(other.join("hpcsh")).unwrap();
        for dir in [&other, &other.join("hpcsh")] {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).unwrap();
        }
        fs::write(other.join("hpcsh").join(verdict.file_name().unwrap()), format!("offline {} x\n", uptime + 250))
            .unwrap();
        let mut elsewhere = shell.interactive(&site.home);
        elsewhere.env("XDG_RUNTIME_DIR", &other).args(["-c", show]);
        assert_eq!(run(&mut elsewhere).out, "offline|1||\n", "{}, {value}", shell.name());
    }
}

/// The file of the data that bash's login reads.
fn data_of(login: &Path) -> PathBuf {
    let text = fs::read_to_string(login).unwrap();
    PathBuf::from(text.split("_hpcsh_file='").nth(1).unwrap().split('\'').next().unwrap())
}

/// bash's data that end too early are not gone by, and made anew.
#[test]
fn data_of_which_a_part_has_gone_are_made_anew() {
    let site = Site::new(false, false);
    site.install();
    site.log_in(Shell::Bash);
    let data = data_of(&site.home.local().join("login.bash"));
    let whole = fs::read(&data).unwrap();
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    // In what is read at once, and what is wanted for that.
    for cut in [0, 30, lines[..8].concat().len(), lines[..9].concat().len() - 2] {
        fs::write(&data, &whole[..cut]).unwrap();
        assert_eq!(site.log_in(Shell::Bash).lines().next(), Some("one|hf|1|read||offline"), "{cut}");
        assert_eq!(fs::read(&data).unwrap(), whole, "{cut}");
    }
    // In what an unusual one is to find out, and the script that it reads then.
    let begun = lines[..14].concat().len();
    let mine = |why: &dyn std::fmt::Debug| {
        let mut command = Shell::Bash.interactive(&site.home);
        let outcome = run(command.env("HF_HOME", "/mine").args(["-c", "echo \"$SITE $HF_HOME\"; declare -F act"]));
        assert_eq!(outcome.out, "one /mine\nact\n", "{why:?}: {outcome:?}");
    };
    for cut in [begun + 5, begun + 200, begun + 290, begun + lines[14].len() - 1, begun + lines[14].len()] {
        fs::write(&data, &whole[..cut]).unwrap();
        mine(&cut);
    }
    site.log_in(Shell::Bash);
    let text = String::from_utf8(whole.clone()).unwrap();
    let script = PathBuf::from(text.split("\\builtin source '").nth(1).unwrap().split('\'').next().unwrap());
    fs::write(&script, "").unwrap();
    mine(&script);
    site.log_in(Shell::Bash);
    // In the rest, of which the login sees nothing; and what looks at it then says so, and no more.
    let call = lines[..13].concat().len();
    for cut in [lines[..9].concat().len(), call, call + 10, call + 400, call + lines[13].len() - 20] {
        fs::write(&data, &whole[..cut]).unwrap();
        let outcome = run(Shell::Bash.interactive(&site.home).args(["-c", "echo $SITE; act; echo done"]));
        assert_eq!(outcome.out, "one\ndone\n", "{cut}");
        assert!(outcome.err.lines().count() < 9, "{cut}: {outcome:?}");
    }
}

/// What a line cannot do leaves the shell as it was, or says so once.
#[test]
fn a_line_that_does_not_hold_harms_no_shell() {
    let site = Site::new(false, false);
    site.install();
    site.log_in(Shell::Bash);
    let start = |script: &str| run(Shell::Bash.interactive(&site.home).args(["-c", script]));
    let again = format!("HOME=/nowhere; {}", local_line("/nonexistent", "bash", ""));
    let kept =
        start(&format!("_hpcsh_precmd; {again}\nmdcd {}/made && pwd; hpcsh_off; echo \"${{SITE-none}}\"", site.mark()));
    assert_eq!(kept.out, format!("{}/made\nnone\n", site.mark()), "{kept:?}");
    // The data go between the line and the first prompt.
    let gone = start(
        "rm \"$_hpcsh_file\"; set -e; _hpcsh_precmd; _hpcsh_precmd; _hpcsh_precmd; echo \"$SITE\"; act || echo no",
    );
    assert_eq!(gone.out, "one\nno\n", "{gone:?}");
    assert_eq!(gone.err.lines().filter(|line| line.contains("No such file")).count(), 1, "{gone:?}");
    assert_eq!(start("echo \"$SITE\"; act").out, "one\n", "made anew");
    // Nor does what has a strange name run.
    let dir = format!("{}/x\ntouch $HOME/pwned #", site.mark());
    fs::create_dir_all(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    for _ in 0..2 {
        let outcome =
            run(Shell::Bash.interactive(&site.home).env("HPCSH_LOCAL_DIR", &dir).args(["-c", "echo \"$SITE\""]));
        assert_eq!(outcome.out, "one\n", "{outcome:?}");
    }
    assert!(!site.home.path().join("pwned").exists());
}

/// Without the program a login comes to the same as with it.
#[test]
fn both_lines_come_to_the_same() {
    let site = Site::new(false, false);
    let text = fs::read_to_string(site.home.path().join(".config/hpcsh/config.toml")).unwrap();
    let text = text.replace("node.verdict = \"offline\"\n", "");
    site.home.configure(&text.replace("/bin\"]", "/bin\", \"/second/bin\"]"));
    let lines = [Shell::Bash.line(), local_line("/nonexistent", "bash", "") + "\n"];
    site.home.write(".bashrc", &lines[0]);
    for _ in 0..2 {
        run(Shell::Bash.interactive(&site.home).args(["-c", "exit"]));
    }
    // Another runtime directory knows that the node is online.
    let verdict = site.verdict();
    let other = site.home.path().join("other");
    fs::create_dir_all(other.join("hpcsh")).unwrap();
    for dir in [&other, &other.join("hpcsh")] {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).unwrap();
    }
    let uptime = uptime();
    for (dir, word) in [(site.home.run().join("hpcsh"), "offline"), (other.join("hpcsh"), "online")] {
        let why = "dns answers; resolv.conf names hpcsh's resolver at 127.0.0.1, which is not there";
        fs::write(dir.join(verdict.file_name().unwrap()), format!("{word} {} {why}\n", uptime + 250)).unwrap();
    }
    let show = "echo \"$HPCSH_NODE|$SITE|$HF_HOME|${HF_HUB_OFFLINE-none}|${PATH-none}|${#HPCSH_EXPORTS}\"; declare -F act deactivate; printf %q \"${IFS-none}\"";
    let befores = [
        "",
        "HF_HOME=/mine",
        "export HF_HOME=/mine",
        "export HF_HUB_OFFLINE=",
        "SITE=mine",
        "readonly PATH",
        "PATH=",
        "PATH=/usr/bin:/bin:$HOME:",
        "PATH=/second/bin:/usr/bin:/bin; PROMPT_COMMAND=:",
        "export _OLD_VIRTUAL_PATH=/old",
        "IFS=', \t\n'",
        "IFS=",
        "set -eu",
        "set -f; IFS=:",
        "set -a; x=1",
        "export VIRTUAL_ENV=/v",
    ];
    for (runtime, before) in [site.home.run(), other.clone()].iter().flat_map(|dir| befores.map(|before| (dir, before)))
    {
        for is_interactive in [true, false] {
            let told = lines.each_ref().map(|line| {
                site.home.write(".bashrc", format!("{before}\n{line}"));
                let mut command =
                    if is_interactive { Shell::Bash.interactive(&site.home) } else { site.home.command("bash") };
                let script = if is_interactive { show.to_owned() } else { format!(". ~/.bashrc\n{show}") };
                let outcome = run(command.env("XDG_RUNTIME_DIR", runtime).args(["-c", &script]));
                assert!(
                    outcome.err.lines().all(|line| line.contains("readonly")
                        || line.contains("job control")
                        || line.contains("process group")),
                    "{before}: {outcome:?}"
                );
                outcome.out
            });
            assert_eq!(told[0], told[1], "{before}, {}, {is_interactive}", runtime.display());
            assert!(told[0].contains("/cache/hf|") || before.contains("export HF_HOME"), "{before}: {told:?}");
            assert_eq!(told[0].contains("\nact\n"), is_interactive, "{before}: {told:?}");
        }
    }
    // Where there is no runtime directory, and in one that is a link, be it to one of ours.
    let link = site.home.path().join("link");
    fs::create_dir_all(&link).unwrap();
    symlink(other.join("hpcsh"), link.join("hpcsh")).unwrap();
    for runtime in [None, Some(&link)] {
        for before in ["", "export HF_HOME=/mine", "export HPCSH_OFFLINE=0"] {
            let told = [&lines[0], &lines[0], &lines[1]].map(|line| {
                site.home.write(".bashrc", format!("{before}\n{line}"));
                let mut command = Shell::Bash.interactive(&site.home);
                command.env_remove("XDG_RUNTIME_DIR").envs(runtime.map(|dir| ("XDG_RUNTIME_DIR", dir)));
                let outcome = run(command.args(["-c", show]));
                assert!(!outcome.err.contains("syntax") && !outcome.err.contains("hpcsh"), "{before}: {outcome:?}");
                outcome.out
            });
            assert_eq!(told[1], told[2], "{before}, {runtime:?}");
        }
    }
}

/// What a usual login leaves unsaid, its first prompt and the turn of its verdict do not ask for either; and its way out takes all back.
#[test]
fn a_usual_login_follows_its_verdict_and_goes() {
    let site = Site::new(false, false);
    let text = fs::read_to_string(site.home.path().join(".config/hpcsh/config.toml")).unwrap();
    site.home.configure(&text.replace("node.verdict = \"offline\"\n", "history.size = 70\n"));
    site.home.write(".bashrc", Shell::Bash.line());
    for _ in 0..2 {
        run(Shell::Bash.interactive(&site.home).args(["-c", "exit"]));
    }
    let verdict = site.verdict();
    let uptime = uptime();
    let line = local_line("/nonexistent", "bash", "");
    // Nobody asks in the background whether the script still is one, and looks at the node as well.
    let turn = "_hpcsh_due=0; _hpcsh_precmd; echo \"$HPCSH_NODE ${HF_HUB_OFFLINE-none} $SITE $HISTSIZE\"";
    let script = format!(
        "set -eu; _hpcsh_precmd; _hpcsh_call node builtin :; _hpcsh_login_due=9999; {turn}; sed -i s/offline/online/ {0}; {turn}; sed -i s/online/offline/ {0}; {turn}
         hpcsh_off; set +e; echo \"${{PATH/SHARED/}} ${{SITE-none}} ${{HPCSH_EXPORTS-none}} ${{HISTSIZE-none}}\"; declare -F; compgen -v _hpcsh",
        verdict.display()
    );
    let script = script.replace("SHARED", "\"$SHARED/bin:\"");
    for before in ["", "PATH=$SHARED/bin:$PATH", "PROMPT_COMMAND=:", "export EDITOR=ed"] {
        fs::write(&verdict, format!("offline {} x\n", uptime + 250)).unwrap();
        site.home.write(".bashrc", format!("{before}\n{line}\n"));
        let mut command = Shell::Bash.interactive(&site.home);
        let outcome = run(command.env("SHARED", site.home.shared()).args(["-c", &script]));
        let told = "offline 1 one 70\nonline none one 70\noffline 1 one 70\n";
        let path = crate::support::path();
        assert_eq!(outcome.out, format!("{told}{path} none none none\n"), "{before}: {outcome:?}");
        assert!(!outcome.err.contains("unbound") && !outcome.err.contains("hpcsh"), "{before}: {outcome:?}");
    }
}

/// A host, or a network, of which the name of another is a part.
#[test]
fn what_is_kept_is_of_one_host_and_network_and_of_none_with_a_longer_name() {
    let site = Site::new(false, false);
    let text = fs::read_to_string(site.home.path().join(".config/hpcsh/config.toml")).unwrap();
    let line = local_line("/nonexistent", "bash", "");
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim_end().to_owned();
    for (before, is_fixed) in [("", true), ("", false), ("IFS=", true), ("IFS=", false)] {
        site.home.configure(&if is_fixed { text.clone() } else { text.replace("node.verdict = \"offline\"\n", "") });
        site.home.write(".bashrc", Shell::Bash.line());
        for _ in 0..2 {
            run(Shell::Bash.interactive(&site.home).args(["-c", "exit"]));
        }
        site.home.write(".bashrc", format!("{before}\n{line}\n"));
        let told = || run(Shell::Bash.interactive(&site.home).args(["-c", "echo \"$SITE\""])).out;
        assert_eq!(told(), "one\n", "{before}");
        let login = site.home.local().join("login.bash");
        let data = data_of(&login);
        let whole = [&login, &data].map(|file| fs::read_to_string(file).unwrap());
        let compared = whole[1].lines().nth(8).unwrap();
        for other in [&host[1..], &host[..host.len() - 1]] {
            let changed = compared.replace(&format!(",{host}["), &format!(",{other}["));
            assert_ne!(changed, compared);
            fs::write(&data, whole[1].replace(compared, &changed)).unwrap();
            assert_eq!(told(), "\n", "{before}, {is_fixed}: {changed}");
        }
        fs::write(&data, &whole[1]).unwrap();
        if !is_fixed {
            let network = whole[0].split("ino:$'\\t''").nth(1).unwrap().split('\'').next().unwrap();
            for other in [&network[1..], &network[..network.len() - 1]] {
                let changed = whole[0].replace(&format!("'{network}'"), &format!("'{other}'"));
                fs::write(&login, changed).unwrap();
                assert_eq!(told(), "\n", "{before}: {other}");
            }
        }
    }
}

/// zsh's checks lie in a file that it compiles, and one that no longer counts does not stay.
#[test]
fn what_zsh_checks_is_compiled_and_goes_with_its_boot() {
    let site = Site::new(false, false);
    let login = site.home.local().join("login.zsh");
    let kept = || {
        let text = fs::read_to_string(&login).unwrap();
        PathBuf::from(text.split("_hpcsh_kept='").nth(1).unwrap().split('\'').next().unwrap())
    };
    Shell::Zsh.prompted(&site.home, &Shell::Zsh.line(), ":");
    let line = local_line("/nonexistent", "zsh", "");
    Shell::Zsh.prompted(&site.home, &line, ":");
    let (first, compiled) = (kept(), kept().with_extension("zsh.zwc"));
    assert!(compiled.exists());
    assert_eq!(Shell::Zsh.prompted(&site.home, &line, "echo $SITE").out, "one\n", "compiled");
    // What goes by another network, say.
    site.home.write(".zshrc", Shell::Zsh.line());
    run(Shell::Zsh.interactive(&site.home).env("https_proxy", "http://p:1").args(["-c", "exit"]));
    assert_ne!(kept(), first);
    assert!(kept().exists() && !first.exists() && !compiled.exists());
}

#[test]
fn what_was_kept_for_something_else_is_refused() {
    for shell in Shell::ALL {
        let site = Site::new(false, false);
        let kept = site.home.local().join(format!("login.{}", shell.name()));
        let line = format!("{}\n", local_line("/nonexistent", shell.name(), ""));
        let script = "echo \"${SITE-none}\"";
        let start = |command: &mut Command| run(command.args(["-c", script])).out;
        site.home.write(shell.rc(), shell.line());
        assert_eq!(start(&mut shell.interactive(&site.home)), "one\n");
        site.home.write(shell.rc(), &line);
        let holds = || {
            assert_eq!(start(&mut shell.interactive(&site.home)), "one\n", "{}", shell.name());
        };
        let refuses = |what: &str, command: &mut Command| {
            assert_eq!(start(command), "none\n", "{}: {what}", shell.name());
        };
        holds();
        refuses("HPCSH_CONFIG", shell.interactive(&site.home).env("HPCSH_CONFIG", "/nonexistent"));
        refuses("another configuration", shell.interactive(&site.home).env("XDG_CONFIG_HOME", "/nonexistent"));
        refuses("a proxy", shell.interactive(&site.home).env("https_proxy", "http://p:1"));
        let other = site.home.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join(shell.rc()), &line).unwrap();
        refuses("another home", shell.interactive(&site.home).env("HOME", &other).env("ZDOTDIR", &other));
        refuses("another directory", shell.interactive(&site.home).env("HPCSH_LOCAL_DIR", &other));
        fs::copy(&kept, site.home.path().join(kept.file_name().unwrap())).unwrap();
        refuses("a relative directory", shell.interactive(&site.home).env("HPCSH_LOCAL_DIR", "."));

        // zsh's is in a file of its own, which can be compiled; what bash compares is in its data.
        let named = fs::read_to_string(&kept).unwrap();
        let named = named.lines().find_map(|line| line.split_once("_hpcsh_kept='")?.1.strip_suffix('\''));
        let kept = named.map_or(kept, PathBuf::from);
        let compared = if shell == Shell::Bash { data_of(&kept) } else { kept.clone() };
        let text = fs::read_to_string(&compared).unwrap();
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        assert!(text.contains(boot.trim()));
        fs::write(&compared, text.replace(boot.trim(), "00000000-0000-0000-0000-000000000000")).unwrap();
        refuses("another boot", &mut shell.interactive(&site.home));
        fs::write(&compared, &text).unwrap();
        holds();

        // In other namespaces, where those may be had.
        let unshared = |flag: &str, code: &str| {
            let inner = shell.interactive(&site.home);
            let mut command = site.home.command("unshare");
            command.args([flag, "sh", "-c", code, "sh"]).arg(inner.get_program()).args(inner.get_args());
            if is_root() && has("unshare") && run(site.home.command("unshare").args([flag, "true"])).status == 0 {
                refuses(flag, &mut command);
            } else {
                skip("may not unshare");
            }
        };
        unshared("-u", "hostname elsewhere && exec \"$@\"");

        // A link, and somebody else's.
        let real = site.home.path().join("kept");
        fs::rename(&kept, &real).unwrap();
        symlink(&real, &kept).unwrap();
        refuses("a link", &mut shell.interactive(&site.home));
        fs::remove_file(&kept).unwrap();
        fs::create_dir(&kept).unwrap();
        refuses("a directory", &mut shell.interactive(&site.home));
        fs::remove_dir(&kept).unwrap();
        fs::rename(&real, &kept).unwrap();
        let aside = site.home.local().with_file_name("aside");
        fs::rename(site.home.local(), &aside).unwrap();
        symlink(&aside, site.home.local()).unwrap();
        refuses("a directory that is a link", &mut shell.interactive(&site.home));
        fs::remove_file(site.home.local()).unwrap();
        fs::rename(&aside, site.home.local()).unwrap();
        holds();
        if is_root() {
            for path in [kept, site.home.local()] {
                chown(&path, Some(4321), None).unwrap();
                refuses("somebody else's", &mut shell.interactive(&site.home));
                chown(&path, Some(0), None).unwrap();
            }
            holds();
        }

        // The configuration's own word on the node holds in any network; what was found out does not.
        let text = fs::read_to_string(site.home.path().join(".config/hpcsh/config.toml")).unwrap();
        site.home.configure(&text.replace("node.verdict = \"offline\"\n", ""));
        site.home.write(shell.rc(), shell.line());
        for _ in 0..2 {
            start(&mut shell.interactive(&site.home));
        }
        site.home.write(shell.rc(), &line);
        holds();
        unshared("-n", "exec \"$@\"");
    }
}

/// (a) the program, (b) the rc file too, (c) the configuration as well.
#[test]
fn a_shell_starts_while_storage_hangs_and_tells_when_it_answers() {
    for (config, rcs) in [(false, false), (false, true), (true, true)] {
        for shell in Shell::ALL {
            let what = format!("{}: configuration {config}, rc file {rcs}", shell.name());
            let site = Site::new(config, rcs);
            let Some(storage) = site.home.slow_shared() else { return };
            site.install();
            let good = site.log_in(shell);
            assert!(good.starts_with("one|hf|1|read||offline\nact"), "{what}: {good}");
            assert_eq!(stuck(&site.mark()), []);

            storage.behave(Behaviour::Hang);
            let began = Instant::now();
            let mut terminals: Vec<_> = (0..10).map(|_| site.open(shell)).collect();
            for terminal in &mut terminals {
                if rcs {
                    let file = site.home.path().join(format!("dot-{0}/{0}", &shell.rc()[1..]));
                    let told = terminal.expect(": it is left out");
                    let notice = format!("hpcsh: {} does not answer: it is left out", file.display());
                    assert!(told.replace('\r', "").ends_with(&notice) && !told.contains("act is"), "{what}: {told}");
                }
                let told = ask(terminal, STATE);
                let read = if rcs { "|stale|offline\n" } else { "read||offline\n" };
                assert!(told.starts_with(&format!("one|hf|1|{read}act")), "{what}: {told}");
            }
            assert!(began.elapsed() < SOON, "{what}: {:?}", began.elapsed());
            assert!(stuck(&site.mark()).len() <= 1, "{what}: {:?}", stuck(&site.mark()));
            if rcs {
                // The commands of this node are found before what hangs.
                let path = ask(&mut terminals[0], "echo \"$PATH\"");
                assert!(path.ends_with("/shared/bin\n") && !path.starts_with("/tmp/hpcsh-test"), "{what}: {path}");
                let told = ask(&mut terminals[0], "command ls -d / && echo \"${PATH##*:}\"");
                assert_eq!(told, format!("/\n{}/bin\n", site.home.shared().display()), "{what}");
                // Now it is known, and nobody waits any more.
                let mut late = site.open(shell);
                assert!(ask(&mut late, STATE).contains("|stale|"), "{what}");
                assert!(stuck(&site.mark()).len() <= 1, "{what}: {:?}", stuck(&site.mark()));
            }
            let mut terminal = terminals.pop().unwrap();
            drop(terminals);
            storage.behave(Behaviour::Answers);
            if rcs {
                let answers = "hpcsh: the shared storage answers again";
                let began = Instant::now();
                let mut seen = 0;
                while began.elapsed() < Duration::from_secs(20) && seen == 0 {
                    seen += terminal.run("sleep 0.2").matches(answers).count();
                }
                seen += terminal.run("sleep 7").matches(answers).count() + terminal.run(":").matches(answers).count();
                assert_eq!(seen, 1, "{what}");
            }
            terminal.leave();
            site.settle();
            assert_eq!(site.log_in(shell), good, "{what}");
        }
    }
}

/// The history's directory alone, in a login that asks no program: it is looked at in time, by one process.
#[test]
fn a_history_that_hangs_costs_no_login() {
    for shell in Shell::ALL {
        let site = Site::new(false, false);
        let file = site.home.path().join(".config/hpcsh/config.toml");
        let state = format!("state_dir = \"{}/state\"\n", site.home.shared().display());
        fs::write(&file, state + &fs::read_to_string(&file).unwrap()).unwrap();
        let Some(storage) = site.home.slow_shared() else { return };
        site.install();
        let good = site.log_in(shell);
        let kept = |terminal: &mut Terminal| ask(terminal, "echo \"${HISTFILE-none}|${HPCSH_STORAGE-}\"");
        let history = site.home.shared().join(format!("state/{}_history", shell.name()));
        let usual = format!("{}|\n", history.display());
        let mut many: Vec<_> = (0..10).map(|_| site.open(shell)).collect();
        for terminal in &mut many {
            assert_eq!(kept(terminal), usual, "{}", shell.name());
        }
        many.into_iter().for_each(Terminal::leave);
        let record = || {
            fs::read_dir(site.home.run().join("hpcsh"))
                .unwrap()
                .flatten()
                .any(|file| file.path().to_str().unwrap().ends_with("-reader"))
        };
        assert!(!record(), "{}", shell.name());

        storage.behave(Behaviour::Hang);
        let began = Instant::now();
        let mut many: Vec<_> = (0..5).map(|_| site.open(shell)).collect();
        for terminal in &mut many {
            let told = terminal.expect("the history stays in memory");
            assert!(told.contains("state does not answer"), "{}: {told}", shell.name());
            assert_eq!(kept(terminal), "none|stale\n", "{}", shell.name());
            if shell == Shell::Bash {
                assert_eq!(ask(terminal, "hpcsh_off; echo \"${HISTFILE##*/}\""), ".bash_history\n");
            }
        }
        assert!(began.elapsed() < SOON, "{}: {:?}", shell.name(), began.elapsed());
        assert!(stuck(&site.mark()).len() <= 1, "{}: {:?}", shell.name(), stuck(&site.mark()));
        many.into_iter().for_each(Terminal::leave);
        storage.behave(Behaviour::Answers);
        let began = Instant::now();
        while record() {
            assert!(began.elapsed() < Duration::from_secs(20), "{}", shell.name());
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(site.log_in(shell), good, "{}", shell.name());
    }
}

/// Nothing is kept that holds: then nothing of ours is there, but a prompt is.
#[test]
fn a_shell_starts_where_nothing_is_kept_and_storage_hangs() {
    for shell in Shell::ALL {
        let site = Site::new(true, true);
        let Some(storage) = site.home.slow_shared() else { return };
        site.install();
        storage.behave(Behaviour::Hang);
        let mut terminals: Vec<_> = (0..3).map(|_| site.open(shell)).collect();
        for terminal in &mut terminals {
            terminal.expect("hpcsh does not answer: it is left out");
            terminal.expect("rc does not answer: it is left out");
            let told = ask(terminal, "echo \"${SITE-none}|${RC_WAS-}|$HPCSH_STORAGE\"; typeset -f | grep -c hpcsh_");
            assert_eq!(told, "none||stale\n0\n", "{}", shell.name());
        }
        assert!(stuck(&site.mark()).len() <= 1, "{:?}", stuck(&site.mark()));
        storage.behave(Behaviour::Answers);
        drop(terminals);
        site.settle();
        let told = site.log_in(shell);
        assert!(told.starts_with("one|hf|1|read||offline\n"), "{told}");
    }
}

/// What a file in place of a link leaves out is told to be left out, and what is there is read as if it were the rc file.
#[test]
fn a_file_in_place_of_a_link_reads_what_it_led_to() {
    for shell in Shell::ALL {
        let site = Site::new(true, true);
        let Some(storage) = site.home.slow_shared() else { return };
        site.install();
        site.log_in(shell);
        let far = storage.behind().join("dot").join(&shell.rc()[1..]);
        let start = |before: &[&str], script: &str| {
            let mut command = shell.interactive(&site.home);
            let mut outcome = run(command.args(before).args(["-c", script]));
            outcome.err = outcome.err.lines().filter(|line| !line.starts_with("bash: ")).collect();
            outcome
        };
        for (text, script, out) in [
            ("x=1\n", "echo $x", "1\n"),
            ("x=1", "echo $x", "1\n"),
            ("", "echo \"$? $SITE\"", "0 one\n"),
            ("return 0\nx=1\n", "echo \"${x-unset}\"", "unset\n"),
            ("f() { echo f; }\nalias g=f; typeset y=2\n", "f; alias g | grep -c f; echo $y", "f\n1\n2\n"),
            ("typeset -f | grep -c hpcsh_rc; echo 9 >&9; :\n", "", "0\n"),
        ] {
            fs::write(&far, text).unwrap();
            for flags in [&[][..], &["-e"], &["-u"], &["-f", "-C"]] {
                if flags.contains(&"-f") && shell == Shell::Zsh {
                    continue;
                }
                let outcome = start(flags, script);
                assert_eq!(
                    (outcome.out.as_str(), outcome.status),
                    (out, 0),
                    "{}: {text} {flags:?} {outcome:?}",
                    shell.name()
                );
            }
        }
        // As a link that leads nowhere.
        fs::remove_file(&far).unwrap();
        let outcome = start(&[], "echo \"$SITE ${HPCSH_STORAGE-}\"");
        assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("one \n", ""), "{}", shell.name());
        // Records are not left behind.
        site.settle();
        // Those of processes that are gone, or none, are nobody's.
        fs::write(&far, "RC_WAS=read\n").unwrap();
        let key = fs::read_dir(site.home.run().join("hpcsh"))
            .unwrap()
            .find_map(|file| Some(file.unwrap().file_name().to_str()?.strip_suffix("-verdict")?.to_owned()));
        for text in ["", "4194999 1\n", "nonsense", &format!("{} 1\n", std::process::id())] {
            for name in [key.as_deref(), Some("rc")].into_iter().flatten() {
                fs::write(site.home.run().join(format!("hpcsh/{name}-reader")), text).unwrap();
            }
            let outcome = start(&[], "echo \"$RC_WAS\"");
            assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("read\n", ""), "{}: {text:?}", shell.name());
        }
    }
}

#[test]
fn the_link_comes_back_and_what_was_added_is_kept() {
    if !has_all() {
        return;
    }
    for shell in shells() {
        let site = Site::new(false, true);
        let home = &site.home;
        let Some(storage) = home.slow_shared() else { return };
        let before = names(home);
        let link = fs::read_link(home.path().join(".zshrc")).unwrap();
        // Without the word it is left as it is, and told.
        let told = installer(home, shell, &site.words(&["--dry-run"]));
        let hint = "install.sh: HOME/.zshrc leads to shared storage: no shell starts while that hangs, unless you say --local-first\n";
        assert!(told.err.contains(hint), "{}", told.err);

        let dry = installer(home, shell, &site.words(&["--local-first", "--dry-run"]));
        assert_eq!(names(home), before);
        let told = installer(home, shell, &site.words(&["--local-first"]));
        assert_eq!(told.status, 0, "{}", told.err);
        for steps in [&dry.err, &told.err] {
            for step in [
                "\n  keep     the link HOME/.zshrc as HOME/.zshrc.before-hpcsh\n  replace  HOME/.zshrc by a file with the line, which \
                 reads HOME/dot-zshrc/zshrc while that answers\n",
                "\n  replace  HOME/.bashrc by a file",
            ] {
                assert!(steps.contains(step), "{steps}");
            }
        }
        assert_eq!(fs::read_link(home.path().join(".zshrc.before-hpcsh")).unwrap(), link);
        for user in Shell::ALL {
            let file = home.path().join(user.rc());
            assert_eq!(run(home.command(user.name()).arg("-n").arg(&file)).clean(), "");
            if has("shellcheck") && user == Shell::Bash {
                let checked = run(home.command("shellcheck").args(["-s", "bash", "-e", "SC1090,SC1091"]).arg(&file));
                assert_eq!(checked.clean(), "");
            }
            let text = fs::read_to_string(&file).unwrap();
            crate::old_shells::assert_old(user.name(), &text);
            let word = shared_word(site.tools.to_str().unwrap(), user.name());
            let guard = format!("hpcsh_rc_answers {word} && ");
            assert!(text.contains(&format!("\n{}\n", local_line(&word, user.name(), &guard))), "{text}");
        }
        let state = snapshot(&home.path());
        for more in [&[][..], &["--local-first"]] {
            let words = [site.words(&[]), more.to_vec()].concat();
            assert_eq!(installer(home, shell, &words).err, NOTHING);
            assert_eq!(snapshot(&home.path()), state);
        }
        // Another program's place changes the line alone.
        let other = home.shared().join("other");
        let moved = installer(home, shell, &["--shared", other.to_str().unwrap(), "--from", PROGRAM, "--rc"]);
        assert!(moved.err.contains("\n  update   HOME/.zshrc, line "), "{}", moved.err);
        assert_eq!(fs::read_link(home.path().join(".zshrc.before-hpcsh")).unwrap(), link);

        // What some other tool has added to it is not lost.
        let mut text = fs::read_to_string(home.path().join(".zshrc")).unwrap();
        text.push_str("# >>> conda >>>\n");
        fs::write(home.path().join(".zshrc"), &text).unwrap();
        let words = ["--uninstall", "--shared", other.to_str().unwrap()];
        let dry = installer(home, shell, &[&words[..], &["--dry-run"]].concat());
        let gone = installer(home, shell, &words);
        assert_eq!(gone.status, 0, "{}", gone.err);
        let kept = "\n  keep     HOME/.zshrc, which was edited, as HOME/.zshrc.edited\n  restore  HOME/.zshrc, the link to dot-zshrc/zshrc\n";
        assert!(dry.err.contains(kept) && gone.err.contains(kept), "{}", gone.err);
        assert!(!gone.err.contains(".bashrc.edited"), "{}", gone.err);
        assert_eq!(fs::read_to_string(home.path().join(".zshrc.edited")).unwrap(), text);
        fs::remove_file(home.path().join(".zshrc.edited")).unwrap();
        assert_eq!(installer(home, shell, &["--uninstall", "--shared", site.tools.to_str().unwrap()]).status, 0);
        let left: Vec<_> = names(home).into_iter().filter(|name| !name.contains("fish")).collect();
        assert_eq!(left, before);
        assert_eq!(fs::read_link(home.path().join(".zshrc")).unwrap(), link);
        drop(storage);
    }
}

/// The line in what the link led to, which other nodes read too, is changed and taken back with it.
#[test]
fn a_line_behind_the_link_is_changed_as_well() {
    for shell in shells() {
        let site = Site::new(false, true);
        let home = &site.home;
        let Some(storage) = home.slow_shared() else { return };
        let far = storage.behind().join("dot/bashrc");
        let old = fs::read_to_string(&far).unwrap();
        assert_eq!(installer(home, shell, &site.words(&["--shell", "bash"])).status, 0);
        assert!(fs::read_to_string(&far).unwrap().contains("\nif [ -x "));
        assert_eq!(installer(home, shell, &site.words(&["--shell", "bash", "--local-first"])).status, 0);
        let text = fs::read_to_string(&far).unwrap();
        let word = shared_word(site.tools.to_str().unwrap(), "bash");
        assert_eq!(text, format!("{old}# >>> hpcsh >>>\n{}\n# <<< hpcsh <<<\n", local_line(&word, "bash", "")));
        assert!(site.log_in(Shell::Bash).starts_with("one|hf|1|read||offline\n"));
        assert_eq!(installer(home, shell, &["--uninstall", "--shared", site.tools.to_str().unwrap()]).status, 0);
        assert_eq!(fs::read_to_string(&far).unwrap(), old);
        assert!(fs::symlink_metadata(home.path().join(".bashrc")).unwrap().is_symlink());
    }
}

/// The whole process group dies at any step; each file is whole, and the next run mends the rest.
#[test]
fn killed_anywhere_the_rc_file_is_the_link_or_whole() {
    for shell in shells() {
        let site = Site::new(false, true);
        let home = &site.home;
        let Some(storage) = home.slow_shared() else { return };
        let shims = home.path().join("shims");
        let counter = shims.join("counter");
        fs::create_dir(&shims).unwrap();
        for tool in ["mktemp", "cp", "mv", "rm", "chmod", "mkdir", "ln", "dd", "cat", "sed"] {
            let real = crate::install::which(tool);
            let text = format!(
                "#!/bin/sh\nread -r n <'{0}'; n=$((n + 1)); echo $n >'{0}'\nif [ $n != \"$KILL_AT\" ]; then exec {1} \"$@\"; fi\n\
                 {1} \"$@\"; kill -KILL 0\n",
                counter.display(),
                real.display()
            );
            fs::write(shims.join(tool), text).unwrap();
            fs::set_permissions(shims.join(tool), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let path = format!("{}:{}", shims.display(), crate::support::path());
        let killed = |words: &[&str], at: u32| {
            fs::write(&counter, "0\n").unwrap();
            let mut command = home.command(shell[0]);
            command.args(&shell[1..]).arg(crate::install::script()).args(words).env("PATH", &path);
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
            run(command.env("KILL_AT", at.to_string())).status == -1
        };
        let calls = || fs::read_to_string(&counter).unwrap().trim().parse::<u32>().unwrap();
        let far = site.tools.to_str().unwrap().to_owned();
        let install = site.words(&["--shell", "zsh", "--local-first"]);
        let uninstall = ["--uninstall", "--shared", &far];
        let place = home.path().join(".zshrc");
        let files = || names(home).into_iter().filter(|name| name.starts_with(".zshrc")).collect::<Vec<_>>();
        let is_link = || fs::read_link(&place).is_ok_and(|link| link == Path::new("dot-zshrc/zshrc"));
        assert_eq!(installer(home, shell, &install).status, 0);
        let whole = fs::read(&place).unwrap();
        let check = |when: &str| assert!(is_link() || fs::read(&place).unwrap() == whole, "{when}");
        let mut all_kills = 0;
        for (words, other, wanted) in [
            (&uninstall[..], &install[..], &[".zshrc"][..]),
            (&install, &uninstall, &[".zshrc", ".zshrc.before-hpcsh"]),
        ] {
            assert!(!killed(&[words, &["--dry-run"]].concat(), 0));
            let mut kills = 0;
            for at in (calls()..).step_by(3) {
                let when = format!("{shell:?} {words:?} {at}");
                let was_killed = killed(words, at);
                check(&when);
                assert_eq!(installer(home, shell, words).status, 0, "{when}");
                assert_eq!(
                    (is_link(), files()),
                    (words == uninstall, wanted.iter().map(|name| (*name).to_owned()).collect()),
                    "{when}"
                );
                if !was_killed {
                    break;
                }
                kills += 1;
                assert_eq!(installer(home, shell, other).status, 0, "{when}");
            }
            all_kills += kills;
            assert_eq!(installer(home, shell, &uninstall).status, 0);
        }
        assert!(all_kills > 0, "{shell:?}: none was killed");
        drop(storage);
    }
}

/// Two lists of the same: what counts as shared.
#[test]
fn the_installer_and_the_program_know_the_same_file_systems() {
    let read = |name: &str| fs::read_to_string(Path::new(crate::support::PROJECT).join(name)).unwrap();
    let source = read("src/host/mounts.rs");
    let table = source.split("const SHARED: &[&str] = &[").nth(1).unwrap().split("];").next().unwrap();
    let known: Vec<&str> = table.split('"').skip(1).step_by(2).collect();
    let script = read("install.sh");
    let cases = script.split("is_on_shared() {").nth(1).unwrap().split("case $type in").nth(1).unwrap();
    let mut listed: Vec<&str> = cases.split("*) return 1").next().unwrap().split([' ', '|', ')', ';', '\n']).collect();
    listed.retain(|word| !word.is_empty() && *word != "fuse.*");
    assert_eq!(listed, known);
}
