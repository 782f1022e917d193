//! Waits until inference servers say that they are ready.
//!
//! Each target has a thread that asks it when it is told to (see [`super::threads`]); this one decides when, and wakes up for an
//! answer, a signal, the end of the process, and the time limit.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::ask::State;
use super::command::{self, Process};
use super::log::Log;
use super::progress::{Mode, Progress};
use super::request::Request;
use super::threads::{self, Answer, Waiting};
use crate::error::{Failure, Kind};
use crate::host::{Host, clock};

/// How long the very first answers are waited for where there is no time at all.
const FIRST: Duration = Duration::from_secs(1);
/// How long a first answer is waited for without a word. `SGLang` needs more than a second for one.
const MUTE: Duration = Duration::from_secs(2);
/// From one look at the log, or at a process that has no file, to the next.
const LOOK: Duration = Duration::from_millis(500);
const LOOK_AT_PROCESS: Duration = Duration::from_millis(50);

/// `hpcsh wait`: returns when the servers are ready.
///
/// # Errors
/// What cannot be meant; the end of the process, what waiting cannot mend, the time limit (124).
pub fn run(host: &mut Host, request: &Request) -> Result<(), Failure> {
    let (mut waiting, threads) = threads::prepare(host, request)?;
    if request.json && !request.command.is_empty() && request.log.is_none() {
        return Err(
            Failure::usage("--json and a command share standard output").hint("give the command's to --log FILE")
        );
    }
    let mut log = None;
    let follow =
        |path: &Path, only_new| Log::follow(path, host.absolute(&host.locate(path)), only_new).map_err(Failure::failed);
    // Held back before there is a thread that could take them, or a command that nobody would tell of them.
    let signals = (!request.command.is_empty()).then(command::hold).transpose()?;
    let mut process = None;
    if let Some(pid) = request.pid {
        process = Some(Process::running(pid)?);
    }
    if let Some(path) = &request.log {
        log = Some(follow(path, !request.command.is_empty())?);
    }
    let start = clock::now();
    let (answers, wake) = threads.start(&mut waiting, request)?;
    if let Some(signals) = signals {
        is_free(&mut waiting, &answers, request)?;
        process = Some(Process::start(host, &request.command, request.log.as_deref(), signals)?);
    }
    let shares_terminal = !request.command.is_empty() && request.log.is_none();
    let mode = match (request.json, shares_terminal || host.err_columns().is_none()) {
        (true, _) => Mode::Json,
        (_, true) => Mode::Lines,
        _ => Mode::Live,
    };
    let deadline = request.settings.timeout.and_then(|limit| start.checked_add(limit));
    let mut all =
        Loop { waiting, answers, wake, process, log, progress: Progress::new(mode), start, deadline, any: request.any };
    let done = all.run(host);
    all.progress.clear(host);
    done.map_err(|mut failure| {
        if let Some(process) = all.process.as_mut().filter(|process| process.is_ours())
            && process.stop()
        {
            failure.message += &format!("; {} was ended", process.name);
        }
        failure
    })
}

/// Nothing is started where everything is ready already: it would be another server that we take for ours.
fn is_free(waiting: &mut [Waiting], answers: &Receiver<Answer>, request: &Request) -> Result<(), Failure> {
    let until = clock::now() + FIRST;
    let mut ready = 0;
    let mut kept = Vec::new();
    while kept.len() < waiting.len() {
        let Ok(answer) = answers.recv_timeout(until.saturating_duration_since(clock::now())) else { break };
        ready += usize::from(answer.1.state == State::Ready);
        kept.push(answer);
    }
    let is_done = if request.any { ready > 0 } else { ready == waiting.len() };
    if is_done {
        let url = waiting.iter().map(|one| one.url.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Failure::failed(format!(
            "{url} is ready before the command has been started: another server is there"
        ))
        .hint("end that one, or give this one another port")
        .of_kind(Kind::Runner));
    }
    // They are asked again at once: much may have changed.
    for (number, ..) in kept {
        waiting[number].due = Some(clock::now());
    }
    Ok(())
}

/// Says once that it is waited for.
fn announce(progress: &mut Progress, host: &mut Host, one: &mut Waiting) {
    if !std::mem::replace(&mut one.is_announced, true) {
        progress.waiting(host, one.name, &one.target, &one.url);
    }
}

struct Loop {
    waiting: Vec<Waiting>,
    answers: Receiver<Answer>,
    wake: Arc<OwnedFd>,
    process: Option<Process>,
    log: Option<Log>,
    progress: Progress,
    start: Instant,
    deadline: Option<Instant>,
    any: bool,
}

impl Loop {
    fn run(&mut self, host: &mut Host) -> Result<(), Failure> {
        loop {
            if let Some(process) = &mut self.process {
                process.forward();
            }
            let is_ready = self.take(host)?;
            // Looked at behind the answers: who has ended since then is not ready, whoever may have answered.
            self.look_at_process(host)?;
            if is_ready {
                return Ok(());
            }
            let now = clock::now();
            let is_first = self.waiting.iter().any(|one| one.seen.is_none());
            if self.deadline.is_some_and(|deadline| now >= deadline && (!is_first || now >= self.start + FIRST)) {
                return Err(self.timed_out(host));
            }
            for one in &mut self.waiting {
                if one.due.is_some_and(|due| due <= now) {
                    one.due = None;
                    let _ = one.go.send(());
                }
            }
            if now >= self.start + MUTE {
                for one in self.waiting.iter_mut().filter(|one| one.seen.is_none()) {
                    announce(&mut self.progress, host, one);
                }
            }
            self.show(host);
            self.sleep(now, is_first);
        }
    }

