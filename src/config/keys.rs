//! Every key that a configuration may have: one table, read by the parser, `config show`, `config init` and the messages.

use std::ops::RangeInclusive;

use crate::dns::settings::MOST_THREADS;
use crate::shell::catalogue;

/// The largest count: what bash, whose history is counted in a C `int`, takes.
pub const COUNT: u64 = 2_147_483_647;

/// What a key's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An absolute path; `$` variables are expanded.
    Path,
    /// Absolute paths.
    Paths,
    /// A string, taken as it is.
    Text,
    /// Strings.
    Texts,
    /// Strings, each a target of the probe: see [`crate::node::targets`].
    Targets,
    /// Strings, each a server to wait for: see [`crate::serve::target`].
    Servers,
    /// Strings, each a domain that stands for all below it: see [`crate::dns::settings`].
    Domains,
    /// Strings, each the address of a name server: see [`crate::dns::settings`].
    Addresses,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Some of these words.
    Choices(&'static [&'static str]),
    /// `true` or `false`.
    Switch,
    /// A whole number, from 0 to [`COUNT`].
    Count,
    /// A whole number, from 1 to [`MOST_THREADS`].
    Threads,
    /// A string with a time: see [`crate::span`].
    Span,
    /// A table of environment variables: names of the user's own, string values, `$` variables expanded.
    Variables,
}

impl Kind {
    /// Whether its value is an array of strings.
    pub fn is_list(self) -> bool {
        matches!(
            self,
            Self::Paths
                | Self::Texts
                | Self::Targets
                | Self::Servers
                | Self::Domains
                | Self::Addresses
                | Self::Choices(_)
        )
    }

    /// The numbers that its value may be; none where it is no number.
    pub fn range(self) -> RangeInclusive<u64> {
        match self {
            Self::Count => 0..=COUNT,
            Self::Threads => 1..=MOST_THREADS as u64,
            _ => RangeInclusive::new(1, 0),
        }
    }

    /// The kind for a message: `a string`, `true or false`.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Path => "a string with an absolute path",
            Self::Text | Self::Choice(_) => "a string",
            Self::Paths => "an array of strings with absolute paths",
            Self::Texts | Self::Targets | Self::Servers | Self::Domains | Self::Addresses | Self::Choices(_) => {
                "an array of strings"
            }
            Self::Switch => "true or false",
            Self::Count => "a whole number from 0 to 2147483647",
            Self::Threads => "a whole number from 1 to 64",
            Self::Span => "a string with a time",
            Self::Variables => "a table",
        }
    }
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// Its full name, with dots.
    pub name: &'static str,
    /// What its value looks like.
    pub kind: Kind,
    /// The value that holds where no layer sets it, as TOML; empty where there is none.
    pub default: &'static str,
    /// One line for people.
    pub help: &'static str,
}

/// The colours of a prompt that every terminal has, in the order of their numbers; `none` is the terminal's own.
pub const COLORS: &[&str] = &["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white", "none"];

/// `history.size` where no layer sets it.
pub const HISTORY_SIZE: u64 = 200_000;
/// `shell.ls_colors` where no layer sets it: the article's, in which directories that all may write look like others.
pub const LS_COLORS: &str = "ow=01;90:di=01;90";

