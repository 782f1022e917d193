//! How the checks look at storage: themselves where it is this node's, else in a child, in time.
//!
//! Once some of it has not answered, nobody looks at any of it again: a child that is stuck stays so, and one is enough.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::json;
use crate::finding::{Finding, Mend};
use crate::host::Host;
use crate::host::mounts;
use crate::host::patience::{Patience, in_time};
use crate::host::process::Stuck;
use crate::node::memory::Memory;

/// How long shared storage is waited for.
pub const PATIENCE: Duration = Duration::from_millis(700);

/// Who looks.
pub struct Eyes<'a> {
    host: &'a Host,
    patience: Patience,
    /// The storage that does not answer.
    hung: Option<PathBuf>,
}

/// What nobody has looked at.
pub struct Unseen {
    /// The storage on which it lies.
    pub mount: PathBuf,
    /// The storage that does not answer.
    pub hung: PathBuf,
}

impl Unseen {
    /// As a finding of this name.
    pub fn note(&self, name: &str) -> Finding {
        let Self { mount, hung } = self;
        let message = format!("not looked at what lies on {}: {} does not answer", mount.display(), hung.display());
        Finding::note(name, message)
    }
}

impl<'a> Eyes<'a> {
    /// Those of a process that knows already that this storage does not answer, or of none.
    pub fn new(host: &'a Host, hung: Option<PathBuf>) -> Self {
        let record = Memory::of(host).map(|memory| memory.file("reader"));
        Self { host, patience: Patience { deadline: PATIENCE, record }, hung }
    }

    /// What `check`, of this name, finds, which looks at these paths and at nothing else that may hang.
    pub fn look(&mut self, name: &str, paths: &[PathBuf], check: &dyn Fn() -> Vec<Finding>) -> Vec<Finding> {
        self.try_look(name, paths, check).unwrap_or_else(|unseen| vec![unseen.note(name)])
    }

    /// The same; `Err` where nobody has looked.
    pub fn try_look(
        &mut self,
        name: &str,
        paths: &[PathBuf],
        check: &dyn Fn() -> Vec<Finding>,
    ) -> Result<Vec<Finding>, Unseen> {
        let Some(mount) = mounts::first_shared(self.host, paths) else { return Ok(check()) };
        if self.hung.is_none() {
            let say = || Value::Array(check().iter().map(json::value).collect()).to_string().into_bytes();
            match in_time(&self.patience, say) {
                Ok(said) => {
                    let found = serde_json::from_slice(&said).ok().and_then(|value| json::heard(&value));
                    let lost = || vec![Finding::note(name, "not looked at: the process that did gave no answer")];
                    return Ok(found.unwrap_or_else(lost));
                }
                Err(Stuck) => self.hung = Some(mount.clone()),
            }
        }
        let hung = self.hung.clone().unwrap_or_else(|| mount.clone());
        Err(Unseen { mount, hung })
    }

    /// The storage that does not answer, as a finding.
    pub fn hung(&self) -> Option<Finding> {
        self.hung.as_deref().map(hung)
    }
}

fn hung(mount: &Path) -> Finding {
    let reader = Mend::new("ps -eo pid,stat,wchan:30,args | grep ' D'", "tells which processes wait for it");
    Finding::problem("storage", format!("{} does not answer", mount.display()))
        .hint("shells go by what this node has kept until it does; nothing on this node mends it")
        .mend(reader)
}
