//! One probe of one target: what it answers now. Ends by its deadline, whatever answers.
//!
//! Addresses of a name are asked one after the other: there is never more than one request under way.

use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use super::door::{Door, Stream};
use super::kinds::{self, Kind, Meaning};
use super::schedule::Pace;
use super::target::{Place, Target};
use crate::host::clock;
use crate::net::chain::Trust;
use crate::net::http::{self, Head};
use crate::net::proxy::Way;
use crate::net::race;
use crate::net::resolve::Resolver;
use crate::net::stream::Trouble;

/// How long addresses of a name are believed.
const REMEMBERED: Duration = Duration::from_secs(10);
/// The longest that `SGLang` takes to find out that it is not well, and a little more: an abandoned probe is a token for nobody.
const SGLANG: Duration = Duration::from_secs(21);
/// The most of an error's body that is read, and for how long.
const ERROR: u64 = 4 << 10;
const ERROR_WAIT: Duration = Duration::from_millis(250);
/// The most of a list of models.
const LIST: u64 = 4 << 20;

/// What a target is just now; the first ones are the most telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It serves.
    Ready,
    /// Waiting will not help.
    Hopeless,
    /// It is ready, and serves another model.
    Unserved,
    /// It is on its way.
    Loading,
    /// It answers that it is not well.
    Unhealthy,
    /// It answers something else.
    Odd,
    /// It takes a connection and ends it.
    Closed,
    /// It says nothing.
    Silent,
    /// Nobody listens.
    Refused,
    /// No way leads there.
    Unreachable,
    /// Its name has no address.
    Unnamed,
}

impl State {
    /// The word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Hopeless => "failed",
            Self::Unserved => "other-model",
            Self::Loading => "loading",
            Self::Unhealthy => "unhealthy",
            Self::Odd => "unexpected",
            Self::Closed => "closed",
            Self::Silent => "silent",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Unnamed => "unresolved",
        }
    }

    /// How soon it is asked again.
    pub fn pace(self) -> Pace {
        match self {
            Self::Refused | Self::Unreachable => Pace::Closed,
            Self::Unnamed => Pace::Unnamed,
            _ => Pace::Answered,
        }
    }
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What the target is.
    pub state: State,
    /// The same for people: a few words that go behind the target's name.
    pub words: String,
    /// What to do about it, if anything.
    pub hint: Option<&'static str>,
    /// Which kind it is, where that is known.
    pub kind: Option<Kind>,
    /// What it serves, where that was asked.
    pub models: Vec<String>,
}

impl Seen {
    /// Without more than that.
    pub fn new(state: State, words: impl Into<String>) -> Self {
        Self { state, words: words.into(), hint: None, kind: None, models: Vec::new() }
    }

    /// With advice.
    #[must_use]
    pub fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

impl From<Trouble> for Seen {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Silent => Self::new(State::Silent, "does not answer"),
            Trouble::Refused => Self::new(State::Refused, "refused"),
            Trouble::Unreachable => Self::new(State::Unreachable, "not reachable"),
            Trouble::Closed => Self::new(State::Closed, "closes the connection"),
            Trouble::Other(why) => Self::new(State::Odd, why),
        }
    }
}

/// All that a probe of one target needs.
pub struct Asker {
    /// Whom to ask.
    pub target: Target,
    /// What the user says that it is, and later what it says itself.
    pub kind: Option<Kind>,
    /// The name that must be served.
    pub model: Option<String>,
    /// What goes behind `Bearer`.
    pub key: Option<String>,
    /// Who vouches for a server with TLS.
    pub trust: Option<Trust>,
    /// Through which proxy.
    pub way: Way,
    /// Where names have their addresses.
    pub resolver: Resolver,
    /// The longest that one probe may take, as far as it is the user's word.
    pub limit: Option<Duration>,
    /// The longest otherwise.
    pub usual: Duration,
    /// The addresses that a name had, and when.
    pub known: Option<(Vec<IpAddr>, Instant)>,
}

