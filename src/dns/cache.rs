//! Answers that still hold: a question → the answer as it came, its seconds counted down.
//!
//! Bounded by entries and by bytes; who has not been asked for since the hand last came by gives way. A hit allocates nothing and
//! is written over its question, whose own bytes stay: their number and case are the asker's.

use std::cell::Cell;
use std::collections::HashMap;
use std::time::Instant;

use super::hash::{AsItIs, Keys};
use super::lifetime;
use super::question::Question;

/// A longer answer is not remembered.
const LARGEST: usize = 4096;
/// So many bytes an entry may have, taken all together.
const MEAN: usize = 512;
/// What the tables need for an entry beyond its bytes, about.
const OVERHEAD: usize = 128;
/// The most that a question without EDNS takes over UDP (RFC 1035, 2.3.4).
const PLAIN: usize = 512;
/// The class of the internet.
const INTERNET: u16 = 1;
/// The type that asks for whatever is there.
const ANY: u16 = 255;

/// See the module. One thread's own.
#[derive(Debug)]
pub struct Cache {
    most: usize,
    bytes: usize,
    keys: Keys,
    /// By the hash of what is asked: of two questions with the same one, which is a rare chance, the later one stays.
    places: HashMap<u64, usize, AsItIs>,
    entries: Vec<Option<Entry>>,
    free: Vec<usize>,
    /// Who is looked at first when one has to go.
    hand: usize,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    since: Instant,
    seconds: u32,
    what: u32,
    /// How long the name is, and how many seconds are to be counted down.
    name: u8,
    counted: u16,
    is_used: Cell<bool>,
    /// Whatever options the question has.
    is_for_all: bool,
    /// All that a hit reads, one behind the other: the name; the answer's header without its number, and what stands behind the
    /// question; where in the message seconds stand.
    bytes: Box<[u8]>,
}

/// The bytes of an entry.
struct Parts<'a> {
    name: &'a [u8],
    header: &'a [u8],
    /// What stands behind the question.
    behind: &'a [u8],
    places: &'a [[u8; 2]],
}

/// A header without the message's number.
const HEADER: usize = 10;

impl Entry {
    #[inline]
    fn parts(&self) -> Parts<'_> {
        let (name, rest) = self.bytes.split_at(self.name.into());
        let (header, rest) = rest.split_at(HEADER);
        let (behind, places) = rest.split_at(rest.len() - 2 * usize::from(self.counted));
        Parts { name, header, behind, places: places.as_chunks().0 }
    }

    fn size(&self) -> usize {
        self.bytes.len() + OVERHEAD
    }
}

impl Cache {
    /// Remembers so many answers; 0: none.
    pub fn new(most: usize) -> Self {
        let (keys, places) = (Keys::new(), HashMap::default());
        Self { most, bytes: 0, keys, places, entries: Vec::new(), free: Vec::new(), hand: 0 }
    }

    /// How many answers it remembers at the most.
    pub fn most(&self) -> usize {
        self.most
    }

