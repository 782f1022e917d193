//! The text of one layer → the settings in it, each with its place, and everything that is wrong with it.
//!
//! Goes on after a mistake: a typo must not cost the settings around it. A line that TOML itself cannot read gives no
//! setting, though: what the parser makes of it to go on is a guess.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Kind};
use super::layers::Text;
use super::problem::Problem;
use super::variable;
use crate::dns::settings as dns;
use crate::node::targets;
use crate::serve::target;
use crate::span;

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
    /// Of each kind that is a list.
    List(Vec<Raw>),
    /// Of `Switch`.
    Switch(bool),
    /// Of `Count`, `Threads`.
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
    let mut reader = Reader { layer, broken: Vec::new(), problems: Vec::new(), settings: Vec::new() };
    let readable = readable(&layer.text, &errors);
    reader.syntax(errors);
    match &readable {
        Some(text) => reader.table("", DeTable::parse_recoverable(text).0.get_ref()),
        None => reader.table("", document.get_ref()),
    }
    if reader.problems.len() >= MOST {
        let more = format!("has {MOST} mistakes or more: the rest is not told");
        reader.problems.push(Problem::whole(more, &layer.layer.path));
    }
    problems.append(&mut reader.problems);
    reader.settings
}

/// The text with blanks in place of what the parser does not get over: it stops at a key without a value, and after a
/// bad header it does not know whose the keys below are. `None` where there is nothing of the kind.
fn readable(text: &str, errors: &[toml::de::Error]) -> Option<String> {
    if errors.is_empty() {
        return None;
    }
    let is_header = |line: &str| line.trim_start().starts_with('[');
    let mut lines: Vec<(usize, &str)> = Vec::new();
    for line in text.split_inclusive('\n') {
        lines.push((lines.last().map_or(0, |(start, line)| start + line.len()), line));
    }
    let mut blank = vec![false; lines.len()];
    for error in errors {
        let at = error.span().unwrap_or_default().start;
        let Some(number) = lines.partition_point(|(start, _)| *start <= at).checked_sub(1) else { continue };
        blank[number] |= is_header(lines[number].1) || error.message().starts_with("key with no value");
    }
    if !blank.contains(&true) {
        return None;
    }
    let mut bytes = text.as_bytes().to_vec();
    let mut is_below = false;
    for ((start, line), blank) in lines.into_iter().zip(blank) {
        is_below = if is_header(line) { blank } else { is_below };
        if blank || is_below {
            bytes[start..start + line.trim_end_matches(['\r', '\n']).len()].fill(b' ');
        }
    }
    String::from_utf8(bytes).ok()
}

/// What a target looks like.
const TARGET: &str = "https://HOST, HOST:PORT, or http://HOST/PATH and behind a blank the exact body";

/// The most mistakes that are told of one file. A file that is no configuration at all has one on every line, and must
/// not cost a login more than that.
const MOST: usize = 50;

struct Reader<'a> {
    layer: &'a Text,
    /// Where TOML itself cannot read the file, sorted.
    broken: Vec<usize>,
    problems: Vec<Problem>,
    settings: Vec<Setting>,
}

