//! The name servers that are asked: in which order, and whether one answers at all.
//!
//! One that leaves two questions in a row without an answer is dead until it answers again: nobody waits for it. What was asked at
//! the same time counts once, since a lost moment of the network is no two; and not at all where it has answered something since: there are names
//! that it cannot find in time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::counters::count;

/// So many questions in a row without an answer.
const SILENT: u32 = 2;

/// One name server.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    tally: Arc<Tally>,
    is_dead: bool,
    /// Questions in a row without an answer, and when the last of them was given up.
    silent: u32,
    given_up: Option<Instant>,
    /// When it answered last.
    heard: Option<Instant>,
}

impl Upstream {
    /// One of which nothing is known.
    pub fn new(address: SocketAddr) -> Self {
        let tally = Arc::new(Tally::new(address));
        Self { address, tally, is_dead: false, silent: 0, given_up: None, heard: None }
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its figures, which others may read.
    pub fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// Nobody is to wait for it.
    pub fn is_dead(&self) -> bool {
        self.is_dead
    }

    /// A question was sent.
    pub fn asked(&self) {
        count(&self.tally.asked, 1);
    }

    /// It has answered what was sent at that time.
    pub fn answered(&mut self, sent: Instant, now: Instant) {
        (self.is_dead, self.silent, self.heard) = (false, 0, Some(now));
        self.tally.answered(now.saturating_duration_since(sent));
    }

    /// What was sent at that time is given up. Whether it is dead by that, and was not.
    pub fn silent(&mut self, sent: Instant, now: Instant) -> bool {
        count(&self.tally.unanswered, 1);
        let since = self.heard.into_iter().chain(self.given_up).max();
        if since.is_some_and(|since| sent < since) {
            return false;
        }
        self.given_up = Some(now);
        self.silent += 1;
        self.silent >= SILENT && self.die()
    }

    /// It cannot be reached, or nobody listens there. Whether it is dead by that, and was not.
    pub fn unreachable(&mut self) -> bool {
        self.die()
    }

    fn die(&mut self) -> bool {
        self.tally.state.store(DEAD, Ordering::Relaxed);
        !std::mem::replace(&mut self.is_dead, true)
    }
}

/// Those that are not ourselves. `own`: where we are asked.
pub fn others(all: &[SocketAddr], own: &[SocketAddr], is_here: impl Fn(IpAddr) -> bool) -> Vec<SocketAddr> {
    let mut found: Vec<SocketAddr> = Vec::new();
    for upstream in all {
        let address = plain(*upstream);
        let is_own = own.iter().map(|own| plain_listener(*own)).any(|(ip, port)| {
            port == address.port() && ip.map_or_else(|| is_here(address.ip()), |ip| ip == address.ip())
        });
        if !is_own && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

/// Where a connection to this address leads: no address at all is this node, and an IPv4 address in IPv6's clothes is itself.
fn plain(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip().to_canonical() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    match address {
        // A link-local address goes with its interface.
        SocketAddr::V6(_) if ip == address.ip() => address,
        _ => SocketAddr::new(ip, address.port()),
    }
}

/// The address, or `None` for all of this node.
fn plain_listener(own: SocketAddr) -> (Option<IpAddr>, u16) {
    let ip = own.ip().to_canonical();
    ((!ip.is_unspecified()).then_some(ip), own.port())
}

const UNTRIED: u64 = 0;
const ANSWERS: u64 = 1;
const DEAD: u64 = 2;

/// What is counted of an upstream by one thread.
#[derive(Debug)]
pub struct Tally {
    address: SocketAddr,
    state: AtomicU64,
    asked: AtomicU64,
    answered: AtomicU64,
    unanswered: AtomicU64,
    /// How long it takes, in microseconds: the last ones count most.
    latency: AtomicU64,
}

impl Tally {
    fn new(address: SocketAddr) -> Self {
        let zero = AtomicU64::default;
        Self { address, state: zero(), asked: zero(), answered: zero(), unanswered: zero(), latency: zero() }
    }

    fn answered(&self, span: Duration) {
        let span = u64::try_from(span.as_micros()).unwrap_or(u64::MAX).min(1 << 32);
        let latency = self.latency.load(Ordering::Relaxed);
        let is_first = self.answered.load(Ordering::Relaxed) == 0;
        let latency = if is_first { span } else { (latency * 7 + span) / 8 };
        self.latency.store(latency, Ordering::Relaxed);
        self.state.store(ANSWERS, Ordering::Relaxed);
        count(&self.answered, 1);
    }

    /// What has been counted so far.
    pub fn figures(&self) -> Figures {
        let get = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        Figures {
            address: self.address.to_string(),
            state: match get(&self.state) {
                UNTRIED => State::Untried,
                ANSWERS => State::Answers,
                _ => State::Dead,
            },
            asked: get(&self.asked),
            answered: get(&self.answered),
            unanswered: get(&self.unanswered),
            latency: get(&self.latency),
        }
    }
}

/// What is known of an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Address and port.
    pub address: String,
    /// Whether it answers.
    pub state: State,
    /// Questions that were sent to it.
    pub asked: u64,
    /// Those that it has answered.
    pub answered: u64,
    /// Those that it has left without an answer.
    pub unanswered: u64,
    /// Microseconds that it takes, about; 0 where it has never answered.
    pub latency: u64,
}

/// Whether an upstream answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It has not been asked.
    Untried,
    /// It has left two questions in a row without an answer, or cannot be reached.
    Dead,
    /// It answers.
    Answers,
}

impl Figures {
    /// Adds what another thread has counted.
    pub fn add(&mut self, other: &Self) {
        let answered = self.answered + other.answered;
        let sum = self.latency * self.answered + other.latency * other.answered;
        self.latency = sum.checked_div(answered).unwrap_or_default();
        self.answered = answered;
        self.asked += other.asked;
        self.unanswered += other.unanswered;
        self.state = self.state.max(other.state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn upstream() -> (Upstream, Instant) {
        (Upstream::new("10.0.0.1:53".parse().unwrap()), Instant::now())
    }

    #[test]
    fn two_questions_in_a_row_without_an_answer_are_enough() {
        let (mut upstream, begin) = upstream();
        // Many at the same time count once.
        for _ in 0..100 {
            assert!(!upstream.silent(begin, begin + SECOND));
        }
        assert!(!upstream.silent(begin + SECOND / 2, begin + SECOND * 3 / 2));
        assert!(!upstream.is_dead());
        assert!(upstream.silent(begin + SECOND, begin + 2 * SECOND) && upstream.is_dead());
        assert!(!upstream.silent(begin + 2 * SECOND, begin + 3 * SECOND), "it was already");
        upstream.answered(begin + 3 * SECOND, begin + 4 * SECOND);
        assert!(!upstream.is_dead());
        assert_eq!(upstream.tally().figures().state, State::Answers);
        assert!(!upstream.silent(begin + 4 * SECOND, begin + 5 * SECOND));
    }

    #[test]
    fn a_name_that_it_cannot_find_in_time_is_no_death() {
        let (mut upstream, begin) = upstream();
        for number in 0..10 {
            let sent = begin + SECOND * number;
            upstream.answered(sent, sent + SECOND / 2);
            assert!(!upstream.silent(sent, sent + SECOND));
        }
        assert_eq!(upstream.tally().figures().unanswered, 10);
    }

    #[test]
    fn nobody_there_is_enough() {
        let (mut upstream, begin) = upstream();
        assert!(upstream.unreachable() && upstream.is_dead());
        assert!(!upstream.unreachable());
        upstream.answered(begin, begin);
        assert!(!upstream.is_dead() && upstream.unreachable());
    }

    #[test]
    fn we_ask_others() {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let others = |all: &[&str], own: &[&str]| {
            let here: IpAddr = "10.0.0.7".parse().unwrap();
            others(&addresses(all), &addresses(own), |ip| ip == here || ip.is_loopback())
        };
        let own = ["127.0.0.1:53", "[::1]:53"];
        let all = ["127.0.0.1:53", "0.0.0.0:53", "[::]:53", "[::1]:53", "[::ffff:127.0.0.1]:53", "127.0.0.53:53"];
        assert_eq!(others(&all, &own), addresses(&["127.0.0.53:53"]));
        assert_eq!(others(&["127.0.0.1:5353", "10.0.0.7:53"], &own), addresses(&["127.0.0.1:5353", "10.0.0.7:53"]));
        let all = ["10.0.0.7:53", "127.0.0.1:53", "10.0.0.8:53", "10.0.0.8:53", "10.0.0.7:54"];
        assert_eq!(others(&all, &["0.0.0.0:53"]), addresses(&["10.0.0.8:53", "10.0.0.7:54"]));
        assert_eq!(others(&["[fe80::1%3]:53"], &own), addresses(&["[fe80::1%3]:53"]), "with its interface");
    }

    #[test]
    fn figures_of_threads_are_added() {
        let (mut one, begin) = upstream();
        let (mut other, _) = upstream();
        one.asked();
        one.answered(begin, begin + Duration::from_micros(300));
        other.asked();
        other.unreachable();
        let mut sum = other.tally().figures();
        assert_eq!((sum.state, sum.latency), (State::Dead, 0));
        sum.add(&one.tally().figures());
        assert_eq!((sum.state, sum.latency, sum.asked, sum.answered), (State::Answers, 300, 2, 1));
    }
}
