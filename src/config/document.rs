//! The text of one layer → the settings in it, each with its place, and everything that is wrong with it.
//!
//! Goes on after a mistake: a typo must not cost the settings around it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Kind};
use super::layers::Text;
use super::problem::Problem;

/// A string as it stands in the file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// The string, `$` variables not yet expanded.
    pub text: String,
    /// Where it stands.
    pub span: Range<usize>,
}

/// A value of the type that its key asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of `Path`, `Text`, `Choice` and each of `Variables`.
    Text(Raw),
    /// Of `Paths`, `Texts`, `Choices`.
    List(Vec<Raw>),
    /// Of `Switch`.
    Switch(bool),
    /// Of `Count`.
    Count(u64),
}

/// One setting of one layer.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The full name: `env.set.UV_INDEX`.
    pub name: String,
    /// What its value looks like.
    pub kind: Kind,
    /// Its value.
    pub value: Value,
    /// Where the value stands.
    pub span: Range<usize>,
}

/// All settings of a layer that are right; `problems` gets what is not.
pub fn parse(layer: &Text, problems: &mut Vec<Problem>) -> Vec<Setting> {
    let (document, errors) = DeTable::parse_recoverable(&layer.text);
    for error in errors {
        let span = error.span().unwrap_or_default();
        problems.push(Problem::at(error.message().replace('\n', "; "), &layer.layer.path, &layer.text, &span));
    }
    let mut reader = Reader { layer, problems, settings: Vec::new() };
    reader.table("", document.get_ref());
    reader.settings
}

struct Reader<'a> {
    layer: &'a Text,
    problems: &'a mut Vec<Problem>,
    settings: Vec<Setting>,
}

