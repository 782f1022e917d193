//! Environments entered and left on `cd`: transcripts of real shells on a terminal, and what it costs.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::shells::Shell;
use crate::support::{Home, has, is_root, run, skip};
use crate::terminal::Terminal;

/// An environment in a directory of the home, good enough to be entered.
pub fn environment(home: &Home, project: &str) {
    home.write(&format!("{project}/.venv/pyvenv.cfg"), "home = /usr/bin\n");
    let bin = home.path().join(project).join(".venv/bin");
    fs::create_dir_all(&bin).unwrap();
    symlink("/usr/bin/true", bin.join("python")).unwrap();
}

/// Writes what is active, what was entered unasked, and PATH into a file, in the words of zsh and bash.
const TELL: &str = "printf '%s|%s|%s' \"${VIRTUAL_ENV-}\" \"${HPCSH_ENTERED-}\" \"$PATH\" >~/told";

/// A shell on a terminal that is asked after each line which environment is active.
pub struct Session {
    pub terminal: Terminal,
    home: String,
    tell: &'static str,
}

impl Session {
    fn start(shell: Shell, home: &Home, before: &str, after: &str) -> Self {
        home.write(shell.rc(), format!("PS1='> '\n{before}\n{}{after}\n", shell.line()));
        Self::with(&shell.interactive(home), home)
    }

    fn with(command: &std::process::Command, home: &Home) -> Self {
        Self::telling(command, home, TELL)
    }

    /// One whose shell does what `TELL` does by other words.
    pub fn telling(command: &std::process::Command, home: &Home, tell: &'static str) -> Self {
        let mut terminal = Terminal::start(command);
        terminal.run("true");
        Self { terminal, home: home.path().to_str().unwrap().to_owned(), tell }
    }

    /// Runs the line, and tells which environment is active at the next prompt and whether its directory is in PATH once.
    pub fn active(&mut self, line: &str) -> String {
        self.terminal.run(line);
        self.terminal.run(self.tell);
        let told = fs::read_to_string(format!("{}/told", self.home)).unwrap();
        let told = told.trim_end();
        let (active, rest) = told.split_once('|').unwrap_or_default();
        let (entered, path) = rest.split_once('|').unwrap_or_default();
        let bins: Vec<_> = path.split(':').filter(|dir| dir.ends_with("/.venv/bin")).collect();
        let wanted: Vec<String> = Some(format!("{active}/bin")).filter(|_| !active.is_empty()).into_iter().collect();
        assert_eq!(bins, wanted, "after {line:?}: the directories in PATH");
        assert!(entered.is_empty() || entered == active, "after {line:?}: {entered:?} entered, {active:?} active");
        let by = if active.is_empty() || entered == active { "" } else { " by hand" };
        let name = active.strip_prefix(&self.home).unwrap_or(active);
        format!("{}{by}", name.trim_start_matches('/').trim_end_matches(".venv").trim_end_matches('/'))
    }

    #[track_caller]
    pub fn steps(&mut self, steps: &[(&str, &str)]) {
        for (line, wanted) in steps {
            assert_eq!(self.active(line), *wanted, "after {line:?}");
        }
    }
}

fn home_with_projects() -> Home {
    home_with("odd $(touch pwned) `touch pwned` %n")
}

/// A home with projects: one inside of another, and one of that odd name.
pub fn home_with(odd: &str) -> Home {
    let home = Home::with_article();
    for project in ["one", "two", "one/inner", odd] {
        environment(&home, project);
    }
    for dir in ["one/src/deep", "two/src", "none"] {
        fs::create_dir_all(home.path().join(dir)).unwrap();
    }
    home
}

