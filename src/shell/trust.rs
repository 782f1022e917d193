//! Which environments a shell may enter unasked.
//!
//! To enter one is to run its programs by their bare names from then on, and others write to shared storage too. So an
//! environment is entered only if it is the user's or root's and nobody else can write it, or if the user has said so.
//! What somebody allowed holds for what he looked at: the record keeps it, and a change withdraws it.

pub mod stale;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest;
use crate::error::Failure;
use crate::host::files::{self, Entry};
use crate::host::{Host, users};
use crate::quote;

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

impl Facts {
    /// Looks at the environment of this path.
    ///
    /// # Errors
    /// Half a sentence about the path: why it is no environment that could be entered.
    pub fn of(host: &Host, path: &Path) -> Result<Self, String> {
        const PARTS: [&str; 4] = ["", "bin", "pyvenv.cfg", "bin/python"];
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

/// What the user said of one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The environment's path without symlinks.
    pub path: PathBuf,
    /// `None`: denied.
    pub allowed: Option<Identity>,
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

/// How many paths of the same digest are told apart.
const SAME_DIGEST: usize = 16;

/// The records in their directory.
struct Records<'a> {
    host: &'a Host,
    dir: &'a Path,
}

impl Records<'_> {
    /// The record of this path, and its file. What others may have written is no record.
    fn find(&self, path: &Path) -> Option<(PathBuf, Record)> {
        let taken = self.files(path).take_while(|file| files::exists(file));
        taken
            .filter_map(|file| Some((self.read(&file)?, file)))
            .find(|(record, _)| record.path == path)
            .map(|(record, file)| (file, record))
    }

    /// Where the record of this path may lie: the first, unless another path of the same digest has it.
    fn files(&self, path: &Path) -> impl Iterator<Item = PathBuf> {
        let digest = digest::of(path.as_os_str().as_encoded_bytes());
        (0..SAME_DIGEST).map(move |number| self.dir.join(format!("{digest:016x}-{number}.json")))
    }

    fn read(&self, file: &Path) -> Option<Record> {
        let (entry, bytes) = files::read_with_entry(&self.host.locate(file)).ok()?;
        let is_mine = entry.owner == users::my_id() || entry.owner == 0;
        if !is_mine || entry.mode & 0o022 != 0 {
            return None;
        }
        serde_json::from_slice(&bytes).ok()
    }

    fn all(&self) -> Vec<Record> {
        let mut records: Vec<Record> =
            files::list(self.dir).unwrap_or_default().iter().filter_map(|file| self.read(file)).collect();
        records.sort_by(|one, other| one.path.cmp(&other.path));
        records
    }

    /// Writes the record over the one that is there.
    fn write(&self, record: &Record) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            Failure::failed(format!("cannot write {}: {error}", self.dir.display()))
                .hint("name a place that is yours: `state_dir` in the configuration")
        };
        files::make_private(self.dir).map_err(failed)?;
        let free = || self.files(&record.path).find(|file| !files::exists(file));
        let file = self.find(&record.path).map(|(file, _)| file).or_else(free);
        let file = file.ok_or_else(|| failed(std::io::ErrorKind::AlreadyExists.into()))?;
        let text = serde_json::to_vec_pretty(record).map_err(|error| failed(error.into()))?;
        files::replace(&file, &text).map_err(failed)
    }
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

/// What is to be said of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It is entered unasked, as it is now.
    Allow,
    /// It is never entered unasked.
    Deny,
    /// Nothing: what was said is taken back.
    Forget,
}

/// Records the word for the environment of a directory: in it, it itself, or, without one, the nearest upwards.
///
/// # Errors
/// Where there is no environment, or the record cannot be written.
pub fn say(host: &mut Host, settings: &Settings, dir: Option<&Path>, word: Word, dry_run: bool) -> Result<(), Failure> {
    let environment = find(host, settings, dir)?;
    let name = shown(&environment);
    let facts = Facts::of(host, &environment);
    // Of one that is gone, or was never whole, the word against it can still be said.
    let path = match (&facts, word) {
        (Ok(facts), _) => facts.path.clone(),
        (Err(why), Word::Allow) => return Err(Failure::failed(format!("{name} {why}"))),
        (Err(_), _) => files::real_path(&host.locate(&environment)).unwrap_or(environment),
    };
    let records = Records { host, dir: &settings.records };
    let before = records.find(&path);
    let after = match (word, &facts) {
        (Word::Allow, Ok(facts)) => Some(Record { path, allowed: Some(facts.identity()) }),
        (Word::Forget, _) => None,
        _ => Some(Record { path, allowed: None }),
    };
    let (done, planned) = match word {
        Word::Allow => ("is entered at the next visit", "would be entered at the next visit"),
        Word::Deny => ("is not entered any more", "would not be entered any more"),
        Word::Forget => ("is judged by its owner and mode again", "would be judged by its owner and mode again"),
    };
    if before.as_ref().map(|(_, record)| record) == after.as_ref() {
        host.say(format!("{name}: nothing to do"));
        return Ok(());
    }
    if dry_run {
        host.say(format!("{name} {planned}"));
        return Ok(());
    }
    match (&after, &before) {
        (Some(record), _) => records.write(record)?,
        (None, Some((file, _))) => files::remove(file)
            .map_err(|error| Failure::failed(format!("cannot remove {}: {error}", file.display())))?,
        (None, None) => {}
    }
    host.say(format!("{name} {done}"));
    Ok(())
}

