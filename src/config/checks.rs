//! What is wrong with the configuration, for `hpcsh doctor`, which comes up whatever that is.

use std::path::PathBuf;

use super::{Loaded, Problem, Stale};
use crate::finding::{Finding, Mend, Place, typed};

const NAME: &str = "config";

/// What is wrong with a configuration that came in time, or did not.
pub fn checks(read: &Result<Loaded, Box<Stale>>) -> Vec<Finding> {
    let (loaded, unread) = match read {
        Ok(loaded) => (loaded, None),
        Err(stale) => (&stale.rest, Some(stale)),
    };
    let mut found: Vec<Finding> = loaded.problems.iter().map(finding).collect();
    if let Some(stale) = unread {
        let files: Vec<String> = stale.unread.iter().map(|file| file.display().to_string()).collect();
        let message = format!("not read, since {} does not answer: {}", stale.mount.display(), files.join(", "));
        found.push(Finding::problem(NAME, message).hint("a login goes by the last good script meanwhile"));
    }
    if found.is_empty() {
        found.push(sound(loaded));
    }
    found
}

/// A configuration in which nothing is wrong.
fn sound(loaded: &Loaded) -> Finding {
    let mut files: Vec<&PathBuf> = Vec::new();
    for (_, said) in loaded.settings.iter() {
        if !files.contains(&&said.file) {
            files.push(&said.file);
        }
    }
    if files.is_empty() {
        let init = Mend::new("hpcsh config init", "writes a first configuration");
        return Finding::note(NAME, "nothing is configured: shells get no variables").mend(init);
    }
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    Finding::ok(NAME, format!("nothing is wrong with {}", files.join(", ")))
}

/// A problem with the command that mends it: an editor at the line, where no other does.
fn finding(problem: &Problem) -> Finding {
    let at = problem.place.as_ref().map(|place| (place.line, place.column));
    let place = Place { file: problem.file.to_string_lossy().into_owned(), at };
    let found = Finding { hint: problem.hint.clone(), ..Finding::problem(NAME, &problem.message) }.at(place);
    match (&problem.hint, at) {
        (Some(command), _) if problem.is_command => {
            Finding { hint: None, ..found }.mend(Mend::new(command, "closes it to others, once you have read it"))
        }
        (_, Some((line, _))) => {
            let command = format!("${{EDITOR:-vi}} +{line} {}", typed(&problem.file));
            found.mend(Mend::new(&command, "opens it at the line"))
        }
        _ => found,
    }
}
