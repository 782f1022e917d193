//! The names that were blocked: which one is new, and which were so most often. Fixed memory, whatever is asked for.

use std::fmt;

use super::Blocked;
use crate::dns::hash::Keys;
use crate::dns::question::Name;

/// So many bits tell whether a name was there: 10,000 names leave one of them or two untold.
const BITS: usize = 1 << 20;
/// So many names are counted: sets of [`WAYS`] each.
const SETS: usize = 256;
const WAYS: usize = 8;

/// See the module.
pub struct Names {
    keys: Keys,
    seen: Box<[u64]>,
    sets: Box<[Set]>,
}

/// Names among which one that is new takes the place of who was there least often.
#[derive(Clone, Default)]
struct Set {
    /// The upper half of the name's hash.
    marks: [u32; WAYS],
    counts: [u64; WAYS],
    names: [Vec<u8>; WAYS],
}

impl Default for Names {
    fn default() -> Self {
        let sets = vec![Set::default(); SETS].into_boxed_slice();
        Self { keys: Keys::new(), seen: vec![0; BITS / 64].into_boxed_slice(), sets }
    }
}

impl Names {
    /// Counts a name; whether it is there for the first time.
    pub fn count(&mut self, name: &Name) -> bool {
        let hash = self.keys.hash(name, 0);
        #[allow(clippy::cast_possible_truncation)] // parts of it
        let (one, other, set, mark) =
            (hash as usize % BITS, (hash >> 24) as usize % BITS, hash as usize % SETS, (hash >> 32) as u32);
        let is_new = self.see(one) | self.see(other);
        let set = &mut self.sets[set];
        if let Some(at) = set.marks.iter().position(|known| *known == mark) {
            set.counts[at] += 1;
            return is_new;
        }
        let mut least = 0;
        for at in 1..WAYS {
            if set.counts[at] < set.counts[least] {
                least = at;
            }
        }
        (set.marks[least], set.counts[least]) = (mark, 1);
        set.names[least].clear();
        set.names[least].extend_from_slice(name.wire());
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
        let ways = self.sets.iter().flat_map(|set| set.counts.iter().zip(&set.names));
        let mut all: Vec<(u64, &Vec<u8>)> =
            ways.filter(|(count, _)| **count > 0).map(|(count, name)| (*count, name)).collect();
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
        assert_eq!(Names::default().top(3), []);
    }
}
