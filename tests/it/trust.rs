//! `hpcsh allow`, `deny`, `trust`: what they say, record and refuse.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use crate::entering::environment;
use crate::support::{Home, Outcome, PROGRAM, is_root, run, skip};

struct World {
    home: Home,
}

impl World {
    fn new() -> Self {
        let home = Home::new();
        environment(&home, "p");
        fs::create_dir_all(home.path().join("p/src")).unwrap();
        Self { home }
    }

    fn open(&self) {
        fs::set_permissions(self.home.path().join("p/.venv/bin"), fs::Permissions::from_mode(0o777)).unwrap();
    }

    /// Runs the program in this directory of the home; `HOME` stands for the home in what it says.
    fn says(&self, dir: &str, words: &[&str]) -> (String, i32) {
        let mut command = self.home.command(PROGRAM);
        let outcome: Outcome = run(command.args(words).current_dir(self.home.path().join(dir)));
        ((outcome.out + &outcome.err).replace(self.home.path().to_str().unwrap(), "HOME"), outcome.status)
    }

    fn asked(&self) -> (String, i32) {
        let environment = self.home.path().join("p/.venv");
        self.says("", &["trust", "--ask", "--", environment.to_str().unwrap()])
    }

    fn records(&self) -> Vec<std::path::PathBuf> {
        let dir = self.home.path().join(".local/state/hpcsh/trust");
        fs::read_dir(dir).map_or(Vec::new(), |entries| entries.map(|entry| entry.unwrap().path()).collect())
    }
}

fn said(text: &str, status: i32) -> (String, i32) {
    (text.to_owned(), status)
}

#[test]
fn a_word_is_recorded_once_found_from_below_and_taken_back() {
    let world = World::new();
    assert_eq!(world.asked(), said("", 0));
    assert_eq!(world.says("p/src", &["deny", "--dry-run"]), said("HOME/p/.venv would not be entered any more\n", 0));
    assert!(world.records().is_empty());
    assert_eq!(world.says("p/src", &["deny"]), said("HOME/p/.venv is not entered any more\n", 0));
    assert_eq!(world.says("p/src", &["deny"]), said("HOME/p/.venv: nothing to do\n", 0));
    let told = "hpcsh: HOME/p/.venv is not entered: it was denied; `hpcsh allow HOME/p/.venv` allows it\n";
    assert_eq!(world.asked(), said(told, 3));
    assert_eq!(world.says("", &["trust"]), said("denied      HOME/p/.venv\n", 0));
    assert_eq!(world.says("", &["trust", "p"]), said("not entered HOME/p/.venv  it was denied\n", 3));
    assert_eq!(world.says("", &["allow", "p"]), said("HOME/p/.venv is entered at the next visit\n", 0));
    assert_eq!(world.records().len(), 1, "one record for each environment");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(world.records()[0].parent().unwrap()), 0o700);
    assert_eq!(world.says("", &["trust"]), said("allowed     HOME/p/.venv\n", 0));
    assert_eq!(world.says("p", &["trust", "--forget", "."]).1, 0);
    assert!(world.records().is_empty());
    let nothing = "nothing was allowed or denied: environments are judged by owner and mode\n";
    assert_eq!(world.says("", &["trust"]), said(nothing, 0));
    assert_eq!(world.says("", &["trust", "--json"]), said("[]\n", 0));
}

#[test]
fn what_is_no_environment_is_told() {
    let world = World::new();
    let none = "error: there is no environment in HOME\nhint: an environment has a pyvenv.cfg: `uv venv` or `python3 -m venv .venv` makes one\n";
    assert_eq!(world.says("", &["allow"]), said(none, 1));
    assert_eq!(world.says("", &["trust", "."]), said(none, 1));
    let python = world.home.path().join("p/.venv/bin/python");
    fs::remove_file(&python).unwrap();
    symlink("/shared/uv_python/bin/python3.12", &python).unwrap();
    let dangling = "has a bin/python that leads to /shared/uv_python/bin/python3.12, which is not on this node";
    assert_eq!(world.says("", &["allow", "p"]), said(&format!("error: HOME/p/.venv {dangling}\n"), 1));
    let told = format!("hpcsh: HOME/p/.venv is not entered: it {dangling}\n");
    assert_eq!(world.asked(), said(&told, 3));
}

/// Whatever was looked at when it was allowed withdraws it when it changes.
#[test]
fn a_change_withdraws_what_was_allowed() {
    let changes: [(&str, &str); 4] = [
        ("another text", "printf 'home = /opt\\n' >p/.venv/pyvenv.cfg"),
        ("another directory", "cp -a p/.venv copy; rm -r p/.venv; mv copy p/.venv"),
        ("another bin", "cp -a p/.venv/bin copy; rm -r p/.venv/bin; mv copy p/.venv/bin"),
        ("gone", "rm -r p/.venv/bin"),
    ];
    for (what, change) in changes {
        let world = World::new();
        world.open();
        assert_eq!(world.says("", &["allow", "p"]).1, 0);
        assert_eq!(world.asked(), said("", 0));
        run(world.home.command("sh").args(["-c", change]));
        let (told, status) = world.asked();
        assert_eq!(status, 3, "{what}");
        assert!(
            what == "gone" || told.contains("it has changed since it was allowed, and can be written by others"),
            "{what}: {told}"
        );
        assert!(world.says("", &["trust"]).0.starts_with("stale       HOME/p/.venv  it ha"), "{what}");
        assert_eq!(world.says("", &["trust"]).1, 3, "{what}");
    }
}

/// Records that others may have written, or that are no records, say nothing; nor do those of another path.
#[test]
fn a_record_that_is_not_ours_says_nothing() {
    let world = World::new();
    world.open();
    world.says("", &["allow", "p"]);
    let record = world.records().remove(0);
    fs::set_permissions(&record, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(world.asked().1, 3, "writable by others");
    fs::set_permissions(&record, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(world.asked().1, 0);
    if is_root() {
        std::os::unix::fs::chown(&record, Some(4242), None).unwrap();
        assert_eq!(world.asked().1, 3, "another's");
        std::os::unix::fs::chown(&record, Some(0), None).unwrap();
    } else {
        skip("another user's record: not root");
    }
    let text = fs::read_to_string(&record).unwrap();
    for (what, other) in [
        ("another path", text.replace("/p/.venv", "/q/.venv")),
        ("no record", "{\"x\":".into()),
        ("empty", String::new()),
    ] {
        fs::write(&record, other).unwrap();
        assert_eq!(world.asked().1, 3, "{what}");
    }
    // A word of ours still finds its place.
    assert_eq!(world.says("", &["allow", "p"]).1, 0);
    assert_eq!(world.asked().1, 0);
}

/// A state directory that cannot be written is told, and costs nothing else.
#[test]
fn a_state_directory_that_cannot_be_written_is_told() {
    let world = World::new();
    world.home.configure("state_dir = \"/proc/none\"\n");
    let (told, status) = world.says("", &["deny", "p"]);
    assert!(
        status == 1 && told.starts_with("error: cannot write /proc/none/trust: ") && told.contains("\nhint: "),
        "{told}"
    );
    assert_eq!(world.asked().1, 0);
}
