//! The offline resolver for one command and its children, without root: the same network, another sight of the node's names.
//!
//! This process moves into mounts of its own, in which it sees other files that say where names are looked up, and then turns into the
//! command: nobody stands between the two, and nothing is left when the last process in it has ended. Where our resolver answers on
//! this node, it is asked; elsewhere names come from files alone, those of the intranet looked up before. Where the kernel
//! forbids such mounts, variables do what they can.

mod job;
mod known;
mod proxies;
mod texts;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use known::Known;
use serde::Serialize;

use super::policy::{Action, Policy, Rules};
use super::question::Name;
use super::who::{self, Answer};
use crate::error::Failure;
use crate::host::process::{self, Own, foreground};
use crate::host::{Host, files};
use crate::namespace::{self, daemons};
use crate::net::resolv_conf;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Order {
    /// The command and its words.
    pub words: Vec<OsString>,
    /// Its environment: that of a node that is offline.
    pub variables: BTreeMap<OsString, OsString>,
    /// What is blocked, and what is not.
    pub rules: Rules,
    /// Hosts of the mirrors and proxies that need no rule.
    pub labels: Vec<String>,
    /// Nothing is blocked: the node is online, and only an offline one was meant.
    pub is_open: bool,
}

/// The files, by the names that every C library has for them.
const HOSTS: &str = "/etc/hosts";
const SWITCH: &str = "/etc/nsswitch.conf";
/// Whoever asks it is told at once that he may not: it stands for nobody where loopback has a name server of another kind.
const NO_SERVER: Ipv4Addr = Ipv4Addr::BROADCAST;
/// Our resolver on this node answers within a fraction of it.
const ANSWER: Duration = Duration::from_millis(50);
/// Type A.
const ADDRESS: u16 = 1;
/// How long a trial may take whether there can be mounts of one's own.
const TRIAL: Duration = Duration::from_secs(5);

/// Where the command's names come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Way {
    /// Our resolver on this node.
    Resolver,
    /// Files alone.
    Files,
    /// As before: there are no mounts of one's own.
    Variables,
    /// As before: nothing is to be blocked.
    Open,
}

/// What the command sees otherwise than it is.
#[derive(Debug)]
struct Sight {
    way: Way,
    known: Vec<Known>,
    /// Real paths and what stands there.
    files: Vec<(PathBuf, String)>,
    daemons: Vec<PathBuf>,
}

/// `hpcsh dns exec`: turns into the command.
///
/// # Errors
/// Where the command does not start; it never comes back otherwise.
pub fn run(host: &mut Host, order: Order) -> Failure {
    if order.is_open {
        return foreground::turn_into(&order.words, &order.variables);
    }
    let done = Sight::of(host, &order).and_then(|sight| sight.apply(host));
    let near = near(&order);
    let Order { words, mut variables, .. } = order;
    if let Err(why) = done {
        let is_set = proxies::refuse(&mut variables, &near);
        host.say(excuse(&why, is_set));
    }
    foreground::turn_into(&words, &variables)
}

/// `hpcsh dns exec --dry-run`: what would be done, and which names would be known.
pub fn plan(host: &mut Host, order: &Order, json: bool) {
    if order.is_open {
        return Plan { way: Way::Open, why: None, files: Vec::new(), names: Vec::new(), command: order.command() }
            .print(host, json);
    }
    let sight = Sight::of(host, order);
    let tried = sight.as_ref().map_err(Clone::clone).and_then(|sight| try_in_child(host, sight));
    let is_set = proxies::refuse(&mut order.variables.clone(), &near(order));
    let excuse = tried.as_ref().err().map(|why| excuse(why, is_set));
    let known = sight.as_ref().map(|sight| sight.known.clone()).unwrap_or_default();
    let files = sight.as_ref().ok().filter(|_| tried.is_ok()).map(|sight| &sight.files);
    let plan = Plan {
        way: sight.as_ref().ok().filter(|_| tried.is_ok()).map_or(Way::Variables, |sight| sight.way),
        why: excuse,
        files: files.into_iter().flatten().map(|(path, _)| path.display().to_string()).collect(),
        names: known.iter().map(Row::of).collect(),
        command: order.command(),
    };
    plan.print(host, json);
}

impl Order {
    /// Its words for people.
    fn command(&self) -> Vec<String> {
        self.words.iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }
}

