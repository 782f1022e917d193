//! The doorstep: the real world in, an exit code out.
//!
//! `main` is the C one: Rust's own start-up reads /proc/self/maps and installs handlers for stack overflows, a tenth of
//! what a login would wait for. SIGPIPE keeps its default, so `hpcsh env | head` ends as every other program does.

//!
//! Before that, where the build says so (build.rs), a login whose answer is known is answered: [`hpcsh_early`].

#![no_main]
#![allow(unsafe_code)] // the names are what the kernel and the C start-up call; the other unsafe code is host/process.rs, early/

use std::ffi::{c_char, c_int};

/// What the C start-up calls. The words come from `std::env`, which has them from the loader.
#[unsafe(no_mangle)]
extern "C" fn main(_count: c_int, _words: *const *const c_char) -> c_int {
    c_int::from(hpcsh::run(&mut hpcsh::host::Host::real(), std::env::args_os()))
}

/// Where the kernel begins: an answer, if it is known; else the C start-up, as if it had been first.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn hpcsh_start() {
    unsafe extern "C" {
        fn _start();
    }
    // The stack is aligned as it was given. rdx has what the C start-up runs at the end; a call keeps rbx and r12.
    std::arch::naked_asm!(
        "mov rbx, rsp",
        "mov r12, rdx",
        "mov rdi, rsp",
        "and rsp, -16",
        "call {answer}",
        "mov rsp, rbx",
        "mov rdx, r12",
        "jmp {start}",
        answer = sym hpcsh_early::door::answer,
        start = sym _start,
    );
}