impl Asker {
    /// What the target answers now.
    pub fn ask(&mut self) -> Seen {
        let limit = match (self.limit, self.kind) {
            (Some(limit), _) => limit,
            (None, Some(Kind::Sglang)) => self.usual.max(SGLANG),
            (None, _) => self.usual,
        };
        let deadline = clock::after(limit);
        let doors = match self.doors(deadline) {
            Ok(doors) => doors,
            Err(seen) => return seen,
        };
        let mut best: Option<Seen> = None;
        let mut left = u32::try_from(doors.len()).unwrap_or(1);
        for door in doors {
            let now = clock::now();
            let own = now + deadline.saturating_duration_since(now) / left;
            left = left.saturating_sub(1).max(1);
            let seen = self.at(&door, own);
            if best.as_ref().is_none_or(|best| seen.state < best.state) {
                let is_ready = seen.state == State::Ready;
                best = Some(seen);
                if is_ready {
                    break;
                }
            }
        }
        let seen = best.unwrap_or_else(|| Trouble::Unreachable.into());
        self.kind = self.kind.or(seen.kind);
        Seen { kind: self.kind, ..seen }
    }

    fn doors(&mut self, deadline: Instant) -> Result<Vec<Door>, Seen> {
        let (host, port) = match (&self.way, &self.target.place) {
            (_, Place::Socket(path)) => return Ok(vec![Door::Socket(path.clone())]),
            (Way::Through(proxy), _) => (&proxy.host, proxy.port),
            (Way::Unusable(why), _) => return Err(Seen::new(State::Hopeless, why.clone())),
            // Both, whatever /etc/hosts says: images forget one of them, and servers listen to one of them.
            (Way::Direct, Place::Host(host, port)) if host.eq_ignore_ascii_case("localhost") => {
                let both = [IpAddr::from(Ipv6Addr::LOCALHOST), Ipv4Addr::LOCALHOST.into()];
                return Ok(race::order(&both, *port).into_iter().map(Door::Address).collect());
            }
            (Way::Direct, Place::Host(host, port)) => (host, *port),
        };
        let now = clock::now();
        let known = self.known.take().filter(|(_, since)| now.saturating_duration_since(*since) < REMEMBERED);
        let (found, since) = match known {
            Some(known) => known,
            None => match self.resolver.addresses(host, now + deadline.saturating_duration_since(now) / 2) {
                Ok(found) => (found, now),
                Err(why) => return Err(Seen::new(State::Unnamed, why.to_string())),
            },
        };
        let doors = race::order(&found, port).into_iter().map(Door::Address).collect();
        self.known = Some((found, since));
        Ok(doors)
    }

    /// What is to be said of one address.
    fn at(&self, door: &Door, deadline: Instant) -> Seen {
        let path = match &self.target.path {
            Some(path) => path.clone(),
            None => self.target.full(self.kind.map_or(kinds::HEALTH, Kind::health)),
        };
        // 200 is all that has to be known, and who says it may never end.
        let reply = self.get(door, &path, deadline, |status| if status == 200 { 0 } else { ERROR });
        let (head, body) = match reply {
            Ok(reply) => reply,
            Err(seen) => return seen,
        };
        let kind = self.kind.or_else(|| kinds::told(&head, &body));
        let seen = match kinds::meaning(self.kind, &head, &body) {
            Meaning::Ready if self.model.is_some() => self.served(door, deadline),
            Meaning::Ready if head.status == 200 => Seen::new(State::Ready, "ready"),
            Meaning::Ready => Seen::new(State::Ready, format!("up, and wants a key ({})", head.status)),
            Meaning::Loading(what) => Seen::new(State::Loading, format!("loading ({what})")),
            Meaning::Unhealthy(what) => Seen::new(State::Unhealthy, format!("unhealthy ({what})")),
            Meaning::Unknown if self.target.path.is_none() => self.without_health(door, &path, deadline),
            Meaning::Unknown => Seen::new(State::Odd, "answers 404"),
            Meaning::Redirect(to) => Seen::new(State::Odd, format!("redirects to {to} ({})", head.status))
                .hint("give the URL to which it redirects"),
            Meaning::Odd(what) => Seen::new(State::Odd, what),
        };
        Seen { kind: seen.kind.or(kind), ..seen }
    }

