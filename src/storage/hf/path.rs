//! `hpcsh hf path NAME`: where a model lies, as `HF_HUB_OFFLINE=1 hf download -q NAME` prints it.

use std::os::unix::ffi::OsStrExt as _;

use serde_json::json;

use super::listing;
use super::name::{Wanted, is_inside};
use super::place::Cache;
use super::snapshot::{self, Snapshot};
use super::{say, state};
use crate::error::Failure;
use crate::host::Host;
use crate::quote;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Of what.
    pub wanted: Wanted,
    /// One file of it.
    pub file: Option<String>,
    /// For programs.
    pub json: bool,
}

/// Prints the path.
///
/// # Errors
/// Where the library would find none offline either. A snapshot that is not all there is such a case where the library has kept
/// the list of its files (since 2.x); of one file, only that counts.
pub fn run(host: &mut Host, question: &Question) -> Result<(), Failure> {
    let wanted = &question.wanted;
    let cache = Cache::open(host)?;
    let snapshot = Snapshot::find(&cache, wanted)?;
    let path = if let Some(file) = &question.file {
        of_file(&cache, &snapshot, wanted, file)?;
        snapshot.path.join(file)
    } else {
        of_all(&cache, &snapshot, wanted)?;
        snapshot.path.clone()
    };
    if question.json {
        let value = json!({
            "name": wanted.name.id,
            "kind": wanted.name.kind.word(),
            "revision": wanted.revision(),
            "commit": snapshot.commit,
            "path": path.to_string_lossy(),
        });
        host.print(serde_json::to_string_pretty(&value).unwrap_or_default() + "\n");
    } else {
        host.print([path.as_os_str().as_bytes(), b"\n"].concat());
    }
    Ok(())
}

/// # Errors
/// Where the library's list has a file that is not there.
fn of_all(cache: &Cache, snapshot: &Snapshot, wanted: &Wanted) -> Result<(), Failure> {
    let files = listing::of_commit(&snapshot.repository, &snapshot.commit).unwrap_or_default().unwrap_or_default();
    let absent = state::absent(snapshot, &files, cache.threads());
    let Some(first) = absent.first() else {
        return Ok(());
    };
    let (count, of) = (absent.len(), say::count(files.len(), "file"));
    let message =
        format!("`{wanted}` is not whole: {count} of {of} cannot be had, the first is {}", quote::visible(first));
    let command = snapshot::download(wanted);
    Err(Failure::failed(message).hint(format!("`hpcsh hf check {wanted}` tells why; on the login node: {command}")))
}

/// # Errors
/// Where it is not there, with the nearest name.
fn of_file(cache: &Cache, snapshot: &Snapshot, wanted: &Wanted, file: &str) -> Result<(), Failure> {
    if !is_inside(file) {
        return Err(Failure::usage(format!("`{file}` is no file of a model: it would lead out of the cache")));
    }
    let Err(error) = snapshot.dir.find(file) else {
        return Ok(());
    };
    let on_login = format!("on the login node: {} {}", snapshot::download(wanted), snapshot::word(file));
    if snapshot.dir.own(file).is_ok() {
        return Err(
            Failure::failed(format!("`{file}` of `{wanted}` leads to nothing that can be had: {error}")).hint(on_login)
        );
    }
    let files = state::files_of(snapshot, cache.threads()).unwrap_or_default();
    let near = snapshot::nearest(file, files.iter().map(String::as_str));
    Err(Failure::failed(format!("`{file}` of `{wanted}` is not in the cache")).hint(match near {
        Some(near) => format!("did you mean `{}`?", quote::visible(near)),
        None => on_login,
    }))
}
