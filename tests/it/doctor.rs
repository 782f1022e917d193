//! `hpcsh doctor`: what it finds where something is really wrong, and whether what it tells to run mends that.

mod hung;
mod names;
mod places;
mod shell;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Home, NOBODY, PROGRAM, run, skip};

/// What a run has found.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    value: Value,
    err: String,
    status: i32,
}

impl Seen {
    /// Of `hpcsh doctor --json` with what else the command says. A reader of JSON takes all of its output, and no less.
    #[track_caller]
    fn of(command: &mut Command) -> Self {
        let outcome = run(command.arg("--json"));
        let value: Value = serde_json::from_str(&outcome.out).unwrap_or_else(|error| panic!("{error}: {outcome:?}"));
        let seen = Self { value, err: outcome.err, status: outcome.status };
        let count = |level: &str| seen.findings().iter().filter(|finding| finding["level"] == level).count();
        assert_eq!(
            (seen.value["problems"].as_u64(), seen.value["notes"].as_u64()),
            (Some(count("problem") as u64), Some(count("note") as u64))
        );
        assert_eq!(seen.status, if count("problem") > 0 { 3 } else { 0 }, "{seen:?}");
        seen
    }

    fn findings(&self) -> &[Value] {
        self.value["findings"].as_array().unwrap()
    }

    /// The findings of a level, as `CHECK: MESSAGE`.
    fn all(&self, level: &str) -> Vec<String> {
        let is_it = |finding: &&Value| finding["level"] == level;
        let text = |finding: &Value| {
            format!("{}: {}", finding["check"].as_str().unwrap(), finding["message"].as_str().unwrap())
        };
        self.findings().iter().filter(is_it).map(text).collect()
    }

    fn problems(&self) -> Vec<String> {
        self.all("problem")
    }

    fn notes(&self) -> Vec<String> {
        self.all("note")
    }

    /// The only finding whose message has this in it.
    #[track_caller]
    fn one(&self, part: &str) -> &Value {
        let found: Vec<&Value> =
            self.findings().iter().filter(|finding| finding["message"].as_str().unwrap().contains(part)).collect();
        assert_eq!(found.len(), 1, "{part:?} is not found once: {self:#?}");
        found[0]
    }

    /// The first command of that finding.
    #[track_caller]
    fn command(&self, part: &str) -> String {
        self.one(part)["mends"][0]["command"].as_str().unwrap_or_else(|| panic!("no command: {self:#?}")).to_owned()
    }
}

/// A home in which nothing is wrong: a configuration, the line for bash, a storage.
fn sound() -> Home {
    let home = Home::new();
    home.configure("shared_home = \"SHARED\"\nenv.presets = [\"huggingface\"]\n[node]\nverdict = \"offline\"\n");
    home.write(".bashrc", "eval \"$(hpcsh init bash)\"\n");
    home
}

/// `hpcsh doctor` in this home, for somebody who logs in with bash.
fn doctor(home: &Home) -> Command {
    let mut command = home.command(PROGRAM);
    command.env("SHELL", "/bin/bash").arg("doctor");
    command
}

fn seen(home: &Home) -> Seen {
    Seen::of(&mut doctor(home))
}

/// Runs what is told to be run, as it stands.
#[track_caller]
fn obey(home: &Home, command: &str) {
    let outcome = run(home.command("sh").arg("-c").arg(format!("hpcsh() {{ '{PROGRAM}' \"$@\"; }}\n{command}")));
    assert_eq!(outcome.status, 0, "{command}: {outcome:?}");
}

/// Every path below a directory, with its bytes or its target, its mode and its owner.
fn tree(dir: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let mut found = Vec::new();
    let mut ahead = vec![dir.to_owned()];
    while let Some(path) = ahead.pop() {
        let at = fs::symlink_metadata(&path).unwrap();
        let bytes = match () {
            () if at.is_symlink() => fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes(),
            () if at.is_file() => fs::read(&path).unwrap(),
            () => Vec::new(),
        };
        if at.is_dir() {
            ahead.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        found.push((path.to_str().unwrap().to_owned(), at.permissions().mode(), bytes));
    }
    found.sort();
    found
}

#[test]
fn where_nothing_is_wrong_it_says_so_and_changes_nothing() {
    let home = sound();
    seen(&home);
    let before = tree(home.path().parent().unwrap());
    let found = seen(&home);
    assert_eq!((found.problems(), found.notes()), (vec![], vec![]), "{found:#?}");
    assert_eq!((found.err.as_str(), found.status), ("", 0));
    let config = home.path().join(".config/hpcsh/config.toml");
    assert_eq!(found.one("nothing is wrong with")["message"], format!("nothing is wrong with {}", config.display()));
    let outcome = run(&mut doctor(&home));
    assert_eq!((outcome.err.as_str(), outcome.status), ("nothing is wrong\n", 0), "{}", outcome.out);
    let levels: Vec<&str> = outcome.out.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert!(levels.len() >= 5 && levels.iter().all(|level| *level == "ok"), "{}", outcome.out);
    assert!(!outcome.out.contains('\u{1b}'));
    let outcome = run(doctor(&home).arg("--fix"));
    assert_eq!(outcome.err, "nothing to do: there is nothing that hpcsh may mend by itself\nnothing is wrong\n");
    assert_eq!(tree(home.path().parent().unwrap()), before);
}

/// Each finding of a level, and each key of it, is one that the README promises.
#[test]
fn the_values_for_programs_are_those_that_the_readme_tells() {
    let home = sound();
    home.configure("[env]\nprests = [\"uv\"]\n");
    let found = seen(&home);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&found.value), ["findings", "fixed", "notes", "problems", "version"]);
    for finding in found.findings() {
        assert_eq!(keys(finding), ["check", "column", "file", "hint", "level", "line", "mends", "message"]);
        for mend in finding["mends"].as_array().unwrap() {
            assert_eq!(keys(mend), ["command", "does", "fix", "root"]);
        }
    }
}

