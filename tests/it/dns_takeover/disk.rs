//! A model of a disk whose node loses its power.
//!
//! A file's bytes, mode and owner last since its own `fsync`, a directory's names since that of the directory. What was not synced is
//! lost or not: all names or none, all bytes or none; and a file that got longer may have zeros there. Attributes are not part of it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::world::World;

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content {
    pub bytes: Vec<u8>,
    pub mode: u32,
    pub owner: (u32, u32),
}

#[derive(Clone, Debug)]
enum Inode {
    Dir { now: BTreeMap<String, usize>, synced: BTreeMap<String, usize> },
    File { now: Content, synced: Content },
    Link { target: String, owner: (u32, u32) },
}

/// What a file system has after the power came back.
#[derive(Clone, Copy, Debug)]
pub struct Keeps {
    names: bool,
    bytes: Bytes,
}

#[derive(Clone, Copy, Debug)]
pub enum Bytes {
    Synced,
    All,
    /// The synced ones, and zeros up to the length that there was.
    Zeros,
}

pub const MODELS: [Keeps; 5] = [
    Keeps { names: false, bytes: Bytes::Synced },
    Keeps { names: false, bytes: Bytes::All },
    Keeps { names: true, bytes: Bytes::Synced },
    Keeps { names: true, bytes: Bytes::Zeros },
    Keeps { names: true, bytes: Bytes::All },
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    Dir,
    File(Content),
    Link(String, (u32, u32)),
}

/// Paths and what is there.
pub type State = BTreeMap<String, Node>;

/// Where files are followed.
const ROOTS: [&str; 2] = ["/etc", "/var/lib"];

pub struct Disk {
    inodes: Vec<Inode>,
    roots: BTreeMap<&'static str, usize>,
    open: BTreeMap<String, (usize, usize)>,
}

impl Disk {
    /// What a node has now, all of it synced.
    pub fn of(world: &World) -> Self {
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

    /// Replays the opening of a file, which is made with this mode where one is given; whether it was.
    fn opened(&mut self, path: &str, mode: Option<&str>, number: &str) -> bool {
        self.open.remove(number);
        if let Some(found) = self.find(path) {
            self.open.insert(number.to_owned(), (found, 0));
            return false;
        }
        let (Some(mode), Some((dir, name))) = (mode, self.place(path)) else { return false };
        let now = Content { mode: u32::from_str_radix(mode, 8).unwrap(), ..Content::default() };
        let new = self.add(Inode::File { now, synced: Content::default() });
        self.names(dir).insert(name, new);
        self.open.insert(number.to_owned(), (new, 0));
        true
    }

    /// Replays one call; whether it is one that changes something here.
    #[allow(clippy::too_many_lines, clippy::similar_names)] // one arm for each call of the kernel's
    pub fn replay(&mut self, line: &str) -> bool {
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
            "openat" => self.opened(&path(&words[1]), words.get(3).map(String::as_str), result),
            "open" => self.opened(&path(&words[0]), words.get(2).map(String::as_str), result),
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

    pub fn after(&self, keeps: Keeps) -> State {
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
