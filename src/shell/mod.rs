//! What enters the user's shell.

pub mod catalogue;
pub mod code;
mod constant;
pub mod env;
pub mod facts;
pub mod format;
pub mod init;
pub mod kept;
pub mod last;
mod local_first;
pub mod marker;
mod names;
mod prologue;
pub mod rc;
pub mod ready;
pub mod script;
mod template;
pub mod theirs;
pub mod trust;
