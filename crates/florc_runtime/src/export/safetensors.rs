//! safetensors: the length of a JSON header, the header, then the elements of each tensor.
//!
//! Tensors that share memory are written each by itself: the format has no views.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::tensor::Tensor;
use crate::checkpoint::Checkpoint;
use crate::cut_text::cut_text;

/// Writes all tensors, whose types the format knows.
pub(super) fn write(
    checkpoint: &Checkpoint,
    tensors: &[(String, Tensor)],
    out: &mut impl Write,
) -> io::Result<()> {
    let mut header = Map::new();
    let about = json!({ "format": "pt", "checkpoint": cut_text(&checkpoint.record.cut) });
    header.insert("__metadata__".to_owned(), about);
    let mut at = 0;
    for (name, tensor) in tensors {
        let end = at + tensor.bytes();
        let entry = json!({
            "dtype": tensor.kind.safetensors,
            "shape": tensor.shape,
            "data_offsets": [at, end],
        });
        header.insert(name.clone(), entry);
        at = end;
    }
    let mut header = serde_json::to_vec(&Value::Object(header))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(&header)?;
    for (_, tensor) in tensors {
        let bytes = checkpoint
            .storage(tensor.storage)
            .map_err(io::Error::other)?;
        out.write_all(&tensor.contiguous(bytes))?;
    }
    Ok(())
}
