//! The record of an answer: the premises that have to hold, and what is said if all of them do.
//!
//! [`MAGIC`], then entries to the end: a [`Tag`], the lengths of its two fields as four bytes each, the lowest first, and the
//! fields. A field that a tag does not speak of is empty. Paths have a zero byte behind them, as the kernel wants them.

/// What every record begins with. Its number changes with what the entries mean.
pub const MAGIC: &[u8] = b"hpcsh ready 1\n";

/// The name of the variable that a shell below one of ours has inherited.
pub const MARKER: &[u8] = b"HPCSH_EXPORTS";

/// The most bytes that a record may have.
pub const MOST: usize = 64 << 10;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Tag {
    /// `NAME=VALUE`: this variable is set, and so.
    Set = b'e',
    /// `NAME=`: this variable is not set.
    Unset = b'u',
    /// `NAME=`, or the beginning of names: no such variable is set, or [`MARKER`] is.
    Free = b'x',
    /// Path: PATH, which is not empty, has it, or [`MARKER`] is set.
    Has = b'h',
    /// Path: PATH, which is not empty, has it not, or [`MARKER`] is set.
    Lacks = b'm',
    /// Path, target: this symlink stands there, and leads there.
    Link = b'l',
    /// Path, text: this file of the kernel's says that.
    Says = b'k',
    /// This is the node's name.
    Node = b'n',
    /// [`Stamp`]: this is the program that runs.
    Program = b'p',
    /// Path, [`Stamp`] or its beginning: this is there, and has not changed as far as that tells.
    File = b'f',
    /// Path, the beginning of a [`Stamp`]: the same for what lies in a directory of this node.
    Near = b'i',
    /// Path, [`Stamp`] and a path without symlinks: this is there, has not changed, and lies in that place.
    Place = b'w',
    /// Path, [`Stamp`]: this symlink is there, and has not changed.
    Way = b'y',
    /// Path: the environment that the answer is about.
    About = b'q',
    /// Path: nothing is there.
    Absent = b'a',
    /// Path: this is a directory of ours alone.
    Ours = b'd',
    /// Path, seconds as eight bytes: the verdict in this file holds, and will for no longer than that. It chooses
    /// among what follows.
    Verdict = b'v',
    /// What is said.
    Say = b's',
    /// What is said while the node is online.
    SayOnline = b'1',
    /// What is said while it is offline.
    SayOffline = b'0',
    /// The end of the record: one that has none was cut.
    End = b'.',
}

impl Tag {
    /// The tag of this byte.
    pub fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            b'e' => Self::Set,
            b'u' => Self::Unset,
            b'x' => Self::Free,
            b'h' => Self::Has,
            b'm' => Self::Lacks,
            b'l' => Self::Link,
            b'k' => Self::Says,
            b'n' => Self::Node,
            b'p' => Self::Program,
            b'f' => Self::File,
            b'i' => Self::Near,
            b'w' => Self::Place,
            b'y' => Self::Way,
            b'q' => Self::About,
            b'a' => Self::Absent,
            b'd' => Self::Ours,
            b'v' => Self::Verdict,
            b's' => Self::Say,
            b'1' => Self::SayOnline,
            b'0' => Self::SayOffline,
            b'.' => Self::End,
            _ => return None,
        })
    }
}

/// What tells whether a file is the one it was: the numbers of its file system and of itself, its size, when it was written and
/// when it was changed last, in seconds and nanoseconds. The last one nobody can set; owner and mode change it too.
pub type Stamp = [u64; 7];

/// A stamp's bytes in a record.
pub const fn bytes(stamp: &Stamp) -> [u8; 56] {
    let mut bytes = [0; 56];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = (stamp[at / 8] >> (at % 8 * 8) & 0xff) as u8;
        at += 1;
    }
    bytes
}

/// The shells, and the names of the records of their logins in the node-local directory.
pub const NAMES: [(&[u8], &[u8]); 3] =
    [(b"zsh\0", b"ready.zsh\0"), (b"bash\0", b"ready.bash\0"), (b"fish\0", b"ready.fish\0")];

/// The entries of a record, one after another, as far as they make sense.
pub struct Entries<'a> {
    rest: &'a [u8],
}

/// A tag and its fields.
pub type Entry<'a> = (Tag, &'a [u8], &'a [u8]);

impl<'a> Entries<'a> {
    /// The entries behind [`MAGIC`].
    pub fn of(rest: &'a [u8]) -> Self {
        Self { rest }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let (tag, rest) = self.rest.split_first()?;
        let (first, rest) = rest.split_first_chunk()?;
        let (second, rest) = rest.split_first_chunk()?;
        let (first_field, rest) = rest.split_at_checked(u32::from_le_bytes(*first) as usize)?;
        let (second_field, rest) = rest.split_at_checked(u32::from_le_bytes(*second) as usize)?;
        self.rest = rest;
        Some((Tag::of(*tag)?, first_field, second_field))
    }
}
