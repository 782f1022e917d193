//! The doorstep: the real world in, an exit code out.
//!
//! `main` is the C one: Rust's own start-up reads /proc/self/maps and installs handlers for stack overflows, a tenth of
//! what a login would wait for. SIGPIPE keeps its default, so `hpcsh env | head` ends as every other program does.

#![no_main]
#![allow(unsafe_code)] // the name `main` is what the C start-up calls; the other unsafe code is host/process.rs

use std::ffi::{c_char, c_int};

/// What the C start-up calls. The words come from `std::env`, which has them from the loader.
#[unsafe(no_mangle)]
extern "C" fn main(_count: c_int, _words: *const *const c_char) -> c_int {
    c_int::from(hpcsh::run(&mut hpcsh::host::Host::real(), std::env::args_os()))
}
