//! What this node is and reaches.

pub mod airgap;
pub mod checks;
pub mod memory;
pub mod places;
pub mod probe;
pub mod settle;
pub mod status;
pub mod targets;

mod reach;
mod routes;
