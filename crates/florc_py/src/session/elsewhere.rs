//! Log statements that run where there is no session: other threads, forked children.
//!
//! ```python
//! DataLoader(data, num_workers=2)      # a log statement in `data.__getitem__` runs in a child
//! ```
//!
//! They print as ever and are not recorded; this only remembers that there were some, so that it
//! can be said. Children that were spawned run the plain source and are not seen.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use pyo3::prelude::*;

use super::{RUNNING, with};

/// This process was forked from one that had a session.
static FORKED: AtomicBool = AtomicBool::new(false);
/// A log statement was run on another thread.
static ON_THREAD: AtomicBool = AtomicBool::new(false);
/// Memory that parent and children share: its first byte is set by a child.
static SHARED: Mutex<Option<Py<PyAny>>> = Mutex::new(None);
/// Sites that count; all of them when recording.
static SITES: OnceLock<Vec<bool>> = OnceLock::new();

/// Begins to watch. In a replay only probes count: other log statements were not recorded either.
pub(super) fn watch(py: Python<'_>, probes: Option<Vec<bool>>) -> PyResult<()> {
    if let Some(probes) = probes {
        let _ = SITES.set(probes);
    }
    let shared = py.import("mmap")?.call_method1("mmap", (-1, 1))?;
    if let Ok(mut place) = SHARED.lock() {
        *place = Some(shared.unbind());
    }
    Ok(())
}

/// This is a forked child.
pub(super) fn forked() {
    FORKED.store(true, Ordering::Relaxed);
}

/// The log statement `site` runs where there is no session.
pub(super) fn logged(py: Python<'_>, site: u32) {
    let forked = FORKED.load(Ordering::Relaxed);
    if !forked && !RUNNING.load(Ordering::Relaxed) || with(|_| ()).is_some() {
        return;
    }
    let counts = |sites: &Vec<bool>| sites.get(site as usize).copied().unwrap_or(true);
    if !SITES.get().is_none_or(counts) {
        return;
    }
    if !forked {
        ON_THREAD.store(true, Ordering::Relaxed);
    } else if let Ok(shared) = SHARED.try_lock()
        && let Some(shared) = &*shared
    {
        let _ = shared.bind(py).set_item(0, 1);
    }
}

/// Where such log statements ran, in words.
pub(super) fn seen(py: Python<'_>) -> Vec<&'static str> {
    let in_child = || -> Option<bool> {
        let shared = SHARED.try_lock().ok()?;
        Some(
            shared
                .as_ref()?
                .bind(py)
                .get_item(0)
                .ok()?
                .extract::<u8>()
                .ok()?
                == 1,
        )
    };
    let mut places = Vec::new();
    if ON_THREAD.load(Ordering::Relaxed) {
        places.push("on other threads");
    }
    if in_child() == Some(true) {
        places.push("in child processes");
    }
    places
}
