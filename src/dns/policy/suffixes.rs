//! A set of domain names in which every ending of a name is found at once.
//!
//! A name is there with everything above it, so that a search from the right ends at the first ending that is not: most names of
//! the internet cost one look. The set is made once, of names that the user chose, and is half empty: no name that somebody
//! asks for makes a search long, so the hash needs no secret.

use super::super::hash;
use super::super::question::Name;

/// What is known of a name: a set of bits, of which each list of names has its own.
pub type Marks = u16;

/// The set.
#[derive(Clone, Debug)]
pub struct Suffixes {
    /// A power of two many; no more than half of them are taken. No search for a name that is there meets another one with the
    /// same part of the hash before.
    slots: Box<[Slot]>,
    /// A few bits for each slot, one of them set for each entry: nearly every ending that is not there ends here, and what does not
    /// fit into a processor's nearest cache is not asked.
    seen: Box<[u64]>,
    seed: u64,
    entries: Vec<Entry>,
    /// The names as they travel, without the zero; what stands above one is its end.
    bytes: Vec<u8>,
    /// A bit for the hash of each last label, which are few: nearly all that nothing is known of ends here.
    tops: [u64; TOPS],
}

/// So many words of bits.
const TOPS: usize = 16;
/// So many slots share a word of [`Suffixes::seen`].
const SHARING: usize = 16;

/// All that a search has to see of an entry: one line of the processor's cache.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// The upper part of the hash; the lower one says where.
    hash: u32,
    /// One more than the number of the entry; zero where there is none.
    entry: u32,
    marks: Marks,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: u32,
    length: u8,
}

/// What a search has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The marks of all endings of the name, and of the name itself.
    pub marks: Marks,
    /// The marks of the whole name, where it is in the set itself.
    pub whole: Option<Marks>,
    /// How many labels the name has.
    pub labels: usize,
}

impl Default for Suffixes {
    fn default() -> Self {
        Self::with_room_for(0)
    }
}

impl Suffixes {
    /// None yet, and room for so many beside our own.
    pub fn with_room_for(count: usize) -> Self {
        let slots = vec![Slot::default(); (2 * count).next_power_of_two().max(512)];
        let seen = vec![0; slots.len() / SHARING].into();
        Self { slots: slots.into(), seen, seed: SEED, entries: Vec::new(), bytes: Vec::new(), tops: [0; TOPS] }
    }

    /// Adds a name with its marks; what stands above it, up to the root, gets marks of its own. The root itself is in no set.
    pub fn add(&mut self, name: &Name, marks: Marks, above: Marks) {
        let wire = bare(name);
        // A file of 1 MiB holds no names that need more numbers; nor does anything else.
        let Ok(begin) = u32::try_from(self.bytes.len()) else { return };
        let mut is_kept = false;
        let (mut hash, mut end) = (self.seed, wire.len());
        for start in Labels::of(wire).starts().rev() {
            let ending = &wire[start..];
            if end == wire.len() {
                let (word, bit) = top(ending);
                self.tops[word] |= bit;
            }
            hash = mixed(hash, &wire[start..end]);
            end = start;
            let marks = if start == 0 { marks } else { above };
            match self.look(hash, ending) {
                Look::Here(slot) => self.slots[slot].marks |= marks,
                Look::Free { slot, meets_another } => {
                    if !is_kept {
                        self.bytes.extend_from_slice(wire);
                        is_kept = true;
                    }
                    let (Ok(offset), Ok(length)) = (u32::try_from(start), u8::try_from(ending.len())) else { return };
                    self.entries.push(Entry { at: begin + offset, length });
                    let entry = u32::try_from(self.entries.len()).unwrap_or_default();
                    self.take(slot, hash, Slot { hash: upper(hash), entry, marks });
                    if self.entries.len() * 2 > self.slots.len() || meets_another {
                        self.arrange();
                        // By another seed, perhaps.
                        hash = self.hash(ending);
                    }
                }
            }
        }
    }

