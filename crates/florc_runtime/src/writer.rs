//! Writes snapshots in the background, one thread, one after the other.
//!
//! What waits is bounded in bytes: a caller asks before it copies, and is either told no or made
//! to wait. A failure of the disk ends checkpointing for the run and is told once; it never
//! reaches the program. Decides nothing about when to checkpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use florc_manifest::{CheckpointRecord, CutKey, JournalRecord, MissingState};

use crate::bases::{Bases, Stored};
use crate::dead_roots::split_dead_roots;
use crate::graph::{ChunkId, Snapshot};
use crate::journal::JournalWriter;
use crate::later::Later;
use crate::pack::{ChunkPlace, PackReader, PackWriter};
use crate::policy::Written;
use crate::pool::BufferPool;
use crate::run::{RunHandle, pack_number};
use crate::saving::{Means, Saving};
use crate::seal::{Sealed, seal};
use crate::state_hash::{hex, state_hash};
use crate::storage::{Planned, Room, Storage};
use crate::thread_time::{ThreadTime, lower_priority};

/// A snapshot on its way to the disk.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) cut: CutKey,
    pub(crate) snapshot: Snapshot,
    /// Brings bytes that are not in it yet.
    pub(crate) later: Option<Later>,
    pub(crate) stall_seconds: f64,
    pub(crate) absent: Vec<MissingState>,
    /// Roots that nobody reads after the cut point: they are kept, but have no part in the hash.
    pub(crate) dead: Vec<String>,
    /// When its iteration began: seconds, or iterations where time must not decide.
    pub(crate) time: f64,
    /// Seconds that it may take beyond what one takes, to be stored in less space.
    pub(crate) spare: f64,
}

/// The program's end waits for what is still to be written, so that must not be much: durable
/// writes take milliseconds each, however small.
const MOST_WAITING: usize = 4;

/// Bytes of a state with two moments and a gradient for each weight, over those without.
const WITH_MOMENTS: u64 = 4;

/// For what is small, and does not stay as it is.
const HEADROOM: u64 = 1 << 20;

/// Seen from the training thread.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting_bytes: u64,
    waiting: usize,
    /// Background seconds of what was written since the last look.
    written: Vec<Written>,
    /// Processor seconds of all that was written.
    worked: f64,
    failure: Option<String>,
    /// Least useful distance of checkpoints.
    spacing: f64,
    /// The program has ended and waits.
    is_closing: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Starts the thread. Packs are those of `run`, records to `journal`, memory back to `pool`.
    pub(crate) fn start(
        run: &RunHandle,
        journal: Arc<Mutex<JournalWriter>>,
        pool: BufferPool,
        storage: Option<Storage>,
        first_pack: u64,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let (sender, receiver) = channel();
        let work = Work {
            packs: run.packs().to_owned(),
            rank: run.rank(),
            journal,
            pool,
            known: PackReader::new(&run.packs().join("0.pack"), BTreeMap::new()),
            bases: Bases::default(),
            sequence: first_pack,
            storage,
            spacing: 0.0,
            share: 1.0,
            has_prepared: false,
        };
        let seen = Arc::clone(&shared);
        let run = move || work.run(&receiver, &seen);
        let spawned = std::thread::Builder::new()
            .name("florc-writer".into())
            .spawn(run);
        let thread = match spawned {
            Ok(thread) => Some(thread),
            Err(error) => {
                shared.lock().failure = Some(format!("cannot start a thread: {error}"));
                None
            }
        };
        Self {
            shared,
            jobs: Some(sender),
            thread,
        }
    }

    /// Whether `bytes` more may wait. One snapshot may always. An exit may wait behind more than
    /// others do: without it nothing proves the end of a replay.
    pub(crate) fn has_room(&self, is_exit: bool, bytes: u64, limit: u64) -> bool {
        let most = if is_exit {
            2 * MOST_WAITING
        } else {
            MOST_WAITING
        };
        let state = self.shared.lock();
        state.failure.is_none() && state.has_room(most, bytes, limit)
    }

    /// Waits until `bytes` more may wait. False when writing has failed.
    pub(crate) fn wait_for_room(&self, bytes: u64, limit: u64) -> bool {
        let mut state = self.shared.lock();
        while state.failure.is_none() && !state.has_room(MOST_WAITING, bytes, limit) {
            state = self
                .shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.failure.is_none()
    }

    /// Hands a snapshot over.
    pub(crate) fn submit(&self, job: Job) {
        let Some(jobs) = &self.jobs else { return };
        {
            let mut state = self.shared.lock();
            if state.failure.is_some() {
                return;
            }
            state.waiting_bytes += job.bytes();
            state.waiting += 1;
        }
        // the thread ends after its sender only
        let _ = jobs.send(job);
    }

    /// Background seconds of what was written since the last call.
    pub(crate) fn take_written(&self) -> Vec<Written> {
        std::mem::take(&mut self.shared.lock().written)
    }

    /// Processor seconds of all that was written.
    pub(crate) fn worked(&self) -> f64 {
        self.shared.lock().worked
    }

    /// Checkpoints that are nearer to each other are taken in vain.
    pub(crate) fn spacing(&self) -> f64 {
        self.shared.lock().spacing
    }

    /// Why nothing is written any more.
    pub(crate) fn failure(&self) -> Option<String> {
        self.shared.lock().failure.clone()
    }

    /// Waits for everything that was submitted.
    pub(crate) fn close(&mut self) {
        self.jobs = None;
        self.shared.lock().is_closing = true;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            self.shared
                .lock()
                .failure
                .get_or_insert_with(|| "the writer stopped".into());
        }
    }
}

