//! Which variables a configuration may set.

use crate::shell::marker;

/// Names that a supported shell keeps for itself: it refuses to set them, or they mean something else there.
pub(super) const RESERVED: &[&str] = &[
    "ARGC",
    "BASHOPTS",
    "BASH_VERSINFO",
    "EGID",
    "EUID",
    "FISH_VERSION",
    "FUNCNAME",
    "GID",
    "GROUPS",
    "HISTCMD",
    "IFS",
    "LINENO",
    "PIPESTATUS",
    "PPID",
    "PWD",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SHLVL",
    "UID",
    "USERNAME",
    "_",
    "argv",
    "fish_kill_signal",
    "fish_killring",
    "fish_pid",
    "fpath",
    "history",
    "hostname",
    "path",
    "pipestatus",
    "signals",
    "status",
    "status_generation",
    "umask",
    "version",
];

/// Whether a shell can be given a variable of this name.
pub(super) fn check(name: &str) -> Result<(), String> {
    if !marker::is_name(name) {
        return Err(format!("`{name}` is no name for a variable: letters, digits and `_` only, no digit first"));
    }
    if name == "PATH" {
        return Err("PATH is not set as a whole: put directories into `path.prepend`".to_owned());
    }
    if RESERVED.contains(&name) || name.starts_with("HPCSH_") || name.starts_with("_hpcsh_") {
        return Err(format!("`{name}` belongs to the shell or to hpcsh and cannot be set"));
    }
    Ok(())
}
