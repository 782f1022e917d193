//! Processes of our own that outlive, or must not hold up, the one that was asked.
//!
//! They are forked and never executed anew: the program may lie on storage that hangs. At that time there is one thread.

use std::os::fd::IntoRawFd as _;

use rustix::fs::{Mode, OFlags};

/// Runs `work` in a process of its own: own session, no terminal, no file of ours but /dev/null. Nobody waits for it.
///
/// Where there can be no process, it is not done.
#[allow(unsafe_code)] // fork: there is one thread, and the child goes on as any Rust program does
pub fn detached(work: impl FnOnce()) {
    // SAFETY: no other thread could hold a lock that the child then waits for.
    if unsafe { libc::fork() } != 0 {
        return;
    }
    leave_session();
    close_all();
    for _ in 0..3 {
        if let Ok(file) = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty()) {
            let _ = file.into_raw_fd();
        }
    }
    work();
    // SAFETY: ends the process without what the parent has yet to write.
    unsafe { libc::_exit(0) }
}

/// Leaves the session of whoever started this process, and with it the terminal.
pub fn leave_session() {
    let _ = rustix::process::setsid();
}

/// Closes every file, so that whoever reads the other end of a pipe does not wait for us.
#[allow(unsafe_code)] // the files of a forked child, which nothing in it uses
fn close_all() {
    // SAFETY: nothing in the child owns a file yet.
    unsafe {
        if libc::syscall(libc::SYS_close_range, 0, u32::MAX, 0) != 0 {
            (0..1024).for_each(|file| {
                libc::close(file);
            });
        }
    }
}
