//! `install.sh`: in empty and odd homes, killed half-way, twice, taken back, and tried.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Home, Outcome, PROGRAM, PROJECT, has, is_root, run, skip};

/// The shells that the installer runs in.
const SHELLS: &[&[&str]] = &[&["dash"], &["busybox", "sh"]];

pub const NOTHING: &str = "install.sh: everything is in place: nothing changed\n";
pub const DONE: &str = "install.sh: done\n";
const NEXT: &str = "install.sh: open a new shell; begin a configuration with: HOME/.local/bin/hpcsh config init\n";

/// The shells of `SHELLS` that are installed here.
pub fn shells() -> impl Iterator<Item = &'static [&'static str]> {
    SHELLS.iter().copied().filter(|shell| {
        let found = has(shell[0]);
        if !found {
            skip(&format!("{} is not installed", shell[0]));
        }
        found
    })
}

/// Whether all shells that have rc files are here.
pub fn has_all() -> bool {
    let all = ["zsh", "bash", "fish"].into_iter().all(has);
    if !all {
        skip("zsh, bash and fish are not all installed");
    }
    all
}

/// Where a program lies.
pub fn which(program: &str) -> PathBuf {
    std::env::split_paths(&crate::support::path()).map(|dir| dir.join(program)).find(|path| path.is_file()).unwrap()
}

pub fn script() -> PathBuf {
    Path::new(PROJECT).join("install.sh")
}

/// The installer under this shell, in its own session: an interactive shell in it must not take the tests' terminal.
pub fn command(home: &Home, shell: &[&str], words: &[&str]) -> Command {
    let mut command = home.command("setsid");
    command.args(shell).arg(script()).args(words);
    command
}

/// What came of a run, with the home called HOME, and without what other tests may have left in /var/tmp.
pub fn outcome(home: &Home, command: &mut Command) -> Outcome {
    let outcome = run(command);
    let told = outcome.err.replace(home.path().to_str().unwrap(), "HOME");
    let told = told.lines().filter(|line| !line.starts_with("install.sh: left alone: /var/tmp/hpcsh-"));
    Outcome { err: told.fold(String::new(), |all, line| all + line + "\n"), ..outcome }
}

/// A program that is quickly copied and passes for ours, where what it is does not matter.
pub fn small(home: &Home) -> String {
    let given = home.shared().join("hpcsh");
    fs::write(&given, "#!/bin/sh\n# _hpcsh_\n").unwrap();
    fs::set_permissions(&given, fs::Permissions::from_mode(0o755)).unwrap();
    given.into_os_string().into_string().unwrap()
}

pub fn installer(home: &Home, shell: &[&str], words: &[&str]) -> Outcome {
    outcome(home, &mut command(home, shell, words))
}

pub fn silent(err: impl Into<String>) -> Outcome {
    Outcome { out: String::new(), err: err.into(), status: 0 }
}

pub fn refused(status: i32, err: &str) -> Outcome {
    Outcome { out: String::new(), err: err.into(), status }
}

/// Everything below a directory: mode, time of change, and content; a link's content is what it leads to.
pub fn snapshot(dir: &Path) -> BTreeMap<PathBuf, (u32, i64, Vec<u8>)> {
    let mut all = BTreeMap::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let found = fs::symlink_metadata(&path).unwrap();
            let bytes = if found.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if found.is_dir() {
                dirs.push(path.clone());
                Vec::new()
            } else {
                fs::read(&path).unwrap_or_default()
            };
            all.insert(path, (found.mode(), found.mtime() * 1_000_000_000 + found.mtime_nsec(), bytes));
        }
    }
    all
}

/// The names of all that lies in the home, directories with a slash.
pub fn names(home: &Home) -> Vec<String> {
    let root = home.path();
    snapshot(&root)
        .into_iter()
        .map(|(path, (mode, ..))| {
            let slash = if mode & 0o170_000 == 0o040_000 { "/" } else { "" };
            format!("{}{slash}", path.strip_prefix(&root).unwrap().display())
        })
        .collect()
}

pub fn block(note: &str, program: &str, shell: &str) -> String {
    format!("# >>> hpcsh >>>{note}\n{}\n# <<< hpcsh <<<\n", line(program, shell))
}

pub fn line(program: &str, shell: &str) -> String {
    match shell {
        "fish" => format!(
            "begin; set -l _hpcsh_file {program}; if test -x \"$_hpcsh_file\"; $_hpcsh_file init fish | source; end; end"
        ),
        _ => format!("if [ -x {program} ]; then eval \"$({program} init {shell})\"; fi"),
    }
}

/// The program of a shared installation in this directory, as a word of the shell's, which finds its own machine.
pub fn shared_word(dir: &str, shell: &str) -> String {
    match shell {
        "zsh" => format!("'{}/bin/'\"$CPUTYPE\"/hpcsh", dir.replace('\'', "'\\''")),
        "bash" => format!("'{}/bin/'\"${{BASH_VERSINFO[5]%%-*}}\"/hpcsh", dir.replace('\'', "'\\''")),
        _ => format!("'{}/bin/'(uname -m)/hpcsh", dir.replace('\\', "\\\\").replace('\'', "\\'")),
    }
}

/// The rc file of a shell, in the home.
pub fn rc(shell: &str) -> &'static str {
    match shell {
        "zsh" => ".zshrc",
        "bash" => ".bashrc",
        _ => ".config/fish/config.fish",
    }
}

/// The installed program as a word of a shell.
fn word(home: &Home) -> String {
    format!("'{}/.local/bin/hpcsh'", home.path().display())
}

/// What is said where no file leads a login shell of bash to the line.
pub const LOGIN_BASH: &str = "\
install.sh: a login bash reads ~/.bash_profile or ~/.profile, and neither is there
hint: let one of them say: [ ! -f ~/.bashrc ] || . ~/.bashrc
";
const INSTALL: &[&str] = &["--from", PROGRAM, "--rc"];