/// The environment that `act` would enter for this argument.
fn find(host: &Host, settings: &Settings, dir: Option<&Path>) -> Result<PathBuf, Failure> {
    let here = host.working_directory();
    let asked = dir.map(|dir| host.absolute(dir)).or_else(|| here.clone());
    let asked = asked.ok_or_else(|| Failure::failed("the working directory is gone").hint("name a directory"))?;
    let is_environment = |path: &Path| files::exists(&host.locate(path).join("pyvenv.cfg"));
    let in_or_itself = |dir: &Path| [dir.join(".venv"), dir.to_owned()].into_iter().find(|path| is_environment(path));
    let found = match dir {
        Some(_) => in_or_itself(&asked),
        None => asked.ancestors().find_map(in_or_itself),
    };
    // A record may speak of one that is broken or gone.
    let records = Records { host, dir: &settings.records };
    let is_known = |path: &PathBuf| {
        let real = files::real_path(&host.locate(path)).unwrap_or_else(|_| path.clone());
        path.ends_with(".venv") && files::exists(&host.locate(path)) || records.find(&real).is_some()
    };
    let named = || dir.and_then(|_| [asked.join(".venv"), asked.clone()].into_iter().find(is_known));
    found.or_else(named).ok_or_else(|| {
        Failure::failed(format!("there is no environment in {}", shown(&asked)))
            .hint("an environment has a pyvenv.cfg: `uv venv` or `python3 -m venv .venv` makes one")
    })
}

/// One line of `hpcsh trust`.
#[derive(Serialize)]
struct Row {
    path: PathBuf,
    state: &'static str,
    reason: String,
}

/// Lists what was said, and whether it still holds; for a directory, whether its environment is entered, and why.
///
/// Gives whether everything holds: a stale record, or an environment that is not entered, does not.
///
/// # Errors
/// Where the directory has no environment.
pub fn show(host: &mut Host, settings: &Settings, dir: Option<&Path>, json: bool) -> Result<bool, Failure> {
    let rows: Vec<Row> = match dir {
        Some(dir) => {
            let path = find(host, settings, Some(dir))?;
            let decision = decision(host, settings, &Facts::of(host, &path));
            let state = if decision.is_ok() { "entered" } else { "not entered" };
            let reason = decision.map_or_else(|why| format!("it {why}"), |why| format!("it {why}"));
            vec![Row { path, state, reason }]
        }
        None => Records { host, dir: &settings.records }.all().into_iter().map(|record| row(host, record)).collect(),
    };
    let holds = rows.iter().all(|row| matches!(row.state, "entered" | "allowed" | "denied"));
    if json {
        let text = serde_json::to_string_pretty(&rows).unwrap_or_default();
        host.print(text + "\n");
        return Ok(holds);
    }
    if rows.is_empty() {
        host.say("nothing was allowed or denied: environments are judged by owner and mode");
    }
    for row in &rows {
        let reason = if row.reason.is_empty() { String::new() } else { format!("  {}", row.reason) };
        host.print(format!("{:<12}{}{reason}\n", row.state, shown(&row.path)));
    }
    Ok(holds)
}

/// The state of a record.
fn row(host: &Host, record: Record) -> Row {
    let (state, reason) = match (&record.allowed, Facts::of(host, &record.path)) {
        (None, _) => ("denied", String::new()),
        (Some(allowed), Ok(facts)) if *allowed == facts.identity() => ("allowed", String::new()),
        (Some(_), Ok(_)) => ("stale", "it has changed since it was allowed".to_owned()),
        (Some(_), Err(why)) => ("stale", format!("it {why}")),
    };
    Row { path: record.path, state, reason }
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
