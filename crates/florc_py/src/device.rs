//! Memory of devices other than the CPU.
//!
//! ```python
//! w.cuda()      # put aside on the device and fetched later, where the driver can; else `.cpu()`
//! ```
//!
//! `florc_cuda` talks to the driver. Devices that it does not know, and whatever it fails at, are
//! copied by their framework, which makes the program wait.

use std::any::Any;
use std::collections::BTreeMap;

use florc_cuda::{Device, Source, Staged};
use florc_runtime::{Buffers, Later};
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyByteArray;

use crate::memory;
use crate::types::adapters;

/// Less than that is not worth to have its place in memory locked.
const LOCKED_FROM: usize = 1 << 20;

/// Whether bytes may stay on their device for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aside {
    Yes,
    No,
}

/// A range of a device's memory, and where it is to go.
pub(crate) struct Far<'a, 'py> {
    /// Number of the storage in its snapshot.
    pub(crate) at: usize,
    pub(crate) device: &'a str,
    /// Has the range in its storage.
    pub(crate) tensor: &'a Bound<'py, PyAny>,
    /// Of the first element of the tensor.
    pub(crate) address: usize,
    /// Of the first byte of the range.
    pub(crate) low: usize,
    pub(crate) buffer: &'a mut [u8],
}

/// Fills the buffers, now or by what is given back.
pub(crate) fn read(py: Python<'_>, far: Vec<Far<'_, '_>>, aside: Aside) -> PyResult<Option<Later>> {
    if far.is_empty() {
        return Ok(None);
    }
    if is_capturing(py)? {
        let text = "a CUDA graph is being captured: the state is that of no moment";
        return Err(PyRuntimeError::new_err(text));
    }
    let mut by_device: BTreeMap<&str, Vec<Far<'_, '_>>> = BTreeMap::new();
    for it in far {
        by_device.entry(it.device).or_default().push(it);
    }
    let mut coming = Vec::new();
    for (name, far) in by_device {
        coming.extend(read_one(py, driver_of(name), far, aside)?);
    }
    Ok((!coming.is_empty()).then(|| Later::new(|buffers| bring(coming, buffers))))
}

/// What the writer's thread still has to do for a device.
struct Coming {
    device: &'static Device,
    /// What was put aside, of which storages.
    staged: Option<(Staged, Vec<usize>)>,
    bytes: usize,
}

fn read_one(
    py: Python<'_>,
    device: Option<&'static Device>,
    mut far: Vec<Far<'_, '_>>,
    aside: Aside,
) -> PyResult<Option<Coming>> {
    let Some(device) = device else {
        return by_framework(py, far).map(|()| None);
    };
    let sources: Vec<Source> = far.iter().map(Far::source).collect();
    let mut coming = Coming {
        device,
        staged: None,
        bytes: sources.iter().map(|it| it.bytes).sum(),
    };
    if aside == Aside::Yes
        && let Ok(Some(staged)) = py.detach(|| device.stage(&sources))
    {
        coming.staged = Some((staged, far.iter().map(|it| it.at).collect()));
        return Ok(Some(coming));
    }
    let pieces = far.iter_mut().map(|it| (it.source(), &mut *it.buffer));
    let mut pieces: Vec<(Source, &mut [u8])> = pieces.collect();
    if py.detach(|| device.read(&mut pieces)).is_ok() {
        return Ok(Some(coming));
    }
    by_framework(py, far).map(|()| None)
}

impl Far<'_, '_> {
    fn source(&self) -> Source {
        Source {
            address: self.low as u64,
            bytes: self.buffer.len(),
        }
    }
}

/// The device of `cuda:1`, if the driver knows it.
fn driver_of(name: &str) -> Option<&'static Device> {
    florc_cuda::device(name.strip_prefix("cuda:")?.parse().ok()?)
}

/// Fetches what was put aside. The memory is locked in its place on the way: the next snapshots use
/// it too, and copies are several times faster then.
fn bring(coming: Vec<Coming>, buffers: &mut Buffers) -> Result<(), String> {
    for it in coming {
        if it.bytes >= LOCKED_FROM {
            buffers.hold(|memory| {
                let locked = it.device.lock(memory)?;
                Some(Box::new(locked) as Box<dyn Any + Send>)
            });
        }
        if let Some((staged, storages)) = it.staged {
            let mut wanted = storages.iter().copied().peekable();
            let each = buffers.iter_mut().enumerate();
            let each = each.filter(|(at, _)| wanted.next_if_eq(at).is_some());
            staged
                .fetch(each.map(|(_, buffer)| buffer))
                .map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

fn is_capturing(py: Python<'_>) -> PyResult<bool> {
    adapters(py)?
        .call_method0(intern!(py, "is_capturing"))?
        .is_truthy()
}

/// Copies as the framework of the tensors does.
fn by_framework(py: Python<'_>, far: Vec<Far<'_, '_>>) -> PyResult<()> {
    for it in far.into_iter().filter(|it| !it.buffer.is_empty()) {
        let delta = it.low.wrapping_sub(it.address).cast_signed();
        let copied = adapters(py)?
            .call_method1(
                intern!(py, "device_bytes"),
                (it.tensor, delta, it.buffer.len()),
            )?
            .call_method0(intern!(py, "cpu"))?;
        let from = copied
            .call_method0(intern!(py, "data_ptr"))?
            .extract::<usize>()?;
        memory::read(py, vec![(from, it.buffer)]);
    }
    Ok(())
}

/// Overwrites memory on the device at `low`; `address` is that of the first element of the
/// tensor, whose storage it is.
pub(crate) fn write(
    (device, tensor): (&str, &Bound<'_, PyAny>),
    address: usize,
    low: usize,
    bytes: &[u8],
) -> PyResult<()> {
    let py = tensor.py();
    if bytes.is_empty() {
        return Ok(());
    }
    if let Some(device) = driver_of(device)
        && py.detach(|| device.write(low as u64, bytes)).is_ok()
    {
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
