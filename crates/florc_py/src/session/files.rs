//! What is known of the recorded time where files are opened, on whatever thread.
//!
//! ```python
//! pool.submit(lambda: open("log").read())     # that thread has no session; what is skipped concerns it, too
//! ```
//!
//! The thread that replays says what holds from now on; others read that, and leave their notes here.

use std::path::PathBuf;
use std::sync::Mutex;

use florc_runtime::{content_hash, content_hash_of_file};
use pyo3::prelude::*;

use super::{Engine, with};

/// Which part of the program's time this is, the limit for the age of files, and what was skipped: how often, since when, and
/// when this part began.
#[derive(Clone, Debug, Default)]
struct Known {
    moment: (String, Option<f64>),
    skips: (u64, Option<f64>, Option<f64>),
}

static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
static NOTES: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

fn now() -> Option<Known> {
    let known = with(|session| match &session.engine {
        Engine::Record(_) => None,
        Engine::Replay(replayer) => Some(Known {
            moment: replayer.file_moment(),
            skips: replayer.file_skips(),
        }),
    });
    known.flatten()
}

/// Another part of the program begins, or a part was skipped.
pub(super) fn publish() {
    if let (Some(known), Ok(mut place)) = (now(), KNOWN.lock()) {
        *place = Some(known);
    }
    take_notes();
}

/// Takes over the notes of other threads.
pub(super) fn take_notes() {
    let notes = NOTES.lock().map(|mut notes| std::mem::take(&mut *notes));
    for (code, text) in notes.unwrap_or_default() {
        super::start::note(&code, &text);
    }
}

/// A note of a thread that has no session.
pub(super) fn leave_note(code: &str, text: &str) {
    if let Ok(mut notes) = NOTES.lock() {
        notes.push((code.to_owned(), text.to_owned()));
    }
}

fn known() -> Known {
    let shared = || KNOWN.lock().ok().and_then(|known| known.clone());
    now().or_else(shared).unwrap_or_default()
}

/// The part of the program's time that this is, and the limit for the age of files read in it.
#[pyfunction]
pub(super) fn file_moment() -> (String, Option<f64>) {
    known().moment
}

/// What a replay did not run, as far as files are concerned.
#[pyfunction]
pub(super) fn file_skips() -> (u64, Option<f64>, Option<f64>) {
    known().skips
}

/// A hash of what a file holds, whatever this process sees at its path.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
pub(super) fn hash_of_file(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    Ok(py.detach(|| content_hash_of_file(&path))?)
}

/// A hash of bytes.
#[pyfunction]
pub(super) fn hash_of(bytes: &[u8]) -> String {
    content_hash(bytes)
}
