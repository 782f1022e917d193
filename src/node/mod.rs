//! What this node is and reaches.

pub mod probe;
pub mod targets;

mod proxy;
mod reach;
mod routes;
