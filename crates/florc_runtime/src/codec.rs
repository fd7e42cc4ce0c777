//! Compression of one chunk.
//!
//! Weights hardly repeat as whole numbers, but their exponents do: bytes of the same significance
//! are put side by side before zstd at level 1 (higher levels are never worth their time). What
//! does not become smaller is kept raw. Does not check content: the pack does, by hash.

/// How a chunk is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// As it is.
    Raw,
    /// zstd level 1.
    Zstd,
    /// Bytes of elements of this size regrouped by significance, then zstd level 1.
    Shuffled(u8),
}

impl Codec {
    /// One byte for the disk.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Zstd => 1,
            Self::Shuffled(element) => 0x80 | element,
        }
    }

    /// From the disk.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Raw),
            1 => Some(Self::Zstd),
            code if code & 0x80 != 0 && code & 0x7f > 1 => Some(Self::Shuffled(code & 0x7f)),
            _ => None,
        }
    }
}

/// Compresses a chunk of elements of `element` bytes.
pub(crate) fn encode(raw: &[u8], element: u8) -> (Codec, Vec<u8>) {
    let width = usize::from(element);
    let shuffles = (2..=16).contains(&width) && raw.len().is_multiple_of(width);
    let (codec, packed) = if shuffles {
        (
            Codec::Shuffled(element),
            zstd::bulk::compress(&shuffle(raw, width), 1),
        )
    } else {
        (Codec::Zstd, zstd::bulk::compress(raw, 1))
    };
    match packed {
        Ok(packed) if packed.len() < raw.len() => (codec, packed),
        Ok(_) | Err(_) => (Codec::Raw, raw.to_vec()),
    }
}

/// Undoes [`encode`]; `None` where the bytes are not what it makes.
pub(crate) fn decode(codec: Codec, stored: &[u8], raw_len: usize) -> Option<Vec<u8>> {
    let raw = match codec {
        Codec::Raw => stored.to_vec(),
        Codec::Zstd => zstd::bulk::decompress(stored, raw_len).ok()?,
        Codec::Shuffled(element) => unshuffle(
            &zstd::bulk::decompress(stored, raw_len).ok()?,
            usize::from(element),
        )?,
    };
    (raw.len() == raw_len).then_some(raw)
}

fn shuffle(raw: &[u8], width: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    for byte in 0..width {
        out.extend(raw.iter().skip(byte).step_by(width));
    }
    out
}

fn unshuffle(shuffled: &[u8], width: usize) -> Option<Vec<u8>> {
    if !shuffled.len().is_multiple_of(width) {
        return None;
    }
    let count = shuffled.len() / width;
    let mut out = vec![0; shuffled.len()];
    for (byte, plane) in shuffled.chunks_exact(count.max(1)).enumerate() {
        for (element, value) in plane.iter().enumerate() {
            out[element * width + byte] = *value;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn chunks_survive(raw in prop::collection::vec(any::<u8>(), 0..600), element in 0u8..20, zeros in 0usize..3000) {
            let mut raw = raw;
            raw.extend(std::iter::repeat_n(0, zeros));
            let (codec, stored) = encode(&raw, element);
            prop_assert_eq!(Codec::from_code(codec.code()), Some(codec));
            prop_assert_eq!(decode(codec, &stored, raw.len()), Some(raw));
        }

        #[test]
        fn damage_does_not_panic(stored in prop::collection::vec(any::<u8>(), 0..200), code: u8, raw_len in 0usize..5000) {
            if let Some(codec) = Codec::from_code(code) {
                let _ = decode(codec, &stored, raw_len);
            }
        }
    }
}
