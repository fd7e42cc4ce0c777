//! The compiler, for the runner.
//!
//! ```python
//! compiled = _florc.compile_module("train.py", source, None)
//! tree = ast.parse(compiled.text); compiled.place(tree); compile(tree, "/project/train.py", "exec")
//! ```
//!
//! Gives the instrumented text, and moves the positions of its syntax tree back to where the
//! user's text has them. Python itself compiles.

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use florc_instrument::{Instrumented, Options, Reuse};
use florc_manifest::{ModuleManifest, ReplayPlan};
use florc_syntax::SourceText;
use pyo3::exceptions::PySyntaxError;
use pyo3::intern;
use pyo3::prelude::*;

/// The byte order mark.
const MARK: char = '\u{feff}';

/// A script starts without instrumentation rather than late.
const PATIENCE: Duration = Duration::from_secs(60);

/// Memory that is only reserved.
const STACK_BYTES: usize = 512 << 20;

/// An instrumented module.
#[pyclass(frozen, module = "florc")]
pub(crate) struct Compiled {
    instrumented: Instrumented,
    /// Offset of each line of the rewritten source.
    lines: Vec<u32>,
    /// Bytes of the mark before the first line, which Python does not count.
    mark: u32,
}

impl Compiled {
    /// What the runtime must know.
    pub(crate) fn manifest(&self) -> &ModuleManifest {
        &self.instrumented.manifest
    }

    /// The original position of an edited one.
    fn original(&self, line: u32, column: u32) -> (u32, u32) {
        let mark = |line: u32| if line == 1 { self.mark } else { 0 };
        let index = (line as usize).saturating_sub(1);
        let start = self.lines.get(index).copied().unwrap_or_default();
        let entry = &self.instrumented.files[0];
        let place = entry.map.to_original(start + column + mark(line));
        let found = entry.source.line_column(place);
        (found.line, found.column.saturating_sub(mark(found.line)))
    }
}

/// Where the lines of a text begin.
fn line_starts(text: &str) -> Vec<u32> {
    let bytes = text.as_bytes();
    let ends = (0..bytes.len()).filter(|&at| {
        bytes[at] == b'\n' || bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n')
    });
    std::iter::once(0)
        .chain(ends.map(|at| at as u32 + 1))
        .collect()
}

#[pymethods]
impl Compiled {
    /// The rewritten source.
    #[getter]
    fn text(&self) -> &str {
        let text = self.instrumented.text();
        text.strip_prefix(MARK).unwrap_or(text)
    }

    /// The manifest as JSON.
    #[getter]
    fn manifest_json(&self) -> String {
        serde_json::to_string(&self.instrumented.manifest).unwrap_or_default()
    }

    /// Findings: (code, line, title).
    #[getter]
    fn diagnostics(&self) -> Vec<(String, u32, String)> {
        let source = &self.instrumented.module.source;
        let found = self.instrumented.diagnostics.iter();
        found
            .map(|it| {
                (
                    it.code.to_owned(),
                    source.line_column(it.span.start).line,
                    it.title.clone(),
                )
            })
            .collect()
    }

    /// Moves the positions of one node of the syntax tree.
    fn place(&self, node: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = node.py();
        let names = [
            (intern!(py, "lineno"), intern!(py, "col_offset")),
            (intern!(py, "end_lineno"), intern!(py, "end_col_offset")),
        ];
        let mut last = (0, 0);
        for (line_name, column_name) in names {
            let Ok(line) = node.getattr(line_name)?.extract::<u32>() else {
                return Ok(());
            };
            let column = node.getattr(column_name)?.extract::<u32>()?;
            last = self.original(line, column).max(last);
            node.setattr(line_name, last.0)?;
            node.setattr(column_name, last.1)?;
        }
        Ok(())
    }
}

/// Instruments a module; `path` is its name in the manifest. A replay plan, as JSON, says which
/// cut points it has; settings, as JSON, are those of the project.
#[pyfunction]
#[pyo3(signature = (path, source, plan = None, settings = None))]
fn compile_module(
    path: String,
    source: Vec<u8>,
    plan: Option<&str>,
    settings: Option<&str>,
) -> PyResult<Compiled> {
    let wrong = |text: String| PySyntaxError::new_err(text);
    let text = SourceText::from_bytes(path, source).map_err(|found| wrong(found.title))?;
    let options = options(plan, settings).map_err(wrong)?;
    let instrumented = on_big_stack(text, options).map_err(wrong)?;
    let lines = line_starts(instrumented.text());
    let mark = if instrumented.text().starts_with(MARK) {
        MARK.len_utf8() as u32
    } else {
        0
    };
    Ok(Compiled {
        instrumented,
        lines,
        mark,
    })
}

/// Deeply nested programs are walked recursively. A panic is an error like any other here.
fn on_big_stack(text: SourceText, options: Options) -> Result<Instrumented, String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let (done, wait) = std::sync::mpsc::sync_channel(1);
    let work = move || {
        let result = florc_instrument::instrument(text, &options).map_err(|found| found.title);
        let _ = done.send(result);
    };
    let thread = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(work);
    let result = thread.map(|_| wait.recv_timeout(PATIENCE));
    std::panic::set_hook(hook);
    match result {
        Ok(Ok(done)) => done,
        Ok(Err(RecvTimeoutError::Disconnected)) => Err("a bug in florc's compiler".to_owned()),
        Ok(Err(RecvTimeoutError::Timeout)) => Err("the compiler took too long".to_owned()),
        Err(error) => Err(format!("no thread could be started: {error}")),
    }
}

/// The settings, and the recorded cut points of a replay plan.
fn options(plan: Option<&str>, settings: Option<&str>) -> Result<Options, String> {
    let settings = settings.map(serde_json::from_str).transpose();
    let settings = settings
        .map_err(|error| error.to_string())?
        .unwrap_or_default();
    let Some(plan) = plan else {
        return Ok(Options {
            settings,
            reuse: None,
        });
    };
    let plan: ReplayPlan = serde_json::from_str(plan).map_err(|error| error.to_string())?;
    let reuse = Reuse {
        main_loop: plan.main_loop,
        skip_blocks: plan.skip_blocks,
    };
    Ok(Options {
        reuse: Some(reuse),
        settings,
    })
}

/// Adds the compiler to the native module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Compiled>()?;
    module.add_function(wrap_pyfunction!(compile_module, module)?)
}
