//! What hpcsh holds of the node: is it online?

use std::fmt;

/// Whether the node reaches the internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does.
    Online,
    /// It does not.
    Offline,
    /// Nobody knows yet; counts as offline, since a wrong "online" hangs for minutes and a wrong "offline" fails at once.
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
    /// By what, as a short phrase: `configured`, `host name matches gpu*`.
    pub reason: String,
}

impl Verdict {
    /// A verdict of its parts.
    pub fn new(state: State, reason: impl Into<String>) -> Self {
        Self { state, reason: reason.into() }
    }

    /// Whether offline switches are to be set: unknown counts as offline.
    pub fn is_offline(&self) -> bool {
        self.state != State::Online
    }
}
