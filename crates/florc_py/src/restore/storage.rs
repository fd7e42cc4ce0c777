//! Where the memory of saved tensors and arrays goes: over the live one where it fits.
//!
//! ```python
//! live.weight      # same type, shape and strides: overwritten in place
//! live.cache       # another shape: gets new memory
//! ```
//!
//! A piece of live memory takes at most one saved storage. Decides nothing about objects.

use std::borrow::Cow;

use florc_runtime::{Node, NodeId, StorageId};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyTuple};

use super::{Failure, Outcome, Restorer, create};
use crate::{device, memory};

/// Memory that a saved storage is put into.
pub(super) struct Target<'py, 'g> {
    /// A byte tensor or a `bytearray` over it; none for live memory of an array.
    pub(super) owner: Option<Bound<'py, PyAny>>,
    /// Address of the first byte of `owner`.
    pub(super) owner_address: usize,
    /// Address of the first byte of the storage.
    pub(super) address: usize,
    /// A live tensor or array in that memory; `None` for new memory.
    live: Option<Bound<'py, PyAny>>,
    bytes: Cow<'g, [u8]>,
}

/// A view as saved or as it is: address or offset of its first element, and its shape.
struct Place<'py> {
    object: Bound<'py, PyAny>,
    node: NodeId,
    address: usize,
    /// Saved offset in bytes.
    offset: usize,
    /// Type, shape and strides are the saved ones.
    same: bool,
    is_tensor: bool,
}

impl<'py, 'g> Restorer<'py, 'g> {
    pub(super) fn plan_storages(&mut self) -> Outcome<()> {
        let graph = self.graph;
        let mut viewers: Vec<Vec<NodeId>> = vec![Vec::new(); graph.storages.len()];
        for (index, node) in graph.nodes.iter().enumerate() {
            if let Node::Tensor { storage, .. } | Node::Array { storage, .. } = node {
                viewers[storage.index()].push(NodeId(index as u32));
            }
        }
        let mut taken: Vec<(usize, usize, String)> = Vec::new();
        for (index, viewers) in viewers.iter().enumerate() {
            let target = match viewers.first() {
                None => None,
                Some(_) => Some(self.plan_storage(index, viewers, &mut taken)?),
            };
            self.targets.push(target);
        }
        Ok(())
    }

    fn plan_storage(
        &mut self,
        index: usize,
        viewers: &[NodeId],
        taken: &mut Vec<(usize, usize, String)>,
    ) -> Outcome<Target<'py, 'g>> {
        let info = &self.graph.storages[index];
        let bytes = (self.read)(StorageId(index as u32)).map_err(|problem| Failure {
            node: viewers.first().copied(),
            problem,
        })?;
        if bytes.len() as u64 != info.bytes {
            return Err(Failure {
                node: viewers.first().copied(),
                problem: "bytes are missing".into(),
            });
        }
        let mut places = Vec::new();
        for &viewer in viewers {
            if let Some(object) = self.claims[viewer.index()].clone() {
                let place = self
                    .place(viewer, object)
                    .map_err(|failed| self.at(viewer, failed))?;
                places.push(place);
            }
        }
        let length = bytes.len();
        for place in places.iter().filter(|place| place.same) {
            let Some(address) = place.address.checked_sub(place.offset) else {
                continue;
            };
            let free = !taken.iter().any(|(low, high, device)| {
                address < *high && *low < address + length && *device == info.device
            });
            let others = places
                .iter()
                .all(|other| other.is_tensor || other.stays(address));
            let all_here = places.len() == viewers.len();
            let usable = if place.is_tensor {
                self.tensor_holds(place, address, length)? && others
            } else {
                others && all_here && self.array_holds(place, address, &bytes)?
            };
            if free && usable {
                taken.push((address, address + length, info.device.clone()));
                let target = self.live_target(place, address, bytes)?;
                self.settle(&places, address);
                return Ok(target);
            }
        }
        let target = self.new_target(index, viewers, &bytes)?;
        for place in &places {
            if place.is_tensor {
                self.rebinds.push((place.node, place.object.clone()));
            } else {
                self.claims[place.node.index()] = None;
            }
        }
        Ok(target)
    }

