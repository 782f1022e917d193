//! What of a snapshot is there, whole, and readable by this user: each file asked for, many at once.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;

use super::listing::{self, Expected};
use super::snapshot::Snapshot;
use crate::host::dirs::{Dir, Type};
use crate::host::files;
use crate::storage::pool;

/// Why a file cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It never came.
    Missing,
    /// A download of it ended before its end, and left so many bytes.
    Interrupted(u64),
    /// What its symlink leads to has gone.
    Dangling,
    /// Its symlink leads to itself.
    Loop,
    /// It has so many bytes, and should have others.
    Size(u64),
    /// This user may not read it: what is closed, its owner and its permission bits.
    Closed(PathBuf, u32, u32),
    /// Something else.
    Other(String),
}

/// The files of which not even the end of all symlinks is there: what the library means by a snapshot that is incomplete.
pub fn absent<'a>(snapshot: &Snapshot, files: &'a [Expected], threads: usize) -> Vec<&'a str> {
    // A few at a time, so that a thread's start pays.
    let work = |part: &'a [Expected], _: &mut Vec<_>| {
        part.iter().map(|file| file.name.as_str()).filter(|name| snapshot.dir.find(name).is_err()).collect::<Vec<_>>()
    };
    let size = if threads > 8 { 2 } else { 512 };
    let mut absent = pool::run(threads, files.chunks(size).collect(), work).concat();
    absent.sort_unstable();
    absent
}

/// Looks at each file: the bytes it has, or why it cannot be loaded. In no order.
pub fn look(
    snapshot: &Snapshot,
    files: Vec<Expected>,
    unfinished: &BTreeMap<String, u64>,
    threads: usize,
) -> Vec<(Expected, Result<u64, Problem>)> {
    pool::run(threads, files, |file, _| {
        let state = state(snapshot, &file, unfinished);
        (file, state)
    })
}

fn state(snapshot: &Snapshot, file: &Expected, unfinished: &BTreeMap<String, u64>) -> Result<u64, Problem> {
    let dir = &snapshot.dir;
    let found = dir.find(&file.name).map_err(|error| why_not(snapshot, file, unfinished, &error))?;
    if found.kind != Type::File {
        return Err(Problem::Other("it is no file".to_owned()));
    }
    if file.size.is_some_and(|size| size != found.size) {
        return Err(Problem::Size(found.size));
    }
    if !dir.is_readable(&file.name) {
        return Err(closed(&snapshot.path.join(&file.name)));
    }
    // Copied by hand, or by a full disk, it may end early, and nobody has said how long it should be but itself.
    let is_tensors = Path::new(&file.name).extension() == Some(OsStr::new("safetensors"));
    if file.size.is_none() && is_tensors && length(dir, &file.name) != Some(found.size) {
        return Err(Problem::Size(found.size));
    }
    Ok(found.size)
}

/// How long a safetensors file says that it is.
fn length(dir: &Dir, name: &str) -> Option<u64> {
    let length = listing::head_length(&dir.head(name, listing::LENGTH).ok()?)?;
    listing::whole_length(&dir.head(name, listing::LENGTH + length).ok()?)
}

fn why_not(snapshot: &Snapshot, file: &Expected, unfinished: &BTreeMap<String, u64>, error: &io::Error) -> Problem {
    match Errno::from_io_error(error) {
        Some(Errno::LOOP) => return Problem::Loop,
        Some(Errno::ACCESS) => return closed(&snapshot.path.join(&file.name)),
        Some(Errno::NOENT | Errno::NOTDIR) => {}
        _ => return Problem::Other(error.to_string()),
    }
    let target = snapshot.dir.target(&file.name).ok();
    let blob = target.as_ref().and_then(|target| target.file_name()?.to_str());
    match file.blob.as_deref().or(blob).and_then(|blob| unfinished.get(blob)) {
        Some(have) => Problem::Interrupted(*have),
        None if target.is_some() => Problem::Dangling,
        None => Problem::Missing,
    }
}

/// What on the way to a file is closed to this user: the file, or the last directory that can still be seen from above.
fn closed(path: &Path) -> Problem {
    let mut at = path.to_owned();
    // As many links as the kernel follows.
    for _ in 0..40 {
        let Ok(target) = files::link_target(&at) else { break };
        at.pop();
        for part in target.components() {
            match part {
                Component::ParentDir => drop(at.pop()),
                part => at.push(part),
            }
        }
    }
    let seen = at.ancestors().find_map(|at| Some((at.to_owned(), files::entry(at).ok()?)));
    match seen {
        Some((at, entry)) => Problem::Closed(at, entry.owner, entry.mode),
        None => Problem::Other("it is closed to you".to_owned()),
    }
}

/// What is left of downloads that have not ended: the blob's name, and the bytes that came.
///
/// `BLOB.incomplete`; since 1.x each attempt has a name of its own, `BLOB.XXXXXXXX.incomplete`.
pub fn unfinished(repository: &Dir) -> BTreeMap<String, u64> {
    let Ok(blobs) = repository.inner("blobs") else {
        return BTreeMap::new();
    };
    let mut found = BTreeMap::new();
    for (name, _) in blobs.entries().unwrap_or_default() {
        if let Some(blob) = name.to_str().and_then(of_unfinished) {
            let size = blobs.own(&name).map_or(0, |found| found.size);
            let most: &mut u64 = found.entry(blob.to_owned()).or_default();
            *most = size.max(*most);
        }
    }
    found
}

/// The blob that an unfinished file is to become.
pub fn of_unfinished(name: &str) -> Option<&str> {
    name.strip_suffix(".incomplete")?.split('.').next()
}

/// The paths of all files and links below the snapshot.
pub fn files_of(snapshot: &Snapshot, threads: usize) -> Result<Vec<String>, io::Error> {
    let parts = pool::run(threads, vec![String::new()], |below: String, more| {
        let dir = if below.is_empty() { snapshot.dir.inner(".") } else { snapshot.dir.inner(&below) };
        let mut files = Vec::new();
        for (name, kind) in dir?.entries()? {
            let name = name.to_string_lossy();
            let path = if below.is_empty() { name.into_owned() } else { format!("{below}/{name}") };
            if kind == Type::Directory { more.push(path) } else { files.push(path) }
        }
        Ok::<_, io::Error>(files)
    });
    let mut files = parts.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    files.sort_unstable();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_file_belongs_to_a_blob() {
        assert_eq!(of_unfinished("abc.incomplete"), Some("abc"));
        assert_eq!(of_unfinished("abc.0123abcd.incomplete"), Some("abc"));
        assert_eq!(of_unfinished("abc"), None);
    }
}
