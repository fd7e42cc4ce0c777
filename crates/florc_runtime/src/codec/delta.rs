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
    ($subtract:ident, $add:ident, $word:ty, $signed:ty) => {
        fn $subtract(raw: &[u8], base: &[u8], out: &mut [u8]) {
            const WIDTH: usize = size_of::<$word>();
            let bases = base.as_chunks::<WIDTH>().0;
            let words = raw.as_chunks::<WIDTH>().0.iter().zip(bases);
            for (to, (new, old)) in out.as_chunks_mut::<WIDTH>().0.iter_mut().zip(words) {
                let new = ordered(<$word>::from_le_bytes(*new));
                let difference = new.wrapping_sub(ordered(<$word>::from_le_bytes(*old)));
                let sign = (difference.cast_signed() >> (<$word>::BITS - 1)).cast_unsigned();
                *to = (difference << 1 ^ sign).to_le_bytes();
            }
            /// Floats by size, not by sign and size.
            fn ordered(bits: $word) -> $word {
                let sign = (bits.cast_signed() >> (<$word>::BITS - 1)).cast_unsigned();
                bits ^ (sign | 1 << (<$word>::BITS - 1))
            }
        }

        fn $add(raw: &mut [u8], base: &[u8]) {
            const WIDTH: usize = size_of::<$word>();
            let bases = base.as_chunks::<WIDTH>().0;
            for (word, old) in raw.as_chunks_mut::<WIDTH>().0.iter_mut().zip(bases) {
                let coded = <$word>::from_le_bytes(*word);
                let difference = coded >> 1 ^ (coded & 1).wrapping_neg();
                let old = <$word>::from_le_bytes(*old);
                let sign = (old.cast_signed() >> (<$word>::BITS - 1)).cast_unsigned();
                let place = (old ^ (sign | 1 << (<$word>::BITS - 1))).wrapping_add(difference);
                let sign = (!place.cast_signed() >> (<$word>::BITS - 1)).cast_unsigned();
                *word = (place ^ (sign | 1 << (<$word>::BITS - 1))).to_le_bytes();
            }
        }
    };
}

differences!(subtract2, add2, u16, i16);
differences!(subtract4, add4, u32, i32);
differences!(subtract8, add8, u64, i64);

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
