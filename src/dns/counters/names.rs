//! The names that were blocked: which one is new, and which were so most often. Fixed memory, whatever is asked for.

use std::fmt;

use super::Blocked;
use crate::dns::hash::Keys;
use crate::dns::question::Name;

/// So many bits tell whether a name was there: 10,000 names leave one of them or two untold.
const BITS: usize = 1 << 20;
/// So many names are counted: sets of [`WAYS`] each.
const SETS: usize = 256;
const WAYS: usize = 7;

/// See the module.
pub struct Names {
    keys: Keys,
    seen: Box<[u64]>,
    sets: Box<[Set]>,
    /// A name of each way of each set; empty until it is kept.
    texts: Box<[[Vec<u8>; WAYS]]>,
}

/// Names among which one that is new takes the place of who was there least often: one line of the processor's cache.
#[derive(Clone, Default)]
#[repr(align(64))]
struct Set {
    /// The upper half of the name's hash, made odd; zero where there is none.
    marks: [u32; WAYS],
    counts: [u32; WAYS],
    /// A bit for each way: its name is kept. Where names take turns, one is only when it comes for the second time.
    kept: u8,
}

impl Set {
    /// The way that counts least.
    #[inline]
    fn least(&self) -> usize {
        // The number of each behind its count: then it is the least of numbers, without a jump.
        let ways = self.counts.iter().zip(0_u64..).map(|(count, way)| u64::from(*count) << 3 | way);
        ways.min().map_or(0, |least| (least % 8) as usize).min(WAYS - 1)
    }
}

impl Default for Names {
    fn default() -> Self {
        let seen = vec![0; BITS / 64].into_boxed_slice();
        let (sets, texts) = (vec![Set::default(); SETS], vec![<[Vec<u8>; WAYS]>::default(); SETS]);
        Self { keys: Keys::new(), seen, sets: sets.into(), texts: texts.into() }
    }
}

impl Names {
    /// Counts a name; whether it is there for the first time.
    pub fn count(&mut self, name: &Name) -> bool {
        let hash = self.keys.hash(name, 0);
        #[allow(clippy::cast_possible_truncation)] // parts of it
        let (one, other, number, mark) =
            (hash as usize % BITS, (hash >> 24) as usize % BITS, hash as usize % SETS, (hash >> 32) as u32 | 1);
        let is_new = self.see(one) | self.see(other);
        let set = &mut self.sets[number];
        let way = if let Some(way) = set.marks.iter().position(|known| *known == mark) {
            set.counts[way] = set.counts[way].saturating_add(1);
            way
        } else {
            let way = set.least();
            let is_empty = set.counts[way] == 0;
            (set.marks[way], set.counts[way]) = (mark, 1);
            if !is_empty {
                set.kept &= !(1 << way);
                return is_new;
            }
            way
        };
        if set.kept & 1 << way == 0 {
            set.kept |= 1 << way;
            let kept = &mut self.texts[number][way];
            kept.clear();
            kept.extend_from_slice(name.wire());
        }
        is_new
    }

    /// Sets a bit; whether it was not.
    fn see(&mut self, bit: usize) -> bool {
        let (word, mask) = (&mut self.seen[bit / 64], 1 << (bit % 64));
        let is_new = *word & mask == 0;
        *word |= mask;
        is_new
    }

    /// The names that were there most often.
    pub fn top(&self, most: usize) -> Vec<Blocked> {
        let kept = self.sets.iter().zip(&self.texts).flat_map(|(set, names)| {
            let ways = set.counts.iter().zip(names).enumerate();
            ways.filter(|(at, _)| set.kept & 1 << at != 0).map(|(_, (count, name))| (u64::from(*count), name))
        });
        let mut all: Vec<(u64, &Vec<u8>)> = kept.collect();
        all.sort_unstable_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(other.1)));
        all.truncate(most);
        all.into_iter().map(|(count, wire)| Blocked { name: Name::of_wire(wire).to_string(), count }).collect()
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Names")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        let labels =
            text.split('.').flat_map(|label| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat());
        Name::of_wire(&labels.chain([0]).collect::<Vec<_>>())
    }

    #[test]
    fn a_name_is_new_once() {
        let mut names = Names::default();
        let all: Vec<Name> = (0..10_000).map(|number| name(&format!("name-{number}.example"))).collect();
        let new = all.iter().filter(|name| names.count(name)).count();
        // One or two are taken for others.
        assert!((9_980..=10_000).contains(&new), "{new}");
        for name in &all {
            assert!(!names.count(name));
        }
    }

    #[test]
    fn what_is_asked_for_most_is_told_though_there_is_much_else() {
        let mut names = Names::default();
        for round in 0..10 {
            for number in 0..3_000 {
                names.count(&name(&format!("{round}.{number}.example")));
            }
            for _ in 0..100 {
                names.count(&name("huggingface.co"));
            }
            names.count(&name("pypi.org"));
            names.count(&name("pypi.org"));
        }
        let top = names.top(3);
        assert_eq!(top[0], Blocked { name: "huggingface.co".into(), count: 1000 });
        assert_eq!(top[1], Blocked { name: "pypi.org".into(), count: 20 });
        assert_eq!((top.len(), top[2].count), (3, 1));
        let mut names = Names::default();
        assert_eq!(names.top(3), []);
        names.count(&name("once.example"));
        assert_eq!(names.top(3), [Blocked { name: "once.example".into(), count: 1 }]);
    }
}
