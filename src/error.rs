//! What went wrong, in one sentence, and what to do about it.
//!
//! A [`Failure`] is the only error that leaves a capability. Its kind picks the exit code.

use std::fmt;

/// Why a command ended without doing its work; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The work was tried and failed: 1.
    Failed,
    /// Wrong arguments or a wrong configuration: 2.
    Usage,
    /// A time limit of the user's ran out: 124, as `timeout` has it.
    TimedOut,
    /// What was to run a command for the user failed itself: 125.
    Runner,
    /// The user's command cannot be run: 126.
    CannotRun,
    /// The user's command is not there: 127.
    NotThere,
    /// A signal of this number ended it: 128 more, as shells have it. 130 is an interrupt.
    Signalled(u8),
}

impl Kind {
    /// The process exit code for this kind.
    pub fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::TimedOut => 124,
            Self::Runner => 125,
            Self::CannotRun => 126,
            Self::NotThere => 127,
            Self::Signalled(number) => number.saturating_add(128),
        }
    }
}

/// An error for people: one sentence, and a hint where there is something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Decides the exit code.
    pub kind: Kind,
    /// What happened, and where: one sentence without a full stop.
    pub message: String,
    /// What to do, if anything.
    pub hint: Option<String>,
}

impl Failure {
    /// The work was tried and failed (exit code 1).
    pub fn failed(message: impl Into<String>) -> Self {
        Self { kind: Kind::Failed, message: message.into(), hint: None }
    }

    /// The arguments or the configuration are wrong (exit code 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, ..Self::failed(message) }
    }

    /// A time limit ran out (exit code 124).
    pub fn timed_out(message: impl Into<String>) -> Self {
        Self { kind: Kind::TimedOut, ..Self::failed(message) }
    }

    /// The same failure, of another kind.
    #[must_use]
    pub fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// What runs a command for the user failed itself (exit code 125).
    pub fn runner(message: impl Into<String>) -> Self {
        Self { kind: Kind::Runner, ..Self::failed(message) }
    }

    /// The same failure with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// `error: …` and, on the next line, `hint: …`; no newline at the end.
impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "error: {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(out, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_a_sentence_and_a_hint() {
        let failure = Failure::usage("no such shell `tcsh`").hint("zsh and bash are supported");
        assert_eq!(failure.to_string(), "error: no such shell `tcsh`\nhint: zsh and bash are supported");
        assert_eq!(failure.kind.code(), 2);
    }
}
