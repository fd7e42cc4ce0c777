//! Uncaught exceptions, shown as a plain run shows them.
//!
//! ```python
//! Traceback (most recent call last):
//!   File "train.py", line 3, in <module>      # and no frame of florc above
//! ```
//!
//! Python itself shows the exception and chooses the exit code; only the frames between the
//! interpreter's start and the script are cut out.

use pyo3::intern;
use pyo3::prelude::*;

/// Stands in for `sys.excepthook` for one exception.
#[pyclass(frozen, module = "florc")]
struct Shower {
    hook: Py<PyAny>,
    code: Py<PyAny>,
    keep_runpy: bool,
}

#[pymethods]
impl Shower {
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        class: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        traceback: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let sys = py.import(intern!(py, "sys"))?;
        sys.setattr(intern!(py, "excepthook"), &self.hook)?;
        let shown = self.shortened(py, traceback)?;
        value.setattr(intern!(py, "__traceback__"), &shown)?;
        sys.setattr(intern!(py, "last_traceback"), &shown)?;
        self.hook.bind(py).call1((class, value, shown))
    }
}

impl Shower {
    /// The traceback from the script's first frame on; below the frames of `runpy` for `-m`.
    fn shortened<'py>(
        &self,
        py: Python<'py>,
        traceback: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let next = intern!(py, "tb_next");
        let mut own = traceback.clone();
        while !own.is_none() && !code_of(&own)?.is(&self.code) {
            own = own.getattr(next)?;
        }
        if !self.keep_runpy {
            return Ok(own);
        }
        let mut last = None;
        let mut frame = traceback.clone();
        while !frame.is_none() && is_runpy(&frame)? {
            let following = frame.getattr(next)?;
            last = Some(frame);
            frame = following;
        }
        match last {
            Some(last) => {
                last.setattr(next, own)?;
                Ok(traceback.clone())
            }
            None => Ok(own),
        }
    }
}

fn code_of<'py>(traceback: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = traceback.py();
    traceback
        .getattr(intern!(py, "tb_frame"))?
        .getattr(intern!(py, "f_code"))
}

fn is_runpy(traceback: &Bound<'_, PyAny>) -> PyResult<bool> {
    let code = code_of(traceback)?;
    let file: String = code.getattr(intern!(code.py(), "co_filename"))?.extract()?;
    let name: String = code.getattr(intern!(code.py(), "co_name"))?.extract()?;
    Ok(file.contains("runpy") && matches!(name.as_str(), "_run_module_as_main" | "_run_code"))
}

/// The exception that is leaving now is to be shown from `code` on.
#[pyfunction]
fn show_from(py: Python<'_>, code: Py<PyAny>, keep_runpy: bool) -> PyResult<()> {
    let sys = py.import(intern!(py, "sys"))?;
    let hook = sys.getattr(intern!(py, "excepthook"))?.unbind();
    let shower = Bound::new(
        py,
        Shower {
            hook,
            code,
            keep_runpy,
        },
    )?;
    // The interpreter only borrows the hook it calls, and the hook takes itself out of `sys`.
    std::mem::forget(shower.clone());
    sys.setattr(intern!(py, "excepthook"), shower)
}

/// Adds [`show_from`].
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(show_from, module)?)
}
