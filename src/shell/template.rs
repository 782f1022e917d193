//! Code from `shell/` with words of this node, home or configuration in it.

use crate::quote;

/// A word that stands for `@NAME@`; `None` where there is none.
pub type Word<'a> = (&'a str, Option<Vec<u8>>);

/// A word that is the same bytes to any shell but fish, whatever they are.
pub fn quoted(name: &str, bytes: impl AsRef<[u8]>) -> Word<'_> {
    (name, Some(quote::sh(bytes)))
}

/// A word that is there only on a condition.
pub fn only(is_there: bool, word: Word<'_>) -> Word<'_> {
    if is_there { word } else { (word.0, None) }
}

/// The code with these words in it. A line that names one of which there is none is left out.
pub fn filled(code: &str, words: &[Word<'_>]) -> Vec<u8> {
    let mut text = Vec::with_capacity(2 * code.len());
    for line in code.split_inclusive('\n') {
        let begun = text.len();
        if fill(&mut text, line, words).is_none() {
            text.truncate(begun);
        }
    }
    text
}

/// Adds a line; `None` where a word is missing.
fn fill(text: &mut Vec<u8>, line: &str, words: &[Word<'_>]) -> Option<()> {
    let mut rest = line;
    while let Some(at) = rest.find('@') {
        let (before, behind) = rest.split_at(at);
        text.extend_from_slice(before.as_bytes());
        let name = behind[1..].split_once('@').map_or("", |(name, _)| name);
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
        if let Some((_, word)) = words.iter().find(|(known, _)| is_name && *known == name) {
            text.extend_from_slice(word.as_ref()?);
            rest = &behind[name.len() + 2..];
        } else {
            text.push(b'@');
            rest = &behind[1..];
        }
    }
    text.extend_from_slice(rest.as_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_where_they_are_named() {
        let words = [quoted("a", b"it's\n@b@"), quoted("b", ""), ("none", None)];
        let of = |code: &str| String::from_utf8(filled(code, &words)).unwrap();
        let filled = of("x=@a@@b@ y\n[[ @none@ ]]\n\"$@\" @(a|b) ${c[@]}@b@\n");
        assert_eq!(filled, "x='it'\\''s\n@b@''' y\n\"$@\" @(a|b) ${c[@]}''\n");
        assert_eq!(of("@"), "@");
    }
}
