//! `hpcsh dns on`, `off`, `restore`: what is done, in which order, and what is said of it.
//!
//! `on` has the server answer, saves the original, and only then points resolv.conf at the server; `off` goes back in the opposite
//! order. Each of them goes by what it finds, so it may be run again after whatever has happened to the one before.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::plan::{self, Plan};
use super::server::{self, Service, Started};
use super::{Found, NAME, look, owner, places, places_of_root, text};
use crate::dns::who::Answer;
use crate::error::Failure;
use crate::host::likeness::{self, Likeness};
use crate::host::{Host, files, local_dir, users};
use crate::journal::{self, How, Journal, Journals, Stands};
use crate::net::resolv_conf;

/// How long another `on` or `off` may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// `hpcsh dns on`
///
/// # Errors
/// Where it cannot be done: what is missing, and what to do. The node is as it was then.
pub fn on(host: &mut Host, service: &Service, dry_run: bool) -> Result<(), Failure> {
    let answer = server::ask(service.address);
    if answer == Answer::Another {
        let why = format!("another name server answers at {}, port 53", service.address);
        return Err(Failure::failed(why)
            .hint("`dns.listen` in the configuration names another address for ours, such as 127.0.0.2:53"));
    }
    let unit = server::has_unit(host);
    if answer.is_none() && !unit {
        server::may_serve(host)?;
    }
    // What cannot be done is said before anything is started.
    let plan = if look(host) == Found::Ours(service.address) { None } else { Some(plan::plan(host, service.address)?) };
    if dry_run {
        say_plan(host, service, answer, plan.as_ref());
        return Ok(());
    }
    let dir = work_dir(host)?;
    // Not while we hold the lock: the unit may run us itself.
    let mut started = None;
    if answer.is_none() && unit {
        server::start_unit(host, &dir, service)?;
        started = Some(Started::Unit);
    }
    let journals = open(&dir)?;
    if server::ask(service.address).is_none() {
        // One that hangs, or serves at another address.
        if let Some(Started::Process(_)) = server::started(&dir) {
            server::stop(host, &dir)?;
        }
        started = Some(server::start(host, &dir, service)?);
    }
    let done = point(host, &journals, service, started.is_some());
    drop(journals);
    if done.is_err() && started.is_some() {
        let _ = server::stop(host, &dir);
    }
    let remarks = done?;
    for remark in &remarks {
        host.say(remark);
    }
    let at = service.address;
    if let Some(Started::Process(number)) = started {
        host.say(format!("the resolver answers at {at} (process {number}, log {})", server::log(&dir).display()));
    }
    host.say(match remarks.is_empty() {
        true if started.is_none() => {
            format!("nothing to do: {} names {at} first, and the resolver answers there", resolv_conf::PATH)
        }
        true => format!("{} named {at} first already", resolv_conf::PATH),
        false => format!("{} names {at} first now; `hpcsh dns off` brings the original back", resolv_conf::PATH),
    });
    Ok(())
}

/// `hpcsh dns off`
///
/// # Errors
/// Where the original cannot be put back.
pub fn off(host: &mut Host, dry_run: bool) -> Result<(), Failure> {
    take_back(host, dry_run)?;
    for dir in places(host) {
        let Some(started) = server::started(&dir) else { continue };
        if dry_run {
            host.say("would end the resolver that `hpcsh dns on` has started");
            continue;
        }
        // Another `on` may count on it by now. A unit runs `restore` itself at its end, which waits for the lock.
        let _lock = if started == Started::Unit { None } else { Some(open(&dir)?) };
        if look(host) == Found::Nothing && server::stop(host, &dir)? {
            host.say("the resolver has ended");
        }
    }
    Ok(())
}

/// `hpcsh dns restore`: the server is left alone.
///
/// # Errors
/// Where the original cannot be put back.
pub fn restore(host: &mut Host, dry_run: bool) -> Result<(), Failure> {
    take_back(host, dry_run)
}

/// Where this user's journals lie, made where it is not there: where there is one already, else the first place that can be written.
fn work_dir(host: &Host) -> Result<PathBuf, Failure> {
    let dirs = if users::my_id() == 0 {
        places_of_root(host).to_vec()
    } else {
        let own = local_dir::default_path(host);
        local_dir::ensure(&own).map_err(Failure::failed)?;
        vec![own]
    };
    let has_one = |dir: &&PathBuf| files::exists(&dir.join("journal").join(NAME));
    let mut why = Vec::new();
    for dir in dirs.iter().filter(has_one).chain(&dirs) {
        match Journals::can_begin(dir) {
            Ok(()) => return Ok(dir.clone()),
            Err(error) => why.push(format!("{}: {error}", dir.display())),
        }
    }
    Err(Failure::failed(format!("the original can be saved nowhere ({})", why.join("; "))).hint("nothing was changed"))
}

/// The journals of a place, for this process alone.
fn open(dir: &Path) -> Result<Journals, Failure> {
    Journals::open(dir, PATIENCE).map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => {
            Failure::failed("another `hpcsh dns on`, `off` or `restore` is at work").hint("try again when it has ended")
        }
        std::io::ErrorKind::PermissionDenied => Failure::failed(format!("{} is another user's", dir.display()))
            .hint("only who ran `hpcsh dns on` may take it back: run this as root"),
        _ => Failure::failed(format!("{}: {error}", dir.display())),
    })
}

