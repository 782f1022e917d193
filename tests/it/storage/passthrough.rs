//! What the slow storage holds: the kernel's requests, answered from a directory that exists.
//!
//! The layout of requests and answers is that of the kernel's `linux/fuse.h`. Nothing is remembered in the kernel (names and
//! attributes hold for no time at all), so each look-up arrives here, as a network file system's does.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirEntryExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, RenameFlags, Timespec, Timestamps, Uid};
use rustix::io::Errno;

/// The most that a process can read or write in one request.
pub const MOST: u32 = 128 * 1024;

/// The node of the directory itself.
const ROOT: u64 = 1;

/// Requests: the kernel's number, the name that they have here, and where in them the name of a file is.
const OPERATIONS: [(u32, &str, Option<usize>); 34] = [
    (1, "lookup", Some(0)),
    (3, "getattr", None),
    (4, "setattr", None),
    (5, "readlink", None),
    (6, "symlink", Some(0)),
    (8, "mknod", Some(16)),
    (9, "mkdir", Some(8)),
    (10, "unlink", Some(0)),
    (11, "rmdir", Some(0)),
    (12, "rename", Some(8)),
    (13, "link", Some(8)),
    (14, "open", None),
    (15, "read", None),
    (16, "write", None),
    (17, "statfs", None),
    (18, "release", None),
    (20, "fsync", None),
    (21, "setxattr", None),
    (22, "getxattr", None),
    (23, "listxattr", None),
    (24, "removexattr", None),
    (25, "flush", None),
    (26, "init", None),
    (27, "opendir", None),
    (28, "readdir", None),
    (29, "releasedir", None),
    (30, "fsyncdir", None),
    (34, "access", None),
    (35, "create", Some(16)),
    (39, "ioctl", None),
    (43, "fallocate", None),
    (45, "rename2", Some(16)),
    (46, "lseek", None),
    (47, "copy_file_range", None),
];

/// Forgetting (2, 42) and interrupting (36) have no answer.
const UNANSWERED: [u32; 3] = [2, 36, 42];

/// What the kernel asks.
pub struct Request {
    /// The kernel's name for this request.
    pub unique: u64,
    /// What is asked.
    pub operation: &'static str,
    /// The thread that asks; 0 where the kernel does by itself.
    pub thread: u32,
    node: u64,
    user: u32,
    group: u32,
    body: Vec<u8>,
}

impl Request {
    /// Takes a request apart; `None` if it has no answer.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let (_length, number) = (fields.u32(), fields.u32());
        if UNANSWERED.contains(&number) {
            return None;
        }
        let operation = OPERATIONS.iter().find(|(known, ..)| *known == number).map_or("other", |(_, name, _)| name);
        let (unique, node) = (fields.u64(), fields.u64());
        let (user, group, thread, _padding) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
        Some(Self { unique, operation, thread, node, user, group, body: fields.0.to_vec() })
    }

    /// Whether a process waits for the answer: not at the end of an open file, nor of the mount's beginning.
    pub fn is_waited_for(&self) -> bool {
        !self.is_end() && self.operation != "init"
    }

    /// Whether it ends an open file or directory.
    pub fn is_end(&self) -> bool {
        matches!(self.operation, "release" | "releasedir")
    }

    /// The answer to the first request: what is agreed upon.
    pub fn agreement(&self) -> Vec<u8> {
        const BIG_WRITES: u32 = 1 << 5;
        // Look-ups in one directory do not wait for one another. That reads are not asynchronous is on purpose: a process waits
        // for an asynchronous one in a sleep that a fatal signal ends.
        const PARALLEL_LOOK_UPS: u32 = 1 << 18;
        let mut fields = Fields(&self.body);
        let (_major, _minor, read_ahead) = (fields.u32(), fields.u32(), fields.u32());
        let head = Bytes::default().u32(7).u32(31).u32(read_ahead).u32(BIG_WRITES | PARALLEL_LOOK_UPS);
        // Then the limits of background requests, as the kernel has them, how much is written at once, and nanoseconds.
        head.u32(0).u32(MOST).u32(1).0.into_iter().chain([0; 36]).collect()
    }

    /// The whole message that answers it.
    pub fn message(&self, answer: io::Result<Vec<u8>>) -> Vec<u8> {
        let (error, body) = match answer {
            Ok(body) => (0, body),
            Err(error) => (-error.raw_os_error().unwrap_or(Errno::IO.raw_os_error()), Vec::new()),
        };
        let length = u32::try_from(16 + body.len()).unwrap_or(u32::MAX);
        let mut message = Bytes::default().u32(length).u32(error.cast_unsigned()).u64(self.unique).0;
        message.extend(body);
        message
    }

    /// The message that makes every later sleep one that no signal ends: that there is no way of interrupting.
    ///
    /// Without it a process sleeps so that any signal wakes it up once, and is shown as sleeping (`S`) until one does. The kernel
    /// takes the message while a request is not answered yet, whether or not it has tried to interrupt that.
    pub fn no_interrupts(&self) -> Vec<u8> {
        const OF_AN_INTERRUPT: u64 = 1;
        let error = -Errno::NOSYS.raw_os_error();
        Bytes::default().u32(16).u32(error.cast_unsigned()).u64(self.unique | OF_AN_INTERRUPT).0
    }
}