impl State {
    fn has_room(&self, most: usize, bytes: u64, limit: u64) -> bool {
        self.waiting == 0
            || (self.waiting < most && self.waiting_bytes.saturating_add(bytes) <= limit)
    }
}

impl Job {
    fn bytes(&self) -> u64 {
        self.snapshot.buffers.total()
    }
}

/// Seen from the thread.
struct Work {
    packs: PathBuf,
    rank: u32,
    journal: Arc<Mutex<JournalWriter>>,
    pool: BufferPool,
    /// Chunks of earlier packs of this run.
    known: PackReader,
    bases: Bases,
    sequence: u64,
    /// The disk space that there is.
    storage: Option<Storage>,
    spacing: f64,
    /// What a second of work on the last one took from others.
    share: f64,
    /// Memory for a second snapshot.
    has_prepared: bool,
}

impl Work {
    fn run(mut self, jobs: &Receiver<Job>, shared: &Shared) {
        lower_priority();
        let time = ThreadTime::now();
        for job in jobs {
            let bytes = job.bytes();
            let has_failed = shared.lock().failure.is_some();
            let written = if has_failed {
                Ok(Written::default())
            } else {
                let is_behind = || {
                    let state = shared.lock();
                    state.waiting > 1 || state.is_closing
                };
                catch_unwind(AssertUnwindSafe(|| self.weighed(job, &is_behind)))
                    .unwrap_or_else(|_| Err(std::io::Error::other("florc failed to write it")))
            };
            let mut state = shared.lock();
            state.waiting_bytes -= bytes;
            state.waiting -= 1;
            state.spacing = self.spacing;
            state.worked = time.elapsed();
            match written {
                Ok(written) => state.written.push(written),
                Err(error) => {
                    let told = || format!("{}: {error}", self.packs.display());
                    state.failure.get_or_insert_with(told);
                }
            }
            shared.changed.notify_all();
        }
    }

    /// What writing a snapshot took from others.
    fn weighed(&mut self, job: Job, is_behind: &dyn Fn() -> bool) -> std::io::Result<Written> {
        let time = ThreadTime::now();
        self.prepare(&job);
        let preparing = time.elapsed();
        let mut worked = self.write(job, is_behind)?;
        worked.extra += preparing;
        self.share = time.share();
        Ok(worked.weighed(self.share))
    }

    /// Has memory ready for the snapshots that come: the first head has no moments of an optimizer yet, and after the end of a block comes a head.
    fn prepare(&mut self, job: &Job) {
        let bytes = job.bytes();
        match job.cut {
            CutKey::Head(_) if self.sequence == 0 => {
                self.pool.prepare(WITH_MOMENTS * bytes + HEADROOM);
            }
            CutKey::Block(_) if !self.has_prepared => {
                self.has_prepared = true;
                self.pool.prepare(bytes + HEADROOM);
            }
            CutKey::Head(_) | CutKey::Block(_) | CutKey::Exit(_) => {}
        }
    }

    /// `is_behind`: whether others wait to be written, or for the end.
    fn write(&mut self, job: Job, is_behind: &dyn Fn() -> bool) -> std::io::Result<Written> {
        let time = ThreadTime::now();
        let Job {
            cut,
            mut snapshot,
            later,
            stall_seconds,
            mut absent,
            dead,
            time: began,
            spare,
        } = job;
        if let Some(later) = later
            && let Err(reason) = later.bring(&mut snapshot.buffers)
        {
            self.pool.give_back(snapshot.buffers);
            self.append(&JournalRecord::CheckpointDropped { cut, reason })?;
            return Ok(Written::plain(time.elapsed()));
        }
        split_dead_roots(&mut snapshot.graph, &dead, &mut absent);
        let sealed = seal(snapshot);
        let mut planned = self.planned(&cut, began, &sealed);
        if !self.has_room(&planned)? {
            self.pool.give_back(sealed.into_buffers());
            return Ok(Written::plain(time.elapsed()));
        }
        let name = pack_name(self.rank, self.sequence);
        let mut record = CheckpointRecord {
            cut,
            pack: name.clone(),
            state_hash: hex(&live_hash(&sealed, &dead)),
            pack_hash: String::new(),
            raw_bytes: sealed.graph.raw_bytes(),
            stored_bytes: 0,
            stall_seconds,
            background_seconds: 0.0,
            absent,
            missing: sealed.graph.missing.clone(),
        };
        let mut pack = PackWriter::create(&self.packs.join(&name))?;
        let (new, extra) = match self.write_chunks(&mut pack, &sealed, &record, (spare, is_behind))
        {
            Ok(written) => written,
            Err(error) => {
                pack.discard();
                return Err(error);
            }
        };
        // with what differences are taken from
        planned.needs = pack.needs();
        (record.stored_bytes, record.pack_hash) = pack.finish(&record, sealed.graph.clone())?;
        self.pool.give_back(sealed.into_buffers());
        let chunks = new.iter().map(|(_, place)| place.stored_len).sum();
        let bytes = record.stored_bytes;
        self.known.chunks.extend(new);
        record.background_seconds = time.elapsed();
        let seconds = record.background_seconds - extra;
        // not synced: after a power failure the pack is found by its footer
        self.append(&JournalRecord::Checkpoint(record))?;
        self.keep(planned, bytes, chunks)?;
        self.sequence += 1;
        Ok(Written { seconds, extra })
    }

