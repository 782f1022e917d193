//! Layers of files → one validated configuration, and everything that is wrong with them.
//!
//! Each capability owns its `Settings`; this floor alone knows TOML and fills them. A wrong setting is left out and
//! told: what is right around it holds.

pub mod checks;
mod document;
mod expand;
pub mod intranet;
pub mod keys;
pub mod layers;
mod look;
mod problem;
pub mod propose;
mod remembered;
mod resolve;
pub mod schema;
pub mod show;
mod variable;
mod within;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use problem::Problem;
pub use resolve::{Resolved, Settings, Value};
pub use within::{InTime, Stale, load_within};

use crate::dns::settings as dns;
use crate::host::{Host, local_dir};
use crate::node::probe;
use crate::serve::request as wait;
use crate::shell::{env, init, trust};
use crate::verdict::State;

/// The configuration: defaults filled in, values expanded, each capability's settings its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `[env]`
    pub env: env::Settings,
    /// The directories below which variables and state lie.
    pub roots: env::Roots,
    /// `[node]`
    pub node: probe::Settings,
    /// `[path]`, `[shell]`, `[history]`, `[venv]`
    pub shell: init::Settings,
    /// The most that a login waits for a configuration on shared storage.
    pub storage_wait: Duration,
    /// `[venv] trusted_roots`
    pub trust: trust::Settings,
    /// `[wait]`
    pub wait: wait::Settings,
    /// `[dns]`
    pub dns: dns::Settings,
}

/// `node.storage_wait` where no layer sets it.
pub const STORAGE_WAIT: Duration = Duration::from_millis(300);
/// How long a job script waits for a configuration on shared storage: longer than a login, since it can do without none.
pub const JOB_WAIT: Duration = Duration::from_secs(10);

/// A configuration, what each layer said, and what was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What holds.
    pub config: Config,
    /// Each setting that some layer makes, by its full name.
    pub settings: Settings,
    /// What was left out, and why.
    pub problems: Vec<Problem>,
    /// Whether a file is there that could not be read.
    pub is_unread: bool,
}

/// Reads every layer there is, and waits for storage as long as that takes. Never fails: what is wrong is in `problems`.
pub fn load(host: &Host, argument: Option<&Path>) -> Loaded {
    let places = layers::places(host, argument);
    let looks = places.iter().map(|layer| Some(look::at(host, layer))).collect();
    made_of(host, &places, looks)
}

/// The configuration that these looks at those places make; without the places that were not looked at.
fn made_of(host: &Host, places: &[layers::Layer], looks: Vec<Option<look::Look>>) -> Loaded {
    let mut problems = Vec::new();
    let mut texts = Vec::new();
    let mut settings = Vec::new();
    let mut owners = Vec::new();
    let is_unread = looks.iter().any(|look| matches!(look, Some(look::Look::Failed(_))));
    for (layer, look) in places.iter().zip(looks) {
        let Some(text) = look.and_then(|look| layers::read(host, layer, look, &owners, &mut problems)) else {
            continue;
        };
        for setting in document::parse(&text, &mut problems) {
            if setting.name != "trusted_owners" {
                settings.push((texts.len(), setting));
            } else if layer.source == layers::Source::System {
                owners.extend(setting.words());
                settings.push((texts.len(), setting));
            } else {
                let message = "`trusted_owners` counts in /etc/hpcsh/config.toml only";
                problems.push(Problem::at(message, &layer.path, &text.text, &setting.span));
            }
        }
        texts.push(text);
    }
    let settings = resolve::resolve(host, &texts, settings, &mut problems);
    // As one reads: file by file, and each from the top.
    problems.sort_by_cached_key(|problem: &Problem| {
        let file = places.iter().position(|place| place.path == problem.file);
        (file, problem.place.as_ref().map_or((usize::MAX, 0), |place| (place.line, place.column)))
    });
    let config = assemble(host, &settings);
    Loaded { config, settings, problems, is_unread }
}

