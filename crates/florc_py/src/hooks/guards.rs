//! Functions that announce themselves.
//!
//! ```python
//! def set_epoch(self, epoch):
//!     florc.entered(0)
//! ```
//!
//! Says nothing of calls: whether one was expected where the program is, the session knows.

use pyo3::prelude::*;

use crate::session;

/// `florc.entered(site)`: a guarded function was called.
#[pyfunction]
pub(super) fn entered(py: Python<'_>, site: u32) -> PyResult<()> {
    if session::is_unexpected(site) {
        session::guarded(py, |py| session::entered(py, site))?;
    }
    Ok(())
}