#[test]
fn a_broken_configuration_is_a_finding_with_its_place() {
    for (text, message, place, hint) in [
        (
            "\n[env]\nprests = [\"uv\"]\n",
            "there is no key `env.prests`",
            Some((3, 1)),
            Some("did you mean `env.presets`?"),
        ),
        ("shared_home = 5\n", "`shared_home` wants", Some((1, 15)), Some("put quotes around it")),
        ("shared_home = \"/x\n", "", Some((1, 18)), None),
        ("[env.set]\nX = \"$NOWHERE\"\n", "NOWHERE", Some((2, 6)), None),
        ("\u{1}", "", Some((1, 1)), None),
    ] {
        let home = sound();
        let file = home.configure(text);
        let found = seen(&home);
        let first = &found.findings()[0];
        assert_eq!((&first["check"], &first["level"]), (&Value::from("config"), &Value::from("problem")), "{text:?}");
        assert!(first["message"].as_str().unwrap().contains(message), "{text:?}: {first}");
        assert_eq!(first["file"], file.to_str().unwrap(), "{text:?}");
        assert_eq!(
            (first["line"].as_u64(), first["column"].as_u64()),
            (place.map(|at| at.0), place.map(|at| at.1)),
            "{text:?}"
        );
        if hint.is_some() {
            assert_eq!(first["hint"].as_str(), hint, "{text:?}");
        }
        let (line, column) = place.unwrap();
        assert_eq!(first["mends"][0]["command"], format!("${{EDITOR:-vi}} +{line} {}", file.display()));
        let said = run(&mut doctor(&home)).out;
        assert!(said.starts_with(&format!("problem  config: {}:{line}:{column}: ", file.display())), "{said}");
    }
    let home = sound();
    let found = Seen::of(doctor(&home).args(["--config", "/no/where.toml"]));
    assert_eq!(found.problems(), ["config: there is no such file"]);
    // What it says to open an editor with is what an editor gets.
    let file = home.configure("x = 1\n");
    let blank = home.path().join("a b");
    fs::create_dir_all(blank.join("hpcsh")).unwrap();
    fs::rename(file, blank.join("hpcsh/config.toml")).unwrap();
    let found = Seen::of(doctor(&home).env("XDG_CONFIG_HOME", &blank));
    let words = run(home.command("sh").env("EDITOR", "printf [%s]").arg("-c").arg(found.command("there is no key")));
    assert_eq!(words.out, format!("[+1][{}/hpcsh/config.toml]", blank.display()));
}

#[test]
fn a_configuration_that_others_can_write_is_refused_until_it_is_closed() {
    let home = sound();
    let file = home.configure("shared_home = \"SHARED\"\nnode.verdict = \"offline\"\n");
    let blank = home.path().join("it's");
    fs::create_dir_all(blank.join("hpcsh")).unwrap();
    fs::rename(&file, blank.join("hpcsh/config.toml")).unwrap();
    fs::set_permissions(blank.join("hpcsh/config.toml"), Permissions::from_mode(0o666)).unwrap();
    let here = || {
        let mut command = doctor(&home);
        command.env("XDG_CONFIG_HOME", &blank);
        command
    };
    let found = Seen::of(&mut here());
    assert_eq!(found.problems(), ["config: others can write this file (mode 0666): nothing of it is used"]);
    // What others may have written there, somebody is to read before.
    assert_eq!(Seen::of(here().arg("--fix")).problems(), found.problems());
    let command = found.command("others can write");
    assert!(command.starts_with("chmod go-w '"), "{command}");
    obey(&home, &command);
    assert_eq!(Seen::of(&mut here()).problems(), [""; 0]);
    let Some(theirs) = Home::of_nobody() else {
        skip("only root can give a file to somebody else");
        return;
    };
    let file = theirs.configure("shared_home = \"SHARED\"\n");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let message = "config: cannot be read: Permission denied (os error 13)";
    assert_eq!(Seen::of(doctor(&theirs).env("HPCSH_EXPORTS", "x")).problems(), [message]);
    chown(blank.join("hpcsh/config.toml"), Some(NOBODY), None).unwrap();
    let found = Seen::of(&mut here());
    assert_eq!(found.problems(), ["config: this file belongs to nobody: nothing of it is used"]);
    assert!(found.one("belongs to nobody")["hint"].as_str().unwrap().contains("trusted_owners"));
}

#[test]
fn a_first_configuration_is_proposed() {
    let home = Home::new();
    home.write(".bashrc", "eval \"$(hpcsh init bash)\"\n");
    let found = seen(&home);
    assert_eq!(found.command("nothing is configured"), "hpcsh config init");
    assert_eq!(found.problems(), [""; 0]);
}
