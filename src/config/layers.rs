//! Which files make the configuration, in which order, and which of them may.

use std::path::{Path, PathBuf};

use super::look::Look;
use super::problem::Problem;
use crate::host::{Host, users};

/// How a layer came to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `/etc/hpcsh/config.toml`
    System,
    /// `PREFIX/etc/hpcsh/config.toml`, beside the program: how one file on shared storage serves every container.
    Prefix,
    /// `~/.config/hpcsh/config.toml`
    User,
    /// `$HPCSH_CONFIG`
    Variable,
    /// `--config FILE`
    Argument,
}

impl Source {
    /// What the layer is called in listings.
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Prefix => "prefix",
            Self::User => "user",
            Self::Variable => "HPCSH_CONFIG",
            Self::Argument => "--config",
        }
    }

    /// Whether somebody named the file, so that its absence is a mistake.
    fn is_named(self) -> bool {
        matches!(self, Self::Variable | Self::Argument)
    }
}

/// One place where a configuration may lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// How it came to be one.
    pub source: Source,
    /// The file.
    pub path: PathBuf,
}

/// A layer with its text.
#[derive(Clone, Debug)]
pub struct Text {
    /// Which layer.
    pub layer: Layer,
    /// All of the file.
    pub text: String,
}

/// The places in the order in which one overrules the one before.
pub fn places(host: &Host, argument: Option<&Path>) -> Vec<Layer> {
    let mut places = vec![Layer { source: Source::System, path: PathBuf::from("/etc/hpcsh/config.toml") }];
    let mut add = |source, path: Option<PathBuf>| {
        if let Some(path) = path {
            // A program in /usr/bin, or HPCSH_CONFIG at the user's own file, names a file a second time.
            places.retain(|place| place.path != path);
            places.push(Layer { source, path });
        }
    };
    add(Source::Prefix, host.program().and_then(prefix).map(|dir| dir.join("etc/hpcsh/config.toml")));
    add(Source::User, user_file(host));
    add(Source::Variable, host.nonempty("HPCSH_CONFIG").map(PathBuf::from));
    add(Source::Argument, argument.map(Path::to_owned));
    places
}

/// The user's own file: below `$XDG_CONFIG_HOME`, else `~/.config`.
pub fn user_file(host: &Host) -> Option<PathBuf> {
    let base = match host.nonempty("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(path) => path,
        None => host.home()?.join(".config"),
    };
    Some(base.join("hpcsh/config.toml"))
}

/// PREFIX of a program that is `PREFIX/bin/hpcsh` or `PREFIX/bin/ARCH/hpcsh`.
fn prefix(program: &Path) -> Option<PathBuf> {
    let dir = program.parent()?;
    let bin = if dir.file_name()? == "bin" { dir } else { dir.parent().filter(|up| up.ends_with("bin"))? };
    bin.parent().map(Path::to_owned)
}

/// The text of a layer if it is there and may be read; a problem if it may not.
///
/// `owners` are names or ids of users whose files are read too (`trusted_owners` of the system's file).
pub fn read(host: &Host, layer: &Layer, look: Look, owners: &[String], problems: &mut Vec<Problem>) -> Option<Text> {
    let path = &layer.path;
    let (owner, mode, program_owner, bytes) = match look {
        Look::Found { owner, mode, program_owner, bytes, .. } => (owner, mode, program_owner, bytes),
        Look::Absent { is_dangling } => {
            if layer.source.is_named() {
                let named = layer.source.word();
                problems.push(Problem::whole("there is no such file", path).hint(format!("{named} names it")));
            } else if is_dangling {
                // Dotfiles are links to shared storage, and that may not be mounted.
                problems.push(Problem::whole("this is a link to a file that is not there", path));
            }
            return None;
        }
        Look::Failed(why) => {
            problems.push(Problem::whole(format!("cannot be read: {why}"), path));
            return None;
        }
    };
    let is_wrong = check_mode(path, mode).and_then(|()| check_owner(host, path, owner, program_owner, owners));
    if let Err(problem) = is_wrong {
        problems.push(*problem);
        return None;
    }
    match String::from_utf8(bytes) {
        // The mark that Windows' editors put first is no part of the text.
        Ok(text) => {
            let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
            Some(Text { layer: layer.clone(), text })
        }
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let source = String::from_utf8_lossy(error.as_bytes()).into_owned();
            problems.push(
                Problem::at("this is not UTF-8 text", path, &source, &(good..good + 1))
                    .hint("save the file as UTF-8; nothing of it is used"),
            );
            None
        }
    }
}

/// A configuration can set any variable, so it is code: what everybody can write is nobody's.
fn check_mode(path: &Path, mode: u32) -> Result<(), Box<Problem>> {
    if mode & 0o022 == 0 {
        return Ok(());
    }
    let message = format!("others can write this file (mode {mode:04o}): nothing of it is used");
    let command = format!("chmod go-w {}", shell_escape::escape(path.to_string_lossy()));
    Err(Box::new(Problem::whole(message, path).command(command)))
}

/// Only mine, root's, or a trusted owner's counts. The one beside the program may also be the program owner's, who has his code
/// run anyway: a group's installation need not be root's.
fn check_owner(
    host: &Host,
    path: &Path,
    owner: u32,
    program_owner: Option<u32>,
    trusted: &[String],
) -> Result<(), Box<Problem>> {
    let is_trusted =
        |name: &String| name.parse() == Ok(owner) || users::by_name(host, name).is_some_and(|user| user.id == owner);
    let is_fine = owner == 0 || owner == users::my_id() || program_owner == Some(owner);
    if is_fine || trusted.iter().any(is_trusted) {
        return Ok(());
    }
    let name = users::by_id(host, owner).map_or_else(|| owner.to_string(), |user| user.name);
    let hint = format!(
        "make it yours (cp, then mv), or let root put \"{name}\" into trusted_owners in /etc/hpcsh/config.toml"
    );
    Err(Box::new(Problem::whole(format!("this file belongs to {name}: nothing of it is used"), path).hint(hint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_found_with_and_without_an_architecture() {
        let of = |program: &str| prefix(Path::new(program));
        assert_eq!(of("/gpfs/tools/bin/hpcsh"), Some("/gpfs/tools".into()));
        assert_eq!(of("/gpfs/tools/bin/x86_64/hpcsh"), Some("/gpfs/tools".into()));
        assert_eq!(of("/home/me/src/target/release/hpcsh"), None);
        assert_eq!(of("/bin/hpcsh"), Some("/".into()));
    }
}
