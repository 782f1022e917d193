//! The power fails at whatever moment: what was synced is there, and of the rest any of the parts that a file system may keep.
//!
//! The model: the calls of a run are replayed, and after each of them the node stops. A file's bytes, mode and owner last since its
//! own `fsync`, a directory's names since that of the directory. What was not synced is lost or not, all names or none, all bytes or
//! none; and a file that got longer may have zeros there. From each of these states `restore` brings the original back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;

use super::nothing_is_left;
use super::world::{KINDS, Kind, USUAL, World};
use crate::support::{PROGRAM, has, run, skip};

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Content {
    bytes: Vec<u8>,
    mode: u32,
    owner: (u32, u32),
}

#[derive(Clone, Debug)]
enum Inode {
    Dir { now: BTreeMap<String, usize>, synced: BTreeMap<String, usize> },
    File { now: Content, synced: Content },
    Link { target: String, owner: (u32, u32) },
}

/// What a file system has after the power came back.
#[derive(Clone, Copy, Debug)]
struct Keeps {
    names: bool,
    bytes: Bytes,
}

#[derive(Clone, Copy, Debug)]
enum Bytes {
    Synced,
    All,
    /// The synced ones, and zeros up to the length that there was.
    Zeros,
}

const MODELS: [Keeps; 5] = [
    Keeps { names: false, bytes: Bytes::Synced },
    Keeps { names: false, bytes: Bytes::All },
    Keeps { names: true, bytes: Bytes::Synced },
    Keeps { names: true, bytes: Bytes::Zeros },
    Keeps { names: true, bytes: Bytes::All },
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Dir,
    File(Content),
    Link(String, (u32, u32)),
}

/// Paths and what is there.
type State = BTreeMap<String, Node>;

/// Where files are followed.
const ROOTS: [&str; 2] = ["/etc", "/var/lib"];

struct Disk {
    inodes: Vec<Inode>,
    roots: BTreeMap<&'static str, usize>,
    open: BTreeMap<String, (usize, usize)>,
}

impl Disk {
    /// What a node has now, all of it synced.
    fn of(world: &World) -> Self {
        let mut disk = Self { inodes: Vec::new(), roots: BTreeMap::new(), open: BTreeMap::new() };
        for root in ROOTS {
            let number = disk.load(&world.seen(root)).unwrap();
            disk.roots.insert(root, number);
        }
        disk
    }

    fn add(&mut self, inode: Inode) -> usize {
        self.inodes.push(inode);
        self.inodes.len() - 1
    }

