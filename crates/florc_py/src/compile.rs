//! The compiler, for the runner.
//!
//! ```python
//! compiled = _florc.compile_program([("train.py", "__main__", "", source)], None)
//! tree = ast.parse(compiled.text(0)); compiled.place(0, tree); compile(tree, "/project/train.py", "exec")
//! ```
//!
//! Gives the instrumented texts, and moves the positions of their syntax trees back to where the
//! user's text has them. Python itself compiles.

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use florc::program;
use florc_instrument::{Instrumented, InstrumentedFile, Options, Reuse};
use florc_manifest::{ModuleManifest, ProgramModule, ReplayPlan};
use florc_syntax::ProgramFile;
use pyo3::exceptions::{PyIndexError, PySyntaxError};
use pyo3::intern;
use pyo3::prelude::*;

/// The byte order mark.
const MARK: char = '\u{feff}';

/// A script starts without instrumentation rather than late.
const PATIENCE: Duration = Duration::from_secs(60);

/// Memory that is only reserved.
const STACK_BYTES: usize = 512 << 20;

/// An instrumented program.
#[pyclass(frozen, module = "florc")]
pub(crate) struct Compiled {
    instrumented: Instrumented,
    /// For each file, what its positions need.
    places: Vec<Places>,
}

/// Positions of one rewritten file.
struct Places {
    /// Offset of each line.
    lines: Vec<u32>,
    /// Bytes of the mark before the first line, which Python does not count.
    mark: u32,
}

impl Places {
    fn of(text: &str) -> Self {
        let marked = text.starts_with(MARK);
        Self {
            lines: line_starts(text),
            mark: if marked { MARK.len_utf8() as u32 } else { 0 },
        }
    }
}

impl Compiled {
    fn new(instrumented: Instrumented) -> Self {
        let files = instrumented.files.iter();
        let places = files.map(|file| Places::of(&file.text)).collect();
        Self {
            instrumented,
            places,
        }
    }

    /// What the runtime must know.
    pub(crate) fn manifest(&self) -> &ModuleManifest {
        &self.instrumented.manifest
    }

    fn file(&self, index: usize) -> PyResult<(&InstrumentedFile, &Places)> {
        let pair = (self.instrumented.files.get(index)).zip(self.places.get(index));
        pair.ok_or_else(|| PyIndexError::new_err("no such file"))
    }

    /// The original position of an edited one.
    fn original(
        (file, places): (&InstrumentedFile, &Places),
        line: u32,
        column: u32,
    ) -> (u32, u32) {
        let mark = |line: u32| if line == 1 { places.mark } else { 0 };
        let index = (line as usize).saturating_sub(1);
        let start = places.lines.get(index).copied().unwrap_or_default();
        let place = file.map.to_original(start + column + mark(line));
        let found = file.source.line_column(place);
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
    /// The rewritten source of a file.
    #[pyo3(signature = (index = 0))]
    fn text(&self, index: usize) -> PyResult<&str> {
        let text = self.file(index)?.0.text.as_str();
        Ok(text.strip_prefix(MARK).unwrap_or(text))
    }

    /// Whether there is anything of florc in a file.
    fn changed(&self, index: usize) -> PyResult<bool> {
        Ok(self.file(index)?.0.changed)
    }

    /// The manifest as JSON.
    #[getter]
    fn manifest_json(&self) -> String {
        serde_json::to_string(&self.instrumented.manifest).unwrap_or_default()
    }

    /// Moves the positions of one node of a file's syntax tree.
    fn place(&self, index: usize, node: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = node.py();
        let file = self.file(index)?;
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
            last = Self::original(file, line, column).max(last);
            node.setattr(line_name, last.0)?;
            node.setattr(column_name, last.1)?;
        }
        Ok(())
    }
}

/// A file as the runner has it: path in the project, dotted name, package of relative imports, its
/// bytes, and of a library's file the functions that count.
type RawFile = (String, String, String, Vec<u8>, Vec<String>);

/// Instruments a program, the script first. A replay plan, as JSON, says which cut points it has;
/// settings, as JSON, are those of the project.
#[pyfunction]
#[pyo3(signature = (files, plan = None, settings = None))]
fn compile_program(
    files: Vec<RawFile>,
    plan: Option<&str>,
    settings: Option<&str>,
) -> PyResult<Compiled> {
    let wrong = |text: String| PySyntaxError::new_err(text);
    let mut decoded = Vec::with_capacity(files.len());
    for (path, name, package, bytes, excerpt) in files {
        let module = ProgramModule {
            path,
            name,
            package,
            excerpt,
        };
        match program::decoded(&module, bytes) {
            Ok(file) => decoded.push(file),
            Err(found) => return Err(wrong(found.title)),
        }
    }
    let options = options(plan, settings).map_err(wrong)?;
    let instrumented = on_big_stack(decoded, options).map_err(wrong)?;
    Ok(Compiled::new(instrumented))
}

/// Packages whose modules have no state of the program in them.
#[pyfunction]
fn known_packages(settings: &str) -> PyResult<Vec<String>> {
    let settings = serde_json::from_str(settings);
    let settings = settings.map_err(|error| PySyntaxError::new_err(error.to_string()))?;
    let knowledge = florc_instrument::knowledge(&settings);
    Ok(knowledge.packages().map(str::to_owned).collect())
}

/// Deeply nested programs are walked recursively. A panic is an error like any other here.
fn on_big_stack(files: Vec<ProgramFile>, options: Options) -> Result<Instrumented, String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let (done, wait) = std::sync::mpsc::sync_channel(1);
    let work = move || {
        let result = florc_instrument::instrument_program(files, &options);
        let _ = done.send(result.map_err(|found| found.title));
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
            ..Options::default()
        });
    };
    let plan: ReplayPlan = serde_json::from_str(plan).map_err(|error| error.to_string())?;
    let reuse = Reuse {
        main_loops: plan.main_loops,
        skip_blocks: plan.skip_blocks,
    };
    Ok(Options {
        reuse: Some(reuse),
        isolated: plan.isolated,
        doubtful: plan.doubtful,
        impure: plan.impure,
        settings,
    })
}

/// Adds the compiler to the native module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Compiled>()?;
    module.add_function(wrap_pyfunction!(known_packages, module)?)?;
    module.add_function(wrap_pyfunction!(compile_program, module)?)
}
