//! What a chunk differs in from an earlier one.
//!
//! ```text
//! 1.0000001 after 1.0     3f800001 − 3f800000 = 1        one step of a float, whatever its size
//! ```
//!
//! Floats in order of their bits are integers in order, so weights that moved a little differ by a small
//! integer; its sign goes into the lowest bit. The same for any bytes: nothing is lost. Does not
//! compress, and does not look for what to compare with.

/// Bytes of the elements that can be compared.
pub(crate) const WIDTHS: [u8; 3] = [2, 4, 8];

macro_rules! differences {
    ($subtract:ident, $add:ident, $word:ty) => {
        fn $subtract(raw: &[u8], base: &[u8], out: &mut [u8]) {
            const TOP: u32 = <$word>::BITS - 1;
            // floats by their bits are ordered by sign, then by size: turned into ordered integers
            let ordered = |word: $word| word ^ (word >> TOP).wrapping_neg() ^ (!word >> TOP) << TOP;
            let (words, bases) = (raw.as_chunks().0.iter(), base.as_chunks().0);
            let places = out.as_chunks_mut().0.iter_mut();
            for ((to, new), old) in places.zip(words).zip(bases) {
                let (new, old) = (<$word>::from_le_bytes(*new), <$word>::from_le_bytes(*old));
                let difference = ordered(new).wrapping_sub(ordered(old));
                let sign = (difference >> TOP).wrapping_neg();
                *to = (difference << 1 ^ sign).to_le_bytes();
            }
        }

        fn $add(raw: &mut [u8], base: &[u8]) {
            const TOP: u32 = <$word>::BITS - 1;
            let ordered = |word: $word| word ^ (word >> TOP).wrapping_neg() ^ (!word >> TOP) << TOP;
            let bits =
                |place: $word| place ^ (!place >> TOP).wrapping_neg() ^ (place >> TOP) << TOP;
            let bases = base.as_chunks().0;
            for (word, old) in raw.as_chunks_mut().0.iter_mut().zip(bases) {
                let coded = <$word>::from_le_bytes(*word);
                let difference = coded >> 1 ^ (coded & 1).wrapping_neg();
                let old = ordered(<$word>::from_le_bytes(*old));
                *word = bits(old.wrapping_add(difference)).to_le_bytes();
            }
        }
    };
}

differences!(subtract2, add2, u16);
differences!(subtract4, add4, u32);
differences!(subtract8, add8, u64);

/// Elements of `raw` less those of `base`, which has the same length; false for another [`WIDTHS`].
pub(super) fn subtract(raw: &[u8], base: &[u8], width: u8, out: &mut [u8]) -> bool {
    match width {
        2 => subtract2(raw, base, out),
        4 => subtract4(raw, base, out),
        8 => subtract8(raw, base, out),
        _ => return false,
    }
    true
}

/// Undoes [`subtract`] in place.
pub(super) fn add(raw: &mut [u8], base: &[u8], width: u8) -> bool {
    match width {
        2 => add2(raw, base),
        4 => add4(raw, base),
        8 => add8(raw, base),
        _ => return false,
    }
    true
}
