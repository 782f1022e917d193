//! Tokens of the Hugging Face Hub: who reads one acts in its owner's name.

use std::path::{Path, PathBuf};

use super::place;
use crate::finding::{Finding, Mend};
use crate::host::{Host, files, users};

/// The files that may hold one: those of this environment, and those of the configured `HF_TOKEN_PATH`.
pub fn asked(host: &Host, configured: Option<&Path>) -> Vec<PathBuf> {
    let mut tokens = vec![place::token(host)];
    tokens.extend(configured.map(Path::to_owned).filter(|path| *path != tokens[0]));
    // As the library has it: all that were ever saved lie beside the one that is used.
    tokens.iter().flat_map(|token| [token.clone(), token.with_file_name("stored_tokens")]).collect()
}

/// Those of ours that others can read, where they can enter the directory.
pub fn checks(host: &Host, configured: Option<&Path>) -> Vec<Finding> {
    let is_open = |path: &Path| {
        let at = host.locate(path);
        let (Ok(file), Some(Ok(dir))) = (files::entry(&at), at.parent().map(files::entry)) else { return false };
        // The group's bits, and everybody's: to read the file, and to pass through the directory.
        let reached = |bits: u32| file.mode & bits & 0o044 != 0 && dir.mode & (bits & 0o011) != 0;
        file.owner == users::my_id() && (reached(0o070) || reached(0o007))
    };
    let mut found = Vec::new();
    for path in asked(host, configured).iter().filter(|path| is_open(path)) {
        let message = format!("others can read your Hugging Face token {}", path.display());
        found.push(Finding::problem("storage", message).mend(Mend::of("chmod 600", path, "closes it to them")));
    }
    found
}
