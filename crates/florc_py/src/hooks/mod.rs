//! What instrumented programs call.
//!
//! ```python
//! for epoch in florc.main_loop("train.py:epoch", range(3)):      # a native iterator
//!     best = florc.carry("train.py:epoch", best, model, gives=1)
//! ```
//!
//! Native, so that tracebacks hold the user's frames only. Without a session every hook passes its
//! arguments through. A hook decides nothing about runs: it asks the session.

mod blocks;
mod clock;
pub(crate) mod frames;
mod guards;
mod logs;
mod loops;
mod main_loop;
mod shown;
mod trackers;
mod tuples;
mod unbound;
pub(crate) mod values;

use pyo3::prelude::*;

pub(crate) use unbound::unbound;

/// Adds the hooks to the native module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_function(wrap_pyfunction!(main_loop::main_loop, module)?)?;
    module.add_function(wrap_pyfunction!(main_loop::enter, module)?)?;
    module.add_function(wrap_pyfunction!(main_loop::carry, module)?)?;
    module.add_function(wrap_pyfunction!(main_loop::leave, module)?)?;
    module.add_function(wrap_pyfunction!(blocks::step_into, module)?)?;
    module.add_function(wrap_pyfunction!(blocks::end, module)?)?;
    module.add_function(wrap_pyfunction!(blocks::restore, module)?)?;
    module.add_function(wrap_pyfunction!(loops::r#loop, module)?)?;
    module.add_function(wrap_pyfunction!(loops::tick, module)?)?;
    module.add_function(wrap_pyfunction!(loops::untick, module)?)?;
    module.add_function(wrap_pyfunction!(logs::v, module)?)?;
    module.add_function(wrap_pyfunction!(logs::print, module)?)?;
    module.add_function(wrap_pyfunction!(logs::call, module)?)?;
    module.add_function(wrap_pyfunction!(logs::log, module)?)?;
    module.add_function(wrap_pyfunction!(clock::clock, module)?)?;
    module.add_function(wrap_pyfunction!(guards::entered, module)?)?;
    module.add("LIBRARY_READS", florc_manifest::LIBRARY_READS)?;
    module.add("unbound", unbound(py)?)
}
