//! What was answered how often: figures that one thread counts and others may read.
//!
//! Counting is on the way of every packet: a load and a store, which no other thread's disturb, and for a blocked name a look
//! into a table of fixed size.

mod names;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::names::Names;
use super::question::Question;
use super::upstream::{self, Tally};

/// Up to so many microseconds an answer took that is counted in each place of the [`Histogram`]; longer ones are in one more.
pub const BOUNDS: [u64; 13] =
    [250, 500, 1000, 2000, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_000_000];

/// So many names are told.
const TOP: usize = 20;

/// The figures of one thread. It alone counts.
#[derive(Debug, Default)]
pub struct Counters {
    blocked: AtomicU64,
    here: AtomicU64,
    remembered: AtomicU64,
    forwarded: AtomicU64,
    failed: AtomicU64,
    unusual: AtomicU64,
    /// How many answers are remembered now, and how many questions are on their way.
    entries: AtomicU64,
    pending: AtomicU64,
    latency: [AtomicU64; BOUNDS.len() + 1],
    latency_sum: AtomicU64,
    names: Mutex<Names>,
    upstreams: Mutex<Vec<Arc<Tally>>>,
}

/// One more. There is one writer, so that nothing has to be locked for it.
pub(super) fn count(figure: &AtomicU64, more: u64) {
    figure.store(figure.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

fn open<T>(figures: &Mutex<T>) -> MutexGuard<'_, T> {
    figures.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Counters {
    /// To count blocked names with, several at a time: meanwhile nobody reads which ones they were.
    pub fn blocking(&self) -> Blocking<'_> {
        Blocking { blocked: &self.blocked, names: open(&self.names) }
    }

    /// A question was answered here: localhost, or that there is nothing of this type.
    pub fn answered_here(&self) {
        count(&self.here, 1);
    }

    /// A question was answered from memory.
    pub fn remembered(&self) {
        count(&self.remembered, 1);
    }

    /// A question is to be forwarded.
    pub fn forwarded(&self) {
        count(&self.forwarded, 1);
    }

    /// One that was to be forwarded got no answer but that of ours.
    pub fn failed(&self) {
        count(&self.failed, 1);
    }

    /// A message that is no usual question was answered on the slow path: refused, not known, malformed.
    pub fn unusual(&self) {
        count(&self.unusual, 1);
    }

    /// An upstream has answered, so long after it was asked for the first time.
    pub fn answered_after(&self, span: Duration) {
        let span = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        count(&self.latency[BOUNDS.partition_point(|bound| *bound < span)], 1);
        count(&self.latency_sum, span);
    }

    /// How many answers are remembered, and how many questions are on their way.
    pub fn holds(&self, entries: usize, pending: usize) {
        self.entries.store(entries as u64, Ordering::Relaxed);
        self.pending.store(pending as u64, Ordering::Relaxed);
    }

    /// These upstreams are asked from now on.
    pub fn asks(&self, upstreams: Vec<Arc<Tally>>) {
        *open(&self.upstreams) = upstreams;
    }

    /// What has been counted so far.
    pub fn figures(&self) -> Figures {
        let get = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        let (blocked, here, remembered) = (get(&self.blocked), get(&self.here), get(&self.remembered));
        let (forwarded, unusual) = (get(&self.forwarded), get(&self.unusual));
        Figures {
            served: blocked + here + remembered + forwarded + unusual,
            blocked,
            here,
            remembered,
            forwarded,
            failed: get(&self.failed),
            unusual,
            entries: get(&self.entries),
            pending: get(&self.pending),
            latency: Histogram { counts: self.latency.iter().map(get).collect(), sum: get(&self.latency_sum) },
            top_blocked: open(&self.names).top(TOP),
            upstreams: open(&self.upstreams).iter().map(|tally| tally.figures()).collect(),
        }
    }
}

/// See [`Counters::blocking`].
#[derive(Debug)]
pub struct Blocking<'a> {
    blocked: &'a AtomicU64,
    names: MutexGuard<'a, Names>,
}

impl Blocking<'_> {
    /// A name was blocked; whether for the first time, as far as is remembered.
    pub fn count(&mut self, question: &Question) -> bool {
        count(self.blocked, 1);
        self.names.count(&question.name)
    }
}

