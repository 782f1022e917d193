//! A lock that ends with whoever holds it: on a directory, by `flock`.

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

impl Lock {
    /// Takes the lock of a directory, and waits at most so long for another process.
    ///
    /// # Errors
    /// `WouldBlock` where it still holds it then; as `open` and `flock`.
    pub fn wait(dir: &Path, patience: Duration) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).custom_flags(OFlags::DIRECTORY.bits().cast_signed()).open(dir)?;
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
