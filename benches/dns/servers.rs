//! Who is measured: each on processor 0, on a port of its own, doing the same.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::echo;
use crate::load::question;
use crate::stage::{Stage, output};

const FETCH: &str = include_str!("fixtures/fetch.sh");
/// Where what was fetched stays.
const FETCHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/bench-servers");
/// As long is a site's list of suffixes.
const SUFFIXES: usize = 10_000;
/// The longest that a start may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The domain whose names are forwarded.
pub const INTRANET: &str = "internal";
/// One below which every name is blocked.
pub const INTERNET: &str = "huggingface.co";
/// The address of a name server that nobody asks.
const NOBODY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// A name server, by its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The ceiling, where each answer passes through the network by itself.
    Echo,
    /// The same, where those to one socket are joined: the load here is one socket's, a client's own is rarely more than two questions.
    Joined,
    /// `hpcsh dns serve`
    Ours,
    /// An authority for the root, without names.
    Nsd,
    /// `always_nxdomain`
    Unbound,
    /// `--local=/#/`
    Dnsmasq,
    /// An authority for the root, without names.
    Named,
}

impl Engine {
    /// The name of its program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo server",
            Self::Joined => "echo, joined",
            Self::Ours => "hpcsh dns",
            Self::Nsd => "nsd",
            Self::Unbound => "unbound",
            Self::Dnsmasq => "dnsmasq",
            Self::Named => "named",
        }
    }
}

/// Who has a site's list of suffixes that are forwarded. None of them is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Nobody.
    None,
    /// We alone.
    Ours,
    /// We and dnsmasq.
    All,
}

/// What it does with names of the intranet.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// They are blocked as all others, but for a list.
    Block(Listed),
    /// They are asked for there; and whether answers are remembered.
    Forward(SocketAddr, bool),
}

/// Fetches the others; says why not.
pub fn fetch() -> Result<(), String> {
    let mut command = Command::new("sh");
    command.args(["-c", FETCH, "fetch.sh", FETCHED, "dnsmasq-base", "unbound", "nsd", "bind9"]);
    output(&mut command).map(drop)
}

/// One that runs; it ends with this.
pub struct Server {
    child: Child,
    /// Where it is asked.
    pub address: SocketAddr,
    /// Seconds from its start to its first answer.
    pub first: f64,
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has children tells them.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let patience = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && patience.elapsed() < Duration::from_secs(1) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts one, and waits for its first answer; `None` where its program is not there.
    pub fn start(stage: &Stage, engine: Engine, role: Role) -> Result<Option<Self>, String> {
        let port = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let port = port.map_err(|error| error.to_string())?.port();
        let Some(program) = program(stage, engine) else { return Ok(None) };
        let words = words(stage, engine, role, port)?;
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(program).args(words);
        command.env("LD_LIBRARY_PATH", Path::new(FETCHED).join("root/usr/lib/x86_64-linux-gnu"));
        command.env("HPCSH_NO_PROBE", "1").env("HPCSH_OFFLINE", "1").env("XDG_RUNTIME_DIR", stage.path("run"));
        let log = stage.path(format!("{}.log", engine.name().replace([' ', ','], "-")));
        let file = fs::File::create(&log).map_err(|error| error.to_string())?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let client = UdpSocket::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        client.set_read_timeout(Some(Duration::from_millis(1))).map_err(|error| error.to_string())?;
        let started = Instant::now();
        let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let mut bytes = [0; 512];
        loop {
            // Refused until it is there.
            let _ = client.send_to(&question(1, INTERNET, false), address);
            if let Ok((length, _)) = client.recv_from(&mut bytes) {
                // Some say that they cannot answer until they have read their files.
                if !matches!(engine, Engine::Echo | Engine::Joined)
                    && (length < 12 || bytes[3] & 15 != 3)
                    && started.elapsed() < PATIENCE
                {
                    continue;
                }
                return Ok(Some(Self { child, address, first: started.elapsed().as_secs_f64() }));
            }
            let ended = child.try_wait().map_err(|error| error.to_string())?;
            if ended.is_some() || started.elapsed() > PATIENCE {
                let _ = child.kill();
                let said = fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("{} has not answered: {}", engine.name(), said.trim_end()));
            }
        }
    }

    /// Seconds of processors that it has used.
    pub fn used(&self) -> Result<f64, String> {
        let (own, mut sum) = (self.child.id(), 0.0);
        // Some leave the work to a child.
        for entry in fs::read_dir("/proc").map_err(|error| error.to_string())?.flatten() {
            let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let fields = stat(process);
            let number = |at: usize| fields.get(at).and_then(|word| word.parse::<u32>().ok()).unwrap_or_default();
            let parent = number(1);
            if process == own || parent == own || stat(parent).get(1) == Some(&own.to_string()) {
                // In the kernel's units for programs, which are hundredths everywhere.
                sum += f64::from(number(11) + number(12)) / 100.0;
            }
        }
        Ok(sum)
    }

    /// Bytes of memory that are its own.
    pub fn memory(&self) -> Result<f64, String> {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).map_err(|error| error.to_string())?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse::<f64>().ok());
        number.map(|number| number * 1024.0).ok_or_else(|| "no VmRSS".to_owned())
    }
}

/// What the kernel says of a process, behind its name.
fn stat(process: u32) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    text.rsplit(')').next().unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

fn program(stage: &Stage, engine: Engine) -> Option<PathBuf> {
    match engine {
        Engine::Ours => Some(stage.program.clone()),
        Engine::Echo | Engine::Joined => std::env::current_exe().ok(),
        _ => Some(Path::new(FETCHED).join("root/usr/sbin").join(engine.name())).filter(|path| path.is_file()),
    }
}

