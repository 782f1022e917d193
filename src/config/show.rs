//! The configuration for people and programs: each key, its value, the layer that said it.

use std::path::Path;

use serde::Serialize;

use super::keys::{self, KEYS};
use super::layers::places;
use super::resolve::Value;
use super::{Loaded, Problem, Resolved, load};
use crate::error::Failure;
use crate::host::{Host, files};
use crate::quote;

/// `hpcsh config show`: each key, its value, the layer that said it; what is wrong goes to standard error.
pub fn run(host: &mut Host, argument: Option<&Path>, json: bool) {
    let loaded = load(host, argument);
    let lines = lines(&loaded);
    host.print(if json { to_json(&lines) } else { text(&lines) });
    for problem in &loaded.problems {
        host.say(problem.to_string());
    }
}

/// `hpcsh config check`: everything that is wrong.
///
/// # Errors
/// Where there is something (exit code 2).
pub fn check(host: &mut Host, argument: Option<&Path>, json: bool) -> Result<(), Failure> {
    let loaded = load(host, argument);
    let problems = &loaded.problems;
    if json {
        let rows: Vec<_> = problems.iter().map(row).collect();
        host.print(to_json(&rows));
    } else {
        for problem in problems {
            host.say(problem.to_string() + "\n");
        }
    }
    match problems.len() {
        0 => {
            host.say("the configuration is fine");
            Ok(())
        }
        1 => Err(Failure::usage("the configuration has a problem")),
        many => Err(Failure::usage(format!("the configuration has {many} problems"))),
    }
}

/// A problem for programs.
fn row(problem: &Problem) -> serde_json::Value {
    let place = problem.place.as_ref();
    serde_json::json!({
        "file": problem.file.to_string_lossy(),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "message": problem.message,
        "hint": problem.hint,
    })
}

/// `hpcsh config path`: the files, in the order in which one overrules the one before.
pub fn paths(host: &mut Host, argument: Option<&Path>, json: bool) {
    #[derive(Serialize)]
    struct Row {
        layer: &'static str,
        file: String,
        found: bool,
    }
    let rows: Vec<Row> = places(host, argument)
        .into_iter()
        .map(|place| Row {
            layer: place.source.word(),
            found: files::exists(&host.locate(&place.path)),
            file: place.path.display().to_string(),
        })
        .collect();
    host.print(if json {
        to_json(&rows)
    } else {
        let line = |row: &Row| format!("{}  # {}{}\n", row.file, row.layer, if row.found { "" } else { ", not there" });
        rows.iter().map(line).collect()
    });
}

/// `hpcsh config schema`: the configuration as a JSON Schema.
pub fn schema(host: &mut Host) {
    host.print(to_json(&super::schema::schema()));
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).map(|text| text + "\n").unwrap_or_default()
}

/// One line of `hpcsh config show`.
#[derive(Debug, Serialize)]
pub struct Line {
    /// The full name.
    pub key: String,
    /// The value that holds, as TOML; `null` where there is none.
    pub value: Option<String>,
    /// The layer: `default`, `system`, `prefix`, `user`, `HPCSH_CONFIG`, `--config`.
    pub layer: &'static str,
    /// The layer's file.
    pub file: Option<String>,
    /// The line in it.
    pub line: Option<usize>,
    /// What the key does.
    pub help: &'static str,
}

/// Every key that has a value or could have one; a table of variables shows what is in it.
pub fn lines(loaded: &Loaded) -> Vec<Line> {
    let mut lines = Vec::new();
    for key in KEYS {
        let before = lines.len();
        for (name, resolved) in loaded.settings.iter() {
            if keys::find(name).is_some_and(|found| found.name == key.name) {
                lines.push(said(name, resolved, key.help));
            }
        }
        if lines.len() == before {
            let value = (!key.default.is_empty()).then(|| key.default.to_owned());
            lines.push(Line { key: key.name.into(), value, layer: "default", file: None, line: None, help: key.help });
        }
    }
    lines
}

fn said(name: &str, resolved: &Resolved, help: &'static str) -> Line {
    Line {
        key: name.to_owned(),
        value: Some(toml(&resolved.value)),
        layer: resolved.source.word(),
        file: Some(resolved.file.display().to_string()),
        line: Some(resolved.line),
        help,
    }
}

/// The lines as TOML with the layer behind each; keys without a value are comments.
pub fn text(lines: &[Line]) -> String {
    let shown = |line: &Line| match &line.value {
        Some(value) => format!("{} = {value}", line.key),
        None => format!("# {}: not set", line.key),
    };
    let width = lines.iter().map(|line| shown(line).chars().count()).filter(|width| *width < 60).max().unwrap_or(0);
    let mut text = String::new();
    for line in lines {
        let origin = match (&line.file, line.line) {
            (Some(file), Some(number)) => format!("{}: {file}:{number}", line.layer),
            _ => line.layer.to_owned(),
        };
        text.push_str(&format!("{:<width$}  # {origin}\n", shown(line)));
    }
    text
}

fn toml(value: &Value) -> String {
    // A JSON string is a TOML basic string, but for DEL, which is as rare as it is harmless here.
    let quoted = |text: &String| quote::json(text);
    match value {
        Value::Text(text) => quoted(text),
        Value::List(list) => format!("[{}]", list.iter().map(quoted).collect::<Vec<_>>().join(", ")),
        Value::Switch(switch) => switch.to_string(),
        Value::Count(count) => count.to_string(),
    }
}
