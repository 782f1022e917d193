//! A DNS question: bytes → what is asked for. Pure.
//!
//! [`read`] takes what nearly every question looks like: one name without compression, and at most an EDNS record behind it. It is
//! on the way of every packet, and allocates nothing. All else is [`Unusual`], and left to hickory's parser; what that has found
//! sound, [`read_any`] reads in the same terms.

use std::fmt;

/// A name as it travels, each label behind its length and a zero at the end, in lower case.
#[derive(Clone, Copy)]
pub struct Name {
    /// Zeros behind the name.
    bytes: [u8; MOST],
    length: u8,
}

/// No name is as long; whole words.
const MOST: usize = 256;

impl Name {
    /// The name that this text is, with a dot at its end or without; `None` where none looks like that.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let mut bytes = [0; MOST];
        if text.is_empty() {
            return Some(Self { bytes, length: 1 });
        }
        // A dot's place is that of the next label's length; the first one stands before, the zero behind.
        let wire = bytes.get_mut(..text.len() + 2).filter(|wire| wire.len() < MOST)?;
        let (mut length, last) = (0, text.len());
        wire[1..=last].copy_from_slice(text.as_bytes());
        for at in (0..=last).rev() {
            if at > 0 && wire[at] != b'.' {
                wire[at] = wire[at].to_ascii_lowercase();
                length += 1;
            } else if (1..=63).contains(&length) {
                wire[at] = length;
                length = 0;
            } else {
                return None;
            }
        }
        Some(Self { bytes, length: u8::try_from(last + 2).ok()? })
    }

    /// The bytes, with the zero.
    pub fn wire(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The same as words, with zeros behind the last one.
    #[inline]
    pub(super) fn words(&self) -> &[[u8; 8]] {
        &self.bytes.as_chunks().0[..usize::from(self.length).div_ceil(8)]
    }

    /// The name that stands here, whatever its case.
    #[allow(clippy::inline_always)] // made where it is to be: a copy of it costs more than all else here
    #[inline(always)]
    fn lower(wire: &[u8], length: u8) -> Self {
        let mut name = Self { bytes: [0; MOST], length };
        let (words, rest) = wire.as_chunks();
        let lowered = name.bytes.as_chunks_mut().0;
        // A label's length is below `A`, so that it stays as it is.
        for (lowered, word) in lowered.iter_mut().zip(words) {
            *lowered = lower(u64::from_le_bytes(*word)).to_le_bytes();
        }
        let end = wire.len();
        match (wire.last_chunk(), end.checked_sub(8).and_then(|start| name.bytes[start..end].first_chunk_mut())) {
            // Some of them once more.
            (Some(last), Some(lowered)) => *lowered = lower(u64::from_le_bytes(*last)).to_le_bytes(),
            _ => {
                for (lowered, byte) in name.bytes[..end].iter_mut().zip(rest) {
                    *lowered = byte.to_ascii_lowercase();
                }
            }
        }
        name
    }

    /// The name of these bytes, as [`wire`](Self::wire) gave them.
    pub(super) fn of_wire(wire: &[u8]) -> Self {
        let (mut bytes, length) = ([0; MOST], wire.len().min(255));
        bytes[..length].copy_from_slice(&wire[..length]);
        Self { bytes, length: u8::try_from(length).unwrap_or_default() }
    }

    /// The labels, from the left, without the empty one at the end.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.wire();
        std::iter::from_fn(move || {
            let (length, tail) = rest.split_first().filter(|(length, _)| **length > 0)?;
            let (label, after) = tail.split_at_checked(usize::from(*length))?;
            rest = after;
            Some(label)
        })
    }
}

/// Eight bytes at once, those from `A` to `Z` in lower case.
#[inline]
fn lower(word: u64) -> u64 {
    let each = |byte: u8| u64::from_ne_bytes([byte; 8]);
    // The upper bit of a byte tells: one of seven bits, from `A` on, beyond `Z`.
    let bits = word & each(0x7f);
    let (from, beyond) = (bits + each(0x80 - b'A'), bits + each(0x7f - b'Z'));
    word | (from & !beyond & !word & each(0x80)) >> 2
}

/// As people write it, without a dot at the end (the root: a dot alone); what is no printable character as `\DDD` (RFC 1035, 5.1).
impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.length <= 1 {
            return out.write_str(".");
        }
        for (number, label) in self.labels().enumerate() {
            if number > 0 {
                out.write_str(".")?;
            }
            for byte in label {
                match byte {
                    b'.' | b'\\' => write!(out, "\\{}", char::from(*byte))?,
                    b'!'..=b'~' => write!(out, "{}", char::from(*byte))?,
                    _ => write!(out, "\\{byte:03}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.wire() == other.wire()
    }
}

impl Eq for Name {}

/// What EDNS (RFC 6891) adds to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edns {
    /// The largest answer over UDP that the client takes.
    pub size: u16,
    /// Zero; others are told so.
    pub version: u8,
    /// The client wants DNSSEC's records.
    pub wants_signatures: bool,
}

/// One question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The message's number, as the client chose it.
    pub id: u16,
    /// The second pair of bytes of the header.
    pub flags: u16,
    /// The name, in lower case.
    pub name: Name,
    /// The type's number.
    pub kind: u16,
    /// The class's number.
    pub class: u16,
    /// Where the question ends in the message.
    pub end: usize,
    /// Its EDNS record, where it has one.
    pub edns: Option<Edns>,
}