/// A directory that exists, as the kernel's requests see it.
pub struct Passthrough {
    backing: PathBuf,
    /// The files that the kernel has been told of, by their numbers, below the directory.
    paths: HashMap<u64, PathBuf>,
    /// The same the other way round, with what the directory's own file system calls them.
    nodes: HashMap<PathBuf, (u64, u64)>,
    open: HashMap<u64, Open>,
    /// The last number given to a node or to an open file.
    last: u64,
}

/// What a process has open.
enum Open {
    File(u64, File),
    /// Number, type and name of each entry.
    Directory(Vec<(u64, u32, Vec<u8>)>),
}

impl Passthrough {
    /// Shows this directory.
    pub fn new(backing: PathBuf) -> Self {
        let paths = HashMap::from([(ROOT, PathBuf::new())]);
        let nodes = HashMap::from([(PathBuf::new(), (ROOT, 0))]);
        Self { backing, paths, nodes, open: HashMap::new(), last: ROOT }
    }

    /// What is asked and of which file, for people.
    pub fn describe(&self, request: &Request) -> String {
        let node = self.paths.get(&request.node).map_or(Path::new("(removed)"), PathBuf::as_path);
        let name = OPERATIONS.iter().find(|(_, name, _)| *name == request.operation).and_then(|(.., name)| *name);
        let path = name
            .map_or_else(|| node.to_owned(), |at| node.join(Fields(request.body.get(at..).unwrap_or_default()).name()));
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { &path };
        format!("{} {}", request.operation, path.display())
    }

