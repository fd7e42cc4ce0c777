//! A `.pt` file: a `dict` of tensors as `torch.save` writes it.
//!
//! ```python
//! torch.load("model.pt", weights_only=True)       # the default
//! ```
//!
//! Tensors of one storage and type share it again. Arrays become tensors.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::pickle::Pickle;
use super::tensor::Tensor;
use super::zip::Archive;
use crate::checkpoint::Checkpoint;
use crate::graph::StorageId;

/// Which memory: a storage with its type, or the elements of one tensor.
type Place = (Option<(StorageId, &'static str)>, usize);

/// Writes all tensors.
pub(super) fn write(
    checkpoint: &Checkpoint,
    tensors: &[(String, Tensor)],
    out: &mut impl Write,
) -> io::Result<()> {
    let mut keys: BTreeMap<Place, usize> = BTreeMap::new();
    let mut memories = Vec::new();
    let mut pickle = Pickle::new();
    pickle.empty_ordered_dict();
    pickle.mark();
    for (at, (name, tensor)) in tensors.iter().enumerate() {
        let is_view = is_view(checkpoint, tensor);
        let place: Place = if is_view {
            (Some((tensor.storage, tensor.kind.name)), 0)
        } else {
            (None, at)
        };
        let next = keys.len();
        let key = *keys.entry(place).or_insert_with(|| {
            memories.push((at, is_view));
            next
        });
        pickle.text(name);
        rebuild(&mut pickle, checkpoint, tensor, key, is_view);
    }
    pickle.set_items();
    let mut archive = Archive::new(out);
    archive.file("archive/data.pkl", &pickle.end())?;
    archive.file("archive/byteorder", b"little")?;
    for (key, (at, is_view)) in memories.into_iter().enumerate() {
        let tensor = &tensors[at].1;
        let bytes = checkpoint
            .storage(tensor.storage)
            .map_err(io::Error::other)?;
        let elements = if is_view {
            None
        } else {
            Some(tensor.contiguous(bytes))
        };
        let bytes = elements.as_deref().unwrap_or(bytes);
        archive.file(&format!("archive/data/{key}"), bytes)?;
    }
    archive.file("archive/version", b"3\n")?;
    archive.end()
}

fn storage_bytes(checkpoint: &Checkpoint, tensor: &Tensor) -> u64 {
    let storage = checkpoint.graph.storages.get(tensor.storage.index());
    storage.map_or(0, |it| it.bytes)
}

/// Whether it is written as a view of its storage; else its elements are, by themselves.
fn is_view(checkpoint: &Checkpoint, tensor: &Tensor) -> bool {
    tensor.is_torch && storage_bytes(checkpoint, tensor).is_multiple_of(tensor.kind.bytes)
}

fn rebuild(
    pickle: &mut Pickle,
    checkpoint: &Checkpoint,
    tensor: &Tensor,
    key: usize,
    is_view: bool,
) {
    let bytes = if is_view {
        storage_bytes(checkpoint, tensor)
    } else {
        tensor.bytes()
    };
    let function = match tensor.kind.storage {
        Some(_) => "_rebuild_tensor_v2",
        None => "_rebuild_tensor_v3",
    };
    pickle.global("torch._utils", function);
    pickle.mark();
    pickle.mark();
    pickle.text("storage");
    match tensor.kind.storage {
        Some(class) => pickle.global("torch", class),
        None => pickle.global("torch.storage", "UntypedStorage"),
    }
    pickle.text(&key.to_string());
    pickle.text("cpu");
    pickle.number(match tensor.kind.storage {
        Some(_) => bytes / tensor.kind.bytes,
        None => bytes,
    });
    pickle.tuple();
    pickle.persistent();
    pickle.number(if is_view { tensor.offset } else { 0 });
    pickle.numbers(&tensor.shape);
    if is_view {
        pickle.numbers(&tensor.strides);
    } else {
        pickle.numbers(&contiguous_strides(&tensor.shape));
    }
    pickle.no();
    pickle.empty_ordered_dict();
    if tensor.kind.storage.is_none() {
        pickle.global("torch", tensor.kind.name);
    }
    pickle.tuple();
    pickle.call();
}

fn contiguous_strides(shape: &[u64]) -> Vec<u64> {
    let mut strides = vec![1; shape.len()];
    for at in (1..shape.len()).rev() {
        strides[at - 1] = u64::saturating_mul(strides[at], shape[at].max(1));
    }
    strides
}
