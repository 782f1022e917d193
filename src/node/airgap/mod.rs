//! Runs one command in a network of nothing but loopback: the rehearsal of an air-gapped node.
//!
//! The command has our streams, our process group and its own status. Whatever is outside cannot be reached, at once (no route),
//! or packets for it vanish. Nothing of this outlives the last process in it, and the node's own memory is out of its sight.

mod asked;
mod asker;
mod lost;
mod names;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use asked::{Asked, Facts};
use names::Names;

use crate::error::Failure;
use crate::host::process::{Own, foreground};
use crate::host::{Host, files, run_dir};
use crate::namespace::{self, daemons, links};
use crate::net::resolv_conf::{self, ResolvConf};

/// What is to be rehearsed, and how.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The command and its words.
    pub words: Vec<OsString>,
    /// Its environment.
    pub variables: BTreeMap<OsString, OsString>,
    /// Packets vanish, and names are not answered.
    pub hang: bool,
    /// Sockets of daemons that reach the network for others stay.
    pub allow_unix: bool,
    /// Where the report goes as JSON too.
    pub report: Option<PathBuf>,
}

/// `hpcsh airgap`: the exit code is the command's.
///
/// # Errors
/// Where the command does not start.
pub fn run(host: &mut Host, rehearsal: &Rehearsal) -> Result<u8, Failure> {
    // What is outside is looked at, and opened, before.
    let report = rehearsal.report.as_ref().map(|path| open(path)).transpose()?;
    let sight = Sight::of(host, rehearsal.allow_unix)?;
    namespace::enter(host, Own::Network)?;
    let network = |error| Failure::runner(format!("the network of one's own has no loopback: {error}"));
    links::raise_loopback().map_err(network)?;
    if rehearsal.hang {
        links::lose_all().map_err(|error| {
            Failure::runner(format!("no interface can be made into which packets vanish: {error}"))
                .hint("the kernel needs veth or dummy (as root: modprobe veth); without --hang no interface is needed")
        })?;
    }
    sight.apply()?;
    let own = [host.full_name().trim_end_matches('.').to_ascii_lowercase(), host.name().to_ascii_lowercase()];
    let mut names = Names::new(own.to_vec(), rehearsal.hang)
        .map_err(|error| Failure::runner(format!("nobody can answer for names on 127.0.0.1: {error}")))?;
    let mut running = foreground::start(&rehearsal.words, &rehearsal.variables)?;
    let code = names.serve(host, &mut running);
    let mut asked = names.asked();
    asked.fold(&sight.search, &own);
    let facts = Facts {
        command: rehearsal.words.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        status: code,
        network: if rehearsal.hang { "silent" } else { "unreachable" },
        nameless: lost::without_route(host),
        proxy: proxy(&rehearsal.variables),
    };
    host.say(asked.text(&facts).trim_end());
    if let (Some((mut file, path)), json) = (report, asked.json(&facts)) {
        file.write_all(json.as_bytes()).map_err(|error| unwritten(&path, &error))?;
    }
    Ok(code)
}

fn open(path: &Path) -> Result<(File, PathBuf), Failure> {
    files::writer(path).map(|file| (file, path.to_owned())).map_err(|error| unwritten(path, &error))
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::runner(format!("the report cannot be written: {}: {error}", path.display()))
}

/// A proxy that the environment names, without who may use it.
fn proxy(variables: &BTreeMap<OsString, OsString>) -> Option<String> {
    let named = |name: &str| {
        let value = variables.get(std::ffi::OsStr::new(name))?.to_string_lossy();
        (!value.is_empty()).then(|| value.rsplit('@').next().unwrap_or_default().to_owned())
    };
    ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"].into_iter().find_map(named)
}

/// What the command sees otherwise than it is.
#[derive(Debug)]
struct Sight {
    /// The run directory, and other places where there may be one.
    run_dirs: Vec<PathBuf>,
    /// The file that /etc/resolv.conf leads to, where there is one, and what it says to the command.
    resolver: Option<(PathBuf, String)>,
    /// The domains in which names are looked for.
    search: Vec<String>,
    daemons: Vec<PathBuf>,
}

impl Sight {
    fn of(host: &Host, allow_unix: bool) -> Result<Self, Failure> {
        let first = run_dir::find(host)
            .ok_or_else(|| Failure::runner("no directory can be a run directory: neither in /dev/shm nor in /tmp"))?;
        let others = run_dir::candidates(host).into_iter().filter(|dir| *dir != first && files::exists(dir));
        let others: Vec<PathBuf> = others.collect();
        let run_dirs = [vec![first], others].concat();
        let resolver = files::real_path(Path::new(resolv_conf::PATH)).ok();
        let text = resolver.as_ref().and_then(|path| files::read(path).ok()).unwrap_or_default();
        let (text, mut search) = resolv(&String::from_utf8_lossy(&text));
        // Without such a line, the C library takes the domain of the node.
        let name = host.full_name();
        search.extend(name.split_once('.').map(|(_, domain)| domain.to_owned()));
        let runtime = host.nonempty("XDG_RUNTIME_DIR").map(PathBuf::from);
        let daemons = if allow_unix { Vec::new() } else { daemons::all(runtime.as_deref()) };
        Ok(Self { run_dirs, resolver: resolver.map(|path| (path, text)), search, daemons })
    }

    fn apply(&self) -> Result<(), Failure> {
        for dir in &self.run_dirs {
            namespace::lay_empty_over(dir)?;
        }
        // It is ours and in memory now.
        let Some(dir) = self.run_dirs.first() else { return Ok(()) };
        let made = |name: &str, text: &str| {
            let path = dir.join(name);
            let done = files::put(&path, text.as_bytes());
            done.map(|()| path).map_err(|error| Failure::runner(format!("{name} in {}: {error}", dir.display())))
        };
        if let Some((path, text)) = &self.resolver {
            namespace::lay_over(&made("resolv.conf", text)?, path)?;
        }
        daemons::cover(&self.daemons, &made("nothing", "")?)
    }
}

/// The same resolv.conf with our name server for all others, and its domains.
fn resolv(text: &str) -> (String, Vec<String>) {
    let conf = ResolvConf::parse(text);
    let domains = conf.search.iter().map(|domain| domain.trim_matches('.').to_ascii_lowercase()).collect();
    (conf.with_server_alone("hpcsh airgap", Ipv4Addr::LOCALHOST.into()), domains)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolv_conf_keeps_all_but_its_servers() {
        let (text, search) =
            resolv("# x\nnameserver 10.0.0.1\nsearch A.example. b\noptions ndots:5\n nameserver 1.1.1.1\n");
        assert_eq!(text, "# hpcsh airgap\nnameserver 127.0.0.1\nsearch A.example. b\noptions ndots:5\n");
        assert_eq!(search, ["a.example", "b"]);
        assert_eq!(resolv("").0, "# hpcsh airgap\nnameserver 127.0.0.1\n");
    }

    #[test]
    fn a_proxy_is_named_without_its_password() {
        let variables = |value: &str| BTreeMap::from([("https_proxy".into(), value.into())]);
        assert_eq!(proxy(&variables("http://me:secret@10.0.0.1:3128")).as_deref(), Some("10.0.0.1:3128"));
        assert_eq!(proxy(&variables("http://p:1")).as_deref(), Some("http://p:1"));
        assert_eq!(proxy(&variables("")), None);
    }
}
