//! What was answered how often.

use super::question::Question;

/// The figures of one thread.
#[derive(Debug, Default)]
pub struct Counters {
    // STUB: for the one who builds this file.
}

impl Counters {
    /// A name was blocked; whether for the first time, as far as is remembered.
    pub fn blocked(&self, _question: &Question) -> bool {
        false
    }

    /// A question was answered here: localhost, or that there is nothing of this type.
    pub fn answered_here(&self) {}

    /// A question was answered from memory.
    pub fn remembered(&self) {}

    /// A question is forwarded.
    pub fn forwarded(&self) {}

    /// A forwarded question got no answer.
    pub fn failed(&self) {}

    /// A message that is no usual question was answered on the slow path: refused, not known, malformed.
    pub fn unusual(&self) {}
}