    /// A server that knows no health path is ready where it tells its models.
    fn without_health(&self, door: &Door, asked: &str, deadline: Instant) -> Seen {
        if self.model.is_some() {
            return self.served(door, deadline);
        }
        match self.get(door, &self.target.full(kinds::MODELS), deadline, |_| LIST) {
            Ok((head, body)) => {
                let kind = kinds::told(&head, &body);
                let seen = match kinds::meaning(kind, &head, &body) {
                    Meaning::Ready => Seen::new(State::Ready, "ready"),
                    Meaning::Loading(what) => Seen::new(State::Loading, format!("loading ({what})")),
                    Meaning::Unhealthy(what) => Seen::new(State::Unhealthy, format!("unhealthy ({what})")),
                    _ => {
                        let words = format!("answers 404 to {asked}, and {} to {}", head.status, kinds::MODELS);
                        Seen::new(State::Odd, words)
                    }
                };
                Seen { kind, models: kinds::models(&body).unwrap_or_default(), ..seen }
            }
            Err(seen) => seen,
        }
    }

    /// Whether the model is served by a server that is ready.
    fn served(&self, door: &Door, deadline: Instant) -> Seen {
        let wanted = self.model.as_deref().unwrap_or_default();
        let mut reply = self.get(door, &self.target.full(kinds::MODELS), deadline, |_| LIST);
        if matches!(&reply, Ok((head, _)) if head.status == 404) {
            reply = self.get(door, &self.target.full(kinds::INFO), deadline, |_| LIST);
        }
        let (head, body) = match reply {
            Ok(reply) => reply,
            Err(seen) => return seen,
        };
        match head.status {
            200 => {}
            401 | 403 => {
                let why = if self.key.is_some() { "does not take the key" } else { "wants a key" };
                let words = format!("{why}, and its models cannot be seen ({})", head.status);
                return Seen::new(State::Hopeless, words)
                    .hint("--api-key-env NAME names the variable that holds the key");
            }
            503 => return Seen::new(State::Loading, "loading (503)"),
            status => return Seen::new(State::Odd, format!("answers {status} to {}", kinds::MODELS)),
        }
        let Some(models) = kinds::models(&body) else {
            return Seen::new(State::Odd, format!("answers no list to {}", kinds::MODELS));
        };
        let seen = if kinds::serves(&models, wanted) {
            Seen::new(State::Ready, "ready")
        } else if models.is_empty() {
            Seen::new(State::Unserved, format!("ready, but serves no model, not {wanted}"))
        } else {
            let some = models.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
            Seen::new(State::Unserved, format!("ready, but serves {some}, not {wanted}"))
        };
        Seen { kind: kinds::told(&head, &body), models, ..seen }
    }

    /// One request: the head of the answer, and as much of its body as `most` wants for its status.
    fn get(
        &self,
        door: &Door,
        path: &str,
        deadline: Instant,
        most: impl Fn(u16) -> u64,
    ) -> Result<(Head, Vec<u8>), Seen> {
        let (mut stream, url, known) = self.open(door, path, deadline)?;
        let host = self.target.authority();
        // Only where a key is looked at, and never where somebody else might look at it.
        let key = match &self.key {
            Some(key) if path.ends_with(kinds::MODELS) => format!("Authorization: Bearer {key}\r\n"),
            _ => String::new(),
        };
        // In one piece: a server may take what comes first for the whole request.
        let request = format!(
            "GET {url} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: hpcsh\r\nAccept: */*\r\nConnection: close\r\n{known}{key}\r\n"
        );
        let head = http::ask(&mut stream, &request)?;
        let body = match most(head.status) {
            0 => Vec::new(),
            // Some words more about what is known already; they are not waited for.
            ERROR if head.length.is_none_or(|length| length > 0) => {
                let part = short(&mut stream, &head, deadline.min(clock::now() + ERROR_WAIT));
                if head.comes_in_pieces() { http::body(&mut &part[..], &head).unwrap_or_default() } else { part }
            }
            most => http::body_within(&mut stream, &head, most).map_err(Seen::from)?,
        };
        Ok((head, body))
    }
}

/// What has come of a body by then.
fn short(stream: &mut Box<dyn Stream>, head: &Head, until: Instant) -> Vec<u8> {
    let most = head.length.map_or(ERROR, |length| length.min(ERROR));
    let mut body = Vec::new();
    let mut part = [0; 1024];
    while u64::try_from(body.len()).unwrap_or(u64::MAX) < most && clock::now() < until {
        match stream.read(&mut part) {
            Ok(count @ 1..) => body.extend_from_slice(&part[..count]),
            _ => break,
        }
    }
    body
}