    /// Does what is asked; gives the answer.
    pub fn answer(&mut self, request: &Request) -> io::Result<Vec<u8>> {
        let mut fields = Fields(&request.body);
        match request.operation {
            "lookup" => self.entry(&self.child(request.node, fields.name())?),
            "getattr" => self.attributes(request.node),
            "setattr" => self.set_attributes(request.node, &mut fields),
            "readlink" => Ok(fs::read_link(self.file(request.node)?)?.into_os_string().into_vec()),
            "statfs" => self.statistics(),
            "open" => self.open_file(request.node, fields.u32()),
            "opendir" => self.open_directory(request.node),
            "release" | "releasedir" => {
                self.open.remove(&fields.u64());
                Ok(Vec::new())
            }
            "read" | "readdir" => {
                let (handle, offset, size) = (fields.u64(), fields.u64(), fields.u32());
                self.read(handle, offset, usize::try_from(size).unwrap_or(0))
            }
            "write" => {
                let (handle, offset) = (fields.u64(), fields.u64());
                let (_size, _flags, _owner, _open_flags) = (fields.u32(), fields.u32(), fields.u64(), fields.u64());
                self.write(handle, offset, fields.0)
            }
            "symlink" => {
                let path = self.child(request.node, fields.name())?;
                std::os::unix::fs::symlink(fields.name(), self.backing.join(&path))?;
                self.created(request, &path, None)
            }
            "mknod" => {
                let (mode, device, _umask, _padding) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
                let path = self.child(request.node, fields.name())?;
                let kind = FileType::from_raw_mode(mode);
                rustix::fs::mknodat(CWD, self.backing.join(&path), kind, Mode::RUSR, device.into())?;
                self.created(request, &path, Some(mode))
            }
            "mkdir" => {
                let (mode, _umask) = (fields.u32(), fields.u32());
                let path = self.child(request.node, fields.name())?;
                fs::create_dir(self.backing.join(&path))?;
                self.created(request, &path, Some(mode))
            }
            "create" => {
                let (flags, mode, _umask, _padding) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
                let path = self.child(request.node, fields.name())?;
                File::options().write(true).create_new(true).open(self.backing.join(&path))?;
                let mut answer = self.created(request, &path, Some(mode))?;
                answer.extend(self.open_file(self.nodes[&path].0, flags)?);
                Ok(answer)
            }
            "link" => {
                let of = self.file(fields.u64())?;
                let path = self.child(request.node, fields.name())?;
                fs::hard_link(of, self.backing.join(&path))?;
                self.entry(&path)
            }
            "unlink" | "rmdir" => {
                let path = self.child(request.node, fields.name())?;
                let file = self.backing.join(&path);
                let remove = if request.operation == "rmdir" { fs::remove_dir } else { fs::remove_file };
                remove(file)?;
                self.detach(&path);
                Ok(Vec::new())
            }
            "rename" | "rename2" => {
                let to = fields.u64();
                let flags = if request.operation == "rename2" { fields.u64() } else { 0 };
                let (from, to) = (self.child(request.node, fields.name())?, self.child(to, fields.name())?);
                self.rename(&from, &to, flags)
            }
            "fsync" | "fsyncdir" | "flush" => Ok(Vec::new()),
            // The kernel does without, and asks no more: extended attributes, copying within, holes.
            _ => Err(Errno::NOSYS.into()),
        }
    }

    /// Where the directory's own file system has a node.
    fn file(&self, node: u64) -> io::Result<PathBuf> {
        Ok(self.backing.join(self.paths.get(&node).ok_or(Errno::NOENT)?))
    }

    /// The path of a name in a node, below the directory.
    fn child(&self, node: u64, name: &OsStr) -> io::Result<PathBuf> {
        Ok(self.paths.get(&node).ok_or(Errno::NOENT)?.join(name))
    }

    /// A file, looked up: its node and attributes.
    fn entry(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        let found = fs::symlink_metadata(self.backing.join(path)).inspect_err(|_| self.detach(path))?;
        let node = match self.nodes.get(path) {
            Some(&(node, number)) if number == found.ino() => node,
            // Another file than the last time: it was replaced behind the kernel's back.
            _ => {
                self.detach(path);
                self.last += 1;
                self.paths.insert(self.last, path.to_owned());
                self.nodes.insert(path.to_owned(), (self.last, found.ino()));
                self.last
            }
        };
        Ok(Bytes::default().u64(node).u64(0).u64(0).u64(0).u64(0).attributes(&found).0)
    }

    /// A path that leads nowhere any more; what has the file open keeps it.
    fn detach(&mut self, path: &Path) {
        if let Some((node, _)) = self.nodes.remove(path) {
            self.paths.remove(&node);
        }
    }

    /// A node's attributes.
    fn attributes(&self, node: u64) -> io::Result<Vec<u8>> {
        let held = self.open.values().find_map(|open| match open {
            Open::File(of, file) if *of == node => Some(file),
            _ => None,
        });
        // A removed file that is open still has attributes.
        let found = match (self.file(node), held) {
            (Err(_), Some(file)) => file.metadata()?,
            (path, _) => fs::symlink_metadata(path?)?,
        };
        Ok(Bytes::default().u64(0).u64(0).attributes(&found).0)
    }

