//! `hpcsh hf check NAME…`: would it load where there is no internet?
//!
//! What should be there says the list that the library keeps of a commit's files (since 2.x), else the indexes of the weights.
//! What is there is looked at file by file: to its end, its size, and whether this user may read it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::listing::{self, Expected};
use super::name::{Kind, Wanted};
use super::place::Cache;
use super::say;
use super::snapshot::{self, Snapshot};
use super::state::{self, Problem};
use crate::error::Failure;
use crate::host::{Host, users};
use crate::quote;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Of what.
    pub wanted: Vec<Wanted>,
    /// For programs.
    pub json: bool,
}

/// By what is known what should be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Basis {
    /// The library's list.
    List,
    /// Indexes of weights.
    Index,
    /// Nothing: only what is there was looked at.
    Present,
}

/// What was found of a snapshot.
#[derive(Debug)]
struct Report {
    commit: String,
    path: String,
    basis: Basis,
    files: usize,
    size: u64,
    findings: Vec<(Expected, Problem)>,
    /// What is wrong with all of it, and not with one file.
    general: Vec<String>,
    /// What is no reason for it not to load.
    notes: Vec<String>,
}

/// Prints what was found; gives whether all would load.
///
/// # Errors
/// Where there is no cache.
pub fn run(host: &mut Host, question: &Question) -> Result<bool, Failure> {
    let cache = Cache::open(host)?;
    let mut all = true;
    let mut values = Vec::new();
    for wanted in &question.wanted {
        let found = Snapshot::find(&cache, wanted).map(|snapshot| look(&cache, wanted, &snapshot));
        all &= found.as_ref().is_ok_and(Report::is_sound);
        if question.json {
            values.push(value(host, wanted, &found));
            continue;
        }
        let text = match &found {
            Ok(report) => report.text(host, wanted),
            Err(failure) => {
                let hint = failure.hint.as_deref().unwrap_or_default();
                let command = snapshot::download(wanted);
                let command =
                    if hint.contains(&command) { String::new() } else { format!("  on the login node: {command}\n") };
                format!("{wanted}: {}\n  {hint}\n{command}", failure.message)
            }
        };
        // Names of files are others', and must not drive the terminal.
        let lines: Vec<String> = text.lines().map(|line| quote::visible(line) + "\n").collect();
        host.print(lines.concat());
    }
    if question.json {
        host.print(serde_json::to_string_pretty(&values).unwrap_or_default() + "\n");
    }
    Ok(all)
}

fn look(cache: &Cache, wanted: &Wanted, snapshot: &Snapshot) -> Report {
    let threads = cache.threads();
    let (mut general, mut notes) = (Vec::new(), Vec::new());
    let unfinished = state::unfinished(&snapshot.repository);
    let listed = listing::of_commit(&snapshot.repository, &snapshot.commit).unwrap_or_else(|_| {
        // The library makes it for its owner alone.
        notes.push("the list of its files is closed to you: what is missing may not be seen".to_owned());
        None
    });
    let (basis, expected) = match listed {
        Some(files) => (Basis::List, files),
        None => unlisted(wanted, snapshot, threads, &mut general),
    };
    let count = expected.len();
    let mut size = 0;
    let mut findings = Vec::new();
    for (file, state) in state::look(snapshot, expected, &unfinished, threads) {
        match state {
            Ok(bytes) => size += bytes,
            Err(problem) => findings.push((file, problem)),
        }
    }
    findings.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
    let left: u64 = unfinished.values().sum();
    if !unfinished.is_empty() {
        let left = format!("{} of a download that has not ended", say::size(left));
        // Without a list nobody knows what has not come.
        if basis == Basis::List { notes.push(format!("{left} lie beside it")) } else { general.push(left) }
    }
    Report {
        commit: snapshot.commit.clone(),
        path: snapshot.path.to_string_lossy().into_owned(),
        basis,
        files: count,
        size,
        findings,
        general,
        notes,
    }
}

