//! How a verdict is reached, each with its reason: the user's word, the configuration, the host's name.
//!
//! Nothing here touches the network.

use std::time::Duration;

use wildmatch::WildMatch;

use crate::host::Host;
use crate::verdict::{State, Verdict};

/// The `[node]` table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `online` or `offline`; `None` is `auto`.
    pub verdict: Option<State>,
    /// Globs of host names.
    pub offline_hosts: Vec<String>,
    /// Globs of host names.
    pub online_hosts: Vec<String>,
    /// What an online node reaches, one of them at least: `https://HOST[:PORT]` or `http://HOST[:PORT]/PATH BODY`.
    pub targets: Vec<String>,
    /// How long a probe may take.
    pub deadline: Duration,
    /// The most that a node's very first interactive shell waits for a probe.
    pub first_wait: Duration,
    /// How long a verdict holds.
    pub ttl: Duration,
    /// Whether an unknown node counts as online.
    pub unknown_is_online: bool,
}

impl Settings {
    /// Whether a node in this state gets the offline switches.
    pub fn counts_as_offline(&self, state: State) -> bool {
        match state {
            State::Offline => true,
            State::Online => false,
            State::Unknown => !self.unknown_is_online,
        }
    }
}

/// `node.targets` where no layer sets it: hosts that people who train models need, and one that needs no name.
pub const TARGETS: [&str; 4] = ["https://huggingface.co", "https://pypi.org", "https://github.com", "https://1.1.1.1"];
/// `node.deadline` where no layer sets it.
pub const DEADLINE: Duration = Duration::from_secs(2);
/// `node.first_wait` where no layer sets it.
pub const FIRST_WAIT: Duration = Duration::from_millis(200);
/// `node.ttl` where no layer sets it.
pub const TTL: Duration = Duration::from_mins(5);

/// One target, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// As it stands in the configuration.
    pub target: String,
    /// What went wrong, as a short phrase.
    pub result: Result<(), String>,
    /// How long it took.
    pub took: Duration,
}

/// What a look at the network found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Online or offline.
    pub verdict: Verdict,
    /// What was tried for it.
    pub attempts: Vec<Attempt>,
}

/// STUB
pub fn look(_host: &Host, _settings: &Settings) -> Finding {
    Finding { verdict: Verdict::new(State::Offline, "stub"), attempts: Vec::new() }
}

/// What the configuration says of the node of this name.
pub fn configured(settings: &Settings, name: &str) -> Verdict {
    if let Some(state) = settings.verdict {
        return Verdict::new(state, "configured");
    }
    let matching = |globs: &[String]| globs.iter().find(|glob| WildMatch::new(glob).matches(name)).cloned();
    if let Some(glob) = matching(&settings.offline_hosts) {
        return Verdict::new(State::Offline, format!("the host name {name} matches {glob}"));
    }
    if let Some(glob) = matching(&settings.online_hosts) {
        return Verdict::new(State::Online, format!("the host name {name} matches {glob}"));
    }
    Verdict::new(State::Unknown, format!("nothing in the configuration speaks of {name}"))
}

/// The user's word for this process, `HPCSH_OFFLINE=1` or `0`, overrules everything.
pub fn overruled(variable: Option<&str>) -> Option<Verdict> {
    match variable {
        Some("1") => Some(Verdict::new(State::Offline, "HPCSH_OFFLINE=1")),
        Some("0") => Some(Verdict::new(State::Online, "HPCSH_OFFLINE=0")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_comes_before_the_globs_and_offline_before_online() {
        let mut settings = Settings {
            verdict: None,
            offline_hosts: vec!["gpu*".into(), "both".into()],
            online_hosts: vec!["login?".into(), "both".into()],
            ..Settings::default()
        };
        let reason = |settings: &Settings, name| {
            let verdict = configured(settings, name);
            (verdict.state, verdict.reason)
        };
        assert_eq!(reason(&settings, "gpu17"), (State::Offline, "the host name gpu17 matches gpu*".into()));
        assert_eq!(reason(&settings, "login1"), (State::Online, "the host name login1 matches login?".into()));
        assert_eq!(reason(&settings, "both").0, State::Offline);
        assert_eq!(reason(&settings, "pod"), (State::Unknown, "nothing in the configuration speaks of pod".into()));
        settings.verdict = Some(State::Online);
        assert_eq!(reason(&settings, "gpu17"), (State::Online, "configured".into()));
        assert_eq!(overruled(Some("1")).map(|verdict| verdict.state), Some(State::Offline));
        assert_eq!(overruled(Some("yes")), None);
    }
}
