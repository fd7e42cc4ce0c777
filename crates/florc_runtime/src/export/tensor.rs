//! A tensor or array of a checkpoint: its type, geometry and bytes.
//!
//! Nothing of a checkpoint is believed: a view that reaches out of its memory, or that is far larger
//! than it, is no tensor.

use crate::checkpoint::Checkpoint;
use crate::graph::{Node, NodeId, StorageId};

/// An element type.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// As in `torch.float32`.
    pub(super) name: &'static str,
    pub(super) bytes: u64,
    /// What safetensors calls it.
    pub(super) safetensors: Option<&'static str>,
    /// The storage class of old, where there is one.
    pub(super) storage: Option<&'static str>,
    /// What NumPy calls it.
    numpy: &'static [&'static str],
}

macro_rules! kinds {
    ($($name:literal $bytes:literal $safetensors:expr, $storage:expr, $numpy:expr;)*) => {
        &[$(Kind {
            name: $name,
            bytes: $bytes,
            safetensors: $safetensors,
            storage: $storage,
            numpy: &$numpy,
        }),*]
    };
}

const KINDS: &[Kind] = kinds! {
    "float64" 8 Some("F64"), Some("DoubleStorage"), ["<f8"];
    "float32" 4 Some("F32"), Some("FloatStorage"), ["<f4"];
    "float16" 2 Some("F16"), Some("HalfStorage"), ["<f2"];
    "bfloat16" 2 Some("BF16"), Some("BFloat16Storage"), [];
    "int64" 8 Some("I64"), Some("LongStorage"), ["<i8"];
    "int32" 4 Some("I32"), Some("IntStorage"), ["<i4"];
    "int16" 2 Some("I16"), Some("ShortStorage"), ["<i2"];
    "int8" 1 Some("I8"), Some("CharStorage"), ["|i1"];
    "uint8" 1 Some("U8"), Some("ByteStorage"), ["|u1"];
    "bool" 1 Some("BOOL"), Some("BoolStorage"), ["|b1"];
    "complex64" 8 Some("C64"), Some("ComplexFloatStorage"), ["<c8"];
    "complex128" 16 None, Some("ComplexDoubleStorage"), ["<c16"];
    "uint16" 2 Some("U16"), None, ["<u2"];
    "uint32" 4 Some("U32"), None, ["<u4"];
    "uint64" 8 Some("U64"), None, ["<u8"];
    "float8_e4m3fn" 1 Some("F8_E4M3"), None, [];
    "float8_e5m2" 1 Some("F8_E5M2"), None, [];
    "float8_e4m3fnuz" 1 None, None, [];
    "float8_e5m2fnuz" 1 None, None, [];
};

/// A tensor that can be written.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) kind: &'static Kind,
    pub(super) shape: Vec<u64>,
    /// Elements per step and dimension.
    pub(super) strides: Vec<u64>,
    /// Elements from the start of its storage.
    pub(super) offset: u64,
    pub(super) storage: StorageId,
    /// It is a view that torch can have, too.
    pub(super) is_torch: bool,
    view: View,
}

/// A geometry in bytes.
#[derive(Debug)]
struct View {
    strides: Vec<i64>,
    offset: i64,
    elements: u64,
}

/// What a node says of itself: elements for a tensor, bytes for an array.
struct Geometry<'g> {
    dtype: &'g str,
    shape: &'g [u64],
    strides: &'g [i64],
    offset: u64,
    storage: StorageId,
    is_torch: bool,
}

impl<'g> Geometry<'g> {
    fn of(node: Option<&'g Node>) -> Option<Self> {
        match node? {
            Node::Tensor {
                dtype,
                shape,
                strides,
                offset,
                storage,
                ..
            } => Some(Self {
                dtype,
                shape,
                strides,
                offset: *offset,
                storage: *storage,
                is_torch: true,
            }),
            Node::Array {
                dtype,
                shape,
                strides,
                offset,
                storage,
                ..
            } => Some(Self {
                dtype,
                shape,
                strides,
                offset: *offset,
                storage: *storage,
                is_torch: false,
            }),
            _ => None,
        }
    }
}

