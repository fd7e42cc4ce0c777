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
use crate::hooks::frames::Scope;

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
    let known = py.import(intern!(py, "florc._iterables"))?;
    let depends: Option<String> = {
        let _busy = Busy::new();
        let given = (iterable, alone, kept(py, site)?);
        known
            .call_method1(intern!(py, "depends"), given)?
            .extract()?
    };
    if !site.asks {
        // the compiler knows how it was made, not whether the body draws from it too
        let shared = iterable.cast::<PyIterator>().is_ok() && !alone;
        tell(site, depends.as_deref())?;
        return Ok(Looked {
            repeats: !shared && depends.is_none(),
            content: None,
        });
    }
    let (why, content): (Option<String>, Option<Bound<'_, PyAny>>) = {
        let _busy = Busy::new();
        known
            .call_method1(intern!(py, "look"), (iterable, alone))?
            .extract()?
    };
    let why = why.or(depends);
    let content = content.map(|content| -> Result<_, Trouble> {
        let hash = port::fingerprint(py, CONTENT, &content)?;
        Ok(hash.map(|hash| (CONTENT.to_owned(), hash)))
    });
    tell(site, why.as_deref())?;
    Ok(Looked {
        repeats: why.is_none(),
        content: content.transpose()?.flatten(),
    })
}

/// Ids of objects that the loop reads and never changes.
fn kept(py: Python<'_>, site: &MainLoopSite) -> Result<Vec<usize>, Trouble> {
    let scope = Scope::of_caller(py)?;
    let mut ids = Vec::with_capacity(site.inputs.len());
    for root in &site.inputs {
        ids.extend(scope.root(root)?.map(|value| value.as_ptr() as usize));
    }
    Ok(ids)
}

/// A replay cannot start inside of the loop, and why.
fn tell(site: &MainLoopSite, why: Option<&str>) -> Result<(), Trouble> {
    let Some(why) = why.filter(|_| site.recreatable) else {
        return Ok(());
    };
    here(|session| {
        if let Engine::Record(recorder) = &mut session.engine
            && session.unrepeated.insert(site.id.clone())
        {
            let text = format!("a replay cannot start inside `{}`: {why}", site.label);
            recorder.note("main-loop-not-recreatable", &text);
        }
    })
}
