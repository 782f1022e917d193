//! What `on` is going to change on this node, and why in this way. Changes nothing.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::owner::{self, Owner};
use super::text;
use crate::error::Failure;
use crate::host::likeness::{self, Likeness, Looks, Way};
use crate::host::{Host, files};
use crate::journal::{Change, How};
use crate::net::resolv_conf::{self, ResolvConf};

/// What is to be changed: the settings of others first, resolv.conf last.
#[derive(Debug)]
pub struct Plan {
    /// In this order.
    pub changes: Vec<Change>,
    /// How, and what is to be known of it: a sentence each.
    pub remarks: Vec<String>,
}

/// What is to be changed so that this server of ours is asked first.
///
/// # Errors
/// Where it cannot be changed: what forbids it, and what to do.
pub fn plan(host: &Host, ours: IpAddr) -> Result<Plan, Failure> {
    let path = host.locate(Path::new(resolv_conf::PATH));
    let found = Likeness::of(&path).map_err(|error| unreadable(&error))?;
    let original = original(host, &path, &found)?;
    let fronted = text::front(original.text(), ours);
    let target = match &found {
        Likeness::Link { target, .. } => Some(target.as_path()),
        _ => None,
    };
    let owner = Owner::of(target, original.text());
    let place = place(host, &path, &found)?;
    let mut remarks = vec![place.remark];
    let after = Likeness::File { bytes: fronted.text.into_bytes(), looks: looks_of(&place.before) };
    let mut changes = Vec::new();
    if let Some(settings) = owner::settings(host, owner, target.is_some(), ours, &original) {
        let told = host.locate(&settings.path);
        let before = Likeness::of(&told).map_err(|error| Failure::failed(format!("{}: {error}", told.display())))?;
        let looks = looks_of(&before);
        let after = Likeness::File { bytes: settings.text.into_bytes(), looks };
        changes.push(Change::from(&told, before, after, How::Change));
        let lines = settings.lines.lines().filter(|line| !line.starts_with('[')).collect::<Vec<_>>().join(", ");
        remarks.push(format!("{} is told by {}: {lines}", owner.name(), settings.path.display()));
    } else {
        remarks.extend(owner.warning(ours));
    }
    changes.push(Change::from(&place.path, place.before, after, place.how));
    for server in &fronted.left_out {
        remarks.push(format!(
            "nameserver {} falls out: the C library asks three servers, and ours is the first",
            server.address
        ));
    }
    if fronted.rotated {
        remarks.push("`options rotate` is left out: every other question would go past ours".to_owned());
    }
    if original.servers.iter().all(|server| server.address == ours) {
        remarks.push("there is no other server to ask: names of the intranet are not found either".to_owned());
    }
    Ok(Plan { changes, remarks })
}

/// How the file looks that takes the place of this one.
fn looks_of(before: &Likeness) -> Looks {
    match before {
        Likeness::File { looks, .. } => Looks { modified: None, ..looks.clone() },
        _ => Looks::plain(),
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::failed(format!("{}: {error}", resolv_conf::PATH))
}

/// What the node's names are looked up by without us.
fn original(host: &Host, path: &Path, found: &Likeness) -> Result<ResolvConf, Failure> {
    let read = |path: &Path| files::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let said = match found {
        Likeness::Nothing => String::new(),
        Likeness::File { bytes, .. } => String::from_utf8_lossy(bytes).into_owned(),
        Likeness::Link { .. } => match read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(unreadable(&error)),
        },
    };
    Ok(seen(host, &said))
}

/// The resolv.conf behind what this text says: behind us, and behind a server of the node's own that asks the others for it.
pub fn seen(host: &Host, said: &str) -> ResolvConf {
    let conf = if text::ours(said).is_some() { text::behind(said) } else { ResolvConf::parse(said) };
    let Some(beyond) = owner::beyond_stub(conf.text()) else { return conf };
    // He reads our file too, and would ask us what we ask him.
    let bytes = files::read(&host.locate(beyond)).unwrap_or_default();
    let conf_beyond = ResolvConf::parse(&String::from_utf8_lossy(&bytes));
    if conf_beyond.servers.is_empty() { conf } else { conf_beyond }
}

/// Where the change is made, and how.
struct Place {
    path: PathBuf,
    before: Likeness,
    how: How,
    remark: String,
}

fn place(host: &Host, path: &Path, found: &Likeness) -> Result<Place, Failure> {
    let here = resolv_conf::PATH;
    let made = |path: &Path, before: Likeness, how, remark| Ok(Place { path: path.to_owned(), before, how, remark });
    let way = |path: &Path| likeness::way(path, host.mounts().iter().any(|mount| mount.point == path));
    match (found, way(path)) {
        (Likeness::Nothing, Ok(_)) => {
            made(path, found.clone(), How::Change, format!("{here} is not there: one is made"))
        }
        (Likeness::Nothing, Err(error)) => {
            Err(Failure::failed(format!("{here} is not there, and none can be made: {error}")).hint(ELSE))
        }
        (Likeness::Link { target, .. }, Ok(_)) => {
            let remark = format!("{here} is a link to {}: a file takes its place", target.display());
            made(path, found.clone(), How::Change, remark)
        }
        (Likeness::Link { target, .. }, Err(_)) => {
            let real = files::real_path(path).map_err(|error| unreadable(&error))?;
            let before = Likeness::of(&real).map_err(|error| unreadable(&error))?;
            let remark = format!("{here} is a link to {} and cannot be replaced: ", target.display());
            match way(&real) {
                Ok(_) => made(&real, before, How::Change, remark + "that file is written"),
                Err(error) => cover(host, &real, before, &error, &remark),
            }
        }
        (Likeness::File { .. }, Ok(Way::Replace)) => {
            made(path, found.clone(), How::Change, format!("{here} is a plain file: another one takes its place"))
        }
        (Likeness::File { .. }, Ok(Way::InPlace)) => {
            let remark =
                format!("{here} cannot be replaced, as where it is a mount of its own: it is written in its place");
            made(path, found.clone(), How::Change, remark)
        }
        (Likeness::File { .. }, Err(error)) => cover(host, path, found.clone(), &error, ""),
    }
}

/// What else there is, where nothing of this is allowed.
const ELSE: &str = "`hpcsh dns exec -- COMMAND` does the same for one command; a container gets its resolv.conf from outside: \
                    docker run --dns 127.0.0.1, Kubernetes: dnsPolicy None and dnsConfig";

fn cover(host: &Host, path: &Path, before: Likeness, error: &io::Error, remark: &str) -> Result<Place, Failure> {
    if !may_mount(host) {
        let why = if rustix::process::geteuid().is_root() {
            "nor may anything be mounted here"
        } else {
            "and you are not root"
        };
        return Err(Failure::failed(format!("{} cannot be written ({error}), {why}", path.display())).hint(ELSE));
    }
    let remark = format!(
        "{remark}{} cannot be written ({error}): another file is mounted over it, until the node restarts",
        path.display()
    );
    Ok(Place { path: path.to_owned(), before, how: How::Cover, remark })
}

/// Whether this process may mount: `CAP_SYS_ADMIN` (21) in capabilities(7).
fn may_mount(host: &Host) -> bool {
    has_capability(host, 21)
}

/// Whether this process has a capability in effect.
pub fn has_capability(host: &Host, number: u32) -> bool {
    let status = files::read(&host.locate(Path::new("/proc/self/status"))).unwrap_or_default();
    let status = String::from_utf8_lossy(&status).into_owned();
    let bits = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("CapEff:")?.trim(), 16).ok());
    bits.is_some_and(|bits| bits >> number & 1 == 1)
}
