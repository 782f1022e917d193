//! When to ask again: pure. A closed port costs nobody anything; what answers writes a line into its log each time.

use std::time::{Duration, Instant};

/// A closed port, at first.
const CLOSED: Duration = Duration::from_millis(25);
/// For how long.
const EAGER: Duration = Duration::from_secs(5);
/// A closed port, in the end.
const CLOSED_MOST: Duration = Duration::from_millis(200);
/// What answers, and is not ready.
const ANSWERED: Duration = Duration::from_millis(100);
const ANSWERED_MOST: Duration = Duration::from_millis(500);
/// A name without an address: the name servers are not ours alone.
const UNNAMED: Duration = Duration::from_millis(500);
const UNNAMED_MOST: Duration = Duration::from_secs(2);
/// The longest pause after an answer that took its time.
const REST: Duration = Duration::from_secs(5);

/// What is known of who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Nobody listens.
    Closed,
    /// Somebody answers, or could.
    Answered,
    /// Nobody knows where that is.
    Unnamed,
}

/// The steps from one probe of a target to the next.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    now: Option<(Pace, Instant, Duration)>,
}

impl Schedule {
    /// When the next probe is due, after one that began and ended at these moments.
    ///
    /// Nobody is asked more than half of the time: `SGLang` answers by generating a token, which takes a second or more.
    pub fn next(&mut self, pace: Pace, began: Instant, ended: Instant) -> Instant {
        let (first, most) = match pace {
            Pace::Closed => (CLOSED, CLOSED_MOST),
            Pace::Answered => (ANSWERED, ANSWERED_MOST),
            Pace::Unnamed => (UNNAMED, UNNAMED_MOST),
        };
        let (since, step) = match self.now {
            Some((same, since, step)) if same == pace => {
                let is_eager = pace == Pace::Closed && ended.saturating_duration_since(since) < EAGER;
                (since, if is_eager { first } else { (step * 3 / 2).min(most) })
            }
            _ => (began, first),
        };
        self.now = Some((pace, since, step));
        let took = ended.saturating_duration_since(began);
        match pace {
            // From one beginning to the next, but not without a breath where even a refusal takes long.
            Pace::Closed => (began + step).max(ended + step / 2),
            Pace::Answered | Pace::Unnamed => ended + step.max(took.min(REST)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pauses after each of so many probes, each of which takes this long, in milliseconds.
    fn pauses(schedule: &mut Schedule, at: &mut Instant, pace: Pace, took: u64, count: usize) -> Vec<u128> {
        let one = |_| {
            let (began, ended) = (*at, *at + Duration::from_millis(took));
            *at = schedule.next(pace, began, ended);
            (*at - ended).as_millis()
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn a_closed_port_is_asked_eagerly_for_five_seconds() {
        let start = Instant::now();
        let (mut schedule, mut at) = (Schedule::default(), start);
        assert!(pauses(&mut schedule, &mut at, Pace::Closed, 0, 200).iter().all(|pause| *pause == 25));
        assert_eq!(at - start, EAGER);
        assert_eq!(pauses(&mut schedule, &mut at, Pace::Closed, 0, 8), [37, 56, 84, 126, 189, 200, 200, 200]);
    }

    #[test]
    fn what_loads_is_asked_less_and_less() {
        let (mut schedule, mut at) = (Schedule::default(), Instant::now());
        assert_eq!(pauses(&mut schedule, &mut at, Pace::Answered, 0, 6), [100, 150, 225, 337, 500, 500]);
        // It crashed, and starts again.
        assert_eq!(pauses(&mut schedule, &mut at, Pace::Closed, 1, 2), [24, 24]);
        assert_eq!(pauses(&mut schedule, &mut at, Pace::Answered, 0, 2), [100, 150]);
        assert_eq!(pauses(&mut schedule, &mut at, Pace::Unnamed, 0, 5), [500, 750, 1125, 1687, 2000]);
    }

    #[test]
    fn who_needs_long_for_an_answer_rests_as_long() {
        let (mut schedule, mut at) = (Schedule::default(), Instant::now());
        assert_eq!(pauses(&mut schedule, &mut at, Pace::Answered, 1200, 2), [1200, 1200]);
        assert_eq!(pauses(&mut schedule, &mut at, Pace::Answered, 20_000, 1), [5000]);
        // A router that takes a second to say that nobody is there.
        let (mut schedule, mut at) = (Schedule::default(), Instant::now());
        assert_eq!(pauses(&mut schedule, &mut at, Pace::Closed, 1000, 2), [12, 12]);
    }
}