    /// How many answers are remembered, be it that some hold no longer.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// The answer to this question, written over it: `buffer` begins with its message. Gives the length.
    ///
    /// `None` where none is remembered, or it is longer than the asker takes by UDP.
    pub fn get(
        &self,
        question: &Question,
        buffer: &mut [u8],
        is_stream: bool,
        now: impl FnOnce() -> Instant,
    ) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        // Behind the question: the root's name, type, size, flags, then the length of the options.
        let options = if question.edns.is_some() { buffer.get(question.end + 9..question.end + 11)? } else { &[] };
        let has_options = options.iter().any(|byte| *byte != 0);
        let what = what(question)?;
        let place = *self.places.get(&self.keys.hash(&question.name, what.into()))?;
        let entry = self.entries.get(place)?.as_ref()?;
        let Parts { name, header, behind, places } = entry.parts();
        let age = u32::try_from(now().saturating_duration_since(entry.since).as_secs()).unwrap_or(u32::MAX);
        let room = match question.edns {
            _ if is_stream => usize::from(u16::MAX),
            Some(edns) => PLAIN.max(edns.size.into()),
            None => PLAIN,
        };
        let end = question.end + behind.len();
        let is_it = entry.what == what && name == question.name.wire();
        if !is_it || has_options && !entry.is_for_all || age >= entry.seconds || end > room || end > buffer.len() {
            return None;
        }
        buffer[2..2 + HEADER].copy_from_slice(header);
        buffer[question.end..end].copy_from_slice(behind);
        for place in places {
            let place = usize::from(u16::from_be_bytes(*place));
            if let Some(seconds) = buffer.get_mut(place..place + 4).and_then(|bytes| bytes.first_chunk_mut()) {
                *seconds = u32::from_be_bytes(*seconds).saturating_sub(age).to_be_bytes();
            }
        }
        entry.is_used.set(true);
        Some(end)
    }

    /// Remembers an answer to this question, which `message` asked, if it is one that may be.
    pub fn put(&mut self, message: &[u8], question: &Question, answer: &[u8], now: Instant) {
        // An option, or a record that stands behind the question, may have made it an answer for one alone.
        let is_plain = message.len() == question.end + if question.edns.is_some() { 11 } else { 0 };
        let is_its = answer.get(12..question.end) == message.get(12..question.end);
        if is_plain
            && is_its
            && let Some(entry) = self.entry(question, answer, now)
        {
            self.keep(entry, now);
        }
    }

    /// Remembers that nobody answers this question, whatever options it has: `failure` is our own word.
    pub fn put_failure(&mut self, question: &Question, failure: &[u8], now: Instant) {
        if let Some(entry) = self.entry(question, failure, now) {
            self.keep(Entry { is_for_all: true, ..entry }, now);
        }
    }

    fn keep(&mut self, entry: Entry, now: Instant) {
        if let Some(place) = self.places.get(&entry.hash) {
            self.drop_from(*place);
        }
        while self.places.len() >= self.most || self.bytes + entry.size() > self.most * MEAN + LARGEST {
            if !self.make_room(now) {
                return;
            }
        }
        self.bytes += entry.size();
        let place = self.free.pop().unwrap_or(self.entries.len());
        self.places.insert(entry.hash, place);
        match self.entries.get_mut(place) {
            Some(empty) => *empty = Some(entry),
            None => self.entries.push(Some(entry)),
        }
    }

    /// What is remembered of an answer, if it is one that may be.
    fn entry(&self, question: &Question, answer: &[u8], since: Instant) -> Option<Entry> {
        if self.most == 0 || answer.len() > LARGEST {
            return None;
        }
        let what = what(question)?;
        let lifetime = lifetime::of(answer)?;
        let name = question.name.wire();
        let places = lifetime.places.iter().flat_map(|place| place.to_be_bytes());
        let parts = name.iter().chain(answer.get(2..12)?).chain(answer.get(question.end..)?).copied();
        Some(Entry {
            hash: self.keys.hash(&question.name, what.into()),
            since,
            seconds: lifetime.seconds,
            what,
            name: u8::try_from(name.len()).ok()?,
            counted: u16::try_from(lifetime.places.len()).ok()?,
            is_used: Cell::new(false),
            is_for_all: false,
            bytes: parts.chain(places).collect(),
        })
    }

    /// Lets one go; whether there was one.
    fn make_room(&mut self, now: Instant) -> bool {
        // After one round nobody counts as asked for.
        for _ in 0..2 * self.entries.len() {
            self.hand = if self.hand + 1 < self.entries.len() { self.hand + 1 } else { 0 };
            let Some(entry) = &self.entries[self.hand] else { continue };
            let holds = now.saturating_duration_since(entry.since).as_secs() < entry.seconds.into();
            if !entry.is_used.replace(false) || !holds {
                self.drop_from(self.hand);
                return true;
            }
        }
        false
    }

    fn drop_from(&mut self, place: usize) {
        if let Some(entry) = self.entries.get_mut(place).and_then(Option::take) {
            self.bytes -= entry.size();
            self.places.remove(&entry.hash);
            self.free.push(place);
        }
    }
}

