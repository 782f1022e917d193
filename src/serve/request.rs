//! What is waited for, and how long: the command line over the configuration.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::kinds::Kind;
use super::target::{self, Target};
use crate::error::Failure;

/// `wait.targets` where no layer sets it: the article's server.
pub const TARGETS: [&str; 1] = ["http://localhost:8000"];
/// `wait.probe_timeout` where no layer sets it: `SGLang` needs more than a second for an answer.
pub const PROBE: Duration = Duration::from_secs(5);
/// The `[wait]` table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The servers, where none is named.
    pub targets: Vec<String>,
    /// The time limit; `None`: for ever.
    pub timeout: Option<Duration>,
    /// How long one probe may take.
    pub probe: Option<Duration>,
    /// Whose word counts for https, instead of the system's authorities.
    pub cacert: Option<PathBuf>,
}

/// What is asked for on the command line, and by the settings.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The servers as they were written; none: those of the settings.
    pub targets: Vec<String>,
    /// Whether one of them is enough.
    pub any: bool,
    /// The kind of all of them.
    pub kind: Option<Kind>,
    /// The name that must be served.
    pub model: Option<String>,
    /// The variable that holds the key.
    pub key: Option<String>,
    /// A process whose end ends the waiting.
    pub pid: Option<i32>,
    /// The same, and we start it.
    pub command: Vec<OsString>,
    /// The log of that process.
    pub log: Option<PathBuf>,
    /// Nobody has to vouch for a server.
    pub insecure: bool,
    /// Events as JSON.
    pub json: bool,
    /// The table; what was typed is in it already.
    pub settings: Settings,
}

impl Request {
    /// The servers: those that were named, else the configured ones; with a kind alone, the one at its usual port.
    ///
    /// # Errors
    /// One of them is none, or there is none.
    pub fn servers(&self) -> Result<Vec<Target>, Failure> {
        let texts = if self.targets.is_empty() { &self.settings.targets } else { &self.targets };
        if let Some(kind) = self.kind.filter(|_| self.targets.is_empty() && *texts == TARGETS) {
            return Ok(vec![Target::here(kind.port())]);
        }
        let read = |text: &String| {
            let wrong = |why| Failure::usage(format!("`{text}` is no server to wait for: {why}")).hint(target::HINT);
            target::parse(text).map_err(wrong)
        };
        let servers: Vec<Target> = texts.iter().map(read).collect::<Result<_, _>>()?;
        if servers.is_empty() {
            return Err(Failure::usage("there is no server to wait for").hint(target::HINT));
        }
        Ok(servers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_wins_over_what_is_configured() {
        let servers = |named: &[&str], configured: &[&str], kind| {
            let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            let settings = Settings { targets: list(configured), ..Settings::default() };
            let request = Request { targets: list(named), kind, settings, ..Request::default() };
            request.servers().map(|servers| servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(servers(&["1", "2"], &TARGETS, None).as_deref(), Ok("http://localhost:1 http://localhost:2"));
        assert_eq!(servers(&[], &TARGETS, None).as_deref(), Ok("http://localhost:8000"));
        assert_eq!(servers(&[], &["gpu1:30000"], Some(Kind::Sglang)).as_deref(), Ok("http://gpu1:30000"));
        assert_eq!(servers(&[], &TARGETS, Some(Kind::Sglang)).as_deref(), Ok("http://localhost:30000"));
        assert!(servers(&[], &[], None).is_err() && servers(&["x"], &TARGETS, None).is_err());
    }
}
