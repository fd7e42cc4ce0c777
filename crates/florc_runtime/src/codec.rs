//! Compression of one chunk.
//!
//! ```text
//! 1.00 0.97 1.01 …    bytes 3f 3f 3f | 80 78 81 | 00 51 47 | …
//! ```
//!
//! Weights hardly repeat as whole numbers, but their exponents do: bytes of the same significance
//! are put side by side, and each such plane is compressed for itself, by zstd at its fastest level, where that
//! makes it smaller. What does not become smaller is kept raw, plane or chunk: it is read as fast as it was
//! written. Does not check content: the pack does, by hash.

mod delta;
mod planes;

use zstd::zstd_safe::{CParameter, compress_bound};

/// How a chunk is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// As it is.
    Raw,
    /// zstd level 1.
    Zstd,
    /// Bytes of elements of this size regrouped by significance, then zstd level 1 over all: formats up to 3.
    Shuffled(u8),
    /// The same, plane by plane: the stored length of each, then each raw or as a frame of zstd.
    Planes(u8),
    /// The planes of the differences from another chunk of the same length.
    Delta(u8),
}

/// Bytes of a part that stands for the whole.
const SAMPLE: usize = 8 << 10;

/// Most bytes of an element.
const WIDEST: u8 = 16;

impl Codec {
    /// One byte for the disk.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Zstd => 1,
            Self::Shuffled(element) => 0x80 | element,
            Self::Planes(element) => 0x40 | element,
            Self::Delta(element) => 0x60 | element,
        }
    }

    /// From the disk.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        match (code & 0xe0, code & 0x1f) {
            (0, 0) => Some(Self::Raw),
            (0, 1) => Some(Self::Zstd),
            (0x80.., _) if code & 0x7f > 1 => Some(Self::Shuffled(code & 0x7f)),
            (0x40, element @ 2..=WIDEST) => Some(Self::Planes(element)),
            (0x60, element @ (2 | 4 | 8)) => Some(Self::Delta(element)),
            _ => None,
        }
    }
}

/// Compresses chunks, one after the other: its memory and zstd's tables are made once.
pub(crate) struct Encoder {
    compressors: Option<Compressors>,
    differences: Vec<u8>,
    planes: Vec<u8>,
    frame: Vec<u8>,
    packed: Vec<u8>,
}

struct Compressors {
    plain: zstd::bulk::Compressor<'static>,
    /// For planes: matches in exponents are mostly chance, and cost more than they save.
    planes: zstd::bulk::Compressor<'static>,
}

impl Compressors {
    fn new() -> Option<Self> {
        let plain = zstd::bulk::Compressor::new(1).ok()?;
        let mut planes = zstd::bulk::Compressor::new(1).ok()?;
        planes.set_parameter(CParameter::MinMatch(7)).ok()?;
        planes.set_parameter(CParameter::HashLog(9)).ok()?;
        Some(Self { plain, planes })
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            compressors: Compressors::new(),
            differences: Vec::new(),
            planes: Vec::new(),
            frame: Vec::new(),
            packed: Vec::new(),
        }
    }
}