/// Fills each capability's settings; what no layer says is the default of `keys::KEYS`.
fn assemble(host: &Host, from: &Settings) -> Config {
    let path = |name| from.text(name).map(PathBuf::from);
    let local = path("local_dir").unwrap_or_else(|| local_dir::default_path(host));
    let state = path("state_dir");
    // Without a home there is no better place than the node's own.
    let private = state
        .clone()
        .unwrap_or_else(|| host.home().map_or_else(|| local.join("state"), |home| home.join(".local/state/hpcsh")));
    let records = private.join("trust");
    let span = |name, default| from.span(name).unwrap_or(default);
    // What the program and the shells go by, both.
    let ttl = span("node.ttl", probe::TTL).max(Duration::from_secs(1));
    let unknown_is_online = from.text("node.unknown") == Some("online");
    let mut presets = from.list("env.presets");
    if from.switch("env.failfast") {
        presets.push(env::FAILFAST.to_owned());
    }
    let env = env::Settings {
        presets,
        skip: from.list("env.skip"),
        set: from.below("env.set"),
        offline: from.below("env.offline"),
        online: from.below("env.online"),
    };
    // Few want it, and a login waits for it.
    let wants_intranet = env.presets.iter().any(|name| name == env::NEEDS_INTRANET);
    let intranet = if wants_intranet { intranet::hosts(from.strings("dns.allow"), &env) } else { Vec::new() };
    Config {
        env,
        node: probe::Settings {
            verdict: match from.text("node.verdict") {
                Some("online") => Some(State::Online),
                Some("offline") => Some(State::Offline),
                _ => None,
            },
            offline_hosts: from.list("node.offline_hosts"),
            online_hosts: from.list("node.online_hosts"),
            targets: match from.get("node.targets") {
                Some(_) => from.list("node.targets"),
                None => probe::TARGETS.map(str::to_owned).to_vec(),
            },
            deadline: span("node.deadline", probe::DEADLINE),
            first_wait: span("node.first_wait", probe::FIRST_WAIT),
            ttl,
            unknown_is_online,
        },
        storage_wait: span("node.storage_wait", STORAGE_WAIT),
        shell: init::Settings {
            path: from.list("path.prepend"),
            switches: init::SWITCHES.iter().filter(|(key, _)| from.switch(key)).map(|(_, name)| *name).collect(),
            shared_home: path("shared_home").unwrap_or_default(),
            records: records.clone(),
            ls_colors: from.text("shell.ls_colors").unwrap_or(keys::LS_COLORS).to_owned(),
            history: from.switch("history.enable").then(|| init::History {
                size: from.count("history.size").unwrap_or(keys::HISTORY_SIZE),
                file: path("history.file"),
                dir: private.clone(),
                dir_is_configured: state.is_some(),
                is_shared: false,
            }),
            prompt: prompt(from),
            ttl: ttl.as_secs(),
            unknown_is_online,
        },
        trust: trust::Settings {
            roots: from.list("venv.trusted_roots").into_iter().map(PathBuf::from).collect(),
            records,
        },
        wait: wait::Settings {
            targets: match from.get("wait.targets") {
                Some(_) => from.list("wait.targets"),
                None => wait::TARGETS.map(str::to_owned).to_vec(),
            },
            timeout: from.span("wait.timeout"),
            probe: from.span("wait.probe_timeout"),
            cacert: path("wait.cacert"),
        },
        dns: resolver(from),
        roots: env::Roots { shared: path("shared_home"), local, private, intranet },
    }
}

/// The `[dns]` table. A list of addresses that is empty names none of its own.
fn resolver(from: &Settings) -> dns::Settings {
    let addresses = |name| from.strings(name).iter().filter_map(|text| dns::address(text).ok()).collect::<Vec<_>>();
    let suffixes = |name| from.strings(name).iter().filter_map(|text| dns::suffix(text).ok()).collect();
    let count = |name| from.count(name).and_then(|count| usize::try_from(count).ok());
    let usual = dns::Settings::default();
    let listen = addresses("dns.listen");
    dns::Settings {
        only_while_offline: from.text("dns.when") == Some("offline"),
        allow: suffixes("dns.allow"),
        deny: suffixes("dns.deny"),
        listen: if listen.is_empty() { usual.listen } else { listen },
        upstream: addresses("dns.upstream"),
        cache: count("dns.cache").unwrap_or(usual.cache),
        threads: count("dns.threads").unwrap_or(usual.threads),
        user: from.text("dns.user").map_or(usual.user, str::to_owned),
    }
}

/// The `[prompt]` table.
fn prompt(from: &Settings) -> init::Prompt {
    let text = |name| match from.text(name) {
        Some(text) => text.to_owned(),
        None => keys::default_text(name),
    };
    let color = text("prompt.color");
    let number = keys::COLORS.iter().position(|name| *name == color).unwrap_or_default();
    init::Prompt {
        side: Some(text("prompt.side")).filter(|side| side != "off").unwrap_or_default(),
        texts: ["prompt.online", "prompt.offline", "prompt.unknown"].map(text),
        stale: text("prompt.stale"),
        resolver: text("prompt.resolver"),
        color: (keys::COLORS[number], number),
    }
}
