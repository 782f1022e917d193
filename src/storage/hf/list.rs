//! `hpcsh hf ls`: what is in the cache, how large it is, and when it was last read.
//!
//! Only names are listed and only blobs are asked for their sizes: what links to them is their names' type already. Blobs
//! count once, by their numbers in the file system: a blob may have several names in a repository, and since 2.x lie in a store
//! that all repositories share (`blobs/` beside them, `utils/_shared_blobs.py`).

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use wildmatch::WildMatch;

use super::name::{Kind, Name};
use super::place::Cache;
use super::{say, snapshot, state};
use crate::error::Failure;
use crate::host::dirs::{Dir, Found, Type};
use crate::host::{Host, clock, process};
use crate::quote;
use crate::storage::pool;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Globs, or parts, of names; none: all.
    pub globs: Vec<String>,
    /// Of this kind alone.
    pub kind: Option<Kind>,
    /// In this order.
    pub order: Order,
    /// For programs.
    pub json: bool,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The largest first.
    #[default]
    Size,
    /// By name.
    Name,
    /// What was read last first.
    Used,
}

impl Order {
    /// Each with its word.
    pub const ALL: [(&'static str, Self); 3] = [("size", Self::Size), ("name", Self::Name), ("used", Self::Used)];
}

/// A repository in the cache.
#[derive(Debug)]
struct Repository {
    name: Name,
    /// Commits with the names of the branches and tags that lead to them.
    revisions: BTreeMap<String, Vec<String>>,
    refs: Vec<(String, String)>,
    /// Each once.
    blobs: HashMap<(u64, u64), Found>,
    /// Bytes of downloads that have not ended.
    unfinished: u64,
    errors: Vec<String>,
}

/// What is to be looked at: of the repository with this number.
enum Task {
    Repository(usize, String),
    Refs(usize, Arc<Dir>, OsString),
    Snapshots(usize, Arc<Dir>),
    Snapshot(usize, Arc<Dir>, OsString),
    Blobs(usize, Arc<Dir>, OsString),
    Sizes(usize, Arc<Dir>, Vec<OsString>),
}

/// What came of it.
#[derive(Default)]
struct Part {
    refs: Vec<(String, String)>,
    commits: Vec<String>,
    blobs: Vec<Found>,
    unfinished: u64,
    /// What of it could not be read.
    errors: Vec<String>,
}

/// The number of the store that all share.
const STORE: usize = usize::MAX;

/// Prints the list.
///
/// # Errors
/// Where there is no cache.
pub fn run(host: &mut Host, question: &Question) -> Result<(), Failure> {
    let cache = Cache::open(host)?;
    let failed = |error: io::Error| Failure::failed(format!("{}: {error}", cache.path.display()));
    let entries = cache.dir.entries().map_err(failed)?;
    let names = entries.iter().filter_map(|(entry, kind)| snapshot::repository(entry, *kind));
    let names = names.filter(|name| matches(question, name)).collect::<Vec<_>>();
    let all = question.globs.is_empty() && question.kind.is_none();
    let has_store = all && entries.iter().any(|(name, _)| name == "blobs") && is_store(&cache.dir);
    let (mut repositories, store) = look(&cache, names, has_store);
    sort(&mut repositories, question.order);

    // The store may have what no repository has any more; a part of the list is the size of its repositories.
    let mut blobs: HashMap<(u64, u64), u64> = store.iter().map(|found| (found.identity, found.size)).collect();
    blobs.extend(repositories.iter().flat_map(|one| one.blobs.values()).map(|found| (found.identity, found.size)));
    let total: u64 = blobs.values().sum();

    for repository in &repositories {
        for error in &repository.errors {
            host.say(quote::visible(&format!("warning: {}: {error}", repository.name)));
        }
    }
    if question.json {
        let value = json!({
            "cache": cache.path.to_string_lossy(),
            "size": total,
            "repositories": repositories.iter().map(|one| one.json(&cache)).collect::<Vec<Value>>(),
        });
        host.print(serde_json::to_string_pretty(&value).unwrap_or_default() + "\n");
        return Ok(());
    }
    if repositories.is_empty() {
        host.say(format!("nothing {}in {}", if all { "" } else { "of that " }, cache.path.display()));
        return Ok(());
    }
    host.print(table(&repositories, clock::calendar()));
    let count = match repositories.len() {
        1 => "1 repository".to_owned(),
        count => format!("{count} repositories"),
    };
    host.say(format!("{count}, {} in {}", say::size(total), cache.path.display()));
    Ok(())
}

/// Prints the names alone, for a TAB: at once or not at all, where the storage does not answer.
pub fn names(host: &mut Host) {
    let read = || {
        let names = Cache::open(host).map(|cache| snapshot::names(&cache)).unwrap_or_default();
        let names = names.iter().filter(|name| name.is_valid());
        let mut lines: Vec<String> = names.map(|name| format!("{name}\n")).collect();
        lines.sort_unstable();
        lines.concat().into_bytes()
    };
    let names = process::in_child(Duration::from_secs(1), read).unwrap_or_default();
    host.print(names);
}

/// By a glob, or by a part of the name where it is none; capitals do not count.
fn matches(question: &Question, name: &Name) -> bool {
    let shown = name.to_string().to_lowercase();
    let fits = |glob: &String| {
        let glob = glob.to_lowercase();
        let is_glob = glob.contains(['*', '?']);
        if is_glob { WildMatch::new(&glob).matches(&shown) } else { shown.contains(&glob) }
    };
    question.kind.is_none_or(|kind| kind == name.kind) && (question.globs.is_empty() || question.globs.iter().any(fits))
}

/// Whether `blobs/` is the store that all repositories share, by its mark.
fn is_store(cache: &Dir) -> bool {
    cache.head("blobs/.huggingface-shared-blobs", 16).is_ok_and(|text| text == b"1\n")
}

/// Looks at the repositories of these names, and at the store.
fn look(cache: &Cache, names: Vec<Name>, has_store: bool) -> (Vec<Repository>, Vec<Found>) {
    let tasks = names.iter().enumerate().map(|(number, name)| Task::Repository(number, name.directory()));
    let tasks = tasks.chain(has_store.then(|| Task::Repository(STORE, "blobs".to_owned()))).rev().collect();
    let mut repositories: Vec<Repository> = names.into_iter().map(Repository::new).collect();
    // How many sizes are asked for one after the other.
    let chunk = if cache.is_local { 512 } else { 4 };
    let mut store = Vec::new();
    for (number, part) in pool::run(cache.threads(), tasks, |task, more| {
        let number = task.number();
        (number, task.run(&cache.dir, chunk, more))
    }) {
        match (repositories.get_mut(number), part) {
            (Some(repository), Ok(part)) => repository.add(part),
            (Some(repository), Err(error)) => repository.errors.push(error),
            (None, part) => store.extend(part.unwrap_or_default().blobs),
        }
    }
    repositories.iter_mut().for_each(Repository::settle);
    (repositories, store)
}

/// Names with their types.
type Entries = Vec<(OsString, Type)>;

/// A directory and what is in it.
///
/// # Errors
/// As `run`. A repository whose download has just begun has not all of them: what is not there is empty.
fn listed(above: &Arc<Dir>, name: impl AsRef<OsStr>) -> Result<(Entries, Arc<Dir>), String> {
    let name = name.as_ref();
    match above.inner(name).and_then(|dir| Ok((dir.entries()?, Arc::new(dir)))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((Vec::new(), Arc::clone(above))),
        found => found.map_err(|error| format!("{}: {error}", name.display())),
    }
}

impl Task {
    fn number(&self) -> usize {
        match self {
            Self::Repository(number, _)
            | Self::Refs(number, ..)
            | Self::Snapshots(number, _)
            | Self::Snapshot(number, ..)
            | Self::Blobs(number, ..)
            | Self::Sizes(number, ..) => *number,
        }
    }

    /// # Errors
    /// Half a sentence with the directory that cannot be read.
    fn run(self, cache: &Dir, chunk: usize, more: &mut Vec<Self>) -> Result<Part, String> {
        let mut part = Part::default();
        match self {
            Self::Repository(STORE, name) => {
                let dir = Arc::new(cache.inner(&name).map_err(|error| error.to_string())?);
                let entries = dir.entries().map_err(|error| error.to_string())?;
                let inner = entries.into_iter().filter(|(_, kind)| *kind == Type::Directory);
                more.extend(inner.map(|(name, _)| Self::Blobs(STORE, Arc::clone(&dir), name)));
            }
            Self::Repository(number, name) => {
                let dir = Arc::new(cache.inner(&name).map_err(|error| error.to_string())?);
                more.push(Self::Refs(number, Arc::clone(&dir), "refs".into()));
                more.push(Self::Snapshots(number, Arc::clone(&dir)));
                more.push(Self::Blobs(number, dir, "blobs".into()));
            }
            Self::Refs(number, repository, below) => {
                for (name, kind) in listed(&repository, &below)?.0 {
                    let path = Path::new(&below).join(name);
                    if kind == Type::Directory {
                        more.push(Self::Refs(number, Arc::clone(&repository), path.into()));
                        continue;
                    }
                    let name = path.to_string_lossy().into_owned();
                    match repository.head(path, 4096) {
                        Ok(commit) => {
                            let name = name.strip_prefix("refs/").unwrap_or(&name).to_owned();
                            part.refs.push((String::from_utf8_lossy(&commit).into_owned(), name));
                        }
                        Err(error) => part.errors.push(format!("{name}: {error}")),
                    }
                }
            }
            Self::Snapshots(number, repository) => {
                let (entries, dir) = listed(&repository, "snapshots")?;
                for (name, _) in entries.into_iter().filter(|(_, kind)| *kind == Type::Directory) {
                    part.commits.push(name.to_string_lossy().into_owned());
                    more.push(Self::Snapshot(number, Arc::clone(&dir), name));
                }
            }
            // Where a file system has no links, the files themselves lie here.
            Self::Snapshot(number, above, name) => {
                let (entries, dir) = listed(&above, &name)?;
                let (inner, files): (Vec<_>, Vec<_>) = entries
                    .into_iter()
                    .filter(|(_, kind)| matches!(kind, Type::Directory | Type::File))
                    .partition(|(_, kind)| *kind == Type::Directory);
                more.extend(inner.into_iter().map(|(name, _)| Self::Snapshot(number, Arc::clone(&dir), name)));
                let files: Vec<OsString> = files.into_iter().map(|(name, _)| name).collect();
                more.extend(files.chunks(chunk).map(|files| Self::Sizes(number, Arc::clone(&dir), files.to_vec())));
            }
            Self::Blobs(number, above, name) => {
                let (entries, dir) = listed(&above, &name)?;
                let names: Vec<OsString> = entries.into_iter().map(|(name, _)| name).collect();
                let names: Vec<OsString> = match number {
                    STORE => names.into_iter().filter(|name| name.len() == 64).collect(),
                    _ => names,
                };
                more.extend(names.chunks(chunk).map(|names| Self::Sizes(number, Arc::clone(&dir), names.to_vec())));
            }
            Self::Sizes(_, dir, names) => {
                for name in names {
                    // One whose link leads to nothing has no size.
                    let Ok(found) = dir.find(&name) else { continue };
                    match name.to_str().and_then(state::of_unfinished) {
                        Some(_) => part.unfinished += found.size,
                        None if found.kind == Type::File => part.blobs.push(found),
                        None => {}
                    }
                }
            }
        }
        Ok(part)
    }
}

impl Repository {
    fn new(name: Name) -> Self {
        let (revisions, refs, blobs) = (BTreeMap::new(), Vec::new(), HashMap::new());
        Self { name, revisions, refs, blobs, unfinished: 0, errors: Vec::new() }
    }

    fn add(&mut self, part: Part) {
        self.refs.extend(part.refs);
        self.revisions.extend(part.commits.into_iter().map(|commit| (commit, Vec::new())));
        self.blobs.extend(part.blobs.into_iter().map(|found| (found.identity, found)));
        self.unfinished += part.unfinished;
        self.errors.extend(part.errors);
    }

    /// The parts came in no order.
    fn settle(&mut self) {
        self.refs.sort_unstable();
        self.errors.sort_unstable();
        for (commit, name) in self.refs.drain(..) {
            if let Some(names) = self.revisions.get_mut(&commit) {
                names.push(name);
            }
        }
    }

    fn size(&self) -> u64 {
        self.blobs.values().map(|found| found.size).sum()
    }

    /// Where times of reading are not kept, that of writing is the last use.
    fn used(&self) -> Option<i64> {
        self.blobs.values().map(|found| found.accessed.max(found.modified)).max()
    }

    /// `main, v1 +2`: branches and tags, and the number of other commits.
    fn revisions(&self) -> String {
        let mut names: Vec<&str> = self.revisions.values().flatten().map(String::as_str).collect();
        names.sort_unstable();
        match (names.join(", "), self.revisions.values().filter(|names| names.is_empty()).count()) {
            (names, 0) => names,
            (names, others) if names.is_empty() => say::count(others, "commit"),
            (names, others) => format!("{names} +{others}"),
        }
    }

    fn json(&self, cache: &Cache) -> Value {
        let path = cache.path.join(self.name.directory());
        let revision = |(commit, refs): (&String, &Vec<String>)| {
            let path = path.join("snapshots").join(commit);
            json!({ "commit": commit, "refs": refs, "path": path.to_string_lossy() })
        };
        json!({
            "name": self.name.id,
            "kind": self.name.kind.word(),
            "size": self.size(),
            "files": self.blobs.len(),
            "unfinished": self.unfinished,
            "last_used": self.used(),
            "last_modified": self.blobs.values().map(|found| found.modified).max(),
            "revisions": self.revisions.iter().map(revision).collect::<Vec<Value>>(),
            "path": path.to_string_lossy(),
            "errors": self.errors,
        })
    }
}

fn sort(repositories: &mut [Repository], order: Order) {
    repositories.sort_by(|one, other| one.name.cmp(&other.name));
    match order {
        Order::Size => repositories.sort_by_key(|one| std::cmp::Reverse(one.size())),
        Order::Used => repositories.sort_by_key(|one| std::cmp::Reverse(one.used())),
        Order::Name => {}
    }
}

fn table(repositories: &[Repository], now: i64) -> String {
    let head = ["NAME", "KIND", "SIZE", "REVISIONS", "USED"].map(str::to_owned);
    let rows = repositories.iter().map(|one| {
        let used = one.used().map_or("-".to_owned(), |then| say::ago(now, then));
        let unfinished =
            (one.unfinished > 0).then(|| format!("  (and {} of an interrupted download)", say::size(one.unfinished)));
        [
            quote::visible(&one.name.to_string()),
            one.name.kind.word().to_owned(),
            say::size(one.size()),
            quote::visible(&one.revisions()),
            used + &unfinished.unwrap_or_default(),
        ]
    });
    let rows: Vec<[String; 5]> = [head].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let [name, kind, size, revisions] = [0, 1, 2, 3].map(width);
    let line = |row: &[String; 5]| {
        let [n, k, s, r, used] = row;
        format!("{n:name$}  {k:kind$}  {s:>size$}  {r:revisions$}  {used}\n")
    };
    rows.iter().map(line).collect()
}