#[test]
fn projects_are_entered_and_left() {
    for shell in Shell::ALL {
        let home = home_with_projects();
        symlink(home.path().join("one"), home.path().join("link")).unwrap();
        let mut session = Session::start(shell, &home, "", "");
        session.steps(&[
            ("cd one", "one"),
            ("cd src/deep", "one"),
            ("cd ../../inner", "one/inner"),
            ("cd ..", "one"),
            ("cd ~/two/src", "two"),
            ("pushd ~/one >/dev/null", "one"),
            ("popd >/dev/null", "two"),
            ("cd ~/none", ""),
            ("go() { cd ~/one/src; }; go", "one"),
            ("cd ~; echo 'cd ~/two' > s; . ./s", "two"),
            ("cd ~/link", "link"),
            ("cd ~/'odd $(touch pwned) `touch pwned` %n'", "odd $(touch pwned) `touch pwned` %n"),
            ("cd /", ""),
        ]);
        session.terminal.leave();
        assert!(!home.path().join("pwned").exists(), "{}", shell.name());
        assert!(!home.path().join("none/pwned").exists(), "{}", shell.name());
    }
}

#[test]
fn what_is_done_by_hand_stays() {
    for shell in Shell::ALL {
        let home = home_with_projects();
        let mut session = Session::start(shell, &home, "", "");
        session.steps(&[
            // Left by hand: it stays left until the project is left.
            ("cd one", "one"),
            ("deactivate", ""),
            ("cd src", ""),
            ("cd ../inner", "one/inner"),
            ("cd ..", ""),
            ("cd ~", ""),
            ("cd one", "one"),
            ("deactivate; cd ~/two", "two"),
            ("deactivate; cd src", ""),
            // Entered by hand: nobody touches it.
            ("cd ~; act one", "one by hand"),
            ("cd two", "one by hand"),
            ("cd ~", "one by hand"),
            ("deactivate", ""),
            // Entered unasked, then made his.
            ("cd one", "one"),
            ("act", "one by hand"),
            ("cd ~/two", "one by hand"),
            ("deactivate", ""),
            ("cd src", ""),
            ("cd ~/one", "one"),
            ("act ~/two", "two by hand"),
            ("cd ~; deactivate", ""),
            // One from elsewhere, left in a project: that stays left too.
            ("cd one", "one"),
            ("act ~/two", "two by hand"),
            ("deactivate; cd src", ""),
            ("cd ~/two", "two"),
            ("cd ~", ""),
            // By another's means.
            ("cd one", "one"),
            // zsh's clock would see it some seconds later: tests/it/pace.rs.
            ("unset VIRTUAL_ENV; PATH=${PATH#*/.venv/bin:}; [[ -z ${ZSH_VERSION-} ]] || _hpcsh_precmd", ""),
            ("cd src", ""),
            ("cd ~", ""),
            ("cd one", "one"),
            ("hpcsh_off", ""),
            ("cd ~/two", ""),
        ]);
        session.terminal.leave();
    }
}