    fn append(&self, record: &JournalRecord) -> std::io::Result<()> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.append(record)
    }

    fn planned(&self, cut: &CutKey, time: f64, sealed: &Sealed) -> Planned {
        let mut planned = Planned {
            cut: cut.clone(),
            time,
            new_bytes: 0,
            needs: BTreeSet::new(),
        };
        for chunk in &sealed.chunks {
            let known = self.known.chunks.get(&chunk.id);
            match known.and_then(|it| it.pack.as_deref()) {
                Some(pack) => planned.needs.extend(pack_number(pack)),
                None => planned.new_bytes += sealed.bytes(chunk).len() as u64,
            }
        }
        planned
    }

    /// Whether there is disk space for a checkpoint; earlier ones go for it.
    fn has_room(&mut self, planned: &Planned) -> std::io::Result<bool> {
        let Some(storage) = &mut self.storage else {
            return Ok(true);
        };
        let room = storage.make_room(planned);
        let (is_first, too_large) = (storage.is_empty(), storage.too_large());
        self.delete(&room)?;
        if !room.is_enough && is_first {
            return Err(std::io::Error::other(too_large));
        }
        if !room.is_enough {
            let reason = "the run's other checkpoints leave no room for it (--max-storage)";
            self.append(&JournalRecord::CheckpointDropped {
                cut: planned.cut.clone(),
                reason: reason.to_owned(),
            })?;
        }
        Ok(room.is_enough)
    }

    fn keep(&mut self, planned: Planned, bytes: u64, chunks: u64) -> std::io::Result<()> {
        let Some(storage) = &mut self.storage else {
            return Ok(());
        };
        let room = storage.add(self.sequence, planned, bytes, chunks);
        let (is_none_left, too_large) = (storage.is_empty(), storage.too_large());
        self.delete(&room)?;
        if is_none_left {
            Err(std::io::Error::other(too_large))
        } else {
            Ok(())
        }
    }

    /// The journal first: after a kill in between there is a pack more than it says, never less.
    fn delete(&mut self, room: &Room) -> std::io::Result<()> {
        self.spacing = self.spacing.max(room.spacing);
        for (pack, cut) in &room.gone {
            let name = pack_name(self.rank, *pack);
            self.append(&JournalRecord::CheckpointDropped {
                cut: cut.clone(),
                reason: "others took its room (--max-storage)".to_owned(),
            })?;
            self.known
                .chunks
                .retain(|_, place| place.pack.as_ref() != Some(&name));
            std::fs::remove_file(self.packs.join(name))?;
        }
        Ok(())
    }

    /// Gives the places of the chunks that are new, and the seconds that were spent to save space.
    fn write_chunks(
        &mut self,
        pack: &mut PackWriter,
        sealed: &Sealed,
        record: &CheckpointRecord,
        (spare, is_behind): (f64, &dyn Fn() -> bool),
    ) -> std::io::Result<(Vec<(ChunkId, ChunkPlace)>, f64)> {
        let mut new = Vec::new();
        let means = Means {
            spare,
            share: self.share,
            is_behind,
            is_scarce: self.storage.as_ref().is_some_and(Storage::is_scarce),
            is_ample: self.storage.as_ref().is_none_or(Storage::is_ample),
        };
        let mut saving = Saving::new(&self.known, means);
        for chunk in &sealed.chunks {
            let how = if self.known.chunks.contains_key(&chunk.id) {
                saving.refer(pack, &chunk.id);
                Stored::Before
            } else {
                let candidate = self.bases.candidate(&record.cut, chunk);
                let (place, how) = saving.store(pack, chunk, sealed.bytes(chunk), candidate)?;
                new.push((chunk.id, place.in_pack(&record.pack)));
                how
            };
            self.bases.stored(&record.cut, chunk, how);
        }
        Ok((new, saving.seconds))
    }
}

fn pack_name(rank: u32, sequence: u64) -> String {
    format!("{rank}-{sequence}.pack")
}

fn live_hash(sealed: &Sealed, dead: &[String]) -> [u8; 32] {
    if dead.is_empty() {
        return state_hash(&sealed.graph);
    }
    let mut graph = sealed.graph.clone();
    graph.retain_roots(|name| !dead.iter().any(|root| root == name));
    state_hash(&graph)
}
