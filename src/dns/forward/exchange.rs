//! What is asked of whom and when, and what becomes of the answers.
//!
//! The first upstream that is not dead is asked; where it is slow the next one is too; where it says that it cannot, at once. Who has
//! asked gets the first good answer; else a bad one, of whom was asked last; else ours, two seconds after his question at the
//! latest. Where all are dead that is at once, and each of them is asked every second whether it answers again.

mod lost;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::check::{self, Answer};
use super::inlet::Inlet;
use super::pending::{self, Pending, Query, Try, Waiting};
use super::random::Random;
use super::sockets::{Sockets, is_unreachable};
use super::streams::Streams;
use crate::dns::ask::Asker;
use crate::dns::cache::Cache;
use crate::dns::counters::Counters;
use crate::dns::question::Question;
use crate::dns::upstream::Upstream;
use crate::dns::wire;

/// After this the next upstream is asked too.
const HEDGE: Duration = Duration::from_millis(300);
/// So long one upstream is waited for.
const TRY: Duration = Duration::from_secs(1);
/// So long the asker waits.
const TOTAL: Duration = Duration::from_secs(2);
/// So often a dead upstream is asked.
const PROBE: Duration = Duration::from_secs(1);
/// So old is a question at the least that was answered, before another one is remembered in its place.
const REMEMBERED: Duration = Duration::from_secs(10);
/// So often those that wait are looked at.
const TICK: Duration = Duration::from_millis(10);

/// An upstream, and what leads to it.
#[derive(Debug)]
struct Line {
    upstream: Upstream,
    sockets: Sockets,
    streams: Streams,
    /// A question that it has answered, and when.
    answered: Option<(Vec<u8>, Instant)>,
    /// When it is asked whether it answers again, and how often it was.
    probe_due: Instant,
    probes: usize,
}

/// See the module.
#[derive(Debug)]
pub struct Exchange {
    lines: Vec<Line>,
    /// Those that are asked, in this order. A question that is on its way may still wait for another one.
    order: Vec<usize>,
    pending: Pending,
    random: Random,
    /// Answers that still hold.
    pub cache: Cache,
    counters: Arc<Counters>,
    has_batch: bool,
    /// Somebody looks at those that wait, again and again.
    is_watched: bool,
    /// Something may have to be looked at that was not there before.
    has_news: bool,
}

impl Exchange {
    /// One that asks nobody.
    pub fn new(cache: Cache, counters: Arc<Counters>, now: Instant) -> Self {
        Self {
            lines: Vec::new(),
            order: Vec::new(),
            pending: Pending::new(now),
            random: Random::new(),
            cache,
            counters,
            has_batch: false,
            is_watched: false,
            has_news: false,
        }
    }

    /// Asks these from now on. What is known of one that was asked before stays known.
    pub fn ask_of(&mut self, upstreams: &[SocketAddr], inlet: impl Fn(usize) -> Inlet, now: Instant) {
        let mut order = Vec::new();
        for address in upstreams {
            let known = self.lines.iter().position(|line| line.upstream.address() == *address);
            order.push(known.unwrap_or_else(|| {
                let inlet = inlet(self.lines.len());
                self.lines.push(Line {
                    upstream: Upstream::new(*address),
                    sockets: Sockets::new(*address, inlet.clone(), now),
                    streams: Streams::new(*address, inlet),
                    answered: None,
                    probe_due: now,
                    probes: 0,
                });
                self.lines.len() - 1
            }));
        }
        for (at, line) in self.lines.iter_mut().enumerate() {
            if !order.contains(&at) {
                line.sockets.close();
            }
        }
        self.order = order;
        let tallies = self.order.iter().map(|line| Arc::clone(self.lines[*line].upstream.tally()));
        self.counters.asks(tallies.collect());
    }

    /// Who is asked.
    pub fn upstreams(&self) -> Vec<SocketAddr> {
        self.order.iter().map(|line| self.lines[*line].upstream.address()).collect()
    }

    /// Whether nobody waits for an answer.
    pub fn is_idle(&self) -> bool {
        self.pending.waiting() == 0
    }

    /// Asks for an answer to this message.
    pub fn ask(&mut self, message: &[u8], question: &Question, asker: Asker, now: Instant) {
        if self.next_line(None).is_none() {
            self.counters.failed();
            fail(message, question, [(question.id, asker)]);
            return;
        }
        while self.pending.waiting() >= pending::MOST
            && let Some(place) = self.pending.oldest()
        {
            self.end(place, now);
        }
        if let Some(asker) = self.pending.join(message, question.id, asker) {
            let place = self.pending.add(message, question, Some(asker), now);
            self.has_news = true;
            self.advance(place, now);
        }
    }

