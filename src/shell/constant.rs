//! Texts that are made when the program is.

/// A text of so many bytes; what has no room in it is counted. So one of none tells how long the real one is.
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    /// These texts, one after another.
    pub const fn of(texts: &[&str]) -> Self {
        let mut all = Self { bytes: [0; N], length: 0 };
        let mut at = 0;
        while at < texts.len() {
            all.push(texts[at]);
            at += 1;
        }
        all
    }

    /// Adds a text.
    pub const fn push(&mut self, text: &str) {
        let mut at = 0;
        while at < text.len() {
            if self.length < N {
                self.bytes[self.length] = text.as_bytes()[at];
            }
            self.length += 1;
            at += 1;
        }
    }

    /// How many bytes it has, or would have.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// The text, where all of it had room.
    pub const fn text(&self) -> &str {
        match std::str::from_utf8(&self.bytes) {
            Ok(text) if self.length == N => text,
            _ => unreachable!(),
        }
    }
}
