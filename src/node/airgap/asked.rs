//! Who asked for which host how often, and the report of it.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::asker::Program;

/// All that was asked for, in the order in which it was first.
#[derive(Debug, Default)]
pub struct Asked {
    hosts: Vec<Host>,
}

/// What tells one question from another: a name server is asked the same one again where it does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is wanted of the host: a type of record, or a port.
    pub kind: u16,
    /// The number of the message.
    pub id: u16,
    /// The asker's port.
    pub port: u16,
}

#[derive(Debug)]
struct Host {
    name: String,
    is_address: bool,
    /// For each program: how often each kind was wanted.
    programs: Vec<(Program, BTreeMap<u16, usize>)>,
    last: VecDeque<Question>,
}

/// As many questions of one host are remembered.
const LAST: usize = 64;

/// What else the report says.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The command's words.
    pub command: Vec<String>,
    /// Its exit code.
    pub status: u8,
    /// What the network was: `unreachable` or `silent`.
    pub network: &'static str,
    /// How often an address was wanted that no name had led to.
    pub nameless: u64,
    /// A proxy that the environment names.
    pub proxy: Option<String>,
}

#[derive(Serialize)]
struct Report<'a> {
    command: &'a [String],
    status: u8,
    network: &'static str,
    hosts: Vec<HostRow<'a>>,
    nameless: u64,
    proxy: Option<&'a str>,
}

#[derive(Serialize)]
struct HostRow<'a> {
    host: &'a str,
    kind: &'static str,
    count: usize,
    programs: Vec<ProgramRow<'a>>,
}

#[derive(Serialize)]
struct ProgramRow<'a> {
    program: &'a str,
    executable: Option<&'a str>,
    count: usize,
}

impl Asked {
    /// Whether this is a question that was not there yet.
    pub fn is_new(&self, host: &str, question: Question) -> bool {
        !self.hosts.iter().any(|known| known.name == host && known.last.contains(&question))
    }

    /// Remembers a question.
    pub fn add(&mut self, name: &str, is_address: bool, question: Question, program: Program) {
        let at = self.hosts.iter().position(|host| host.name == name).unwrap_or_else(|| {
            let (programs, last) = (Vec::new(), VecDeque::new());
            self.hosts.push(Host { name: name.to_owned(), is_address, programs, last });
            self.hosts.len() - 1
        });
        let host = &mut self.hosts[at];
        host.last.push_back(question);
        if host.last.len() > LAST {
            host.last.pop_front();
        }
        let at = host.programs.iter().position(|(known, _)| *known == program).unwrap_or_else(|| {
            host.programs.push((program, BTreeMap::new()));
            host.programs.len() - 1
        });
        *host.programs[at].1.entry(question.kind).or_default() += 1;
    }

    /// Forgets the names that resolvers make of others by the search list: who looks for `a.b` there asks for `a.b` too.
    /// `own` are the names that are never missing.
    pub fn fold(&mut self, search: &[String], own: &[String]) {
        let names: Vec<String> = self.hosts.iter().map(|host| host.name.clone()).collect();
        let is_made = |name: &str| {
            search.iter().any(|domain| {
                let bare = name.strip_suffix(domain.as_str()).and_then(|rest| rest.strip_suffix('.'));
                let is_there =
                    |bare: &str| bare.rsplit('.').next() == Some("localhost") || own.iter().any(|own| own == bare);
                bare.is_some_and(|bare| is_there(bare) || names.iter().any(|known| known == bare))
            })
        };
        self.hosts.retain(|host| host.is_address || !is_made(&host.name));
    }

