//! What a check has found: how bad that is, in one sentence, and what mends it.
//!
//! Each capability's `checks` give these, `hpcsh doctor` shows them.

use std::path::{Path, PathBuf};

/// How bad it is; the worst comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something does not work, or will not.
    Problem,
    /// It works, and somebody may want it otherwise.
    Note,
    /// It is as it should be.
    Ok,
}

impl Level {
    /// All of them, in that order.
    pub const ALL: [Self; 3] = [Self::Problem, Self::Note, Self::Ok];

    /// The level of this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word() == word)
    }

    /// The level as one word: `problem`, `note`, `ok`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Note => "note",
            Self::Ok => "ok",
        }
    }
}

/// Where in a file it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// Line and column, counted from 1; `None` where the whole file is meant.
    pub at: Option<(usize, usize)>,
}

/// What hpcsh may do by itself, since only what is its own changes, and what somebody else has made stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// `hpcsh dns restore`
    RestoreResolvConf,
    /// The lock is taken over from a process that has ended, and given back.
    FreeLock,
    /// This directory of ours is closed to others, who could read in it and not write.
    Close(PathBuf),
}

/// A command that mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend {
    /// To be typed as it stands.
    pub command: String,
    /// What it does, as a phrase.
    pub does: String,
    /// Whether only root can do it.
    pub as_root: bool,
    /// The same as something that `hpcsh doctor --fix` does itself.
    pub repair: Option<Repair>,
}

impl Mend {
    /// A command and what it does.
    #[inline(never)] // see `Finding::new`
    pub fn new(command: &str, does: &str) -> Self {
        Self { command: command.to_owned(), does: does.to_owned(), as_root: false, repair: None }
    }

    /// A command with a path behind it, quoted where a shell would read it otherwise.
    pub fn of(command: &str, path: &Path, does: &str) -> Self {
        Self::new(&format!("{command} {}", typed(path)), does)
    }

    /// The same, for root alone.
    #[must_use]
    pub fn as_root(self) -> Self {
        Self { as_root: true, ..self }
    }

    /// The same, which `--fix` does itself if `is_possible`.
    #[must_use]
    pub fn by_itself(self, repair: Repair, is_possible: bool) -> Self {
        Self { repair: is_possible.then_some(repair), ..self }
    }
}

/// A path as a word that somebody types.
pub fn typed(path: &Path) -> String {
    shell_escape::escape(path.to_string_lossy()).into_owned()
}

/// What one check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Of which capability the check is: `config`, `storage`, `shell`, `env`, `node`, `dns`, `trust`.
    pub check: String,
    /// How bad it is.
    pub level: Level,
    /// What was found, in one sentence.
    pub message: String,
    /// Where it stands.
    pub place: Option<Place>,
    /// What to do where no command does it.
    pub hint: Option<String>,
    /// The commands that mend it, each by itself.
    pub mends: Vec<Mend>,
}

impl Finding {
    // As many copies of it as there are findings would make the program larger, of which a login pays for each page.
    #[inline(never)]
    fn new(check: &str, level: Level, message: String) -> Self {
        Self { check: check.to_owned(), level, message, place: None, hint: None, mends: Vec::new() }
    }

    /// Something that does not work, or will not.
    pub fn problem(check: &str, message: impl Into<String>) -> Self {
        Self::new(check, Level::Problem, message.into())
    }

    /// Something that works, and that somebody may want otherwise.
    pub fn note(check: &str, message: impl Into<String>) -> Self {
        Self::new(check, Level::Note, message.into())
    }

    /// Something that is as it should be.
    pub fn ok(check: &str, message: impl Into<String>) -> Self {
        Self::new(check, Level::Ok, message.into())
    }

    /// The same, at this place.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same with one more command.
    #[must_use]
    #[inline(never)] // see `new`
    pub fn mend(mut self, mend: Mend) -> Self {
        self.mends.push(mend);
        self
    }
}
