//! Bytes of equal significance side by side, and back.
//!
//! ```text
//! elements   a0 a1 a2 a3 | b0 b1 b2 b3 | …
//! planes     a0 b0 … | a1 b1 … | a2 b2 … | a3 b3 …
//! ```
//!
//! Elements of the sizes that weights have go by [`BLOCK`], in steps that compilers make vector
//! instructions of: many times as fast as byte by byte. Does not compress.

/// Elements that are taken at once.
const BLOCK: usize = 64;

/// The same byte of each element of a block.
type Plane = [u8; BLOCK];

/// Regroups the elements of `width` bytes of which `raw` is made into planes, one after the other.
pub(super) fn split(raw: &[u8], width: usize, out: &mut [u8]) {
    let count = raw.len() / width;
    let mut planes: Vec<&mut [u8]> = out.chunks_exact_mut(count.max(1)).collect();
    let done = match width {
        2 => split_blocks(raw, &mut planes, apart2),
        4 => split_blocks(raw, &mut planes, apart4),
        8 => split_blocks(raw, &mut planes, apart8),
        _ => 0,
    };
    for (at, element) in raw.chunks_exact(width).enumerate().skip(done) {
        for (plane, byte) in planes.iter_mut().zip(element) {
            plane[at] = *byte;
        }
    }
}

/// Undoes [`split`]; the planes are as long as `raw` has elements.
pub(super) fn join(planes: &[&[u8]], raw: &mut [u8]) {
    let width = planes.len();
    let done = match width {
        2 => join_blocks(planes, raw, together2),
        4 => join_blocks(planes, raw, together4),
        8 => join_blocks(planes, raw, together8),
        _ => 0,
    };
    for (at, element) in raw.chunks_exact_mut(width).enumerate().skip(done) {
        for (byte, plane) in element.iter_mut().zip(planes) {
            *byte = plane[at];
        }
    }
}

/// Whole blocks only; gives the number of elements that they have.
fn split_blocks<const WIDTH: usize>(
    raw: &[u8],
    planes: &mut [&mut [u8]],
    apart: fn(&[[u8; WIDTH]; BLOCK]) -> [Plane; WIDTH],
) -> usize {
    let (blocks, _) = raw.as_chunks::<WIDTH>().0.as_chunks::<BLOCK>();
    for (at, block) in blocks.iter().enumerate() {
        for (plane, part) in planes.iter_mut().zip(apart(block)) {
            plane[at * BLOCK..][..BLOCK].copy_from_slice(&part);
        }
    }
    blocks.len() * BLOCK
}

fn join_blocks<const WIDTH: usize>(
    planes: &[&[u8]],
    raw: &mut [u8],
    together: fn([&Plane; WIDTH]) -> [[u8; WIDTH]; BLOCK],
) -> usize {
    const EMPTY: &Plane = &[0; BLOCK];
    let (blocks, _) = raw.as_chunks_mut::<WIDTH>().0.as_chunks_mut::<BLOCK>();
    for (at, block) in blocks.iter_mut().enumerate() {
        let part = |plane: usize| planes[plane][at * BLOCK..].first_chunk().unwrap_or(EMPTY);
        *block = together(std::array::from_fn(part));
    }
    blocks.len() * BLOCK
}

fn apart2(block: &[[u8; 2]; BLOCK]) -> [Plane; 2] {
    let word = |at: usize| u16::from_le_bytes(block[at]);
    std::array::from_fn(|byte| std::array::from_fn(|at| (word(at) >> (8 * byte)) as u8))
}

fn apart4(block: &[[u8; 4]; BLOCK]) -> [Plane; 4] {
    let word = |at: usize| u32::from_le_bytes(block[at]);
    std::array::from_fn(|byte| std::array::from_fn(|at| (word(at) >> (8 * byte)) as u8))
}

fn apart8(block: &[[u8; 8]; BLOCK]) -> [Plane; 8] {
    let half = |from: usize| -> [[u8; 4]; BLOCK] {
        std::array::from_fn(|at| {
            let word = u64::from_le_bytes(block[at]) >> (8 * from);
            (word as u32).to_le_bytes()
        })
    };
    let (low, high) = (apart4(&half(0)), apart4(&half(4)));
    std::array::from_fn(|byte| if byte < 4 { low[byte] } else { high[byte - 4] })
}

fn together2([low, high]: [&Plane; 2]) -> [[u8; 2]; BLOCK] {
    std::array::from_fn(|at| [low[at], high[at]])
}

fn together4([a, b, c, d]: [&Plane; 4]) -> [[u8; 4]; BLOCK] {
    let pairs = |low: &Plane, high: &Plane| -> [u16; BLOCK] {
        std::array::from_fn(|at| u16::from(low[at]) | u16::from(high[at]) << 8)
    };
    let (low, high) = (pairs(a, b), pairs(c, d));
    std::array::from_fn(|at| {
        let word = u32::from(low[at]) | u32::from(high[at]) << 16;
        word.to_le_bytes()
    })
}

fn together8(planes: [&Plane; 8]) -> [[u8; 8]; BLOCK] {
    let half = |from: usize| together4(std::array::from_fn(|at| planes[from + at]));
    let (low, high) = (half(0), half(4));
    std::array::from_fn(|at| {
        let low = u64::from(u32::from_le_bytes(low[at]));
        let high = u64::from(u32::from_le_bytes(high[at]));
        (low | high << 32).to_le_bytes()
    })
}
