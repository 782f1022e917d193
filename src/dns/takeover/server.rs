//! The server behind the first line of resolv.conf: is it there, is it ours; started, and stopped by who started it.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::net::{IpAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Pid;

use super::plan;
use crate::dns::wire;
use crate::error::Failure;
use crate::host::process::daemon;
use crate::host::watch::{End, Watch};
use crate::host::{Host, boot, clock, files, process};

/// What is asked for by resolv.conf, and what starts it.
#[derive(Clone, Debug)]
pub struct Service {
    /// Where it is asked, at port 53.
    pub address: IpAddr,
    /// The command that serves there.
    pub words: Vec<OsString>,
}

/// The unit of `hpcsh dns export systemd`.
pub const UNIT: &str = "hpcsh-dns.service";
/// How long a server on this node may take to answer.
const ANSWER: Duration = Duration::from_millis(500);
/// How long it may take to begin, and to end.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often it is looked at meanwhile.
const PAUSE: Duration = Duration::from_millis(5);

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Our resolver.
    Ours,
    /// Another name server.
    Another,
    /// Nobody.
    None,
}

/// Asks whoever serves at port 53 of this address for a name that is never there (RFC 6761, 6.4): ours says why.
pub fn ask(address: IpAddr) -> Answer {
    let id = u16::try_from(clock::hundredths() & 0xffff).unwrap_or_default().to_be_bytes();
    // One question, for the address of `hpcsh.invalid`, with EDNS (RFC 6891), since the reason is an option of that.
    let mut query = [&id[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 1], b"\x05hpcsh\x07invalid\0", &[0, 1, 0, 1]].concat();
    query.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    let heard = || -> io::Result<Vec<u8>> {
        let local: IpAddr = if address.is_ipv4() { [0, 0, 0, 0].into() } else { [0; 16].into() };
        let socket = UdpSocket::bind((local, 0))?;
        socket.connect((address, 53))?;
        socket.set_read_timeout(Some(ANSWER))?;
        socket.send(&query)?;
        let mut bytes = [0; 1232];
        let length = socket.recv(&mut bytes)?;
        Ok(bytes[..length].to_vec())
    };
    match heard() {
        Ok(answer) if answer.len() < 12 || answer[..2] != id => Answer::Another,
        Ok(answer) if answer.windows(wire::REASON.len()).any(|part| part == wire::REASON.as_bytes()) => Answer::Ours,
        Ok(_) => Answer::Another,
        Err(_) => Answer::None,
    }
}

/// A server that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// By us: its number.
    Process(u32),
    /// By systemd.
    Unit,
}

/// Where it is noted who was started.
fn record(dir: &Path) -> PathBuf {
    dir.join("dns-server")
}

/// Who was started from this place, and was not stopped.
pub fn started(dir: &Path) -> Option<Started> {
    let text = files::read_short(&record(dir)).ok()?;
    let mut words = text.split_whitespace();
    match (words.next()?, words.next()?) {
        ("unit", _) => Some(Started::Unit),
        (_, number) => Some(Started::Process(number.parse().ok()?)),
    }
}

/// Where it writes.
pub fn log(dir: &Path) -> PathBuf {
    dir.join("dns.log")
}

/// Whether systemd runs here (`sd_booted(3)`) and has our unit.
pub fn has_unit(host: &Host) -> bool {
    let is_there = |path: &Path| files::exists(&host.locate(path));
    let dirs = [
        "/etc/systemd/system",
        "/run/systemd/system",
        "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",
        "/lib/systemd/system",
    ];
    is_there(Path::new("/run/systemd/system")) && dirs.iter().any(|dir| is_there(&Path::new(dir).join(UNIT)))
}

/// Whether somebody who is not root may serve at port 53 here; `Err` says why not.
pub fn may_serve(host: &Host) -> Result<(), Failure> {
    const BIND: u32 = 10; // CAP_NET_BIND_SERVICE of capabilities(7)
    let first = files::read_short(&host.locate(Path::new("/proc/sys/net/ipv4/ip_unprivileged_port_start")));
    let first: u16 = first.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1024);
    if first <= 53 || plan::has_capability(host, BIND) {
        return Ok(());
    }
    Err(Failure::failed(format!("port 53 is root's here (net.ipv4.ip_unprivileged_port_start is {first})"))
        .hint("as root: hpcsh dns on, or sysctl -w net.ipv4.ip_unprivileged_port_start=53; without root: hpcsh dns exec -- COMMAND"))
}

/// Has systemd start the unit, and waits until it answers.
///
/// # Errors
/// Where it does not begin, or does not answer.
pub fn start_unit(host: &mut Host, dir: &Path, service: &Service) -> Result<(), Failure> {
    let hint = format!("journalctl -u {UNIT} tells why");
    let failed = |why: String| Failure::failed(why).hint(hint.clone());
    tell(host, &["systemctl", "start", UNIT]).map_err(failed)?;
    let _ = files::put(&record(dir), format!("unit {UNIT}\n").as_bytes());
    wait(service, || None).map_err(failed)
}

