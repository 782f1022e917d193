//! Which variables a mirror leaves out, as one text for the shells: a mirror may stand in their environment alone, which the
//! program that wrote the script has not seen.

use super::super::constant::Text;
use super::{FILES, Place, Variable, is_same, rows};

/// A line for each list of mirrors, `NAME NAME=MIRROR MIRROR`: what holds only while offline, and whatever leaves it out.
/// A `*` at the end of a mirror stands for the rest of its name.
pub const TABLE: &str = {
    const TEXT: Text<{ all::<0>().length() }> = all();
    TEXT.text()
};

/// The row of a variable that is in the table.
pub fn row(name: &str) -> Option<&'static Variable> {
    rows().find(|row| row.name == name && holds_offline(row))
}

const fn all<const N: usize>() -> Text<N> {
    let mut text = Text::of(&[]);
    let mut at = 0;
    while let Some(row) = at_place(at) {
        if holds_offline(row) && is_first(at) {
            text.push(if text.length() == 0 { "" } else { "\n" });
            line(&mut text, row.unless);
        }
        at += 1;
    }
    text
}

/// Adds the line of the rows that have this list.
const fn line<const N: usize>(text: &mut Text<N>, mirrors: &[&str]) {
    let mut at = 0;
    let mut before = "";
    while let Some(row) = at_place(at) {
        if holds_offline(row) && is_equal(row.unless, mirrors) {
            text.push(before);
            text.push(row.name);
            before = " ";
        }
        at += 1;
    }
    at = 0;
    before = "=";
    while at < mirrors.len() {
        text.push(before);
        text.push(mirrors[at]);
        before = " ";
        at += 1;
    }
}

/// Of all rows, file by file, the one at this place.
const fn at_place(mut at: usize) -> Option<&'static Variable> {
    let mut file = 0;
    while file < FILES.len() {
        if at < FILES[file].len() {
            return Some(&FILES[file][at]);
        }
        at -= FILES[file].len();
        file += 1;
    }
    None
}

/// Whether a row is one of the table: what holds only while offline, and whatever leaves it out.
pub const fn holds_offline(row: &Variable) -> bool {
    matches!(row.place, Place::Offline | Place::Exempt) && !row.unless.is_empty()
}

/// Whether no row before this one has its list.
const fn is_first(at: usize) -> bool {
    let Some(this) = at_place(at) else { return false };
    let mut before = 0;
    while before < at {
        if let Some(row) = at_place(before)
            && holds_offline(row)
            && is_equal(row.unless, this.unless)
        {
            return false;
        }
        before += 1;
    }
    true
}

const fn is_equal(one: &[&str], other: &[&str]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && is_same(one[at], other[at]) {
        at += 1;
    }
    at == one.len() && at == other.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_of_each_switch_what_leaves_it_out() {
        let mut told = 0;
        for line in TABLE.lines() {
            let (names, mirrors) = line.split_once('=').unwrap();
            let mirrors: Vec<&str> = mirrors.split(' ').collect();
            for name in names.split(' ') {
                let row = rows().find(|row| row.name == name).unwrap();
                assert_eq!(row.unless, mirrors, "{name}");
                told += 1;
            }
        }
        assert_eq!(told, rows().filter(|row| holds_offline(row)).count());
    }

    /// What a prefix stands for is asked by name: shell/theirs.bash, shell/prompt.zsh, shell/prompt.fish.
    #[test]
    fn one_mirror_is_a_prefix() {
        let stars = TABLE.split([' ', '=', '\n']).filter(|word| word.contains('*'));
        assert_eq!(stars.collect::<Vec<_>>(), ["CARGO_REGISTRIES_*"]);
    }
}