/// The table, in the order in which a configuration reads best.
#[rustfmt::skip]
pub static KEYS: &[Key] = &[
    Key { name: "shared_home", kind: Kind::Path, default: "", help: "root of the lasting storage" },
    Key { name: "state_dir", kind: Kind::Path, default: "\"$HOME/.local/state/hpcsh\"", help: "what must outlive a container: history, tokens" },
    Key { name: "local_dir", kind: Kind::Path, default: "\"/var/tmp/hpcsh-UID\"", help: "node-local directory for caches that must not be shared; made 0700" },
    Key { name: "trusted_owners", kind: Kind::Texts, default: "[]", help: "users whose configuration files are read too; counts in /etc/hpcsh/config.toml only" },
    Key { name: "env.presets", kind: Kind::Choices(catalogue::PRESET_NAMES), default: "[]", help: "sets of tools' variables; `hpcsh env --explain` shows each" },
    Key { name: "env.failfast", kind: Kind::Switch, default: "true", help: "the preset `failfast`, whatever `env.presets` names: errors after seconds while offline" },
    Key { name: "env.skip", kind: Kind::Texts, default: "[]", help: "variables of the presets that are left alone" },
    Key { name: "env.set", kind: Kind::Variables, default: "", help: "variables that are always set" },
    Key { name: "env.offline", kind: Kind::Variables, default: "", help: "variables that are set while the node is offline" },
    Key { name: "env.online", kind: Kind::Variables, default: "", help: "variables that are set while the node is online" },
    Key { name: "path.prepend", kind: Kind::Paths, default: "[]", help: "directories that come first in PATH" },
    Key { name: "node.verdict", kind: Kind::Choice(&["auto", "online", "offline"]), default: "\"auto\"", help: "whether this node is online" },
    Key { name: "node.offline_hosts", kind: Kind::Texts, default: "[]", help: "globs of host names that are offline" },
    Key { name: "node.online_hosts", kind: Kind::Texts, default: "[]", help: "globs of host names that are online" },
    Key { name: "node.targets", kind: Kind::Targets, default: "[\"https://huggingface.co\", \"https://pypi.org\", \"https://github.com\", \"https://1.1.1.1\"]", help: "what an online node reaches, one of them: `https://HOST`, whose certificate names it, or `http://HOST/PATH BODY`" },
    Key { name: "node.deadline", kind: Kind::Span, default: "\"2s\"", help: "how long a probe may take" },
    Key { name: "node.first_wait", kind: Kind::Span, default: "\"200ms\"", help: "the most that a node's very first shell waits for a probe" },
    Key { name: "node.ttl", kind: Kind::Span, default: "\"5m\"", help: "how long a verdict holds; then a prompt has it looked at again, in the background" },
    Key { name: "node.unknown", kind: Kind::Choice(&["offline", "online"]), default: "\"offline\"", help: "what counts until a verdict is there" },
    Key { name: "node.storage_wait", kind: Kind::Span, default: "\"300ms\"", help: "the most that a login waits for a configuration on shared storage" },
    Key { name: "prompt.side", kind: Kind::Choice(&["left", "right", "off"]), default: "\"left\"", help: "where the prompt shows the node, unless a theme (Powerlevel10k, starship) makes the prompt" },
    Key { name: "prompt.offline", kind: Kind::Text, default: "\"offline\"", help: "what it shows on an offline node" },
    Key { name: "prompt.unknown", kind: Kind::Text, default: "\"offline?\"", help: "what it shows until a verdict is there" },
    Key { name: "prompt.online", kind: Kind::Text, default: "\"\"", help: "what it shows on an online node" },
    Key { name: "prompt.stale", kind: Kind::Text, default: "\"stale\"", help: "what it adds while the shared storage does not answer" },
    Key { name: "prompt.resolver", kind: Kind::Text, default: "\"no resolver\"", help: "what it adds while resolv.conf names hpcsh's resolver, which is not there" },
    Key { name: "prompt.color", kind: Kind::Choice(COLORS), default: "\"yellow\"", help: "its colour" },
    Key { name: "shell.hist", kind: Kind::Switch, default: "true", help: "`hist`: the history with dates" },
    Key { name: "shell.cp", kind: Kind::Switch, default: "true", help: "`cp` asks before it overwrites" },
    Key { name: "shell.ls", kind: Kind::Switch, default: "true", help: "`ls` in colour" },
    Key { name: "shell.ls_colors", kind: Kind::Text, default: "\"ow=01;90:di=01;90\"", help: "LS_COLORS, where it is unset; empty leaves it so" },
    Key { name: "shell.ctrl_backspace", kind: Kind::Switch, default: "true", help: "Ctrl-Backspace deletes a word" },
    Key { name: "history.enable", kind: Kind::Switch, default: "true", help: "history sizes and file, where they are at the shell's defaults" },
    Key { name: "history.size", kind: Kind::Count, default: "200000", help: "lines of history, in memory and in the file" },
    Key { name: "history.file", kind: Kind::Path, default: "", help: "the history file; default: in `state_dir`" },
    Key { name: "venv.label", kind: Kind::Switch, default: "true", help: "`act` puts the environment's name into the prompt" },
    Key { name: "venv.auto", kind: Kind::Switch, default: "true", help: "`cd` enters and leaves trusted environments" },
    Key { name: "venv.trusted_roots", kind: Kind::Paths, default: "[]", help: "directories below which environments are trusted whoever owns them, unless others can write them" },
    Key { name: "wait.targets", kind: Kind::Servers, default: "[\"http://localhost:8000\"]", help: "what `hpcsh wait` waits for where nothing is named: ports, `HOST:PORT`, URLs, `unix:PATH`" },
    Key { name: "wait.timeout", kind: Kind::Span, default: "", help: "how long it waits at the most; default: for ever" },
    Key { name: "wait.probe_timeout", kind: Kind::Span, default: "\"5s\"", help: "the most that one look at a server may take; SGLang gets its own 20 s where this is not set" },
    Key { name: "wait.cacert", kind: Kind::Path, default: "", help: "certificates (PEM) to trust instead of the system's authorities" },
    Key { name: "dns.when", kind: Kind::Choice(&["always", "offline"]), default: "\"always\"", help: "when the resolver blocks: always, or only while the node is offline" },
    Key { name: "dns.allow", kind: Kind::Domains, default: "[]", help: "domains of the intranet: they and all below them are looked up, beside search domains, mirrors, proxies, `internal` and others; see `hpcsh dns check`" },
    Key { name: "dns.deny", kind: Kind::Domains, default: "[]", help: "domains that are not, whatever allows them" },
    Key { name: "dns.listen", kind: Kind::Addresses, default: "[\"127.0.0.1:53\", \"[::1]:53\"]", help: "where the resolver listens" },
    Key { name: "dns.upstream", kind: Kind::Addresses, default: "[]", help: "the name servers that it asks, in this order; default: those of resolv.conf" },
    Key { name: "dns.cache", kind: Kind::Count, default: "10000", help: "answers that it remembers; 0: none" },
    Key { name: "dns.threads", kind: Kind::Threads, default: "1", help: "threads that answer" },
    Key { name: "dns.user", kind: Kind::Text, default: "\"nobody\"", help: "who it is once it has its ports, where it was started as root: a name or a number" },
];