/// Starts the server, and waits until it answers.
///
/// # Errors
/// Where it does not begin, or does not answer: with its own last words.
pub fn start(host: &Host, dir: &Path, service: &Service) -> Result<Started, Failure> {
    let log = log(dir);
    let id = boot_id(host);
    let noted = record(dir);
    let note = || {
        let me = rustix::process::getpid().as_raw_pid();
        files::put(&noted, format!("process {me} {} {id}\n", clock::hundredths()).as_bytes())
    };
    let failed = |error: io::Error| Failure::failed(format!("the resolver cannot be started: {error}"));
    let pid = daemon::start(&service.words, &log, note).map_err(failed)?;
    let watch = Watch::of_child(pid);
    let done = wait(service, || watch.ended().map(|_| last_words(&log)));
    if let Err(why) = done {
        end(pid, &watch);
        let _ = files::remove(&record(dir));
        return Err(Failure::failed(why).hint(format!("its log: {}", log.display())));
    }
    Ok(Started::Process(pid.as_raw_pid().unsigned_abs()))
}

/// Waits until our resolver answers; `is_over` gives its last words where it has ended.
fn wait(service: &Service, is_over: impl Fn() -> Option<String>) -> Result<(), String> {
    let begun = clock::now();
    loop {
        if ask(service.address) == Answer::Ours {
            return Ok(());
        }
        if let Some(words) = is_over() {
            return Err(format!("the resolver has ended at once: {words}"));
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("the resolver does not answer at {}", service.address));
        }
        clock::sleep(PAUSE);
    }
}

/// What a program that has failed has said of it.
fn last_words(log: &Path) -> String {
    let text = files::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let said = text.lines().find_map(|line| line.strip_prefix("error: ")).or(text.lines().last());
    said.unwrap_or("without a word").to_owned()
}

/// Stops the server that `on` has started, if it is still that one. Gives whether there was one.
///
/// # Errors
/// Where it does not end.
pub fn stop(host: &mut Host, dir: &Path) -> Result<bool, Failure> {
    let path = record(dir);
    let Ok(text) = files::read_short(&path) else { return Ok(false) };
    let words: Vec<&str> = text.split_whitespace().collect();
    let stopped = match words[..] {
        ["unit", unit] => {
            tell(host, &["systemctl", "stop", unit]).map_err(Failure::failed)?;
            true
        }
        ["process", pid, since, id] if id == boot_id(host) => stop_process(host, pid, since)?,
        _ => false,
    };
    match files::remove(&path) {
        // By the unit's own end, or another `off`.
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::failed(format!("{}: {error}", path.display())))
        }
        _ => Ok(stopped),
    }
}

fn stop_process(host: &Host, pid: &str, since: &str) -> Result<bool, Failure> {
    let (Ok(number), Ok(since)) = (pid.parse::<u32>(), since.parse()) else { return Ok(false) };
    let Some(pid) = i32::try_from(number).ok().and_then(Pid::from_raw) else { return Ok(false) };
    // It may be another's by now, after all.
    let words =
        files::read(&host.locate(&Path::new("/proc").join(number.to_string()).join("cmdline"))).unwrap_or_default();
    let serves = words.split(|byte| *byte == 0).any(|word| word == b"serve");
    if !serves || !boot::lives_since(host, number, since) {
        return Ok(false);
    }
    let Some(watch) = Watch::of(pid) else { return Ok(false) };
    if end(pid, &watch) {
        Ok(true)
    } else {
        Err(Failure::failed(format!("the resolver (process {number}) does not end")))
    }
}

/// Asks a process to end, and waits for it.
fn end(pid: Pid, watch: &Watch) -> bool {
    let begun = clock::now();
    if !process::send(pid, libc::SIGTERM) {
        return watch.ended().is_some();
    }
    while watch.ended().is_none() {
        if begun.elapsed() > PATIENCE {
            return false;
        }
        clock::sleep(PAUSE);
    }
    true
}

fn boot_id(host: &Host) -> String {
    let id = files::read_short(&host.locate(Path::new("/proc/sys/kernel/random/boot_id"))).unwrap_or_default();
    id.split_whitespace().collect()
}

/// Runs a command of the node's to its end.
///
/// # Errors
/// One sentence, with the command in it.
pub fn tell(host: &mut Host, words: &[&str]) -> Result<(), String> {
    let line = words.join(" ");
    let owned: Vec<OsString> = words.iter().map(OsString::from).collect();
    // What it says is for people.
    let _ = host.err.flush();
    let pid = process::spawn(&owned, None).map_err(|error| format!("`{line}` cannot be run: {error}"))?;
    let (watch, begun) = (Watch::of_child(pid), clock::now());
    loop {
        match watch.ended() {
            Some(End::Code(0)) => return Ok(()),
            Some(_) => return Err(format!("`{line}` has failed")),
            None if begun.elapsed() > PATIENCE => return Err(format!("`{line}` does not end")),
            None => clock::sleep(PAUSE),
        }
    }
}