#[test]
fn an_empty_home_gets_the_program_and_the_line_and_loses_them_again() {
    let homes: [fn() -> Option<Home>; 2] = [|| Some(Home::new()), Home::of_nobody];
    if !has_all() {
        return;
    }
    for shell in shells() {
        for make in homes {
            let Some(home) = make() else {
                skip("not root: no other user to be");
                continue;
            };
            let word = word(&home);
            let plan = format!(
                "  write    HOME/.local/bin/hpcsh\n{}{LOGIN_BASH}",
                ["zsh", "bash", "fish"]
                    .map(|shell| {
                        format!(
                            "  make     HOME/{} with the line: {}\n",
                            rc(shell),
                            line("'HOME/.local/bin/hpcsh'", shell)
                        )
                    })
                    .concat()
            );
            let planned = format!("install.sh: this would be done (nothing is changed now):\n{plan}");
            let dry = installer(&home, shell, &[INSTALL, &["--dry-run"]].concat());
            assert_eq!((dry, names(&home)), (silent(planned), Vec::new()));

            let told = format!("install.sh: this is done now:\n{plan}{DONE}{NEXT}");
            assert_eq!(installer(&home, shell, INSTALL), silent(told));
            let program = home.path().join(".local/bin/hpcsh");
            let all = [
                ".bashrc",
                ".config/",
                ".config/fish/",
                ".config/fish/config.fish",
                ".local/",
                ".local/bin/",
                ".local/bin/hpcsh",
                ".zshrc",
            ];
            assert_eq!(names(&home), all);
            assert!(fs::read(&program).unwrap() == fs::read(PROGRAM).unwrap(), "the program is not the one given");
            assert_eq!(fs::metadata(&program).unwrap().mode() & 0o7777, 0o755);
            for shell in ["zsh", "bash", "fish"] {
                let text = fs::read_to_string(home.path().join(rc(shell))).unwrap();
                assert_eq!(text, block(" (new file)", &word, shell));
            }
            let active = run(home.command("setsid").args(["zsh", "-ic", "whence -w act"]));
            assert_eq!((active.out.as_str(), active.status), ("act: function\n", 0), "{}", active.err);
            let active = run(home.command("setsid").args(["bash", "-ic", "type -t act"]));
            assert_eq!((active.out.as_str(), active.status), ("function\n", 0), "{}", active.err);

            let before = snapshot(&home.path());
            assert_eq!(installer(&home, shell, INSTALL), silent(NOTHING));
            assert_eq!(snapshot(&home.path()), before);
            assert_eq!(installer(&home, shell, &["--from", PROGRAM, "--dry-run"]), silent(NOTHING));

            let told = "\
install.sh: this is done now:
  restore  HOME/.zshrc: lines 1 to 3 go
  restore  HOME/.bashrc: lines 1 to 3 go
  restore  HOME/.config/fish/config.fish: lines 1 to 3 go
  remove   HOME/.local/bin/hpcsh
";
            let state = "install.sh: left alone: HOME/.local/state/hpcsh (configuration and state are yours; so is a \
                         state_dir that you configured)\n";
            let gone = installer(&home, shell, &["--uninstall"]);
            assert_eq!(gone.err.replace(state, ""), format!("{told}{DONE}"));
            let left: Vec<_> = names(&home).into_iter().filter(|name| !name.starts_with(".local/state")).collect();
            assert_eq!(left, [".config/", ".config/fish/", ".local/", ".local/bin/"]);
            let nothing = installer(&home, shell, &["--uninstall"]);
            assert_eq!(nothing.err.replace(state, ""), "install.sh: nothing is installed: nothing changed\n");
        }
    }
}

/// What rc files may look like.
fn odd() -> Vec<(&'static str, Vec<u8>)> {
    let mut long = b"x='".to_vec();
    long.extend(std::iter::repeat_n(b'y', 300_000));
    long.extend(b"'\n");
    vec![
        ("empty", Vec::new()),
        ("one newline", b"\n".to_vec()),
        ("one byte", b"a".to_vec()),
        ("ordinary", b"alias ll='ls -l'\n".to_vec()),
        ("no newline at the end", b"a=1\nb=2".to_vec()),
        ("CRLF", b"a=1\r\nb=2\r\n".to_vec()),
        ("CRLF, the last one missing", b"a=1\r\nb=2\r".to_vec()),
        ("blank lines at the end", b"a=1\n\n\n".to_vec()),
        ("NUL", b"a=1\n\0b\0=2\n\0".to_vec()),
        ("NUL, then a newline", b"\0\n".to_vec()),
        ("latin-1", b"# caf\xe9 \xff\xfe\n\xe9".to_vec()),
        ("a backslash before the last newline", b"alias x=y \\\n".to_vec()),
        ("ends in the characters \\n", b"PS1=\\n".to_vec()),
        ("percent signs and quotes", b"PS1='%n %s' \"\n".to_vec()),
        ("speaks of the marker", b"echo '# >>> hpcsh >>>' # <<< hpcsh <<<\n".to_vec()),
        ("a very long line", long),
    ]
}

/// In dash; the test with busybox alone does the same there.
#[test]
fn uninstalling_restores_any_rc_file_byte_for_byte() {
    for shell in shells().take(1) {
        for (what, old) in odd() {
            let home = Home::new();
            let word = word(&home);
            let rc = home.write(".bashrc", &old);
            fs::set_permissions(&rc, fs::Permissions::from_mode(0o604)).unwrap();
            let given = small(&home);
            let install = ["--from", &given, "--rc", "--shell", "bash"];
            let told = format!(
                "\
install.sh: this is done now:
  write    HOME/.local/bin/hpcsh
  back up  HOME/.bashrc as HOME/.bashrc.before-hpcsh
  add to   HOME/.bashrc: {}
{LOGIN_BASH}{DONE}{NEXT}",
                line("'HOME/.local/bin/hpcsh'", "bash")
            );
            assert_eq!(installer(&home, shell, &install), silent(told), "{what}");
            let (note, newline) = match what {
                "a backslash before the last newline" => (" (with the newline before)", "\n"),
                _ if old.is_empty() || old.ends_with(b"\n") => ("", ""),
                _ => (" (with the newline before)", "\n"),
            };
            let new = [&old, newline.as_bytes(), block(note, &word, "bash").as_bytes()].concat();
            assert!(fs::read(&rc).unwrap() == new, "{what}");
            assert!(fs::read(home.path().join(".bashrc.before-hpcsh")).unwrap() == old, "{what}");

            let before = snapshot(&home.path());
            assert_eq!(installer(&home, shell, &install), silent(NOTHING), "{what}");
            assert!(snapshot(&home.path()) == before, "{what}");

            assert_eq!(installer(&home, shell, &["--uninstall"]).status, 0);
            assert!(fs::read(&rc).unwrap() == old, "{what}");
            assert_eq!(fs::metadata(&rc).unwrap().mode() & 0o7777, 0o604);
            assert_eq!(names(&home), [".bashrc", ".local/", ".local/bin/"], "{what}");
        }
    }
}

