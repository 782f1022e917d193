//! Domains, one behind the other in one text: a site's list may have ten thousand, and a string for each of them is what a start
//! would wait for.

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domains {
    text: String,
    /// Where each one ends.
    ends: Vec<usize>,
}

impl Domains {
    /// None yet, and room for so many of the usual length.
    pub fn with_room_for(count: usize) -> Self {
        Self { text: String::with_capacity(count * USUAL), ends: Vec::with_capacity(count) }
    }

    /// Adds one.
    pub fn push(&mut self, domain: &str) {
        self.text.push_str(domain);
        self.ends.push(self.text.len());
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        let mut begin = 0;
        self.ends.iter().map(move |end| &self.text[std::mem::replace(&mut begin, *end)..*end])
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// So many bytes a domain has, about.
const USUAL: usize = 24;

impl<T: AsRef<str>> FromIterator<T> for Domains {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        let all = all.into_iter();
        let mut domains = Self::with_room_for(all.size_hint().0);
        all.for_each(|domain| domains.push(domain.as_ref()));
        domains
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_there_as_it_was_added() {
        let names = ["corp.example", "", "a", "a"];
        let domains: Domains = names.into_iter().collect();
        assert_eq!(domains.iter().collect::<Vec<_>>(), names);
        assert_eq!((domains.len(), domains.is_empty()), (4, false));
        assert!(Domains::default().is_empty() && Domains::default().iter().next().is_none());
    }
}