impl Tensor {
    /// The tensor of a node, or why it cannot be written.
    pub(super) fn of(checkpoint: &Checkpoint, id: NodeId) -> Result<Self, String> {
        let outside = || "it reaches out of its memory".to_owned();
        let geometry = Geometry::of(checkpoint.graph.node(id)).ok_or("it is no tensor")?;
        let Geometry {
            dtype,
            shape,
            storage,
            ..
        } = geometry;
        let is_kind = |kind: &&Kind| {
            let is_torch = geometry.is_torch && kind.name == dtype;
            is_torch || (!geometry.is_torch && kind.numpy.contains(&dtype))
        };
        let kind = KINDS
            .iter()
            .find(is_kind)
            .ok_or_else(|| format!("type {dtype}"))?;
        let size = if geometry.is_torch {
            kind.bytes.cast_signed()
        } else {
            1
        };
        let in_bytes = |count: i64| count.checked_mul(size).ok_or_else(outside);
        let strides = geometry.strides.iter().map(|it| in_bytes(*it));
        let offset = i64::try_from(geometry.offset).map_err(|_| outside())?;
        let memory = checkpoint
            .graph
            .storages
            .get(storage.index())
            .ok_or_else(outside)?;
        let view = View {
            strides: strides.collect::<Result<_, _>>()?,
            offset: in_bytes(offset)?,
            elements: elements(shape).ok_or_else(outside)?,
        };
        view.check(shape, kind.bytes, memory.bytes)?;
        let elements = |bytes: i64| bytes.cast_unsigned() / kind.bytes;
        Ok(Self {
            kind,
            shape: shape.to_vec(),
            strides: view.strides.iter().map(|it| elements(*it)).collect(),
            offset: elements(view.offset),
            storage,
            is_torch: geometry.is_torch && view.strides.iter().all(|it| *it >= 0),
            view,
        })
    }

    /// Bytes of its elements.
    pub(super) fn bytes(&self) -> u64 {
        self.view.elements * self.kind.bytes
    }

    /// Its elements in C order, out of the bytes of its storage.
    pub(super) fn contiguous(&self, memory: &[u8]) -> Vec<u8> {
        let width = self.kind.bytes as usize;
        if self.view.elements == 0 {
            return Vec::new();
        }
        if self.is_contiguous() {
            return memory[place(self.view.offset)..][..self.bytes() as usize].to_vec();
        }
        let mut out = Vec::with_capacity(self.bytes() as usize);
        let mut index = vec![0u64; self.shape.len()];
        for _ in 0..self.view.elements {
            let steps = index.iter().zip(&self.view.strides);
            let steps = steps.map(|(at, stride)| at.cast_signed() * stride);
            let at = self.view.offset + steps.sum::<i64>();
            out.extend_from_slice(&memory[place(at)..][..width]);
            for (at, length) in index.iter_mut().zip(&self.shape).rev() {
                *at += 1;
                if *at < *length {
                    break;
                }
                *at = 0;
            }
        }
        out
    }

    /// Whether its elements lie in memory one after the other.
    fn is_contiguous(&self) -> bool {
        let mut expected = self.kind.bytes.cast_signed();
        self.shape
            .iter()
            .zip(&self.view.strides)
            .rev()
            .all(|(length, stride)| {
                let fits = *length == 1 || *stride == expected;
                expected *= length.cast_signed();
                fits
            })
    }
}

/// A place in memory, which [`View::check`] found inside of it.
fn place(at: i64) -> usize {
    at.max(0).cast_unsigned() as usize
}

fn elements(shape: &[u64]) -> Option<u64> {
    let whole = shape
        .iter()
        .try_fold(1u64, |all, length| all.checked_mul(*length))?;
    i64::try_from(whole).ok().map(i64::cast_unsigned)
}

impl View {
    /// Lowest and highest byte are inside of `memory`, and it is not blown up out of proportion.
    fn check(&self, shape: &[u64], width: u64, memory: u64) -> Result<(), String> {
        let outside = || "it reaches out of its memory".to_owned();
        if shape.len() != self.strides.len() {
            return Err(outside());
        }
        if self.elements == 0 {
            return Ok(());
        }
        let (mut low, mut high) = (
            i128::from(self.offset),
            i128::from(self.offset) + i128::from(width),
        );
        for (length, stride) in shape.iter().zip(&self.strides) {
            let reach = i128::from(length - 1) * i128::from(*stride);
            low += reach.min(0);
            high += reach.max(0);
        }
        if low < 0 || high > i128::from(memory) {
            return Err(outside());
        }
        let bytes = u128::from(self.elements) * u128::from(width);
        if bytes > u128::from(memory).max(1 << 24) {
            return Err("it repeats its memory".to_owned());
        }
        Ok(())
    }
}
