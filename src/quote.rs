//! Values as words that a shell, or a file format, reads back byte for byte.
//!
//! One writer per grammar, and each quotes always: words that look harmless are not (`=ls` is expanded by zsh,
//! `~` by all), and a writer that never decides cannot decide wrongly. Proved by round trips through the real shells.

/// One word for zsh, bash and any POSIX shell: single quotes around it, `'\''` for a quote inside.
///
/// Takes bytes, since a path need not be UTF-8. Holds under zsh's `rc_quotes` too, where `''` inside quotes is a
/// quote: no such pair is ever written inside.
pub fn sh(word: impl AsRef<[u8]>) -> Vec<u8> {
    enclose(word.as_ref(), |quoted, byte| match byte {
        b'\'' => quoted.extend_from_slice(br"'\''"),
        _ => quoted.push(byte),
    })
}

/// One word for fish: single quotes, in which a backslash escapes a backslash and a quote.
pub fn fish(word: impl AsRef<[u8]>) -> Vec<u8> {
    enclose(word.as_ref(), |quoted, byte| {
        if matches!(byte, b'\'' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(byte);
    })
}

/// Single quotes around what `write` makes of each byte.
fn enclose(word: &[u8], write: impl Fn(&mut Vec<u8>, u8)) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(word.len() + 2);
    quoted.push(b'\'');
    for &byte in word {
        write(&mut quoted, byte);
    }
    quoted.push(b'\'');
    quoted
}

/// A text for people, with its control characters as escapes: a name must not drive the terminal that shows it.
pub fn visible(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// A string for JSON and, since YAML's double-quoted form contains it, for YAML.
pub fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A value of a `.env` file: in single quotes, where every reader takes it literally.
///
/// What single quotes cannot hold goes into double quotes; there readers differ about a `$`, and the escape is the one of
/// docker compose.
pub fn dotenv(value: &str) -> String {
    if !value.contains(['\'', '\\', '\n', '\r']) {
        return format!("'{value}'");
    }
    let escaped = value.replace('\\', r"\\").replace('"', "\\\"").replace('$', r"\$");
    format!("\"{}\"", escaped.replace('\n', r"\n").replace('\r', r"\r"))
}

/// A double-quoted word of a Dockerfile's `ENV`.
///
/// `None` where the value has a line break, which no Dockerfile word can hold.
pub fn dockerfile(value: &str) -> Option<String> {
    if value.contains(['\n', '\r']) {
        return None;
    }
    Some(format!("\"{}\"", value.replace('\\', r"\\").replace('"', "\\\"").replace('$', r"\$")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_quoted() {
        assert_eq!(sh("plain"), b"'plain'");
        assert_eq!(sh(""), b"''");
        assert_eq!(sh("it's"), br"'it'\''s'");
        assert_eq!(sh(b"\xff"), b"'\xff'");
        assert_eq!(fish(r"a\b'c"), br"'a\\b\'c'");
    }

    #[test]
    fn a_name_drives_no_terminal() {
        assert_eq!(visible("kä\u{1b}]0;x\u{7}\n"), "kä\\u{1b}]0;x\\u{7}\\n");
    }

    #[test]
    fn a_dockerfile_word_has_no_line_break() {
        assert_eq!(dockerfile("a $b").as_deref(), Some("\"a \\$b\""));
        assert_eq!(dockerfile("a\nb"), None);
    }
}