    fn set_attributes(&self, node: u64, fields: &mut Fields) -> io::Result<Vec<u8>> {
        let (given, _padding, handle, size, _owner) =
            (fields.u32(), fields.u32(), fields.u64(), fields.u64(), fields.u64());
        let (accessed, modified, _changed) = (fields.u64(), fields.u64(), fields.u64());
        let (accessed_ns, modified_ns, _changed_ns) = (fields.u32(), fields.u32(), fields.u32());
        let (mode, _unused, user, group) = (fields.u32(), fields.u32(), fields.u32(), fields.u32());
        let has = |bit: u32| given & (1 << bit) != 0;

        let (file, links) = match self.open.get(&handle) {
            Some(Open::File(_, open)) if has(6) => (held(open), AtFlags::empty()),
            _ => (self.file(node)?, AtFlags::SYMLINK_NOFOLLOW),
        };
        if has(1) || has(2) {
            let (user, group) = (has(1).then(|| Uid::from_raw(user)), has(2).then(|| Gid::from_raw(group)));
            rustix::fs::chownat(CWD, &file, user, group, links)?;
        }
        if has(0) {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode & 0o7777))?;
        }
        if has(3) {
            File::options().write(true).open(&file)?.set_len(size)?;
        }
        if has(4) || has(5) {
            let time = |given, now, seconds: u64, ns: u32| match (given, now) {
                (_, true) => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW },
                (true, _) => Timespec { tv_sec: seconds.cast_signed(), tv_nsec: ns.into() },
                _ => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
            };
            let last_access = time(has(4), has(7), accessed, accessed_ns);
            let last_modification = time(has(5), has(8), modified, modified_ns);
            rustix::fs::utimensat(CWD, &file, &Timestamps { last_access, last_modification }, links)?;
        }
        self.attributes(node)
    }

    fn statistics(&self) -> io::Result<Vec<u8>> {
        let found = rustix::fs::statvfs(&self.backing)?;
        let counts = [found.f_blocks, found.f_bfree, found.f_bavail, found.f_files, found.f_ffree];
        let sizes = [found.f_bsize, found.f_namemax, found.f_frsize, 0, 0, 0, 0, 0, 0, 0];
        let answer = counts.into_iter().fold(Bytes::default(), Bytes::u64);
        Ok(sizes.into_iter().map(narrow).fold(answer, Bytes::u32).0)
    }

    fn open_file(&mut self, node: u64, flags: u32) -> io::Result<Vec<u8>> {
        // Nobody waits when a file is closed; what was read before is read again after the next time that it is opened.
        const NO_FLUSH: u32 = 1 << 5;
        let access = flags & OFlags::ACCMODE.bits();
        let (write, both) = (access == OFlags::WRONLY.bits(), access == OFlags::RDWR.bits());
        let mut options = File::options();
        options.read(!write).write(write || both).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
        let file = options.open(self.file(node)?)?;
        Ok(Bytes::default().u64(self.hold(Open::File(node, file))).u32(NO_FLUSH).u32(0).0)
    }

    fn open_directory(&mut self, node: u64) -> io::Result<Vec<u8>> {
        let directory = self.file(node)?;
        let itself = fs::metadata(&directory)?.ino();
        let mut entries = vec![(itself, 4, b".".to_vec()), (itself, 4, b"..".to_vec())];
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let kind = match entry.file_type()? {
                kind if kind.is_dir() => 4,
                kind if kind.is_file() => 8,
                kind if kind.is_symlink() => 10,
                _ => 0,
            };
            entries.push((entry.ino(), kind, entry.file_name().into_vec()));
        }
        Ok(Bytes::default().u64(self.hold(Open::Directory(entries))).u32(0).u32(0).0)
    }

    fn hold(&mut self, open: Open) -> u64 {
        self.last += 1;
        self.open.insert(self.last, open);
        self.last
    }

    fn read(&self, handle: u64, offset: u64, size: usize) -> io::Result<Vec<u8>> {
        match self.open.get(&handle).ok_or(Errno::BADF)? {
            Open::File(_, file) => {
                let mut bytes = vec![0; size];
                let mut count = 0;
                // Less than was asked for means the end of the file.
                while let more @ 1.. = file.read_at(&mut bytes[count..], offset + count as u64)? {
                    count += more;
                }
                bytes.truncate(count);
                Ok(bytes)
            }
            Open::Directory(entries) => {
                let mut bytes = Vec::new();
                for ((number, kind, name), next) in
                    entries.iter().zip(1u64..).skip(usize::try_from(offset).unwrap_or(0))
                {
                    let head = Bytes::default().u64(*number).u64(next).u32(narrow(name.len() as u64)).u32(*kind).0;
                    let length = (head.len() + name.len()).next_multiple_of(8);
                    if bytes.len() + length > size {
                        break;
                    }
                    bytes.extend(head.iter().chain(name).chain(&[0; 8]).take(length));
                }
                Ok(bytes)
            }
        }
    }

    fn write(&self, handle: u64, offset: u64, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let Some(Open::File(_, file)) = self.open.get(&handle) else { return Err(Errno::BADF.into()) };
        file.write_all_at(bytes, offset)?;
        Ok(Bytes::default().u32(narrow(bytes.len() as u64)).u32(0).0)
    }

    /// What was just created becomes its creator's, with the mode that was asked for.
    fn created(&mut self, request: &Request, path: &Path, mode: Option<u32>) -> io::Result<Vec<u8>> {
        const SET_GROUP: u32 = 0o2000;
        let file = self.backing.join(path);
        let above = fs::metadata(self.file(request.node)?)?;
        let inherits = above.mode() & SET_GROUP != 0;
        let group = if inherits { above.gid() } else { request.group };
        std::os::unix::fs::lchown(&file, Some(request.user), Some(group))?;
        if let Some(mode) = mode {
            let inherited = if inherits && request.operation == "mkdir" { SET_GROUP } else { 0 };
            fs::set_permissions(&file, fs::Permissions::from_mode(mode & 0o7777 | inherited))?;
        }
        self.entry(path)
    }

    fn rename(&mut self, from: &Path, to: &Path, flags: u64) -> io::Result<Vec<u8>> {
        if flags > RenameFlags::NOREPLACE.bits().into() {
            return Err(Errno::INVAL.into());
        }
        let how = RenameFlags::from_bits_retain(narrow(flags));
        rustix::fs::renameat_with(CWD, self.backing.join(from), CWD, self.backing.join(to), how)?;
        self.detach(to);
        let moved: Vec<_> = self.nodes.keys().filter(|path| path.starts_with(from)).cloned().collect();
        for old in moved {
            let below = old.strip_prefix(from).ok().filter(|below| !below.as_os_str().is_empty());
            let new = below.map_or_else(|| to.to_owned(), |below| to.join(below));
            if let Some(node) = self.nodes.remove(&old) {
                self.paths.insert(node.0, new.clone());
                self.nodes.insert(new, node);
            }
        }
        Ok(Vec::new())
    }
}

