//! Models, data sets and spaces in the Hugging Face cache, read without its library.
//!
//! [`place`]: where the cache is. [`name`]: what is asked for. [`snapshot`]: a name's revision there, and its path as the library
//! gives it. [`listing`]: what a snapshot should hold; [`state`]: what of it is there. The commands: [`path`], [`list`], [`check`]. [`say`]: sizes and ages. [`token`]: who can read it.
//!
//! Nothing here writes: to bring or to remove models is `hf`'s work.

pub mod check;
pub mod list;
mod listing;
pub mod name;
pub mod path;
mod place;
mod say;
mod snapshot;
mod state;
pub mod token;

/// How many questions wait for a server at once. A local file system answers from memory, so a few are enough there.
fn threads(is_local: bool) -> usize {
    if is_local { 4 } else { 32 }
}
