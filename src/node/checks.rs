//! What of the node's verdict is not as it should be, for `hpcsh doctor`. Looks at the memory, and at no network.

use super::memory::Memory;
use super::probe::Settings;
use super::settle::{self, Standing};
use crate::finding::{Finding, Mend, Repair};
use crate::host::{Host, boot};
use crate::verdict::{Kept, State};

const NAME: &str = "node";

/// The verdict with its reason and age, whether somebody's word contradicts what was seen, and what a process has left behind.
pub fn checks(host: &Host, settings: &Settings) -> Vec<Finding> {
    let Standing { verdict, is_fixed, .. } = settle::at_rest(host, settings);
    let memory = Memory::of(host);
    let now = boot::seconds(host).unwrap_or_default();
    let ago = memory.as_ref().and_then(Memory::attempts).map(|(when, _)| now.saturating_sub(when));
    let ago = ago.map_or_else(String::new, |ago| format!(", looked at {ago} s ago"));
    let kept = memory.as_ref().and_then(Memory::verdict);
    let said = format!("{} ({})", verdict.state, verdict.reason);
    let look = || Mend::new("hpcsh status --refresh", "looks at the network now");
    let mut found = Vec::new();
    match kept.filter(|kept| kept.verdict.state != State::Unknown) {
        Some(Kept { verdict: seen, .. }) if is_fixed && seen.state != verdict.state => {
            let message = format!("{said}, and the network was found to be {} ({}){ago}", seen.state, seen.reason);
            let hint = if settle::overruled(host).is_some() {
                "HPCSH_OFFLINE says so; without it the look counts"
            } else {
                "`[node] verdict`, `offline_hosts` and `online_hosts` say so; `verdict = \"auto\"` goes by the look"
            };
            found.push(Finding::note(NAME, message).hint(hint));
        }
        Some(kept) if !is_fixed && !kept.is_fresh(now, settings.ttl.as_secs()) => {
            found.push(Finding::ok(NAME, format!("{said}{ago}; the next prompt looks again")));
        }
        None if !is_fixed => found.push(Finding::note(NAME, format!("{said}{ago}")).mend(look())),
        seen => {
            let ago = seen.filter(|_| !is_fixed).map_or("", |_| &ago);
            found.push(Finding::ok(NAME, format!("{said}{ago}")));
        }
    }
    if let Some(lock) = memory.as_ref().and_then(|memory| memory.abandoned(host)) {
        let free = Mend::of("rm", &lock, "removes it; the next look takes it anyway").by_itself(Repair::FreeLock, true);
        let message = "a process that looked at the network has ended without giving back its lock";
        found.push(Finding::note(NAME, message).mend(free));
    }
    found
}

/// Frees the lock of a process that has ended.
pub fn free_lock(host: &Host) {
    if let Some(memory) = Memory::of(host).filter(|memory| memory.abandoned(host).is_some()) {
        // Whoever has it gives it back.
        drop(memory.lock(host, None));
    }
}
