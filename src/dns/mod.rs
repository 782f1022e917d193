//! The offline resolver: names of the internet do not exist, at once; those of the intranet are asked for where they are known.
//!
//! The way of a question: [`question`] reads it, [`policy`] decides, [`wire`] answers in place or [`forward`] asks an upstream;
//! [`server`] has the sockets. [`takeover`] is how the node comes to ask us, and comes back from it. tokio and hickory stop here.

pub mod ask;
pub mod cache;
pub mod check;
pub mod checks;
pub mod counters;
pub mod domains;
pub mod exec;
pub mod export;
pub mod forward;
mod hash;
pub mod lifetime;
pub mod log;
pub mod plan;
pub mod policy;
pub mod question;
pub mod rules;
pub mod server;
pub mod settings;
pub mod status;
pub mod takeover;
pub mod upstream;
pub mod who;
pub mod wire;
