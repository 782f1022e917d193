//! Which environments a shell may enter unasked.
//!
//! To enter one is to run its programs by their bare names from then on, and others write to shared storage too. So an
//! environment is entered only if it is the user's or root's and nobody else can write it, or if the user has said so.
//! What somebody allowed holds for what he looked at: the record keeps it, and a change withdraws it.

pub mod records;
pub mod stale;
pub mod word;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::files::{self, Entry};
use crate::host::{Host, users};
use crate::quote;
use records::{Record, Records};

/// `[venv] trusted_roots`, and where the records lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Directories below which everything that others cannot write is trusted, whoever owns it.
    pub roots: Vec<PathBuf>,
    /// The directory of the records: one file for each.
    pub records: PathBuf,
}

/// What is known of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its path without symlinks.
    pub path: PathBuf,
    /// The symlinks on the way to it and to the program, each with its owner, who can have it lead elsewhere at any time.
    pub links: Vec<(PathBuf, u32)>,
    /// Its directory.
    pub environment: Entry,
    /// Its `bin`.
    pub bin: Entry,
    /// Its `pyvenv.cfg`.
    pub file: Entry,
    /// What stands in that.
    pub text: String,
    /// The program that its `bin/python` leads to.
    pub python: Entry,
    /// The path of that without symlinks.
    pub program: PathBuf,
    /// Whether that lies on storage that other machines write too.
    pub is_program_shared: bool,
    /// Whether any of it lies on storage that other machines write too.
    pub is_shared: bool,
}

/// The parts of an environment that are looked at.
pub const PARTS: [&str; 4] = ["", "bin", "pyvenv.cfg", "bin/python"];

impl Facts {
    /// Looks at the environment of this path.
    ///
    /// # Errors
    /// Half a sentence about the path: why it is no environment that could be entered.
    pub fn of(host: &Host, path: &Path) -> Result<Self, String> {
        let at = |name: &str| host.locate(path).join(name);
        let missing = |what: &str, error: std::io::Error| format!("has no {what} that could be looked at ({error})");
        if path.as_os_str().as_encoded_bytes().contains(&b':') {
            return Err("has a colon in its path, which PATH cannot hold".to_owned());
        }
        let python = files::entry(&at("bin/python")).map_err(|error| match files::link_target(&at("bin/python")) {
            Ok(target) => format!("has a bin/python that leads to {}, which is not on this node", shown(&target)),
            Err(_) => missing("bin/python", error),
        })?;
        let (file, bytes) = files::read_with_entry(&at("pyvenv.cfg")).map_err(|error| missing("pyvenv.cfg", error))?;
        let mut links = Vec::new();
        // The others are on the way to these.
        for part in ["pyvenv.cfg", "bin/python"] {
            links.extend(files::links(&at(part)).map_err(|error| missing("way to it", error))?);
        }
        Ok(Self {
            path: files::real_path(&at("")).map_err(|error| missing("real path", error))?,
            links,
            environment: files::entry(&at("")).map_err(|error| missing("directory", error))?,
            bin: files::entry(&at("bin")).map_err(|error| missing("bin", error))?,
            file,
            text: String::from_utf8(bytes).map_err(|_| "has a pyvenv.cfg that is no UTF-8".to_owned())?,
            python,
            program: files::real_path(&at("bin/python")).map_err(|error| missing("bin/python", error))?,
            is_program_shared: !files::is_on_local_storage(&at("bin/python")),
            is_shared: PARTS.iter().any(|part| !files::is_on_local_storage(&at(part))),
        })
    }

    /// What the user looked at when he allowed it.
    fn identity(&self) -> Identity {
        let part = |entry: Entry| Part {
            // The number that shared storage has differs from node to node.
            device: if self.is_shared { 0 } else { entry.device },
            inode: entry.inode,
            owner: entry.owner,
        };
        Identity { environment: part(self.environment), bin: part(self.bin), pyvenv_cfg: self.text.clone() }
    }
}

/// What a record of an allowed environment holds beside its path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    environment: Part,
    bin: Part,
    pyvenv_cfg: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    device: u64,
    inode: u64,
    owner: u32,
}