/// zsh remembers what it takes to go in and out again; what has changed since then counts all the same.
#[test]
fn in_and_out_again_keeps_what_was_changed_meanwhile() {
    for shell in [Shell::Zsh, Shell::Bash] {
        let home = home_with_projects();
        // What has changed in the last seconds is not remembered.
        std::thread::sleep(std::time::Duration::from_millis(3200));
        let mut session = Session::start(shell, &home, "", "");
        let twice = [("cd ~/one", "one"), ("cd ~", ""), ("cd one/src", "one"), ("cd ~", "")];
        let state = |session: &mut Session| {
            session.terminal.run("printf '%s|' \"$PS1\" \"$PATH\" \"${_OLD_VIRTUAL_PATH-none}\" >~/state");
            fs::read_to_string(home.path().join("state")).unwrap()
        };
        let before = state(&mut session);
        assert!(before.ends_with("|none|"), "{before}");
        session.steps(&twice);
        session.steps(&twice);
        assert_eq!(state(&mut session), before, "{}", shell.name());
        // PATH: what is added inside stays, what is added outside is there inside.
        session.steps(&[("cd one", "one"), ("PATH=$PATH:/inside", "one"), ("cd ~", "")]);
        session.steps(&[("PATH=/outside:$PATH", ""), ("cd one", "one"), ("cd ~", "")]);
        let after = state(&mut session);
        let path = before.split('|').nth(1).unwrap();
        assert_eq!(after.split('|').nth(1).unwrap(), format!("/outside:{path}:/inside"), "{}", shell.name());
        // A prompt of another's making stays.
        session.steps(&[("cd one", "one"), ("PS1='> new '", "one"), ("cd ~", ""), ("cd one", "one"), ("cd ~", "")]);
        let prompt = state(&mut session);
        assert!(prompt.contains("> new |") && !prompt.contains("(%9v)"), "{}: {prompt}", shell.name());
        assert!(!prompt.contains("VIRTUAL_ENV_PROMPT"), "{}: {prompt}", shell.name());
        // Another function of that name, and a Python home, as somebody's script leaves them.
        session.steps(&[("unset -f deactivate; PYTHONHOME=/python; export PYTHONHOME", ""), ("cd one", "one")]);
        session.steps(&[("deactivate; [ \"$PYTHONHOME\" = /python ] && unset PYTHONHOME", ""), ("cd ~", "")]);
        session.steps(&[("unset -f deactivate", ""), ("cd one", "one"), ("deactivate", ""), ("cd ~", "")]);
        // Left by hand until its project is left, also from an inner one that is entered and left unasked.
        session.steps(&[("cd one/inner", "one/inner"), ("cd ~", ""), ("cd one", "one"), ("deactivate", "")]);
        session.steps(&[
            ("cd inner", "one/inner"),
            ("cd ..", ""),
            ("cd inner", "one/inner"),
            ("cd ~", ""),
            ("cd one", "one"),
        ]);
        // Straight to another one and back, and one that has changed.
        session.steps(&[
            ("cd ~/two", "two"),
            ("cd ~/one", "one"),
            ("cd ~/two", "two"),
            ("cd ~", ""),
            ("cd two", "two"),
        ]);
        session.steps(&[("cd ~", ""), ("chmod 775 two/.venv/bin", ""), ("cd two", ""), ("cd ~", "")]);
        session.steps(&[("chmod 755 two/.venv/bin", ""), ("cd two", "two"), ("cd ~", "")]);
        home.hpcsh(&["deny", &format!("{}/two", session.home)]);
        session.steps(&[("cd two", ""), ("cd ~", "")]);
        session.terminal.leave();
    }
}

/// From directory to directory without an environment, zsh and bash look no further than they did; what comes into being, or goes
/// away, above is found all the same: in the home, on shared storage, and elsewhere.
#[test]
fn what_comes_into_being_above_is_found() {
    for shell in Shell::ALL {
        let home = Home::with_article();
        let elsewhere = tempfile::tempdir().unwrap();
        let mut session = Session::start(shell, &home, "", "");
        for root in [home.path(), home.shared(), elsewhere.path().to_owned()] {
            let project = root.join("above");
            fs::create_dir_all(project.join("a/b/c/d/e")).unwrap();
            let venv = project.join(".venv");
            let name = project.strip_prefix(home.path()).unwrap_or(&project).to_str().unwrap().trim_start_matches('/');
            session.steps(&[
                (&format!("cd '{}/a'", project.display()), ""),
                ("cd b", ""),
                ("cd c", ""),
                ("cd d/e", ""),
            ]);
            for (line, back) in [("cd ..", "cd e"), ("cd ..", "cd d"), ("cd ..", "cd c"), ("cd ..", "cd b")] {
                fs::create_dir_all(venv.join("bin")).unwrap();
                fs::write(venv.join("pyvenv.cfg"), "home = /usr/bin\n").unwrap();
                symlink("/usr/bin/true", venv.join("bin/python")).unwrap();
                session.steps(&[(line, name), (back, name)]);
                fs::remove_dir_all(&venv).unwrap();
                session.steps(&[("cd ..", "")]);
            }
            session.steps(&[("cd ~", "")]);
        }
        session.terminal.leave();
    }
}

#[test]
fn what_goes_away_is_left() {
    for shell in Shell::ALL {
        let home = home_with_projects();
        let mut session = Session::start(shell, &home, "", "");
        session.steps(&[
            ("cd one", "one"),
            ("mv .venv renamed; cd src", ""),
            ("cd ..", ""),
            ("mv renamed .venv; cd src", "one"),
            ("rm -r ~/one; cd ~", ""),
            ("cd two/src", "two"),
            ("rm -r ~/two", "two"),
            ("cd ~", ""),
            ("mkdir gone; cd gone; rmdir ~/gone; cd .. 2>/dev/null; cd ~", ""),
        ]);
        session.terminal.leave();
    }
}