    /// Tensors that are elsewhere will be pointed at the target.
    fn settle(&mut self, places: &[Place<'py>], address: usize) {
        for place in places {
            if !place.stays(address) {
                self.rebinds.push((place.node, place.object.clone()));
            }
        }
    }

    fn place(&self, node: NodeId, object: Bound<'py, PyAny>) -> Outcome<Place<'py>> {
        let py = self.py;
        let live_shape: Vec<u64> = object.getattr(intern!(py, "shape"))?.extract()?;
        let live_type = object.getattr(intern!(py, "dtype"))?;
        let (name, size): (String, usize) = create::data_type(&live_type)?;
        Ok(match self.node(node) {
            Node::Tensor {
                dtype,
                shape,
                strides,
                offset,
                ..
            } => {
                let live: Vec<i64> = object.call_method0(intern!(py, "stride"))?.extract()?;
                Place {
                    address: object.call_method0(intern!(py, "data_ptr"))?.extract()?,
                    offset: *offset as usize * size,
                    same: name == *dtype && live_shape == *shape && live == *strides,
                    is_tensor: true,
                    node,
                    object,
                }
            }
            Node::Array {
                dtype,
                shape,
                strides,
                offset,
                ..
            } => {
                let live: Vec<i64> = object.getattr(intern!(py, "strides"))?.extract()?;
                Place {
                    address: array_address(&object)?,
                    offset: *offset as usize,
                    same: name == *dtype && live_shape == *shape && live == *strides,
                    is_tensor: false,
                    node,
                    object,
                }
            }
            _ => return Err(super::failure("not a view of memory")),
        })
    }

    fn tensor_holds(&self, place: &Place<'py>, address: usize, length: usize) -> Outcome<bool> {
        let extent = create::adapters(self.py)?
            .call_method1(intern!(self.py, "storage_extent"), (&place.object,))?;
        let (start, size): (usize, usize) = extent.extract()?;
        Ok(start <= address && address + length <= start + size)
    }

    /// An array's memory is used only when all arrays stay as they are: nothing can be pointed
    /// elsewhere.
    fn array_holds(&self, place: &Place<'py>, address: usize, bytes: &[u8]) -> Outcome<bool> {
        let py = self.py;
        let mut root = place.object.clone();
        loop {
            let base = root.getattr(intern!(py, "base"))?;
            if base.is_none() || !base.hasattr(intern!(py, "__array_interface__"))? {
                break;
            }
            root = base;
        }
        let extent = create::adapters(py)?.call_method1(intern!(py, "array_extent"), (&root,))?;
        let (low, high): (usize, usize) = extent.extract()?;
        if address < low || address + bytes.len() > high {
            return Ok(false);
        }
        let flags = root.getattr(intern!(py, "flags"))?;
        let writeable = flags.getattr(intern!(py, "writeable"))?.is_truthy()?;
        Ok(writeable || memory::equals(address, bytes))
    }

    fn live_target(
        &self,
        place: &Place<'py>,
        address: usize,
        bytes: Cow<'g, [u8]>,
    ) -> Outcome<Target<'py, 'g>> {
        let mut target = Target {
            owner: None,
            owner_address: address,
            address,
            live: Some(place.object.clone()),
            bytes,
        };
        if place.is_tensor {
            let py = self.py;
            let adapters = create::adapters(py)?;
            let whole = adapters.call_method1(intern!(py, "whole_storage"), (&place.object,))?;
            target.owner_address = whole.call_method0(intern!(py, "data_ptr"))?.extract()?;
            target.owner = Some(whole);
        }
        Ok(target)
    }

    fn new_target(
        &self,
        index: usize,
        viewers: &[NodeId],
        bytes: &[u8],
    ) -> Outcome<Target<'py, 'g>> {
        let py = self.py;
        let device = &self.graph.storages[index].device;
        let for_tensors = viewers
            .iter()
            .any(|viewer| matches!(self.node(*viewer), Node::Tensor { .. }));
        if !for_tensors {
            let owner = PyByteArray::new(py, bytes).into_any();
            return Ok(Target {
                owner: Some(owner),
                owner_address: 0,
                address: 0,
                live: None,
                bytes: Cow::default(),
            });
        }
        let made = create::adapters(py)?
            .call_method1(intern!(py, "new_storage"), (bytes.len(), device))?;
        let (owner, address): (Bound<'py, PyAny>, usize) = made.extract()?;
        if device == "cpu" {
            memory::write(py, address, bytes);
        } else {
            device::write((device, &owner), address, address, bytes)?;
        }
        Ok(Target {
            owner: Some(owner),
            owner_address: address,
            address,
            live: None,
            bytes: Cow::default(),
        })
    }

    /// Overwrites live memory.
    pub(super) fn write_storages(&mut self) -> Outcome<()> {
        let targets = std::mem::take(&mut self.targets);
        for (target, info) in targets.iter().zip(&self.graph.storages) {
            let Some(target) = target else { continue };
            let Some(live) = &target.live else { continue };
            let is_array = live.hasattr(intern!(self.py, "__array_interface__"))?
                && !live.hasattr(intern!(self.py, "data_ptr"))?;
            if is_array || live.getattr(intern!(self.py, "is_cpu"))?.is_truthy()? {
                if !memory::equals(target.address, &target.bytes) {
                    memory::write(self.py, target.address, &target.bytes);
                }
            } else {
                let address = live.call_method0(intern!(self.py, "data_ptr"))?.extract()?;
                let tensor = (info.device.as_str(), live);
                device::write(tensor, address, target.address, &target.bytes)?;
            }
        }
        self.targets = targets;
        Ok(())
    }
}

impl Place<'_> {
    fn stays(&self, address: usize) -> bool {
        self.same && self.address == address + self.offset
    }
}

fn array_address(array: &Bound<'_, PyAny>) -> Outcome<usize> {
    let py = array.py();
    let interface = array.getattr(intern!(py, "__array_interface__"))?;
    let data = interface
        .get_item(intern!(py, "data"))?
        .cast_into::<PyTuple>()?;
    Ok(data.get_item(0)?.extract()?)
}
