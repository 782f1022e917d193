//! The network without the C library: names, streams that end in time, TLS, the little HTTP that is needed.
//!
//! Everything here ends by the deadline that it is given. Blocking sockets and threads, no runtime: a probe runs on the way
//! to a prompt.

pub mod chain;
pub mod http;
pub mod nowhere;
pub mod place;
pub mod proxy;
pub mod race;
pub mod resolv_conf;
pub mod resolve;
pub mod stream;
pub mod tls;

mod ask;
mod wire;

/// A number that nobody guesses.
fn random() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    let mut bytes = [0; 8];
    match rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::NONBLOCK) {
        Ok(8) => u64::from_ne_bytes(bytes),
        // Shortly after the start of the node, or in a sandbox: the keys of the standard library's maps are the next best.
        _ => std::hash::RandomState::new().build_hasher().finish(),
    }
}
