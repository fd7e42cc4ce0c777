//! The tensors of a checkpoint as a file that other tools read.
//!
//! ```python
//! model.load_state_dict(safetensors.torch.load_file("model.safetensors"))
//! model.load_state_dict(torch.load("model.pt"))
//! ```
//!
//! Names are those of `state_dict` below modules, paths elsewhere. Writes tensors and arrays, no
//! other state; opens no pickle and runs no code of the checkpoint.

mod names;
mod pickle;
mod safetensors;
mod tensor;
mod torch_file;
mod zip;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use self::names::named_tensors;
use self::tensor::Tensor;
use crate::checkpoint::Checkpoint;
use crate::error::{StoreError, StoreErrorKind};
use crate::run_id::salt;

/// Kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// <https://github.com/huggingface/safetensors>: name, type, shape, bytes.
    Safetensors,
    /// What `torch.save` writes of a `dict` of tensors. Tensors that shared memory do so again.
    Torch,
}

/// What an export wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Names in the file, in its order.
    pub names: Vec<String>,
    /// Bytes of the file.
    pub bytes: u64,
    /// Tensors that the format cannot hold, with the reason.
    pub left_out: Vec<(String, String)>,
}

/// Writes the tensors of a checkpoint; of one variable, `root`, without its name. The file is there
/// whole or not at all.
pub fn export(
    checkpoint: &Checkpoint,
    root: Option<&str>,
    format: ExportFormat,
    path: &Path,
) -> Result<Exported, StoreError> {
    let Some(named) = named_tensors(&checkpoint.graph, root) else {
        let roots = names::root_names(&checkpoint.graph).join("`, `");
        return Err(StoreError::new(
            StoreErrorKind::Missing,
            path,
            format!(
                "the checkpoint has no variable `{}`",
                root.unwrap_or_default()
            ),
            format!("choose one of `{roots}`"),
        ));
    };
    let mut exported = Exported::default();
    let mut tensors = Vec::new();
    for (name, id) in named {
        let found = Tensor::of(checkpoint, id).and_then(|tensor| {
            let fits = match format {
                ExportFormat::Safetensors => tensor.kind.safetensors.is_some(),
                ExportFormat::Torch => true,
            };
            let reason = || format!("safetensors has no type {}", tensor.kind.name);
            if fits { Ok(tensor) } else { Err(reason()) }
        });
        match found {
            Ok(tensor) => {
                exported.names.push(name.clone());
                tensors.push((name, tensor));
            }
            Err(reason) => exported.left_out.push((name, reason)),
        }
    }
    write(path, |out| match format {
        ExportFormat::Safetensors => safetensors::write(checkpoint, &tensors, out),
        ExportFormat::Torch => torch_file::write(checkpoint, &tensors, out),
    })
    .map_err(|error| StoreError::io(path, "write the file", &error))?;
    exported.bytes = fs::metadata(path).map_or(0, |data| data.len());
    Ok(exported)
}

fn write(path: &Path, content: impl Fn(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{:016x}.tmp", salt()));
    let temporary = Path::new(&temporary);
    let written = (|| {
        let mut out = BufWriter::with_capacity(1 << 20, File::create_new(temporary)?);
        content(&mut out)?;
        out.flush()?;
        out.get_ref().sync_data()?;
        fs::rename(temporary, path)
    })();
    if written.is_err() {
        // it would be in nobody's way
        let _ = fs::remove_file(temporary);
    }
    written
}
