//! Gives up for good what this process may do beyond an ordinary one. For a process with one thread: before it starts others.

use std::ffi::c_int;
use std::io;

/// Becomes this user, with this group and no other; then as [`renounce`].
///
/// # Errors
/// As `setgroups`, `setresgid`, `setresuid`: `InvalidInput` where the namespace of this process has no such user. The process may have given up its groups then.
#[allow(unsafe_code)] // there is no safe interface that is the whole process's
pub fn become_user(user: u32, group: u32) -> io::Result<()> {
    // SAFETY: an empty list is read from nowhere; the others take numbers.
    let done = unsafe {
        check(libc::setgroups(0, std::ptr::null()))
            .and_then(|()| check(libc::setresgid(group, group, group)))
            .and_then(|()| check(libc::setresuid(user, user, user)))
    };
    done.and_then(|()| renounce())
}

/// Gives up all capabilities, and that a program which this process starts could have any.
///
/// # Errors
/// As `prctl` and `capset`.
#[allow(unsafe_code)] // there is no safe interface that is the whole process's
pub fn renounce() -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        process: c_int,
    }
    // _LINUX_CAPABILITY_VERSION_3: two parts of three sets each. 0: this process.
    let header = Header { version: 0x2008_0522, process: 0 };
    let none = [0_u32; 6];
    // SAFETY: the structures are as capset(2) has them, and are only read.
    unsafe {
        check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        // Before Linux 4.3 there are none of this kind.
        libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        match libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

fn check(done: c_int) -> io::Result<()> {
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