/// A message that is no usual question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusual {
    /// An answer, or less than a header: it deserves no reply (an answer to an answer makes two servers talk for ever).
    Silence,
    /// Something that only the slow path can judge.
    Other,
}

/// The type of EDNS records.
const OPT: u16 = 41;

/// Reads a message.
///
/// # Errors
/// [`Unusual`]
pub fn read(message: &[u8]) -> Result<Question, Unusual> {
    let header: &[u8; 12] = message.first_chunk().ok_or(Unusual::Silence)?;
    let flags = u16::from_be_bytes([header[2], header[3]]);
    if flags & 0x8000 != 0 {
        return Err(Unusual::Silence);
    }
    // A query (operation 0), one question, no records but perhaps one behind it.
    if flags & 0x7800 != 0 || header[4..10] != [0, 1, 0, 0, 0, 0] || header[10] != 0 || header[11] > 1 {
        return Err(Unusual::Other);
    }
    let (end, [kind, class], rest) = read_question(message).ok_or(Unusual::Other)?;
    let edns = match (header[11], rest) {
        (0, []) => None,
        // The root's name, type 41, size, upper code, version, flags, length.
        (1, [0, 0, 41, size_high, size_low, 0, version, flags, _, length_high, length_low, options @ ..])
            if options.len() == usize::from(u16::from_be_bytes([*length_high, *length_low])) && are_whole(options) =>
        {
            let size = u16::from_be_bytes([*size_high, *size_low]);
            Some(Edns { size, version: *version, wants_signatures: flags & 0x80 != 0 })
        }
        _ => return Err(Unusual::Other),
    };
    let (wire, id) = (&message[12..end - 4], u16::from_be_bytes([header[0], header[1]]));
    let length = u8::try_from(wire.len()).map_err(|_| Unusual::Other)?;
    Ok(Question { id, flags, name: Name::lower(wire, length), kind, class, end, edns })
}

/// Reads the one question of a message that hickory's parser has found sound, whatever records and bytes stand behind it.
///
/// `None`: a name in the question that points elsewhere, more or fewer questions than one, an EDNS record that has a name, or options that
/// are cut off.
pub fn read_any(message: &[u8]) -> Option<Question> {
    let header: &[u8; 12] = message.first_chunk()?;
    let number = |at: usize| Some(u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]));
    if number(4)? != 1 {
        return None;
    }
    let (end, [kind, class], _) = read_question(message)?;
    let (wire, id) = (&message[12..end - 4], u16::from_be_bytes([header[0], header[1]]));
    let name = Name::lower(wire, u8::try_from(wire.len()).ok()?);
    let mut question = Question { id, flags: number(2)?, name, kind, class, end, edns: None };
    let records = usize::from(number(6)?) + usize::from(number(8)?) + usize::from(number(10)?);
    let mut at = question.end;
    for _ in 0..records {
        let is_root = message.get(at) == Some(&0);
        at = skip_name(message, at)?;
        let options = message.get(at + 10..at + 10 + usize::from(number(at + 8)?))?;
        if number(at)? == OPT {
            if !is_root || !are_whole(options) {
                return None;
            }
            let [version, flags, ..] = *message.get(at + 5..)? else { return None };
            question.edns = Some(Edns { size: number(at + 2)?, version, wants_signatures: flags & 0x80 != 0 });
        }
        at += 10 + options.len();
    }
    Some(question)
}

/// Where the question ends, its type and class, and what stands behind it.
#[inline]
fn read_question(message: &[u8]) -> Option<(usize, [u16; 2], &[u8])> {
    let mut at = 12;
    loop {
        match *message.get(at)? {
            0 => break,
            length @ 1..=63 => at += 1 + usize::from(length),
            _ => return None,
        }
    }
    let [kind_high, kind_low, class_high, class_low, rest @ ..] = message.get(at + 1..)? else { return None };
    let numbers = [[*kind_high, *kind_low], [*class_high, *class_low]].map(u16::from_be_bytes);
    Some((at + 5, numbers, rest))
}

/// Where the name that stands here ends. A pointer ends it, wherever it leads.
pub(super) fn skip_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            192.. => return Some(at + 2),
            _ => return None,
        }
    }
}