    fn load(&mut self, path: &Path) -> Option<usize> {
        let found = fs::symlink_metadata(path).ok()?;
        let owner = (found.uid(), found.gid());
        Some(if found.is_dir() {
            let mut names = BTreeMap::new();
            for entry in fs::read_dir(path).unwrap() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                // Of /etc only what is ours to change.
                if name.contains("resolv.conf") || path.to_str().unwrap().contains("lib") {
                    names.insert(name, self.load(&entry.path())?);
                }
            }
            self.add(Inode::Dir { now: names.clone(), synced: names })
        } else if found.is_symlink() {
            let target = fs::read_link(path).unwrap().to_str().unwrap().to_owned();
            self.add(Inode::Link { target, owner })
        } else {
            let content = Content { bytes: fs::read(path).unwrap(), mode: found.mode() & 0o7777, owner };
            self.add(Inode::File { now: content.clone(), synced: content })
        })
    }

    fn names(&mut self, dir: usize) -> &mut BTreeMap<String, usize> {
        match &mut self.inodes[dir] {
            Inode::Dir { now, .. } => now,
            other => panic!("no directory: {other:?}"),
        }
    }

    /// The directory of a path and its name in it; `None` for what is not followed.
    fn place(&mut self, path: &str) -> Option<(usize, String)> {
        let (root, rest) = ROOTS.iter().find_map(|root| Some((root, path.strip_prefix(root)?.strip_prefix('/')?)))?;
        let mut at = self.roots[root];
        let mut parts = rest.split('/').peekable();
        loop {
            let part = parts.next()?;
            if parts.peek().is_none() {
                return Some((at, part.to_owned()));
            }
            at = *self.names(at).get(part)?;
        }
    }

    fn find(&mut self, path: &str) -> Option<usize> {
        if let Some(root) = self.roots.get(path) {
            return Some(*root);
        }
        let (dir, name) = self.place(path)?;
        self.names(dir).get(&name).copied()
    }

    fn content(&mut self, file: usize) -> &mut Content {
        match &mut self.inodes[file] {
            Inode::File { now, .. } => now,
            other => panic!("no file: {other:?}"),
        }
    }

    /// Replays one call; whether it is one that changes something here.
    #[allow(clippy::too_many_lines, clippy::similar_names)] // one arm for each call of the kernel's
    fn replay(&mut self, line: &str) -> bool {
        let Some((call, rest)) = line.split_once('(') else { return false };
        let Some((words, result)) = rest.rsplit_once(") = ").or_else(|| rest.rsplit_once(')')) else { return false };
        let result = result.trim_start_matches([' ', '=']).split(['<', ' ']).next().unwrap();
        if result.starts_with('-') {
            return false;
        }
        let words: Vec<String> = words.split(", ").map(str::to_owned).collect();
        let text = |word: &str| plain(word.trim_matches('"'));
        let path = |word: &str| String::from_utf8(text(word)).unwrap();
        // `4</etc/resolv.conf>`, and the directory itself for names below it.
        let file = |word: &str| word.split('<').next().unwrap().to_owned();
        let below = |dir: &str, name: &str| {
            let name = path(name);
            let dir = dir.split_once('<').map(|(_, dir)| path(dir.trim_end_matches('>'))).unwrap_or_default();
            if name.starts_with('/') { name } else { format!("{dir}/{name}") }
        };
        match call {
            "openat" | "open" => {
                let at = usize::from(call == "openat");
                let name = path(&words[at]);
                let found = match self.find(&name) {
                    Some(found) => found,
                    None if words[at + 1].contains("O_CREAT") => {
                        let Some((dir, name)) = self.place(&name) else { return false };
                        let mode = u32::from_str_radix(&words[at + 2], 8).unwrap();
                        let now = Content { mode, ..Content::default() };
                        let made = self.add(Inode::File { now, synced: Content::default() });
                        self.names(dir).insert(name, made);
                        self.open.insert(result.to_owned(), (made, 0));
                        return true;
                    }
                    None => {
                        self.open.remove(result);
                        return false;
                    }
                };
                self.open.insert(result.to_owned(), (found, 0));
                false
            }
            "mkdir" => {
                let Some((dir, name)) = self.place(&path(&words[0])) else { return false };
                let made = self.add(Inode::Dir { now: BTreeMap::new(), synced: BTreeMap::new() });
                self.names(dir).insert(name, made);
                true
            }
            "symlink" => {
                let Some((dir, name)) = self.place(&path(&words[1])) else { return false };
                let made = self.add(Inode::Link { target: path(&words[0]), owner: (0, 0) });
                self.names(dir).insert(name, made);
                true
            }
            "rename" => {
                let (Some((from, old)), Some((to, new))) = (self.place(&path(&words[0])), self.place(&path(&words[1])))
                else {
                    return false;
                };
                let moved = self.names(from).remove(&old).unwrap();
                self.names(to).insert(new, moved);
                true
            }
            "unlink" | "rmdir" | "unlinkat" => {
                let name = if call == "unlinkat" { below(&words[0], &words[1]) } else { path(&words[0]) };
                let Some((dir, name)) = self.place(&name) else { return false };
                self.names(dir).remove(&name).is_some()
            }
            "write" | "pwrite64" => {
                let Some((number, at)) = self.open.get(&file(&words[0])).copied() else { return false };
                let at = if call == "write" { at } else { words[3].parse().unwrap() };
                let data = text(&words[1]);
                assert_eq!(data.len().to_string(), result, "cut off in the log");
                let bytes = &mut self.content(number).bytes;
                bytes.resize(bytes.len().max(at + data.len()), 0);
                bytes[at..at + data.len()].copy_from_slice(&data);
                self.open.insert(file(&words[0]), (number, at + data.len()));
                true
            }
            "ftruncate" => {
                let Some((number, _)) = self.open.get(&file(&words[0])).copied() else { return false };
                self.content(number).bytes.resize(words[1].parse().unwrap(), 0);
                true
            }
            "fchmod" => {
                let Some((number, _)) = self.open.get(&file(&words[0])).copied() else { return false };
                self.content(number).mode = u32::from_str_radix(&words[1], 8).unwrap();
                true
            }
            "fchownat" => {
                let Some(number) = self.find(&path(&words[1])) else { return false };
                let given = (words[2].parse().unwrap(), words[3].parse().unwrap());
                match &mut self.inodes[number] {
                    Inode::Link { owner, .. } => *owner = given,
                    _ => self.content(number).owner = given,
                }
                true
            }
            "fsync" | "fdatasync" => {
                let Some((number, _)) = self.open.get(&file(&words[0])).copied() else { return false };
                match &mut self.inodes[number] {
                    Inode::Dir { now, synced } => *synced = now.clone(),
                    Inode::File { now, synced } => *synced = now.clone(),
                    Inode::Link { .. } => {}
                }
                true
            }
            _ => false,
        }
    }

    fn after(&self, keeps: Keeps) -> State {
        let mut state = State::new();
        for (root, number) in &self.roots {
            self.kept(*number, root, keeps, &mut state);
        }
        state
    }

    fn kept(&self, number: usize, path: &str, keeps: Keeps, state: &mut State) {
        let node = match &self.inodes[number] {
            Inode::Dir { now, synced } => {
                for (name, number) in if keeps.names { now } else { synced } {
                    self.kept(*number, &format!("{path}/{name}"), keeps, state);
                }
                Node::Dir
            }
            Inode::Link { target, owner } => Node::Link(target.clone(), *owner),
            Inode::File { now, synced } => Node::File(match keeps.bytes {
                Bytes::Synced => synced.clone(),
                Bytes::All => now.clone(),
                Bytes::Zeros => {
                    let mut content = synced.clone();
                    content.bytes.resize(now.bytes.len(), 0);
                    content
                }
            }),
        };
        state.insert(path.to_owned(), node);
    }
}

