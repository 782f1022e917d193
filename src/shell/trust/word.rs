//! `hpcsh allow`, `deny` and `trust`: the user's word on an environment, recorded, taken back, listed.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::records::{Record, Records};
use super::{Facts, Settings, decision, shown};
use crate::error::Failure;
use crate::host::{Host, files};

/// What is to be said of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It is entered unasked, as it is now.
    Allow,
    /// It is never entered unasked.
    Deny,
    /// Nothing: what was said is taken back.
    Forget,
}

/// Records the word for the environment of a directory: in it, it itself, or, without one, the nearest upwards.
///
/// # Errors
/// Where there is no environment, or the record cannot be written.
pub fn say(host: &mut Host, settings: &Settings, dir: Option<&Path>, word: Word, dry_run: bool) -> Result<(), Failure> {
    let environment = find(host, settings, dir)?;
    let name = shown(&environment);
    let facts = Facts::of(host, &environment);
    // Of one that is gone, or was never whole, the word against it can still be said.
    let path = match (&facts, word) {
        (Ok(facts), _) => facts.path.clone(),
        (Err(why), Word::Allow) => return Err(Failure::failed(format!("{name} {why}"))),
        (Err(_), _) => files::real_path(&host.locate(&environment)).unwrap_or(environment),
    };
    let records = Records { host, dir: &settings.records };
    let before = records.find(&path);
    let after = match (word, &facts) {
        (Word::Allow, Ok(facts)) => Some(Record { path, allowed: Some(facts.identity()) }),
        (Word::Forget, _) => None,
        _ => Some(Record { path, allowed: None }),
    };
    let (done, planned) = match word {
        Word::Allow => ("is entered at the next visit", "would be entered at the next visit"),
        Word::Deny => ("is not entered any more", "would not be entered any more"),
        Word::Forget => ("is judged by its owner and mode again", "would be judged by its owner and mode again"),
    };
    if before.as_ref().map(|(_, record)| record) == after.as_ref() {
        host.say(format!("{name}: nothing to do"));
        return Ok(());
    }
    if dry_run {
        host.say(format!("{name} {planned}"));
        return Ok(());
    }
    match (&after, &before) {
        (Some(record), _) => records.write(record)?,
        (None, Some((file, _))) => files::remove(file)
            .map_err(|error| Failure::failed(format!("cannot remove {}: {error}", file.display())))?,
        (None, None) => {}
    }
    host.say(format!("{name} {done}"));
    Ok(())
}

/// The environment that `act` would enter for this argument.
fn find(host: &Host, settings: &Settings, dir: Option<&Path>) -> Result<PathBuf, Failure> {
    let here = host.working_directory();
    let asked = dir.map(|dir| host.absolute(dir)).or_else(|| here.clone());
    let asked = asked.ok_or_else(|| Failure::failed("the working directory is gone").hint("name a directory"))?;
    let is_environment = |path: &Path| files::exists(&host.locate(path).join("pyvenv.cfg"));
    let in_or_itself = |dir: &Path| [dir.join(".venv"), dir.to_owned()].into_iter().find(|path| is_environment(path));
    let found = match dir {
        Some(_) => in_or_itself(&asked),
        None => asked.ancestors().find_map(in_or_itself),
    };
    // A record may speak of one that is broken or gone.
    let records = Records { host, dir: &settings.records };
    let is_known = |path: &PathBuf| {
        let real = files::real_path(&host.locate(path)).unwrap_or_else(|_| path.clone());
        path.ends_with(".venv") && files::exists(&host.locate(path)) || records.find(&real).is_some()
    };
    let named = || dir.and_then(|_| [asked.join(".venv"), asked.clone()].into_iter().find(is_known));
    found.or_else(named).ok_or_else(|| {
        Failure::failed(format!("there is no environment in {}", shown(&asked)))
            .hint("an environment has a pyvenv.cfg: `uv venv` or `python3 -m venv .venv` makes one")
    })
}

/// One line of `hpcsh trust`.
#[derive(Serialize)]
struct Row {
    path: PathBuf,
    state: &'static str,
    reason: String,
}

/// Lists what was said, and whether it still holds; for a directory, whether its environment is entered, and why.
///
/// Gives whether everything holds: a stale record, or an environment that is not entered, does not.
///
/// # Errors
/// Where the directory has no environment.
pub fn show(host: &mut Host, settings: &Settings, dir: Option<&Path>, json: bool) -> Result<bool, Failure> {
    let rows: Vec<Row> = match dir {
        Some(dir) => {
            let path = find(host, settings, Some(dir))?;
            let decision = decision(host, settings, &Facts::of(host, &path));
            let state = if decision.is_ok() { "entered" } else { "not entered" };
            let reason = decision.map_or_else(|why| format!("it {why}"), |why| format!("it {why}"));
            vec![Row { path, state, reason }]
        }
        None => Records { host, dir: &settings.records }.all().into_iter().map(|record| row(host, record)).collect(),
    };
    let holds = rows.iter().all(|row| matches!(row.state, "entered" | "allowed" | "denied"));
    if json {
        let text = serde_json::to_string_pretty(&rows).unwrap_or_default();
        host.print(text + "\n");
        return Ok(holds);
    }
    if rows.is_empty() {
        host.say("nothing was allowed or denied: environments are judged by owner and mode");
    }
    for row in &rows {
        let reason = if row.reason.is_empty() { String::new() } else { format!("  {}", row.reason) };
        host.print(format!("{:<12}{}{reason}\n", row.state, shown(&row.path)));
    }
    Ok(holds)
}

/// The state of a record.
fn row(host: &Host, record: Record) -> Row {
    let (state, reason) = match record.stale(&Facts::of(host, &record.path)) {
        Some(why) => ("stale", format!("it {why}")),
        None if record.allowed.is_some() => ("allowed", String::new()),
        None => ("denied", String::new()),
    };
    Row { path: record.path, state, reason }
}