/// Points resolv.conf at our server. Gives what was done; nothing where it was done already.
fn point(host: &mut Host, journals: &Journals, service: &Service, is_new_server: bool) -> Result<Vec<String>, Failure> {
    let journal = found(host, journals)?;
    let is_whole = |journal: &Journal| (0..journal.changes.len()).all(|number| !is_foreign(journal, number));
    if look(host) == Found::Ours(service.address) && journal.as_ref().is_none_or(is_whole) {
        if let Some(journal) = journal {
            // Settings of others do not outlive the node.
            apply(host, &journal)?;
            for change in journal.changes.iter().filter(|_| is_new_server) {
                tell_owner(host, &change.path);
            }
        }
        return Ok(Vec::new());
    }
    // What is left of an earlier time: its settings are made anew, its original is kept where the file is somebody else's by now.
    if let Some(journal) = journal {
        let foreign = undo(host, &journal)?;
        journals.end(journal, !foreign.is_empty()).map_err(Failure::failed)?;
    }
    take_out_of_shared(host)?;
    // Ours, without a journal or changed since: what is in it without us is what comes back.
    if look(host) != Found::Nothing {
        take_out(host)?;
    }
    let Plan { changes, remarks } = plan::plan(host, service.address)?;
    let journal = journals.begin(NAME, changes).map_err(Failure::failed)?;
    if let Err(failure) = apply(host, &journal) {
        // As it was; what cannot be undone stays in the journal.
        undo(host, &journal)?;
        journals.end(journal, false).map_err(Failure::failed)?;
        return Err(failure);
    }
    Ok(remarks)
}

/// Whether a file is somebody else's by now.
fn is_foreign(journal: &Journal, number: usize) -> bool {
    matches!(journal.stands(number), Ok(Stands::Foreign))
}

/// The journal that there is. One that cannot be read is told, and put aside: the text of ours has the original in it.
fn found(host: &mut Host, journals: &Journals) -> Result<Option<Journal>, Failure> {
    match journals.find(NAME) {
        Ok(journal) => Ok(journal),
        Err(why) => {
            let aside = journals.put_aside(NAME).map_err(Failure::failed)?;
            host.say(format!("warning: {why}; it lies in {} now", aside.display()));
            Ok(None)
        }
    }
}

/// Makes each change, and tells those whose settings have changed.
fn apply(host: &mut Host, journal: &Journal) -> Result<(), Failure> {
    for number in 0..journal.changes.len() {
        let path = journal.changes[number].path.clone();
        let was = journal.stands(number).ok();
        journal.apply(host, number).map_err(|error| {
            Failure::failed(match error.kind() {
                std::io::ErrorKind::AlreadyExists => {
                    format!("{} has just been changed by somebody else", path.display())
                }
                _ => format!("{}: {error}", path.display()),
            })
        })?;
        if was != Some(Stands::After) {
            tell_owner(host, &path);
        }
    }
    Ok(())
}

/// Takes each change back, the last one first. Gives the files that are somebody else's by now, and stay so.
fn undo(host: &mut Host, journal: &Journal) -> Result<Vec<PathBuf>, Failure> {
    let mut foreign = Vec::new();
    for number in (0..journal.changes.len()).rev() {
        let path = journal.changes[number].path.clone();
        let stood = journal.undo(host, number);
        let stood = stood.map_err(|error| {
            let failure = Failure::failed(format!("{} cannot be put back: {error}", path.display()));
            failure.hint(format!("the original is {}", journal.saved(number).display()))
        })?;
        // Whether he has read of an earlier end, nobody knows.
        tell_owner(host, &path);
        if stood == Stands::Foreign {
            foreign.push(path);
        }
    }
    if !foreign.is_empty() {
        // What an administrator has added to a file of his own stays, and only our lines go.
        let cleared = take_out_of_shared(host)?;
        foreign.retain(|path| !cleared.contains(path));
    }
    Ok(foreign)
}

/// Has the owner of settings read them, where this file is such; that he cannot be told is said, and no reason to stop.
fn tell_owner(host: &mut Host, settings: &Path) {
    if let Some(words) = owner::command(settings)
        && let Err(why) = server::tell(host, words)
    {
        host.say(format!("warning: {why}: {} is not heeded before that", settings.display()));
    }
}