/// A substitution, a subshell and a completion that change the directory change nothing else.
#[test]
fn elsewhere_a_change_of_directory_changes_nothing() {
    for shell in Shell::ALL {
        let home = home_with_projects();
        let more = if shell == Shell::Zsh { "autoload -Uz compinit; compinit -D -u" } else { "" };
        let mut session = Session::start(shell, &home, more, "");
        session.steps(&[
            ("x=$(cd one; echo $VIRTUAL_ENV); echo \"[$x]\" >~/out", ""),
            ("(cd one; echo \"[$VIRTUAL_ENV]\" >>~/out)", ""),
            ("cd none", ""),
        ]);
        assert_eq!(fs::read_to_string(home.path().join("out")).unwrap(), "[]\n[]\n");
        session.terminal.send("cd ../\t\t");
        std::thread::sleep(std::time::Duration::from_millis(300));
        session.terminal.send("\u{15}");
        session.steps(&[(":", "")]);
        session.terminal.leave();
    }
}

/// A shell that starts in a project enters it at its first prompt; one that inherits an environment can leave it.
#[test]
fn a_shell_that_starts_in_a_project_enters_it() {
    for shell in Shell::ALL {
        let home = home_with_projects();
        drop(Session::start(shell, &home, "", ""));
        let mut command = shell.interactive(&home);
        let mut session = Session::with(command.current_dir(home.path().join("one/src")), &home);
        session.steps(&[(":", "one")]);
        // As a pane of tmux: the rc file puts its directories in front, which is mended at the first prompt.
        let mut inner = shell.interactive(&home);
        inner
            .current_dir(home.path().join("one/src"))
            .env("VIRTUAL_ENV", home.path().join("one/.venv"))
            .env("HPCSH_ENTERED", home.path().join("one/.venv"))
            .env("PATH", format!("/opt:{}/one/.venv/bin:{}", home.path().display(), crate::support::path()));
        let mut nested = Session::with(&inner, &home);
        nested.steps(&[(":", "one")]);
        assert!(nested.terminal.run("echo \"[${PATH%%:*}]\"").contains("/one/.venv/bin]"), "{}", shell.name());
        nested.steps(&[("cd ~/two", "two"), ("cd ~", "")]);
        // One that was entered by hand outside stays.
        inner.env_remove("HPCSH_ENTERED").env("PWD", home.path());
        let mut nested = Session::with(&inner, &home);
        nested.steps(&[(":", "one by hand"), ("cd ~/two", "one by hand"), ("deactivate", ""), ("cd src", "")]);
    }
}

#[test]
fn it_is_off_where_the_configuration_says_so() {
    for shell in Shell::ALL {
        let home = home_with_projects();
        home.configure("[venv]\nauto = false\n");
        let mut session = Session::start(shell, &home, "", "");
        session.steps(&[("cd one", ""), ("act", "one by hand"), ("cd ~", "one by hand")]);
        let left = session.terminal.run("typeset -f _hpcsh_walk >/dev/null || echo nothing");
        assert!(left.contains("nothing"), "{}: {left}", shell.name());
        session.terminal.leave();
    }
}

/// Told once to a shell, with the command; entered when that has run; a change takes it back.
#[test]
fn an_untrusted_one_is_told_once_and_entered_when_it_is_allowed() {
    for shell in Shell::ALL {
        let home = home_with_projects();
        let open =
            |mode| fs::set_permissions(home.path().join("one/.venv/bin"), fs::Permissions::from_mode(mode)).unwrap();
        open(0o775);
        let mut session = Session::start(shell, &home, "", "");
        let told = session.terminal.run("cd one") + &session.terminal.run(":");
        let line = format!(
            "hpcsh: {0}/one/.venv is not entered: it can be written by others (its bin); `hpcsh allow {0}/one/.venv` allows it",
            session.home
        );
        assert!(told.contains(&line), "{}: {told}", shell.name());
        session.steps(&[(":", "")]);
        let again = session.terminal.run("cd ~; cd one; cd src; cd ..") + &session.terminal.run(":");
        assert!(!again.contains("not entered"), "{}: told twice: {again}", shell.name());
        home.hpcsh(&["allow", session.home.clone().as_str(), "--dry-run"]);
        let allowed = home.hpcsh(&["allow", &format!("{}/one", session.home)]);
        assert_eq!(allowed.err, format!("{}/one/.venv is entered at the next visit\n", session.home));
        session.steps(&[("cd ~", ""), ("cd one", "one"), ("cd ~", "")]);
        home.write("one/.venv/pyvenv.cfg", "home = /usr/bin\nprompt = other\n");
        session.steps(&[("cd one", ""), ("cd ~", "")]);
        open(0o755);
        session.steps(&[("cd one", "one"), ("cd ~", "")]);
        home.hpcsh(&["deny", &format!("{}/one", session.home)]);
        session.steps(&[("cd one", ""), ("cd ~", ""), ("act one", "one by hand")]);
    }
}

