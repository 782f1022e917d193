//! A name's revision in the cache, found as `snapshot_download` finds it offline: a full commit is one, anything else is looked
//! up in `refs`, and `snapshots/COMMIT` has the files (`_snapshot_download.py` of 0.34, 1.20 and 2.4).

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use super::name::{Kind, Name, Wanted, is_inside};
use super::place::Cache;
use crate::error::Failure;
use crate::host::dirs::{Dir, Type};
use crate::quote;

/// A snapshot, open.
#[derive(Debug)]
pub struct Snapshot {
    /// Its full commit.
    pub commit: String,
    /// Its path.
    pub path: PathBuf,
    /// Its directory.
    pub dir: Dir,
    /// The repository in which it lies.
    pub repository: Dir,
}

impl Snapshot {
    /// Finds it.
    ///
    /// # Errors
    /// Where it is not in the cache: with the nearest name, the revisions that are there, or the command that brings it.
    pub fn find(cache: &Cache, wanted: &Wanted) -> Result<Self, Failure> {
        let directory = wanted.name.directory();
        let above = cache.path.join(&directory);
        let repository = cache.dir.inner(&directory).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => not_cached(cache, wanted),
            _ => Failure::failed(format!("{}: {error}", above.display())),
        })?;
        let revision = wanted.revision();
        let commit = if is_commit(revision) {
            revision.to_owned()
        } else {
            let name = format!("refs/{revision}");
            let text = repository.head(&name, 4096).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => no_revision(&repository, wanted),
                // Branches have names of several parts: `feature` of `feature/x` is none.
                io::ErrorKind::InvalidInput if is_directory(&repository, &name) => no_revision(&repository, wanted),
                _ => Failure::failed(format!("{}: {error}", above.join(&name).display())),
            })?;
            let commit = String::from_utf8_lossy(&text).into_owned();
            if commit.contains('/') || !is_inside(&commit) {
                return Err(Failure::failed(format!("{} names no commit", above.join(&name).display()))
                    .hint(format!("on the login node: {}", download(wanted))));
            }
            commit
        };
        let name = format!("snapshots/{commit}");
        let path = above.join(&name);
        let dir = repository.inner(&name).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if commit == revision => no_revision(&repository, wanted),
            io::ErrorKind::NotFound => Failure::failed(format!(
                "`{}` is in the cache, but its revision `{revision}` leads to {}, of which nothing is",
                wanted.name,
                quote::visible(&commit)
            ))
            .hint(format!("on the login node: {}", download(wanted))),
            _ => Failure::failed(format!("{}: {error}", path.display())),
        })?;
        Ok(Self { commit, path, dir, repository })
    }
}

fn is_directory(repository: &Dir, name: &str) -> bool {
    repository.find(name).is_ok_and(|found| found.kind == Type::Directory)
}

/// A full commit.
pub fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && is_hexadecimal(revision)
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The command that brings what is wanted, to be typed where the internet is.
pub fn download(wanted: &Wanted) -> String {
    let mut command = format!("hf download {}", wanted.name.id);
    if wanted.name.kind != Kind::Model {
        command.push_str(&format!(" --repo-type {}", wanted.name.kind.word()));
    }
    if let Some(revision) = &wanted.revision {
        command.push_str(&format!(" --revision {}", word(revision)));
    }
    command
}

/// A word for people and for any shell: quoted where it is not plain.
pub fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    if text.chars().all(is_plain) && !text.is_empty() {
        return text.to_owned();
    }
    String::from_utf8_lossy(&quote::sh(text)).into_owned()
}

/// All repositories of the cache, in the order of its directory.
pub fn names(cache: &Cache) -> Vec<Name> {
    let entries = cache.dir.entries().unwrap_or_default();
    entries.iter().filter_map(|(name, kind)| repository(name, *kind)).collect()
}

/// The repository that an entry of the cache is for; a symlink may lead to one that lies elsewhere.
pub fn repository(entry: &OsString, kind: Type) -> Option<Name> {
    matches!(kind, Type::Directory | Type::Link).then(|| Name::of_directory(entry.to_str()?)).flatten()
}

