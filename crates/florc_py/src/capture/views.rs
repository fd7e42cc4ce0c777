//! Which views share memory, and the copy of that memory.
//!
//! ```python
//! base = np.zeros(8); a = base[2:]; b = torch.from_numpy(base)   # one storage of 64 bytes
//! ```
//!
//! Views of one device whose byte ranges overlap make one storage; how the memory was allocated
//! does not matter. Storages are numbered by their first view.

use std::collections::BTreeMap;

use florc_runtime::{
    BufferPool, Buffers, Content, Graph, Later, Node, NodeId, StorageId, StorageInfo,
};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;

use crate::device::{self, Aside, Far};
use crate::memory;

/// Memory that one tensor or array touches. Addresses are bytes.
pub(super) struct View<'py> {
    pub(super) node: NodeId,
    pub(super) object: Bound<'py, PyAny>,
    /// Kept until the copy is made: a tensor may be pointed at other memory meanwhile.
    pub(super) _storage: Option<Bound<'py, PyAny>>,
    /// Of the first element.
    pub(super) address: usize,
    pub(super) low: usize,
    pub(super) high: usize,
    /// Bytes of one element.
    pub(super) size: usize,
    pub(super) device: String,
}

/// All views of a walk.
#[derive(Default)]
pub(super) struct Views<'py> {
    views: Vec<View<'py>>,
    /// Ranges of live roots by device and first byte, with their end.
    live: Option<BTreeMap<(String, usize), usize>>,
}

/// Views that share memory.
struct Group {
    members: Vec<usize>,
    low: usize,
    high: usize,
}

/// Memory to copy.
struct Source {
    /// One that views it.
    view: usize,
    low: usize,
    bytes: usize,
}

/// The memory of a walk, to be copied.
pub(super) struct Memory<'py> {
    py: Python<'py>,
    /// They keep it alive.
    views: Vec<View<'py>>,
    /// One a storage.
    sources: Vec<Source>,
}

impl Memory<'_> {
    /// The bytes of all storages; those of the CPU in one go, without the GIL. What brings those
    /// that were only put aside.
    pub(super) fn copy(
        &self,
        pool: &BufferPool,
        aside: Aside,
    ) -> PyResult<(Buffers, Option<Later>)> {
        let sizes: Vec<usize> = self.sources.iter().map(|source| source.bytes).collect();
        let taken = self.py.detach(|| pool.take(&sizes));
        let mut buffers = taken.ok_or_else(|| {
            let bytes: usize = sizes.iter().sum();
            PyMemoryError::new_err(format!("no memory for a snapshot of {bytes} bytes"))
        })?;
        let (mut near, mut far) = (Vec::new(), Vec::new());
        for (at, (source, buffer)) in self.sources.iter().zip(buffers.iter_mut()).enumerate() {
            let view = &self.views[source.view];
            if view.device == "cpu" {
                near.push((source.low, buffer));
            } else {
                far.push(Far {
                    at,
                    device: &view.device,
                    tensor: &view.object,
                    address: view.address,
                    low: source.low,
                    buffer,
                });
            }
        }
        let later = device::read(self.py, far, aside)?;
        memory::read(self.py, near);
        Ok((buffers, later))
    }
}

/// Outcome of [`Views::place`].
pub(super) struct Placed<'py> {
    pub(super) memory: Memory<'py>,
    /// Nodes whose memory could not be described.
    pub(super) refused: Vec<(NodeId, String)>,
}

impl<'py> Views<'py> {
    pub(super) fn len(&self) -> usize {
        self.views.len()
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.views.truncate(length);
    }

    /// What comes later is counted unless it lies in what was met so far.
    pub(super) fn close_live(&mut self) {
        let groups = self.groups().into_iter().map(|group| {
            let device = self.views[group.members[0]].device.clone();
            ((device, group.low), group.high)
        });
        self.live = Some(groups.collect());
    }

    /// Remembers a view; gives the bytes it adds to the live ones.
    pub(super) fn add(&mut self, view: View<'py>) -> u64 {
        let around = self.live.as_ref().and_then(|live| {
            let low = (view.device.clone(), view.low);
            live.range(..=low).next_back()
        });
        let known =
            around.is_some_and(|((device, _), high)| *device == view.device && view.high <= *high);
        let bytes = if known {
            0
        } else {
            (view.high - view.low) as u64
        };
        self.views.push(view);
        bytes
    }

    /// Groups the views into storages and tells the nodes.
    pub(super) fn place(self, py: Python<'py>, graph: &mut Graph) -> Placed<'py> {
        let mut refused = Vec::new();
        let mut sources = Vec::new();
        for mut group in self.groups() {
            let largest = group
                .members
                .iter()
                .map(|&view| self.views[view].size)
                .max();
            let element = largest.unwrap_or(1).max(1);
            let uneven = group.members.iter().any(|&view| {
                let view = &self.views[view];
                view.size > 0 && !(view.address - group.low).is_multiple_of(view.size)
            });
            if uneven {
                for &view in &group.members {
                    let view = &self.views[view];
                    refused.push((view.node, "memory of mixed types".into()));
                }
                continue;
            }
            group.members.sort_unstable();
            let first = &self.views[group.members[0]];
            let storage = StorageId(graph.storages.len() as u32);
            let bytes = group.high - group.low;
            for &view in &group.members {
                attach(&mut graph.nodes, &self.views[view], storage, group.low);
            }
            graph.storages.push(StorageInfo {
                bytes: bytes as u64,
                start: 0,
                device: first.device.clone(),
                element: u8::try_from(element).unwrap_or(1),
                content: Content::Buffer,
            });
            sources.push(Source {
                view: group.members[0],
                low: group.low,
                bytes,
            });
        }
        let views = self.views;
        let memory = Memory { py, views, sources };
        Placed { memory, refused }
    }

    fn groups(&self) -> Vec<Group> {
        let mut by_device: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, view) in self.views.iter().enumerate() {
            by_device.entry(&view.device).or_default().push(index);
        }
        let mut groups: Vec<Group> = Vec::new();
        for mut indices in by_device.into_values() {
            indices.sort_by_key(|&index| (self.views[index].low, index));
            let start = groups.len();
            let (empty, filled): (Vec<usize>, Vec<usize>) = indices
                .into_iter()
                .partition(|&index| self.views[index].low == self.views[index].high);
            for index in filled {
                let view = &self.views[index];
                match groups[start..].last_mut() {
                    Some(group) if view.low < group.high => {
                        group.members.push(index);
                        group.high = group.high.max(view.high);
                    }
                    _ => groups.push(Group {
                        members: vec![index],
                        low: view.low,
                        high: view.high,
                    }),
                }
            }
            groups.extend(empty.into_iter().map(|index| Group {
                members: vec![index],
                low: self.views[index].address,
                high: self.views[index].address,
            }));
        }
        groups.sort_by_key(|group| group.members.iter().copied().min());
        groups
    }
}

fn attach(nodes: &mut [Node], view: &View<'_>, to: StorageId, low: usize) {
    let bytes = (view.address - low) as u64;
    match &mut nodes[view.node.index()] {
        Node::Tensor {
            storage, offset, ..
        } => {
            *storage = to;
            *offset = bytes.checked_div(view.size as u64).unwrap_or(0);
        }
        Node::Array {
            storage, offset, ..
        } => {
            *storage = to;
            *offset = bytes;
        }
        _ => {}
    }
}