#[test]
fn what_the_user_writes_around_the_block_stays_and_so_does_the_backup() {
    for shell in shells() {
        let home = Home::new();
        let rc = home.write(".bashrc", "a=1");
        let install = ["--from", PROGRAM, "--rc", "--shell", "bash"];
        assert_eq!(installer(&home, shell, &install).status, 0);
        let text = fs::read_to_string(&rc).unwrap();
        fs::write(&rc, format!("first=1\n{text}last=1")).unwrap();
        assert_eq!(installer(&home, shell, &install), silent(NOTHING));

        let told = "\
install.sh: this is done now:
  restore  HOME/.bashrc: lines 3 to 5 go
install.sh: HOME/.bashrc.before-hpcsh differs from what HOME/.bashrc will be: left alone
  remove   HOME/.local/bin/hpcsh
install.sh: done
";
        assert_eq!(installer(&home, shell, &["--uninstall"]), silent(told));
        // The newline that came before the block now ends the user's line.
        assert_eq!(fs::read_to_string(&rc).unwrap(), "first=1\na=1\nlast=1");
        let backup = home.path().join(".bashrc.before-hpcsh");
        assert_eq!(fs::read_to_string(&backup).unwrap(), "a=1");

        // Another installation keeps both.
        assert_eq!(installer(&home, shell, &install).status, 0);
        assert_eq!(fs::read_to_string(&backup).unwrap(), "first=1\na=1\nlast=1");
        assert_eq!(fs::read_to_string(home.path().join(".bashrc.before-hpcsh.1")).unwrap(), "a=1");
        assert_eq!(installer(&home, shell, &["--uninstall"]).status, 0);
        assert_eq!(fs::read_to_string(&rc).unwrap(), "first=1\na=1\nlast=1");
        assert_eq!(names(&home), [".bashrc", ".bashrc.before-hpcsh.1", ".local/", ".local/bin/"]);

        // A block that came first and lost what stood before it.
        fs::write(&rc, block(" (with the newline before)", &word(&home), "bash")).unwrap();
        assert_eq!(installer(&home, shell, &["--uninstall"]).status, 0);
        assert_eq!(fs::read(&rc).unwrap(), b"");
    }
}

#[test]
fn an_rc_file_that_is_a_link_stays_one() {
    for shell in shells() {
        let home = Home::new();
        let real = home.write("dotfiles/zshrc", "a=1");
        symlink("dotfiles/zshrc", home.path().join(".zshrc")).unwrap();
        let install = ["--from", PROGRAM, "--rc", "--shell", "zsh"];
        assert_eq!(installer(&home, shell, &install).status, 0);
        let new = format!("a=1\n{}", block(" (with the newline before)", &word(&home), "zsh"));
        assert_eq!(fs::read_to_string(&real).unwrap(), new);
        let all = [
            ".local/",
            ".local/bin/",
            ".local/bin/hpcsh",
            ".zshrc",
            ".zshrc.before-hpcsh",
            "dotfiles/",
            "dotfiles/zshrc",
        ];
        assert_eq!(names(&home), all);
        assert_eq!(fs::read_link(home.path().join(".zshrc")).unwrap(), Path::new("dotfiles/zshrc"));
        assert_eq!(installer(&home, shell, &["--uninstall"]).status, 0);
        assert_eq!(fs::read_link(home.path().join(".zshrc")).unwrap(), Path::new("dotfiles/zshrc"));
        assert_eq!(fs::read_to_string(&real).unwrap(), "a=1");

        fs::remove_file(&real).unwrap();
        let before = snapshot(&home.path());
        let told = "\
install.sh: error: HOME/.zshrc is a link to a file that is not there
hint: make that file, or remove the link
";
        assert_eq!(installer(&home, shell, &install), refused(1, told));
        let told = "\
install.sh: HOME/.zshrc is a link to a file that is not there: left alone
install.sh: nothing is installed: nothing changed
";
        let outcome = installer(&home, shell, &["--uninstall"]);
        assert_eq!((outcome.status, outcome.err.ends_with(told)), (0, true), "{}", outcome.err);
        assert_eq!(snapshot(&home.path()), before);
    }
}

#[test]
fn zdotdir_counts() {
    let home = Home::new();
    fs::create_dir(home.path().join("zsh")).unwrap();
    let words = ["--from", PROGRAM, "--rc", "--shell", "zsh"];
    let zdotdir = home.path().join("zsh");
    for shell in shells() {
        let installed = run(command(&home, shell, &words).env("ZDOTDIR", &zdotdir));
        assert_eq!(installed.status, 0, "{}", installed.err);
        assert_eq!(names(&home), [".local/", ".local/bin/", ".local/bin/hpcsh", "zsh/", "zsh/.zshrc"]);
        assert_eq!(run(command(&home, shell, &["--uninstall"]).env("ZDOTDIR", &zdotdir)).status, 0);
        assert_eq!(names(&home), [".local/", ".local/bin/", "zsh/"]);
    }
}

#[test]
fn another_prefix_updates_the_line_whatever_is_in_its_name() {
    if !has_all() {
        return;
    }
    for shell in shells() {
        let home = Home::new();
        let rcs = [home.write(".zshrc", "a=1"), home.write(".bashrc", "a=1\n")];
        assert_eq!(installer(&home, shell, INSTALL).status, 0);
        for rc in &rcs {
            let mut text = fs::read(rc).unwrap();
            text.extend(b"\xffb=2\n");
            fs::write(rc, text).unwrap();
        }
        let prefix = home.path().join("it's \"$HOME\" `x` \\ 'y'' %s é");
        let words = ["--from", PROGRAM, "--rc", "--prefix", prefix.to_str().unwrap()];
        let updated = installer(&home, shell, &words);
        assert_eq!(updated.status, 0, "{}", updated.err);
        assert!(updated.err.contains("\n  update   HOME/.zshrc, line 3: if [ -x 'HOME/it'\\''s"), "{}", updated.err);
        assert_eq!(installer(&home, shell, &words), silent(NOTHING));

        let program = prefix.join("bin/hpcsh");
        let word = format!("'{}'", program.to_str().unwrap().replace('\'', "'\\''"));
        let new = ["a=1\n", &block(" (with the newline before)", &word, "zsh")].concat();
        assert!(fs::read(&rcs[0]).unwrap() == [new.as_bytes(), b"\xffb=2\n"].concat());
        for (shell, rc) in [("zsh", &rcs[0]), ("bash", &rcs[1])] {
            for flags in ["-fc", "-fuec"] {
                let code = format!(". {}; echo \"$?\"", rc.display());
                // The last line of the rc file is no command.
                let text = fs::read(rc).unwrap();
                fs::write(rc, text.strip_suffix(b"\xffb=2\n").unwrap_or(&text)).unwrap();
                let clean = run(home.command(shell).args([flags, &code]));
                assert_eq!(clean, Outcome { out: "0\n".into(), err: String::new(), status: 0 });
                fs::rename(&program, prefix.join("away")).unwrap();
                let clean = run(home.command(shell).args([flags, &code]));
                assert_eq!(clean, Outcome { out: "0\n".into(), err: String::new(), status: 0 });
                fs::rename(prefix.join("away"), &program).unwrap();
            }
        }

        // Without the prefix the lines go, and the program's place is told.
        let gone = installer(&home, shell, &["--uninstall"]);
        assert!(
            gone.err.contains("hint: remove that one with --uninstall --prefix DIR, or --shared DIR\n"),
            "{}",
            gone.err
        );
        assert_eq!((fs::read(&rcs[0]).unwrap(), fs::read(&rcs[1]).unwrap()), (b"a=1".into(), b"a=1\n".into()));
        assert!(program.exists());
        assert_eq!(installer(&home, shell, &["--uninstall", "--prefix", prefix.to_str().unwrap()]).status, 0);
        assert!(!program.exists());
    }
}

