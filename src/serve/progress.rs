//! What people, and programs, are told while they wait: one line that changes on a terminal, a line per change elsewhere,
//! events as JSON.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ask::{Seen, State};
use super::phase;
use super::target::Target;
use crate::host::watch::End;
use crate::host::{Host, clock};

/// A line that was said is not said again so soon: a server may crash and start many times a second.
const AGAIN: Duration = Duration::from_secs(10);
/// The most lines of phases.
const PHASES: usize = 200;

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One line that is written again, on a terminal.
    Live,
    /// A line per change.
    Lines,
    /// JSON on standard output.
    Json,
}

/// What has been told.
pub struct Progress {
    mode: Mode,
    start: Instant,
    said: HashMap<String, Instant>,
    phases: Vec<String>,
    shown: String,
}

impl Progress {
    /// Nothing yet.
    pub fn new(mode: Mode) -> Self {
        Self { mode, start: clock::now(), said: HashMap::new(), phases: Vec::new(), shown: String::new() }
    }

    /// Whether a line has to be written again as time goes by.
    pub fn is_live(&self) -> bool {
        self.mode == Mode::Live
    }

    /// Seconds since the beginning, to the millisecond.
    fn elapsed(&self) -> Value {
        json!((self.start.elapsed().as_secs_f64() * 1e3).round() / 1e3)
    }

    fn event(&self, host: &mut Host, event: &str, mut value: Value) {
        value["event"] = event.into();
        value["elapsed"] = self.elapsed();
        host.print(format!("{value}\n"));
    }

    /// The first words: in the article's form.
    pub fn waiting(&mut self, host: &mut Host, name: &str, target: &Target, url: &str) {
        if self.mode == Mode::Json {
            self.event(host, "waiting", json!({ "target": target.to_string() }));
        } else {
            self.clear(host);
            host.say(format!("{name} is not started, waiting for {url} ..."));
        }
    }

    /// A target answers something else than before; `is_first` where that is its first answer, `is_last` where that ends the
    /// waiting.
    pub fn turned(&mut self, host: &mut Host, target: &Target, seen: &Seen, is_first: bool, is_last: bool) {
        if self.mode == Mode::Json {
            let mut value = json!({ "target": target.to_string(), "state": seen.state.word(), "detail": seen.words });
            if let Some(kind) = seen.kind {
                value["kind"] = kind.word().into();
            }
            if !seen.models.is_empty() {
                value["models"] = seen.models.clone().into();
            }
            let event = if seen.state == State::Ready { "ready" } else { "state" };
            self.event(host, event, value);
            return;
        }
        // That it is not there yet is what the first words have said; that it is ready, or never will be, is why we end.
        let is_expected = is_first && matches!(seen.state, State::Refused | State::Loading);
        if self.mode == Mode::Live || is_expected || is_last {
            return;
        }
        self.line(host, &format!("{target}: {}", seen.words));
    }

    /// The log tells a phase.
    pub fn phase(&mut self, host: &mut Host, phase: &str) {
        let key = phase::key(phase);
        if self.mode == Mode::Live || self.phases.contains(&key) || self.phases.len() >= PHASES {
            return;
        }
        self.phases.push(key);
        if self.mode == Mode::Json {
            self.event(host, "phase", json!({ "phase": phase }));
        } else {
            self.line(host, &format!("log: {phase}"));
        }
    }

    /// The process has ended.
    pub fn ended(&mut self, host: &mut Host, pid: i32, end: End, log: &[String]) {
        if self.mode == Mode::Json {
            let (status, signal) = match end {
                End::Code(code) => (Some(code), None),
                End::Signal(signal) => (None, Some(signal)),
                End::Unknown => (None, None),
            };
            self.event(host, "ended", json!({ "pid": pid, "status": status, "signal": signal, "log": log }));
        }
    }

    /// Time is over.
    pub fn timed_out(&mut self, host: &mut Host) {
        if self.mode == Mode::Json {
            self.event(host, "timeout", json!({}));
        }
    }

    /// The last lines of a log, above the failure that they explain.
    pub fn log(&mut self, host: &mut Host, path: &Path, lines: &[String]) {
        self.clear(host);
        if self.mode == Mode::Json {
            return;
        }
        if lines.is_empty() {
            host.say(format!("{} has no lines", path.display()));
            return;
        }
        host.say(format!("the last lines of {}:", path.display()));
        for line in lines {
            host.say(format!("  {line}"));
        }
    }

    /// A line that the log's reader knows as ours.
    fn line(&mut self, host: &mut Host, text: &str) {
        let now = clock::now();
        let is_new = self.said.get(text).is_none_or(|since| now.saturating_duration_since(*since) >= AGAIN);
        if is_new {
            self.said.insert(text.to_owned(), now);
            let seconds = self.start.elapsed().as_secs();
            host.say(format!("{}{text}, after {}", phase::OWN, span(seconds)));
        }
    }

    /// Writes the live line again, where it has changed.
    pub fn show(&mut self, host: &mut Host, targets: &[(String, String)], phase: Option<&str>) {
        if self.mode != Mode::Live {
            return;
        }
        let Some(columns) = host.err_columns() else { return };
        let line = live(self.start.elapsed().as_secs(), targets, phase, columns.saturating_sub(1));
        if line != self.shown {
            let _ = write!(host.err, "\r\u{1b}[K{line}").and_then(|()| host.err.flush());
            self.shown = line;
        }
    }

    /// Takes the live line away. In the background, where it is not any more, another's would go.
    pub fn clear(&mut self, host: &mut Host) {
        if !self.shown.is_empty() {
            if host.err_columns().is_some() {
                let _ = write!(host.err, "\r\u{1b}[K").and_then(|()| host.err.flush());
            }
            self.shown.clear();
        }
    }
}

/// `1:02 http://localhost:8000 loading (503) | Loading shards 3/8`, in so many columns.
fn live(seconds: u64, targets: &[(String, String)], phase: Option<&str>, columns: usize) -> String {
    let targets: Vec<String> = targets.iter().map(|(name, words)| format!("{name} {words}")).collect();
    let mut line = format!("{} {}", span(seconds), targets.join(", "));
    if let Some(phase) = phase {
        line += " | ";
        line += phase;
    }
    if line.chars().count() > columns {
        line = line.chars().take(columns.saturating_sub(1)).chain(['…']).collect();
    }
    line
}

fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_live_line_fits_the_terminal() {
        let targets = [("http://a:1".to_owned(), "refused".to_owned()), ("b".to_owned(), "loading (503)".to_owned())];
        assert_eq!(live(7, &targets[..1], None, 80), "7 s http://a:1 refused");
        let whole = live(3725, &targets, Some("Loading shards 3/8"), 80);
        assert_eq!(whole, "1:02:05 http://a:1 refused, b loading (503) | Loading shards 3/8");
        assert_eq!(live(62, &targets, None, 20), "1:02 http://a:1 ref…");
        assert_eq!(live(62, &targets, None, 20).chars().count(), 20);
    }
}