/// What else than its name an answer depends on: the type, and: is recursion wanted, are DNSSEC's flags set, is there EDNS, are its
/// records wanted. `None`: it is not remembered.
fn what(question: &Question) -> Option<u32> {
    let version = question.edns.map_or(0, |edns| edns.version);
    if question.class != INTERNET || question.kind == ANY || version != 0 {
        return None;
    }
    let edns = question.edns.map_or(0, |edns| if edns.wants_signatures { 6 } else { 2 });
    Some(u32::from(question.kind) << 16 | u32::from(question.flags & 0x0130 | edns))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::question::read;
    use super::*;

    /// A question for `name` (one label), with EDNS of this size.
    fn ask(id: u8, name: &str, edns: Option<u16>) -> Vec<u8> {
        let mut message = vec![0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(edns.is_some())];
        message.push(u8::try_from(name.len()).unwrap());
        message.extend(name.as_bytes());
        message.extend([0, 0, 1, 0, 1]);
        if let Some(size) = edns {
            message.extend([&[0, 0, 41][..], &size.to_be_bytes(), &[0; 6]].concat());
        }
        message
    }

    /// The answer to it: records of four bytes each, with these seconds.
    fn answer(message: &[u8], seconds: &[u32]) -> Vec<u8> {
        let question = read(message).unwrap();
        let mut answer = message[..question.end].to_vec();
        answer[2..4].copy_from_slice(&[0x81, 0x80]);
        answer[7] = u8::try_from(seconds.len()).unwrap();
        answer[11] = 0;
        for seconds in seconds {
            answer.extend([&[0xc0, 12, 0, 1, 0, 1][..], &seconds.to_be_bytes(), &[0, 4, 192, 0, 2, 7]].concat());
        }
        answer
    }

    fn put(cache: &mut Cache, message: &[u8], answer: &[u8], now: Instant) {
        cache.put(message, &read(message).unwrap(), answer, now);
    }

    fn get(cache: &Cache, message: &[u8], now: Instant) -> Option<Vec<u8>> {
        let mut buffer = message.to_vec();
        buffer.resize(8192, 0xee);
        let length = cache.get(&read(message).unwrap(), &mut buffer, false, || now)?;
        buffer.truncate(length);
        Some(buffer)
    }

    #[test]
    fn an_answer_is_given_as_it_came_and_counts_down() {
        let (mut cache, now) = (Cache::new(10), Instant::now());
        let asked = ask(1, "name", None);
        put(&mut cache, &asked, &answer(&asked, &[30, 300]), now);
        assert_eq!(get(&cache, &asked, now), Some(answer(&asked, &[30, 300])));
        let other = ask(9, "NaMe", None);
        let later = now + Duration::from_millis(7900);
        assert_eq!(get(&cache, &other, later), Some(answer(&other, &[23, 293])), "its own number and case");
        assert_eq!(get(&cache, &asked, now + Duration::from_secs(30)), None);
        put(&mut cache, &asked, &answer(&asked, &[60]), later);
        assert_eq!(get(&cache, &asked, now + Duration::from_secs(30)), Some(answer(&asked, &[38])), "the newer one");
        assert_eq!(cache.count(), 1);
    }

    #[test]
    fn that_nobody_answers_holds_whatever_options_are_asked_with() {
        let (mut cache, now) = (Cache::new(10), Instant::now());
        let mut asked = ask(1, "name", Some(1232));
        // A cookie, as dig has one.
        let last = asked.len();
        asked[last - 1] = 12;
        asked.extend([0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
        let question = read(&asked).unwrap();
        let mut failure = asked[..question.end].to_vec();
        failure[2..4].copy_from_slice(&[0x81, 0x82]);
        failure[11] = 1;
        failure.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        cache.put(&asked, &question, &failure, now);
        assert_eq!(get(&cache, &asked, now), None, "somebody's word is for those who ask as he was asked");
        cache.put_failure(&question, &failure, now);
        assert_eq!(get(&cache, &asked, now), Some(failure.clone()));
        assert_eq!(get(&cache, &ask(1, "name", Some(1232)), now), Some(failure));
        assert_eq!(get(&cache, &asked, now + Duration::from_hours(1)), None);
    }

    #[test]
    fn another_question_has_another_answer() {
        let (mut cache, now) = (Cache::new(10), Instant::now());
        let asked = ask(1, "name", Some(1232));
        put(&mut cache, &asked, &answer(&asked, &[30]), now);
        assert!(get(&cache, &asked, now).is_some());
        let with = |at: usize, byte: u8| {
            let mut message = asked.clone();
            message[at] = byte;
            message
        };
        let end = read(&asked).unwrap().end;
        // Recursion is not wanted, DNSSEC's flags, another name, type and class; DNSSEC's records are wanted.
        for (at, byte) in [(2, 0), (3, 0x10), (3, 0x20), (13, b'x'), (end - 3, 2), (end - 1, 3), (end + 7, 0x80)] {
            assert_eq!(get(&cache, &with(at, byte), now), None, "{at}");
        }
        assert_eq!(get(&cache, &ask(1, "name", None), now), None);
        let mut option = asked.clone();
        option[end + 10] = 4;
        option.extend([0, 3, 0, 0]);
        assert_eq!(get(&cache, &option, now), None, "with an option");
        let mut cache = Cache::new(10);
        put(&mut cache, &option, &answer(&asked, &[30]), now);
        let any = with(end - 3, 255);
        put(&mut cache, &any, &answer(&any, &[30]), now);
        assert_eq!(cache.count(), 0);
    }

    #[test]
    fn an_answer_fits_its_asker() {
        let (mut cache, now) = (Cache::new(10), Instant::now());
        for size in [None, Some(0), Some(600)] {
            let asked = ask(1, "name", size);
            let long = answer(&asked, &[30; 33]);
            assert!(long.len() > 512);
            put(&mut cache, &asked, &long, now);
            assert_eq!(get(&cache, &asked, now).is_some(), size == Some(600));
            let mut buffer = asked.clone();
            buffer.resize(long.len(), 0);
            let question = read(&asked).unwrap();
            assert_eq!(cache.get(&question, &mut buffer, true, || now), Some(long.len()));
            assert_eq!(cache.get(&question, &mut buffer[..long.len() - 1], true, || now), None);
        }
    }

    #[test]
    fn it_stays_within_its_bounds() {
        let now = Instant::now();
        let mut none = Cache::new(0);
        let asked = ask(1, "name", None);
        put(&mut none, &asked, &answer(&asked, &[30]), now);
        assert_eq!(get(&none, &asked, now), None);

        let mut cache = Cache::new(100);
        let often = ask(1, "often", None);
        put(&mut cache, &often, &answer(&often, &[30]), now);
        for number in 0..1000 {
            let asked = ask(1, &format!("name-{number}"), None);
            put(&mut cache, &asked, &answer(&asked, &[30]), now);
            assert!(number % 7 > 0 || get(&cache, &asked, now).is_some());
            assert!(get(&cache, &often, now).is_some(), "{number}: what is asked for stays");
            assert!(cache.count() <= 100 && cache.entries.len() <= 100);
        }
        // Long ones: there are fewer.
        for number in 0..1000 {
            let asked = ask(1, &format!("long-{number}"), Some(4096));
            put(&mut cache, &asked, &answer(&asked, &[30; 200]), now);
            assert!(get(&cache, &asked, now).is_some());
            assert!(cache.bytes <= 100 * MEAN + LARGEST);
        }
        assert_eq!(cache.bytes, cache.entries.iter().flatten().map(Entry::size).sum::<usize>());
        let long = ask(1, "longest", Some(4096));
        let mut longest = answer(&long, &[30; 255]);
        longest.resize(LARGEST + 1, 0);
        put(&mut cache, &long, &longest, now);
        assert_eq!(get(&cache, &long, now), None);
    }
}
