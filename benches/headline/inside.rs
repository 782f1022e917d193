//! Within the namespaces: a default route by which all is lost, a resolv.conf, perhaps our resolver; then the program, with a watch.

use std::fs;
use std::net::UdpSocket;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::stage::output;

/// Behind this word the bench program is in the namespaces.
pub const WORD: &str = "--inside";

/// What the program meets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// A name server to which packets are lost.
    Lost,
    /// Our resolver.
    Resolver,
    /// And our variables.
    Both,
}

const WORLDS: [(&str, World); 3] = [("lost", World::Lost), ("resolver", World::Resolver), ("both", World::Both)];

impl World {
    /// Its word.
    pub fn word(self) -> &'static str {
        WORLDS.iter().find(|(_, world)| *world == self).map_or("", |(word, _)| word)
    }
}

/// A cable into which everything disappears, as on a node that is cut off; loopback works.
const NETWORK: &str = "ip link set lo up && ip link add out type veth peer name nowhere && ip link set out up &&
    ip link set nowhere up && ip addr add 192.0.2.2/24 dev out && ip route add default via 192.0.2.1 &&
    ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev out nud permanent";
/// Behind the route by which all is lost.
const SERVER: &str = "198.51.100.53";

/// `WORLD SECONDS HPCSH CONFIGURATION COMMAND…`; prints the seconds that the command took.
pub fn run(words: &[String]) -> ExitCode {
    match measured(words) {
        Ok(seconds) => {
            println!("{seconds:.6}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn measured(words: &[String]) -> Result<f64, String> {
    let [world, cap, hpcsh, config, program, rest @ ..] = words else { return Err("too few words".to_owned()) };
    let world = WORLDS.iter().find(|(word, _)| word == world).ok_or("no such world")?.1;
    let cap = Duration::from_secs(cap.parse().map_err(|_| "no number of seconds")?);
    output(Command::new("sh").args(["-c", &format!("mount --make-rprivate / && {NETWORK}")]))?;
    let server = if world == World::Lost { SERVER } else { "127.0.0.1" };
    let resolv = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    fs::write(resolv.path(), format!("nameserver {server}\n")).map_err(|error| error.to_string())?;
    // As Docker does it; a link is followed to where the file lies.
    output(Command::new("mount").arg("--bind").arg(resolv.path()).arg("/etc/resolv.conf"))?;
    let _serving = if world == World::Lost { None } else { Some(Serving::start(hpcsh, config)?) };

    let mut command = Command::new(program);
    command.args(rest).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    if world == World::Both {
        let env = ["--config", config, "env", "--offline", "--format", "json"];
        let text = output(Command::new(hpcsh).args(env).env("HPCSH_NO_PROBE", "1"))?;
        let variables: Vec<serde_json::Value> =
            serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        let pairs = variables.iter().map(|variable| (variable["name"].as_str(), variable["value"].as_str()));
        command.envs(pairs.filter_map(|(name, value)| Some((name?, value?))));
    }
    let started = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
    loop {
        if child.try_wait().map_err(|error| error.to_string())?.is_some() {
            return Ok(started.elapsed().as_secs_f64());
        }
        if started.elapsed() >= cap {
            let group = format!("-{}", child.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
            let _ = child.wait();
            return Ok(cap.as_secs_f64());
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// Our resolver on port 53 of this network.
struct Serving(Child);

impl Serving {
    fn start(hpcsh: &str, config: &str) -> Result<Self, String> {
        let mut command = Command::new(hpcsh);
        command.args(["--config", config, "dns", "serve"]).env("HPCSH_NO_PROBE", "1").env("HPCSH_OFFLINE", "1");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let serving = Self(child.map_err(|error| error.to_string())?);
        let client = UdpSocket::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        client.set_read_timeout(Some(Duration::from_millis(20))).map_err(|error| error.to_string())?;
        let question = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 2, b'c', b'o', 0, 0, 1, 0, 1];
        for _ in 0..500 {
            let _ = client.send_to(&question, "127.0.0.1:53");
            if client.recv(&mut [0; 512]).is_ok() {
                return Ok(serving);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err("hpcsh dns serve does not answer".to_owned())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
