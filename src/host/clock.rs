//! Time and patience.

use std::time::{Duration, Instant};

/// A moment on the monotonic clock, which no administrator moves.
pub fn now() -> Instant {
    Instant::now()
}

/// The moment after so long; a century counts as never, which the clock has no number for.
pub fn after(span: Duration) -> Instant {
    now() + span.min(Duration::from_hours(100 * 365 * 24))
}

/// Waits.
pub fn sleep(span: Duration) {
    std::thread::sleep(span);
}

/// Seconds since 1970, by the clock that files have their times from. An administrator may move it: for ages that people read.
pub fn calendar() -> i64 {
    rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec
}

/// Microseconds of the monotonic clock, as systemd counts them.
pub fn monotonic_micros() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let [seconds, nanoseconds] = [now.tv_sec, now.tv_nsec].map(|part| u64::try_from(part).unwrap_or_default());
    seconds * 1_000_000 + nanoseconds / 1000
}

/// Hundredths of a second since the node started, sleep included: as the kernel tells when a process did.
pub fn hundredths() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    (time.tv_sec * 100 + time.tv_nsec / 10_000_000).unsigned_abs()
}
