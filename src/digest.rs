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
    let mut at = 0;
    while at < text.len() {
        // `u64::from` is not for constants.
        sum = (sum ^ text[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    sum
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_digest_is_fnv_1a() {
        // From the algorithm's own test vectors.
        assert_eq!(super::of(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(super::of(b"foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(super::with(super::of(b"foo"), b"bar"), super::of(b"foobar"));
    }
}