impl Reader<'_> {
    /// Tells what TOML says, one mistake to a line: the others follow from the first, unless one names what is unclosed.
    fn syntax(&mut self, errors: Vec<toml::de::Error>) {
        let text = self.layer.text.as_str();
        let mut found: Vec<(Range<usize>, String)> = errors
            .into_iter()
            .map(|error| (error.span().unwrap_or_default(), error.message().replace('\n', "; ")))
            .collect();
        found.sort_by_key(|(span, message)| (span.start, !message.starts_with("unclosed")));
        self.broken = found.iter().map(|(span, _)| span.start).collect();
        let mut lines: Vec<(Range<usize>, String)> = Vec::new();
        for (span, message) in found {
            let is_same = |before: &Range<usize>| !text.as_bytes()[before.start..span.start].contains(&b'\n');
            match lines.pop_if(|(before, _)| is_same(before)) {
                Some(before) if before.1.starts_with("unclosed") || !message.starts_with("unclosed") => {
                    lines.push(before);
                }
                None if lines.len() == MOST => break,
                _ => lines.push((span, message)),
            }
        }
        for (span, message) in lines {
            self.problem(plain(message, text, span.start), span);
        }
    }

    /// Whether TOML could not read some line of this range.
    fn is_broken(&self, span: &Range<usize>) -> bool {
        let text = self.layer.text.as_bytes();
        let start = text[..span.start].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let end = text[span.end..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| span.end + at);
        self.broken.get(self.broken.partition_point(|at| *at < start)).is_some_and(|at| *at <= end)
    }

    fn table(&mut self, above: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            if !self.broken.is_empty()
                && (self.is_broken(&key.span()) || is_leaf(value) && self.is_broken(&value.span()))
            {
                continue;
            }
            let part = key.get_ref().as_ref();
            // A name in quotes is one part, whatever dots are in it.
            let is_variable = keys::find(above).is_some_and(|found| found.kind == Kind::Variables);
            let part = if part.contains('.') && !is_variable { format!("\"{part}\"") } else { part.to_owned() };
            let name = if above.is_empty() { part.clone() } else { format!("{above}.{part}") };
            match (keys::find(&name), value.get_ref()) {
                // Of `env.set` itself, before the names below it.
                (Some(found), DeValue::Table(below)) if found.kind == Kind::Variables && found.name == name => {
                    self.table(&name, below);
                }
                (Some(found), _) if found.kind == Kind::Variables && found.name == name => {
                    self.wrong_type(&name, found.kind, value);
                }
                (Some(found), _) => self.setting(name, &part, found.kind, key, value),
                (None, DeValue::Table(below)) if keys::is_table(&name) => self.table(&name, below),
                (None, _) if keys::is_table(&name) => self.wrong_type(&name, Kind::Variables, value),
                (None, below) => self.unknown(&name, matches!(below, DeValue::Table(_)), key.span()),
            }
        }
    }

    fn setting(
        &mut self,
        name: String,
        part: &str,
        kind: Kind,
        key: &Spanned<impl Sized>,
        value: &Spanned<DeValue<'_>>,
    ) {
        if kind == Kind::Variables
            && let Err(why) = variable::check(part)
        {
            self.problem(why, key.span());
            return;
        }
        let read = match (kind, value.get_ref()) {
            (Kind::Path | Kind::Text | Kind::Span | Kind::Choice(_) | Kind::Variables, DeValue::String(text)) => {
                Some(Value::Text(Raw { text: text.to_string(), span: value.span() }))
            }
            // HF_HUB_OFFLINE = 1 is what people write, and its meaning is plain.
            (Kind::Variables, DeValue::Integer(number)) if number.radix() == 10 => {
                Some(Value::Text(Raw { text: number.as_str().to_owned(), span: value.span() }))
            }
            (Kind::Variables, DeValue::Boolean(switch)) => {
                Some(Value::Text(Raw { text: switch.to_string(), span: value.span() }))
            }
            (kind, DeValue::Array(items)) if kind.is_list() => {
                if let Some(wrong) = items.iter().find(|item| !item.get_ref().is_str()) {
                    let (wanted, found) = (kind.noun(), with_article(wrong.get_ref().type_str()));
                    let problem = self.point(format!("`{name}` wants {wanted}, and this is {found}"), wrong.span());
                    self.push(problem.hint("put quotes around it"));
                    return;
                }
                let raw = |item: &Spanned<DeValue<'_>>| Raw {
                    text: item.get_ref().as_str().unwrap_or_default().to_owned(),
                    span: item.span(),
                };
                Some(Value::List(items.iter().map(raw).collect()))
            }
            (Kind::Switch, DeValue::Boolean(switch)) => Some(Value::Switch(*switch)),
            (Kind::Count | Kind::Threads, DeValue::Integer(number)) => {
                let count = u64::from_str_radix(number.as_str(), number.radix()).ok();
                count.filter(|count| kind.range().contains(count)).map(Value::Count)
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
        let mut is_right = true;
        for Raw { text, span } in raws {
            if text.contains(['\0', '\u{1f}']) {
                is_right = false;
                self.problem(format!("`{name}` holds a control character that no variable can carry"), span.clone());
            }
            if kind == Kind::Span && span::parse(text).is_none() {
                let message = format!("`{name}` wants a time, and \"{text}\" is none");
                let problem = self.point(message, span.clone()).hint("200ms, 2s, 5m or 1h: a day at the most");
                is_right = false;
                self.push(problem);
            }
            let server = match kind {
                Kind::Targets => targets::parse(text).err().map(|why| (why, TARGET)),
                Kind::Servers => target::parse(text).err().map(|why| (why, target::HINT)),
                Kind::Domains => dns::suffix(text).err().map(|why| (why, dns::SUFFIX_HINT)),
                Kind::Addresses => dns::address(text).err().map(|why| (why, dns::ADDRESS_HINT)),
                _ => None,
            };
            if let Some((why, hint)) = server {
                is_right = false;
                self.push(self.point(format!("`{name}`: {why}"), span.clone()).hint(hint));
            }
            if let Kind::Choice(words) | Kind::Choices(words) = kind
                && !words.contains(&text.as_str())
            {
                is_right = false;
                let near = keys::closest(text, words.iter().copied());
                let hint = near.map_or_else(|| words.join(", "), |word| format!("did you mean \"{word}\"?"));
                let problem = self.point(format!("`{name}` has no \"{text}\""), span.clone()).hint(hint);
                self.push(problem);
            }
        }
        is_right
    }

    fn wrong_type(&mut self, name: &str, kind: Kind, value: &Spanned<DeValue<'_>>) {
        if self.problems.len() >= MOST {
            return;
        }
        let is_element = keys::find(name).is_some_and(|key| key.name != name);
        let wanted = if is_element { "a string" } else { kind.noun() };
        let found = match value.get_ref() {
            DeValue::Integer(number) if matches!(kind, Kind::Count | Kind::Threads) => number.to_string(),
            found => with_article(found.type_str()),
        };
        let is_scalar = !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
        let hint = match kind {
            Kind::Choice(words) => Some(format!("one of \"{}\"", words.join("\", \""))),
            Kind::Path | Kind::Text | Kind::Span if is_scalar => Some("put quotes around it".to_owned()),
            Kind::Variables if is_element && is_scalar => Some("put quotes around it".to_owned()),
            Kind::Variables if !is_element => {
                Some(format!("write [{name}] on a line of its own, and the keys below it"))
            }
            kind if kind.is_list() && value.get_ref().is_str() => Some("put brackets around it".to_owned()),
            Kind::Switch | Kind::Count | Kind::Threads if value.get_ref().is_str() => {
                Some("write it without quotes".to_owned())
            }
            _ => None,
        };
        let mut problem = self.point(format!("`{name}` wants {wanted}, not {found}"), value.span());
        problem.hint = hint;
        self.push(problem);
    }

    fn unknown(&mut self, name: &str, is_table: bool, span: Range<usize>) {
        // What follows a line that TOML cannot read may only seem to stand at the top, or below another table.
        let line = self.layer.text[..span.start].rfind('\n').unwrap_or_default();
        if self.problems.len() >= MOST || self.is_broken(&(line..span.end)) {
            return;
        }
        if is_table {
            let hint = keys::nearest_table(name).map_or_else(
                || format!("there are [{}]", keys::tables().join("], [")),
                |near| format!("did you mean [{near}]?"),
            );
            let problem = self.point(format!("there is no table [{name}]"), span).hint(hint);
            self.push(problem);
            return;
        }
        let is_variable =
            |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase()) && variable::check(name).is_ok();
        let last = name.rsplit('.').next().unwrap_or_default();
        let hint = if let Some(key) = keys::elsewhere(last) {
            match key.rsplit_once('.') {
                Some((table, _)) => format!("`{last}` belongs below [{table}]"),
                None => format!("`{last}` belongs at the top, above the first [table]"),
            }
        } else if name.strip_prefix("env.").is_some_and(is_variable) {
            "variables belong below [env.set], [env.offline] or [env.online]".to_owned()
        } else if name.contains('"') {
            "dots count outside of quotes only".to_owned()
        } else {
            match keys::nearest(name) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`hpcsh config show` lists every key".to_owned(),
            }
        };
        let problem = self.point(format!("there is no key `{name}`"), span).hint(hint);
        self.push(problem);
    }

    fn point(&self, message: String, span: Range<usize>) -> Problem {
        Problem::at(message, &self.layer.layer.path, &self.layer.text, &span)
    }

    fn problem(&mut self, message: String, span: Range<usize>) {
        // Before it is looked for in the text, which takes its time.
        if self.problems.len() < MOST {
            let problem = self.point(message, span);
            self.push(problem);
        }
    }

    fn push(&mut self, problem: Problem) {
        if self.problems.len() < MOST {
            self.problems.push(problem);
        }
    }
}

/// TOML's message, put plainly where it is not.
fn plain(message: String, text: &str, at: usize) -> String {
    let (before, after) = text.split_at_checked(at).unwrap_or_default();
    let is_end = after.is_empty() || after.starts_with(['\r', '\n']);
    let is_string = message.starts_with("invalid ") && message.contains(" string, expected ");
    let is_value = is_string || message.starts_with("string values must be quoted");
    if is_value && before.trim_end_matches([' ', '\t']).ends_with('=') && (is_end || after.starts_with(['}', ',', '#']))
    {
        return "no value after the `=`".to_owned();
    }
    match message.rsplit_once("expected ") {
        Some((_, quote)) if is_string && is_end && quote.starts_with('`') => {
            format!("unclosed string, expected {quote}")
        }
        _ if is_string && is_end => "unclosed string".to_owned(),
        _ if is_value && !is_string => "a string needs quotes around it".to_owned(),
        _ => message,
    }
}

/// A value that stands where its key stands; a table's span may be that of its header alone.
fn is_leaf(value: &Spanned<DeValue<'_>>) -> bool {
    !value.get_ref().is_table()
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
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
