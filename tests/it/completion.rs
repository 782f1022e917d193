//! TAB behind our words, pressed in a real terminal; and the texts that `hpcsh completions` and `hpcsh man` print.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::shells::Shell;
use crate::support::{Home, PROJECT, has, run, skip};
use crate::terminal::Terminal;

/// The committed file of each shell; rewritten by `HPCSH_TESTS_UPDATE=1 cargo test --test it completion`.
const FILES: [(&str, &str); 3] = [("zsh", "_hpcsh"), ("bash", "hpcsh.bash"), ("fish", "hpcsh.fish")];

fn committed(name: &str) -> PathBuf {
    Path::new(PROJECT).join("completions").join(name)
}

#[test]
fn the_committed_files_are_what_the_program_prints() {
    for (shell, name) in FILES {
        let told = Home::new().hpcsh(&["completions", shell]).clean();
        if std::env::var_os("HPCSH_TESTS_UPDATE").is_some() {
            fs::write(committed(name), &told).unwrap();
        }
        let kept = fs::read_to_string(committed(name)).unwrap_or_default();
        assert!(kept == told, "completions/{name} is stale: HPCSH_TESTS_UPDATE=1 cargo test --test it completion");
        assert!(!told.contains("part"), "the hidden --part is completed:\n{told}");
    }
}

/// Each by the shell itself, as it lies.
#[test]
fn each_shell_reads_its_file() {
    for (shell, name) in FILES {
        if shell == "fish" && !has("fish") {
            skip("fish is not installed");
            continue;
        }
        assert_eq!(run(Home::new().command(shell).arg("-n").arg(committed(name))).clean(), "", "{name}");
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let home = Home::new();
    let printed = home.hpcsh(&["man"]).clean();
    assert!(printed.contains(".SH NAME\nhpcsh \\- Makes") && !printed.contains("part"), "{printed}");
    let dir = home.path().join("share/man");
    let write = || assert_eq!(home.hpcsh(&["man", "--dir", dir.to_str().unwrap()]).clean(), "");
    write();
    assert_eq!(fs::read_to_string(dir.join("hpcsh.1")).unwrap(), printed);
    let count = || fs::read_dir(&dir).unwrap().count();
    let (pages, commands) = (count(), printed.matches("\nhpcsh\\-").count());
    // Those of hpcsh, hpcsh itself, and those below some.
    assert!(commands >= 6 && pages > commands + 1, "{pages} pages for {commands} commands");
    let below = fs::read_to_string(dir.join("hpcsh-config-init.1")).unwrap();
    assert!(below.contains("shared\\-home"), "{below}");
    // What was changed is written anew, and nothing is left beside it.
    fs::write(dir.join("hpcsh.1"), "old").unwrap();
    write();
    assert_eq!((fs::read_to_string(dir.join("hpcsh.1")).unwrap(), count()), (printed, pages));
    home.write("file", "");
    let outcome = home.hpcsh(&["man", "--dir", "file"]);
    assert!(outcome.status == 1 && outcome.err.starts_with("error: file"), "{outcome:?}");
}

/// A shell at its first prompt, with a key that tells what stands on its line.
struct Line<'a> {
    terminal: Terminal,
    home: &'a Home,
    told: usize,
}

impl<'a> Line<'a> {
    /// `rc` has the line in it, as LINE.
    fn new(shell: Shell, home: &'a Home, rc: &str) -> Self {
        let tell = match shell {
            Shell::Zsh => {
                "tell() { print -rn -- \"$BUFFER\"$'\\0' >>~/told; BUFFER=; }; zle -N tell; bindkey '^X^T' tell"
            }
            Shell::Bash => {
                "tell() { printf '%s\\0' \"$READLINE_LINE\" >>~/told; READLINE_LINE=; }; bind -x '\"\\C-x\\C-t\": tell'"
            }
        };
        home.write("told", "");
        home.write(shell.rc(), format!("PS1='ready> '\n{tell}\n{}\n", rc.replace("LINE", &shell.line())));
        let mut terminal = Terminal::start(&shell.interactive(home));
        terminal.expect("ready> ");
        Self { terminal, home, told: 0 }
    }

