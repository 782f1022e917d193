//! What is asked for: `org/name`, `datasets/org/name@revision`.

use std::fmt;

use crate::error::Failure;

/// What a repository holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Weights.
    Model,
    /// Data.
    Dataset,
    /// A demonstration.
    Space,
    /// Compiled kernels.
    Kernel,
}

impl Kind {
    /// Each with its word; the cache's directories have its plural.
    pub const ALL: [(&'static str, Self); 4] =
        [("model", Self::Model), ("dataset", Self::Dataset), ("space", Self::Space), ("kernel", Self::Kernel)];

    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Dataset => "dataset",
            Self::Space => "space",
            Self::Kernel => "kernel",
        }
    }
}

/// A repository of the hub.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// What it holds.
    pub kind: Kind,
    /// `org/name`, or `name` alone for some of the oldest.
    pub id: String,
}

impl Name {
    /// The repository that a directory of the cache is for: `models--org--name`.
    pub fn of_directory(directory: &str) -> Option<Self> {
        let (kind, id) = directory.split_once("--")?;
        let kind = Kind::ALL.into_iter().find(|(word, _)| kind.strip_suffix('s') == Some(word))?.1;
        (!id.is_empty()).then(|| Self { kind, id: id.replace("--", "/") })
    }

    /// Whether it is one by the hub's rules: harmless on any shell's command line. Others may write to a cache.
    pub fn is_valid(&self) -> bool {
        valid(&self.id).is_ok()
    }

    /// The directory.
    pub fn directory(&self) -> String {
        format!("{}s--{}", self.kind.word(), self.id.replace('/', "--"))
    }
}

/// As it can be typed: a model's id, and the kind before all others'.
impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Model => write!(out, "{}", self.id),
            kind => write!(out, "{}s/{}", kind.word(), self.id),
        }
    }
}

/// A name and a revision of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The repository.
    pub name: Name,
    /// Branch, tag or full commit, where one was given.
    pub revision: Option<String>,
}

impl Wanted {
    /// Reads `NAME[@REV]`. The kind may stand before the name, as in the hub's addresses, if it was not said otherwise.
    ///
    /// # Errors
    /// For what cannot be a name, by the rules of the library's `validate_repo_id`: nothing that leads out of the cache is one.
    pub fn parse(word: &str, kind: Option<Kind>) -> Result<Self, Failure> {
        let (name, revision) = match word.split_once('@') {
            Some((name, revision)) => (name, Some(revision.to_owned())),
            None => (word, None),
        };
        let name = name.strip_prefix("hf://").unwrap_or(name);
        let (kind, id) = match kind {
            Some(kind) => (kind, name),
            None => prefixed(name).unwrap_or((Kind::Model, name)),
        };
        if let Err(why) = valid(id) {
            let failure = Failure::usage(format!("`{word}` is no name of a model: {why}"));
            return Err(failure.hint("a name is `org/name`, `datasets/org/name`, `org/name@revision`"));
        }
        if let Some(revision) = revision.as_deref().filter(|revision| !is_inside(revision)) {
            return Err(Failure::usage(format!("`{revision}` is no revision: it would lead out of the cache")));
        }
        Ok(Self { name: Name { kind, id: id.to_owned() }, revision })
    }

    /// The revision that counts.
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or("main")
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = self.revision.as_deref().map(|revision| format!("@{revision}"));
        write!(out, "{}{}", self.name, revision.unwrap_or_default())
    }
}

/// `datasets/NAME`. In the singular, as `hf cache ls` writes it, only before two more parts: an organisation may be called so.
fn prefixed(name: &str) -> Option<(Kind, &str)> {
    let (first, id) = name.split_once('/')?;
    let (_, kind) = Kind::ALL.into_iter().find(|(word, _)| match first.strip_suffix('s') {
        Some(singular) => singular == *word,
        None => first == *word && id.contains('/'),
    })?;
    Some((kind, id))
}

/// The rules of `huggingface_hub/utils/_validators.py`.
fn valid(id: &str) -> Result<(), &'static str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let is_part = |part: &str| {
        part.chars().all(|c| is_word(c) || matches!(c, '-' | '.'))
            && part.starts_with(is_word)
            && part.ends_with(is_word)
    };
    let last = id.rsplit('/').next().unwrap_or_default();
    if id.matches('/').count() > 1 {
        return Err("it has more than one `/`");
    }
    if id.contains("..") || id.contains("--") {
        return Err("it has `..` or `--` in it");
    }
    if !id.split('/').all(is_part) || last.chars().count() > 96 {
        return Err("letters, digits, `-`, `_` and `.` make one, and neither `-` nor `.` is first or last");
    }
    if last.rsplit_once('.').is_some_and(|(_, ending)| ending == "git") {
        return Err("it ends in `.git`");
    }
    Ok(())
}

/// Whether a path stays below the directory that it starts from.
pub fn is_inside(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | "..")) && !path.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(word: &str) -> Option<(Kind, String, String)> {
        let wanted = Wanted::parse(word, None).ok()?;
        Some((wanted.name.kind, wanted.name.id.clone(), wanted.revision().to_owned()))
    }

    #[test]
    fn a_word_is_a_name_with_kind_and_revision() {
        for (word, kind, id, revision) in [
            ("gpt2", Kind::Model, "gpt2", "main"),
            ("Qwen/Qwen3-8B", Kind::Model, "Qwen/Qwen3-8B", "main"),
            ("models/gpt2@v1", Kind::Model, "gpt2", "v1"),
            ("org/name@refs/pr/1", Kind::Model, "org/name", "refs/pr/1"),
            ("datasets/glue", Kind::Dataset, "glue", "main"),
            ("hf://datasets/nyu-mll/glue", Kind::Dataset, "nyu-mll/glue", "main"),
            ("dataset/nyu-mll/glue", Kind::Dataset, "nyu-mll/glue", "main"),
            ("spaces/a/b@x@y", Kind::Space, "a/b", "x@y"),
            ("space/b", Kind::Model, "space/b", "main"),
        ] {
            assert_eq!(parsed(word), Some((kind, id.to_owned(), revision.to_owned())), "{word}");
        }
        let said = Wanted::parse("datasets/b", Some(Kind::Model)).unwrap();
        assert_eq!(said.name.directory(), "models--datasets--b");
    }

    #[test]
    fn what_leads_out_of_the_cache_is_no_name() {
        for word in [
            "",
            "..",
            "../x",
            "a/..",
            "a..b",
            "a--b",
            "/etc",
            "a/b/c",
            "a/",
            "-a",
            "a.git",
            "a b",
            "a\0",
            "datasets/",
            "a@../x",
            "a@/etc",
            "a@",
            "a@b//c",
            "a@.",
        ] {
            assert_eq!(Wanted::parse(word, None).map_err(|failure| failure.kind.code()), Err(2), "{word}");
        }
    }

    #[test]
    fn a_directory_is_a_name_and_back() {
        for (directory, shown) in [
            ("models--gpt2", "gpt2"),
            ("datasets--nyu-mll--glue", "datasets/nyu-mll/glue"),
            ("kernels--a--b", "kernels/a/b"),
        ] {
            let name = Name::of_directory(directory).unwrap();
            assert!(name.is_valid());
            assert_eq!((name.to_string().as_str(), name.directory().as_str()), (shown, directory));
        }
        assert!(!Name::of_directory("models--a--$(touch b)").unwrap().is_valid());
        for other in ["blobs", ".locks", "CACHEDIR.TAG", "models--", "model--a", "trees--x"] {
            assert_eq!(Name::of_directory(other), None, "{other}");
        }
    }
}