/// The key of this full name; a name of the user's own below a table of variables counts.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| {
        key.name == name
            || key.kind == Kind::Variables && name.strip_prefix(key.name).is_some_and(|rest| rest.starts_with('.'))
    })
}

/// The string that holds for a key where no layer sets it; empty where there is none.
pub fn default_text(name: &str) -> String {
    find(name).map(|key| key.default.trim_matches('"').to_owned()).unwrap_or_default()
}

/// Whether keys lie below this table.
pub fn is_table(name: &str) -> bool {
    KEYS.iter().any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// The known key that is nearest to an unknown one, if one is near.
pub fn nearest(name: &str) -> Option<&'static str> {
    closest(name, KEYS.iter().filter(|key| key.kind != Kind::Variables).map(|key| key.name))
}

/// The known table that is nearest to an unknown one, if one is near.
pub fn nearest_table(name: &str) -> Option<&'static str> {
    let begins = |table: &&str| name.starts_with(*table) && !name.contains('.');
    tables().into_iter().find(begins).or_else(|| closest(name, tables()))
}

/// Every table, in the order of the keys.
pub fn tables() -> Vec<&'static str> {
    let mut tables = Vec::new();
    for key in KEYS {
        let above = key.name.rsplit_once('.').map(|(table, _)| table);
        let itself = (key.kind == Kind::Variables).then_some(key.name);
        for table in above.into_iter().chain(itself) {
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
    }
    tables
}

/// The key with this last part, whatever its table; `None` where there are several.
pub fn elsewhere(last: &str) -> Option<&'static str> {
    let mut found = KEYS.iter().map(|key| key.name).filter(|name| name.rsplit('.').next() == Some(last));
    found.next().filter(|_| found.next().is_none())
}

/// The candidate that looks most like `word`, if one looks like it at all.
///
/// A name is also compared by its last part, since a key in the wrong table is a common slip.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let last = |name: &'_ str| name.rsplit('.').next().unwrap_or_default().to_owned();
    candidates
        .into_iter()
        .map(|candidate| {
            let whole = strsim::jaro_winkler(word, candidate);
            let part = strsim::jaro_winkler(&last(word), &last(candidate)) - 0.02;
            (whole.max(part), candidate)
        })
        .filter(|(likeness, _)| *likeness > 0.82)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::settings as dns;
    use crate::node::probe;
    use crate::serve::request as wait;

    #[test]
    fn a_slip_finds_its_key() {
        assert_eq!(nearest("shared_hom"), Some("shared_home"));
        assert_eq!(nearest("presets"), Some("env.presets"));
        assert_eq!(nearest("node.offline_host"), Some("node.offline_hosts"));
        assert_eq!(nearest("xyzzy"), None);
        assert_eq!(nearest_table("environment"), Some("env"));
        assert_eq!(elsewhere("presets"), Some("env.presets"));
    }

    #[test]
    fn a_variable_of_the_users_own_belongs_to_its_table() {
        assert_eq!(find("env.set.UV_INDEX").map(|key| key.name), Some("env.set"));
        assert_eq!(find("env.settle").map(|key| key.name), None);
        assert!(is_table("env") && !is_table("shared_home"));
    }

    #[test]
    fn the_table_shows_the_defaults_that_hold() {
        let shown = |name| find(name).map(|key| key.default.to_owned());
        assert_eq!(shown("history.size"), Some(HISTORY_SIZE.to_string()));
        assert_eq!(shown("shell.ls_colors"), Some(crate::quote::json(LS_COLORS)));
        assert_eq!(shown("node.targets"), Some(format!("[\"{}\"]", probe::TARGETS.join("\", \""))));
        assert_eq!(shown("wait.targets"), Some(format!("[\"{}\"]", wait::TARGETS.join("\", \""))));
        let listen = dns::LISTEN.map(|address| address.to_string()).join("\", \"");
        assert_eq!(shown("dns.listen"), Some(format!("[\"{listen}\"]")));
        assert_eq!(shown("dns.user"), Some(crate::quote::json(dns::USER)));
        assert_eq!([shown("dns.cache"), shown("dns.threads")], [dns::CACHE, dns::THREADS].map(|n| Some(n.to_string())));
        assert!(Kind::Threads.noun().ends_with(&format!(" {MOST_THREADS}")));
        for (name, default) in [
            ("wait.probe_timeout", wait::PROBE),
            ("node.deadline", probe::DEADLINE),
            ("node.first_wait", probe::FIRST_WAIT),
            ("node.ttl", probe::TTL),
        ] {
            assert_eq!(
                find(name).and_then(|key| crate::span::parse(key.default.trim_matches('"'))),
                Some(default),
                "{name}"
            );
        }
    }
}
