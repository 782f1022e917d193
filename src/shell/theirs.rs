//! Variables of the user's own that keep lasting data in a home that is thrown away.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::catalogue::Place;
use super::env::{Export, Origin, Roots};
use super::marker::{Fate, Marker, fate};
use crate::finding::{Finding, Mend};
use crate::host::Host;
use crate::host::mounts::{self, Storage};

/// Those that overrule an export of ours which would lie on the shared home. A home that lies on shared storage itself lasts.
pub fn checks(host: &Host, exports: &[Export], roots: &Roots) -> Vec<Finding> {
    let (Some(shared), Some(home)) = (&roots.shared, host.home()) else { return Vec::new() };
    if home.starts_with(shared) || mounts::storage(host, &home) != Storage::Local {
        return Vec::new();
    }
    let marker = Marker::inherited(host.variable(Marker::NAME).unwrap_or_default().into_encoded_bytes());
    let mut found = Vec::new();
    for export in exports {
        let Origin::Preset(row, _) = export.origin else { continue };
        let Some(current) = host.nonempty(&export.name).filter(|_| row.place == Place::Shared) else { continue };
        let is_theirs = fate(export, true, Some(current.as_bytes()), &marker) == Fate::Users;
        if !is_theirs || !Path::new(&current).starts_with(&home) {
            continue;
        }
        let name = &export.name;
        let ours = export.value(true).or(export.value(false)).unwrap_or_default();
        let message = format!(
            "{name} is your own and lies in a home that may not last: {}; hpcsh would have it at {ours}",
            current.display()
        );
        let unset = Mend::new(&format!("unset {name}"), "leaves it to the next shell's hpcsh");
        found.push(Finding::note("env", message).mend(unset));
    }
    found
}
