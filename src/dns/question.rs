//! A DNS question: bytes → what is asked for. Pure.
//!
//! Reads what nearly every question looks like: one name without compression, and at most an EDNS record behind it. All else is
//! [`Unusual`], and left to hickory's parser. No allocation: this is on the way of every packet.

/// A name as it travels, each label behind its length and a zero at the end, in lower case.
#[derive(Clone, Copy)]
pub struct Name {
    bytes: [u8; 255],
    length: u8,
}

impl Name {
    /// The name that this text is, with a dot at its end or without; `None` where none looks like that.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let mut wire = Vec::with_capacity(text.len() + 2);
        for label in text.split('.').filter(|_| !text.is_empty()) {
            let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
            wire.push(length);
            wire.extend(label.bytes().map(|byte| byte.to_ascii_lowercase()));
        }
        wire.push(0);
        let mut bytes = [0; 255];
        bytes.get_mut(..wire.len())?.copy_from_slice(&wire);
        Some(Self { bytes, length: u8::try_from(wire.len()).ok()? })
    }

    /// The bytes, with the zero.
    pub fn wire(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

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
#[derive(Clone, Copy)]
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
    let (name, at) = read_name(message)?;
    let fixed: [u8; 4] = message.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).ok_or(Unusual::Other)?;
    let end = at + 4;
    let rest = &message[end..];
    let edns = match (header[11], rest) {
        (0, []) => None,
        // The root's name, type 41, size, upper code, version, flags, length.
        (1, [0, 0, 41, size_high, size_low, 0, version, flags, _, length_high, length_low, options @ ..])
            if options.len() == usize::from(u16::from_be_bytes([*length_high, *length_low])) =>
        {
            let size = u16::from_be_bytes([*size_high, *size_low]);
            Some(Edns { size, version: *version, wants_signatures: flags & 0x80 != 0 })
        }
        _ => return Err(Unusual::Other),
    };
    Ok(Question {
        id: u16::from_be_bytes([header[0], header[1]]),
        flags,
        name,
        kind: u16::from_be_bytes([fixed[0], fixed[1]]),
        class: u16::from_be_bytes([fixed[2], fixed[3]]),
        end,
        edns,
    })
}

/// The name of the question, and where it ends.
fn read_name(message: &[u8]) -> Result<(Name, usize), Unusual> {
    let mut at = 12;
    loop {
        match *message.get(at).ok_or(Unusual::Other)? {
            0 => break,
            length @ 1..=63 => at += 1 + usize::from(length),
            _ => return Err(Unusual::Other),
        }
    }
    let wire = &message[12..=at];
    let length = u8::try_from(wire.len()).map_err(|_| Unusual::Other)?;
    let mut bytes = [0; 255];
    bytes[..wire.len()].copy_from_slice(wire);
    // A label's length is below `A`, so that it stays as it is.
    bytes[..wire.len()].make_ascii_lowercase();
    Ok((Name { bytes, length }, at + 1))
}
