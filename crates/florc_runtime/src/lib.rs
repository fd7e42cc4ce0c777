//! Recording and restoring runs: contexts, adaptive policy, checkpoint packs, journal.
//!
//! ```python
//! for epoch in florc.main_loop("train.py:main/epoch", range(3)):   # Recorder::loop_entered
//!     best = florc.carry("train.py:main/epoch", best, model)       # Recorder::head, submit
//! ```
//!
//! Two state machines, [`Recorder`] and [`Replayer`], are told what the hooks of a program meet
//! and answer what is to be done. Everything below them is data: a [`Graph`] of the program's
//! state, [`Store`] with its packs and journals. There is no Python here.

mod graph;
mod pool;
mod recorder;
mod replayer;

pub use graph::{
    Attributes, Buffer, CHUNK_BYTES, ChunkId, Content, Graph, INLINE_LIMIT, Node, NodeId, Snapshot,
    StorageId, StorageInfo,
};
pub use pool::BufferPool;
pub use recorder::{HeadDecision, LogEvent, LoopToken, Mode, RecordConfig, Recorder};
pub use replayer::{Checkpoint, HeadStep, MainEntry, ReplayError, Replayer, Step};
