//! Names of variables, as bash can ask for many of them at once.

use std::collections::BTreeSet;

/// How much of a name is looked at, at its beginning and at its end: some classes of letters tell nearly all others apart.
const LETTERS: usize = 8;

/// A pattern, as `compgen -X` takes it, that leaves out all names but these, and some that are much like them: to ask for each costs as
/// much as a short part of the code. The names are letters, digits and underscores.
pub fn all_but<'a>(names: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let names: Vec<&[u8]> = names.map(str::as_bytes).collect();
    let Some(length) = names.iter().map(|name| name.len()).min() else { return b"*".to_vec() };
    let class = |letter: &dyn Fn(&[u8]) -> u8| {
        let letters: BTreeSet<u8> = names.iter().map(|name| letter(name)).collect();
        [b"[".to_vec(), letters.into_iter().collect(), b"]".to_vec()].concat()
    };
    let (begin, end) = (length.div_ceil(2).min(LETTERS), (length / 2).min(LETTERS));
    let begin = (0..begin).flat_map(|at| class(&|name| name[at]));
    let end = (1..=end).rev().flat_map(|at| class(&|name| name[name.len() - at]));
    [b"!".to_vec(), begin.collect(), b"*".to_vec(), end.collect()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_classes_for_what_all_names_begin_and_end_with() {
        let of = |names: &[&str]| String::from_utf8(all_but(names.iter().copied())).unwrap();
        assert_eq!(of(&["UV_INDEX_URL", "HF_HOME"]), "![HU][FV][_][HI]*[OU][MR][EL]");
        assert_eq!(of(&["A"]), "![A]*");
        assert_eq!(of(&["AB", "CDE"]), "![AC]*[BE]");
        assert_eq!(of(&["12345678901234567890"]), "![1][2][3][4][5][6][7][8]*[3][4][5][6][7][8][9][0]");
        assert_eq!(of(&[]), "*");
    }
}
