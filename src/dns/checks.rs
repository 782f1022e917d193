//! What is wrong with how this node looks names up, for `hpcsh doctor`.

use std::path::PathBuf;

use super::status;
use super::takeover::{self, Standing};
use crate::finding::Finding;
use crate::host::{Host, local_dir};
use crate::net::resolv_conf;

/// The paths that the checks ask storage for.
pub fn asked(host: &Host) -> [PathBuf; 2] {
    [PathBuf::from(resolv_conf::PATH), local_dir::default_path(host)]
}

/// What is wrong with resolv.conf, and with the resolver that it names. Asks nobody but a resolver of this node.
pub fn checks(host: &Host) -> Vec<Finding> {
    let standing = takeover::standing(host);
    let mut found = takeover::checks::checks(host, standing);
    if let Standing::Here(address) = standing {
        found.extend(status::checks::checks(host, (address, 53).into()));
    }
    if found.is_empty() {
        found.push(Finding::ok(
            "dns",
            match standing {
                Standing::Here(at) => format!("names go by hpcsh's resolver at {at}, which answers"),
                Standing::Away | Standing::Dead(_) => "names go by the node's own resolv.conf".to_owned(),
            },
        ));
    }
    found
}
