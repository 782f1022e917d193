//! What lies on shared storage is read in a child: with the same outcome as any other file's, and never for long.
//!
//! The storage is pretended: a table of mounts in a world with a root of its own says that it is shared.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hpcsh::config::{self, Loaded};
use hpcsh::host::Host;
use hpcsh::host::patience::{Patience, answers};

use crate::storage::{Behaviour, Storage};
use crate::support::{Home, is_root};

/// A world in which `/far` is shared storage, which answers.
struct World(tempfile::TempDir);

const TABLE: &str = "1 0 8:1 / / rw - ext4 sda rw\n2 1 0:50 / /far rw shared:5 - nfs4 server:/far rw\n";

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        world.write("proc/self/mountinfo", TABLE);
        world
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let place = self.at(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, text).unwrap();
        fs::set_permissions(&place, Permissions::from_mode(0o644)).unwrap();
        place
    }

    fn host(&self) -> Host {
        let variables = [("HOME", "/far/ada"), ("USER", "ada"), ("HPCSH_CONFIG", "/far/named.toml")];
        Host::pretend(self.0.path(), &variables, Box::new(io::sink()), Box::new(io::sink()))
    }

    fn patience(&self, deadline: Duration) -> Patience {
        Patience { deadline, record: Some(self.at("reader")) }
    }

    /// What both ways of reading give, which is the same.
    fn loaded(&self, argument: Option<&str>) -> Loaded {
        let host = self.host();
        let argument = argument.map(Path::new);
        let direct = config::load(&host, argument);
        let within = config::load_within(&host, argument, &self.patience(Duration::from_secs(20)));
        let within = within.unwrap_or_else(|stale| panic!("{} is said to hang", stale.mount.display()));
        assert_eq!(within.loaded, direct);
        assert!(!self.at("reader").exists(), "the reader's record is left behind");
        // Without time for a child, nothing of it is read: so it was one that read it.
        let none = config::load_within(&host, argument, &self.patience(Duration::ZERO));
        assert_eq!(none.err().unwrap().mount, Path::new("/far"));
        direct
    }
}

const USER_FILE: &str = "far/ada/.config/hpcsh/config.toml";

#[test]
fn a_child_reads_what_a_direct_look_does() {
    type Case = (&'static str, Option<&'static str>, fn(&World, &Path));
    let cases: &[Case] = &[
        ("absent", None, |_, _| {}),
        ("good", None, |world, _| drop(world.write(USER_FILE, "env.set.GOOD = \"1\"\n"))),
        ("empty", None, |world, _| drop(world.write(USER_FILE, ""))),
        ("wrong", Some("there is no table [set]"), |world, _| {
            drop(world.write(USER_FILE, "env.set.GOOD = \"1\"\nset.GOD = 1\n"));
        }),
        ("a directory", Some("it is no regular file"), |_, file| fs::create_dir_all(file).unwrap()),
        ("a FIFO", Some("it is no regular file"), |world, file| {
            world.write(USER_FILE, "");
            fs::remove_file(file).unwrap();
            rustix::fs::mkfifoat(rustix::fs::CWD, file, rustix::fs::Mode::RUSR).unwrap();
        }),
        ("too large", Some("it is larger than 1 MiB"), |world, _| {
            drop(world.write(USER_FILE, vec![b'#'; (1 << 20) + 1]));
        }),
        ("as large as may be", None, |world, _| drop(world.write(USER_FILE, vec![b'#'; 1 << 20]))),
        ("not UTF-8", Some("this is not UTF-8 text"), |world, _| drop(world.write(USER_FILE, b"a = \"\xff\"\n"))),
        ("open to others", Some("others can write this file (mode 0664)"), |world, file| {
            world.write(USER_FILE, "env.set.GOOD = \"1\"\n");
            fs::set_permissions(file, Permissions::from_mode(0o664)).unwrap();
        }),
        ("a dangling link", Some("a link to a file that is not there"), |world, file| {
            world.write(USER_FILE, "");
            fs::remove_file(file).unwrap();
            symlink("/no/where", file).unwrap();
        }),
        ("a circle of links", Some("cannot be read: "), |world, file| {
            world.write(USER_FILE, "");
            fs::remove_file(file).unwrap();
            symlink(file, file).unwrap();
        }),
        ("a directory that is a file", None, |world, _| drop(world.write("far/ada/.config/hpcsh", ""))),
        ("a stranger's", Some("this file belongs to 4321"), |world, file| {
            world.write(USER_FILE, "env.set.GOOD = \"1\"\n");
            if is_root() {
                chown(file, Some(4321), None).unwrap();
            }
        }),
        ("a trusted owner's", None, |world, file| {
            world.write("etc/hpcsh/config.toml", "trusted_owners = [\"4321\"]\n");
            world.write(USER_FILE, "env.set.GOOD = \"1\"\n");
            if is_root() {
                chown(file, Some(4321), None).unwrap();
            }
        }),
    ];
    for (title, problem, prepare) in cases {
        let world = World::new();
        world.write("far/named.toml", "env.set.NAMED = \"1\"\n");
        prepare(&world, &world.at(USER_FILE));
        let loaded = world.loaded(None);
        let problems: Vec<_> = loaded.problems.iter().map(|problem| problem.message.as_str()).collect();
        match problem {
            Some(problem) if is_root() || !title.contains("stranger") => {
                assert!(problems.len() == 1 && problems[0].contains(problem), "{title}: {problems:?}");
            }
            _ => assert_eq!(problems, [""; 0], "{title}"),
        }
        assert!(loaded.settings.iter().any(|(name, _)| name == "env.set.NAMED"), "{title}");
    }
}