    fn rows(&self) -> Vec<HostRow<'_>> {
        let row = |host: &'_ Host| -> (usize, Vec<(usize, usize)>) {
            // One look-up asks for the addresses of both families, so the kind that was wanted most often counts.
            let counts = host.programs.iter().enumerate().map(|(at, (_, kinds))| {
                (
                    at,
                    if host.is_address {
                        kinds.values().sum()
                    } else {
                        kinds.values().copied().max().unwrap_or_default()
                    },
                )
            });
            let counts: Vec<(usize, usize)> = counts.collect();
            (counts.iter().map(|(_, count)| count).sum(), counts)
        };
        let mut rows: Vec<HostRow<'_>> = self
            .hosts
            .iter()
            .map(|host| {
                let (count, counts) = row(host);
                let program = |(at, count): (usize, usize)| {
                    let program = &host.programs[at].0;
                    ProgramRow { program: &program.name, executable: program.executable.as_deref(), count }
                };
                let kind = if host.is_address { "address" } else { "name" };
                HostRow { host: &host.name, kind, count, programs: counts.into_iter().map(program).collect() }
            })
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.count));
        rows
    }

    /// The report for programs.
    pub fn json(&self, facts: &Facts) -> String {
        let report = Report {
            command: &facts.command,
            status: facts.status,
            network: facts.network,
            hosts: self.rows(),
            nameless: facts.nameless,
            proxy: facts.proxy.as_deref(),
        };
        serde_json::to_string_pretty(&report).map(|text| text + "\n").unwrap_or_default()
    }

    /// The report for people.
    pub fn text(&self, facts: &Facts) -> String {
        let rows = self.rows();
        let mut text = String::new();
        if !rows.is_empty() {
            let host = |row: &HostRow<'_>| row.host.escape_debug().to_string();
            let wide = rows.iter().map(|row| host(row).chars().count()).max().unwrap_or_default();
            let most = rows.iter().map(|row| row.count.to_string().len()).max().unwrap_or_default();
            text.push_str("hpcsh: asked for without internet:\n");
            for row in &rows {
                let programs: Vec<String> =
                    row.programs.iter().map(|one| one.program.escape_debug().to_string()).collect();
                let programs = programs.join(", ");
                text.push_str(&format!("  {:<wide$}  {:>most$} ×  {programs}\n", host(row), row.count));
            }
        }
        match facts.nameless {
            0 if rows.is_empty() => text.push_str("hpcsh: nothing outside of this node was asked for\n"),
            0 => {}
            count => {
                let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
                let proxy = facts.proxy.as_ref().map(|proxy| format!("; the environment names the proxy {proxy}"));
                text.push_str(&format!(
                    "hpcsh: {times} an address was asked for by number, the kernel does not say which{}\n",
                    proxy.unwrap_or_default()
                ));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str) -> Program {
        Program { name: name.to_owned(), executable: Some(format!("/usr/bin/{name}")) }
    }

    fn facts() -> Facts {
        Facts { command: vec!["true".into()], status: 0, network: "unreachable", nameless: 0, proxy: None }
    }

    /// One look-up: for both families, as the C library asks.
    fn look_up(asked: &mut Asked, name: &str, id: u16, who: &str) {
        for kind in [1, 28] {
            asked.add(name, false, Question { kind, id: id + kind, port: 4000 + id }, program(who));
        }
    }

    #[test]
    fn a_report_counts_look_ups_by_host_and_program() {
        let mut asked = Asked::default();
        look_up(&mut asked, "pypi.org", 1, "pip");
        for id in [2, 3] {
            look_up(&mut asked, "huggingface.co", id, "python3 train.py");
        }
        look_up(&mut asked, "huggingface.co", 4, "curl");
        let text = "hpcsh: asked for without internet:\n  \
                    huggingface.co  3 ×  python3 train.py, curl\n  \
                    pypi.org        1 ×  pip\n";
        assert_eq!(asked.text(&facts()), text);
        let json: serde_json::Value = serde_json::from_str(&asked.json(&facts())).unwrap();
        assert_eq!(json["hosts"][0]["programs"][1]["count"], 1);
        assert_eq!(json["hosts"][0]["kind"], "name");
        let again = Question { kind: 1, id: 2, port: 4001 };
        assert!(!asked.is_new("pypi.org", again) && asked.is_new("other.org", again));
    }

    #[test]
    fn what_the_search_list_makes_of_names_is_not_told() {
        let mut asked = Asked::default();
        for (id, name) in ["pypi.org.lab.example", "pypi.org", "nexus.lab.example", "notpypi.org"].iter().enumerate() {
            look_up(&mut asked, name, u16::try_from(id).unwrap() * 100, "pip");
        }
        look_up(&mut asked, "gpu17.lab.example", 900, "pip");
        asked.fold(&["lab.example".to_owned(), "org".to_owned()], &["gpu17".to_owned()]);
        let left: Vec<&str> = asked.hosts.iter().map(|host| host.name.as_str()).collect();
        assert_eq!(left, ["pypi.org", "nexus.lab.example", "notpypi.org"]);
    }

    #[test]
    fn what_has_no_name_is_told_too() {
        let text = |nameless, proxy: Option<&str>| {
            Asked::default().text(&Facts { nameless, proxy: proxy.map(str::to_owned), ..facts() })
        };
        assert_eq!(text(0, Some("p:1")), "hpcsh: nothing outside of this node was asked for\n");
        assert!(text(1, None).starts_with("hpcsh: once an address"));
        assert!(text(2, Some("10.0.0.1:3128")).ends_with("the environment names the proxy 10.0.0.1:3128\n"));
    }
}