/// `\x2f\x65` as bytes.
fn plain(hex: &str) -> Vec<u8> {
    hex.split("\\x").skip(1).map(|pair| u8::from_str_radix(&pair[..2], 16).unwrap()).collect()
}

/// Makes the node have this, and nothing else where files are followed.
fn put(world: &World, state: &State, is_mount: bool) {
    let _ = fs::remove_dir_all(world.below("lib/hpcsh"));
    for name in ["resolv.conf", ".resolv.conf.hpcsh-new"] {
        if !is_mount {
            let _ = fs::remove_file(world.below("etc").join(name));
        }
    }
    for (path, node) in state {
        let at = world.seen(path);
        match node {
            Node::Dir => fs::create_dir_all(&at).unwrap(),
            Node::Link(target, owner) => {
                symlink(target, &at).unwrap();
                std::os::unix::fs::lchown(&at, Some(owner.0), Some(owner.1)).unwrap();
            }
            Node::File(content) => {
                fs::write(&at, &content.bytes).unwrap();
                chown(&at, Some(content.owner.0), Some(content.owner.1)).unwrap();
                fs::set_permissions(&at, fs::Permissions::from_mode(content.mode)).unwrap();
            }
        }
    }
}

/// From which states the way back was gone.
fn fail_everywhere(kind: &Kind) {
    if !has("strace") {
        skip("strace is not installed");
        return;
    }
    let Some(world) = World::new(kind.script) else { return };
    if run(&mut world.command(0, &["strace", "-qq", "-o", "/dev/null", "true"])).status != 0 {
        skip("strace may not trace here");
        return;
    }
    (kind.make)(&world);
    if world.shot().is_some_and(|shot| shot.note.is_some()) {
        // Attributes are not part of the model.
        rustix::fs::removexattr(world.seen("/etc/resolv.conf"), "user.note").unwrap();
    }
    world.serve();
    let before = world.shot();
    let mut count = 0;
    for word in ["on", "restore"] {
        let mut disk = Disk::of(&world);
        let mut states: BTreeSet<State> = BTreeSet::new();
        let log = world.below("outside/log");
        let options = ["strace", "-qq", "-y", "-xx", "-s", "65536", "-o", log.to_str().unwrap(), PROGRAM, "dns", word];
        let outcome = world.run(&options);
        assert_eq!(outcome.status, 0, "{outcome:?}");
        for line in fs::read_to_string(&log).unwrap().lines() {
            if disk.replay(line) {
                states.extend(MODELS.map(|keeps| disk.after(keeps)));
            }
        }
        // The model knows what the run has done.
        let end = Disk::of(&world).after(MODELS[0]);
        assert_eq!(disk.after(MODELS[4]), end, "{}: the model is wrong of {word}", kind.name);
        assert_eq!(
            disk.after(MODELS[0])["/etc/resolv.conf"],
            end["/etc/resolv.conf"],
            "{}: {word} is not synced",
            kind.name
        );
        count += states.len();
        for state in &states {
            put(&world, state, kind.script.contains("mount"));
            let outcome = world.hpcsh(&["dns", "restore"]);
            let said = format!("{}: {word}: {outcome:?}\nfrom {state:?}", kind.name);
            assert_eq!(outcome.status, 0, "{said}");
            assert_eq!(world.shot(), before, "{said}");
            assert!(nothing_is_left(&world), "{said}");
        }
        put(&world, &end, kind.script.contains("mount"));
    }
    assert!(count > 20, "{}: only {count} states", kind.name);
    eprintln!("{}: {count} states", kind.name);
}

#[test]
fn a_plain_file_without_power() {
    fail_everywhere(&KINDS[0]);
}

#[test]
fn a_link_without_power() {
    fail_everywhere(&KINDS[5]);
}

#[test]
fn a_mount_without_power() {
    fail_everywhere(&KINDS[8]);
    // Where the new text is the shorter one, too.
    let shorter = |world: &World| {
        fs::write(world.below("outside/resolv.conf"), format!("{USUAL}options rotate\n{}", "\n".repeat(300))).unwrap();
    };
    fail_everywhere(&Kind { name: "a mount that ends in empty lines", make: shorter, ..KINDS[8] });
}