/// A name for people and programs.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    addresses: Vec<String>,
    /// Name servers have said that there are no others.
    sure: bool,
}

impl Row {
    fn of(known: &Known) -> Self {
        let addresses = known.addresses.iter().map(ToString::to_string).collect();
        Self { name: known.name.clone(), addresses, sure: known.is_sure }
    }

    fn text(&self) -> String {
        let said = match (self.addresses.is_empty(), self.sure) {
            (false, true) => self.addresses.join(" "),
            (false, false) => format!("{} (the name servers do not answer now)", self.addresses.join(" ")),
            (true, true) => "no address".to_owned(),
            (true, false) => "the name servers do not answer".to_owned(),
        };
        format!("  {}: {said}\n", self.name)
    }
}

/// What would be done.
#[derive(Debug, Serialize)]
struct Plan {
    way: Way,
    /// Why there is no better way.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// The files in whose place the command sees others.
    files: Vec<String>,
    /// What was looked up.
    names: Vec<Row>,
    command: Vec<String>,
}

impl Plan {
    fn print(&self, host: &mut Host, json: bool) {
        let text = if json {
            serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default()
        } else {
            self.text()
        };
        host.print(text);
    }

    fn text(&self) -> String {
        let mut text = match (self.way, &self.why) {
            (Way::Resolver, _) => "names: from hpcsh's resolver on 127.0.0.1, which blocks the internet\n".to_owned(),
            (Way::Files, _) => {
                "names: from files alone; a name that is in none of them does not exist, at once\n".to_owned()
            }
            (Way::Open, _) => "nothing is changed: the node is online, and `dns.when` is \"offline\"\n".to_owned(),
            (Way::Variables, why) => why.iter().map(|why| format!("{why}\n")).collect(),
        };
        for file in &self.files {
            text.push_str(&format!("in place of {file}: another one, for this command alone\n"));
        }
        if self.way != Way::Resolver && !self.names.is_empty() {
            text.push_str("looked up before:\n");
            text.extend(self.names.iter().map(Row::text));
        }
        text
    }
}

/// What is said where the kernel allows no mounts.
fn excuse(why: &Failure, is_set: bool) -> String {
    let instead = if is_set {
        "names are looked up as ever, HTTP to the internet is refused by variables"
    } else {
        "names are looked up as ever, and your proxy stays"
    };
    let hint = why.hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("hpcsh: {instead}: {}{hint}", why.message)
}

/// Names of the intranet, each with all below it.
fn near(order: &Order) -> Vec<String> {
    let rules = &order.rules;
    let labels = order.labels.iter().map(String::as_str);
    rules.mirrors.iter().chain(labels).chain(rules.allow.iter()).chain(rules.search.iter()).map(bare).collect()
}

fn bare(name: &str) -> String {
    name.trim_matches('.').to_ascii_lowercase()
}

/// What a command may ask for by name, and no files of the node's know: hosts of the mirrors and proxies, what is allowed in full,
/// what it brings along, and the node itself.
fn wanted(order: &Order, own: &[String], hosts: &str) -> Vec<String> {
    let rules = &order.rules;
    let policy = Policy::new(rules);
    let is_forwarded =
        |name: &String| Name::of(name).is_some_and(|name| policy.decide(&name, ADDRESS) == Action::Forward);
    let job = job::names(&order.words, &order.variables);
    let asked = rules
        .mirrors
        .iter()
        .chain(order.labels.iter().map(String::as_str))
        .chain(rules.allow.iter())
        .chain(job.iter().map(String::as_str))
        .map(bare)
        .filter(is_forwarded);
    let mut names: Vec<String> = Vec::new();
    for name in asked.chain(own.iter().cloned()) {
        if !name.is_empty() && !names.contains(&name) && !texts::is_in(hosts, &name) {
            names.push(name);
        }
    }
    names
}

