//! A lock that ends with whoever holds it: `flock` on a file that nobody else can open, since whoever can may hold it for ever.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use super::clock;

/// How often one is tried that another process holds.
const PAUSE: Duration = Duration::from_millis(5);

/// Held until it is dropped.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code)] File); // it is open, and that is all there is to it

/// Whether another process holds the lock of this name at this moment; where that cannot be told, it does not.
pub fn is_held(path: &Path) -> bool {
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    file.is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK))
}

impl Lock {
    /// Takes the lock of this name, which is made where it is not there, and waits at most so long for another process.
    ///
    /// # Errors
    /// `WouldBlock` where it still holds it then; as `open` and `flock`.
    pub fn wait(path: &Path, patience: Duration) -> io::Result<Self> {
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).open(path)?;
        let begun = clock::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(file)),
                Err(Errno::WOULDBLOCK) if begun.elapsed() < patience => clock::sleep(PAUSE),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