/// Whether an environment is entered unasked; the text says why, as half a sentence about it.
pub type Decision = Result<&'static str, String>;

/// Decides from what is known and what was said. `me` is the user's id.
pub fn decide(facts: &Facts, record: Option<&Record>, settings: &Settings, me: u32, host: &Host) -> Decision {
    let is_ours = |owner: u32| owner == me || owner == 0;
    if record.is_some_and(|record| record.allowed.is_none()) {
        return Err("was denied".to_owned());
    }
    // Before what was allowed: that was said of what lies behind the links.
    if let Some((link, owner)) = facts.links.iter().find(|(_, owner)| !is_ours(*owner)) {
        return Err(format!("is reached by a symlink of {} ({})", user(host, *owner), shown(link)));
    }
    let changed = match record.and_then(|record| record.allowed.as_ref()) {
        Some(allowed) if *allowed == facts.identity() => return Ok("was allowed"),
        Some(_) => true,
        None => false,
    };
    let refused = |why: String| Err(if changed { format!("has changed since it was allowed, and {why}") } else { why });
    let parts =
        [("", facts.environment), ("/bin", facts.bin), ("/pyvenv.cfg", facts.file), ("/bin/python", facts.python)];
    if let Some((name, _)) = parts.iter().find(|(_, part)| part.mode & 0o022 != 0) {
        return refused(format!("can be written by others{}", at(name)));
    }
    let proves = !(me == 0 && facts.is_shared);
    let roots: Vec<PathBuf> =
        settings.roots.iter().filter_map(|root| files::real_path(&host.locate(root)).ok()).collect();
    let is_below = |path: &Path| roots.iter().any(|root| path.starts_with(root));
    if is_below(&facts.path) {
        let is_program_ours = is_ours(facts.python.owner) && !(me == 0 && facts.is_program_shared);
        if is_below(&facts.program) || is_program_ours {
            return Ok("lies below a trusted root");
        }
        return refused(format!("has a bin/python that leads out of the trusted roots, to {}", shown(&facts.program)));
    }
    if !proves {
        return refused("lies on shared storage, where for root in a container every file is root's".to_owned());
    }
    if let Some((name, part)) = parts.iter().find(|(_, part)| !is_ours(part.owner)) {
        return refused(format!("belongs to {}{}", user(host, part.owner), at(name)));
    }
    Ok("is yours or root's, and nobody else can write it")
}

/// A path for people.
fn shown(path: &Path) -> String {
    quote::visible(&path.to_string_lossy())
}

fn at(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" (its {})", &name[1..]) }
}

fn user(host: &Host, id: u32) -> String {
    users::by_id(host, id).map_or_else(|| format!("user {id}"), |user| user.name)
}

/// What a shell asks before it enters the environment: whether it may. Where not, the line that tells why.
pub fn refusal(host: &Host, settings: &Settings, environment: &Path) -> Option<String> {
    let facts = Facts::of(host, environment);
    let why = decision(host, settings, &facts).err()?;
    let name = environment.to_string_lossy();
    // A name with control characters is not one to type.
    let command =
        if quote::visible(&name) == name { format!(" {}", shell_escape::escape(name)) } else { String::new() };
    // What could not be looked at cannot be allowed.
    let advice = if facts.is_ok() { format!("; `hpcsh allow{command}` allows it") } else { String::new() };
    Some(format!("hpcsh: {} is not entered: it {why}{advice}", shown(environment)))
}

/// The same where it does not get as far as a decision.
pub fn not_entered(environment: &Path, why: &str) -> String {
    format!("hpcsh: {} is not entered: {why}", shown(environment))
}

/// The files that the answer depends on.
pub fn asked<'a>(settings: &'a Settings, environment: &Path) -> impl Iterator<Item = PathBuf> + use<'a> {
    let roots = settings.roots.iter().cloned();
    [environment.to_owned(), environment.join("bin/python"), settings.records.clone()].into_iter().chain(roots)
}