/// Another user's, one behind a symlink, one swapped by `mv` with its old time.
#[test]
fn others_environments_are_not_entered() {
    if !is_root() {
        return skip("another user's environments: not root");
    }
    for home in [Some(Home::with_article()), Home::of_nobody()].into_iter().flatten() {
        for project in ["theirs", "mine", "python", "swapped", "new"] {
            environment(&home, project);
        }
        let path = home.path();
        let own = |name: &str, id: u32| {
            assert_eq!(run(home.command("true").arg("x")).status, 0);
            let all = std::process::Command::new("chown")
                .args(["-R", "-h", &format!("{id}:{id}")])
                .arg(path.join(name))
                .status();
            assert!(all.unwrap().success());
        };
        let me = fs::metadata(&path).map(|found| std::os::unix::fs::MetadataExt::uid(&found)).unwrap();
        for name in ["mine", "python", "swapped", "new"] {
            own(name, me);
        }
        own("theirs", 4242);
        symlink(path.join("theirs"), path.join("linked")).unwrap();
        fs::create_dir(path.join("pointing")).unwrap();
        symlink(path.join("theirs/.venv"), path.join("pointing/.venv")).unwrap();
        // Mine but for the program that its bin/python leads to.
        fs::copy("/usr/bin/true", path.join("program")).unwrap();
        own("program", 4242);
        fs::remove_file(path.join("python/.venv/bin/python")).unwrap();
        symlink(path.join("program"), path.join("python/.venv/bin/python")).unwrap();
        for shell in Shell::ALL {
            home.write(shell.rc(), format!("PS1='> '\n{}\n", shell.line()));
            // A terminal's child is ours until it says otherwise.
            let inner = shell.interactive(&home);
            let mut command = home.command("setpriv");
            command.args([format!("--reuid={me}"), format!("--regid={me}"), "--clear-groups".to_owned()]);
            command.arg(inner.get_program()).args(inner.get_args());
            let mut session = Session::with(&command, &home);
            for name in ["theirs", "linked", "pointing", "python"] {
                session.steps(&[(&format!("cd ~/{name}"), ""), ("cd ~", "")]);
            }
            session.steps(&[("cd mine", "mine"), ("cd ~", ""), ("cd swapped", "swapped"), ("cd ~", "")]);
            // Swapped for another's, with the old times.
            let venv = path.join("swapped/.venv");
            let theirs = path.join("theirs/.venv");
            let exchange = |from: &std::path::Path, to: &std::path::Path| {
                assert!(std::process::Command::new("touch").arg("-r").arg(to).arg(from).status().unwrap().success());
                fs::rename(to, path.join("aside")).unwrap();
                fs::rename(from, to).unwrap();
                fs::rename(path.join("aside"), from).unwrap();
            };
            exchange(&theirs, &venv);
            session.steps(&[("cd swapped", ""), ("cd ~", "")]);
            exchange(&theirs, &venv);
            session.steps(&[("cd swapped", "swapped"), ("cd ~", "")]);
        }
    }
}

