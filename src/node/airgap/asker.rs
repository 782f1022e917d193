//! Which program has the other end of a socket: its port → the socket's number → the process that holds it. All from /proc.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::host::{Host, files};

/// A program that asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// For people: the name of the program, and of the script that it runs.
    pub name: String,
    /// The program's file.
    pub executable: Option<String>,
}

/// The tables of sockets, as /proc/net has them.
#[derive(Clone, Copy, Debug)]
pub enum Transport {
    /// `udp` and `udp6`.
    Udp,
    /// `tcp` and `tcp6`.
    Tcp,
}

/// Who has been found already.
#[derive(Debug, Default)]
pub struct Askers {
    /// The sockets that were found last, with their programs: one look-up asks twice by one socket.
    found: Vec<(u64, Program)>,
    /// The processes that asked, the last one at the end.
    processes: Vec<PathBuf>,
}

impl Askers {
    /// The program that has the socket with this port; `other` is who it speaks to, where that is known.
    pub fn find(&mut self, host: &Host, transport: Transport, port: u16, other: Option<SocketAddr>) -> Program {
        let unknown = || Program { name: "?".to_owned(), executable: None };
        let Some(socket) = socket(host, transport, port, other) else { return unknown() };
        if let Some((_, program)) = self.found.iter().find(|(known, _)| *known == socket) {
            return program.clone();
        }
        let Some(process) = self.holder(host, socket) else { return unknown() };
        let program = program(&process);
        self.found.push((socket, program.clone()));
        if self.found.len() > 16 {
            self.found.remove(0);
        }
        self.processes.retain(|known| *known != process);
        self.processes.push(process);
        if self.processes.len() > 16 {
            self.processes.remove(0);
        }
        program
    }

    /// Who asked before is looked at first, then the others of this network, the youngest first.
    fn holder(&self, host: &Host, socket: u64) -> Option<PathBuf> {
        let name = PathBuf::from(format!("socket:[{socket}]"));
        let holds = |process: &Path| {
            files::list(&process.join("fd"))
                .is_ok_and(|open| open.iter().any(|file| files::link_target(file).is_ok_and(|target| target == name)))
        };
        if let Some(process) = self.processes.iter().rev().find(|process| holds(process)) {
            return Some(process.clone());
        }
        let proc = host.locate(Path::new("/proc"));
        let network = files::link_target(&proc.join("self/ns/net")).ok()?;
        let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
        let mut processes: Vec<(u32, PathBuf)> =
            files::list(&proc).ok()?.into_iter().filter_map(|path| Some((number(&path)?, path))).collect();
        processes.sort_unstable_by(|one, other| other.cmp(one));
        let is_here = |process: &Path| files::link_target(&process.join("ns/net")).is_ok_and(|found| found == network);
        processes.into_iter().map(|(_, path)| path).find(|process| is_here(process) && holds(process))
    }
}

/// The number of the socket with this port at its own end.
fn socket(host: &Host, transport: Transport, port: u16, other: Option<SocketAddr>) -> Option<u64> {
    let tables = match transport {
        Transport::Udp => ["udp", "udp6"],
        Transport::Tcp => ["tcp", "tcp6"],
    };
    let mut found = None;
    for table in tables {
        let text = files::read(&host.locate(&Path::new("/proc/net").join(table))).unwrap_or_default();
        for (socket, own, remote) in String::from_utf8_lossy(&text).lines().filter_map(line) {
            if own == port && socket != 0 {
                found = Some(socket);
                // The one that speaks to him, not one that listens at the same number.
                if other.is_none_or(|other| other.port() == remote) {
                    return found;
                }
            }
        }
    }
    found
}

/// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …` → inode and both ports.
fn line(text: &str) -> Option<(u64, u16, u16)> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let port = |field: &str| u16::from_str_radix(field.rsplit_once(':')?.1, 16).ok();
    Some((fields.get(9)?.parse().ok()?, port(fields.get(1)?)?, port(fields.get(2)?)?))
}

fn program(process: &Path) -> Program {
    let text = |name: &str| {
        let bytes = files::read(&process.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let executable = files::link_target(&process.join("exe")).ok().map(|path| path.to_string_lossy().into_owned());
    let words = text("cmdline");
    let words: Vec<&str> = words.split('\0').filter(|word| !word.is_empty()).collect();
    Program { name: name(&words, text("comm").trim()), executable }
}

/// What people call it: `curl`; behind an interpreter the script or module, `python3 train.py`, `python3 -m pip`.
fn name(words: &[&str], short: &str) -> String {
    const INTERPRETERS: [&str; 9] = ["python", "pypy", "node", "ruby", "perl", "bash", "sh", "dash", "zsh"];
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let Some((program, rest)) = words.split_first() else { return short.to_owned() };
    // A login shell's name begins with a dash.
    let program = last(program).trim_start_matches('-').to_owned();
    let bare = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if !INTERPRETERS.contains(&bare) {
        return if program.is_empty() { short.to_owned() } else { program };
    }
    match rest {
        ["-m", module, ..] => format!("{program} -m {module}"),
        ["-c", ..] => format!("{program} -c"),
        // Switches of one letter or two have no word behind them.
        words => match words.iter().find(|word| !word.starts_with('-')) {
            Some(script) => format!("{program} {}", last(script)),
            None => program,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_has_the_name_that_people_give_it() {
        for (words, wanted) in [
            (&["/usr/bin/curl", "-sS", "https://a.example"][..], "curl"),
            (&["python3", "-u", "/home/me/train.py", "--lr", "1"], "python3 train.py"),
            (&["/venv/bin/python3.11", "/venv/bin/pip", "install", "x"], "python3.11 pip"),
            (&["python3", "-m", "pip", "install"], "python3 -m pip"),
            (&["python3", "-c", "import secret"], "python3 -c"),
            (&["-bash"], "bash"),
            (&[], "short"),
        ] {
            assert_eq!(name(words, "short"), wanted);
        }
    }

    #[test]
    fn a_line_of_the_table_has_ports_and_a_socket() {
        let text =
            " 1234: 0100007F:A1B2 0100007F:0035 01 00000000:00000000 00:00000000 00000000  1000        0 424242 2 0 0";
        assert_eq!(line(text), Some((424_242, 0xa1b2, 53)));
        assert_eq!(
            line("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"),
            None
        );
    }
}
