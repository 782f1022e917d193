//! The kernel's calls that an answer needs, made without the C library. A number below zero is an error.

use core::arch::asm;
use core::mem::MaybeUninit;

const READ: usize = 0;
const CLOSE: usize = 3;
const FSTAT: usize = 5;
const WRITEV: usize = 20;
const UNAME: usize = 63;
const READLINK: usize = 89;
const CLOCK_GETTIME: usize = 228;
const EXIT_GROUP: usize = 231;
const OPENAT: usize = 257;
const STATX: usize = 332;
const OPENAT2: usize = 437;

/// The working directory, in place of an open one.
pub const HERE: isize = -100;
/// `ENOENT`, `ENOTDIR`: nothing is there.
pub const NOTHING: [isize; 2] = [-2, -20];
/// `EINTR`
const INTERRUPTED: isize = -4;

const O_NONBLOCK: usize = 0o4_000;
const O_DIRECTORY: usize = 0o200_000;
const O_NOFOLLOW: usize = 0o400_000;
const O_CLOEXEC: usize = 0o2_000_000;
const O_PATH: usize = 0o10_000_000;
const RESOLVE_CACHED: u64 = 0x20;
const AT_EMPTY_PATH: usize = 0x1000;
const AT_STATX_DONT_SYNC: usize = 0x4000;
const STATX_BASIC_STATS: usize = 0x7ff;
const CLOCK_BOOTTIME: usize = 7;

/// A path or name, with its zero byte.
#[derive(Clone, Copy)]
pub struct Path(*const u8);

impl Path {
    /// The bytes if a zero byte ends them, and they hold no other.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let (last, before) = bytes.split_last()?;
        let is_path = *last == 0 && before.iter().all(|byte| *byte != 0);
        is_path.then_some(Self(bytes.as_ptr()))
    }

    /// A word of the process's arguments or environment.
    ///
    /// # Safety
    /// The pointer leads to bytes with a zero byte at their end.
    pub unsafe fn at(word: *const u8) -> Self {
        Self(word)
    }
}

