//! A finding as JSON: what programs read, and what a child that looks says through its pipe.

use serde_json::{Map, Value};

use crate::finding::{Finding, Level, Mend};

/// An object with these keys.
pub fn object<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    let mut object = Map::new();
    for (key, value) in pairs {
        object.insert(key.to_owned(), value);
    }
    Value::Object(object)
}

/// A text, or nothing.
fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::from)
}

/// The finding for whoever reads JSON.
#[inline(never)] // there are two of them
pub fn value(finding: &Finding) -> Value {
    let Finding { check, level, message, place, hint, mends } = finding;
    let at = place.as_ref().and_then(|place| place.at);
    let number = |number: Option<usize>| number.map_or(Value::Null, Value::from);
    object([
        ("check", text(Some(check))),
        ("level", text(Some(level.word()))),
        ("message", text(Some(message))),
        ("file", text(place.as_ref().map(|place| place.file.as_str()))),
        ("line", number(at.map(|(line, _)| line))),
        ("column", number(at.map(|(_, column)| column))),
        ("hint", text(hint.as_deref())),
        ("mends", Value::Array(mends.iter().map(mend).collect())),
    ])
}

fn mend(mend: &Mend) -> Value {
    object([
        ("command", text(Some(&mend.command))),
        ("does", text(Some(&mend.does))),
        ("root", Value::Bool(mend.as_root)),
        ("fix", Value::Bool(mend.repair.is_some())),
    ])
}

/// What a child has found, without places, which those have that were found without one. What lies on storage that may hang is not
/// mended unasked: no `Repair` is heard. `None` where it is no list.
pub fn heard(value: &Value) -> Option<Vec<Finding>> {
    let mend = |value: &Value| {
        let as_root = value.get("root")?.as_bool()?;
        Some(Mend { command: text_of(value, "command")?, does: text_of(value, "does")?, as_root, repair: None })
    };
    let finding = |value: &Value| {
        Some(Finding {
            check: text_of(value, "check")?,
            level: Level::of(value.get("level")?.as_str()?)?,
            message: text_of(value, "message")?,
            place: None,
            hint: text_of(value, "hint"),
            mends: value.get("mends")?.as_array()?.iter().filter_map(mend).collect(),
        })
    };
    Some(value.as_array()?.iter().filter_map(finding).collect())
}

/// The text that has this key.
fn text_of(value: &Value, key: &str) -> Option<String> {
    Some(value.get(key)?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Repair;

    #[test]
    fn what_is_said_is_what_is_heard() {
        let plain = Mend::new("a 'b'", "does");
        let own = plain.clone().as_root().by_itself(Repair::FreeLock, true);
        let findings = [
            Finding::ok("x", "fine"),
            Finding::note("y", "n\u{e4}").hint("h"),
            Finding::problem("z", "p").mend(plain.clone()).mend(own),
        ];
        let said = Value::Array(findings.iter().map(value).collect());
        let mut told = findings.to_vec();
        told[2].mends[1].repair = None;
        assert_eq!(heard(&said), Some(told));
        for odd in [Value::Null, Value::from("x"), object([])] {
            assert_eq!(heard(&odd), None);
        }
    }
}
