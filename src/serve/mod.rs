//! Is a server ready?

pub mod wait;
