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

mod addresses;
mod bases;
mod checked_json;
mod checkpoint;
mod codec;
mod context;
mod cut_text;
mod dead_roots;
mod diff;
mod elements;
mod error;
mod export;
mod file_clock;
mod forward;
mod free_space;
mod fsck;
mod gc;
mod graph;
mod in_use;
mod journal;
mod later;
mod lockstep;
mod lone;
mod pack;
mod parts;
mod policy;
mod pool;
mod progress;
mod ranks;
mod recorded;
mod recorder;
mod replayer;
mod run;
mod run_id;
mod saving;
mod seal;
mod shard;
mod slab;
mod state_hash;
mod storage;
mod store;
mod thinning;
mod thread_time;
mod usage;
mod writer;

pub use checked_json::{content_hash, content_hash_of_file, is_intact_json, to_checked_json};
pub use checkpoint::Checkpoint;
pub use context::LoopToken;
pub use cut_text::cut_text;
pub use error::{StoreError, StoreErrorKind};
pub use export::{ExportFormat, Exported, export};
pub use fsck::{Damage, Health, check_store, rebuild};
pub use gc::{Rubbish, remove_rubbish, remove_run, rubbish};
pub use graph::{
    Attributes, CHUNK_BYTES, ChunkId, Content, Graph, INLINE_LIMIT, Node, NodeId, Snapshot,
    StorageId, StorageInfo,
};
pub use in_use::RunGuard;
pub use journal::{Journal, Torn};
pub use later::Later;
pub use lone::{read_lone, write_lone};
pub use pool::BufferPool;
pub use recorder::{HeadDecision, LogEvent, Mode, PendingRead, RecordConfig, Recorder};
pub use replayer::{HeadStep, MainEntry, ReplayError, Replayer, Step};
pub use run::RunHandle;
pub use seal::{Sealed, SealedChunk, StorageRead, seal};
pub use shard::{Shard, has_shards, read_shard, shard_path};
pub use slab::Buffers;
pub use state_hash::{hex, state_hash};
pub use store::Store;
pub use usage::{Usage, bytes_below};