impl Encoder {
    /// Compresses a chunk of elements of `element` bytes. The bytes live until the next one.
    pub(crate) fn encode<'a>(&'a mut self, raw: &'a [u8], element: u8) -> (Codec, &'a [u8]) {
        let width = width_of(element);
        let has_planes = (2..=WIDEST).contains(&width) && raw.len().is_multiple_of(width.into());
        let codec = if has_planes {
            self.pack_planes(raw, width).map(|()| Codec::Planes(width))
        } else {
            self.pack(raw).map(|()| Codec::Zstd)
        };
        match codec {
            Some(codec) if self.packed.len() < raw.len() => (codec, &self.packed),
            Some(_) | None => (Codec::Raw, raw),
        }
    }

    /// Compresses a chunk where that is hardly slower than writing it as it is: where a part of it becomes less than half.
    pub(crate) fn encode_quickly<'a>(
        &'a mut self,
        raw: &'a [u8],
        element: u8,
    ) -> (Codec, &'a [u8]) {
        let width = usize::from(width_of(element).max(1));
        let length = (SAMPLE / width * width).min(raw.len());
        let start = (raw.len() - length) / 2 / width * width;
        let sample = &raw[start..][..length];
        let (_, packed) = self.encode(sample, element);
        if 2 * packed.len() < length {
            self.encode(raw, element)
        } else {
            (Codec::Raw, raw)
        }
    }

    /// Compresses what a chunk differs in from `base`, a chunk of the same length. `None`: such elements are not
    /// compared, or it does not become smaller than `bound` bytes.
    pub(crate) fn encode_delta(
        &mut self,
        raw: &[u8],
        base: &[u8],
        element: u8,
        bound: usize,
    ) -> Option<(Codec, &[u8])> {
        let width = width_of(element);
        if raw.len() != base.len() || !raw.len().is_multiple_of(width.max(1).into()) {
            return None;
        }
        let mut differences = std::mem::take(&mut self.differences);
        differences.resize(raw.len(), 0);
        let packed = delta::subtract(raw, base, width, &mut differences)
            .then(|| self.pack_planes(&differences, width));
        self.differences = differences;
        packed??;
        (self.packed.len() < bound).then_some((Codec::Delta(width), &self.packed))
    }

    fn pack(&mut self, raw: &[u8]) -> Option<()> {
        let compressor = &mut self.compressors.as_mut()?.plain;
        compress(compressor, raw, &mut self.packed)
    }

    fn pack_planes(&mut self, raw: &[u8], width: u8) -> Option<()> {
        let compressor = &mut self.compressors.as_mut()?.planes;
        self.planes.resize(raw.len(), 0);
        planes::split(raw, width.into(), &mut self.planes);
        self.packed.clear();
        self.packed.resize(table_bytes(width), 0);
        let count = raw.len() / usize::from(width);
        for (at, plane) in self.planes.chunks_exact(count.max(1)).enumerate() {
            compress(compressor, plane, &mut self.frame)?;
            // less is not worth that it has to be decoded
            let is_smaller = self.frame.len() < plane.len() - plane.len() / 64;
            let kept = if is_smaller { &self.frame } else { plane };
            self.packed.extend_from_slice(kept);
            let length = u32::try_from(kept.len()).ok()?;
            self.packed[LENGTH * at..][..LENGTH].copy_from_slice(&length.to_le_bytes());
        }
        Some(())
    }
}

/// Bytes of a length in front of the planes.
const LENGTH: usize = size_of::<u32>();

fn table_bytes(width: u8) -> usize {
    LENGTH * usize::from(width)
}

/// Complex numbers are two elements.
fn width_of(element: u8) -> u8 {
    if element == 16 { 8 } else { element }
}

fn compress(
    compressor: &mut zstd::bulk::Compressor<'static>,
    raw: &[u8],
    packed: &mut Vec<u8>,
) -> Option<()> {
    packed.clear();
    packed.reserve(compress_bound(raw.len()));
    compressor.compress_to_buffer(raw, packed).ok().map(|_| ())
}

/// Whether chunks of such elements can be stored as differences.
pub(crate) fn has_deltas(element: u8) -> bool {
    delta::WIDTHS.contains(&width_of(element))
}

/// Undoes [`Encoder`], one chunk after the other.
#[derive(Default)]
pub(crate) struct Decoder {
    /// Made with the first frame.
    unpacker: Option<Unpacker>,
    scratch: Vec<u8>,
}

impl Decoder {
    /// Into memory of the chunk's length; false where the bytes are not what an encoder makes. `base`: what
    /// it differs from, for a delta and for nothing else.
    pub(crate) fn decode(
        &mut self,
        codec: Codec,
        stored: &[u8],
        base: Option<&[u8]>,
        raw: &mut [u8],
    ) -> bool {
        if matches!(codec, Codec::Delta(_)) != base.is_some() {
            return false;
        }
        match codec {
            Codec::Raw => {
                let fits = stored.len() == raw.len();
                if fits {
                    raw.copy_from_slice(stored);
                }
                fits
            }
            Codec::Zstd => unpack(&mut self.unpacker, stored, raw),
            Codec::Shuffled(width) => {
                let count = raw.len() / usize::from(width);
                self.scratch.resize(raw.len(), 0);
                let is_whole = raw.len().is_multiple_of(width.into())
                    && unpack(&mut self.unpacker, stored, &mut self.scratch);
                if is_whole {
                    let planes: Vec<&[u8]> = self.scratch.chunks_exact(count.max(1)).collect();
                    planes::join(&planes, raw);
                }
                is_whole
            }
            Codec::Planes(width) => self.decode_planes(width, stored, raw).is_some(),
            Codec::Delta(width) => base.is_some_and(|base| {
                base.len() == raw.len()
                    && self.decode_planes(width, stored, raw).is_some()
                    && delta::add(raw, base, width)
            }),
        }
    }

    fn decode_planes(&mut self, width: u8, stored: &[u8], raw: &mut [u8]) -> Option<()> {
        let (lengths, mut rest) = stored.split_at_checked(table_bytes(width))?;
        let count = raw.len() / usize::from(width);
        if count == 0 || !raw.len().is_multiple_of(width.into()) {
            return None;
        }
        self.scratch.resize(raw.len(), 0);
        let mut planes = Vec::with_capacity(width.into());
        let places = self.scratch.chunks_exact_mut(count);
        for (length, place) in lengths.as_chunks::<LENGTH>().0.iter().zip(places) {
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (plane, after) = rest.split_at_checked(length)?;
            rest = after;
            if length == count {
                planes.push(plane);
            } else {
                unpack(&mut self.unpacker, plane, place).then_some(())?;
                planes.push(place);
            }
        }
        planes::join(&planes, raw);
        rest.is_empty().then_some(())
    }
}