#[test]
fn markers_that_are_not_as_written_are_refused_and_named() {
    let good = block("", "'/p/hpcsh'", "bash");
    let hint = "hint: mend or remove the lines of hpcsh's block by hand (\"# >>> hpcsh >>>\", one line, \"# <<< hpcsh <<<\"), \
                then run this again\n";
    let table = [
        ("a\n# >>> hpcsh >>>\nx\n".to_owned(), "2: a begin marker without its end marker"),
        ("# <<< hpcsh <<<\n".to_owned(), "1: an end marker without its begin marker"),
        ("# <<< hpcsh <<<\nx\n# >>> hpcsh >>>\n".to_owned(), "1: an end marker before its begin marker"),
        ("# >>> hpcsh >>>\n# <<< hpcsh <<<\n".to_owned(), "1: the block has not exactly one line"),
        ("# >>> hpcsh >>>\nx\ny\n# <<< hpcsh <<<\n".to_owned(), "1: the block has not exactly one line"),
        (format!("{good}{good}"), "4: a second begin marker"),
        (format!("{good}# <<< hpcsh <<<\n"), "4: a second end marker"),
        ("\n# >>> hpcsh >>> (mine)\nx\n# <<< hpcsh <<<\n".to_owned(), "2: this marker is not as install.sh writes it"),
        (good.replace('\n', "\r\n"), "1: this marker is not as install.sh writes it"),
        (good.replace("# <", " # <"), "3: this marker is not as install.sh writes it"),
        (good.replace(">>>\n", ">>> (new file)\0\n"), "1: this marker is not as install.sh writes it"),
    ];
    for shell in shells() {
        for (text, wrong) in &table {
            let home = Home::new();
            home.write(".bashrc", text);
            home.write(".zshrc", "a=1\n");
            home.write(".local/bin/hpcsh", "_hpcsh_");
            let before = snapshot(&home.path());
            let told = format!("install.sh: error: HOME/.bashrc:{wrong}\n{hint}");
            for words in [&["--from", PROGRAM, "--rc", "--shell", "bash"], ["--uninstall"].as_slice()] {
                assert_eq!(installer(&home, shell, words), refused(1, &told), "{text}");
                assert_eq!(snapshot(&home.path()), before);
            }
        }
    }
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is() {
    let words = ["--from", PROGRAM, "--rc", "--shell", "bash"];
    for shell in shells() {
        let home = Home::new();
        home.write(".bashrc", "a=1\\");
        let told = "\
install.sh: error: HOME/.bashrc: the last line ends in a backslash, which would join the block to it
hint: end that line first
";
        assert_eq!(installer(&home, shell, &words), refused(1, told));
        fs::remove_file(home.path().join(".bashrc")).unwrap();
        fs::create_dir(home.path().join(".bashrc")).unwrap();
        assert_eq!(installer(&home, shell, &words), refused(1, "install.sh: error: HOME/.bashrc is no file\n"));
        home.write(".local/bin/hpcsh", "somebody's own\n");
        let told = "\
install.sh: error: HOME/.local/bin/hpcsh is there and is not hpcsh
hint: move it away, or name another place with --prefix DIR
";
        assert_eq!(installer(&home, shell, &words), refused(1, told));
        assert_eq!(installer(&home, shell, &["--uninstall"]).status, 1);
        assert_eq!(names(&home), [".bashrc/", ".local/", ".local/bin/", ".local/bin/hpcsh"]);

        let Some(home) = Home::of_nobody() else {
            skip("not root: no other user to be");
            continue;
        };
        // Somebody else's, of a mode that lets nobody read alone.
        let rc = home.write(".bashrc", "a=1\n");
        let before = snapshot(&home.path());
        let told = "\
install.sh: error: HOME/.bashrc is not writable
hint: make it writable (chmod u+w), or add the line by hand
";
        assert_eq!(installer(&home, shell, &words), refused(1, told));
        fs::set_permissions(&rc, fs::Permissions::from_mode(0o600)).unwrap();
        let told = "\
install.sh: error: HOME/.bashrc cannot be read
hint: it belongs to another user, or chmod u+r it
";
        assert_eq!(installer(&home, shell, &words), refused(1, told));
        // Somebody else's that nobody may write: the owner would change.
        fs::set_permissions(&rc, fs::Permissions::from_mode(0o666)).unwrap();
        let changed = installer(&home, shell, &words);
        assert_eq!(changed.status, 1);
        assert!(
            changed
                .err
                .contains("HOME/.bashrc belongs to somebody else: replacing it would change its owner or group\n"),
            "{}",
            changed.err
        );
        assert_eq!(fs::read(&rc).unwrap(), b"a=1\n");
        fs::set_permissions(&rc, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(installer(&home, shell, &["--uninstall"]).status, 0);
        assert_eq!(snapshot(&home.path()).get(&rc), before.get(&rc));
    }
}

#[test]
fn a_dry_run_changes_nothing() {
    if !has_all() {
        return;
    }
    for shell in shells() {
        let home = Home::new();
        home.write(".zshrc", "a=1");
        let check = |words: &[&str]| {
            let before = snapshot(&home.path());
            let dry = installer(&home, shell, &[words, &["--dry-run"]].concat());
            assert_eq!((dry.status, dry.out.as_str()), (0, ""), "{}", dry.err);
            assert!(dry.err.starts_with("install.sh: ") && dry.err.contains(" would "), "{}", dry.err);
            assert_eq!(snapshot(&home.path()), before);
            let real = installer(&home, shell, words);
            // The plan of a dry run is the plan of the real one.
            let steps =
                |text: &str| text.lines().filter(|line| line.starts_with("  ")).map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(steps(&dry.err), steps(&real.err));
        };
        check(INSTALL);
        check(&["--from", PROGRAM, "--rc", "--prefix", "other"]);
        check(&["--uninstall"]);
        let tried = installer(&home, shell, &["--from", PROGRAM, "--dry-run", "--try", "bash", "-c", "exit 5"]);
        assert_eq!(tried.status, 0);
        assert!(tried.err.starts_with("install.sh: would open bash in a throwaway directory below "), "{}", tried.err);
    }
}

#[test]
fn a_running_program_is_replaced_beside_itself() {
    for shell in shells() {
        let home = Home::new();
        let program = home.write(".local/bin/hpcsh", "_hpcsh_ of old");
        let mut running = fs::File::open(&program).unwrap();
        let told = installer(&home, shell, &["--from", PROGRAM]);
        assert!(
            told.err.starts_with("install.sh: this is done now:\n  replace  HOME/.local/bin/hpcsh\n"),
            "{}",
            told.err
        );
        let mut old = String::new();
        running.read_to_string(&mut old).unwrap();
        assert_eq!(old, "_hpcsh_ of old");
        assert!(fs::read(&program).unwrap() == fs::read(PROGRAM).unwrap());
    }
}

#[test]
fn what_a_killed_run_left_is_swept_and_what_is_not_ours_is_not() {
    for shell in shells() {
        let home = Home::new();
        // No process has a number this high; that of the test itself is alive.
        let mine = format!(".hpcsh-install.{}.abc", std::process::id());
        for name in [".hpcsh-install.4194999.abcdef", ".hpcsh-install.mine", ".hpcsh-installer", &mine] {
            home.write(name, "");
        }
        let words = ["--from", PROGRAM, "--rc", "--shell", "bash"];
        let told = installer(&home, shell, &words);
        assert!(
            told.err.contains("  remove   HOME/.hpcsh-install.4194999.abcdef (left by a run that was killed)\n"),
            "{}",
            told.err
        );
        let mut left = vec![
            ".bashrc",
            &mine,
            ".hpcsh-install.mine",
            ".hpcsh-installer",
            ".local/",
            ".local/bin/",
            ".local/bin/hpcsh",
        ];
        left.sort_unstable();
        assert_eq!(names(&home), left);
    }
}

/// A home whose rc files are `.zshrc`, without a newline at its end, and no others; and what installing makes of them.
struct Doomed {
    home: Home,
    given: String,
    /// Where `--shared` puts it.
    shared: Option<String>,
    program: PathBuf,
    old: [Option<Vec<u8>>; 3],
    new: [Option<Vec<u8>>; 3],
}

impl Doomed {
    fn new(shared: bool) -> Self {
        let home = Home::new();
        let old = b"a=\0\xff".to_vec();
        home.write(".zshrc", &old);
        let given = small(&home);
        let shared = shared.then(|| home.path().join("it's $(touch pwned)").to_str().unwrap().to_owned());
        let words = ["zsh", "bash", "fish"].map(|shell| match &shared {
            Some(dir) => shared_word(dir, shell),
            None => word(&home),
        });
        let zsh = [&old, "\n".as_bytes(), block(" (with the newline before)", &words[0], "zsh").as_bytes()].concat();
        let bash = block(" (new file)", &words[1], "bash").into_bytes();
        let fish = block(" (new file)", &words[2], "fish").into_bytes();
        let program = match &shared {
            Some(dir) => Path::new(dir).join("bin").join(ARCH).join("hpcsh"),
            None => home.path().join(".local/bin/hpcsh"),
        };
        Self { home, given, shared, program, old: [Some(old), None, None], new: [Some(zsh), Some(bash), Some(fish)] }
    }

    fn place(&self) -> Vec<&str> {
        self.shared.iter().flat_map(|dir| ["--shared", dir]).collect()
    }

    fn install(&self) -> Vec<&str> {
        [&["--from", &self.given, "--rc"], &*self.place()].concat()
    }

    fn uninstall(&self) -> Vec<&str> {
        [&["--uninstall"], &*self.place()].concat()
    }

    fn rcs(&self) -> [Option<Vec<u8>>; 3] {
        ["zsh", "bash", "fish"].map(|shell| fs::read(self.home.path().join(rc(shell))).ok())
    }

    fn sample(&self) -> Option<PathBuf> {
        Some(Path::new(self.shared.as_ref()?).join("etc/hpcsh/config.toml"))
    }

    /// After a kill: each file is the old or the new one, whole, and the program is not there or whole.
    fn check_whole(&self, when: &str) {
        for (at, now) in self.rcs().iter().enumerate() {
            assert!(*now == self.old[at] || *now == self.new[at], "{when}: half a file: {now:?}");
        }
        if let Ok(program) = fs::read(&self.program) {
            assert!(program == fs::read(&self.given).unwrap(), "{when}: half a program");
        }
        if let Some(text) = self.sample().and_then(|path| fs::read_to_string(path).ok()) {
            assert!(text.ends_with("\n#online_hosts = [\"login*\"]\n"), "{when}: half a sample");
        }
        if let Ok(backup) = fs::read(self.home.path().join(".zshrc.before-hpcsh")) {
            assert!(Some(backup) == self.old[0], "{when}: half a backup");
        }
    }

    fn check_installed(&self, shell: &[&str], when: &str) {
        let done = installer(&self.home, shell, &self.install());
        assert_eq!(done.status, 0, "{when}: {}", done.err);
        assert!(self.rcs() == self.new, "{when}");
        let mut all = vec![".bashrc", ".config/fish/config.fish", ".zshrc", ".zshrc.before-hpcsh"];
        let placed: Vec<_> = [Some(self.program.clone()), self.sample()].into_iter().flatten().collect();
        all.extend(placed.iter().map(|path| path.strip_prefix(self.home.path()).unwrap().to_str().unwrap()));
        all.sort_unstable();
        assert_eq!(self.files(), all, "{when}");
    }

    fn check_uninstalled(&self, shell: &[&str], when: &str) {
        let done = installer(&self.home, shell, &self.uninstall());
        assert_eq!(done.status, 0, "{when}: {}", done.err);
        assert!(self.rcs() == self.old, "{when}");
        assert_eq!(self.files(), [".zshrc"], "{when}");
        if let Some(sample) = self.sample() {
            for file in [&sample, &self.program] {
                assert!(!file.parent().unwrap().exists(), "{when}: an empty directory of ours stays");
            }
        }
    }

    fn files(&self) -> Vec<String> {
        names(&self.home).into_iter().filter(|name| !name.ends_with('/')).collect()
    }
}

/// Every program that changes something is replaced by one that kills the whole process group: at its KILL_AT-th call,
/// either with the work done or with half of it. (strace counts each process apart, so it cannot say "the N-th rename".)
fn kill_everywhere(shell: &[&str], half: bool, shared: bool) {
    if !has_all() || !has(shell[0]) {
        skip(&format!("{} is not installed", shell[0]));
        return;
    }
    let tools = ["mktemp", "cp", "mv", "rm", "chmod", "mkdir", "rmdir", "dd", "cat", "head", "tail"];
    let doomed = Doomed::new(shared);
    // Of a shared installation only its own steps are new.
    let step = if shared { 3 } else { 1 };
    let home = &doomed.home;
    let shims = home.shared().join("shims");
    let counter = home.shared().join("counter");
    fs::create_dir(&shims).unwrap();
    for tool in tools {
        let real = which(tool);
        // Half the work: a copy cut short, or output cut short; what is atomic by itself is done or not.
        let partly = match tool {
            "cp" => format!("{} \"$@\"; for last do :; done; printf half >\"$last\"", real.display()),
            "cat" | "head" | "tail" => "printf half".to_owned(),
            _ => ":".to_owned(),
        };
        let text = format!(
            "#!/bin/sh\nread -r n <'{count}'; n=$((n + 1)); echo $n >'{count}'\n\
             if [ $n != \"$KILL_AT\" ]; then exec {real} \"$@\"; fi\n\
             if [ $HALF = true ]; then {partly}; else {real} \"$@\"; fi\nkill -KILL 0\n",
            count = counter.display(),
            real = real.display(),
        );
        let shim = shims.join(tool);
        fs::write(&shim, text).unwrap();
        fs::set_permissions(&shim, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", shims.display(), crate::support::path());
    let killed = |words: &[&str], at: u32| {
        fs::write(&counter, "0\n").unwrap();
        let mut command = home.command(shell[0]);
        command.args(&shell[1..]).arg(script()).args(words).env("PATH", &path);
        command.env("KILL_AT", at.to_string()).env("HALF", half.to_string()).process_group(0);
        let outcome = run(&mut command);
        assert!(outcome.status == 0 || outcome.status == -1, "{at}: {}", outcome.err);
        outcome.status == -1
    };
    let calls = || fs::read_to_string(&counter).unwrap().trim().parse::<u32>().unwrap();

    // Where the steps begin: what looks and plans changes nothing.
    let dry = [doomed.install(), vec!["--dry-run"]].concat();
    assert!(!killed(&dry, 0));
    let first = calls();
    let mut kills = 0;
    for at in (first..).step_by(step) {
        let when = format!("{shell:?} installing, half: {half}, call {at}");
        let was_killed = killed(&doomed.install(), at);
        doomed.check_whole(&when);
        if !was_killed {
            break;
        }
        kills += 1;
        if at % 2 == 0 {
            doomed.check_installed(shell, &when);
        }
        doomed.check_uninstalled(shell, &when);
    }
    assert!(kills > 15 / step, "{shell:?}: only {kills} kills while installing");

    let dry = [doomed.uninstall(), vec!["--dry-run"]].concat();
    assert!(!killed(&dry, 0));
    let first = calls();
    let mut kills = 0;
    for at in (first..).step_by(step) {
        let when = format!("{shell:?} uninstalling, half: {half}, call {at}");
        doomed.check_installed(shell, &when);
        let was_killed = killed(&doomed.uninstall(), at);
        doomed.check_whole(&when);
        doomed.check_uninstalled(shell, &when);
        if !was_killed {
            break;
        }
        kills += 1;
    }
    assert!(kills > 8 / step, "{shell:?}: only {kills} kills while uninstalling");
}

#[test]
fn killed_in_any_step_the_files_are_whole_and_the_next_run_mends_all() {
    kill_everywhere(SHELLS[0], true, false);
}

#[test]
fn killed_after_any_step_the_files_are_whole_and_the_next_run_mends_all() {
    kill_everywhere(SHELLS[1], false, false);
}

#[test]
fn killed_in_any_step_of_a_shared_installation_the_next_run_mends_all() {
    kill_everywhere(SHELLS[1], true, true);
}

#[test]
fn killed_after_any_step_of_a_shared_installation_the_next_run_mends_all() {
    kill_everywhere(SHELLS[0], false, true);
}

/// The shell alone is killed, at its own N-th `wait4`, while the program that it waits for goes on.
#[test]
fn killed_between_any_steps_the_files_are_whole_and_the_next_run_mends_all() {
    if !has_all() {
        return;
    }
    let doomed = Doomed::new(false);
    let home = &doomed.home;
    if !has("strace") || run(home.command("strace").args(["-qq", "-o", "/dev/null", "true"])).status != 0 {
        skip("strace is not installed, or may not trace");
        return;
    }
    let shell = &["dash"][..];
    let log = home.shared().join("log");
    let strace = |inject: Option<u32>, words: &[&str]| {
        let mut command = home.command("strace");
        command.args(["-qq", "-e", "trace=wait4", "-o"]).arg(&log);
        if let Some(at) = inject {
            command.args(["-e", &format!("inject=wait4:signal=KILL:when={at}")]);
        }
        run(command.args(shell).arg(script()).args(words))
    };
    let dry = [doomed.install(), vec!["--dry-run"]].concat();
    assert_eq!(strace(None, &dry).status, 0);
    let first = u32::try_from(fs::read_to_string(&log).unwrap().lines().count()).unwrap();
    let mut kills = 0;
    for at in (first..).step_by(3) {
        let when = format!("wait {at}");
        let outcome = strace(Some(at), &doomed.install());
        doomed.check_whole(&when);
        if outcome.status == 0 {
            break;
        }
        assert_eq!(outcome.status, -1, "{}", outcome.err);
        kills += 1;
        if at % 2 == 0 {
            doomed.check_installed(shell, &when);
        }
        doomed.check_uninstalled(shell, &when);
    }
    assert!(kills > 10, "only {kills} kills");
}

#[test]
fn a_full_disk_leaves_the_old_file() {
    let home = Home::new();
    if !is_root() || !has("unshare") {
        skip("not root, or no unshare: no disk to fill");
        return;
    }
    let disk = home.path().join("disk");
    fs::create_dir(&disk).unwrap();
    for shell in shells() {
        // 16 KiB: the rc file and its backup fit, the new one does not.
        let code = "mount -t tmpfs -o size=16k,nr_inodes=64 none \"$HOME/disk\" || exit 99\n\
                    head -c 8000 /dev/zero >\"$HOME/disk/.bashrc\"\n\
                    HOME=$HOME/disk \"$@\" 2>&1; echo \"$?\"\n\
                    ls -A \"$HOME/disk\"; head -c 8000 /dev/zero | cmp - \"$HOME/disk/.bashrc\" && echo same";
        let prefix = home.path().join("prefix");
        let mut command = home.command("unshare");
        command.args(["-m", "sh", "-c", code, "sh"]).args(shell).arg(script());
        command.args(["--from", PROGRAM, "--rc", "--shell", "bash", "--prefix"]).arg(prefix);
        let outcome = run(&mut command);
        if outcome.status == 99 {
            skip("may not mount");
            return;
        }
        assert!(outcome.out.contains("\ninstall.sh: error: cannot "), "{outcome:?}");
        assert!(outcome.out.ends_with("\n1\n.bashrc\n.bashrc.before-hpcsh\nsame\n"), "{outcome:?}");
    }
}

#[test]
fn trying_opens_an_active_shell_passes_its_status_and_leaves_nothing() {
    for shell in shells() {
        for tried in ["zsh", "bash"] {
            if !has(tried) {
                skip(&format!("{tried} is not installed"));
                continue;
            }
            for home in [Some(Home::new()), Home::of_nobody()].into_iter().flatten() {
                home.write("mine", "");
                let tmp = home.shared().with_file_name("tmp");
                let before = snapshot(&home.path());
                let code = "
                    act ../shared/project || exit 90
                    echo \"${VIRTUAL_ENV#$TMPDIR/..}\" \"${VIRTUAL_ENV##*/shared/}\" \"${HF_HOME##*/shared/}\" $HF_HUB_OFFLINE
                    [ -x \"$VIRTUAL_ENV/bin/python\" ] && [ -f ../shared/project/README.md ] || exit 91
                    echo \"${XDG_CONFIG_HOME-}${HISTFILE##*/}|${ZDOTDIR-}|${HPCSH_OFFLINE-}|$SECRET|$UV_CACHE_DIR\" >history
                    command -v hpcsh >/dev/null || exit 92
                    cd project && deactivate && act && cdr && hpcsh env >env || exit 93
                    hpcsh_off && echo \"${HF_HOME-off}\"; echo loud >&2
                    (exit 7)";
                let mut command = command(&home, shell, &["--from", PROGRAM, "--try", tried, "-c", code]);
                for (name, value) in [
                    ("HPCSH_OFFLINE", "0"),
                    ("HPCSH_CONFIG", "/nonexistent"),
                    ("HPCSH_EXPORTS", "x"),
                    ("ZDOTDIR", "/nonexistent"),
                    ("XDG_CONFIG_HOME", "/nonexistent"),
                    ("XDG_STATE_HOME", "/nonexistent"),
                    ("HISTFILE", "/nonexistent"),
                    ("VIRTUAL_ENV", "/nonexistent"),
                    ("BASH_ENV", "/nonexistent"),
                    ("ENV", "/nonexistent"),
                    ("HF_HOME", "/nonexistent"),
                    ("SECRET", "x"),
                ] {
                    command.env(name, value);
                }
                let outcome = run(&mut command);
                let mut lines = outcome.out.lines();
                let first = lines.next().unwrap_or_default();
                assert!(first.ends_with(" project/.venv cache/hf 1"), "{tried}: {outcome:?}");
                assert_eq!(lines.collect::<Vec<_>>(), ["off"], "{outcome:?}");
                assert_eq!((outcome.err.as_str(), outcome.status), ("loud\n", 7), "{tried}");
                assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0);
                assert_eq!(snapshot(&home.path()), before);
            }
        }
    }
}

#[test]
fn trying_works_below_an_odd_directory_and_without_python() {
    if !has("busybox") || !has("bash") {
        skip("busybox and bash are not both installed");
        return;
    }
    for shell in shells() {
        let home = Home::new();
        let tmp = home.path().join("it's \"$HOME\" \\ é");
        fs::create_dir(&tmp).unwrap();
        // Only what busybox has, and a bash.
        let bin = home.shared().join("bin");
        fs::create_dir(&bin).unwrap();
        assert_eq!(run(home.command("busybox").args(["--install", "-s"]).arg(&bin)).status, 0);
        for name in ["bash", "dash", "busybox"] {
            if has(name) {
                let _ = symlink(which(name), bin.join(name));
            }
        }
        let mut command = command(
            &home,
            shell,
            &["--from", PROGRAM, "--try", "-c", "cd project && act && readlink \"$VIRTUAL_ENV/bin/python\" && pwd"],
        );
        let outcome = run(command.env("TMPDIR", &tmp).env("PATH", &bin).env("SHELL", "/bin/fish"));
        let expected = format!("{}/sh\n{}/hpcsh-try.", bin.display(), tmp.display());
        assert!(outcome.out.starts_with(&expected) && outcome.out.ends_with("/home/project\n"), "{outcome:?}");
        assert_eq!((outcome.err.as_str(), outcome.status), ("", 0));
        assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0);
    }
}

#[test]
fn trying_ends_clean_when_the_shell_or_the_script_is_killed() {
    for shell in shells() {
        let home = Home::new();
        let tmp = home.shared().with_file_name("tmp");
        let killed = run(&mut command(&home, shell, &["--from", PROGRAM, "--try", "bash", "-c", "kill -KILL $$"]));
        assert_eq!((killed.out.as_str(), killed.status), ("", 137), "{}", killed.err);
        assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0);

        for (signal, status) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
            // The installer is the shell's parent; it ends when the shell has.
            let code = format!("kill -{signal} $PPID; mkdir -m 500 sealed; touch done; (exit 3)");
            let ended = run(&mut command(&home, shell, &["--from", PROGRAM, "--try", "bash", "-c", &code]));
            assert_eq!(ended, Outcome { out: String::new(), err: String::new(), status });
            assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0, "{signal}");
        }
    }
}

