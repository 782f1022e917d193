//! What lies on the shared file system.

pub mod hf;
mod pool;
pub mod shared_home;
