//! What hpcsh holds of the node: is it online?

use std::fmt;

/// Whether the node reaches the internet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It does.
    Online,
    /// It does not.
    Offline,
    /// Nobody knows yet; counts as offline, since a wrong "online" hangs for minutes and a wrong "offline" fails at once.
    #[default]
    Unknown,
}

impl State {
    /// The state as one word: `online`, `offline`, `unknown`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Unknown => "unknown",
        }
    }

    /// The state of this word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Online, Self::Offline, Self::Unknown].into_iter().find(|state| state.word() == word)
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

/// A state and how it was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What was decided.
    pub state: State,
    /// By what, as a short phrase: `configured`, `no default route`.
    pub reason: String,
}

impl Verdict {
    /// A verdict of its parts. What a reason has of others' words drives no terminal.
    pub fn new(state: State, reason: impl Into<String>) -> Self {
        Self { state, reason: printable(&reason.into()) }
    }
}

/// A text in one line that is not too long to be remembered, without what would drive a terminal.
pub fn printable(text: &str) -> String {
    const MOST: usize = 500;
    let mut left = MOST;
    let fits = |c: &char| {
        left = left.saturating_sub(c.len_utf8());
        left > 0
    };
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take_while(fits).collect()
}

/// A verdict that the node remembers: the one line `VERDICT EXPIRES REASON…`, which shells read too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What was decided.
    pub verdict: Verdict,
    /// Until when it holds, in seconds since the node started: a wall clock that steps cannot freeze it.
    pub expires: u64,
}

impl Kept {
    /// The line of a file; `None` where it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let line = text.strip_suffix('\n').filter(|line| !line.contains(char::is_control))?;
        let (state, rest) = line.split_once(' ')?;
        let (expires, reason) = rest.split_once(' ')?;
        Some(Self { verdict: Verdict::new(State::of(state)?, reason), expires: expires.parse().ok()? })
    }

    /// The line of a file.
    pub fn line(&self) -> String {
        format!("{} {} {}\n", self.verdict.state, self.expires, self.verdict.reason)
    }

    /// Whether it holds at `now`. One that expires later than `ttl` seconds from now was made on another clock.
    pub fn is_fresh(&self, now: u64, ttl: u64) -> bool {
        now < self.expires && self.expires - now <= ttl
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_back_as_it_was() {
        let kept = Kept { verdict: Verdict::new(State::Offline, "no default route"), expires: 300 };
        assert_eq!(kept.line(), "offline 300 no default route\n");
        assert_eq!(Kept::parse(&kept.line()), Some(kept));
        let odd = Kept { verdict: Verdict::new(State::Online, "two\nlines"), expires: 0 };
        assert_eq!(odd.line(), "online 0 two lines\n");
        let wild = Verdict::new(State::Offline, "a\x1b]0;b\x07\u{9b}c\r\t").reason;
        assert_eq!(wild, "a ]0;b  c  ");
        assert_eq!(Verdict::new(State::Offline, "\u{1f600}".repeat(500)).reason.chars().count(), 124);
        for wrong in
            ["", "online", "online 5", "online 5 half", "maybe 5 x\n", "online -5 x\n", "online 5 a\nb\n", "\0\n"]
        {
            assert_eq!(Kept::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_clock_that_steps_freezes_nothing() {
        let kept = Kept { verdict: Verdict::new(State::Online, "x"), expires: 1000 };
        assert!(kept.is_fresh(900, 300) && kept.is_fresh(700, 300));
        assert!(!kept.is_fresh(1000, 300) && !kept.is_fresh(5000, 300) && !kept.is_fresh(10, 300));
    }
}