/// What was allowed is entered natively or not at all, whatever it has become; a stranger's symlink on the way is refused.
#[test]
fn nothing_of_an_environment_runs() {
    for shell in Shell::ALL {
        let home = home_with_projects();
        assert_eq!(home.hpcsh(&["allow", &format!("{}/one", home.path().display())]).status, 0);
        home.write("one/.venv/conda-meta/history", "");
        home.write("one/.venv/bin/activate", "touch ~/pwned\n");
        home.write("two/.venv/bin/activate", "touch ~/pwned\n");
        let mut session = Session::start(shell, &home, "", "");
        session.steps(&[("cd one", "one"), ("cd ~/two", "two"), ("cd ~", "")]);
        session.terminal.leave();
        assert!(!home.path().join("pwned").exists(), "{}", shell.name());
        if !is_root() {
            skip("a stranger's symlink: not root");
            continue;
        }
        let link = home.path().join("theirs");
        symlink(home.path().join("one"), &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(4242), Some(4242)).unwrap();
        let mut session = Session::start(shell, &home, "", "");
        session.steps(&[("cd theirs", ""), ("cd ~", ""), ("cd one", "one")]);
    }
}

/// By hand, in ways that are easily forgotten.
#[test]
fn by_hand_is_by_hand() {
    for shell in Shell::ALL {
        let home = home_with_projects();
        home.write("one/.venv/bin/activate", format!("deactivate nondestructive 2>/dev/null\nVIRTUAL_ENV={0}/one/.venv; export VIRTUAL_ENV\nPATH=$VIRTUAL_ENV/bin:$PATH\n", home.path().display()));
        let mut session = Session::start(shell, &home, "", "");
        session.steps(&[
            // Left one inside of the other.
            ("cd one", "one"),
            ("deactivate", ""),
            ("cd inner", "one/inner"),
            ("deactivate", ""),
            ("cd ..", ""),
            // The rc file once more.
            (&format!(". ~/{}", shell.rc()), ""),
            (":", ""),
            ("cd ~", ""),
            // Its own script, over what was entered unasked.
            ("cd one", "one"),
            (". .venv/bin/activate", "one by hand"),
            ("cd ~", "one by hand"),
            ("deactivate", ""),
        ]);
        session.terminal.leave();
    }
}

/// What an outer shell has entered is judged again, and nothing of it is left behind where it is not entered.
#[test]
fn what_is_inherited_is_judged_again() {
    for shell in Shell::ALL {
        let home = home_with_projects();
        drop(Session::start(shell, &home, "", ""));
        let venv = home.path().join("one/.venv");
        let mut command = shell.interactive(&home);
        command.env("PATH", format!("{}/bin:{}", venv.display(), crate::support::path())).env("HPCSH_ENTERED", &venv);
        Session::with(&command, &home).steps(&[(":", "")]);
        fs::set_permissions(venv.join("bin"), fs::Permissions::from_mode(0o777)).unwrap();
        Session::with(command.env("VIRTUAL_ENV", &venv), &home).steps(&[(":", ""), ("cd one", "")]);
    }
}

/// A name drives no terminal, and `set -e` ends no shell that it would not end without us.
#[test]
fn a_hostile_name_and_strict_options_do_no_harm() {
    for shell in Shell::ALL {
        let home = home_with_projects();
        let python = home.path().join("one/.venv/bin/python");
        fs::remove_file(&python).unwrap();
        symlink("/no/\u{1b}]0;PWNED\u{7}\n\rhpcsh: run this", &python).unwrap();
        let mut session = Session::start(shell, &home, "", "");
        let told = session.terminal.run("cd one") + &session.terminal.run(":");
        assert!(told.contains(r"leads to /no/\u{1b}]0;PWNED\u{7}\n\rhpcsh: run this"), "{}: {told:?}", shell.name());
        let alive = session.terminal.run("set -e; ! true");
        assert!(alive.is_empty() || !alive.contains("exit"), "{alive}");
        assert!(session.terminal.run("set +e; echo alive").contains("alive"), "{}", shell.name());
    }
}

