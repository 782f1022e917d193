//! Settings of many layers → the one that holds for each name, its `$` variables expanded.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use super::document::{self, Raw, Setting};
use super::expand::Names;
use super::keys::Kind;
use super::layers::{Source, Text};
use super::problem::Problem;
use crate::host::Host;
use crate::span;

/// A value, expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string.
    Text(String),
    /// Strings.
    List(Vec<String>),
    /// `true` or `false`.
    Switch(bool),
    /// A whole number.
    Count(u64),
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The value.
    pub value: Value,
    /// Which layer said it last.
    pub source: Source,
    /// That layer's file.
    pub file: PathBuf,
    /// The line in it, counted from 1.
    pub line: usize,
}

/// The settings that hold, by full name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, Resolved>);

impl Settings {
    /// All of them, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Resolved)> {
        self.0.iter().map(|(name, resolved)| (name.as_str(), resolved))
    }

    /// What is said of this name.
    pub fn get(&self, name: &str) -> Option<&Resolved> {
        self.0.get(name)
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).map(|resolved| &resolved.value)
    }

    /// A string, if it is set.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number, if it is set.
    pub fn count(&self, name: &str) -> Option<u64> {
        match self.value(name)? {
            Value::Count(count) => Some(*count),
            _ => None,
        }
    }

    /// A time, if it is set.
    pub fn span(&self, name: &str) -> Option<Duration> {
        self.text(name).and_then(span::parse)
    }

    /// Strings; none where it is not set.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.strings(name).to_vec()
    }

    /// The same, where they stand.
    pub fn strings(&self, name: &str) -> &[String] {
        match self.value(name) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }

    /// A switch; on where it is not set, as every switch of ours is.
    pub fn switch(&self, name: &str) -> bool {
        !matches!(self.value(name), Some(Value::Switch(false)))
    }

    /// The strings of a table, by their names in it.
    pub fn below(&self, table: &str) -> BTreeMap<String, String> {
        let strip = |name: &str| Some(name.strip_prefix(table)?.strip_prefix('.')?.to_owned());
        self.0.keys().filter_map(|name| Some((strip(name)?, self.text(name)?.to_owned()))).collect()
    }
}

/// The last layer's word for each name. A value that cannot be expanded is told and left out: that of the layer before
/// holds then, as it does where a value has the wrong type.
pub(super) fn resolve(
    host: &Host,
    texts: &[Text],
    settings: Vec<(usize, Setting)>,
    problems: &mut Vec<Problem>,
) -> Settings {
    let mut names = Names::new(host);
    let mut resolved = BTreeMap::new();
    // The other values may speak of it.
    let (first, rest): (Vec<_>, Vec<_>) = settings.into_iter().partition(|(_, setting)| setting.name == "shared_home");
    let lines: Vec<Vec<usize>> = texts.iter().map(|text| line_starts(&text.text)).collect();
    for (at, setting) in first.into_iter().chain(rest) {
        let Text { layer, text } = &texts[at];
        let Setting { name, kind, value, span } = setting;
        match expand(&names, kind, &name, value) {
            Ok(value) => {
                if let ("shared_home", Value::Text(path)) = (name.as_str(), &value) {
                    names.shared_home = Some(path.clone());
                }
                let line = lines[at].partition_point(|start| *start <= span.start);
                resolved.insert(name, Resolved { value, source: layer.source, file: layer.path.clone(), line });
            }
            Err(wrong) => {
                // The whole value is marked where it does not stand in the file as it is: it has escapes.
                let Raw { text: value, span } = wrong.raw;
                let span = match text[span.clone()].find(&value) {
                    Some(at) => span.start + at + wrong.part.start..span.start + at + wrong.part.end,
                    None => span,
                };
                problems.push(Problem::at(wrong.message, &layer.path, text, &span).hint(wrong.hint));
            }
        }
    }
    Settings(resolved)
}

/// Where the lines of a text begin.
fn line_starts(text: &str) -> Vec<usize> {
    let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(after).collect()
}

/// What cannot be expanded: in which string, which part of it.
struct Wrong {
    raw: Raw,
    part: Range<usize>,
    message: String,
    hint: String,
}

fn expand(names: &Names<'_>, kind: Kind, name: &str, value: document::Value) -> Result<Value, Wrong> {
    let one = |raw: Raw| expand_string(names, kind, name, raw);
    Ok(match value {
        document::Value::Text(raw) => Value::Text(one(raw)?),
        document::Value::List(raws) => Value::List(raws.into_iter().map(one).collect::<Result<_, _>>()?),
        document::Value::Switch(switch) => Value::Switch(switch),
        document::Value::Count(count) => Value::Count(count),
    })
}

fn expand_string(names: &Names<'_>, kind: Kind, name: &str, raw: Raw) -> Result<String, Wrong> {
    if !matches!(kind, Kind::Path | Kind::Paths | Kind::Variables) {
        return Ok(raw.text);
    }
    let value = match names.expand(&raw.text) {
        Ok(value) => value,
        Err(unset) => return Err(Wrong { raw, part: unset.span, message: unset.message, hint: unset.hint }),
    };
    if kind == Kind::Variables || value.starts_with('/') {
        return Ok(value);
    }
    let hint = if value.starts_with('~') { "`~` is not expanded: write $HOME" } else { "begin it with / or $HOME" };
    let (part, message) = (0..raw.text.len(), format!("`{name}` wants an absolute path"));
    Err(Wrong { raw, part, message, hint: hint.to_owned() })
}