/// What should be there where no list says it: what is there, and the weights of the indexes.
fn unlisted(wanted: &Wanted, snapshot: &Snapshot, threads: usize, general: &mut Vec<String>) -> (Basis, Vec<Expected>) {
    let present = match state::files_of(snapshot, threads) {
        Ok(present) => present,
        Err(error) => {
            general.push(format!("{}: {error}", snapshot.path.display()));
            return (Basis::Present, Vec::new());
        }
    };
    let (basis, missing) = by_indexes(snapshot, &present);
    let has_weights = !missing.is_empty() || present.iter().any(|name| listing::is_weights(name));
    if wanted.name.kind == Kind::Model && !has_weights {
        general.push(format!("no weights are among its {}", say::count(present.len(), "file")));
    }
    (basis, present.into_iter().chain(missing).map(Expected::named).collect())
}

/// The weights that are not there, by the indexes that are.
///
/// Indexes are small and come with many a choice of files: in one directory one of them is enough, the nearest to being whole,
/// and one of `.bin` files says nothing where there are safetensors.
fn by_indexes(snapshot: &Snapshot, present: &[String]) -> (Basis, Vec<String>) {
    let there: BTreeSet<&str> = present.iter().map(String::as_str).collect();
    let mut missing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let folder = |name: &str| name.rfind('/').map_or(0, |at| at + 1);
    for name in present.iter().filter(|name| listing::is_index(name)) {
        let above = &name[..folder(name)];
        let is_tensors = |other: &&String| other.ends_with(".safetensors") && other[..folder(other)] == *above;
        if name.ends_with(".bin.index.json") && present.iter().any(|other| is_tensors(&other)) {
            continue;
        }
        let Some(shards) = snapshot.dir.head(name, listing::MOST).ok().and_then(|text| listing::shards(&text)) else {
            continue;
        };
        let shards = shards.into_iter().map(|shard| format!("{above}{shard}"));
        let lacking: Vec<String> = shards.filter(|shard| !there.contains(shard.as_str())).collect();
        match missing.get_mut(above) {
            Some(fewest) if fewest.len() <= lacking.len() => {}
            _ => drop(missing.insert(above, lacking)),
        }
    }
    let basis = if missing.is_empty() { Basis::Present } else { Basis::Index };
    (basis, missing.into_values().flatten().collect())
}

/// How many files are named: a data set may lack thousands.
const SHOWN: usize = 20;

impl Report {
    fn is_sound(&self) -> bool {
        self.findings.is_empty() && self.general.is_empty()
    }

    /// What mends it, on the login node.
    fn commands(&self, host: &Host, wanted: &Wanted) -> Vec<String> {
        let mut commands = Vec::new();
        let mut again = Vec::new();
        let mut closed: BTreeMap<u32, BTreeSet<&Path>> = BTreeMap::new();
        let mut comes = !self.general.is_empty();
        for (file, problem) in &self.findings {
            match problem {
                // What is there is not downloaded again unasked, whatever its size.
                Problem::Size(_) | Problem::Loop | Problem::Other(_) => again.push(snapshot::word(&file.name)),
                Problem::Closed(path, owner, _) => drop(closed.entry(*owner).or_default().insert(path)),
                _ => comes = true,
            }
        }
        if comes {
            commands.push(snapshot::download(wanted));
        }
        if !again.is_empty() {
            commands.push(format!("{} {} --force-download", snapshot::download(wanted), again.join(" ")));
        }
        for (owner, paths) in closed {
            let paths: Vec<String> = paths.into_iter().map(|path| snapshot::word(&path.to_string_lossy())).collect();
            let who = if owner == users::my_id() { String::new() } else { format!("  # as {}", user(host, owner)) };
            commands.push(format!("chmod a+rX {}{who}", paths.join(" ")));
        }
        commands
    }

