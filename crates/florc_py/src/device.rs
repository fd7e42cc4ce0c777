//! Memory of devices other than the CPU: plain synchronous copies.
//!
//! ```python
//! w.cuda()      # read by `.cpu()`, written by `.copy_()`
//! ```
//!
//! The one file to replace for asynchronous copies on a side stream.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyByteArray;

use crate::memory;
use crate::types::adapters;

/// Fills `buffer` with the bytes at `low`, in the storage of a tensor whose first element is at
/// `address`.
pub(crate) fn read(
    tensor: &Bound<'_, PyAny>,
    address: usize,
    low: usize,
    buffer: &mut [u8],
) -> PyResult<()> {
    let py = tensor.py();
    if buffer.is_empty() {
        return Ok(());
    }
    let delta = low.wrapping_sub(address).cast_signed();
    let copied = adapters(py)?
        .call_method1(intern!(py, "device_bytes"), (tensor, delta, buffer.len()))?
        .call_method0(intern!(py, "cpu"))?;
    let from = copied
        .call_method0(intern!(py, "data_ptr"))?
        .extract::<usize>()?;
    memory::read(py, vec![(from, buffer)]);
    Ok(())
}

/// Overwrites memory on the device; arguments as in [`read`].
pub(crate) fn write(
    tensor: &Bound<'_, PyAny>,
    address: usize,
    low: usize,
    bytes: &[u8],
) -> PyResult<()> {
    let py = tensor.py();
    if bytes.is_empty() {
        return Ok(());
    }
    let delta = low.wrapping_sub(address).cast_signed();
    let adapters = adapters(py)?;
    let target =
        adapters.call_method1(intern!(py, "device_bytes"), (tensor, delta, bytes.len()))?;
    let source = PyByteArray::new(py, bytes);
    adapters.call_method1(intern!(py, "device_write"), (target, source))?;
    Ok(())
}
