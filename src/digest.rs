//! FNV-1a, as [`hpcsh_early::digest`] has it: what is kept for it is named by the same numbers.

pub use hpcsh_early::digest::{NONE, of, with};

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