/// For root every file on shared storage may be root's: a FUSE mount is shared storage, whoever owns its files.
#[test]
fn root_enters_nothing_unasked_on_a_fuse_mount() {
    if !is_root() || !has("bindfs") || !std::path::Path::new("/dev/fuse").exists() {
        return skip("a FUSE mount: not root, or no bindfs, or no /dev/fuse");
    }
    let home = Home::with_article();
    environment(&home, "behind/one");
    let mount = home.path().join("mount");
    fs::create_dir(&mount).unwrap();
    if run(home.command("bindfs").arg(home.path().join("behind")).arg(&mount)).status != 0 {
        return skip("a FUSE mount: bindfs may not mount");
    }
    let told: Vec<_> = Shell::ALL
        .into_iter()
        .map(|shell| {
            let mut session = Session::start(shell, &home, "", "");
            let before = session.active("cd mount/one");
            let shown = mount.join("one/.venv").display().to_string();
            let words = home.hpcsh(&["allow", &shown]).err;
            session.active("cd ~");
            let allowed = session.active("cd mount/one");
            home.hpcsh(&["trust", "--forget", &shown]);
            home.configure(&format!("[venv]\ntrusted_roots = [\"{}\"]\n", mount.display()));
            session.active("cd ~");
            let rooted = session.active("cd mount/one");
            home.configure(crate::support::ARTICLE);
            session.active("cd ~");
            (before, words.contains("at the next visit"), allowed, rooted)
        })
        .collect();
    run(home.command("umount").arg("--lazy").arg(&mount));
    let entered = "mount/one".to_owned();
    let wanted = (String::new(), true, entered.clone(), entered);
    assert_eq!(told, [wanted.clone(), wanted]);
}

/// direnv, zoxide and a `cd` that is a function as its is (that of Debian's zoxide calls itself in zsh), conda's base and a prompt of Powerlevel10k's shape, before and after the line.
#[test]
fn others_hooks_beside_it_lose_nothing() {
    for shell in Shell::ALL {
        let mut others = vec![
            "export CONDA_PREFIX=/opt/conda CONDA_DEFAULT_ENV=base".to_owned(),
            match shell {
                Shell::Zsh => "p10k_precmd() { PROMPT=\"${VIRTUAL_ENV:+v} > \"; }; precmd_functions=(p10k_precmd $precmd_functions)".to_owned(),
                Shell::Bash => "PROMPT_COMMAND=\"history -a; ${PROMPT_COMMAND-}\"; PROMPT_COMMAND=${PROMPT_COMMAND%; }".to_owned(),
            },
        ];
        for (program, line) in [
            ("direnv", format!("eval \"$(direnv hook {})\"", shell.name())),
            ("zoxide", format!("eval \"$(zoxide init {})\"; cd() {{ \\builtin cd \"$@\"; }}", shell.name())),
        ] {
            if has(program) {
                others.push(line);
            } else {
                skip(&format!("{program} beside it: not installed"));
            }
        }
        for other in others {
            for is_before in [true, false] {
                let home = home_with_projects();
                let (before, after) = if is_before { (other.as_str(), "") } else { ("", other.as_str()) };
                let mut session = Session::start(shell, &home, before, after);
                eprintln!("{} with {other}, {}", shell.name(), if is_before { "before" } else { "after" });
                session.steps(&[
                    ("cd one/src", "one"),
                    ("cd ~/two", "two"),
                    ("deactivate", ""),
                    ("cd ~", ""),
                    ("act one", "one by hand"),
                    ("cd two", "one by hand"),
                    ("deactivate", ""),
                    ("cd ~", ""),
                ]);
                session.terminal.leave();
            }
        }
        if has("direnv") {
            // A project's own way is the user's: nothing is entered beside it.
            let home = home_with_projects();
            let rc = "export VIRTUAL_ENV=$HOME/two/.venv; PATH_add two/.venv/bin\n";
            home.write("none/.envrc", rc.replace("two/.venv/bin", "../two/.venv/bin"));
            assert_eq!(run(home.command("direnv").args(["allow", "none"])).status, 0);
            let mut session = Session::start(
                shell,
                &home,
                "export DIRENV_LOG_FORMAT=; eval \"$(direnv hook SHELL)\"".replace("SHELL", shell.name()).as_str(),
                "",
            );
            session.steps(&[("cd one", "one"), ("cd ~", "")]);
            let told =
                session.terminal.run("cd none") + &session.terminal.run("echo \"[$VIRTUAL_ENV|$HPCSH_ENTERED]\"");
            assert!(told.contains("/two/.venv|]"), "{}: {told}", shell.name());
            session.steps(&[("cd ~", ""), ("cd one", "one")]);
        }
    }
}