#[inline]
fn call(number: usize, words: [usize; 5]) -> isize {
    let [first, second, third, fourth, fifth] = words;
    let result: isize;
    // SAFETY: the callers below hand in what the call wants; the kernel changes the two registers that are named.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") first, in("rsi") second, in("rdx") third,
            in("r10") fourth, in("r8") fifth, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// What [`status`] tells of a file: the beginning of the kernel's `struct stat`.
#[repr(C)]
pub struct Status {
    _before: [u64; 3],
    mode: u32,
    owner: u32,
    _after: [u64; 14],
}

impl Status {
    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    /// Whether it is a pipe.
    pub fn is_pipe(&self) -> bool {
        self.mode & 0o170_000 == 0o010_000
    }

    /// Whether it is a directory that is closed to others.
    pub fn is_private_directory(&self) -> bool {
        self.mode & 0o170_077 == 0o040_000
    }

    /// Whose it is.
    pub fn owner(&self) -> u32 {
        self.owner
    }
}

/// What the kernel knows of an open file; `None` where it is none.
pub fn status(file: isize) -> Option<Status> {
    if file < 0 {
        return None;
    }
    let mut status = MaybeUninit::<Status>::uninit();
    let done = call(FSTAT, [file.cast_unsigned(), status.as_mut_ptr() as usize, 0, 0, 0]);
    // SAFETY: the kernel has filled it.
    (done == 0).then(|| unsafe { status.assume_init() })
}

/// The kernel's `struct statx`, as far as anybody here asks.
#[repr(C)]
struct Extended {
    _mask: u32,
    _block: u32,
    _attributes: u64,
    _links: u32,
    _owner: [u32; 2],
    _mode: [u16; 2],
    inode: u64,
    size: u64,
    _blocks: [u64; 2],
    _accessed: [u64; 2],
    _born: [u64; 2],
    changed: Time,
    modified: Time,
    _special: [u32; 2],
    device: [u32; 2],
    _rest: [u64; 14],
}

#[repr(C)]
struct Time {
    seconds: i64,
    nanoseconds: u32,
    _pad: u32,
}

/// In place of a path: the open file itself.
pub const ITSELF: Path = Path(c"".as_ptr().cast());

/// The stamp of what a path leads to, as the kernel remembers it: no storage is asked for it. That of an open file for [`ITSELF`].
pub fn stamp(file: isize, Path(path): Path) -> Option<crate::record::Stamp> {
    let mut found = MaybeUninit::<Extended>::uninit();
    let flags = AT_STATX_DONT_SYNC | AT_EMPTY_PATH;
    let words = [file.cast_unsigned(), path as usize, flags, STATX_BASIC_STATS, found.as_mut_ptr() as usize];
    if call(STATX, words) != 0 {
        return None;
    }
    // SAFETY: the kernel has filled it.
    let found = unsafe { found.assume_init_ref() };
    let [major, minor] = found.device.map(u64::from);
    // As the C library makes one number of the two, and the kernel for `stat`.
    let device = (major & 0xffff_f000) << 32 | (major & 0xfff) << 8 | (minor & 0xffff_ff00) << 12 | minor & 0xff;
    let (modified, changed) = (&found.modified, &found.changed);
    Some([
        device,
        found.inode,
        found.size,
        modified.seconds.cast_unsigned(),
        modified.nanoseconds.into(),
        changed.seconds.cast_unsigned(),
        changed.nanoseconds.into(),
    ])
}

/// Opens a file to be read, be it in an open directory; no symlink, and no FIFO that would be waited for.
pub fn open(dir: isize, Path(path): Path) -> isize {
    call(OPENAT, [dir.cast_unsigned(), path as usize, O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0, 0])
}

/// Finds a directory, which is no symlink.
pub fn directory(Path(path): Path) -> isize {
    let flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    call(OPENAT, [HERE.cast_unsigned(), path as usize, flags, 0, 0])
}

/// Finds what this path leads to, if the kernel remembers all of the way there: no storage is asked, so none can hang. An error
/// that is not one of [`NOTHING`] where it does not, and before Linux 5.12.
pub fn remembered(path: Path) -> isize {
    find_remembered(path, 0)
}

/// The same for a symlink itself.
pub fn remembered_link(path: Path) -> isize {
    find_remembered(path, O_NOFOLLOW)
}

fn find_remembered(Path(path): Path, flag: usize) -> isize {
    let how: [u64; 3] = [(O_PATH | O_CLOEXEC | flag) as u64, 0, RESOLVE_CACHED];
    call(OPENAT2, [HERE.cast_unsigned(), path as usize, how.as_ptr() as usize, size_of_val(&how), 0])
}

/// Gives an open file back, if it is one.
pub fn close(file: isize) {
    if file >= 0 {
        call(CLOSE, [file.cast_unsigned(), 0, 0, 0, 0]);
    }
}

/// Reads once; what was read, or nothing.
pub fn read(file: isize, into: &mut [MaybeUninit<u8>]) -> &[u8] {
    let count = call(READ, [file.cast_unsigned(), into.as_mut_ptr() as usize, into.len(), 0, 0]);
    filled(into, count)
}

/// What stands in a symlink, or nothing.
pub fn target(Path(path): Path, into: &mut [MaybeUninit<u8>]) -> &[u8] {
    let count = call(READLINK, [path as usize, into.as_mut_ptr() as usize, into.len(), 0, 0]);
    filled(into, count)
}

fn filled(buffer: &[MaybeUninit<u8>], count: isize) -> &[u8] {
    let filled = buffer.get(..count.try_into().unwrap_or(0)).unwrap_or_default();
    // SAFETY: so many bytes the kernel has written.
    unsafe { &*(core::ptr::from_ref(filled) as *const [u8]) }
}

/// The name of the node, up to its zero byte.
pub fn node(into: &mut [MaybeUninit<u8>; 390]) -> &[u8] {
    // Six names of 65 bytes, of which it is the second.
    if call(UNAME, [into.as_mut_ptr() as usize, 0, 0, 0, 0]) != 0 {
        return &[];
    }
    let name = filled(into, 390).get(65..130).unwrap_or_default();
    name.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Seconds since the node started, as in /proc/uptime.
pub fn seconds() -> u64 {
    let mut time: [u64; 2] = [0; 2];
    call(CLOCK_GETTIME, [CLOCK_BOOTTIME, time.as_mut_ptr() as usize, 0, 0, 0]);
    time[0]
}

/// Bytes to be written, as the kernel's `struct iovec` has them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Piece(*const u8, usize);

impl Piece {
    /// None.
    pub const NONE: Self = Self(core::ptr::null(), 0);

    /// These.
    pub fn of(bytes: &[u8]) -> Self {
        Self(bytes.as_ptr(), bytes.len())
    }
}

/// Writes all of it to standard output, as far as there is a reader; whether anything was written.
pub fn write(mut pieces: &mut [Piece]) -> bool {
    let mut any = false;
    loop {
        let mut count = match call(WRITEV, [1, pieces.as_ptr() as usize, pieces.len(), 0, 0]) {
            INTERRUPTED => continue,
            count => match usize::try_from(count) {
                Ok(count) => count,
                Err(_) => return any,
            },
        };
        any = true;
        loop {
            match pieces {
                [] => return true,
                [first, ..] if first.1 > count => {
                    first.0 = first.0.wrapping_add(count);
                    first.1 -= count;
                    break;
                }
                [first, rest @ ..] => {
                    count -= first.1;
                    pieces = rest;
                }
            }
        }
    }
}

/// Ends the process well.
pub fn end() -> ! {
    loop {
        call(EXIT_GROUP, [0; 5]);
    }
}