/// A path of what is open, even if it was removed.
pub fn held(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The fields of a request, one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((field, rest)) = self.0.split_first_chunk() else { return [0; N] };
        self.0 = rest;
        *field
    }

    fn u32(&mut self) -> u32 {
        u32::from_ne_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_ne_bytes(self.take())
    }

    /// Text up to a NUL.
    fn name(&mut self) -> &'a OsStr {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        OsStr::from_bytes(name)
    }
}

/// An answer in the making.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn u32(mut self, field: u32) -> Self {
        self.0.extend(field.to_ne_bytes());
        self
    }

    fn u64(mut self, field: u64) -> Self {
        self.0.extend(field.to_ne_bytes());
        self
    }

    fn attributes(self, of: &Metadata) -> Self {
        let times = [of.atime(), of.mtime(), of.ctime()].map(i64::cast_unsigned);
        let nanoseconds = [of.atime_nsec(), of.mtime_nsec(), of.ctime_nsec()].map(i64::cast_unsigned).map(narrow);
        let bytes = times.into_iter().fold(self.u64(of.ino()).u64(of.size()).u64(of.blocks()), Self::u64);
        let bytes = nanoseconds.into_iter().fold(bytes, Self::u32).u32(of.mode()).u32(narrow(of.nlink()));
        bytes.u32(of.uid()).u32(of.gid()).u32(narrow(of.rdev())).u32(narrow(of.blksize())).u32(0)
    }
}
