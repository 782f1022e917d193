//! The configuration as a JSON Schema, by which editors complete and check it while it is written.
//!
//! Generated from the table of keys and the catalogue. It refuses what the program refuses as far as a schema can say
//! it; what a value is expanded to, and whose a file is, only the program knows. `hpcsh config check` has the last word.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::keys::{KEYS, Key, Kind};
use super::{expand, variable};
use crate::shell::catalogue::{self, Place};

/// `hpcsh config schema`: the schema, draft 2020-12.
pub fn schema() -> Value {
    let mut root = table("", KEYS);
    let about = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hpcsh",
        "description": "config.toml of hpcsh",
        "$defs": { "value": value(), "variables": variables() },
    });
    for (name, value) in about.as_object().into_iter().flatten() {
        root[name] = value.clone();
    }
    root
}

/// The table of this name with the keys that lie below it.
fn table(above: &str, keys: &[Key]) -> Value {
    let mut properties = Map::new();
    for key in keys {
        let Some(rest) = key.name.strip_prefix(above) else { continue };
        let Some((part, _)) = rest.split_once('.') else {
            properties.insert(rest.to_owned(), described(key));
            continue;
        };
        if !properties.contains_key(part) {
            properties.insert(part.to_owned(), table(&format!("{above}{part}."), keys));
        }
    }
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// What a key takes, with what people are told of it.
fn described(key: &Key) -> Value {
    let mut schema = kind(key);
    schema["description"] = key.help.into();
    // A default is TOML that JSON reads too.
    if let Ok(default) = serde_json::from_str::<Value>(key.default) {
        schema["default"] = default;
    }
    schema
}

fn kind(key: &Key) -> Value {
    match key.kind {
        Kind::Path => path(),
        Kind::Paths => json!({ "type": "array", "items": path() }),
        Kind::Text => text(),
        // Any name may stand there; those of the catalogue are what an editor proposes.
        Kind::Texts if key.name == "env.skip" => {
            let names: Vec<&str> = catalogue::rows().map(|row| row.name).collect();
            json!({ "type": "array", "items": { "anyOf": [{ "enum": names }, text()] } })
        }
        Kind::Texts | Kind::Targets | Kind::Servers | Kind::Addresses => json!({ "type": "array", "items": text() }),
        Kind::Domains => json!({ "type": "array", "items": { "type": "string", "maxLength": 255, "pattern": DOMAIN } }),
        Kind::Span => json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$" }),
        Kind::Choice(words) => json!({ "type": "string", "enum": words }),
        Kind::Choices(words) => json!({ "type": "array", "items": { "type": "string", "enum": words } }),
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::Count | Kind::Threads => {
            let range = key.kind.range();
            json!({ "type": "integer", "minimum": range.start(), "maximum": range.end() })
        }
        Kind::Variables => json!({ "$ref": "#/$defs/variables" }),
    }
}

/// A domain, and no address.
const DOMAIN: &str = r"^(?![0-9.]+$)\.?([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?$";

/// Any character that a variable can carry, but a `$`.
const PLAIN: &str = r"[^$\u0000\u001f]";

/// A string that is taken as it is.
fn text() -> Value {
    json!({ "type": "string", "pattern": r"^[^\u0000\u001f]*$" })
}

/// A string in which `$` names are expanded.
fn expanded() -> String {
    let names = expand::NAMES.join("|");
    format!(r"({PLAIN}|\$\$|\$({names})(?![A-Za-z0-9_])|\$\{{({names})\}})*$")
}

fn path() -> Value {
    let begin = r"(/|\$(shared_home|HOME)(?![A-Za-z0-9_])|\$\{(shared_home|HOME)\})";
    json!({ "type": "string", "pattern": format!("^(?={begin}){}", expanded()) })
}

/// The value of a variable of the user's own.
fn value() -> Value {
    json!({ "type": ["string", "integer", "boolean"], "pattern": format!("^{}", expanded()) })
}

/// A table of variables: the catalogue's and the mirrors are known, and any other may be set.
fn variables() -> Value {
    let value = || json!({ "$ref": "#/$defs/value" });
    let known: BTreeMap<&str, Value> = catalogue::rows()
        .flat_map(|row| {
            let mirrors = row.unless.iter().filter(|name| row.place == Place::Offline && !name.ends_with('*'));
            let mirrors = mirrors.map(|name| (*name, format!("{}: a mirror of your own", row.tool)));
            mirrors.chain([(row.name, format!("{}: {}", row.tool, row.reason))])
        })
        .map(|(name, about)| (name, json!({ "$ref": "#/$defs/value", "description": about })))
        .collect();
    let reserved: Vec<&str> = variable::RESERVED.iter().copied().chain(["PATH"]).collect();
    json!({
        "type": "object",
        "properties": known,
        "patternProperties": { "^[A-Za-z_][A-Za-z0-9_]*$": value() },
        "additionalProperties": false,
        "propertyNames": { "not": { "anyOf": [{ "enum": reserved }, { "pattern": "^(HPCSH|_hpcsh)_" }] } },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_and_every_preset_is_in_the_schema() {
        let schema = schema();
        for key in KEYS {
            let pointer = format!("/properties/{}", key.name.replace('.', "/properties/"));
            let found = schema.pointer(&pointer);
            assert_eq!(found.and_then(|found| found["description"].as_str()), Some(key.help), "{}", key.name);
            let has_default = found.is_some_and(|found| found.get("default").is_some());
            assert_eq!(has_default, !key.default.is_empty(), "{}: a default that JSON cannot read", key.name);
        }
        let presets = &schema["properties"]["env"]["properties"]["presets"]["items"]["enum"];
        assert_eq!(*presets, json!(catalogue::PRESET_NAMES));
    }
}
