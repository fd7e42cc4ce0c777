//! What goes wrong inside florc, and whom it reaches.
//!
//! ```python
//! best = florc.carry(ID, best, model)   # a bug in the walk: training goes on, unrecorded
//! ```
//!
//! Errors of the user's own code are not trouble and never come here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::PyException;
use pyo3::prelude::*;

use super::{Engine, MODE, Mode, verdict, with};

/// Why a hook could not do its work.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// A Python exception.
    Raised(PyErr),
    /// In words.
    Text(String),
}

impl From<PyErr> for Trouble {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<String> for Trouble {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Trouble {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Trouble {
    /// For people.
    pub(crate) fn text(&self, py: Python<'_>) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Raised(error) => {
                let class = error.get_type(py).name().map(|name| name.to_string());
                format!("{}: {}", class.unwrap_or_default(), error.value(py))
            }
        }
    }
}

/// Does work of florc inside the user's program. `None`: it failed, and recording has stopped.
/// The error is one that must go on: `KeyboardInterrupt`, `SystemExit`.
pub(crate) fn guarded<'py, T>(
    py: Python<'py>,
    work: impl FnOnce(Python<'py>) -> Result<T, Trouble>,
) -> PyResult<Option<T>> {
    let trouble = match catch_unwind(AssertUnwindSafe(|| work(py))) {
        Ok(Ok(done)) => return Ok(Some(done)),
        Ok(Err(Trouble::Raised(error))) if !error.is_instance_of::<PyException>(py) => {
            return Err(error);
        }
        Ok(Err(trouble)) => trouble.text(py),
        Err(panic) => panicked(panic.as_ref()),
    };
    give_up(py, &trouble);
    Ok(None)
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    format!(
        "a bug in florc, please report it: {}",
        text.unwrap_or_default()
    )
}

/// Stops recording, or fails the segment and ends the process.
fn give_up(py: Python<'_>, text: &str) {
    MODE.set(Mode::Idle);
    let replays = with(|session| {
        session.stopped.get_or_insert_with(|| text.to_owned());
        match &mut session.engine {
            Engine::Record(recorder) => {
                recorder.note("recording-stopped", text);
                false
            }
            Engine::Replay(replayer) => {
                replayer.fail(text);
                true
            }
        }
    });
    if replays == Some(true) {
        verdict::end_process(py);
    }
}
