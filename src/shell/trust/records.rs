//! What the user said of environments: one file for each in the directory of the records.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Facts, Identity, Settings};
use crate::digest;
use crate::error::Failure;
use crate::host::files;
use crate::host::{Host, users};

/// What the user said of one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The environment's path without symlinks.
    pub path: PathBuf,
    /// `None`: denied.
    pub allowed: Option<Identity>,
}
impl Record {
    /// Why what was allowed is so no more, as half a sentence about it, from what is known of it now; `None`: it still is, or was
    /// denied.
    pub fn stale(&self, facts: &Result<Facts, String>) -> Option<String> {
        let allowed = self.allowed.as_ref()?;
        match facts {
            Ok(facts) if *allowed == facts.identity() => None,
            Ok(_) => Some("has changed since it was allowed".to_owned()),
            Err(why) => Some(why.clone()),
        }
    }
}

/// How many paths of the same digest are told apart.
const SAME_DIGEST: usize = 16;

/// The files of this directory in which the record of a path may lie.
fn names(dir: &Path, path: &Path) -> impl Iterator<Item = PathBuf> {
    let digest = digest::of(path.as_os_str().as_encoded_bytes());
    (0..SAME_DIGEST).map(move |number| dir.join(format!("{digest:016x}-{number}.json")))
}

/// The records in their directory.
pub struct Records<'a> {
    /// Whose directory it is.
    pub host: &'a Host,
    /// Where they lie.
    pub dir: &'a Path,
}

impl Records<'_> {
    /// The record of this path, and its file. What others may have written is no record.
    pub fn find(&self, path: &Path) -> Option<(PathBuf, Record)> {
        let taken = self.files(path).take_while(|file| files::exists(file));
        taken
            .filter_map(|file| Some((self.read(&file)?, file)))
            .find(|(record, _)| record.path == path)
            .map(|(record, file)| (file, record))
    }

    /// Where the record of this path may lie: the first, unless another path of the same digest has it.
    fn files(&self, path: &Path) -> impl Iterator<Item = PathBuf> {
        names(self.dir, path)
    }

    fn read(&self, file: &Path) -> Option<Record> {
        let (entry, bytes) = files::read_with_entry(&self.host.locate(file)).ok()?;
        let is_mine = entry.owner == users::my_id() || entry.owner == 0;
        if !is_mine || entry.mode & 0o022 != 0 {
            return None;
        }
        serde_json::from_slice(&bytes).ok()
    }

    /// All that can be read, by their paths.
    pub fn all(&self) -> Vec<Record> {
        let mut records: Vec<Record> =
            files::list(self.dir).unwrap_or_default().iter().filter_map(|file| self.read(file)).collect();
        records.sort_by(|one, other| one.path.cmp(&other.path));
        records
    }

    /// Writes the record over the one that is there.
    pub fn write(&self, record: &Record) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            Failure::failed(format!("cannot write {}: {error}", self.dir.display()))
                .hint("name a place that is yours: `state_dir` in the configuration")
        };
        files::make_private(self.dir).map_err(failed)?;
        let free = || self.files(&record.path).find(|file| !files::exists(file));
        let file = self.find(&record.path).map(|(file, _)| file).or_else(free);
        let file = file.ok_or_else(|| failed(std::io::ErrorKind::AlreadyExists.into()))?;
        let text = serde_json::to_vec_pretty(record).map_err(|error| failed(error.into()))?;
        files::replace(&file, &text).map_err(failed)
    }
}

/// Where the user's word on the environment of this path, which has no symlinks, is looked for: the files that are there, and the first
/// that is not.
pub fn looked_for(settings: &Settings, path: &Path) -> Vec<PathBuf> {
    let mut is_there = true;
    let is_looked_for = |file: &PathBuf| std::mem::replace(&mut is_there, files::exists(file));
    names(&settings.records, path).take_while(is_looked_for).collect()
}
