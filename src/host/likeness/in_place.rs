//! Writing over a file that cannot be replaced, in steps each of which leaves a whole text.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use super::{Looks, MOST, set_modified};

/// Writes these bytes over those of a file, whose looks stay. Whoever reads meanwhile, and whoever reads after a crash at any
/// point, finds the old bytes or the new ones, with empty lines behind them at most.
///
/// First it gets as long as it must be, by empty lines; then one call writes all of it, since two would show a torn text; then it is
/// cut. Each step is on the disk before the next one begins, or a crash could leave a later one without an earlier.
pub(super) fn write(path: &Path, bytes: &[u8], looks: &Looks) -> io::Result<()> {
    let file =
        OpenOptions::new().read(true).write(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)?;
    let old = file.metadata()?.len();
    let new = bytes.len() as u64;
    let length = usize::try_from(old.max(new)).unwrap_or(usize::MAX);
    if length as u64 > MOST {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is larger than 1 MiB"));
    }
    if old < new {
        let lines = vec![b'\n'; length - usize::try_from(old).unwrap_or_default()];
        let done = file.write_all_at(&lines, old).and_then(|()| file.sync_all());
        if done.is_err() {
            let _ = file.set_len(old);
            return done;
        }
    }
    let mut padded = bytes.to_vec();
    padded.resize(length, b'\n');
    if rustix::io::pwrite(&file, &padded, 0)? < length {
        return Err(io::ErrorKind::WriteZero.into());
    }
    file.sync_all()?;
    if new < old {
        file.set_len(new)?;
    }
    // Of a file that is another's, only he may set it.
    let _ = set_modified(&file, looks);
    file.sync_all()
}
