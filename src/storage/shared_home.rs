//! The shared home: the root of the lasting storage, which a node may have forgotten to mount.

use std::io;
use std::path::Path;

use crate::finding::Finding;
use crate::host::Host;
use crate::host::dirs::Dir;

/// Whether it is there.
pub fn checks(host: &Host, dir: &Path) -> Vec<Finding> {
    let shown = dir.display();
    vec![match Dir::open(&host.locate(dir)) {
        Ok(_) => Finding::ok("storage", format!("the shared home {shown} answers")),
        Err(error) => {
            let why = match error.kind() {
                io::ErrorKind::NotFound => "is not there".to_owned(),
                io::ErrorKind::NotADirectory => "is no directory".to_owned(),
                _ => format!("cannot be opened: {error}"),
            };
            Finding::problem("storage", format!("the shared home {shown} {why}"))
                .hint("is its storage mounted on this node? `hpcsh config show` tells which file sets `shared_home`")
        }
    }]
}
