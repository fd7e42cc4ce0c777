//! The run that this process records or replays, between the hooks and `florc_runtime`.
//!
//! ```python
//! best = florc.carry(ID, best, model)   # Recorder::head; capture; Recorder::submit
//! ```
//!
//! One session a process, on the thread that started it; other threads and forked children have
//! none. Trouble of florc itself never reaches a recorded program: recording stops with a note. In
//! a replay it always fails the segment.

mod blocks;
mod contexts;
mod cut;
mod elsewhere;
mod files;
mod guards;
mod iterables;
mod logs;
mod mains;
mod port;
mod resume;
mod start;
mod trouble;
mod verdict;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use florc_manifest::{LogSite, MainLoopSite, ModuleManifest, Value};
use florc_runtime::{RecordConfig, Recorder, Replayer};

pub(crate) use blocks::{block_end, restore, step_into};
pub(crate) use contexts::{counted, loop_enter, loop_exit, loop_next, tick, untick};
pub(crate) use guards::{entered, is_unexpected};
pub(crate) use logs::{
    log, log_site, muted, push_value, recall, remember, remember_later, reserve, take_values,
};
pub(crate) use mains::{
    Token, carry, is_main, leave, leave_by_exception, main_advanced, main_dropped, main_ended,
    main_entered, main_leaps,
};
pub(crate) use start::register;
pub(crate) use trouble::{Trouble, guarded};

/// What hooks do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Pass through.
    Idle,
    Record,
    Replay,
    /// As in a replay, until a state is put back; then the run is recorded on.
    Resume,
}

/// Which half of `florc_runtime` is at work.
enum Engine {
    Record(Box<Recorder>),
    Replay(Box<Replayer>),
}

/// The session of this thread.
struct Session {
    engine: Engine,
    manifest: Rc<ModuleManifest>,
    main_sites: Vec<Rc<MainLoopSite>>,
    logs: Vec<Rc<LogSite>>,
    /// Project root.
    project: String,
    /// Main loops being run, innermost last.
    mains: Vec<mains::Running>,
    /// Labels of loops whose positions are counts of values.
    counted: std::collections::BTreeSet<String>,
    /// Calls of loggers that a level kept from being shown; `None`: of a part of the run nobody knows.
    muted: Option<std::collections::BTreeSet<u32>>,
    next_token: u64,
    /// Of a replay: what the variables that are to stay as they are held where the main loop began.
    watched: Option<String>,
    /// Values announced by `florc.v` and not yet taken.
    values: Vec<(u32, Value)>,
    /// Bytes of the last snapshot.
    last_bytes: u64,
    /// Main loops of which it was said that replay cannot start inside.
    unrepeated: BTreeSet<String>,
    /// Why recording stopped before the script did.
    stopped: Option<String>,
    /// How a run that is gone on with will be recorded.
    resume: Option<RecordConfig>,
}

thread_local! {
    static MODE: Cell<Mode> = const { Cell::new(Mode::Idle) };
    /// Never dropped: at exit threads and files go with the process.
    static SESSION: RefCell<Option<ManuallyDrop<Session>>> = const { RefCell::new(None) };
}

/// Some thread of this process has a session.
static RUNNING: AtomicBool = AtomicBool::new(false);

/// Whether hooks of this thread have something to do.
#[inline]
pub(crate) fn is_active() -> bool {
    MODE.get() != Mode::Idle
}

/// Whether this thread replays.
pub(crate) fn is_replay() -> bool {
    MODE.get() == Mode::Replay
}

/// Works on the session; `None` without one. Must not call Python.
fn with<T>(work: impl FnOnce(&mut Session) -> T) -> Option<T> {
    SESSION.with(|cell| {
        let mut session = cell.try_borrow_mut().ok()?;
        session.as_mut().map(|session| work(session))
    })
}

/// As [`with`], where a session is sure to exist.
fn here<T>(work: impl FnOnce(&mut Session) -> T) -> Result<T, Trouble> {
    with(work).ok_or_else(|| Trouble::from("the session is in use"))
}

/// While it lives, hooks pass through: florc itself is at work.
struct Busy(Mode);

impl Busy {
    fn new() -> Self {
        Self(MODE.replace(Mode::Idle))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        MODE.set(self.0);
    }
}

/// In a forked child: there is no session. What the parent's was is leaked, threads and all.
pub(crate) fn forget() {
    MODE.set(Mode::Idle);
    SESSION.with(|cell| {
        if let Ok(mut session) = cell.try_borrow_mut() {
            *session = None;
        }
    });
    RUNNING.store(false, Ordering::Relaxed);
    elsewhere::forked();
}
