//! What a main loop iterates over, looked at when the loop begins.
//!
//! ```python
//! from helpers import *
//! for epoch in florc.main_loop(ID, range(9)):    # is this the builtin `range`?
//! ```
//!
//! The compiler says where to look. What each type does is known in `florc._iterables`.

use florc_manifest::MainLoopSite;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyIterator;

use super::{Busy, Engine, Trouble, here, port};

/// What is said of plain content among the inputs of the loop.
const CONTENT: &str = "what the main loop iterates over";

/// What was seen.
pub(super) struct Looked {
    /// A new process draws the same items.
    pub(super) repeats: bool,
    /// Name and hash of what can be compared.
    pub(super) content: Option<(String, String)>,
}

impl Looked {
    /// A `while` loop iterates over nothing.
    pub(super) fn at_nothing() -> Self {
        Self {
            repeats: true,
            content: None,
        }
    }
}

/// Looks at the iterable of a main loop; `alone`: nothing but the loop holds it.
pub(super) fn look_at(
    py: Python<'_>,
    site: &MainLoopSite,
    iterable: &Bound<'_, PyAny>,
    alone: bool,
) -> Result<Looked, Trouble> {
    if !site.asks {
        // the compiler knows how it was made, not whether the body draws from it too
        let shared = iterable.cast::<PyIterator>().is_ok() && !alone;
        let repeats = !shared;
        return Ok(Looked {
            repeats,
            content: None,
        });
    }
    let (why, content): (Option<String>, Option<Bound<'_, PyAny>>) = {
        let _busy = Busy::new();
        py.import(intern!(py, "florc._iterables"))?
            .call_method1(intern!(py, "look"), (iterable, alone))?
            .extract()?
    };
    let content = content.map(|content| -> Result<_, Trouble> {
        let hash = port::fingerprint(py, CONTENT, &content)?;
        Ok(hash.map(|hash| (CONTENT.to_owned(), hash)))
    });
    if let Some(why) = why.as_ref().filter(|_| site.recreatable) {
        here(|session| {
            if let Engine::Record(recorder) = &mut session.engine
                && session.unrepeated.insert(site.id.clone())
            {
                let text = format!("a replay cannot start inside `{}`: {why}", site.label);
                recorder.note("main-loop-not-recreatable", &text);
            }
        })?;
    }
    Ok(Looked {
        repeats: why.is_none(),
        content: content.transpose()?.flatten(),
    })
}
