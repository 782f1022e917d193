//! Upstreams that die, connections that end: who waits for them goes on, and they are asked whether they answer again.

use std::io;
use std::time::Instant;

use super::{Exchange, PROBE, TOTAL, plain};
use crate::dns::forward::pending::{Query, Try};
use crate::dns::question;

/// What is asked for an upstream to find it: the root's name servers.
const ROOT: &[u8] = b"\0\0\x01\0\0\x01\0\0\0\0\0\0\0\0\x02\0\x01";

impl Exchange {
    /// Nobody listens at this upstream's address, or no way leads there.
    pub fn unreachable(&mut self, at: usize, error: &io::Error, now: Instant) {
        let Some(line) = self.lines.get_mut(at) else { return };
        if line.upstream.unreachable() {
            tracing::warn!("{} cannot be asked: {error}", line.upstream.address());
            self.abandon(at, now);
        }
    }

    /// An upstream has died: whoever waits for it alone goes on.
    pub(super) fn abandon(&mut self, at: usize, now: Instant) {
        let line = &mut self.lines[at];
        (line.probe_due, line.probes) = (now + PROBE, 0);
        self.has_news = true;
        for place in self.pending.open(|one| one.line == at) {
            self.close(place, |one| one.line == at);
            if self.pending.get(place).is_some_and(|query| !query.is_open() && !query.askers.is_empty()) {
                // What it has been asked last may tell whether it answers again.
                if let (Some(query), None) = (self.pending.get(place), &self.lines[at].answered) {
                    let asked = plain(&query.message, query.question.end);
                    self.lines[at].answered = Some((asked, query.began));
                }
                self.advance(place, now);
            }
        }
    }

    fn close(&mut self, place: usize, is_so: impl Fn(&Try) -> bool) {
        let query = self.pending.get_mut(place);
        for one in query.into_iter().flat_map(|query| &mut query.tries).filter(|one| is_so(one)) {
            one.is_open = false;
        }
    }

    /// A connection has ended. Whoever waits for it asks again: the same upstream where it had answered over it, since it may end
    /// one that it has held for long enough.
    pub fn ended(&mut self, at: usize, way: u32, has_answered: bool, now: Instant) {
        if let Some(line) = self.lines.get_mut(at) {
            line.streams.leave(way);
        }
        for place in self.pending.open(|one| one.way == way) {
            self.close(place, |one| one.way == way);
            let is_awaited = |query: &Query| !query.askers.is_empty() && now < query.began + TOTAL;
            let may_again = has_answered && !self.lines[at].upstream.is_dead();
            if may_again && self.pending.get(place).is_some_and(is_awaited) {
                if self.send(place, at, now) {
                    self.set_due(place);
                }
            } else if self.pending.get(place).is_some_and(|query| !query.is_open()) {
                self.advance(place, now);
            }
        }
    }

    /// Asks a dead upstream what it has answered before, or a thing that it should know by heart: of some it is the other way round.
    pub(super) fn probe(&mut self, at: usize, now: Instant) {
        let line = &mut self.lines[at];
        line.probe_due = now + PROBE;
        line.probes += 1;
        let known = line.answered.as_ref().filter(|_| line.probes % 2 == 1).map(|(message, _)| message.clone());
        let message = known.unwrap_or_else(|| ROOT.to_vec());
        if let Ok(question) = question::read(&message) {
            let place = self.pending.add(&message, &question, None, now);
            if self.send(place, at, now) {
                self.set_due(place);
            } else {
                self.pending.remove(place);
            }
        }
    }
}
