//! FNV-1a: tells texts apart that nobody tries to make collide.
//!
//! Where somebody might, what the digest names has to say itself what it belongs to.

/// The digest of no text.
pub const NONE: u64 = 0xcbf2_9ce4_8422_2325;

/// The digest of a text.
pub const fn of(text: &[u8]) -> u64 {
    with(NONE, text)
}

/// The digest of what `sum` is the digest of, and a text behind it.
pub const fn with(mut sum: u64, text: &[u8]) -> u64 {
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        // `u64::from` is not for constants.
        sum = (sum ^ *byte as u64).wrapping_mul(0x0100_0000_01b3);
        rest = behind;
    }
    sum
}
