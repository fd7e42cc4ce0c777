//! Calls of guarded functions where none was expected.
//!
//! ```python
//! florc.entered(0)      # inside of a SkipBlock whose calls are understood, and none is this one
//! ```
//!
//! A replay asks nothing: it runs what the recorded run says must be run. What runs on other threads is not seen.

use pyo3::prelude::*;

use super::{Engine, MODE, Mode, Trouble, here, mains, with};

/// Whether a guarded function is called where it was not expected, and this was not said before.
pub(crate) fn is_unexpected(site: u32) -> bool {
    MODE.get() == Mode::Record
        && with(|session| unexpected(session, site).is_some()).unwrap_or(false)
}

fn unexpected(session: &super::Session, site: u32) -> Option<String> {
    let Engine::Record(recorder) = &session.engine else {
        return None;
    };
    let guard = session.manifest.guards.get(site as usize)?;
    recorder.unexpected(site, guard).map(str::to_owned)
}

/// Such a call, once for each region that runs.
pub(crate) fn entered(py: Python<'_>, site: u32) -> Result<(), Trouble> {
    mains::settle(py)?;
    here(|session| {
        // a main loop and a block of it at most
        for _ in 0..2 {
            let Some(region) = unexpected(session, site) else {
                return;
            };
            if let Engine::Record(recorder) = &mut session.engine
                && let Some(guard) = session.manifest.guards.get(site as usize)
            {
                recorder.entered(site, guard, &region);
            }
        }
    })
}