/// The original again.
fn take_back(host: &mut Host, dry_run: bool) -> Result<(), Failure> {
    let mut is_done = false;
    for dir in places(host) {
        // To look into others' places, their lock is not needed.
        let is_mine = files::own_entry(&dir).is_ok_and(|found| found.owner == users::my_id());
        let is_empty = matches!(journal::glance(&dir, NAME), Ok(None));
        if !files::exists(&dir.join("journal")) || is_empty && !is_mine {
            continue;
        }
        if dry_run {
            is_done |= say_way_back(host, &dir)?;
            continue;
        }
        let journals = open(&dir)?;
        let Some(journal) = found(host, &journals)? else { continue };
        is_done = true;
        let foreign = undo(host, &journal)?;
        let kept = journals.end(journal, !foreign.is_empty()).map_err(Failure::failed)?;
        for path in &foreign {
            let kept = kept.as_deref().unwrap_or(Path::new("")).display();
            host.say(format!(
                "{} was changed by somebody else since and stays as it is; what was there before lies in {kept}",
                path.display()
            ));
        }
        if foreign.is_empty() {
            host.say(format!("{} is the original again", resolv_conf::PATH));
        }
    }
    if dry_run && is_done {
        return Ok(());
    }
    match look(host) {
        // What was saved is gone, or was never here, as in a container that got its file from a node: the text has its original.
        Found::Ours(_) | Found::Alone => {
            if dry_run {
                host.say(format!("would take the lines of ours out of {}", resolv_conf::PATH));
            } else {
                take_out(host)?;
                take_out_of_shared(host)?;
                host.say(format!("{} is the original again, as it stood in the file itself", resolv_conf::PATH));
            }
            Ok(())
        }
        Found::Changed(at) => Err(Failure::failed(format!(
            "{} was changed by somebody else since, and names {at} still: it stays as it is",
            resolv_conf::PATH
        ))
        .hint("take that line out; or run `hpcsh dns on`, which takes the file as it is for the original, and then this again")),
        Found::Nothing => {
            likeness::sweep(&host.locate(Path::new(resolv_conf::PATH)));
            if !is_done {
                host.say(format!("nothing to do: {} is not ours", resolv_conf::PATH));
            }
            Ok(())
        }
    }
}

/// Takes our lines out of a resolv.conf for which there is no journal.
fn take_out(host: &Host) -> Result<(), Failure> {
    rewrite(host, resolv_conf::PATH, |text| Some(text::behind(text).text().to_owned())).map(|_| ())
}

/// Takes our lines out of files of others that have changed since, or for which there is no journal. Gives these files.
fn take_out_of_shared(host: &mut Host) -> Result<Vec<PathBuf>, Failure> {
    let mut cleared = Vec::new();
    for name in owner::SHARED {
        let path = host.locate(Path::new(name));
        let text = files::read(&path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let has_ours = text.is_some_and(|text| owner::without_ours(&text).is_some());
        if has_ours && rewrite(host, name, owner::without_ours)? {
            tell_owner(host, &path);
            cleared.push(path);
        }
    }
    Ok(cleared)
}

/// Writes what becomes of the text of a file, where something does. Gives whether it was so.
fn rewrite(host: &Host, name: &str, change: impl Fn(&str) -> Option<String>) -> Result<bool, Failure> {
    let path = host.locate(Path::new(name));
    let path = files::real_path(&path).unwrap_or(path);
    let failed = |error: std::io::Error| Failure::failed(format!("{}: {error}", path.display()));
    let Likeness::File { bytes, looks } = Likeness::of(&path).map_err(failed)? else { return Ok(false) };
    let Some(text) = change(&String::from_utf8_lossy(&bytes)) else { return Ok(false) };
    let looks = likeness::Looks { modified: None, ..looks };
    let way = likeness::way(&path, host.mounts().iter().any(|mount| mount.point == path)).map_err(failed)?;
    likeness::put(&path, &Likeness::File { bytes: text.into_bytes(), looks }, way).map_err(failed)?;
    Ok(true)
}

fn say_plan(host: &mut Host, service: &Service, answer: Answer, plan: Option<&Plan>) {
    if answer.is_none() {
        let words: Vec<_> = service.words.iter().map(|word| word.to_string_lossy()).collect();
        let what = if server::has_unit(host) { format!("systemctl start {}", server::UNIT) } else { words.join(" ") };
        host.say(format!("would start the resolver, and wait until it answers at {}: {what}", service.address));
    }
    let Some(plan) = plan else {
        host.say(format!("would not touch {}: it names {} first already", resolv_conf::PATH, service.address));
        return;
    };
    for remark in &plan.remarks {
        host.say(format!("would go so: {remark}"));
    }
    for change in &plan.changes {
        let verb = if change.how == How::Cover { "mount over" } else { "write" };
        host.say(format!("would {verb} {}:", change.path.display()));
        host.print(change.after.bytes().unwrap_or_default());
    }
}

/// Gives whether there is something to put back.
fn say_way_back(host: &mut Host, dir: &Path) -> Result<bool, Failure> {
    let Some(journal) = journal::glance(dir, NAME).map_err(Failure::failed)? else { return Ok(false) };
    for number in (0..journal.changes.len()).rev() {
        let path = journal.changes[number].path.display().to_string();
        let stands = journal.stands(number).map_err(|error| Failure::failed(format!("{path}: {error}")))?;
        host.say(match stands {
            Stands::Before => format!("would leave {path} alone: it is the original"),
            Stands::Foreign => format!("would leave {path} alone: somebody else has changed it since"),
            Stands::After | Stands::Between => {
                format!("would put {path} back, from {}", journal.saved(number).display())
            }
        });
    }
    Ok(true)
}
