//! A journal as it lies on the disk: the plan in JSON, and the bytes of each file beside it, with a digest that tells damage.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Change, How, Journal, Wrong};
use crate::digest;
use crate::host::likeness::{self, Likeness, Looks, Owner};
use crate::host::{durable, files};

/// What a change looks like in `plan.json`; the bytes lie beside it.
#[derive(Serialize, Deserialize)]
struct Written {
    path: String,
    how: How,
    /// Directories above it that were not there, the lowest first.
    dirs: Vec<String>,
    before: Side,
    after: Side,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
enum Side {
    Nothing,
    Link { target: String, owner: Owner },
    File { name: String, digest: String, looks: Looks },
}

/// The file that is read first.
pub const PLAN: &str = "plan.json";
/// Why a journal was not written.
pub enum Unwritten {
    /// This path is no text.
    Name(PathBuf),
    /// The kernel's word.
    Error(io::Error),
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self::Error(error)
    }
}

/// Writes a journal into a new directory, and syncs it.
pub fn write(dir: &Path, changes: &[Change]) -> Result<(), Unwritten> {
    let text = |path: &Path| path.to_str().map(str::to_owned).ok_or_else(|| Unwritten::Name(path.to_owned()));
    durable::make_dir(dir)?;
    let save = |name: String, likeness: &Likeness, is_shown: bool| -> Result<Side, Unwritten> {
        Ok(match likeness {
            Likeness::Nothing => Side::Nothing,
            Likeness::Link { target, owner } => Side::Link { target: text(target)?, owner: *owner },
            Likeness::File { bytes, looks } => {
                // What others may not read, they may not read here. What is mounted must look as it is to look.
                let plain = Looks { mode: looks.mode & 0o644 | 0o600, ..Looks::plain() };
                let copy = if is_shown { Looks { modified: None, ..looks.clone() } } else { plain };
                likeness::make_file(&dir.join(&name), bytes, &copy)?;
                Side::File { name, digest: sum(bytes), looks: looks.clone() }
            }
        })
    };
    let mut plan = Vec::new();
    for (number, change) in changes.iter().enumerate() {
        plan.push(Written {
            path: text(&change.path)?,
            how: change.how,
            dirs: change.dirs.iter().map(|dir| text(dir)).collect::<Result<_, _>>()?,
            before: save(format!("{number}.before"), &change.before, false)?,
            after: save(format!("{number}.after"), &change.after, change.how == How::Cover)?,
        });
    }
    let plan = serde_json::to_vec_pretty(&plan).map_err(io::Error::from)?;
    likeness::make_file(&dir.join(PLAN), &plan, &Looks::plain())?;
    durable::sync(dir)?;
    Ok(())
}

fn sum(bytes: &[u8]) -> String {
    format!("{:016x}", digest::of(bytes))
}

/// Reads a journal.
pub fn read(dir: &Path) -> Result<Option<Journal>, Wrong> {
    let plan = match files::read(&dir.join(PLAN)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(|error| format!("{} cannot be read: {error}", dir.join(PLAN).display()))?,
    };
    let damaged = || format!("{} is damaged", dir.display());
    let plan: Vec<Written> = serde_json::from_slice(&plan).map_err(|_| damaged())?;
    let load = |side: Side| -> Result<Likeness, Wrong> {
        Ok(match side {
            Side::Nothing => Likeness::Nothing,
            Side::Link { target, owner } => Likeness::Link { target: target.into(), owner },
            Side::File { name, digest, looks } => {
                let path = dir.join(name);
                let bytes = files::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                if sum(&bytes) != digest {
                    return Err(damaged());
                }
                Likeness::File { bytes, looks }
            }
        })
    };
    let mut changes = Vec::new();
    for Written { path, how, dirs, before, after } in plan {
        let dirs = dirs.into_iter().map(PathBuf::from).collect();
        changes.push(Change { path: path.into(), before: load(before)?, after: load(after)?, how, dirs });
    }
    Ok(Some(Journal { dir: dir.to_owned(), changes }))
}
