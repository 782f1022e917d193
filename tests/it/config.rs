//! The configuration: what is told of a bad one, what still works then, which files count, and how the first is written.
//!
//! What `/etc` says is tested in this process, in a world with a root of its own; all else by the program itself.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use hpcsh::host::Host;

use crate::shells::Shell;
use crate::support::{Home, NOBODY, Outcome, PROGRAM, PROJECT, has, is_root, run, skip};

/// A configuration with a mistake in it.
struct Bad {
    title: &'static str,
    file: File,
    /// Whether `GOOD`, which stands beside the mistake, still reaches the shell.
    good: bool,
}

/// What lies where the configuration is looked for.
enum File {
    Text(&'static [u8]),
    Directory,
    Fifo,
    Large,
    Unreadable,
    DanglingLink,
    /// Nothing, though `HPCSH_CONFIG` names it.
    NamedByVariable,
    /// Nothing, though `--config` names it.
    NamedByArgument,
}

/// A mistake that costs itself alone.
const fn slip(title: &'static str, text: &'static str) -> Bad {
    Bad { title, file: File::Text(text.as_bytes()), good: true }
}

/// A mistake after which nothing of the file can be used.
const fn refused(title: &'static str, file: File) -> Bad {
    Bad { title, file, good: false }
}

static BAD: &[Bad] = &[
    slip("unknown key", "shared_hom = \"/gpfs\"\nenv.set.GOOD = \"1\"\n"),
    slip("unknown key that looks like none", "env.set.GOOD = \"1\"\nxyzzy = 1\n"),
    slip("unknown key in a table", "env.set.GOOD = \"1\"\n[node]\noffline_host = [\"gpu*\"]\n"),
    slip("unknown table", "[env.set]\nGOOD = \"1\"\n[environment]\nX = \"1\"\n"),
    slip("unknown table that looks like none", "[env.set]\nGOOD = \"1\"\n[xyzzy]\nX = \"1\"\n"),
    slip("key without its table", "presets = [\"uv\"]\n[env.set]\nGOOD = \"1\"\n"),
    slip("top key below a table", "[env.set]\nGOOD = \"1\"\n[env]\nshared_home = \"/gpfs\"\n"),
    slip("variable outside of env.set", "[env]\nHF_HOME = \"/gpfs/hf\"\n[env.set]\nGOOD = \"1\"\n"),
    slip("dots in quotes", "\"env.presets\" = [\"uv\"]\n[env.set]\nGOOD = \"1\"\n"),
    slip("string for a switch", "shell.hist = \"yes\"\nenv.set.GOOD = \"1\"\n"),
    slip("number for a path", "shared_home = 7\nenv.set.GOOD = \"1\"\n"),
    slip("boolean for a word", "node.verdict = true\nenv.set.GOOD = \"1\"\n"),
    slip("string for a list", "env.presets = \"uv\"\nenv.set.GOOD = \"1\"\n"),
    slip("number in a list", "path.prepend = [\"/a\", 7]\nenv.set.GOOD = \"1\"\n"),
    slip("negative count", "history.size = -5\nenv.set.GOOD = \"1\"\n"),
    slip("float for a count", "history.size = 1.5\nenv.set.GOOD = \"1\"\n"),
    slip("count too large", "history.size = 5_000_000_000\nenv.set.GOOD = \"1\"\n"),
    slip("table for a string", "env.set.GOOD = \"1\"\n[shared_home]\npath = \"/gpfs\"\n"),
    slip("table for a variable", "[env.set]\nGOOD = \"1\"\n[env.set.LD]\nx = \"1\"\n"),
    slip("string for a table", "node = \"offline\"\n[env.set]\nGOOD = \"1\"\n"),
    slip("array of tables for a table", "[env.set]\nGOOD = \"1\"\n[[node]]\nverdict = \"offline\"\n"),
    slip("float for a variable", "[env.set]\nGOOD = \"1\"\nX = 1.5\n"),
    slip("unknown preset", "[env]\npresets = [\"uv\", \"hugingface\"]\n[env.set]\nGOOD = \"1\"\n"),
    slip("unknown verdict", "[env.set]\nGOOD = \"1\"\n[node]\nverdict = \"never\"\n"),
    slip("unset variable with a near name", "state_dir = \"$HOM/state\"\nenv.set.GOOD = \"1\"\n"),
    slip("unset variable with no near name", "state_dir = \"/a/$SLURM_JOB_ID\"\nenv.set.GOOD = \"1\"\n"),
    slip("unset variable after the same name behind two dollars", "[env.set]\nGOOD = \"1\"\nX = \"$$FOO $FOO\"\n"),
    slip("unset variable in a string with escapes", "[env.set]\nGOOD = \"1\"\nX = \"\\t$FOO\"\n"),
    slip("dollar alone", "[env.set]\nGOOD = \"1\"\nPRICE = \"5 $\"\n"),
    slip("brace that is not closed", "[env.set]\nGOOD = \"1\"\nX = \"a ${HOME\"\n"),
    slip("shared_home used while unset", "state_dir = \"$shared_home/state\"\nenv.set.GOOD = \"1\"\n"),
    slip("relative path", "local_dir = \"scratch\"\nenv.set.GOOD = \"1\"\n"),
    slip("tilde", "path.prepend = [\"/a\", \"~/bin\"]\nenv.set.GOOD = \"1\"\n"),
    slip("dash in a variable's name", "[env.set]\nGOOD = \"1\"\nMY-VAR = \"1\"\n"),
    slip("digit first in a variable's name", "[env.set]\nGOOD = \"1\"\n1ST = \"1\"\n"),
    slip("code in a variable's name", "[env.set]\nGOOD = \"1\"\n\"X=1;touch.HERE\" = \"1\"\n"),
    slip("PATH as a variable", "[env.set]\nGOOD = \"1\"\nPATH = \"/bin\"\n"),
    slip("variable of hpcsh's own", "[env.set]\nGOOD = \"1\"\nHPCSH_OFFLINE = \"1\"\n"),
    slip("variable of the shell's own", "[env.offline]\nUID = \"0\"\n[env.set]\nGOOD = \"1\"\n"),
    slip("NUL in a value", "[env.set]\nGOOD = \"1\"\nX = \"a\\u0000b\"\n"),
    slip("separator in a value", "[env.set]\nGOOD = \"1\"\nX = \"a\\u001fb\"\n"),
    slip("escape sequence in a name", "\"\\u001b[31mred\" = 1\nenv.set.GOOD = \"1\"\n"),
    slip("unclosed string", "env.set.GOOD = \"1\"\nshared_home = \"/gpfs\nnode.verdict = \"offline\"\n"),
    slip("unclosed literal string", "env.set.GOOD = \"1\"\nshared_home = '/gpfs\n"),
    slip("unclosed long string", "env.set.GOOD = \"1\"\nshared_home = \"\"\"/gpfs\n"),
    slip("string without quotes", "shared_home = /gpfs\nenv.set.GOOD = \"1\"\n"),
    slip("no value", "shared_home =\nenv.set.GOOD = \"1\"\n"),
    slip("no equals sign", "shared_home \"/gpfs\"\nenv.set.GOOD = \"1\"\n"),
    slip("Python's True", "shell.hist = True\nenv.set.GOOD = \"1\"\n"),
    slip("duplicate key", "env.set.GOOD = \"1\"\nshared_home = \"/a\"\nshared_home = \"/b\"\n"),
    slip("duplicate table", "[env.set]\nGOOD = \"1\"\n[node]\n[env.set]\nX = \"1\"\n"),
    slip("unclosed array", "env.set.GOOD = \"1\"\n[path]\nprepend = [\"/a\",\n\"/b\"\n[node]\nverdict = \"offline\"\n"),
    slip("unclosed table", "env.set.GOOD = \"1\"\n[node\nverdict = \"offline\"\n"),
    slip("trusted_owners outside of /etc", "trusted_owners = [\"ada\"]\nenv.set.GOOD = \"1\"\n"),
    slip(
        "mistakes from top to bottom",
        "node.verdict = \"x\"\nshared_home = 1\nlocal_dir = \"$x\"\na = 1\nenv.set.GOOD = 1\n",
    ),
    slip("line ends of Windows", "env.set.GOOD = \"1\"\r\nshared_home = 7\r\nnode.verdict = \"\r\n"),
    slip("byte order mark", "\u{feff}shared_hom = \"/gpfs\"\nenv.set.GOOD = \"1\"\n"),
    slip("tabs before the mark", "[env.set]\nGOOD = \"1\"\n[node]\n\tverdict\t= \"of\"\n"),
    slip(
        "targets that are none",
        "[env.set]\nGOOD = \"1\"\n[node]\ntargets = [\"pypi.org\", \"ftp://x\", \"http://x/up\"]\n",
    ),
    slip(
        "domains that are none",
        "[env.set]\nGOOD = \"1\"\n[dns]\nallow = [\"corp.example\", \"*.corp\", \"10.0.0.1\", \".\"]\ndeny = [\"käse.de\"]\n",
    ),
    slip(
        "name servers that are none",
        "[env.set]\nGOOD = \"1\"\n[dns]\nupstream = [\"10.0.0.1\", \"ns.example\"]\nlisten = \"127.0.0.1\"\n",
    ),
    slip("no threads", "[env.set]\nGOOD = \"1\"\n[dns]\nthreads = 0\nwhen = \"online\"\ncache = \"all\"\n"),
    slip("wide text before the mark", "path.prepend = [\"/käse\", \"bin\"]\nenv.set.GOOD = \"1\"\n"),
    slip("wide letter in a key", "KÄSE = \"1\"\n[env.set]\nGOOD = \"1\"\n"),
    slip("inline table in a broken line", "[env.set]\nGOOD = \"1\"\n[env]\noffline = { X = \"1\", Y = }\n"),
    slip("last line without its end", "env.set.GOOD = \"1\"\nshared_home = 7"),
    Bad { title: "not UTF-8", file: File::Text(b"[env.set]\nGOOD = \"1\"\nX = \"k\xe4se\"\n"), good: false },
    Bad { title: "UTF-16", file: File::Text(b"\xff\xfea\0 \0=\0 \x001\0\n\0"), good: false },
    refused("directory", File::Directory),
    refused("FIFO", File::Fifo),
    refused("more than 1 MiB", File::Large),
    refused("unreadable", File::Unreadable),
    refused("link to nowhere", File::DanglingLink),
    refused("HPCSH_CONFIG names no file", File::NamedByVariable),
    refused("--config names no file", File::NamedByArgument),
];

impl Bad {
    /// A home with it, and the words that start the program there, for a shell.
    fn home(&self) -> (Home, String) {
        let home = match self.file {
            // Root reads everything.
            File::Unreadable => Home::of_nobody().unwrap_or_else(Home::new),
            _ => Home::new(),
        };
        let path = home.write(".config/hpcsh/config.toml", "");
        if !matches!(self.file, File::Text(_)) {
            fs::remove_file(&path).unwrap();
        }
        match self.file {
            File::Text(text) => fs::write(&path, text).unwrap(),
            File::Directory => fs::create_dir(&path).unwrap(),
            File::Fifo => assert!(Command::new("mkfifo").arg(&path).status().unwrap().success()),
            File::Large => fs::write(&path, "# none\n".repeat(150_000)).unwrap(),
            File::Unreadable => {
                fs::write(&path, "").unwrap();
                fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
            }
            File::DanglingLink => symlink("/nonexistent/config.toml", &path).unwrap(),
            File::NamedByVariable | File::NamedByArgument => {}
        }
        let start = match self.file {
            File::NamedByVariable => format!("HPCSH_CONFIG={}/none.toml '{PROGRAM}'", home.path().display()),
            File::NamedByArgument => format!("'{PROGRAM}' --config {}/none.toml", home.path().display()),
            _ => format!("'{PROGRAM}'"),
        };
        (home, start)
    }
}

/// Compares with `snapshots/NAME`, or with `HPCSH_TESTS_UPDATE=1` writes it: what changed is then seen in the diff.
#[track_caller]
fn snapshot(name: &str, found: &str) {
    let path = Path::new(PROJECT).join("tests/it/snapshots").join(name);
    let header = "# Rewritten by `HPCSH_TESTS_UPDATE=1 cargo test --test it config`: read the diff.\n";
    let found = format!("{header}{found}");
    if std::env::var_os("HPCSH_TESTS_UPDATE").is_some() {
        fs::write(&path, found).unwrap();
        return;
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    let differs = wanted.lines().zip(found.lines()).position(|(wanted, found)| wanted != found);
    let line = differs.unwrap_or_else(|| wanted.lines().count().min(found.lines().count())) + 1;
    assert!(wanted == found, "differs from {name} at line {line}; found:\n{found}");
}

fn in_shell(home: &Home, script: &str) -> Outcome {
    run(home.command("sh").arg("-c").arg(script))
}

#[test]
fn each_mistake_is_told_with_its_place_and_what_to_do() {
    let mut told = String::new();
    for bad in BAD {
        let (home, start) = bad.home();
        let Outcome { out, err, status } = in_shell(&home, &format!("{start} config check"));
        assert_eq!((out.as_str(), status), ("", 2), "{}: {err}", bad.title);
        let text = match bad.file {
            File::Text(text) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        };
        let text: String = text.split_inclusive('\n').map(|line| format!("    {}\n", shown(line))).collect();
        let err = err.replace(home.path().to_str().unwrap(), "HOME");
        told.push_str(&format!("\n== {}\n{text}--\n{err}", bad.title));
    }
    snapshot("config.txt", &told);
}

/// A line as it is, but for what an editor would not show.
fn shown(line: &str) -> String {
    let show = |c: char| match c {
        '\u{feff}' => "\\u{feff}".to_owned(),
        c if c.is_control() => c.escape_debug().to_string(),
        c => c.to_string(),
    };
    line.strip_suffix('\n').unwrap_or(line).chars().map(show).collect()
}

#[test]
fn no_mistake_costs_a_login_or_the_settings_beside_it() {
    for bad in BAD {
        for shell in Shell::ALL {
            let (home, start) = bad.home();
            let init = format!("{start} init {} --print", shell.name());
            let script = in_shell(&home, &init).clean();
            assert!(script.contains("`hpcsh config check` tells all"), "{}: no warning in {init}", bad.title);
            let good = if bad.good { "1" } else { "unset" };
            let session = format!(
                "eval \"$({init})\"; act /nonexistent 2>/dev/null; echo $? \"${{GOOD-unset}}\"; type mdcd >/dev/null"
            );
            let outcome = shell.bare(&home, true, &session);
            assert_eq!(outcome.clean(), format!("1 {good}\n"), "{}, {}", bad.title, shell.name());
        }
    }
    // The name of a variable is code's way in.
    let (home, start) = BAD.iter().find(|bad| bad.title.starts_with("code in")).unwrap().home();
    in_shell(&home, &format!("eval \"$({start} env)\""));
    assert!(!home.path().join("HERE").exists() && !home.path().join("touch.HERE").exists());
}

#[test]
fn a_file_that_is_no_configuration_at_all_costs_no_time_and_no_screen() {
    let home = Home::new();
    home.configure(&"x\n".repeat(200_000));
    let since = std::time::Instant::now();
    let outcome = home.hpcsh(&["config", "check"]);
    assert_eq!((outcome.out.as_str(), outcome.status), ("", 2));
    assert!(outcome.err.lines().count() < 500, "{}", outcome.err.lines().count());
    let end = "config.toml\n\nerror: the configuration has 51 problems\n";
    assert!(outcome.err.ends_with(end) && outcome.err.contains("has 50 mistakes or more: the rest is not told"));
    // A program that looks at the whole file for each of its lines takes minutes.
    assert!(since.elapsed().as_secs() < 20, "{:?}", since.elapsed());
}

#[test]
fn mistakes_are_told_to_programs_too() {
    let home = Home::new();
    let file = home.configure("shared_hom = 1\n");
    let Outcome { out, err, status } = home.hpcsh(&["config", "check", "--json"]);
    let wanted = serde_json::json!([{
        "file": file.to_str().unwrap(), "line": 1, "column": 1,
        "message": "there is no key `shared_hom`", "hint": "did you mean `shared_home`?",
    }]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap(), wanted);
    assert_eq!((err.as_str(), status), ("error: the configuration has a problem\n", 2));

    home.configure("");
    let Outcome { out, err, status } = home.hpcsh(&["config", "check", "--json"]);
    assert_eq!((out.as_str(), err.as_str(), status), ("[]\n", "the configuration is fine\n", 0));
}

#[test]
fn what_is_unusual_but_right_is_no_mistake() {
    for text in [
        "",
        "\u{feff}env.set.GOOD = \"1\"\n",
        "env.set.GOOD = \"1\"\r\n[node]\r\nverdict = \"offline\"\r\n",
        "env.set.GOOD = \"1\"",
        "env = { set = { GOOD = 1, B = true, \"C\" = '''\nx''' }, presets = [] } # ü\n",
        "env.set.GOOD = \"$$HOME ${HOME} $USER$HOSTNAME\"",
        "history.size = 0xf_f",
    ] {
        let home = Home::new();
        home.configure(text);
        assert_eq!(home.hpcsh(&["config", "check"]), fine(), "{text:?}");
    }
}

#[test]
fn a_wrong_value_lets_that_of_the_layer_before_hold() {
    let home = Home::new();
    home.configure("state_dir = \"/low\"\nlocal_dir = \"/low\"\n");
    let over = home.write("over.toml", "state_dir = \"$nothing\"\nlocal_dir = 7\n");
    let shown = home.hpcsh(&["--config", over.to_str().unwrap(), "config", "show"]);
    let low = |key: &str| shown.out.lines().any(|line| line.starts_with(&format!("{key} = \"/low\" ")));
    assert!(low("state_dir") && low("local_dir"), "{}", shown.out);
    assert_eq!(shown.err.matches("error: ").count(), 2, "{}", shown.err);
}

/// What a mistake with the whole of the user's file is told as.
fn told(message: &str, file: &Path, hint: &str) -> Outcome {
    let file = file.display();
    let err = format!("error: {message}\n --> {file}\nhint: {hint}\n\nerror: the configuration has a problem\n");
    Outcome { out: String::new(), err, status: 2 }
}

fn fine() -> Outcome {
    Outcome { out: String::new(), err: "the configuration is fine\n".into(), status: 0 }
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    for (mode, refused) in [(0o664, true), (0o646, true), (0o622, true), (0o644, false), (0o600, false), (0o755, false)]
    {
        let home = Home::new();
        let file = home.configure("env.set.GOOD = \"1\"\n");
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let wanted = if refused {
            let message = format!("others can write this file (mode {mode:04o}): nothing of it is used");
            told(&message, &file, &format!("chmod go-w {}", file.display()))
        } else {
            fine()
        };
        assert_eq!(home.hpcsh(&["config", "check"]), wanted);
        for shell in Shell::ALL {
            let outcome = shell.session(&home, "", "echo ${GOOD-unset}");
            assert_eq!(outcome.clean(), if refused { "unset\n" } else { "1\n" }, "{mode:o} in {}", shell.name());
        }
    }
}

#[test]
fn a_link_counts_by_the_file_it_leads_to() {
    let home = Home::new();
    let link = home.configure("");
    let file = home.write("dotfiles/hpcsh.toml", "env.set.GOOD = \"1\"\n");
    fs::remove_file(&link).unwrap();
    symlink(&file, &link).unwrap();
    assert_eq!(home.hpcsh(&["config", "check"]), fine());
    assert_eq!(Shell::Zsh.session(&home, "", "echo $GOOD").clean(), "1\n");
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    let message = "others can write this file (mode 0666): nothing of it is used";
    assert_eq!(home.hpcsh(&["config", "check"]), told(message, &link, &format!("chmod go-w {}", link.display())));
}

#[test]
fn a_file_of_a_stranger_is_refused_and_one_of_root_is_not() {
    let Some(home) = Home::of_nobody() else { return skip("only root can give a file to somebody else") };
    let file = home.configure("env.set.GOOD = \"1\"\n");
    assert_eq!(home.hpcsh(&["config", "check"]), fine(), "root's");
    chown(&file, Some(NOBODY), None).unwrap();
    assert_eq!(home.hpcsh(&["config", "check"]), fine(), "one's own");
    chown(&file, Some(4321), None).unwrap();
    let hint = "make it yours (cp, then mv), or let root put \"4321\" into trusted_owners in /etc/hpcsh/config.toml";
    assert_eq!(home.hpcsh(&["config", "check"]), told("this file belongs to 4321: nothing of it is used", &file, hint));
    assert_eq!(Shell::Bash.session(&home, "", "echo ${GOOD-unset}").clean(), "unset\n");
}

/// A world of its own: a root directory, variables, and the streams.
struct World {
    root: tempfile::TempDir,
    variables: Vec<(&'static str, &'static str)>,
}

/// A stream that the test reads when the world, which owns the other half, is gone.
#[derive(Clone, Default)]
struct Stream(Rc<RefCell<Vec<u8>>>);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl World {
    fn new(variables: &[(&'static str, &'static str)]) -> Self {
        let all = [("HOME", "/home/ada"), ("USER", "ada")].iter().chain(variables).copied().collect();
        Self { root: tempfile::tempdir().unwrap(), variables: all }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path.strip_prefix('/').unwrap())
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let place = self.at(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, text).unwrap();
        place
    }

    fn hpcsh(&self, words: &[&str]) -> Outcome {
        let (out, err) = (Stream::default(), Stream::default());
        let mut host = Host::pretend(self.root.path(), &self.variables, Box::new(out.clone()), Box::new(err.clone()));
        let words = ["hpcsh"].iter().chain(words).map(OsString::from);
        let status = hpcsh::run(&mut host, words).into();
        let text = |stream: Stream| String::from_utf8(stream.0.take()).unwrap();
        Outcome { out: text(out), err: text(err), status }
    }

    /// The line of `config show` for this key.
    fn shown(&self, words: &[&str], key: &str) -> String {
        let out = self.hpcsh(&[words, &["config", "show"]].concat()).clean();
        let line = out.lines().find(|line| line.starts_with(&format!("{key} "))).unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

const USER_FILE: &str = "/home/ada/.config/hpcsh/config.toml";

#[test]
fn a_trusted_owner_is_one_whom_the_systems_file_names() {
    if !is_root() {
        return skip("only root can give a file to somebody else");
    }
    let refused = |name: &str| {
        let hint = format!(
            "make it yours (cp, then mv), or let root put \"{name}\" into trusted_owners in /etc/hpcsh/config.toml"
        );
        told(&format!("this file belongs to {name}: nothing of it is used"), Path::new(USER_FILE), &hint)
    };
    let world = World::new(&[]);
    chown(world.write(USER_FILE, "env.set.GOOD = \"1\"\n"), Some(4321), None).unwrap();
    assert_eq!(world.hpcsh(&["config", "check"]), refused("4321"));
    world.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbob:x:4321:100::/home/bob:/bin/sh\n");
    assert_eq!(world.hpcsh(&["config", "check"]), refused("bob"));
    for (owners, trusted) in
        [("\"bob\"", true), ("\"ada\", \"4321\"", true), ("\"ada\", \"432\", \"\"", false), ("", false)]
    {
        world.write("/etc/hpcsh/config.toml", &format!("trusted_owners = [{owners}]\n"));
        let wanted = if trusted { fine() } else { refused("bob") };
        assert_eq!(world.hpcsh(&["config", "check"]), wanted, "{owners}");
        let script = world.hpcsh(&["env"]).out;
        assert_eq!(script.contains("GOOD"), trusted, "{owners}: {script}");
    }
    world.write("/etc/hpcsh/config.toml", "trusted_owners = [\"bob\"]\n");
    assert_eq!(world.shown(&[], "trusted_owners"), "trusted_owners = [\"bob\"] # system: /etc/hpcsh/config.toml:1");

    // Trust does not open a file that everybody can write, and a stranger cannot trust himself.
    fs::set_permissions(world.at(USER_FILE), Permissions::from_mode(0o666)).unwrap();
    let message = "others can write this file (mode 0666): nothing of it is used";
    assert_eq!(
        world.hpcsh(&["config", "check"]),
        told(message, Path::new(USER_FILE), &format!("chmod go-w {USER_FILE}"))
    );
    let world = World::new(&[]);
    chown(world.write(USER_FILE, "trusted_owners = [\"4321\"]\n"), Some(4321), None).unwrap();
    assert_eq!(world.hpcsh(&["config", "check"]), refused("4321"));
}

#[test]
fn each_layer_overrules_the_one_before() {
    let mut world = World::new(&[]);
    let text = |name: &str| {
        format!(
            "\nlocal_dir = \"/{name}\"\nenv.set.WHO = \"{name}\"\nenv.set.ONLY_{name} = \"1\"\nenv.skip = [\"{name}\"]\n"
        )
    };
    let holds = |world: &World, words: &[&str], layer: &str, file: &str, name: &str, names: &[&str]| {
        let origin = format!("# {layer}: {file}");
        assert_eq!(world.shown(words, "local_dir"), format!("local_dir = \"/{name}\" {origin}:2"));
        assert_eq!(world.shown(words, "env.set.WHO"), format!("env.set.WHO = \"{name}\" {origin}:3"));
        assert_eq!(world.shown(words, "env.skip"), format!("env.skip = [\"{name}\"] {origin}:5"), "replaced");
        let out = world.hpcsh(&[words, &["env"]].concat()).clean();
        let only = |name: &&&str| out.contains(&format!("ONLY_{name}"));
        assert_eq!(["S", "U", "X", "V", "A"].iter().filter(only).collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
    };
    assert_eq!(world.shown(&[], "local_dir"), "local_dir = \"/var/tmp/hpcsh-UID\" # default");
    world.write("/etc/hpcsh/config.toml", &text("S"));
    holds(&world, &[], "system", "/etc/hpcsh/config.toml", "S", &["S"]);
    world.write(USER_FILE, &text("U"));
    holds(&world, &[], "user", USER_FILE, "U", &["S", "U"]);

    // In place of ~/.config, not above it; and not if it is relative, as its specification has it.
    world.write("/xdg/hpcsh/config.toml", &text("X"));
    world.variables.push(("XDG_CONFIG_HOME", "xdg"));
    holds(&world, &[], "user", USER_FILE, "U", &["S", "U"]);
    world.variables.push(("XDG_CONFIG_HOME", "/xdg"));
    holds(&world, &[], "user", "/xdg/hpcsh/config.toml", "X", &["S", "X"]);

    world.write("/v.toml", &text("V"));
    world.variables.push(("HPCSH_CONFIG", ""));
    holds(&world, &[], "user", "/xdg/hpcsh/config.toml", "X", &["S", "X"]);
    world.variables.push(("HPCSH_CONFIG", "/v.toml"));
    holds(&world, &[], "HPCSH_CONFIG", "/v.toml", "V", &["S", "X", "V"]);
    world.write("/a.toml", &text("A"));
    holds(&world, &["--config", "/a.toml"], "--config", "/a.toml", "A", &["S", "X", "V", "A"]);

    let path = world.hpcsh(&["--config", "/none.toml", "config", "path"]);
    let wanted = "/etc/hpcsh/config.toml  # system\n/xdg/hpcsh/config.toml  # user\n/v.toml  # HPCSH_CONFIG\n/none.toml  # --config, not there\n";
    assert_eq!(path.clean(), wanted);

    // A file that two layers name is read once, as the later one.
    assert_eq!(world.hpcsh(&["--config", USER_FILE, "config", "path", "--json"]).clean().matches(USER_FILE).count(), 1);
}

#[test]
fn values_of_one_layer_may_speak_of_another_layers_shared_home() {
    let world = World::new(&[]);
    world.write("/etc/hpcsh/config.toml", "shared_home = \"/low\"\nstate_dir = \"$shared_home/$USER\"\n");
    world.write(USER_FILE, "shared_home = \"/high\"\n");
    assert_eq!(world.shown(&[], "state_dir"), "state_dir = \"/high/ada\" # system: /etc/hpcsh/config.toml:2");
}

#[test]
fn a_configuration_beside_the_program_lies_between_the_systems_and_the_users() {
    for place in ["prefix/bin", "prefix/bin/x86_64"] {
        let home = Home::new();
        let program = home.write(&format!("{place}/hpcsh"), fs::read(PROGRAM).unwrap());
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        let prefix = home.write("prefix/etc/hpcsh/config.toml", "env.set.P = \"1\"\nlocal_dir = \"/p\"\n");
        // By another name, as from a user's PATH.
        let link = home.path().join("hpcsh");
        symlink(&program, &link).unwrap();
        let shown = run(home.command(&link).args(["config", "show"])).clean();
        assert!(shown.contains(&format!("# prefix: {}:2\n", prefix.display())), "{shown}");
        let user = home.configure("env.set.U = \"1\"\nlocal_dir = \"/u\"\n");
        let shown = run(home.command(&link).args(["config", "show"])).clean();
        assert!(shown.contains(&format!("# user: {}:2\n", user.display())), "{shown}");
        assert!(shown.contains("env.set.P = \"1\"") && shown.contains("env.set.U = \"1\""), "{shown}");

        let paths = run(home.command(&link).args(["config", "path"])).clean();
        let layers: Vec<_> = paths.lines().map(|line| line.split_once("  # ").unwrap()).collect();
        assert_eq!(layers[0].0, "/etc/hpcsh/config.toml");
        assert_eq!(layers[1..], [(prefix.to_str().unwrap(), "prefix"), (user.to_str().unwrap(), "user")]);
    }
}

#[test]
fn each_value_is_shown_with_the_layer_that_said_it() {
    let home = Home::new();
    home.configure("shared_home = \"/gpfs\"\nstate_dir = \"$shared_home/state\"\n\n[env]\npresets = [\"uv\"]\nset.A = \"1\"\nset.B = 2\n");
    let over =
        home.write("over.toml", "[env.set]\nB = \"\\\"$$\\\"\"\n[shell]\nhist = false\n[history]\nsize = 0x10\n");
    let start = |words: &[&str]| {
        let out = run(home.command(PROGRAM).env("HPCSH_CONFIG", &over).args(words)).clean();
        out.replace(home.path().to_str().unwrap(), "HOME")
    };
    let text = start(&["config", "show"]);
    let json = start(&["config", "show", "--json"]);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(rows.len(), text.lines().count());
    let said: Vec<_> = rows.iter().filter(|row| row["layer"] != "default").map(|row| format!("{row}\n")).collect();
    snapshot("config-show.txt", &format!("\n== text\n{text}\n== --json, without the defaults\n{}", said.concat()));
}

#[test]
fn the_configuration_is_read_in_four_system_calls() {
    if !has("strace") {
        return skip("no strace");
    }
    let home = Home::new();
    let file = home.configure("env.set.GOOD = \"1\"\n");
    let trace = home.path().join("trace");
    let outcome = run(home.command("strace").arg("-y").arg("-o").arg(&trace).args([PROGRAM, "init", "zsh", "--print"]));
    assert!(outcome.clean().contains("GOOD"));
    let trace = fs::read_to_string(trace).unwrap();
    let calls: Vec<_> = trace
        .lines()
        // A debug build's library looks whether the file is still open before it closes it.
        .filter(|line| line.contains(file.to_str().unwrap()) && !line.starts_with("fcntl("))
        // Outside of the root's mount it is first found out where the way leads.
        .filter(|line| !(line.starts_with("readlink") || line.starts_with("openat2(") && line.contains(" = -1 ")))
        .map(|line| line.split('(').next().unwrap().replace("newfstatat", "fstat").replace("statx", "fstat"))
        .collect();
    assert_eq!(calls, ["openat", "fstat", "read", "close"].map(|call| call.replace("openat", &calls[0])), "{trace}");
    assert!(["open", "openat", "openat2"].contains(&calls[0].as_str()), "{trace}");
    // Of the open file: a look at the name could be answered by another file.
    let stat = trace.lines().find(|line| line.contains("stat") && line.contains(file.to_str().unwrap())).unwrap();
    assert!(stat.split_once('(').unwrap().1.starts_with(|c: char| c.is_ascii_digit()), "{stat}");
}

/// What `config init` writes for this shared home.
fn first(home: &Home) -> String {
    let out = home.hpcsh(&["config", "init", "--shared-home", "/gpfs", "--dry-run"]).out;
    assert!(out.contains("\nshared_home = \"/gpfs\"\n") && out.ends_with("]\n"), "{out}");
    out
}

fn dir(path: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn the_first_configuration_is_written_once_and_is_right() {
    let home = Home::new();
    let file = home.path().join(".config/hpcsh/config.toml");
    let words = ["config", "init", "--shared-home", "/gpfs"];
    let said = |err: String| Outcome { out: String::new(), err, status: 0 };

    let dry = home.hpcsh(&[&words[..], &["--dry-run"]].concat());
    assert_eq!((dry.err, dry.status), (format!("would write {}:\n", file.display()), 0));
    assert_eq!(dir(&home.path()), [""; 0], "a dry run writes nothing");

    let wrote = format!("wrote {}: the shared home is /gpfs\n", file.display());
    assert_eq!(home.hpcsh(&words), said(wrote));
    assert_eq!(fs::read_to_string(&file).unwrap(), dry.out);
    assert_eq!(dir(file.parent().unwrap()), ["config.toml"], "nothing is left beside it");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7133, 0, "read by all, written by me");
    assert_eq!(home.hpcsh(&["config", "check"]), fine());

    fs::write(&file, "# mine\n").unwrap();
    assert_eq!(home.hpcsh(&words), said(format!("{} is there already: nothing changed\n", file.display())));
    assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n");
}

#[test]
fn the_first_configuration_goes_where_it_is_asked_to() {
    let home = Home::new();
    let (one, two) = (home.path().join("a/one.toml"), home.path().join("b/two.toml"));
    let init = ["config", "init", "--shared-home", "/gpfs"];
    run(home.command(PROGRAM).env("HPCSH_CONFIG", &one).args(init));
    run(home.command(PROGRAM).env("HPCSH_CONFIG", &one).arg("--config").arg(&two).args(init));
    let wanted = first(&home);
    assert_eq!([one, two].map(|path| fs::read_to_string(path).unwrap()), [wanted.clone(), wanted]);
    assert_eq!(dir(&home.path()).len(), 2, "and nowhere else");
}

#[test]
fn a_shared_home_of_any_name_is_written_so_that_it_reads_back() {
    for name in ["/a b", "/$HOME/$$", "/it's \"x\"", "/back\\slash\\", "/käse", "/#hash"] {
        let home = Home::new();
        let init = home.hpcsh(&["config", "init", "--shared-home", name]);
        assert_eq!((init.out.as_str(), init.status), ("", 0), "{}", init.err);
        assert_eq!(home.hpcsh(&["config", "check"]), fine(), "{name}");
        let rows = home.hpcsh(&["config", "show", "--json"]).clean();
        let rows: Vec<serde_json::Value> = serde_json::from_str(&rows).unwrap();
        let quoted = rows[0]["value"].as_str().unwrap();
        assert_eq!(
            (&rows[0]["key"], serde_json::from_str(quoted).ok()),
            (&"shared_home".into(), Some(name.to_owned()))
        );
    }
    for (name, message, hint) in [
        ("gpfs", "the shared home gpfs is no absolute path", "begin it with /"),
        (
            "/a\u{1f}",
            "a configuration cannot name the shared home /a\u{1f}",
            "it is UTF-8 text without control characters",
        ),
    ] {
        let home = Home::new();
        let err = format!("error: {message}\nhint: {hint}\n");
        let wanted = Outcome { out: String::new(), err, status: 2 };
        assert_eq!(home.hpcsh(&["config", "init", "--shared-home", name]), wanted);
        assert_eq!(dir(&home.path()), [""; 0]);
    }
}

#[test]
fn a_mounted_shared_file_system_is_proposed_and_not_touched() {
    let world = World::new(&[]);
    // Nothing of it is there: whoever touched it would find nothing, and on a node with a hung mount never come back.
    world.write(
        "/proc/self/mountinfo",
        "22 1 0:49 / / rw - nfs4 server:/images/node rw\n23 22 0:4 / /proc rw - proc proc rw\n\
         24 22 0:50 / /home rw shared:5 - nfs4 server:/home rw\n25 22 0:51 / /big\\040data/$x rw - lustre data rw\n",
    );
    let init = world.hpcsh(&["config", "init"]);
    let err = format!("wrote {USER_FILE}: the shared home is /big data/$x\n");
    assert_eq!(init, Outcome { out: String::new(), err, status: 0 });
    assert!(!world.at("/big data").exists());
    assert_eq!(world.hpcsh(&["config", "check"]), fine());
    let shown = "shared_home = \"/big data/$x\" # user: /home/ada/.config/hpcsh/config.toml:4";
    assert_eq!(world.shown(&[], "shared_home"), shown);

    let err = "error: no shared file system is mounted here\nhint: name it with --shared-home DIR\n".to_owned();
    let none = Outcome { out: String::new(), err, status: 2 };
    for table in [
        None,
        Some(""),
        Some("22 1 0:49 / / rw - nfs4 server:/images/node rw\n24 22 8:1 / /home rw - ext4 sda rw\nx\n"),
    ] {
        let world = World::new(&[]);
        if let Some(table) = table {
            world.write("/proc/self/mountinfo", table);
        }
        assert_eq!(world.hpcsh(&["config", "init"]), none, "{table:?}");
        assert!(!world.at("/home").exists());
    }
}

#[test]
fn a_home_that_cannot_be_written_is_told() {
    let home = Home::of_nobody().unwrap_or_else(Home::new);
    if is_root() {
        chown(home.path(), Some(0), Some(0)).unwrap();
    }
    fs::set_permissions(home.path(), Permissions::from_mode(0o555)).unwrap();
    let file = home.path().join(".config/hpcsh/config.toml");
    let err = format!("error: cannot write {}: Permission denied (os error 13)\n", file.display());
    let wanted = Outcome { out: String::new(), err, status: 1 };
    assert_eq!(home.hpcsh(&["config", "init", "--shared-home", "/gpfs"]), wanted);
}

#[test]
fn killed_anywhere_there_is_no_configuration_or_a_whole_one() {
    if !has("strace") {
        return skip("no strace");
    }
    let whole = first(&Home::new());
    let mut kills = Vec::new();
    for call in [
        "mkdir", "mkdirat", "open", "openat", "write", "writev", "fsync", "link", "linkat", "unlink", "unlinkat",
        "close",
    ] {
        for when in 1..100 {
            let home = Home::new();
            let file = home.path().join(".config/hpcsh/config.toml");
            let words = ["config", "init", "--shared-home", "/gpfs"];
            let mut strace = home.command("strace");
            // `?`: not every architecture has every call.
            strace
                .arg("-e")
                .arg(format!("trace=?{call}"))
                .arg("-e")
                .arg(format!("inject=?{call}:signal=KILL:when={when}"));
            let killed = run(strace.arg("-o").arg("/dev/null").arg(PROGRAM).args(words));
            let found = fs::read_to_string(&file).ok();
            if killed.status == 0 {
                assert_eq!(found.as_ref(), Some(&whole));
                break;
            }
            assert!(found.is_none() || found.as_ref() == Some(&whole), "{call} {when}: {found:?}");
            kills.push((call, found.is_some()));
            // What a killed run leaves behind is in nobody's way.
            assert_eq!(home.hpcsh(&words).status, 0, "{call} {when}");
            assert_eq!(fs::read_to_string(&file).unwrap(), whole, "{call} {when}");
        }
    }
    // Both were seen, or the killing did not reach the writing.
    assert!(
        kills.iter().any(|(_, there)| *there) && kills.iter().any(|(call, there)| *call == "fsync" && !there),
        "{kills:?}"
    );
}