    /// What is known of a name and of all its endings.
    #[inline]
    pub fn find(&self, name: &Name) -> Found {
        let wire = bare(name);
        let (mut last, mut at, mut labels) = (0, 0, 0);
        while let Some(length) = wire.get(at) {
            (last, at, labels) = (at, at + 1 + usize::from(*length), labels + 1);
        }
        let (word, bit) = top(&wire[last..]);
        if self.tops[word] & bit == 0 && labels > 0 {
            return Found { marks: 0, whole: None, labels };
        }
        self.find_all(wire, &Labels::of(wire))
    }

    /// The same, where the last label may be there.
    fn find_all(&self, wire: &[u8], labels: &Labels) -> Found {
        let mut found = Found { marks: 0, whole: Some(0), labels: labels.count };
        let (mut hash, mut end, mut last) = (self.seed, wire.len(), None);
        for start in labels.starts().rev() {
            hash = mixed(hash, &wire[start..end]);
            end = start;
            let Some(slot) = self.probe(hash) else {
                found.whole = None;
                break;
            };
            found.marks |= slot.marks;
            found.whole = Some(slot.marks);
            last = Some((start, slot));
        }
        // Where the longest ending is there, so are the others; and a hash may lie.
        match last {
            Some((start, slot)) if self.wire(slot.entry) != &wire[start..] => self.find_slowly(wire, labels),
            _ => found,
        }
    }

    /// The same, with every ending compared.
    #[cold]
    fn find_slowly(&self, wire: &[u8], labels: &Labels) -> Found {
        let mut found = Found { marks: 0, whole: Some(0), labels: labels.count };
        for start in labels.starts().rev() {
            let ending = &wire[start..];
            let Look::Here(slot) = self.look(self.hash(ending), ending) else { return Found { whole: None, ..found } };
            let marks = self.slots[slot].marks;
            found.marks |= marks;
            found.whole = Some(marks);
        }
        found
    }

    /// The longest ending of a name, or the name itself, that has one of these marks.
    pub fn longest(&self, name: &Name, marks: Marks) -> Option<String> {
        let wire = bare(name);
        let labels = Labels::of(wire);
        let has = |ending: &&[u8]| {
            let found = self.look(self.hash(ending), ending);
            matches!(found, Look::Here(slot) if self.slots[slot].marks & marks != 0)
        };
        labels.starts().map(|start| &wire[start..]).find(has).map(text)
    }

    /// The shortest name below this one that has one of these marks. Looks at all of them.
    pub fn below(&self, name: &Name, marks: Marks) -> Option<String> {
        let wire = bare(name);
        let is_below = |found: &&[u8]| {
            let ends = |start: usize| start > 0 && &found[start..] == wire;
            Labels::of(found).starts().any(ends)
        };
        let slots = self.slots.iter().filter(|slot| slot.entry != 0 && slot.marks & marks != 0);
        let found = slots.map(|slot| self.wire(slot.entry)).filter(is_below);
        found.min_by_key(|found| (found.len(), *found)).map(text)
    }

    /// The name of an entry, by one more than its number.
    #[inline]
    fn wire(&self, entry: u32) -> &[u8] {
        let Entry { at, length } = self.entries[entry as usize - 1];
        &self.bytes[at as usize..at as usize + usize::from(length)]
    }

