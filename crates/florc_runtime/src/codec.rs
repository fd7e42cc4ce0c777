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

/// Compresses chunks, one after the other: its memory and zstd's tables are made once.
pub(crate) struct Encoder {
    compressor: Option<zstd::bulk::Compressor<'static>>,
    shuffled: Vec<u8>,
    packed: Vec<u8>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            compressor: zstd::bulk::Compressor::new(1).ok(),
            shuffled: Vec::new(),
            packed: Vec::new(),
        }
    }
}

impl Encoder {
    /// Compresses a chunk of elements of `element` bytes. The bytes live until the next one.
    pub(crate) fn encode<'a>(&'a mut self, raw: &'a [u8], element: u8) -> (Codec, &'a [u8]) {
        let Some(compressor) = &mut self.compressor else {
            return (Codec::Raw, raw);
        };
        let width = usize::from(element);
        let shuffles = (2..=16).contains(&width) && raw.len().is_multiple_of(width);
        let (codec, input) = if shuffles {
            shuffle(raw, width, &mut self.shuffled);
            (Codec::Shuffled(element), self.shuffled.as_slice())
        } else {
            (Codec::Zstd, raw)
        };
        self.packed.clear();
        self.packed
            .reserve(zstd::zstd_safe::compress_bound(input.len()));
        match compressor.compress_to_buffer(input, &mut self.packed) {
            Ok(length) if length < raw.len() => (codec, &self.packed[..length]),
            Ok(_) | Err(_) => (Codec::Raw, raw),
        }
    }
}

/// Undoes [`Encoder::encode`], into memory of the chunk's length; false where the bytes are not what it makes.
/// `scratch` is memory for in between.
pub(crate) fn decode(codec: Codec, stored: &[u8], raw: &mut [u8], scratch: &mut Vec<u8>) -> bool {
    match codec {
        Codec::Raw => {
            let fits = stored.len() == raw.len();
            if fits {
                raw.copy_from_slice(stored);
            }
            fits
        }
        Codec::Zstd => unpack(stored, raw),
        Codec::Shuffled(element) => {
            scratch.resize(raw.len(), 0);
            unpack(stored, scratch) && unshuffle(scratch, usize::from(element), raw)
        }
    }
}

fn unpack(stored: &[u8], raw: &mut [u8]) -> bool {
    zstd::bulk::decompress_to_buffer(stored, raw).is_ok_and(|length| length == raw.len())
}

/// Planes of bytes of equal significance.
fn shuffle(raw: &[u8], width: usize, out: &mut Vec<u8>) {
    out.resize(raw.len(), 0);
    match width {
        2 => split::<2>(raw, out),
        4 => split::<4>(raw, out),
        8 => split::<8>(raw, out),
        _ => {
            let count = raw.len() / width;
            for (byte, plane) in out.chunks_exact_mut(count.max(1)).enumerate() {
                for (to, element) in plane.iter_mut().zip(raw.chunks_exact(width)) {
                    *to = element[byte];
                }
            }
        }
    }
}

fn split<const WIDTH: usize>(raw: &[u8], out: &mut [u8]) {
    let count = raw.len() / WIDTH;
    let (elements, _) = raw.as_chunks::<WIDTH>();
    let mut rest = out;
    let mut planes: [&mut [u8]; WIDTH] = std::array::from_fn(|_| {
        let (plane, after) = std::mem::take(&mut rest).split_at_mut(count);
        rest = after;
        plane
    });
    for (at, element) in elements.iter().enumerate() {
        for (plane, byte) in planes.iter_mut().zip(element) {
            plane[at] = *byte;
        }
    }
}

fn unshuffle(shuffled: &[u8], width: usize, raw: &mut [u8]) -> bool {
    if !shuffled.len().is_multiple_of(width) {
        return false;
    }
    match width {
        2 => join::<2>(shuffled, raw),
        4 => join::<4>(shuffled, raw),
        8 => join::<8>(shuffled, raw),
        _ => {
            let count = shuffled.len() / width;
            for (byte, plane) in shuffled.chunks_exact(count.max(1)).enumerate() {
                for (element, value) in raw.chunks_exact_mut(width).zip(plane) {
                    element[byte] = *value;
                }
            }
        }
    }
    true
}

fn join<const WIDTH: usize>(shuffled: &[u8], raw: &mut [u8]) {
    let count = shuffled.len() / WIDTH;
    let planes: [&[u8]; WIDTH] =
        std::array::from_fn(|plane| &shuffled[plane * count..(plane + 1) * count]);
    let (elements, _) = raw.as_chunks_mut::<WIDTH>();
    for (at, element) in elements.iter_mut().enumerate() {
        for (byte, plane) in element.iter_mut().zip(&planes) {
            *byte = plane[at];
        }
    }
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
            let mut encoder = Encoder::default();
            let (codec, stored) = encoder.encode(&raw, element);
            prop_assert_eq!(Codec::from_code(codec.code()), Some(codec));
            let mut back = vec![1; raw.len()];
            prop_assert!(decode(codec, stored, &mut back, &mut Vec::new()));
            prop_assert_eq!(back, raw);
        }

        #[test]
        fn damage_does_not_panic(stored in prop::collection::vec(any::<u8>(), 0..200), code: u8, raw_len in 0usize..5000) {
            if let Some(codec) = Codec::from_code(code) {
                let _ = decode(codec, &stored, &mut vec![0; raw_len], &mut Vec::new());
            }
        }
    }
}