type Unpacker = zstd::bulk::Decompressor<'static>;

fn unpack(unpacker: &mut Option<Unpacker>, stored: &[u8], raw: &mut [u8]) -> bool {
    if unpacker.is_none() {
        *unpacker = Unpacker::new().ok();
    }
    let Some(unpacker) = unpacker else {
        return false;
    };
    let unpacked = unpacker.decompress_to_buffer(stored, raw);
    unpacked.is_ok_and(|length| length == raw.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_shrinks_at_a_glance_is_compressed() {
        let noise: Vec<u8> = (0..20_000_u32)
            .flat_map(|at| *blake3::hash(&at.to_le_bytes()).as_bytes())
            .collect();
        for element in [1, 2, 4, 8] {
            let mut encoder = Encoder::default();
            assert_eq!(encoder.encode_quickly(&noise, element).0, Codec::Raw);
            let zeros = vec![0; 640_000];
            let (codec, stored) = encoder.encode_quickly(&zeros, element);
            assert!(codec != Codec::Raw && stored.len() < 10_000);
        }
    }

    proptest! {
        #[test]
        fn chunks_survive(raw in prop::collection::vec(any::<u8>(), 0..600), element in 0u8..20, zeros in 0usize..3000) {
            let mut raw = raw;
            raw.extend(std::iter::repeat_n(0, zeros));
            let mut encoder = Encoder::default();
            let (codec, stored) = encoder.encode(&raw, element);
            prop_assert_eq!(Codec::from_code(codec.code()), Some(codec));
            let mut back = vec![1; raw.len()];
            prop_assert!(Decoder::default().decode(codec, stored, None, &mut back));
            prop_assert_eq!(&back, &raw);
            let (codec, stored) = encoder.encode_quickly(&raw, element);
            prop_assert!(Decoder::default().decode(codec, stored, None, &mut back));
            prop_assert_eq!(back, raw);
        }

        #[test]
        fn deltas_survive(raw in prop::collection::vec(any::<u64>(), 1..200), base in prop::collection::vec(any::<u64>(), 200), is_near: bool, width in prop::sample::select(vec![2u8, 4, 8, 16])) {
            let bytes = |words: &[u64]| words.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<u8>>();
            let base = bytes(&base[..raw.len()]);
            let mut raw = bytes(&raw);
            if is_near {
                raw = base.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at % 8 == 0)).collect();
            }
            prop_assume!(raw.len().is_multiple_of(width.into()));
            let mut encoder = Encoder::default();
            let (codec, stored) = encoder.encode_delta(&raw, &base, width, usize::MAX).unwrap();
            prop_assert_eq!(Codec::from_code(codec.code()), Some(codec));
            let mut back = vec![1; raw.len()];
            prop_assert!(Decoder::default().decode(codec, stored, Some(&base), &mut back));
            prop_assert_eq!(&back, &raw);
            prop_assert!(!Decoder::default().decode(codec, stored, Some(&base[1..]), &mut back));
            prop_assert!(!Decoder::default().decode(codec, stored, None, &mut back));
        }

        #[test]
        fn planes_are_undone(seed: u64, count in 0usize..300, width in 2u8..=16) {
            let raw: Vec<u8> = (0..count as u64 * u64::from(width)).map(|at| (at.wrapping_mul(seed) >> 5) as u8).collect();
            let mut split = vec![0; raw.len()];
            planes::split(&raw, width.into(), &mut split);
            let planes: Vec<&[u8]> = split.chunks_exact(count.max(1)).collect();
            for (byte, plane) in planes.iter().enumerate() {
                prop_assert!((0..count).all(|at| plane[at] == raw[at * usize::from(width) + byte]));
            }
            let mut back = vec![1; raw.len()];
            if count > 0 {
                planes::join(&planes, &mut back);
                prop_assert_eq!(back, raw);
            }
        }

        #[test]
        fn damage_does_not_panic(stored in prop::collection::vec(any::<u8>(), 0..200), code: u8, raw_len in 0usize..5000) {
            if let Some(codec) = Codec::from_code(code) {
                let _ = Decoder::default().decode(codec, &stored, None, &mut vec![0; raw_len]);
                let base = vec![1; raw_len];
                let _ = Decoder::default().decode(codec, &stored, Some(&base), &mut vec![0; raw_len]);
            }
        }
    }
}