    /// The slot that seems to be that of the ending with this hash.
    #[inline]
    fn probe(&self, hash: u64) -> Option<Slot> {
        let (word, bit) = self.seen_as(hash);
        if self.seen[word] & bit == 0 {
            return None;
        }
        let mut at = self.first(hash);
        loop {
            let slot = self.slots[at];
            if slot.entry == 0 {
                return None;
            }
            if slot.hash == upper(hash) {
                return Some(slot);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    fn hash(&self, ending: &[u8]) -> u64 {
        let labels = Labels::of(ending);
        let (mut hash, mut end) = (self.seed, ending.len());
        for start in labels.starts().rev() {
            hash = mixed(hash, &ending[start..end]);
            end = start;
        }
        hash
    }

    /// The slot of an ending with this hash, or the one that waits for it.
    fn look(&self, hash: u64, ending: &[u8]) -> Look {
        let mut at = self.first(hash);
        let mut meets_another = false;
        while self.slots[at].entry != 0 {
            if self.slots[at].hash == upper(hash) {
                if self.wire(self.slots[at].entry) == ending {
                    return Look::Here(at);
                }
                meets_another = true;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        Look::Free { slot: at, meets_another }
    }

    fn take(&mut self, slot: usize, hash: u64, taken: Slot) {
        let (word, bit) = self.seen_as(hash);
        self.seen[word] |= bit;
        self.slots[slot] = taken;
    }

    /// The word of a hash among [`Suffixes::seen`], and its bit: by others of its bits than those that tell its slot.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // parts of it
    fn seen_as(&self, hash: u64) -> (usize, u64) {
        ((hash >> 38) as usize & (self.seen.len() - 1), 1 << (hash >> 32 & 63))
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // its lower bits
    fn first(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    /// Gives every entry a slot again, among enough of them, and so that none meets another one of the same hash.
    fn arrange(&mut self) {
        let mut all: Vec<(u32, Marks)> = self.slots.iter().map(|slot| (slot.entry, slot.marks)).collect();
        all.retain(|(entry, _)| *entry != 0);
        let size = if all.len() * 2 > self.slots.len() { self.slots.len() * 2 } else { self.slots.len() };
        let mut is_clear = false;
        while !is_clear {
            self.slots = vec![Slot::default(); size].into();
            self.seen = vec![0; size / SHARING].into();
            is_clear = all.iter().all(|(entry, marks)| {
                let ending = self.wire(*entry);
                let hash = self.hash(ending);
                let Look::Free { slot, meets_another } = self.look(hash, ending) else { return true };
                let taken = Slot { hash: upper(hash), entry: *entry, marks: *marks };
                self.take(slot, hash, taken);
                !meets_another
            });
            if !is_clear {
                self.seed = self.seed.wrapping_add(SEED);
            }
        }
    }
}

/// What the look for an ending has found.
enum Look {
    /// Its slot.
    Here(usize),
    /// It is not there; this is the slot for it, and whether another one with the same part of the hash stands before.
    Free { slot: usize, meets_another: bool },
}

/// A name without the zero at its end.
#[inline]
fn bare(name: &Name) -> &[u8] {
    name.wire().split_last().map_or(&[], |(_, bare)| bare)
}

/// A name for people, from how it travels without the zero.
fn text(wire: &[u8]) -> String {
    let labels = Labels::of(wire);
    let ends = labels.starts().skip(1).chain([wire.len()]);
    let labels = labels.starts().zip(ends).map(|(start, end)| String::from_utf8_lossy(&wire[start + 1..end]));
    labels.collect::<Vec<_>>().join(".")
}

/// Where the labels of a name begin.
struct Labels {
    starts: [u8; 128],
    count: usize,
}

impl Labels {
    #[inline]
    fn of(wire: &[u8]) -> Self {
        let (mut starts, mut count, mut at) = ([0; 128], 0, 0_u8);
        // A name has 255 bytes at the most, and a label two at the least: that is 127 labels.
        while let (Some(length), Some(start)) = (wire.get(usize::from(at)), starts.get_mut(count)) {
            *start = at;
            count += 1;
            at = at.saturating_add(1 + *length);
        }
        Self { starts, count }
    }

    #[inline]
    fn starts(&self) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
        self.starts[..self.count].iter().map(|start| usize::from(*start))
    }
}

/// The hash of the root, to begin with.
const SEED: u64 = 0x243f_6a88_85a3_08d3;

/// The hash of an ending, from that of what stands behind its first label; a label begins with its length. As `wyhash`: words
/// that may overlap, multiplied.
#[inline]
fn mixed(behind: u64, label: &[u8]) -> u64 {
    let mix = |hash: u64, word: u64| hash::mixed(hash, word, 0x9e37_79b9_7f4a_7c15);
    match (label.last_chunk::<8>(), label.first_chunk::<4>(), label.last_chunk::<4>(), label) {
        (Some(last), ..) => {
            let words = label[..label.len() - 1].as_chunks::<8>().0;
            let hash = words.iter().fold(behind, |hash, word| mix(hash, u64::from_le_bytes(*word)));
            mix(hash, u64::from_le_bytes(*last))
        }
        (None, Some(first), Some(last), _) => {
            mix(behind, u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)))
        }
        (.., label) => mix(behind, label.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))),
    }
}

/// The word of a last label among [`Suffixes::tops`], and its bit.
#[inline]
#[allow(clippy::cast_possible_truncation)] // parts of it
fn top(label: &[u8]) -> (usize, u64) {
    let hash = mixed(SEED, label);
    ((hash >> 6) as usize % TOPS, 1 << (hash % 64))
}

/// What the place of a slot does not say of a hash.
#[inline]
fn upper(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::of(text).unwrap()
    }

    #[test]
    fn every_ending_on_a_label_counts() {
        let mut set = Suffixes::default();
        set.add(&name("b.example"), 1, 8);
        set.add(&name("a.b.example"), 2, 16);
        let found = |text| set.find(&name(text));
        assert_eq!(found("b.example"), Found { marks: 25, whole: Some(17), labels: 2 });
        assert_eq!(found("x.A.b.Example."), Found { marks: 27, whole: None, labels: 4 });
        assert_eq!(found("example"), Found { marks: 24, whole: Some(24), labels: 1 });
        assert_eq!(found("xb.example"), Found { marks: 24, whole: None, labels: 2 });
        assert_eq!(found("example.org"), Found { marks: 0, whole: None, labels: 2 });
        assert_eq!(found("."), Found { marks: 0, whole: Some(0), labels: 0 });
        assert_eq!(set.longest(&name("x.a.b.example"), 3).as_deref(), Some("a.b.example"));
        assert_eq!(set.longest(&name("x.a.b.example"), 1).as_deref(), Some("b.example"));
        assert_eq!(set.longest(&name("xb.example"), 3), None);
        assert_eq!(set.below(&name("example"), 2).as_deref(), Some("a.b.example"));
        assert_eq!(set.below(&name("b.example"), 1), None);
        assert_eq!(set.below(&name("xample"), 3), None);
    }

    #[test]
    fn many_names_are_all_found_and_no_others() {
        let mut set = Suffixes::default();
        for number in 0..20_000 {
            set.add(&name(&format!("host{number}.zone{}.example", number % 700)), 1, 2);
        }
        assert!(set.entries.len() == 20_000 + 701 && set.entries.len() * 2 <= set.slots.len());
        for number in 0..20_000 {
            let there = set.find(&name(&format!("www.host{number}.zone{}.example", number % 700)));
            assert_eq!(there, Found { marks: 3, whole: None, labels: 4 });
            let other = set.find(&name(&format!("www.host{number}.zone{}.example", (number + 1) % 700)));
            assert_eq!(other.marks, 2);
        }
        // What is found by hash alone is what is found by comparing.
        for number in 0..5_000 {
            let name = name(&format!("host{number}.zone{}.example", number % 900));
            assert_eq!(set.find(&name), set.find_slowly(bare(&name), &Labels::of(bare(&name))));
        }
    }

    #[test]
    fn the_longest_names_are_names() {
        let mut set = Suffixes::default();
        let long = ["a"; 127].join(".");
        set.add(&name(&long), 1, 2);
        assert_eq!(set.find(&name(&long)), Found { marks: 3, whole: Some(1), labels: 127 });
        let wide = [&"b".repeat(61), &"c".repeat(63), &"d".repeat(63), &"e".repeat(63)].map(String::as_str).join(".");
        set.add(&name(&wide), 4, 8);
        assert_eq!(set.find(&name(&wide)), Found { marks: 12, whole: Some(4), labels: 4 });
        assert_eq!(set.longest(&name(&wide), 4), Some(wide));
    }
}
