//! Time and patience.

use std::time::{Duration, Instant};

/// A moment on the monotonic clock, which no administrator moves.
pub fn now() -> Instant {
    Instant::now()
}

/// Waits.
pub fn sleep(span: Duration) {
    std::thread::sleep(span);
}
