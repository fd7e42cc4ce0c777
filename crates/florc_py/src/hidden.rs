//! State that no variable names: random generators and global switches of loaded frameworks.
//!
//! ```python
//! random.seed(1); torch.manual_seed(1); torch.set_grad_enabled(False)   # hidden entries
//! ```
//!
//! The frameworks' adapters read and write it; a framework that is not loaded has none.

use std::collections::BTreeMap;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::types::adapters;

/// Hidden state by name.
pub(crate) fn read(py: Python<'_>) -> PyResult<Vec<(String, Bound<'_, PyAny>)>> {
    let state = adapters(py)?.call_method0(intern!(py, "read_hidden"))?;
    let mut entries = BTreeMap::new();
    for (name, value) in state.cast_into::<PyDict>()?.iter() {
        entries.insert(name.extract::<String>()?, value);
    }
    Ok(entries.into_iter().collect())
}

/// Puts one entry of [`read`] back.
pub(crate) fn write(name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = value.py();
    adapters(py)?.call_method1(intern!(py, "write_hidden"), (name, value))?;
    Ok(())
}
