//! `hpcsh doctor --fix`: what hpcsh may mend by itself, told before it is done, and what is left for somebody who knows better.

use super::Fix;
use super::report::{self, Report};
use crate::dns::takeover;
use crate::error::Failure;
use crate::finding::Repair;
use crate::host::{Host, local_dir};
use crate::node;

/// What has become of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The commands whose work was done.
    pub fixed: Vec<String>,
    /// How many could not be done.
    pub failed: usize,
}

/// Tells the plan; does it where it is to be done, and the user does not object. What has been mended meanwhile, as `examine` tells, is
/// left alone.
pub fn run(host: &mut Host, fix: Fix, report: &Report, examine: &dyn Fn(&Host) -> Report) -> Outcome {
    let mut outcome = Outcome::default();
    let repairs = report.repairs();
    let verb = if fix == Fix::Told { "would run" } else { "to be run" };
    for (_, mend) in &repairs {
        host.say(format!("{verb}: {}  # {}", report::command(mend), mend.does));
    }
    if repairs.is_empty() {
        host.say("nothing to do: there is nothing that hpcsh may mend by itself");
    }
    if fix == Fix::Told {
        for mend in report.for_people() {
            host.say(format!("for you to run: {}  # {}", report::command(mend), mend.does));
        }
        return outcome;
    }
    if repairs.is_empty() || fix == Fix::Asked && !host.confirm("Run that?") {
        return outcome;
    }
    // The answer may have taken its time.
    let now = examine(host);
    for (repair, mend) in repairs {
        if now.repairs().iter().all(|(still, _)| *still != repair) {
            continue;
        }
        match mended(host, repair) {
            Ok(()) => outcome.fixed.push(mend.command.clone()),
            Err(failure) => {
                host.say(failure.to_string());
                outcome.failed += 1;
            }
        }
    }
    outcome
}

fn mended(host: &mut Host, repair: &Repair) -> Result<(), Failure> {
    match repair {
        Repair::RestoreResolvConf => takeover::restore(host, false),
        Repair::FreeLock => {
            node::checks::free_lock(host);
            Ok(())
        }
        Repair::Close(dir) => local_dir::close(&host.locate(dir))
            .map_err(|error| Failure::failed(format!("{} cannot be closed: {error}", dir.display()))),
    }
}
