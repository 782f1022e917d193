//! What the resolver says while it runs: lines on standard error, by `tracing`.
//!
//! Nobody waits for a line: a thread writes them, and where its reader has stopped they are lost, and counted. A name is a line when it
//! is blocked for the first time.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use super::policy::Action;
use super::question::Question;
use crate::host::{self, clock};

/// As many lines wait to be written.
const WAITING: usize = 1024;
/// As many names within a second are lines of their own; whoever asks for made-up names fills no disk.
const NAMES: u32 = 50;
/// How long the end waits for lines that nobody takes.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The log of this process; when it goes, what waits is written.
#[derive(Debug)]
pub struct Log {
    lines: SyncSender<Line>,
}

#[derive(Debug)]
enum Line {
    Text(Vec<u8>),
    /// All that came before it has been written.
    End(Sender<()>),
}

/// Lines are taken from now on, and written by a thread from [`Log::write`] on. In a journal, which has its own, they have no time.
pub fn open(is_journal: bool) -> (Log, Waiting) {
    let (lines, waiting) = sync_channel(WAITING);
    let lost = Arc::new(AtomicUsize::new(0));
    let queue = Queue { lines: lines.clone(), lost: Arc::clone(&lost) };
    let made = tracing_subscriber::fmt()
        .with_max_level(Level::INFO)
        .event_format(Style { is_journal })
        .with_writer(queue)
        .finish();
    // In a process that serves twice, the first one stays.
    let _ = tracing::subscriber::set_global_default(made);
    (Log { lines }, Waiting { lines: waiting, lost })
}

impl Drop for Log {
    fn drop(&mut self) {
        let (done, is_done) = channel();
        // Where nobody takes lines, nothing is waited for.
        if self.lines.try_send(Line::End(done)).is_ok() {
            let _ = is_done.recv_timeout(LAST_WORDS);
        }
    }
}

/// Lines that are to be written.
#[derive(Debug)]
pub struct Waiting {
    lines: Receiver<Line>,
    lost: Arc<AtomicUsize>,
}

impl Waiting {
    /// Writes lines, as long as there are any to come.
    pub fn write(self) {
        while let Ok(line) = self.lines.recv() {
            match line {
                Line::Text(text) => {
                    let lost = self.lost.swap(0, Ordering::Relaxed);
                    if lost > 0 {
                        host::talk(format!("{lost} lines are lost: nobody took them\n").as_bytes());
                    }
                    host::talk(&text);
                }
                Line::End(done) => {
                    let _ = done.send(());
                }
            }
        }
    }
}

/// Where `tracing` writes: each line by one call.
#[derive(Debug, Clone)]
struct Queue {
    lines: SyncSender<Line>,
    lost: Arc<AtomicUsize>,
}

impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if !line.is_empty() && self.lines.try_send(Line::Text(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// `2027-01-02T03:04:05.678901Z blocked huggingface.co (A)`; in a journal its number for the level stands before it (sd-daemon(3)).
struct Style {
    is_journal: bool,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>, N: for<'a> FormatFields<'a> + 'static> FormatEvent<S, N> for Style {
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        // Libraries have nothing to say that somebody could act upon, and whoever sends us messages could make them say it.
        if !event.metadata().target().starts_with(env!("CARGO_PKG_NAME")) {
            return Ok(());
        }
        let (number, word) = match *event.metadata().level() {
            Level::ERROR => ("<3>", "error: "),
            Level::WARN => ("<4>", "warning: "),
            _ => ("<6>", ""),
        };
        if self.is_journal {
            out.write_str(number)?;
        } else {
            SystemTime.format_time(&mut out)?;
            out.write_str(" ")?;
        }
        out.write_str(word)?;
        context.field_format().format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}

/// How many names are lines of their own in this second.
#[derive(Debug)]
pub struct Names {
    since: Cell<Instant>,
    told: Cell<u32>,
    untold: Cell<u64>,
}

impl Names {
    /// None yet.
    pub fn new() -> Self {
        Self { since: Cell::new(clock::now()), told: Cell::new(0), untold: Cell::new(0) }
    }

    /// A name was blocked for the first time.
    pub fn blocked(&self, question: &Question) {
        if self.since.get().elapsed() >= Duration::from_secs(1) {
            self.since.set(clock::now());
            self.told.set(0);
            let untold = self.untold.take();
            if untold > 0 {
                tracing::info!("blocked {untold} more names");
            }
        }
        if self.told.get() >= NAMES {
            self.untold.set(self.untold.get() + 1);
            return;
        }
        self.told.set(self.told.get() + 1);
        tracing::info!("blocked {} ({})", question.name, Kind(question.kind));
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}

/// A question, and what happens to it.
pub fn query(question: &Question, action: Action) {
    let what = match action {
        Action::Block => "blocked",
        Action::Empty => "empty",
        Action::Localhost => "localhost",
        Action::Forward => "forwarded",
    };
    tracing::info!("{what} {} ({})", question.name, Kind(question.kind));
}

/// A type as people call it.
struct Kind(u16);

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            1 => "A",
            2 => "NS",
            5 => "CNAME",
            6 => "SOA",
            12 => "PTR",
            15 => "MX",
            16 => "TXT",
            28 => "AAAA",
            33 => "SRV",
            35 => "NAPTR",
            43 => "DS",
            48 => "DNSKEY",
            64 => "SVCB",
            65 => "HTTPS",
            255 => "ANY",
            number => return write!(out, "TYPE{number}"),
        };
        out.write_str(name)
    }
}
