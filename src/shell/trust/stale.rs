//! Words on environments that do not hold any more, for `hpcsh doctor`.

use std::path::PathBuf;

use super::records::Records;
use super::{Facts, Settings};
use crate::finding::{Finding, Mend};
use crate::host::Host;
use crate::host::mounts::{self, Storage};

/// The paths that the checks ask storage for; those of the environments too, where the records can be read without waiting.
pub fn asked(host: &Host, settings: &Settings) -> Vec<PathBuf> {
    let mut paths = vec![settings.records.clone()];
    if mounts::storage(host, &settings.records) == Storage::Local {
        let records = Records { host, dir: &settings.records }.all();
        paths.extend(records.into_iter().flat_map(|record| [record.path.join("bin/python"), record.path]));
    }
    paths
}

/// Each that was allowed and is not entered any more, since it has changed or is gone.
pub fn checks(host: &Host, settings: &Settings) -> Vec<Finding> {
    let mut found = Vec::new();
    for record in &(Records { host, dir: &settings.records }.all()) {
        let facts = Facts::of(host, &record.path);
        let Some(why) = record.stale(&facts) else { continue };
        let message = format!("{} is not entered as allowed: it {why}", record.path.display());
        let mut stale = Finding::note("trust", message);
        if facts.is_ok() {
            stale = stale.mend(Mend::of("hpcsh allow", &record.path, "allows it as it is now"));
        }
        found.push(stale.mend(Mend::of("hpcsh trust --forget", &record.path, "takes back what was said")));
    }
    found
}