/// The words behind the program's name; files that they name are written.
fn words(stage: &Stage, engine: Engine, role: Role, port: u16) -> Result<Vec<String>, String> {
    let dir = stage.path(engine.name().replace([' ', ','], "-")).display().to_string();
    fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
    let write = |name: &str, text: &str| {
        let path = format!("{dir}/{name}");
        fs::write(&path, text).map(|()| path).map_err(|error| error.to_string())
    };
    let zone = ". 60 IN SOA . . 1 3600 600 86400 60\n. 60 IN NS .\n";
    let own = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    Ok(match engine {
        Engine::Echo | Engine::Joined => {
            let (port, code) = (port.to_string(), if matches!(role, Role::Block(_)) { "3" } else { "0" });
            let mut words: Vec<String> = own(&[echo::WORD, &port, code]);
            words.extend((engine == Engine::Joined).then(|| echo::JOINED.to_owned()));
            words
        }
        Engine::Ours => {
            let config = write("config.toml", &configuration(role))?;
            own(&["--config", &config, "dns", "serve", "--listen", &format!("127.0.0.1:{port}")])
        }
        Engine::Nsd => {
            write("root.zone", zone)?;
            let config = format!(
                "server:\n ip-address: 127.0.0.1@{port}\n server-count: 1\n username: \"\"\n zonesdir: {dir}\n database: \"\"\n \
                 pidfile: \"\"\n xfrdfile: \"{dir}/xfrd\"\n zonelistfile: \"{dir}/zones\"\n rrl-ratelimit: 0\n \
                 tcp-count: 100\nremote-control:\n control-enable: no\nzone:\n name: \".\"\n zonefile: root.zone\n"
            );
            own(&["-d", "-c", &write("nsd.conf", &config)?])
        }
        Engine::Unbound => own(&["-d", "-c", &write("unbound.conf", &unbound(role, port, &dir))?]),
        Engine::Dnsmasq => {
            let lines: String = match role {
                Role::Block(Listed::All) => {
                    suffixes().map(|suffix| format!("server=/{suffix}/{NOBODY}#53\n")).collect()
                }
                _ => String::new(),
            };
            let mut words: Vec<String> = own(&["--keep-in-foreground", "--no-resolv", "--no-hosts"]);
            words.push(format!("--conf-file={}", write("dnsmasq.conf", &lines)?));
            words.extend(own(&[
                "--listen-address=127.0.0.1",
                "--bind-interfaces",
                "--pid-file=",
                "--user=",
                "--local=/#/",
            ]));
            words.push(format!("--port={port}"));
            let size = if matches!(role, Role::Forward(_, true)) { 10_000 } else { 0 };
            words.push(format!("--cache-size={size}"));
            if let Role::Forward(upstream, _) = role {
                words.push(format!("--server=/{INTRANET}/{}#{}", upstream.ip(), upstream.port()));
                words.push("--dns-forward-max=10000".to_owned());
            }
            words
        }
        Engine::Named => {
            write("root.zone", zone)?;
            let config = format!(
                "options {{ listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; directory \"{dir}\"; recursion no; \
                 pid-file none; session-keyfile none; dnssec-validation no; minimal-responses yes; }};\ncontrols {{ }};\n\
                 zone \".\" {{ type primary; file \"root.zone\"; }};\n"
            );
            own(&["-g", "-n", "1", "-c", &write("named.conf", &config)?])
        }
    })
}

/// As a site's list may be.
fn suffixes() -> impl Iterator<Item = String> {
    (0..SUFFIXES).map(|number| format!("host-{number}.site-{}.example", number % 97))
}

fn configuration(role: Role) -> String {
    let mut allowed: Vec<String> = match role {
        Role::Block(Listed::None) => Vec::new(),
        Role::Block(_) | Role::Forward(..) => suffixes().collect(),
    };
    let (upstream, cache) = match role {
        Role::Block(_) => (NOBODY.to_string(), 10_000),
        Role::Forward(upstream, cache) => {
            allowed.push(INTRANET.to_owned());
            (upstream.to_string(), if cache { 20_000 } else { 0 })
        }
    };
    let verdict = "[node]\nverdict = \"offline\"\n";
    format!("{verdict}[dns]\nallow = {allowed:?}\ncache = {cache}\nupstream = [\"{upstream}\"]\n")
}

fn unbound(role: Role, port: u16, dir: &str) -> String {
    let (zones, size) = match role {
        Role::Block(_) => ("local-zone: \".\" always_nxdomain\n".to_owned(), "4m"),
        Role::Forward(_, cache) => (
            format!("local-zone: \".\" always_nxdomain\n local-zone: \"{INTRANET}.\" transparent\n"),
            if cache { "32m" } else { "0" },
        ),
    };
    let forward = match role {
        Role::Block(_) => String::new(),
        Role::Forward(upstream, _) => {
            format!("forward-zone:\n name: \"{INTRANET}.\"\n forward-addr: {}@{}\n", upstream.ip(), upstream.port())
        }
    };
    format!(
        "server:\n do-daemonize: no\n chroot: \"\"\n username: \"\"\n directory: \"{dir}\"\n pidfile: \"\"\n use-syslog: no\n \
         logfile: \"\"\n interface: 127.0.0.1@{port}\n num-threads: 1\n module-config: \"iterator\"\n \
         do-not-query-localhost: no\n outgoing-range: 4096\n num-queries-per-thread: 4096\n msg-cache-size: {size}\n \
         rrset-cache-size: {size}\n minimal-responses: yes\n incoming-num-tcp: 100\n {zones}remote-control:\n \
         control-enable: no\n{forward}"
    )
}
