//! Whose is a variable? The exported marker tells what hpcsh has set; what becomes of each export in an environment follows.

use super::env::Export;

/// The exported marker `HPCSH_EXPORTS`: the names and values that hpcsh has exported, as records between separators.
///
/// A variable is ours while the marker holds its name with the value that it has now. What somebody changed by hand
/// since then is his.
#[derive(Clone, Debug, Default)]
pub struct Marker(Vec<u8>);

impl Marker {
    /// Its name.
    pub const NAME: &'static str = "HPCSH_EXPORTS";
    /// Begins, parts and ends the records: U+001F, which no value of ours holds.
    pub const SEPARATOR: u8 = 0x1f;
    /// The name in the record of a directory that we have put into PATH.
    pub const ADDED_TO_PATH: &'static str = "PATH+";

    /// One record, with the separator behind it.
    pub fn record(name: &str, value: &str) -> Vec<u8> {
        [name.as_bytes(), b"=", value.as_bytes(), &[Self::SEPARATOR]].concat()
    }

    /// The marker as it was inherited.
    pub fn inherited(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Whether this variable with this value was exported by hpcsh.
    pub fn holds(&self, name: &str, value: &[u8]) -> bool {
        let record = [name.as_bytes(), b"=", value].concat();
        self.0.split(|byte| *byte == Self::SEPARATOR).any(|found| found == record)
    }

    /// The names that the marker holds while the variable still has the value that it was given.
    ///
    /// The marker was inherited: a name in it may be anything, and only one that is a name is given.
    pub fn still_ours(&self, current: impl Fn(&str) -> Option<Vec<u8>>) -> Vec<String> {
        let record = |record: &[u8]| {
            let at = record.iter().position(|byte| *byte == b'=')?;
            let name = String::from_utf8(record[..at].to_vec()).ok().filter(|name| is_name(name))?;
            (current(&name)? == record[at + 1..]).then_some(name)
        };
        self.0.split(|byte| *byte == Self::SEPARATOR).filter_map(record).collect()
    }

    /// Takes over what an interactive shell added beside the configured variables, its directories in PATH and the
    /// colours of its first prompt: a `+` stands behind the name.
    pub fn keep_additions(&mut self, old: &Self) {
        for record in old.0.split(|byte| *byte == Self::SEPARATOR).filter_map(|record| std::str::from_utf8(record).ok())
        {
            if let Some((name, value)) = record.split_once('=')
                && name.ends_with('+')
            {
                self.add(name, value);
            }
        }
    }

    /// Adds a record.
    pub fn add(&mut self, name: &str, value: &str) {
        if self.0.is_empty() {
            self.0.push(Self::SEPARATOR);
        }
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'=');
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(Self::SEPARATOR);
    }

    /// The value to export.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Whether a shell can have a variable of this name.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What becomes of one export in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate<'a> {
    /// It is set to this value.
    Set(&'a str),
    /// It was ours and is taken back.
    Unset,
    /// The user has a value of his own, which stays.
    Users,
    /// It is not set, and nothing is to be done.
    Absent,
}

/// What becomes of an export where the variable now has the value `current` and the marker says whose it is.
pub fn fate<'a>(export: &'a Export, offline: bool, current: Option<&[u8]>, marker: &Marker) -> Fate<'a> {
    match (current, export.value(offline)) {
        (Some(current), _) if !marker.holds(&export.name, current) => Fate::Users,
        (_, Some(value)) => Fate::Set(value),
        (Some(_), None) => Fate::Unset,
        (None, None) => Fate::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::super::env::Origin;
    use super::*;

    #[test]
    fn a_variable_is_ours_until_somebody_changes_it() {
        let export = Export {
            name: "A".into(),
            offline: Some("1".into()),
            online: None,
            origin: Origin::Table("env.offline"),
            is_explicit: true,
        };
        let mut marker = Marker::default();
        assert_eq!(fate(&export, true, None, &marker), Fate::Set("1"));
        assert_eq!(fate(&export, true, Some(b"1"), &marker), Fate::Users);
        marker.add("A", "0");
        marker.add("B", "1");
        assert_eq!(fate(&export, true, Some(b"0"), &marker), Fate::Set("1"));
        assert_eq!(fate(&export, true, Some(b"1"), &marker), Fate::Users);
        assert_eq!(fate(&export, false, Some(b"0"), &marker), Fate::Unset);
        assert_eq!(fate(&export, false, None, &marker), Fate::Absent);
    }
}