fn not_cached(cache: &Cache, wanted: &Wanted) -> Failure {
    let names = names(cache);
    let failure = Failure::failed(format!("`{}` is not in the cache {}", wanted.name, cache.path.display()));
    if let Some(other) = names.iter().find(|name| name.id == wanted.name.id) {
        return failure.hint(format!("there is the {} `{other}`", other.kind.word()));
    }
    let same =
        names.iter().filter(|name| name.kind == wanted.name.kind && name.is_valid()).map(|name| name.id.as_str());
    failure.hint(match nearest(&wanted.name.id, same) {
        Some(id) => format!("did you mean `{}`?", Name { kind: wanted.name.kind, id: id.to_owned() }),
        None => format!("on the login node: {}", download(wanted)),
    })
}

/// The one that looks most like `id`, if one looks like it at all. The organisation may be wrong or missing, and capitals do not
/// count.
pub fn nearest<'a>(id: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let last = |id: &str| id.rsplit('/').next().unwrap_or_default().to_lowercase();
    let likeness = |other: &str| {
        let whole = strsim::jaro_winkler(&id.to_lowercase(), &other.to_lowercase());
        whole.max(strsim::jaro_winkler(&last(id), &last(other)) - 0.02)
    };
    let all = known.into_iter().map(|other| (likeness(other), other));
    let near = all.filter(|(likeness, _)| *likeness > 0.82).max_by(|(one, _), (other, _)| one.total_cmp(other));
    near.map(|(_, other)| other)
}

fn no_revision(repository: &Dir, wanted: &Wanted) -> Failure {
    let entries = |name: &str| repository.inner(name).and_then(|dir| dir.entries()).unwrap_or_default();
    let texts = |name: &str| entries(name).into_iter().filter_map(|(name, _)| name.into_string().ok());
    let revision = wanted.revision();
    let message = format!("`{}` is in the cache, but not its revision `{revision}`", wanted.name);
    // A hash that git would take: the library, too, wants all of it.
    let full = texts("snapshots").find(|commit| revision.len() >= 4 && commit.starts_with(revision));
    let full = full.filter(|commit| is_hexadecimal(revision) && commit != revision);
    if let Some(commit) = full {
        return Failure::failed(message).hint(format!("did you mean `{}@{commit}`?", wanted.name));
    }
    let mut there: Vec<String> = entries("refs")
        .into_iter()
        .filter_map(|(name, kind)| (kind != Type::Directory).then(|| name.into_string().ok()).flatten())
        .collect();
    there.sort_unstable();
    if there.is_empty() {
        there = texts("snapshots").collect();
        there.sort_unstable();
    }
    let there = if there.is_empty() { String::new() } else { format!("there is {}; ", there.join(", ")) };
    Failure::failed(message).hint(format!("{there}on the login node: {}", download(wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name() {
        let known = ["Qwen/Qwen3-8B", "meta-llama/Llama-3.1-8B", "gpt2"];
        for (id, near) in [
            ("qwen/qwen3-8b", Some("Qwen/Qwen3-8B")),
            ("Qwen3-8B", Some("Qwen/Qwen3-8B")),
            ("meta/Llama-3.1-8b", Some("meta-llama/Llama-3.1-8B")),
            ("gtp2", Some("gpt2")),
            ("bert", None),
        ] {
            assert_eq!(nearest(id, known), near, "{id}");
        }
    }

    #[test]
    fn the_command_can_be_typed() {
        let command = |word: &str| download(&Wanted::parse(word, None).unwrap());
        assert_eq!(command("a/b"), "hf download a/b");
        assert_eq!(command("datasets/a/b@v1"), "hf download a/b --repo-type dataset --revision v1");
        assert_eq!(command("a/b@it's"), r"hf download a/b --revision 'it'\''s'");
    }

    #[test]
    fn a_commit_is_forty_digits() {
        assert!(is_commit(&"0a".repeat(20)) && !is_commit(&"0A".repeat(20)) && !is_commit("0a0a"));
    }
}
