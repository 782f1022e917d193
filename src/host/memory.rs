//! The memory of a process that stays.

/// Gives back to the kernel what is free: the C library keeps it for later, and what a configuration took to be read is not needed
/// again for a long time (`malloc_trim(3)`).
#[allow(unsafe_code)] // a call of the C library's
pub fn give_back() {
    // SAFETY: it takes no memory of ours, and may be called by any thread at any time.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}
