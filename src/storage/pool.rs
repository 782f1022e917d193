//! Work side by side: on a shared file system each question waits for a server, and many can wait at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Scope};

/// Does all tasks, and those that they bring, with this many threads at the most; the results come in no order.
///
/// The last task brought is the first done, so that what a task holds open for those it brings is soon closed. No more threads
/// are started than there is work for, and where none can be, the caller does all of it.
pub fn run<T: Send, R: Send>(most: usize, first: Vec<T>, work: impl Fn(T, &mut Vec<T>) -> R + Sync) -> Vec<R> {
    let state = State { tasks: first, results: Vec::new(), busy: 0, threads: 1 };
    let pool = Pool { state: Mutex::new(state), changed: Condvar::new(), most, work };
    std::thread::scope(|scope| pool.serve(scope));
    pool.state.into_inner().unwrap_or_else(PoisonError::into_inner).results
}

struct Pool<T, R, W> {
    state: Mutex<State<T, R>>,
    changed: Condvar,
    most: usize,
    work: W,
}

struct State<T, R> {
    tasks: Vec<T>,
    results: Vec<R>,
    /// Threads at work.
    busy: usize,
    threads: usize,
}

impl<T: Send, R: Send, W: Fn(T, &mut Vec<T>) -> R + Sync> Pool<T, R, W> {
    /// One thread, until nothing is left to do and nobody works who could bring more.
    fn serve<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        let mut state = self.lock();
        while state.busy > 0 || !state.tasks.is_empty() {
            let Some(task) = state.tasks.pop() else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.busy += 1;
            // Each thread brings one more, as long as there is work for it.
            let helps = state.threads < self.most && !state.tasks.is_empty();
            state.threads += usize::from(helps);
            drop(state);
            if helps && Builder::new().spawn_scoped(scope, || self.serve(scope)).is_err() {
                self.lock().threads -= 1;
            }
            let mut more = Vec::new();
            let result = (self.work)(task, &mut more);
            state = self.lock();
            state.results.push(result);
            state.tasks.append(&mut more);
            state.busy -= 1;
            if state.busy == 0 || !state.tasks.is_empty() {
                self.changed.notify_all();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T, R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_task_is_done_once_and_so_is_what_it_brings() {
        for most in [1, 3, 64] {
            let mut done = run(most, vec![1, 2, 3], |task: u32, more| {
                if task < 1000 {
                    more.extend([task * 10, task * 10 + 5]);
                }
                task
            });
            done.sort_unstable();
            let mut unique = done.clone();
            unique.dedup();
            assert_eq!((done.len(), unique.len()), (45, 45), "{most}");
        }
        assert!(run(8, Vec::<u32>::new(), |task, _| task).is_empty());
    }

    #[test]
    fn no_more_threads_than_asked_for_and_no_fewer() {
        let (now, peak) = (AtomicUsize::new(0), AtomicUsize::new(0));
        run(6, (0..60).collect(), |_: u32, _| {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(2));
            now.fetch_sub(1, Ordering::SeqCst);
        });
        assert_eq!(peak.into_inner(), 6);
    }
}
