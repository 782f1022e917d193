//! `$shared_home`, `$HOME`, `$USER`, `$HOSTNAME` and `$$` in values: expanded here, never by a shell.

use std::cell::OnceCell;
use std::ops::Range;
use std::path::PathBuf;

use crate::host::{Host, users};

use super::keys;

/// The names that a value may use.
pub(super) const NAMES: &[&str] = &["shared_home", "HOME", "USER", "HOSTNAME"];

/// What the names stand for.
pub struct Names<'a> {
    host: &'a Host,
    user: OnceCell<Option<String>>,
    /// `None` until `shared_home` is known.
    pub shared_home: Option<String>,
}

/// A `$` that stands for nothing.
#[derive(Debug, PartialEq, Eq)]
pub struct Unset {
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Which bytes of the value.
    pub span: Range<usize>,
}

impl<'a> Names<'a> {
    /// The names on this host, `shared_home` not yet among them.
    pub fn new(host: &'a Host) -> Self {
        Self { host, user: OnceCell::new(), shared_home: None }
    }

    /// The value of a name; looked up only when it is used, since it may cost a file.
    fn value(&self, name: &str) -> Option<String> {
        match name {
            "shared_home" => self.shared_home.clone(),
            "HOME" => self.host.home().map(PathBuf::into_os_string).and_then(|home| home.into_string().ok()),
            "USER" => self.user.get_or_init(|| user_name(self.host)).clone(),
            "HOSTNAME" => Some(self.host.name()),
            _ => None,
        }
    }

    /// The value with every name replaced.
    pub fn expand(&self, value: &str) -> Result<String, Unset> {
        let mut expanded = String::with_capacity(value.len());
        let mut rest = value;
        while let Some(at) = rest.find('$') {
            expanded.push_str(&rest[..at]);
            let start = value.len() - rest.len() + at;
            let after = &rest[at + 1..];
            if let Some(tail) = after.strip_prefix('$') {
                expanded.push('$');
                rest = tail;
                continue;
            }
            let (name, length) = name_at(after);
            let unset = |message: String, hint: String| Unset { message, hint, span: start..start + 1 + length };
            match self.value(name) {
                Some(text) => expanded.push_str(&text),
                None if name.is_empty() && after.starts_with('{') && !after.contains('}') => {
                    return Err(unset("a `${` without its `}`".into(), "write `$$` for a dollar sign".into()));
                }
                None if name.is_empty() => {
                    return Err(unset("a `$` that begins no name".into(), "write `$$` for a dollar sign".into()));
                }
                None if NAMES.contains(&name) => {
                    let hint = match name {
                        "shared_home" => "give `shared_home` a value, at the top of the file",
                        _ => "neither the environment nor /etc/passwd says it",
                    };
                    return Err(unset(format!("`${name}` is not set"), hint.into()));
                }
                None => {
                    let near = keys::closest(name, NAMES.iter().copied());
                    let hint = near.map_or_else(
                        || "$shared_home, $HOME, $USER, $HOSTNAME are there, and $$ for a dollar sign".to_owned(),
                        |near| format!("did you mean `${near}`?"),
                    );
                    return Err(unset(format!("`${name}` is not set: the configuration has no such variable"), hint));
                }
            }
            rest = &after[length..];
        }
        expanded.push_str(rest);
        Ok(expanded)
    }
}

/// /etc/passwd first: a container's or sudo's environment may name somebody else.
fn user_name(host: &Host) -> Option<String> {
    users::by_id(host, users::my_id())
        .map(|user| user.name)
        .or_else(|| ["USER", "LOGNAME"].iter().find_map(|name| host.nonempty(name)?.into_string().ok()))
}

/// The name that begins here, plain or in braces, and how many bytes it takes.
fn name_at(text: &str) -> (&str, usize) {
    if let Some(braced) = text.strip_prefix('{') {
        return braced.find('}').map_or(("", 1), |end| (&braced[..end], end + 2));
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    (&text[..end], end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_and_nothing_else() {
        let host = Host::pretend("/nowhere".as_ref(), &[("HOME", "/home/ada"), ("USER", "ada")], sink(), sink());
        let mut names = Names::new(&host);
        names.shared_home = Some("/gpfs".into());
        assert_eq!(names.expand("$shared_home/x").as_deref(), Ok("/gpfs/x"));
        assert_eq!(names.expand("${shared_home}x$$HOME").as_deref(), Ok("/gpfsx$HOME"));
        assert_eq!(names.expand("$HOME:$USER").as_deref(), Ok("/home/ada:ada"));
        assert_eq!(names.expand("a$(id)`id`\\").map_err(|unset| unset.span), Err(1..2));
        let unset = names.expand("x/$shared_hom/y").unwrap_err();
        assert_eq!((unset.span, unset.hint.as_str()), (2..13, "did you mean `$shared_home`?"));
    }

    fn sink() -> Box<dyn std::io::Write> {
        Box::new(std::io::sink())
    }
}
