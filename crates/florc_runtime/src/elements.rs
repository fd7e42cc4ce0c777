//! By how much the elements of two tensors or arrays of one shape differ.
//!
//! ```text
//! 12 of 288 elements differ, by at most 3 ULP
//! ```
//!
//! ULP: how many representable numbers lie between the two. Knows the IEEE types and `bfloat16`;
//! other elements are compared as bytes.

use crate::graph::Node;

/// What a view of memory looks like, in bytes.
struct View {
    shape: Vec<u64>,
    strides: Vec<i128>,
    offset: i128,
    width: usize,
    is_float: bool,
}

/// Compares the elements that `node` views in both memories; `None`: all equal. With the words comes
/// the largest distance in ULP, of floats.
pub(crate) fn compare_elements(
    node: &Node,
    recorded: &[u8],
    found: &[u8],
) -> Option<(String, Option<u64>)> {
    let Some(view) = View::of(node) else {
        return (recorded != found).then(|| ("has other bytes than recorded".into(), None));
    };
    let (mut total, mut different, mut ulps) = (0u64, 0u64, 0u128);
    let mut first = None;
    for (at, offset) in view.offsets() {
        let (a, b) = (
            element(recorded, offset, view.width),
            element(found, offset, view.width),
        );
        total += 1;
        if a != b {
            different += 1;
            first.get_or_insert(at);
            if let (Some(a), Some(b)) = (a, b) {
                ulps = ulps.max(ordered(a, view.width).abs_diff(ordered(b, view.width)));
            }
        }
    }
    match (different, first) {
        (0, _) | (_, None) => {
            (recorded != found).then(|| ("has other memory around it".into(), None))
        }
        (_, Some(_)) if view.is_float => Some((
            format!("{different} of {total} elements differ, by at most {ulps} ULP"),
            Some(u64::try_from(ulps).unwrap_or(u64::MAX)),
        )),
        (_, Some(at)) => Some((
            format!("{different} of {total} elements differ, first at {at:?}"),
            None,
        )),
    }
}

impl View {
    fn of(node: &Node) -> Option<Self> {
        match node {
            Node::Tensor {
                dtype,
                shape,
                strides,
                offset,
                ..
            } => {
                let (width, is_float) = tensor_type(dtype)?;
                let bytes = |elements: i128| elements * width as i128;
                Some(Self {
                    shape: shape.clone(),
                    strides: strides
                        .iter()
                        .map(|step| bytes(i128::from(*step)))
                        .collect(),
                    offset: bytes(i128::from(*offset)),
                    width,
                    is_float,
                })
            }
            Node::Array {
                dtype,
                shape,
                strides,
                offset,
                ..
            } => {
                let (width, is_float) = array_type(dtype)?;
                Some(Self {
                    shape: shape.clone(),
                    strides: strides.iter().map(|step| i128::from(*step)).collect(),
                    offset: i128::from(*offset),
                    width,
                    is_float,
                })
            }
            _ => None,
        }
    }

    /// Index and byte offset of each element, in C order.
    fn offsets(&self) -> impl Iterator<Item = (Vec<u64>, i128)> + '_ {
        let count = if self.shape.len() == self.strides.len() {
            self.shape
                .iter()
                .try_fold(1u64, |count, size| count.checked_mul(*size))
                .unwrap_or(0)
        } else {
            0
        };
        (0..count).map(|flat| {
            let mut rest = flat;
            let mut index = vec![0; self.shape.len()];
            let mut offset = self.offset;
            for at in (0..self.shape.len()).rev() {
                index[at] = rest % self.shape[at];
                rest /= self.shape[at];
                offset += i128::from(index[at]) * self.strides[at];
            }
            (index, offset)
        })
    }
}

/// Width and whether it is a float.
fn tensor_type(dtype: &str) -> Option<(usize, bool)> {
    Some(match dtype.trim_start_matches("torch.") {
        "float64" => (8, true),
        "float32" => (4, true),
        "float16" | "bfloat16" => (2, true),
        "int64" | "uint64" => (8, false),
        "int32" | "uint32" => (4, false),
        "int16" | "uint16" => (2, false),
        "int8" | "uint8" | "bool" => (1, false),
        _ => return None,
    })
}

/// As above, for little-endian `dtype.str`.
fn array_type(dtype: &str) -> Option<(usize, bool)> {
    let (kind, width) = dtype
        .trim_start_matches(['<', '|', '='])
        .split_at_checked(1)?;
    let width: usize = width.parse().ok().filter(|width| (1..=8).contains(width))?;
    match kind {
        "f" => Some((width, true)),
        "i" | "u" | "b" => Some((width, false)),
        _ => None,
    }
}

fn element(bytes: &[u8], offset: i128, width: usize) -> Option<u64> {
    let start = usize::try_from(offset).ok()?;
    let bytes = bytes.get(start..start.checked_add(width)?)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)),
    )
}

/// Representable numbers between two doubles.
pub(crate) fn ulps_between(a: f64, b: f64) -> u64 {
    let distance = ordered(a.to_bits(), 8).abs_diff(ordered(b.to_bits(), 8));
    u64::try_from(distance).unwrap_or(u64::MAX)
}

/// Bits of a float as a number that grows with it.
fn ordered(bits: u64, width: usize) -> i128 {
    let sign = 1u64 << (8 * width - 1);
    let magnitude = i128::from(bits & (sign - 1));
    if bits & sign == 0 {
        magnitude
    } else {
        -magnitude
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::StorageId;

    fn array(dtype: &str, shape: Vec<u64>, strides: Vec<i64>) -> Node {
        Node::Array {
            class: None,
            dtype: dtype.into(),
            shape,
            strides,
            storage: StorageId(0),
            offset: 0,
            writeable: true,
            attributes: vec![],
        }
    }

    #[track_caller]
    fn check(node: &Node, a: &[u8], b: &[u8], expected: Option<&str>) {
        let found = compare_elements(node, a, b).map(|(text, _)| text);
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn floats_are_counted_in_ulp() {
        let bytes = |value: f64| value.to_le_bytes();
        let node = array("<f8", vec![1], vec![8]);
        let next = f64::from_bits(1.5f64.to_bits() + 7);
        check(
            &node,
            &bytes(1.5),
            &bytes(next),
            Some("1 of 1 elements differ, by at most 7 ULP"),
        );
        let around_zero = (bytes(f64::from_bits(1)), bytes(-f64::from_bits(1)));
        let text = Some("1 of 1 elements differ, by at most 2 ULP");
        check(&node, &around_zero.0, &around_zero.1, text);
    }

    #[test]
    fn views_look_at_their_own_elements() {
        let column = array("|u1", vec![2], vec![2]);
        check(
            &column,
            &[1, 2, 3, 4],
            &[1, 2, 9, 4],
            Some("1 of 2 elements differ, first at [1]"),
        );
        check(
            &column,
            &[1, 2, 3, 4],
            &[1, 9, 3, 4],
            Some("has other memory around it"),
        );
        check(&column, &[1, 2, 3, 4], &[1, 2, 3, 4], None);
    }

    #[test]
    fn impossible_views_do_not_panic() {
        check(
            &array("<f8", vec![u64::MAX, 9], vec![1, 1]),
            &[1],
            &[2],
            Some("has other memory around it"),
        );
        check(
            &array("<f8", vec![3], vec![-80]),
            &[1],
            &[2],
            Some("has other memory around it"),
        );
    }
}