/// What a process and those that it starts change, in full paths: the log of `strace -ff`, from the working directory on.
fn changes(log: &Path, process: &str, mut cwd: PathBuf, found: &mut Vec<PathBuf>) {
    const CALLS: &[&str] = &[
        "mkdir", "rename", "unlink", "rmdir", "symlink", "link", "chmod", "chown", "lchown", "truncate", "mknod",
        "utime",
    ];
    for line in fs::read_to_string(log.with_extension(process)).unwrap().lines() {
        let Some((call, words)) = line.split_once('(') else { continue };
        let result = words.rsplit(" = ").next().unwrap();
        // Of a file descriptor `-y` says the path; of the working directory too.
        let described = words.split('<').nth(1).and_then(|rest| rest.split('>').next());
        let mut named: Vec<&str> = words.split('"').skip(1).step_by(2).collect();
        if call.contains("link") && !call.starts_with("unlink") {
            // What a link leads to is not touched.
            named = named.split_off(named.len() - 1);
        }
        match call {
            "clone" | "clone3" | "fork" | "vfork" => changes(log, result, cwd.clone(), found),
            "chdir" => cwd.extend(named),
            "fchdir" => cwd = described.unwrap().into(),
            "open" | "openat" if !["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| words.contains(flag)) => {}
            "ftruncate" | "fchmod" | "fchown" => found.push(described.unwrap().into()),
            _ if call.starts_with("open")
                || CALLS.iter().any(|name| call.starts_with(name) || call.starts_with(&format!("f{name}"))) =>
            {
                let base = if call.contains("at") {
                    described.map_or_else(|| cwd.clone(), PathBuf::from)
                } else {
                    cwd.clone()
                };
                found.extend(named.into_iter().map(|name| base.join(name)));
            }
            _ => {}
        }
    }
}

#[test]
fn trying_writes_nowhere_else() {
    let home = Home::new();
    if !has("strace") || run(home.command("strace").args(["-qq", "-o", "/dev/null", "true"])).status != 0 {
        skip("strace is not installed, or may not trace");
        return;
    }
    for tried in ["zsh", "bash"].into_iter().filter(|shell| has(shell)) {
        let logs = home.shared().join(tried);
        fs::create_dir(&logs).unwrap();
        let log = logs.join("log");
        // The traced shell tells its number, so the log of the first process is known.
        let mut command = home.command("setsid");
        command.args(["strace", "-ff", "-qq", "-y", "-z", "-s", "4096", "-e", "signal=none"]);
        command.args(["-e", "trace=%file,ftruncate,fchmod,fchown,fchdir,clone,clone3,fork,vfork", "-o"]).arg(&log);
        command.args(["dash", "-c", "echo $$; exec dash \"$@\"", "dash"]).arg(script());
        command.args(["--from", PROGRAM, "--try", tried, "-c", "cd project && act && mdcd new && cdr"]);
        let outcome = run(&mut command);
        assert_eq!((outcome.err.as_str(), outcome.status), ("", 0));
        let tmp = home.shared().with_file_name("tmp").canonicalize().unwrap();
        let mut found = Vec::new();
        changes(&log, outcome.out.trim(), home.path(), &mut found);
        let (inside, outside): (Vec<_>, Vec<_>) = found.into_iter().partition(|path| path.starts_with(&tmp));
        let elsewhere: Vec<_> = outside.iter().filter(|path| !path.starts_with("/dev")).collect();
        assert!(elsewhere.is_empty(), "{tried}: {elsewhere:?}");
        assert!(inside.iter().any(|path| path.ends_with("shared/project/new")), "{tried}: {inside:?}");
    }
}

#[test]
fn wrong_usage_is_told_and_changes_nothing() {
    let help = "hint: see ./install.sh --help\n";
    let table: &[(&[&str], &str)] = &[
        (&["--frm"], "unknown argument \"--frm\""),
        (&["--prefix"], "--prefix needs a value"),
        (&["--prefix="], "--prefix needs a value that is not empty"),
        (&["--from", ""], "--from needs a value that is not empty"),
        (&["-c", "x"], "-c goes with --try"),
        (&["--try", "-c"], "-c needs a command"),
        (&["--try", "--uninstall"], "--uninstall and --try do not go together"),
        (&["--try", "--rc"], "--try installs nothing: --prefix, --shared, --rc and --shell do not go with it"),
        (&["--try", "--shared", "x"], "--try installs nothing: --prefix, --shared, --rc and --shell do not go with it"),
        (&["--prefix", "x", "--shared", "y"], "--prefix and --shared do not go together"),
        (&["--shared="], "--shared needs a value that is not empty"),
        (
            &["--uninstall", "--from", PROGRAM],
            "--uninstall takes everything back: --from and --shell do not go with it",
        ),
    ];
    let hinted: &[(&[&str], &str)] = &[
        (
            &["--prefix", "--rc"],
            "--prefix needs a value, and --rc looks like an option\nhint: ./--rc if it is a name\n",
        ),
        (&["--try", "fish"], "--try knows no shell \"fish\"\nhint: zsh or bash\n"),
        (&["--rc", "--shell=ksh"], "\"ksh\" is no shell that hpcsh knows\nhint: zsh, bash or fish\n"),
        (&["--shell", "zsh"], "--shell goes with --rc\nhint: --try takes its shell as the next word\n"),
    ];
    for shell in shells() {
        let home = Home::new();
        for (words, wrong) in table {
            let told = format!("install.sh: error: {wrong}\n{help}");
            assert_eq!(installer(&home, shell, words), refused(2, &told));
        }
        for (words, told) in hinted {
            assert_eq!(installer(&home, shell, words), refused(2, &format!("install.sh: error: {told}")));
        }
        let absent = installer(&home, shell, &["--from", "none"]);
        assert_eq!(absent, refused(2, &format!("install.sh: error: --from: there is no file HOME/none\n{help}")));
        home.write("archive", "no program");
        let told = "install.sh: error: --from: HOME/archive is not hpcsh\nhint: name the program, not an archive that holds it\n";
        assert_eq!(installer(&home, shell, &["--from", "archive"]), refused(2, told));
        assert_eq!(names(&home), ["archive"]);

        let helped = installer(&home, shell, &["--help"]);
        assert_eq!((helped.err.as_str(), helped.status), ("", 0));
        assert!(helped.out.starts_with("Installs hpcsh, ") && helped.out.contains("\nExamples:\n"));
        let homeless = run(command(&home, shell, &["--from", PROGRAM]).env_remove("HOME"));
        assert_eq!(homeless, refused(1, "install.sh: error: HOME is not set to an absolute path\nhint: set HOME\n"));
    }
}

#[test]
fn busybox_alone_installs_and_uninstalls_and_a_missing_cargo_is_told() {
    if !has("busybox") {
        skip("busybox is not installed");
        return;
    }
    let home = Home::new();
    let bin = home.shared().join("bin");
    fs::create_dir(&bin).unwrap();
    assert_eq!(run(home.command("busybox").args(["--install", "-s"]).arg(&bin)).status, 0);
    let busybox = |words: &[&str]| {
        let mut command = home.command(bin.join("sh"));
        outcome(&home, command.arg(script()).args(words).env("PATH", &bin))
    };
    let told = "\
install.sh: error: cargo is not installed, so hpcsh cannot be built
hint: install Rust (https://rustup.rs), or name a program with --from FILE
";
    for words in [&[][..], &["--rc"], &["--dry-run"], &["--try", "bash"]] {
        assert_eq!(busybox(words), refused(1, told));
    }
    let told = "\
install.sh: error: none of zsh, bash and fish is installed
hint: name the shell of another node with --rc --shell zsh
";
    assert_eq!(busybox(INSTALL), refused(1, told));
    let told = "install.sh: error: bash is not installed\nhint: --try is for zsh and bash\n";
    assert_eq!(busybox(&["--from", PROGRAM, "--try", "-c", "true"]), refused(1, told));

    let given = small(&home);
    for (what, old) in odd() {
        let rc = home.write(".zshrc", &old);
        let words = ["--from", &given, "--rc", "--shell", "zsh"];
        assert_eq!(busybox(&words).status, 0, "{what}");
        assert!(fs::read(&rc).unwrap().starts_with(&old), "{what}");
        assert_eq!(busybox(&words), silent(NOTHING));
        assert_eq!(busybox(&["--uninstall"]).status, 0, "{what}");
        assert!(fs::read(&rc).unwrap() == old, "{what}");
        assert_eq!(names(&home), [".local/", ".local/bin/", ".zshrc"], "{what}");
    }
    let words = ["--from", &given, "--shared", "tools", "--rc", "--shell", "fish"];
    let done = busybox(&words);
    assert_eq!((done.status, done.err.contains("warning: others")), (0, false), "{}", done.err);
    assert_eq!(busybox(&words), silent(NOTHING));
    assert_eq!(busybox(&["--uninstall", "--shared", "tools"]).status, 0);
    assert!(!names(&home).iter().any(|name| name.contains("tools/") && !name.ends_with('/')));
}

#[test]
fn a_new_rc_file_follows_the_umask() {
    for shell in shells() {
        let home = Home::new();
        let mut words = vec!["-c", "umask 027; exec \"$@\"", "sh"];
        words.extend(shell);
        let script = script();
        words.extend([script.to_str().unwrap(), "--from", PROGRAM, "--rc", "--shell", "bash"]);
        assert_eq!(run(home.command("sh").args(&words)).status, 0);
        assert_eq!(fs::metadata(home.path().join(".bashrc")).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(fs::metadata(home.path().join(".local/bin/hpcsh")).unwrap().mode() & 0o7777, 0o755);
    }
}

#[test]
fn shellcheck_finds_nothing() {
    if !has("shellcheck") {
        skip("shellcheck is not installed");
        return;
    }
    assert_eq!(run(Command::new("shellcheck").args(["-s", "sh"]).arg(script())).clean(), "");
}
