//! One task at several addresses, a little after each other; the first success wins (RFC 8305, "happy eyeballs").

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::host::clock;

/// How long an address is alone before the next one is tried too.
const STAGGER: Duration = Duration::from_millis(250);
/// Before a deadline, the time that is left for tasks to say why they end.
const LAST_WORDS: Duration = Duration::from_millis(40);
/// The most addresses of a name that are tried.
const MOST: usize = 6;
/// What a thread may use of the stack; a TLS handshake is the most that runs in one.
const STACK: usize = 512 << 10;

/// Runs a task beside this one; it is not waited for, and ends with the process at the latest.
///
/// # Errors
/// Where the user may have no more threads.
pub fn beside(task: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let built = thread::Builder::new().stack_size(STACK).spawn(task);
    built.map(drop).map_err(|error| format!("no thread can be started: {error}"))
}

/// A little earlier than this deadline: by then a task that is waited for until the deadline has to end.
pub fn before(deadline: Instant) -> Instant {
    let left = deadline.saturating_duration_since(clock::now());
    deadline.checked_sub(LAST_WORDS.min(left / 4)).unwrap_or(deadline)
}

/// The addresses in the order in which they are tried: the families in turn, IPv6 first, no more than a few.
pub fn order(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    let (six, four): (Vec<IpAddr>, Vec<IpAddr>) = addresses.iter().partition(|address| address.is_ipv6());
    let turns = 0..six.len().max(four.len());
    let found = turns.flat_map(|turn| [six.get(turn), four.get(turn)]).flatten();
    found.take(MOST).map(|address| SocketAddr::new(*address, port)).collect()
}

/// The task's first success, or each failure that came by the deadline.
///
/// The task gets an address and its own deadline, a little earlier: so that it can still say why it failed.
pub fn run<T, E>(
    addresses: Vec<SocketAddr>,
    deadline: Instant,
    task: impl Fn(SocketAddr, Instant) -> Result<T, E> + Send + Sync + 'static,
) -> Result<T, Vec<E>>
where
    T: Send + 'static,
    E: Send + 'static,
{
    let task = Arc::new(task);
    let own = before(deadline);
    let (sender, receiver) = mpsc::channel();
    let mut failures = Vec::new();
    let mut running = 0_usize;
    let mut ahead = addresses.into_iter();
    loop {
        let next = ahead.next();
        if let Some(address) = next {
            let (task, sender) = (Arc::clone(&task), sender.clone());
            let started = beside(move || {
                // Nobody may be waiting any more.
                let _ = sender.send(task(address, own));
            });
            if started.is_err() {
                continue;
            }
            running += 1;
        } else if running == 0 {
            return Err(failures);
        }
        let until = if ahead.len() > 0 { deadline.min(clock::now() + STAGGER) } else { deadline };
        match receiver.recv_timeout(until.saturating_duration_since(clock::now())) {
            Ok(Ok(success)) => return Ok(success),
            Ok(Err(failure)) => {
                failures.push(failure);
                running -= 1;
            }
            Err(RecvTimeoutError::Timeout) if until < deadline => {}
            Err(_) => return Err(failures),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(last: &[u8]) -> Vec<SocketAddr> {
        last.iter().map(|byte| SocketAddr::from(([192, 0, 2, *byte], 443))).collect()
    }

    #[test]
    fn the_families_take_turns() {
        let addresses: Vec<IpAddr> = ["1.1.1.1", "1.1.1.2", "1.1.1.3", "::1"].map(|text| text.parse().unwrap()).into();
        let order: Vec<_> = order(&addresses, 443).iter().map(ToString::to_string).collect();
        assert_eq!(order, ["[::1]:443", "1.1.1.1:443", "1.1.1.2:443", "1.1.1.3:443"]);
    }

    #[test]
    fn a_silent_address_holds_the_next_one_up_for_a_moment_only() {
        let start = clock::now();
        let deadline = start + Duration::from_secs(5);
        let found = run(of(&[1, 2]), deadline, move |address, _| {
            if address.to_string().starts_with("192.0.2.1:") {
                clock::sleep(Duration::from_secs(5));
            }
            Ok::<_, ()>(address)
        });
        assert_eq!(found, Ok(of(&[2])[0]));
        assert!((250..2000).contains(&start.elapsed().as_millis()));
    }

    #[test]
    fn a_failure_lets_the_next_one_start_at_once() {
        let start = clock::now();
        let found: Result<(), _> =
            run(of(&[1, 2, 3]), start + Duration::from_secs(5), |address, _| Err(address.port()));
        assert_eq!(found, Err(vec![443, 443, 443]));
        assert!(start.elapsed() < Duration::from_millis(250));
        assert_eq!(run(Vec::new(), start, |_, _| Ok::<(), ()>(())), Err(Vec::new()));
    }

    #[test]
    fn the_deadline_ends_it() {
        let start = clock::now();
        let found: Result<(), Vec<()>> = run(of(&[1, 2]), start + Duration::from_millis(100), |_, _| {
            clock::sleep(Duration::from_secs(5));
            Ok(())
        });
        assert_eq!(found, Err(Vec::new()));
        assert!((100..1000).contains(&start.elapsed().as_millis()));
    }
}