    fn text(&self, host: &Host, wanted: &Wanted) -> String {
        let short = self.commit.get(..8).unwrap_or(&self.commit);
        let files = say::count(self.files, "file");
        let mut text = if self.is_sound() {
            let how = match self.basis {
                Basis::List => format!("all of its {files}"),
                Basis::Index => format!("{files}, all weights of the index among them"),
                Basis::Present => format!("{files}; no list says whether there should be more"),
            };
            format!("{wanted} ({short}) would load: {how}, {}\n", say::size(self.size))
        } else if self.findings.is_empty() {
            format!("{wanted} ({short}) would not load\n")
        } else {
            format!("{wanted} ({short}) would not load: {} of {files} cannot be had\n", self.findings.len())
        };
        for general in &self.general {
            text.push_str(&format!("  {general}\n"));
        }
        let width =
            self.findings.iter().take(SHOWN).map(|(file, _)| file.name.chars().count()).max().unwrap_or_default();
        for (file, problem) in self.findings.iter().take(SHOWN) {
            let name = quote::visible(&file.name);
            text.push_str(&format!("  {name:width$}  {}\n", problem.text(host, file)));
        }
        if self.findings.len() > SHOWN {
            text.push_str(&format!("  and {} more (--json has all)\n", self.findings.len() - SHOWN));
        }
        for note in &self.notes {
            text.push_str(&format!("  note: {note}\n"));
        }
        for command in self.commands(host, wanted) {
            text.push_str(&format!("  on the login node: {command}\n"));
        }
        text
    }
}

fn user(host: &Host, id: u32) -> String {
    users::by_id(host, id).map_or_else(|| id.to_string(), |user| user.name)
}

impl Problem {
    fn word(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Interrupted(_) => "interrupted",
            Self::Dangling => "dangling",
            Self::Loop => "loop",
            Self::Size(_) => "size",
            Self::Closed(..) => "closed",
            Self::Other(_) => "other",
        }
    }

    fn text(&self, host: &Host, file: &Expected) -> String {
        let of = file.size.map_or(String::new(), |size| format!(" of {}", say::size(size)));
        match self {
            Self::Missing => {
                format!("missing{}", file.size.map_or(String::new(), |size| format!(", {}", say::size(size))))
            }
            Self::Interrupted(have) => format!("its download was interrupted: {}{of} came", say::size(*have)),
            Self::Dangling => "its blob is gone: the link leads to nothing".to_owned(),
            Self::Loop => "its link leads in a circle".to_owned(),
            Self::Size(have) if file.size.is_none() => {
                format!("damaged: it has {have} bytes, and its head says otherwise")
            }
            Self::Size(have) => format!("damaged: it has {have} bytes instead of {}", file.size.unwrap_or_default()),
            Self::Closed(path, owner, mode) => {
                format!("closed to you: {} belongs to {}, mode {mode:04o}", path.display(), user(host, *owner))
            }
            Self::Other(why) => why.clone(),
        }
    }
}

fn value(host: &Host, wanted: &Wanted, found: &Result<Report, Failure>) -> Value {
    let mut value = json!({
        "name": wanted.name.id,
        "kind": wanted.name.kind.word(),
        "revision": wanted.revision(),
        "loads": found.as_ref().is_ok_and(Report::is_sound),
    });
    let more = match found {
        Ok(report) => json!({
            "commit": report.commit,
            "path": report.path,
            "basis": match report.basis { Basis::List => "list", Basis::Index => "index", Basis::Present => "present" },
            "files": report.files,
            "size": report.size,
            "findings": report.findings.iter().map(|(file, problem)| json!({
                "file": file.name,
                "problem": problem.word(),
                "size": file.size,
                "why": problem.text(host, file),
            })).collect::<Vec<Value>>(),
            "general": report.general,
            "notes": report.notes,
            "commands": report.commands(host, wanted),
        }),
        Err(failure) => json!({
            "general": [failure.message],
            "hint": failure.hint,
            "commands": [snapshot::download(wanted)],
        }),
    };
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}