    /// The next upstream that this question may be put to; without a question: any at all.
    fn next_line(&self, query: Option<&Query>) -> Option<usize> {
        let is_next = |line: &&usize| {
            !self.lines[**line].upstream.is_dead() && query.is_none_or(|query| !query.has_asked(**line))
        };
        self.order.iter().find(is_next).copied()
    }

    /// Puts the question to the next upstream. Where there is none and nothing is waited for, it ends.
    fn advance(&mut self, place: usize, now: Instant) {
        loop {
            let Some(query) = self.pending.get(place) else { return };
            let is_over = now >= query.began + TOTAL;
            if query.askers.is_empty() {
                if is_over {
                    self.pending.remove(place);
                    return;
                }
                break;
            }
            if let Some(line) = self.next_line(Some(query)).filter(|_| !is_over) {
                if self.send(place, line, now) {
                    break;
                }
                continue;
            }
            if query.is_open() && !is_over {
                break;
            }
            let may_again = !is_over && query.kept.is_none() && query.round < query.tries.len();
            if !may_again || self.next_line(None).is_none() {
                return self.end(place, now);
            }
            // All have been silent: one more time.
            if let Some(query) = self.pending.get_mut(place) {
                query.round = query.tries.len();
            }
        }
        self.set_due(place);
    }

    /// Whether it could be sent. Otherwise the upstream is dead by now, or the question has ended.
    fn send(&mut self, place: usize, at: usize, now: Instant) -> bool {
        let Some(id) = self.pending.number(place, &mut self.random) else {
            self.end(place, now);
            return false;
        };
        let (Some(query), Some(line)) = (self.pending.get_mut(place), self.lines.get_mut(at)) else { return false };
        query.message[..2].copy_from_slice(&id.to_be_bytes());
        let way = if query.is_stream {
            Ok(line.streams.push(&query.message))
        } else {
            line.sockets.push(&query.message, &mut self.random, now)
        };
        match way {
            Ok(way) => {
                self.has_batch |= !query.is_stream;
                line.upstream.asked();
                query.tries.push(Try { id, line: at, way, sent: now, is_open: true });
                return true;
            }
            Err(error) => {
                self.pending.forget(id);
                if is_unreachable(&error) {
                    self.unreachable(at, &error, now);
                } else {
                    tracing::warn!("nobody can be asked: {error}");
                    self.end(place, now);
                }
            }
        }
        false
    }

    fn set_due(&mut self, place: usize) {
        let Some(query) = self.pending.get(place) else { return };
        let mut due = query.began + TOTAL;
        for one in query.tries.iter().filter(|one| one.is_open) {
            due = due.min(one.sent + TRY);
        }
        if !query.askers.is_empty() && self.next_line(Some(query)).is_some() {
            due = due.min(query.tries.last().map_or(query.began, |one| one.sent + HEDGE));
        }
        self.pending.set_due(place, due);
    }

    /// Takes a message that has come by this socket or connection. `is_cut`: there was more of it.
    pub fn take(&mut self, way: u32, answer: &mut [u8], is_cut: bool, now: Instant) {
        let Some(id) = answer.first_chunk().copied().map(u16::from_be_bytes) else { return };
        let Some((place, number)) = self.pending.find(id, way) else { return };
        let Some(query) = self.pending.get_mut(place) else { return };
        let end = query.question.end;
        let kind = check::check(&query.message, end, answer);
        if kind == Answer::Wrong {
            return;
        }
        let length = if is_cut { check::cut(answer, end) } else { answer.len() };
        let answer = &mut answer[..length];
        let one = query.tries[number];
        query.tries[number].is_open = false;
        let (is_awaited, is_open) = (!query.askers.is_empty(), query.is_open());
        self.pending.forget(id);
        self.heard(one, place, kind, now);
        if kind == Answer::Failing && is_awaited {
            if let Some(query) = self.pending.get_mut(place) {
                query.kept = Some(answer.to_vec());
            }
            self.advance(place, now);
            return;
        }
        if let Some(query) = self.pending.get(place).filter(|_| is_awaited) {
            self.counters.answered_after(now.saturating_duration_since(query.began));
            self.cache.put(&query.message, &query.question, answer, now);
        }
        if is_open && self.pending.count() < pending::MOST {
            // Whether the others answer too is still of interest.
            deliver(self.pending.release(place), answer);
            self.set_due(place);
        } else if let Some(mut query) = self.pending.remove(place) {
            deliver(query.askers.drain(..), answer);
            self.pending.recycle(query);
        }
    }

