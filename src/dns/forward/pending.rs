//! The questions that are on their way: found by the number of a message, and when it is time to do something about one.
//!
//! As many as [`MOST`] wait, and as many again have been answered by one upstream and are of interest still. Where all places are
//! taken, one that has waited long gives way to the next, or one client with many slow questions would keep everybody else waiting.
//! The table is looked through from one end to the other: that takes microseconds. A number stands for one message alone among all that
//! are under way.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use super::random::Random;
use crate::dns::ask::Asker;
use crate::dns::question::Question;

/// As many may wait for an answer.
pub const MOST: usize = 4096;
/// The oldest of so many gives way.
const COMPARED: usize = 32;
/// As many are kept to be used again.
const SPARE: usize = 64;
/// As often a question may be sent; what comes then is given up.
const TRIES: usize = 16;

/// A question that was sent.
#[derive(Clone, Copy, Debug)]
pub struct Try {
    /// The number of its message.
    pub id: u16,
    /// To whom.
    pub line: usize,
    /// Through which socket or connection.
    pub way: u32,
    /// When.
    pub sent: Instant,
    /// It is waited for.
    pub is_open: bool,
}

/// Who waits, and the number of his message.
pub type Waiting = (u16, Asker);

/// A question, and who waits.
#[derive(Debug)]
pub struct Query {
    /// The message, as it came.
    pub message: Vec<u8>,
    /// What it asks.
    pub question: Question,
    /// Who waits; nobody, where it is only to be found out whether an upstream answers it.
    pub askers: Vec<Waiting>,
    /// It was asked, and is asked, over TCP.
    pub is_stream: bool,
    /// When it came.
    pub began: Instant,
    /// What was sent.
    pub tries: Vec<Try>,
    /// Those before have come to nothing, and everybody may be asked again.
    pub round: usize,
    /// An answer that another server may have a better one than.
    pub kept: Option<Vec<u8>>,
    twin: u64,
}

impl Query {
    /// Whether this upstream was asked already, in this round.
    pub fn has_asked(&self, line: usize) -> bool {
        self.tries[self.round..].iter().any(|one| one.line == line)
    }

