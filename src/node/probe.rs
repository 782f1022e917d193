//! How a verdict is reached, each with its reason: the user's word, the configuration, the host's name, the network.
//!
//! Looking at the network ends by the deadline, whatever hangs; where the kernel has no way out and the environment no
//! proxy, it ends at once, without a packet.

use std::sync::mpsc;
use std::time::Duration;

use wildmatch::WildMatch;

use super::reach::{self, Kind, Miss};
use super::routes::Routes;
use super::targets::{self, Proof};
use crate::dns::takeover::{self, Standing};
use crate::host::{Host, clock};
use crate::net::proxy::{Proxies, Way};
use crate::net::race;
use crate::net::resolve::Resolver;
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
    /// How long a verdict holds: a second at least.
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

/// What came of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The target, as a URL.
    pub target: String,
    /// Why it was not reached: a short sentence.
    pub result: Result<(), String>,
    /// How long that took.
    pub took: Duration,
}

/// What the network says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The verdict.
    pub verdict: Verdict,
    /// Each target, in the order of the configuration.
    pub attempts: Vec<Attempt>,
}

/// A target on its way.
struct Tried {
    shown: String,
    way: Way,
    is_name: bool,
    /// What came of it, and when.
    came: Option<(Result<(), Miss>, Duration)>,
}

/// Looks at the network: all targets at once, until one answers or the deadline is there.
///
/// What the tools of this environment would do decides for each target: where it names a proxy for it, the proxy alone is
/// asked, and routes are not looked at, since a proxy may stand in the node's own network. Where it names none, a family
/// without a default route is not tried. So an air-gapped node without a proxy is told from two files of the kernel, and a
/// node whose only way out is a proxy next door is online.
pub fn look(host: &Host, settings: &Settings) -> Finding {
    let start = clock::now();
    let deadline = start + settings.deadline;
    let routes = Routes::of(host);
    let proxies = Proxies::of(host);
    let mut resolver = None;
    let (sender, receiver) = mpsc::channel();
    let mut tried = Vec::new();
    let mut running = 0_usize;
    for (number, text) in settings.targets.iter().enumerate() {
        let target = match targets::parse(text) {
            Ok(target) => target,
            Err(why) => {
                let came = Some((Err(Miss::new(Kind::Odd, why)), Duration::ZERO));
                tried.push(Tried { shown: text.clone(), way: Way::Direct, is_name: false, came });
                continue;
            }
        };
        let way = proxies.way(target.proof == Proof::Certificate, &target.host, target.port);
        let is_name = target.host.parse::<std::net::IpAddr>().is_err();
        let mut one = Tried { shown: target.to_string(), way: way.clone(), is_name, came: None };
        if way == Way::Direct && !routes.four && !routes.six {
            one.came = Some((Err(Miss::new(Kind::NoRoute, "no default route")), Duration::ZERO));
        } else {
            // Not read where nothing is asked: the usual case on a compute node. Ours would never let a node be seen online again.
            let resolver = resolver.get_or_insert_with(|| Resolver::by(host, &takeover::original(host))).clone();
            let (sender, until) = (sender.clone(), race::before(deadline));
            let started = race::beside(move || {
                let result = reach::ask(&target, &way, routes, &resolver, until);
                // Nobody may be waiting any more.
                let _ = sender.send((number, result));
            });
            match started {
                Ok(()) => running += 1,
                Err(why) => one.came = Some((Err(Miss::new(Kind::Odd, why)), Duration::ZERO)),
            }
        }
        tried.push(one);
    }
    let ours = takeover::standing(host);
    while running > 0
        && let Ok((number, result)) = receiver.recv_timeout(deadline.saturating_duration_since(clock::now()))
    {
        running -= 1;
        let is_won = result.is_ok();
        tried[number].came = Some((result, start.elapsed()));
        if is_won {
            break;
        }
    }
    let mut finding = decide(tried, start.elapsed(), settings.deadline);
    // Nobody else would tell, since the servers behind it answer in its place.
    if let Standing::Dead(address) = ours {
        let reason = finding.verdict.reason;
        // The shells' prompts know it by these words.
        let reason = format!("{reason}; resolv.conf names hpcsh's resolver at {address}, which is not there");
        finding.verdict = Verdict::new(finding.verdict.state, reason);
    }
    finding
}