#[test]
fn files_that_are_named_and_not_there_are_told() {
    let world = World::new();
    let problems = world.loaded(Some("/far/argument.toml")).problems;
    let files: Vec<_> = problems.iter().map(|problem| (problem.file.to_str().unwrap(), &*problem.message)).collect();
    let message = "there is no such file";
    assert_eq!(files, [("/far/named.toml", message), ("/far/argument.toml", message)]);
}

#[test]
fn what_is_local_is_read_without_a_child() {
    let world = World::new();
    world.write("proc/self/mountinfo", TABLE.replace("nfs4", "ext4"));
    world.write(USER_FILE, "env.set.GOOD = \"1\"\n");
    let loaded = config::load_within(&world.host(), None, &world.patience(Duration::ZERO));
    assert_eq!(loaded.ok().unwrap().loaded, config::load(&world.host(), None));
}

#[test]
fn what_is_local_holds_where_the_shared_does_not_answer() {
    let world = World::new();
    world.write("etc/hpcsh/config.toml", "env.set.LOCAL = \"1\"\nxyzzy = 1\n");
    world.write(USER_FILE, "env.set.FAR = \"1\"\n");
    // By a link, and with the storage of the other files.
    symlink("/far/linked.toml", world.at("local.toml")).unwrap();
    let began = Instant::now();
    let stale = config::load_within(&world.host(), Some(Path::new("/local.toml")), &world.patience(Duration::ZERO));
    let stale = stale.err().unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(stale.mount, Path::new("/far"));
    assert_eq!(stale.unread, [&format!("/{USER_FILE}"), "/far/named.toml", "/local.toml"].map(PathBuf::from));
    let names: Vec<_> = stale.rest.settings.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["env.set.LOCAL"]);
    assert_eq!(stale.rest.problems.len(), 1);
}

/// The processes that wait for an answer of the storage, or for one that does.
fn waiting(storage: &Storage) -> usize {
    storage.waiting().len()
}

#[test]
fn hung_storage_costs_one_deadline_and_one_child() {
    const DEADLINE: Duration = Duration::from_millis(300);
    let home = Home::new();
    let file = home.shared().join("config.toml");
    fs::write(&file, "env.set.GOOD = \"1\"\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let link = home.path().join("link.toml");
    symlink(&file, &link).unwrap();
    let Some(storage) = home.slow_shared() else { return };
    let patience = Patience { deadline: DEADLINE, record: Some(home.path().join("reader")) };
    let load = |file: &Path| config::load_within(&Host::real(), Some(file), &patience).map_err(|stale| stale.mount);
    for file in [&file, &link] {
        assert!(load(file).unwrap().loaded.settings.iter().any(|(name, _)| name == "env.set.GOOD"));
        assert!(!home.path().join("reader").exists());
    }

    for behaviour in [Behaviour::Hang, Behaviour::HangIn("read")] {
        // What the kernel remembers of the directory it need not ask for.
        fs::rename(&file, home.shared().join("other")).unwrap();
        fs::copy(home.shared().join("other"), &file).unwrap();
        storage.behave(behaviour);
        for (at, file) in [&link, &file, &link].into_iter().enumerate() {
            let began = Instant::now();
            assert_eq!(load(file).err(), Some(home.shared()), "{behaviour:?}");
            let took = began.elapsed();
            assert!(if at == 0 { took >= DEADLINE && took < DEADLINE * 4 } else { took < DEADLINE / 2 }, "{took:?}");
            let began = Instant::now();
            assert!(!answers(&Host::real(), &home.shared().join("history"), &patience));
            assert!(began.elapsed() < DEADLINE / 2);
            assert_eq!(waiting(&storage), 1, "{behaviour:?}");
        }
        storage.behave(Behaviour::Answers);
        let began = Instant::now();
        while home.path().join("reader").exists() {
            assert!(began.elapsed() < Duration::from_secs(20), "it is through and its record is still there");
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(load(&link).is_ok());
        assert!(answers(&Host::real(), &home.shared().join("history"), &patience));
    }
    storage.behave(Behaviour::Error(rustix::io::Errno::STALE));
    let problems = load(&file).unwrap().loaded.problems;
    assert!(problems.iter().any(|problem| problem.message.contains("os error 116")), "{problems:?}");
}