    /// Whether an answer is waited for.
    pub fn is_open(&self) -> bool {
        self.tries.iter().any(|one| one.is_open)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Pending {
    places: Vec<Option<Query>>,
    /// When each place is to be looked at, in milliseconds since the beginning.
    due: Vec<u64>,
    free: Vec<usize>,
    /// For each number of a message: the place, and one more.
    numbers: Box<[u16]>,
    /// The same question, byte for byte.
    twins: HashMap<u64, usize>,
    keys: RandomState,
    spare: Vec<(Vec<u8>, Vec<Waiting>, Vec<Try>)>,
    waiting: usize,
    /// Where one that gives way is looked for next.
    hand: usize,
    begin: Instant,
}

const NEVER: u64 = u64::MAX;

impl Pending {
    /// None yet.
    pub fn new(now: Instant) -> Self {
        Self {
            places: Vec::new(),
            due: Vec::new(),
            free: Vec::new(),
            numbers: vec![0; 1 << 16].into_boxed_slice(),
            twins: HashMap::new(),
            keys: RandomState::new(),
            spare: Vec::new(),
            waiting: 0,
            hand: 0,
            begin: now,
        }
    }

    /// How many questions there are.
    pub fn count(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// How many wait for an answer.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// The place of a question that gives way where there is no room: the oldest of some that somebody waits for.
    pub fn oldest(&mut self) -> Option<usize> {
        let count = self.places.len();
        let (mut oldest, mut compared) = (None, 0);
        for _ in 0..count {
            if compared == COMPARED {
                break;
            }
            self.hand = if self.hand + 1 < count { self.hand + 1 } else { 0 };
            if let Some(query) = self.places[self.hand].as_ref().filter(|query| !query.askers.is_empty()) {
                compared += 1;
                let this = (query.began, self.hand);
                oldest = Some(oldest.map_or(this, |oldest: (Instant, usize)| oldest.min(this)));
            }
        }
        oldest.map(|(_, place)| place)
    }

    fn twin(&self, message: &[u8], is_stream: bool) -> u64 {
        self.keys.hash_one((is_stream, message.get(2..)))
    }

    /// Adds an asker to the same question, byte for byte but for its number, if it is on its way already; gives him back if not.
    pub fn join(&mut self, message: &[u8], id: u16, asker: Asker) -> Option<Asker> {
        let is_stream = asker.is_stream();
        let found =
            self.twins.get(&self.twin(message, is_stream)).and_then(|place| self.places.get_mut(*place)?.as_mut());
        match found.filter(|query| query.message.get(2..) == message.get(2..) && query.is_stream == is_stream) {
            Some(query) => {
                query.askers.push((id, asker));
                self.waiting += 1;
                None
            }
            None => Some(asker),
        }
    }

    /// Adds a question; its place.
    pub fn add(&mut self, message: &[u8], question: &Question, asker: Option<Asker>, now: Instant) -> usize {
        let is_stream = asker.as_ref().is_some_and(Asker::is_stream);
        let twin = self.twin(message, is_stream);
        let (mut bytes, mut askers, tries) = self.spare.pop().unwrap_or_default();
        bytes.extend_from_slice(message);
        if let Some(asker) = asker {
            askers.push((question.id, asker));
            self.waiting += 1;
        }
        let query = Query {
            message: bytes,
            question: *question,
            askers,
            is_stream,
            began: now,
            tries,
            round: 0,
            kept: None,
            twin,
        };
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.due.push(NEVER);
            self.places.len() - 1
        });
        if !query.askers.is_empty() {
            self.twins.insert(twin, place);
        }
        self.places[place] = Some(query);
        place
    }

    /// The question at this place.
    pub fn get(&self, place: usize) -> Option<&Query> {
        self.places.get(place)?.as_ref()
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, place: usize) -> Option<&mut Query> {
        self.places.get_mut(place)?.as_mut()
    }

    /// Takes a question out: its numbers stand for nothing any more.
    pub fn remove(&mut self, place: usize) -> Option<Query> {
        let query = self.places.get_mut(place)?.take()?;
        for one in &query.tries {
            // It may have been given back, and be another's.
            let number = &mut self.numbers[usize::from(one.id)];
            if usize::from(*number) == place + 1 {
                *number = 0;
            }
        }
        self.waiting -= query.askers.len();
        self.part(query.twin, place);
        self.due[place] = NEVER;
        self.free.push(place);
        if self.free.len() == self.places.len() && self.places.len() > MOST / 16 {
            // After a flood it is given back.
            (self.places, self.due, self.free, self.twins) = Default::default();
        }
        Some(query)
    }

    /// Nobody joins this one any more.
    fn part(&mut self, twin: u64, place: usize) {
        if self.twins.get(&twin) == Some(&place) {
            self.twins.remove(&twin);
        }
    }

    /// Those who wait for this question, from now on for nothing.
    pub fn release(&mut self, place: usize) -> Vec<Waiting> {
        let Some(query) = self.get_mut(place) else { return Vec::new() };
        let (askers, twin) = (std::mem::take(&mut query.askers), query.twin);
        self.waiting -= askers.len();
        self.part(twin, place);
        askers
    }

    /// Keeps what a question took of memory for another one.
    pub fn recycle(&mut self, query: Query) {
        let Query { mut message, mut askers, mut tries, .. } = query;
        if self.spare.len() < SPARE && message.capacity() <= 1024 && askers.capacity() <= 64 {
            message.clear();
            askers.clear();
            tries.clear();
            self.spare.push((message, askers, tries));
        }
    }

    /// A number for a message that is about to be sent; `None` where the question was sent too often.
    pub fn number(&mut self, place: usize, random: &mut Random) -> Option<u16> {
        let tries = self.places.get(place)?.as_ref()?.tries.len();
        let free = |id: &u16| self.numbers[usize::from(*id)] == 0;
        // A third of them stands for something, unless everybody is asked again and again.
        let id = (0..64).map(|_| random.number()).find(free).filter(|_| tries < TRIES)?;
        self.numbers[usize::from(id)] = u16::try_from(place + 1).ok()?;
        Some(id)
    }

    /// The question that was sent with this number and this way: its place, and which of its tries that was.
    pub fn find(&self, id: u16, way: u32) -> Option<(usize, usize)> {
        let place = usize::from(self.numbers[usize::from(id)]).checked_sub(1)?;
        let query = self.places.get(place)?.as_ref()?;
        let one = query.tries.iter().position(|one| one.id == id && one.way == way)?;
        Some((place, one))
    }

    /// Gives a number back that nothing was sent with, or whose answer has come.
    pub fn forget(&mut self, id: u16) {
        self.numbers[usize::from(id)] = 0;
    }

    /// Sets when to look at a question.
    pub fn set_due(&mut self, place: usize, when: Instant) {
        let span = when.saturating_duration_since(self.begin) + Duration::from_micros(999);
        self.due[place] = u64::try_from(span.as_millis()).unwrap_or(NEVER);
    }

    /// The places that are to be looked at.
    pub fn due(&self, now: Instant) -> Vec<usize> {
        let now = u64::try_from(now.saturating_duration_since(self.begin).as_millis()).unwrap_or_default();
        let all = self.due.iter().enumerate();
        all.filter(|(_, due)| **due <= now).map(|(place, _)| place).collect()
    }

    /// The places of the questions that wait for one who was asked so.
    pub fn open(&self, is_so: impl Fn(&Try) -> bool) -> Vec<usize> {
        let is_open = |query: &Query| query.tries.iter().any(|one| one.is_open && is_so(one));
        let all = self.places.iter().enumerate();
        all.filter(|(_, query)| query.as_ref().is_some_and(is_open)).map(|(place, _)| place).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::super::super::question::read;
    use super::*;

    fn message(id: u8, number: usize) -> Vec<u8> {
        let name = format!("name-{number}");
        let mut message = vec![0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, u8::try_from(name.len()).unwrap()];
        message.extend(name.as_bytes());
        message.extend([0, 0, 1, 0, 1]);
        message
    }

    fn asker() -> Asker {
        Asker::keeping(Rc::new(RefCell::default()))
    }

    #[test]
    fn a_question_is_found_by_its_number_and_way() {
        let (now, mut random) = (Instant::now(), Random::new());
        let mut pending = Pending::new(now);
        let message = message(7, 1);
        let question = read(&message).unwrap();
        let place = pending.add(&message, &question, Some(asker()), now);
        let id = pending.number(place, &mut random).unwrap();
        pending.get_mut(place).unwrap().tries.push(Try { id, line: 0, way: 3, sent: now, is_open: true });
        assert_eq!(pending.find(id, 3), Some((place, 0)));
        assert_eq!(pending.find(id, 4), None, "another way");
        assert_eq!(pending.find(id.wrapping_add(1), 3), None);
        assert_eq!((pending.count(), pending.waiting()), (1, 1));
        assert_eq!(pending.open(|one| one.line == 0), [place]);
        assert!(pending.open(|one| one.line == 1).is_empty());
        let due = now + Duration::from_millis(300);
        pending.set_due(place, due);
        assert!(pending.due(now + Duration::from_millis(298)).is_empty());
        assert_eq!(pending.due(due + Duration::from_millis(1)), [place]);
        let query = pending.remove(place).unwrap();
        assert_eq!(query.message, message);
        pending.recycle(query);
        assert_eq!((pending.find(id, 3), pending.count(), pending.waiting()), (None, 0, 0));
        assert!(pending.due(due + Duration::from_secs(9)).is_empty());
        let again = pending.add(&message, &question, None, now);
        let query = pending.get(again).unwrap();
        assert!(query.tries.is_empty() && query.askers.is_empty() && query.message == message);
    }

    #[test]
    fn the_same_question_is_joined() {
        let now = Instant::now();
        let mut pending = Pending::new(now);
        let first = message(7, 1);
        let place = pending.add(&first, &read(&first).unwrap(), Some(asker()), now);
        assert!(pending.join(&message(8, 1), 8, asker()).is_none());
        assert!(pending.join(&message(8, 2), 8, asker()).is_some(), "another name");
        let mut case = message(9, 1);
        case[13] = b'N';
        assert!(pending.join(&case, 9, asker()).is_some(), "another case");
        assert_eq!((pending.count(), pending.waiting()), (1, 2));
        let ids: Vec<u16> = pending.remove(place).unwrap().askers.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, [7, 8]);
        assert!(pending.join(&message(8, 1), 8, asker()).is_some(), "it has gone");
    }

    #[test]
    fn numbers_are_of_one_message_each() {
        let (now, mut random) = (Instant::now(), Random::new());
        let mut pending = Pending::new(now);
        let mut seen = std::collections::BTreeSet::new();
        for number in 0..2 * MOST {
            let message = message(7, number);
            let place = pending.add(&message, &read(&message).unwrap(), Some(asker()), now);
            for _ in 0..3 {
                let id = pending.number(place, &mut random).unwrap();
                assert!(seen.insert(id));
                pending.get_mut(place).unwrap().tries.push(Try { id, line: 0, way: 1, sent: now, is_open: true });
            }
        }
        assert_eq!(pending.count(), 2 * MOST);
        for place in 0..2 * MOST {
            assert!(pending.remove(place).is_some());
        }
        assert!(pending.places.is_empty() && pending.numbers.iter().all(|place| *place == 0));
    }
}
