//! Where this node keeps what is its own: the node-local directory, the run directory, and what TMPDIR names.
//!
//! Without them hpcsh works, and remembers nothing: each shell does anew what the one before has done.

use std::path::{Path, PathBuf};

use crate::finding::{Finding, Mend, Repair};
use crate::host::local_dir::{self, Refusal};
use crate::host::mounts::{self, Storage};
use crate::host::{Host, run_dir};

const NAME: &str = "node";

/// What is wrong with the node-local directory, which is at `local`, and with the run directory.
pub fn checks(host: &Host, local: &Path) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(refusal) = local_dir::refusal(&host.locate(local)) {
        found.push(refused(local, &refusal));
    }
    if let Storage::Shared(mount) = mounts::storage(host, local) {
        let message =
            format!("the node-local directory {} lies on {}, with other nodes'", local.display(), mount.display());
        found.push(Finding::note(NAME, message).hint("`local_dir` in the configuration, or HPCSH_LOCAL_DIR, names it"));
    }
    let runs = run_dir::candidates(host);
    let refusals: Vec<Option<Refusal>> = runs.iter().map(|dir| local_dir::refusal(&host.locate(dir))).collect();
    if refusals.iter().all(Option::is_some) {
        let why = runs.iter().zip(refusals.into_iter().flatten());
        let why: Vec<String> = why.map(|(dir, Refusal { why, .. })| format!("{} {why}", dir.display())).collect();
        let message = format!("no verdict is remembered: each shell looks at the network anew ({})", why.join("; "));
        found.push(
            Finding::problem(NAME, message).hint("an XDG_RUNTIME_DIR below /run, /dev/shm, /tmp or /var is used too"),
        );
    }
    if found.is_empty() {
        found.push(Finding::ok(NAME, format!("the node-local directory {} can be used", local.display())));
    }
    found
}

/// A node-local directory that is not used.
fn refused(local: &Path, Refusal { why, may_close }: &Refusal) -> Finding {
    let message = format!(
        "the node-local directory {} {why}: everything works, without memory, and variables that name it are left out",
        local.display()
    );
    let found = Finding::problem(NAME, message);
    if *may_close {
        let close = Mend::of("chmod 700", local, "closes it");
        return found.mend(close.by_itself(Repair::Close(local.to_owned()), true));
    }
    let hint =
        "a directory of yours on this node's disk does: `local_dir` in the configuration, or HPCSH_LOCAL_DIR, names it";
    found.hint(hint)
}

/// The directory for temporary files, where the environment names one.
pub fn temporary(host: &Host) -> Option<PathBuf> {
    host.nonempty("TMPDIR").map(PathBuf::from).filter(|dir| dir.is_absolute())
}

/// What is wrong with that: a job may have its name from another node.
pub fn temporary_checks(host: &Host, dir: &Path) -> Vec<Finding> {
    let Some(why) = local_dir::unwritable(&host.locate(dir)) else { return Vec::new() };
    let message = format!("TMPDIR names {}, which {why}: programs fail, or use /tmp", dir.display());
    let mend = match why.as_str() {
        "is not there" => Mend::of("mkdir -p", dir, "makes it"),
        _ => Mend::new("unset TMPDIR", "has programs use /tmp"),
    };
    vec![Finding::problem(NAME, message).mend(mend)]
}