/// What has been counted, by one thread or all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Questions that were answered, or are about to be.
    pub served: u64,
    /// Of them: there is no such name.
    pub blocked: u64,
    /// Of them: this node itself, or nothing of this type.
    pub here: u64,
    /// Of them: from memory.
    pub remembered: u64,
    /// Of them: an upstream is asked.
    pub forwarded: u64,
    /// Of those: no upstream has answered.
    pub failed: u64,
    /// Of them: refused, not known, malformed.
    pub unusual: u64,
    /// Answers in memory now.
    pub entries: u64,
    /// Questions that wait for an upstream now.
    pub pending: u64,
    /// How long upstreams took.
    pub latency: Histogram,
    /// The names that were blocked most often.
    pub top_blocked: Vec<Blocked>,
    /// Who is asked, in this order.
    pub upstreams: Vec<upstream::Figures>,
}

/// A name that was blocked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// As people write it.
    pub name: String,
    /// How often, as far as is remembered.
    pub count: u64,
}

/// How many answers took how long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Histogram {
    /// How many took longer than one of [`BOUNDS`] and no longer than the next.
    pub counts: Vec<u64>,
    /// All of them together, in microseconds.
    pub sum: u64,
}

impl Histogram {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Within how many microseconds this share of them came (0 to 1): a bound of theirs; `None` where that is beyond all bounds, or there is none.
    pub fn within(&self, share: f64) -> Option<u64> {
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a rank
        let rank = (self.count() as f64 * share).ceil() as u64;
        let mut sum = 0;
        let found = self.counts.iter().position(|count| {
            sum += count;
            rank > 0 && sum >= rank
        });
        BOUNDS.get(found?).copied()
    }
}

impl Figures {
    /// What was counted by several.
    pub fn of_all<'a>(all: impl IntoIterator<Item = &'a Counters>) -> Self {
        let mut sum = Self::default();
        for counters in all {
            sum.add(counters.figures());
        }
        sum.top_blocked.truncate(TOP);
        sum
    }

    fn add(&mut self, other: Self) {
        self.served += other.served;
        self.blocked += other.blocked;
        self.here += other.here;
        self.remembered += other.remembered;
        self.forwarded += other.forwarded;
        self.failed += other.failed;
        self.unusual += other.unusual;
        self.entries += other.entries;
        self.pending += other.pending;
        self.latency.sum += other.latency.sum;
        self.latency.counts.resize(BOUNDS.len() + 1, 0);
        for (sum, more) in self.latency.counts.iter_mut().zip(other.latency.counts) {
            *sum += more;
        }
        for more in other.top_blocked {
            match self.top_blocked.iter_mut().find(|known| known.name == more.name) {
                Some(known) => known.count += more.count,
                None => self.top_blocked.push(more),
            }
        }
        self.top_blocked.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.name.cmp(&other.name)));
        for more in other.upstreams {
            match self.upstreams.iter_mut().find(|known| known.address == more.address) {
                Some(known) => known.add(&more),
                None => self.upstreams.push(more),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::question::read;
    use super::*;

    fn ask(name: &str) -> Question {
        let mut message = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, u8::try_from(name.len()).unwrap()];
        message.extend(name.as_bytes());
        message.extend([0, 0, 1, 0, 1]);
        read(&message).unwrap()
    }

    #[test]
    fn threads_are_summed() {
        let threads = [Counters::default(), Counters::default()];
        for (counters, times) in threads.iter().zip([2, 3]) {
            for number in 0..times {
                assert_eq!(counters.blocking().count(&ask("name")), number == 0, "the first time in this thread");
                counters.blocking().count(&ask(&format!("other-{times}-{number}")));
                counters.answered_here();
                counters.remembered();
                counters.forwarded();
                counters.unusual();
                counters.answered_after(Duration::from_millis(3 * number));
            }
            counters.failed();
            counters.holds(10, 1);
        }
        let sum = Figures::of_all(&threads);
        assert_eq!((sum.served, sum.blocked, sum.here, sum.remembered, sum.forwarded), (30, 10, 5, 5, 5));
        assert_eq!((sum.failed, sum.unusual, sum.entries, sum.pending), (2, 5, 20, 2));
        assert_eq!((sum.top_blocked[0].name.as_str(), sum.top_blocked[0].count), ("name", 5));
        assert_eq!((sum.top_blocked[1].name.as_str(), sum.top_blocked.len()), ("other-2-0", 6));
        // Two at once, two in 3 ms, one in 6 ms.
        assert_eq!((sum.latency.count(), sum.latency.sum), (5, 12_000));
        assert_eq!([0.4, 0.5, 0.99].map(|share| sum.latency.within(share)), [Some(250), Some(5000), Some(10_000)]);
        assert_eq!(Histogram::default().within(0.5), None);
        let text = serde_json::to_string(&sum).unwrap();
        assert_eq!(serde_json::from_str::<Figures>(&text).unwrap(), sum);
        assert_eq!(serde_json::from_str::<Figures>("{\"new\": 1}").unwrap(), Figures::default());
    }
}