/// Whether EDNS options, each a code and a length before it, end where they say.
fn are_whole(mut options: &[u8]) -> bool {
    while let [_, _, high, low, rest @ ..] = options {
        match rest.get(usize::from(u16::from_be_bytes([*high, *low]))..) {
            Some(after) => options = after,
            None => return false,
        }
    }
    options.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = b"\x12\x34\x01\x10\0\x01\0\0\0\0\0\0\x07ExAmPlE\x03com\0\0\x1c\0\x01";
    const EDNS: &[u8] = b"\0\0\x29\x04\xd0\0\0\x80\0\0\x05\0\x0f\0\x01x";

    fn with_edns(options: &[u8]) -> Vec<u8> {
        let mut message = [PLAIN, options].concat();
        message[11] = 1;
        message
    }

    #[test]
    fn a_question_is_read() {
        let question = read(PLAIN).unwrap();
        assert_eq!(question.name.wire(), b"\x07example\x03com\0");
        assert_eq!((question.id, question.flags, question.kind, question.class), (0x1234, 0x0110, 28, 1));
        assert_eq!((question.end, question.edns), (PLAIN.len(), None));
        let edns = Edns { size: 1232, version: 0, wants_signatures: true };
        assert_eq!(read(&with_edns(EDNS)), Ok(Question { edns: Some(edns), ..question }));
        for message in [PLAIN.to_vec(), with_edns(EDNS)] {
            assert_eq!(read_any(&message), read(&message).ok());
        }
    }

    #[test]
    fn case_does_not_count_and_all_other_bytes_do() {
        for byte in 0..=255_u8 {
            for at in 0..8 {
                let mut word = [b'x'; 8];
                word[at] = byte;
                let wanted = word.map(|byte| byte.to_ascii_lowercase());
                assert_eq!(lower(u64::from_le_bytes(word)).to_le_bytes(), wanted, "{byte} at {at}");
            }
        }
    }

    #[test]
    fn a_name_is_text() {
        assert_eq!(read(PLAIN).unwrap().name.to_string(), "example.com");
        let odd = read(b"\0\0\0\0\0\x01\0\0\0\0\0\0\x04a.\\\xc8\x02 b\0\0\x01\0\x01").unwrap().name;
        assert_eq!(odd.to_string(), "a\\.\\\\\\200.\\032b");
        assert_eq!(odd.labels().collect::<Vec<_>>(), [&b"a.\\\xc8"[..], b" b"]);
        assert_eq!(read(b"\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\x01\0\x01").unwrap().name.to_string(), ".");
    }

    #[test]
    fn what_is_unusual_is_told() {
        for end in 0..12 {
            assert_eq!(read(&PLAIN[..end]), Err(Unusual::Silence));
        }
        for end in 12..PLAIN.len() {
            assert_eq!(read(&PLAIN[..end]), Err(Unusual::Other));
            assert_eq!(read_any(&PLAIN[..end]), None);
        }
        let with = |at: usize, byte: u8| {
            let mut message = PLAIN.to_vec();
            message[at] = byte;
            message
        };
        assert_eq!(read(&with(2, 0x81)), Err(Unusual::Silence), "an answer");
        // Another operation, two questions, an answer, a record that is not there, a label of another kind, a pointer.
        for (at, byte) in [(2, 0x28), (5, 2), (5, 0), (7, 1), (9, 1), (11, 1), (10, 1), (12, 64), (12, 192)] {
            assert_eq!(read(&with(at, byte)), Err(Unusual::Other), "{at}");
        }
        assert_eq!(read(&[PLAIN, b"\0"].concat()), Err(Unusual::Other), "bytes behind it");
        assert_eq!(read_any(&[PLAIN, b"\0"].concat()), read(PLAIN).ok());
    }

    #[test]
    fn a_name_is_no_longer_than_255_bytes() {
        let name = |last: usize| {
            let labels = [vec![[&[63][..], &[b'a'; 63]].concat(); 3].concat(), vec![u8::try_from(last).unwrap()]];
            [&PLAIN[..12], &labels.concat(), &vec![b'b'; last], &[0, 0, 1, 0, 1]].concat()
        };
        assert_eq!(read(&name(61)).unwrap().name.wire().len(), 255);
        assert_eq!(read(&name(62)), Err(Unusual::Other));
    }

    #[test]
    fn options_end_where_they_say() {
        for (options, is_whole) in [
            (&b""[..], true),
            (b"\0\x0a\0\0", true),
            (b"\0\x0a\0\x02ab\0\x0b\0\0", true),
            (b"\0", false),
            (b"\0\x0a\0", false),
            (b"\0\x0a\0\x03ab", false),
        ] {
            assert_eq!(are_whole(options), is_whole, "{options:?}");
            let length = u8::try_from(options.len()).unwrap();
            let message = with_edns(&[&EDNS[..10], &[length], options].concat());
            assert_eq!((read(&message).is_ok(), read_any(&message).is_some()), (is_whole, is_whole));
        }
    }

    #[test]
    fn edns_is_found_among_other_records() {
        let other = b"\xc0\x0c\0\x10\0\x01\0\0\0\0\0\x02\x01x";
        let mut message = with_edns(&[&other[..], EDNS].concat());
        message[11] = 2;
        assert_eq!(read(&message), Err(Unusual::Other));
        assert_eq!(read_any(&message), read(&with_edns(EDNS)).ok());
        message[11] = 3;
        assert_eq!(read_any(&message), None);
    }
}