impl Reader<'_> {
    fn table(&mut self, above: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let part = key.get_ref().as_ref();
            let name = if above.is_empty() { part.to_owned() } else { format!("{above}.{part}") };
            match (keys::find(&name), value.get_ref()) {
                // Of `env.set` itself, before the names below it.
                (Some(found), DeValue::Table(below)) if found.kind == Kind::Variables && found.name == name => {
                    self.table(&name, below);
                }
                (Some(found), _) if found.kind == Kind::Variables && found.name == name => {
                    self.wrong_type(&name, found.kind, value);
                }
                (Some(found), _) => self.setting(name, found.kind, key, value),
                (None, DeValue::Table(below)) if keys::is_table(&name) => self.table(&name, below),
                (None, _) if keys::is_table(&name) => self.wrong_type(&name, Kind::Variables, value),
                (None, _) => self.unknown(&name, key.span()),
            }
        }
    }

    fn setting(&mut self, name: String, kind: Kind, key: &Spanned<impl Sized>, value: &Spanned<DeValue<'_>>) {
        if kind == Kind::Variables
            && let Err(why) = check_variable(name.rsplit('.').next().unwrap_or_default())
        {
            self.problem(why, key.span());
            return;
        }
        let read = match (kind, value.get_ref()) {
            (Kind::Path | Kind::Text | Kind::Choice(_) | Kind::Variables, DeValue::String(text)) => {
                Some(Value::Text(Raw { text: text.to_string(), span: value.span() }))
            }
            // HF_HUB_OFFLINE = 1 is what people write, and its meaning is plain.
            (Kind::Variables, DeValue::Integer(number)) if number.radix() == 10 => {
                Some(Value::Text(Raw { text: number.as_str().to_owned(), span: value.span() }))
            }
            (Kind::Variables, DeValue::Boolean(switch)) => {
                Some(Value::Text(Raw { text: switch.to_string(), span: value.span() }))
            }
            (Kind::Paths | Kind::Texts | Kind::Choices(_), DeValue::Array(items)) => items
                .iter()
                .map(|item| Some(Raw { text: item.get_ref().as_str()?.to_owned(), span: item.span() }))
                .collect::<Option<Vec<_>>>()
                .map(Value::List),
            (Kind::Switch, DeValue::Boolean(switch)) => Some(Value::Switch(*switch)),
            (Kind::Count, DeValue::Integer(number)) => {
                u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok().map(Value::Count)
            }
            _ => None,
        };
        let Some(read) = read else {
            self.wrong_type(&name, kind, value);
            return;
        };
        if self.check_words(&name, kind, &read) {
            self.settings.push(Setting { name, kind, value: read, span: value.span() });
        }
    }

    /// Whether every string of a value may stand where it stands.
    fn check_words(&mut self, name: &str, kind: Kind, value: &Value) -> bool {
        let raws = match value {
            Value::Text(raw) => std::slice::from_ref(raw),
            Value::List(raws) => raws,
            Value::Switch(_) | Value::Count(_) => return true,
        };
        let before = self.problems.len();
        for Raw { text, span } in raws {
            if text.contains(['\0', '\u{1f}']) {
                self.problem(format!("`{name}` holds a control character that no variable can carry"), span.clone());
            }
            if let Kind::Choice(words) | Kind::Choices(words) = kind
                && !words.contains(&text.as_str())
            {
                let near = keys::closest(text, words.iter().copied());
                let hint = near.map_or_else(|| words.join(", "), |word| format!("did you mean \"{word}\"?"));
                let problem = self.point(format!("`{name}` has no \"{text}\""), span.clone()).hint(hint);
                self.problems.push(problem);
            }
        }
        self.problems.len() == before
    }

    fn wrong_type(&mut self, name: &str, kind: Kind, value: &Spanned<DeValue<'_>>) {
        let (wanted, found) = (kind.noun(), value.get_ref().type_str());
        self.problem(format!("`{name}` wants {wanted}, not {}", with_article(found)), value.span());
    }

    fn unknown(&mut self, name: &str, span: Range<usize>) {
        let problem = self.point(format!("there is no key `{name}`"), span);
        self.problems.push(match keys::nearest(name) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint("`hpcsh config show` lists every key"),
        });
    }

    fn point(&self, message: String, span: Range<usize>) -> Problem {
        Problem::at(message, &self.layer.layer.path, &self.layer.text, &span)
    }

    fn problem(&mut self, message: String, span: Range<usize>) {
        let problem = self.point(message, span);
        self.problems.push(problem);
    }
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

/// Whether a shell can be given a variable of this name.
fn check_variable(name: &str) -> Result<(), String> {
    /// Names that a supported shell keeps for itself: it refuses to set them, or they mean something else there.
    const RESERVED: &[&str] = &[
        "ARGC",
        "BASHOPTS",
        "BASH_VERSINFO",
        "EGID",
        "EUID",
        "FUNCNAME",
        "GID",
        "GROUPS",
        "HISTCMD",
        "IFS",
        "LINENO",
        "PIPESTATUS",
        "PPID",
        "PWD",
        "RANDOM",
        "SECONDS",
        "SHELLOPTS",
        "SHLVL",
        "UID",
        "USERNAME",
        "argv",
        "fpath",
        "history",
        "path",
        "pipestatus",
        "signals",
        "status",
        "version",
    ];
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!("`{name}` is no name for a variable: letters, digits and `_` only, no digit first"));
    }
    if name == "PATH" {
        return Err("PATH is not set as a whole: put directories into `path.prepend`".to_owned());
    }
    if RESERVED.contains(&name) || name.starts_with("HPCSH_") || name.starts_with("_hpcsh_") {
        return Err(format!("`{name}` belongs to the shell or to hpcsh and cannot be set"));
    }
    Ok(())
}

impl Setting {
    /// The strings of the value, as they stand in the file.
    pub fn words(&self) -> Vec<String> {
        match &self.value {
            Value::Text(raw) => vec![raw.text.clone()],
            Value::List(raws) => raws.iter().map(|raw| raw.text.clone()).collect(),
            Value::Switch(_) | Value::Count(_) => Vec::new(),
        }
    }
}
