//! Is a server ready?

pub mod kinds;
pub mod request;
pub mod target;
pub mod wait;

mod ask;
mod command;
mod door;
mod log;
mod phase;
mod progress;
mod schedule;
mod threads;
