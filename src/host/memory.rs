//! The memory of a process that stays.

/// Gives back to the kernel what is free: the C library keeps it for later, and what a configuration took to be read is not needed
/// again for a long time (`malloc_trim(3)`). With it goes the code that has run, of which the kernel maps again what runs next:
/// it lies in the page cache, or in the program's file.
#[allow(unsafe_code)] // a call of the C library's
pub fn give_back() {
    // SAFETY: it takes no memory of ours, and may be called by any thread at any time.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
    #[cfg(all(target_os = "linux", target_feature = "crt-static"))]
    leave_code();
}

/// The pages from the program's first byte to the end of its code: mapped from its file, and never written.
#[cfg(all(target_os = "linux", target_feature = "crt-static"))]
#[allow(unsafe_code)] // the linker's own names
fn leave_code() {
    const PAGE: usize = 4096;
    unsafe extern "C" {
        static __executable_start: u8;
        static etext: u8;
    }
    let (start, end) = (&raw const __executable_start, &raw const etext);
    let length = (end.addr().saturating_sub(start.addr())) / PAGE * PAGE;
    // SAFETY: what is there is what the file has, whenever it is mapped again.
    unsafe {
        libc::madvise(start.cast_mut().cast(), length, libc::MADV_DONTNEED);
    }
}