impl Sight {
    fn of(host: &Host, order: &Order) -> Result<Self, Failure> {
        let read = |path: &str| {
            let real = files::real_path(&host.locate(Path::new(path))).ok()?;
            let text = String::from_utf8_lossy(&files::read(&real).ok()?).into_owned();
            Some((real, text))
        };
        let local = who::ask((Ipv4Addr::LOCALHOST, 53).into(), ANSWER);
        let is_served = local == Answer::Ours;
        // One that says nothing is waited for, too.
        let nobody = if local == Answer::Refusal { Ipv4Addr::LOCALHOST } else { NO_SERVER };
        let mut sight = Self { way: Way::Resolver, known: Vec::new(), files: Vec::new(), daemons: daemons::of_names() };
        let resolver = read(resolv_conf::PATH);
        let servers = resolver.as_ref().map(|(_, text)| text.clone()).unwrap_or_default();
        sight.change(resolver, |text| if is_served { texts::resolver(text) } else { texts::no_resolver(text, nobody) });
        sight.change(read(SWITCH), |text| texts::switch(text, is_served));
        if !is_served {
            let (path, text) = read(HOSTS).ok_or_else(|| Failure::runner(format!("there is no {HOSTS}")))?;
            let mut own = [host.full_name(), host.name()].map(|name| bare(&name)).to_vec();
            own.dedup();
            sight.way = Way::Files;
            sight.known = known::look(host, wanted(order, &own, &text), &servers);
            let hosts = texts::hosts(&text, &sight.known, &own);
            sight.change(Some((path, text)), |_| hosts);
        }
        Ok(sight)
    }

    /// One that is there is seen otherwise.
    fn change(&mut self, file: Option<(PathBuf, String)>, as_seen: impl FnOnce(&str) -> String) {
        let changed = file.map(|(path, text)| (path, as_seen(&text), text));
        self.files.extend(changed.filter(|(_, new, old)| new != old).map(|(path, new, _)| (path, new)));
    }

    /// Moves this process to where it is so.
    fn apply(&self, host: &Host) -> Result<(), Failure> {
        if self.files.is_empty() && self.daemons.is_empty() {
            return Ok(());
        }
        namespace::enter(host, Own::Mounts)?;
        let real = self.daemons.iter().filter_map(|path| files::real_path(path).ok());
        let over: Vec<PathBuf> = self.files.iter().map(|(path, _)| path.clone()).chain(real).collect();
        namespace::lay_all_over(&over, |dir| {
            for (path, text) in &self.files {
                namespace::lay_text_over(dir, text.as_bytes(), path)?;
            }
            let nothing = dir.join("nothing");
            let made =
                files::put(&nothing, b"").map_err(|error| Failure::runner(format!("{}: {error}", nothing.display())));
            made.and_then(|()| daemons::cover(&self.daemons, &nothing))
        })
    }
}

/// Whether this process could do it, which stays where it is.
fn try_in_child(host: &Host, sight: &Sight) -> Result<(), Failure> {
    let said = process::in_child(TRIAL, || match sight.apply(host) {
        Ok(()) => b"+".to_vec(),
        Err(Failure { message, hint, .. }) => [message, hint.unwrap_or_default()].join("\n").into_bytes(),
    });
    let said = String::from_utf8(said.unwrap_or_default()).unwrap_or_default();
    match said.split_once('\n') {
        _ if said == "+" => Ok(()),
        Some((message, "")) => Err(Failure::runner(message)),
        Some((message, hint)) => Err(Failure::runner(message).hint(hint)),
        None => Err(Failure::runner("it was not found out in time whether there can be mounts of one's own")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::domains::Domains;
    use super::*;

    #[test]
    fn mirrors_and_what_is_allowed_are_looked_up_once() {
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let rules = Rules {
            allow: Domains::from_iter(["git.lab.", ".corp.example", "Pypi.Lab", "gone.corp.example", "in.files"]),
            deny: Domains::from_iter(["gone.corp.example"]),
            search: Domains::from_iter(["lab"]),
            mirrors: Domains::from_iter(["pypi.lab"]),
        };
        let labels = texts(&["nexus"]);
        let order = Order { words: Vec::new(), variables: BTreeMap::new(), rules, labels, is_open: false };
        let names = wanted(&order, &texts(&["node7.lab", "node7"]), "10.0.0.1 in.files\n");
        assert_eq!(names, ["pypi.lab", "nexus", "git.lab", "corp.example", "node7.lab", "node7"]);
        assert_eq!(near(&order)[..3], ["pypi.lab", "nexus", "git.lab"]);
    }

    #[test]
    fn what_cannot_be_is_said_with_the_remedy() {
        let why = Failure::runner("the kernel allows no mounts of one's own here: x is 0").hint("set x");
        let text = "hpcsh: names are looked up as ever, and your proxy stays: the kernel allows no mounts of one's own here: x is 0\nhint: set x";
        assert_eq!(excuse(&why, false), text);
    }
}
