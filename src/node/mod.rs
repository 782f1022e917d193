//! What this node is and reaches.

pub mod probe;