    /// What a TAB makes of what is typed; the line is empty again.
    #[track_caller]
    fn tab(&mut self, typed: &str) -> String {
        self.terminal.send(&format!("{typed}\t\x18\x14"));
        let start = Instant::now();
        loop {
            let told = fs::read_to_string(self.home.path().join("told")).unwrap();
            let lines: Vec<&str> = told.split_terminator('\0').collect();
            if lines.len() > self.told && told.ends_with('\0') {
                self.told += 1;
                return lines[self.told - 1].to_owned();
            }
            assert!(start.elapsed() < Duration::from_secs(20), "nothing came of a TAB behind {typed:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn run(&mut self, line: &str) -> String {
        // What a TAB has drawn last comes up with the first line.
        self.terminal.run("true");
        self.terminal.run(line)
    }
}

const COMPINIT: &str = "autoload -Uz compinit; compinit -u -D";

/// A home with environments under names of all kinds.
fn home() -> Home {
    let home = Home::with_article();
    for name in ["project", "pro blank", "x$(touch pwned)x", "it's q\"", "new\nline", "team/deep", "-dash"] {
        home.write(&format!("{name}/.venv/pyvenv.cfg"), "home = /usr/bin\n");
    }
    home.write("conda/conda-meta/history", "");
    home.write("itself/pyvenv.cfg", "");
    home.write("prompts/readme", "");
    for name in ["models--org--tiny", "models--other--model", "datasets--org--data"] {
        fs::create_dir_all(home.shared().join("cache/hf/hub").join(name)).unwrap();
    }
    home.write("projector", "no directory");
    home
}

#[test]
fn tab_completes_commands_and_environments() {
    let bash = ["LINE", "set -u\nLINE", "set -o posix\nLINE", "IFS=:\nLINE", "shopt -s failglob nullglob\nLINE"]
        .map(str::to_owned);
    let zsh = [
        format!("{COMPINIT}\nLINE"),
        format!("LINE\n{COMPINIT}"),
        format!("{COMPINIT}\nLINE\nsetopt ksh_arrays"),
        format!("set -u\n{COMPINIT}\nLINE"),
        format!("{COMPINIT}\nLINE\nsetopt sh_word_split glob_subst no_unset\nIFS=:"),
        format!("{COMPINIT}\nLINE\nalias -g shell=nothing SHELL=nothing; alias local='echo local'"),
        // As managers of plugins have it that put things off until the first prompt is there.
        "LINE # late".to_owned(),
    ];
    // Another build of zsh than the installed one reads the installed one's functions of completion.
    let zsh = if std::env::var_os("HPCSH_TESTS_ZSH").is_some() { &zsh[..0] } else { &zsh[..] };
    for (shell, rc) in zsh.iter().map(|rc| (Shell::Zsh, rc)).chain(bash.iter().map(|rc| (Shell::Bash, rc))) {
        let home = home();
        let mut line = Line::new(shell, &home, rc);
        if rc.contains("late") {
            line.terminal.run(COMPINIT);
        }
        let before = line.run("echo \"$PWD $- ${VIRTUAL_ENV-none}\"");
        for _ in 0..2 {
            for (typed, wanted) in [
                ("hpcsh con", "hpcsh config "),
                ("hpcsh config sh", "hpcsh config show "),
                ("hpcsh init zsh --pa", "hpcsh init zsh --pa"),
                ("act proj", "act project/"),
                ("act team/", "act team/deep/"),
                // No environment begins so: it may be on the way to one.
                ("act te", "act team/"),
                ("act prom", "act prompts/"),
                ("act its", "act itself/"),
                ("act con", "act conda/"),
                ("act ./-d", "act ./-dash/"),
                ("act ~/proj", "act ~/project/"),
                ("act pro\\ ", "act pro\\ blank/"),
                ("act x", "act x\\$\\(touch\\ pwned\\)x/"),
                ("act nowhere", "act nowhere"),
                ("mdcd prom", "mdcd prompts/"),
                ("cdr te", "cdr team/"),
                ("hpcsh hf ch", "hpcsh hf check "),
                ("hpcsh hf path org/t", "hpcsh hf path org/tiny "),
                ("hpcsh hf check org/tiny data", "hpcsh hf check org/tiny datasets/org/data "),
            ] {
                assert_eq!(line.tab(typed), wanted, "{} {typed:?} under {rc}", shell.name());
            }
            let waiting = line.tab("waitvllm --ti");
            assert_eq!(waiting.trim_end_matches(['=', ' ']), "waitvllm --timeout", "{} under {rc}", shell.name());
            assert_eq!(
                line.tab("act ne").replace('\'', "").replace("$\\n", "\n").trim_end_matches('/'),
                "act new\nline"
            );
        }
        // A TAB has changed nothing.
        assert_eq!(line.run("echo \"$PWD $- ${VIRTUAL_ENV-none}\""), before, "{} under {rc}", shell.name());
        assert!(!home.path().join("pwned").exists());
        line.terminal.leave();
    }
}

/// The parts that TAB takes come from the program each; where it has gone, a TAB does nothing and says nothing.
#[test]
fn tab_works_without_a_local_directory_and_is_silent_without_the_program() {
    for (shell, rc) in [(Shell::Zsh, format!("{COMPINIT}\nLINE")), (Shell::Bash, "LINE".to_owned())] {
        let home = home();
        home.configure("local_dir = \"/dev/null/none\"\n[shell]\nls = false\n");
        let mut line = Line::new(shell, &home, &rc);
        assert_eq!(line.tab("hpcsh con"), "hpcsh config ", "{}", shell.name());
        assert_eq!(line.tab("act proj"), "act project/", "{}", shell.name());
        line.terminal.leave();

        let found = "command_not_found_handler() { touch ~/asked; }; command_not_found_handle() { touch ~/asked; }";
        let mut line = Line::new(shell, &home, &format!("{rc}\n_hpcsh_copy=/nowhere\n{found}"));
        line.run("_hpcsh_program=/nowhere/hpcsh");
        assert_eq!(line.tab("hpcsh con"), "hpcsh con", "{}", shell.name());
        assert!(!line.run("true").contains("nowhere"), "{}", shell.name());
        assert!(!home.path().join("asked").exists(), "{}", shell.name());
        line.terminal.leave();
    }
}

/// Somebody else's `act` may have been completed before: that comes back, and ours goes.
#[test]
fn off_takes_the_completions_back() {
    for (shell, rc, show) in [
        (
            Shell::Zsh,
            format!("{COMPINIT}\n_mine() {{ compadd mine; }}; compdef _mine act\nLINE"),
            "print -r -- ${_comps[hpcsh]-none} ${_comps[act]-none} ${_comps[mdcd]-none}",
        ),
        (
            Shell::Bash,
            "_mine() { COMPREPLY=(mine); }; complete -o nospace -F _mine act\nLINE".to_owned(),
            "complete -p hpcsh act mdcd 2>/dev/null",
        ),
    ] {
        // Whether a TAB has come by or not.
        for pressed in [false, true] {
            let home = home();
            let mut line = Line::new(shell, &home, &rc);
            if pressed {
                assert_eq!(line.tab("hpcsh con"), "hpcsh config ", "{}", shell.name());
                assert_eq!(line.tab("act proj"), "act project/", "{}", shell.name());
            }
            line.run("hpcsh_off");
            assert_eq!(line.tab("act m").trim_end(), "act mine", "{}", shell.name());
            let left = line.run(show);
            let wanted = match shell {
                Shell::Zsh => "none _mine none\n",
                Shell::Bash => "complete -o nospace -F _mine act\n",
            };
            assert!(left.ends_with(wanted), "{}: {left}", shell.name());
            assert!(!line.run("typeset -f; typeset").contains("_hpcsh"), "{}: something stays", shell.name());
            line.terminal.leave();
        }
    }
}

/// A page is what `man` can read.
#[test]
fn groff_finds_nothing_in_the_pages() {
    if !has("groff") {
        skip("groff is not installed");
        return;
    }
    let home = Home::new();
    home.hpcsh(&["man", "--dir", "man"]).clean();
    for page in fs::read_dir(home.path().join("man")).unwrap() {
        let page = page.unwrap().path();
        let mut command = Command::new("groff");
        command.args(["-k", "-ww", "-man", "-Tutf8"]).arg(&page);
        assert_eq!(run(&mut command).err, "", "{}", page.display());
    }
}