    /// Takes the answers that have come; gives whether that is all that was waited for.
    fn take(&mut self, host: &mut Host) -> Result<bool, Failure> {
        while let Ok((number, seen, began, ended)) = self.answers.try_recv() {
            let is_over = matches!(seen.state, State::Ready | State::Hopeless);
            let one = &mut self.waiting[number];
            one.due = if is_over { None } else { Some(one.schedule.next(seen.state.pace(), began, ended)) };
            let is_first = one.seen.is_none();
            if is_first && !is_over {
                announce(&mut self.progress, host, one);
            }
            let before = one.seen.replace(seen.clone());
            let is_hopeless = |one: &Waiting| matches!(&one.seen, Some(seen) if seen.state == State::Hopeless);
            let is_failure = is_hopeless(&self.waiting[number]) && (!self.any || self.waiting.iter().all(is_hopeless));
            let is_last = is_failure || self.is_ready();
            if before.is_none_or(|before| (before.state, before.words) != (seen.state, seen.words.clone())) {
                self.progress.turned(host, &self.waiting[number].target, &seen, is_first, is_last);
            }
            if is_failure {
                let failure = Failure::failed(format!("{}: {}", self.waiting[number].target, seen.words));
                return Err(match seen.hint {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                });
            }
        }
        Ok(self.is_ready())
    }

    fn is_ready(&self) -> bool {
        let mut ready = self.waiting.iter().map(|one| matches!(&one.seen, Some(seen) if seen.state == State::Ready));
        if self.any { ready.any(|ready| ready) } else { ready.all(|ready| ready) }
    }

    fn look_at_process(&mut self, host: &mut Host) -> Result<(), Failure> {
        let Some(process) = &mut self.process else { return Ok(()) };
        let Some(end) = process.watch.ended() else { return Ok(()) };
        // The terminal's signal may have ended it before we have read ours.
        process.forward();
        let lines = self.log.as_ref().map(Log::last_lines).unwrap_or_default();
        self.progress.ended(host, process.watch.pid().as_raw_nonzero().get(), end, &lines);
        if let Some(log) = &self.log {
            self.progress.log(host, &log.shown, &lines);
        }
        Err(process.end(end))
    }

    fn timed_out(&mut self, host: &mut Host) -> Failure {
        self.progress.timed_out(host);
        if let Some(log) = &self.log {
            let lines = log.last_lines();
            self.progress.log(host, &log.shown, &lines);
        }
        let open = self.waiting.iter().filter(|one| !matches!(&one.seen, Some(seen) if seen.state == State::Ready));
        let told = open.map(|one| {
            let words = one.seen.as_ref().map_or("does not answer", |seen| seen.words.as_str());
            format!("{} was not ready in time: {words}", one.url)
        });
        let failure = Failure::timed_out(told.collect::<Vec<_>>().join("; "));
        let hint = self.waiting.iter().find_map(|one| one.seen.as_ref()?.hint);
        hint.map_or(failure.clone(), |hint| failure.hint(hint))
    }

    fn show(&mut self, host: &mut Host) {
        let phase = self.log.as_ref().and_then(Log::phase);
        if self.progress.is_live() {
            let words = |one: &Waiting| one.seen.as_ref().map_or("…".to_owned(), |seen| seen.words.clone());
            let targets: Vec<_> = self.waiting.iter().map(|one| (one.target.to_string(), words(one))).collect();
            if self.waiting.iter().any(|one| one.seen.is_some() || one.is_announced) {
                self.progress.show(host, &targets, phase.as_deref());
            }
        } else if let Some(phase) = phase {
            self.progress.phase(host, &phase);
        }
    }

    /// Until there may be something to do.
    fn sleep(&mut self, now: Instant, is_first: bool) {
        let mut until: Vec<Instant> = self.waiting.iter().filter_map(|one| one.due).collect();
        until.extend(self.deadline.map(|deadline| if is_first { deadline.max(self.start + FIRST) } else { deadline }));
        if self.progress.is_live() || self.log.is_some() {
            until.push(now + LOOK);
        }
        if is_first && now < self.start + MUTE {
            until.push(self.start + MUTE);
        }
        let mut files = vec![PollFd::new(&self.wake, PollFlags::IN)];
        if let Some(process) = &self.process {
            files.extend(process.signals().map(|signals| PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN)));
            match process.watch.file() {
                Some(file) => files.push(PollFd::from_borrowed_fd(file, PollFlags::IN)),
                None => until.push(now + LOOK_AT_PROCESS),
            }
        }
        let most = until.into_iter().min().map(|until| until.saturating_duration_since(clock::now()));
        let most = most.and_then(|most| Timespec::try_from(most).ok());
        let woken = poll(&mut files, most.as_ref()).is_ok() && files[0].revents().contains(PollFlags::IN);
        if woken {
            // The count of answers, which is zero then.
            let _ = rustix::io::read(&*self.wake, &mut [0; 8]);
        }
    }
}