    /// An upstream has answered this question.
    fn heard(&mut self, one: Try, place: usize, kind: Answer, now: Instant) {
        let Some(line) = self.lines.get_mut(one.line) else { return };
        if line.upstream.is_dead() {
            tracing::info!("{} answers again", line.upstream.address());
        }
        line.upstream.answered(one.sent, now);
        let is_old = |(_, when): &(_, Instant)| now.saturating_duration_since(*when) >= REMEMBERED;
        if kind == Answer::Right && line.answered.as_ref().is_none_or(is_old) {
            let query = self.pending.get(place);
            line.answered = query.map(|query| (plain(&query.message, query.question.end), now));
        }
    }

    /// Nobody has answered well, or at all.
    fn end(&mut self, place: usize, now: Instant) {
        let Some(mut query) = self.pending.remove(place) else { return };
        if let Some(mut answer) = query.kept.take() {
            self.counters.answered_after(now.saturating_duration_since(query.began));
            self.cache.put(&query.message, &query.question, &answer, now);
            deliver(query.askers.drain(..), &mut answer);
            return self.pending.recycle(query);
        }
        for _ in &query.askers {
            self.counters.failed();
        }
        let failure = fail(&query.message, &query.question, query.askers.drain(..));
        // What has been waited for in vain is not waited for again, for a moment.
        if now >= query.began + TRY {
            self.cache.put_failure(&query.question, &failure, now);
        }
        self.pending.recycle(query);
    }

    /// Looks at those for whom it is time.
    pub fn tick(&mut self, now: Instant) {
        for place in self.pending.due(now) {
            let Some(query) = self.pending.get_mut(place) else { continue };
            let mut silent = Vec::new();
            for one in query.tries.iter_mut().filter(|one| one.is_open && now >= one.sent + TRY) {
                one.is_open = false;
                silent.push(*one);
            }
            let is_stream = query.is_stream;
            for one in silent {
                let Some(line) = self.lines.get_mut(one.line) else { continue };
                if is_stream {
                    // Some never answer over TCP, and well otherwise.
                    line.streams.leave(one.way);
                } else if line.upstream.silent(one.sent, now) {
                    tracing::warn!("{} does not answer", line.upstream.address());
                    self.abandon(one.line, now);
                }
            }
            self.advance(place, now);
        }
        for at in self.order.clone() {
            if self.lines[at].upstream.is_dead() && now >= self.lines[at].probe_due {
                self.probe(at, now);
            }
        }
        self.counters.holds(self.cache.count(), self.pending.waiting());
    }

    /// Sends what is to be sent.
    pub fn flush(&mut self) {
        for line in &mut self.lines {
            line.sockets.flush();
        }
        self.has_batch = false;
    }

    /// Whether something is to be sent.
    pub fn has_batch(&self) -> bool {
        self.has_batch
    }

    /// Whether whoever watches the time is to be called: he pauses, and there is something new.
    pub fn calls_watch(&mut self) -> bool {
        !self.is_watched && std::mem::take(&mut self.has_news)
    }

    /// How long whoever watches the time may pause, unless he is called; `None`: until then.
    pub fn pause(&mut self, now: Instant) -> Option<Duration> {
        self.is_watched = self.pending.count() > 0;
        self.has_news = false;
        if self.is_watched {
            return Some(TICK);
        }
        let dead = self.order.iter().map(|at| &self.lines[*at]).filter(|line| line.upstream.is_dead());
        dead.map(|line| line.probe_due.saturating_duration_since(now).max(TICK)).min()
    }
}

/// The question alone.
fn plain(message: &[u8], end: usize) -> Vec<u8> {
    let mut plain = message[..end].to_vec();
    plain[6..12].fill(0);
    plain
}

/// Gives the answer to who waits for it, with his number.
fn deliver(askers: impl IntoIterator<Item = Waiting>, answer: &mut [u8]) {
    for (id, asker) in askers {
        answer[..2].copy_from_slice(&id.to_be_bytes());
        asker.deliver(answer);
    }
}

/// Tells those who have asked this that nobody answers, and gives that.
fn fail(message: &[u8], question: &Question, askers: impl IntoIterator<Item = Waiting>) -> Vec<u8> {
    let mut answer = message[..question.end].to_vec();
    answer.resize(question.end + wire::SPARE, 0);
    let length = wire::failure(&mut answer, question).unwrap_or(question.end);
    answer.truncate(length);
    deliver(askers, &mut answer);
    answer
}