/// The verdict from what came of the targets.
fn decide(tried: Vec<Tried>, took: Duration, deadline: Duration) -> Finding {
    let won = tried.iter().find(|one| matches!(one.came, Some((Ok(()), _))));
    let verdict = match won {
        Some(Tried { shown, way: Way::Through(proxy), .. }) => {
            Verdict::new(State::Online, format!("the proxy {proxy} reaches {shown}"))
        }
        Some(Tried { shown, .. }) => Verdict::new(State::Online, format!("{shown} answered")),
        None if tried.is_empty() => Verdict::new(State::Unknown, "there is no target to ask"),
        None => Verdict::new(State::Offline, reason(&tried, deadline)),
    };
    let late = if won.is_some() { "not waited for" } else { "no answer" };
    let attempts = tried.into_iter().map(|one| {
        let (result, took) = one.came.unwrap_or_else(|| (Err(Miss::new(Kind::Silent, late)), took));
        Attempt { target: one.shown, result: result.map_err(|miss| miss.sentence), took }
    });
    Finding { verdict, attempts: attempts.collect() }
}

/// Why no target was reached: the most telling of the failures.
fn reason(tried: &[Tried], deadline: Duration) -> String {
    let kind = |one: &Tried| match &one.came {
        Some((Err(miss), _)) => miss.kind,
        _ => Kind::Silent,
    };
    let first = |wanted: Kind| {
        let found = tried.iter().find(|one| kind(one) == wanted)?;
        Some((&found.shown, found.came.as_ref()?.0.as_ref().err()?.sentence.as_str()))
    };
    if let Some((target, _)) = first(Kind::Portal) {
        return format!("a captive portal answers for {target}");
    }
    if let Some((_, sentence)) = first(Kind::Proxy) {
        return sentence.to_owned();
    }
    if tried.iter().all(|one| kind(one) == Kind::NoRoute) {
        return "no default route".to_owned();
    }
    let mut names = tried.iter().filter(|one| one.is_name).peekable();
    if names.peek().is_some() && names.all(|one| kind(one) == Kind::Name) {
        return "names are not resolved".to_owned();
    }
    if let Some((target, sentence)) = first(Kind::Odd) {
        return format!("{target}: {sentence}");
    }
    if first(Kind::Silent).is_none() && tried.iter().all(|one| one.came.is_some()) {
        return "no target is reachable".to_owned();
    }
    let milliseconds = deadline.as_millis();
    let within = if milliseconds.is_multiple_of(1000) {
        format!("{}s", milliseconds / 1000)
    } else {
        format!("{milliseconds}ms")
    };
    format!("no target answered within {within}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Misses of these kinds, of names and of addresses.
    fn tried(misses: &[(&str, Kind)]) -> Vec<Tried> {
        let one = |(target, kind): &(&str, Kind)| Tried {
            shown: (*target).to_owned(),
            way: Way::Direct,
            is_name: target.parse::<std::net::IpAddr>().is_err(),
            came: Some((Err(Miss::new(*kind, format!("sentence of {target}"))), Duration::ZERO)),
        };
        misses.iter().map(one).collect()
    }

    #[test]
    fn the_most_telling_failure_is_the_reason() {
        let told = |misses: &[(&str, Kind)]| reason(&tried(misses), Duration::from_millis(1500));
        let all = [
            ("a", Kind::Portal),
            ("b", Kind::Proxy),
            ("c", Kind::Odd),
            ("d", Kind::Name),
            ("1.1.1.1", Kind::Unreached),
            ("e", Kind::Silent),
        ];
        assert_eq!(told(&all), "a captive portal answers for a");
        assert_eq!(told(&all[1..]), "sentence of b");
        assert_eq!(told(&all[2..]), "c: sentence of c");
        assert_eq!(told(&all[3..]), "no target answered within 1500ms");
        assert_eq!(told(&all[3..5]), "names are not resolved");
        assert_eq!(told(&[all[4], ("d", Kind::NoRoute)]), "no target is reachable");
        assert_eq!(told(&[("1.1.1.1", Kind::NoRoute), ("d", Kind::NoRoute)]), "no default route");
        let late = [Tried { came: None, ..tried(&all[4..5]).remove(0) }];
        assert_eq!(reason(&late, Duration::from_secs(2)), "no target answered within 2s");
    }

    #[test]
    fn without_a_route_and_a_proxy_nothing_is_asked() {
        let temporary = tempfile::tempdir().unwrap();
        let route = temporary.path().join("proc/net/route");
        crate::host::files::make_parent(&route).unwrap();
        crate::host::files::create(&route, b"Iface\tDestination\n").unwrap();
        let host = Host::pretend(temporary.path(), &[], Box::new(Vec::new()), Box::new(Vec::new()));
        let targets = vec!["huggingface.co".to_owned(), "ftp://x".to_owned()];
        let found = look(&host, &Settings { targets, deadline: DEADLINE, ..Settings::default() });
        assert_eq!(found.verdict, Verdict::new(State::Offline, "ftp://x: ftp:// is neither https:// nor http://"));
        assert_eq!(found.attempts[0].result, Err("no default route".to_owned()));
        let none = look(&host, &Settings::default());
        assert_eq!(none.verdict, Verdict::new(State::Unknown, "there is no target to ask"));
    }

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
