//! A message that points at the line.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in one sentence.
    pub message: String,
    /// The file.
    pub file: PathBuf,
    /// Where in the file; `None` where the whole file is meant.
    pub place: Option<Place>,
    /// What to do.
    pub hint: Option<String>,
    /// Whether the hint is a command as it stands.
    pub is_command: bool,
}

/// A stretch of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// The line.
    text: String,
    /// How many characters are marked; at least 1.
    width: usize,
}

impl Place {
    /// Where this range of bytes lies in a text; what goes on in the next line is not marked.
    pub fn of(source: &str, range: &Range<usize>) -> Self {
        let start = floor(source, range.start);
        let end = floor(source, range.end).max(start);
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let marked = source[start..end.min(line_end)].trim_end_matches('\r');
        Self {
            line: source[..start].bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: source[line_start..start].chars().count() + 1,
            text: printable(source[line_start..line_end].trim_end_matches('\r')),
            width: marked.chars().count().max(1),
        }
    }
}

/// The text without what would drive the terminal; as many characters as before.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The nearest character boundary at or before `at`.
fn floor(source: &str, at: usize) -> usize {
    (0..=at.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap_or_default()
}

impl Problem {
    /// A problem with a stretch of a file.
    pub fn at(message: impl Into<String>, file: &Path, source: &str, range: &Range<usize>) -> Self {
        Self { place: Some(Place::of(source, range)), ..Self::whole(message, file) }
    }

    /// A problem with a file as a whole.
    pub fn whole(message: impl Into<String>, file: &Path) -> Self {
        Self { message: printable(&message.into()), file: file.to_owned(), place: None, hint: None, is_command: false }
    }

    /// The same problem with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same problem with the command that mends it.
    #[must_use]
    pub fn command(self, command: impl Into<String>) -> Self {
        Self { is_command: true, ..self.hint(command) }
    }

    /// The problem on one line, for a prompt: `FILE:LINE:COLUMN: MESSAGE`.
    pub fn brief(&self) -> String {
        let mut brief = self.file.display().to_string();
        if let Some(place) = &self.place {
            brief.push_str(&format!(":{}:{}", place.line, place.column));
        }
        format!("{brief}: {}", self.message)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "error: {}", self.message)?;
        let Some(place) = &self.place else {
            write!(out, "\n --> {}", self.file.display())?;
            return self.write_hint(out);
        };
        let number = place.line.to_string();
        let gutter = " ".repeat(number.len());
        // A tab above stays a tab below, so that the mark stands under its text.
        let lead: String =
            place.text.chars().take(place.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let mark = "^".repeat(place.width);
        write!(out, "\n{gutter}--> {}:{}:{}", self.file.display(), place.line, place.column)?;
        write!(out, "\n{gutter} |\n{number} | {}\n{gutter} | {lead}{mark}", place.text)?;
        self.write_hint(out)
    }
}

impl Problem {
    fn write_hint(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hint {
            Some(hint) => write!(out, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_under_its_text() {
        let source = "a = 1\n\tkäse = x\n";
        let at = source.find('x').unwrap();
        let problem = Problem::at("no value", Path::new("/c.toml"), source, &(at..at + 1)).hint("give one");
        assert_eq!(
            problem.to_string(),
            "error: no value\n --> /c.toml:2:9\n  |\n2 | \tkäse = x\n  | \t       ^\nhint: give one"
        );
        assert_eq!(problem.brief(), "/c.toml:2:9: no value");
    }
}
