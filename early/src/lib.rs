//! What hpcsh answers before the C library has begun: a login of which nothing has changed since the last one, and whether a shell
//! may enter an environment of which nothing has.
//!
//! A static C library asks the processor about itself some sixty times before `main`. On a virtual machine each of these
//! questions is the hypervisor's, and all of them cost several times what a login costs us. So the program's first
//! instructions are ours: [`door::answer`] looks for a record of the last answer and of all that it depended on ([`record`]),
//! and gives the answer again if all of that is as it was. Whatever else is found, the C library begins and the program does
//! what it always does: this is a shorter way to the same bytes, never another one.
//!
//! Nothing is set up here yet: no thread-local storage, no allocator, no `memcpy` (the C library chooses one first), no place for
//! a panic to go. Hence `no_builtins`, which keeps the compiler from calling `memcpy` where a loop looks like one, loops in place of
//! slices' comparisons, and no indexing. A test disassembles the program and finds no way out of this code but the way on.

#![no_std]
#![no_builtins]

pub mod digest;
pub mod name;
pub mod record;

/// Whether anybody answers here: elsewhere nothing need be kept.
pub const ANSWERS: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub mod door;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod premises;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod system;