fn decision(host: &Host, settings: &Settings, facts: &Result<Facts, String>) -> Decision {
    let facts = facts.as_ref().map_err(Clone::clone)?;
    let record = Records { host, dir: &settings.records }.find(&facts.path);
    decide(facts, record.as_ref().map(|(_, record)| record), settings, users::my_id(), host)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: u32 = 1000;

    fn entry(owner: u32, mode: u32) -> Entry {
        Entry { device: 1, inode: 2, owner, mode }
    }

    fn facts() -> Facts {
        let mine = entry(ME, 0o755);
        Facts {
            path: "/p/.venv".into(),
            links: vec![("/p".into(), ME), ("/p/.venv/bin/python".into(), 0)],
            environment: mine,
            bin: mine,
            file: entry(ME, 0o644),
            text: "home = /usr/bin\n".into(),
            python: entry(0, 0o755),
            program: "/usr/bin/python3".into(),
            is_program_shared: false,
            is_shared: false,
        }
    }

    fn decided(facts: &Facts, record: Option<&Record>, me: u32) -> Decision {
        let host = Host::pretend(Path::new("/"), &[], Box::new(Vec::new()), Box::new(Vec::new()));
        let settings = Settings { roots: Vec::new(), records: "/none".into() };
        decide(facts, record, &settings, me, &host)
    }

    #[test]
    fn what_is_mine_or_roots_and_closed_is_entered() {
        assert!(decided(&facts(), None, ME).is_ok());
        let parts: [fn(&mut Facts) -> &mut Entry; 4] =
            [|f| &mut f.environment, |f| &mut f.bin, |f| &mut f.file, |f| &mut f.python];
        for (number, part) in parts.into_iter().enumerate() {
            let mut others = facts();
            part(&mut others).owner = 1001;
            assert!(decided(&others, None, ME).unwrap_err().starts_with("belongs to"), "part {number}");
            let mut open = facts();
            part(&mut open).mode |= 0o020;
            assert!(decided(&open, None, ME).is_err(), "part {number}");
        }
    }

    #[test]
    fn a_strangers_symlink_on_the_way_is_refused_whatever_was_allowed() {
        let links = vec![("/scratch/tool".into(), 1001)];
        let linked = Facts { links, ..facts() };
        let allowed = Record { path: linked.path.clone(), allowed: Some(linked.identity()) };
        for record in [None, Some(&allowed)] {
            assert!(decided(&linked, record, ME).unwrap_err().starts_with("is reached by a symlink of"));
        }
    }

    #[test]
    fn for_root_ownership_on_shared_storage_proves_nothing() {
        let shared = Facts { is_shared: true, ..facts() };
        assert!(decided(&shared, None, ME).is_ok());
        let roots = Facts {
            links: Vec::new(),
            environment: entry(0, 0o755),
            bin: entry(0, 0o755),
            file: entry(0, 0o644),
            ..shared
        };
        assert!(decided(&roots, None, 0).unwrap_err().contains("shared storage"));
        assert!(decided(&Facts { is_shared: false, ..roots.clone() }, None, 0).is_ok());
        let allowed = Record { path: roots.path.clone(), allowed: Some(roots.identity()) };
        assert!(decided(&roots, Some(&allowed), 0).is_ok());
    }

    #[test]
    fn a_change_withdraws_what_was_allowed_and_a_denial_wins() {
        let others = Facts { environment: entry(1001, 0o775), ..facts() };
        let allowed = Record { path: others.path.clone(), allowed: Some(others.identity()) };
        assert_eq!(decided(&others, Some(&allowed), ME), Ok("was allowed"));
        let changes: [fn(&mut Facts); 4] = [
            |f| f.text.push_str("prompt = x\n"),
            |f| f.environment.inode += 1,
            |f| f.bin.inode += 1,
            |f| f.bin.owner = 7,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut now = others.clone();
            change(&mut now);
            assert!(decided(&now, Some(&allowed), ME).unwrap_err().contains("has changed"), "change {number}");
        }
        let denied = Record { path: facts().path, allowed: None };
        assert_eq!(decided(&facts(), Some(&denied), ME), Err("was denied".to_owned()));
    }
}
