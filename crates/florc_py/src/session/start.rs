//! The beginning and the end of a session, as the runner drives them.
//!
//! ```python
//! # florc._runner:  run = _florc.start_record(settings, compiled);  …the script…;  _florc.finish(status)
//! ```
//!
//! Settings and environment are gathered by the runner, in Python. Does not run the script.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::Ordering;

use florc_manifest::{
    JournalRecord, KEPT_FILES, MUTED_LOGS, ModuleManifest, Ranks, ReplayPlan, RunManifest,
    RunStatus,
};
use florc_runtime::{Mode as Checkpoints, RecordConfig, Recorder, Replayer, Store};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Deserialize;

use super::port::Named;
use super::{
    Engine, MODE, Mode, RUNNING, SESSION, Session, Trouble, elsewhere, files, here, mains, verdict,
    with,
};
use crate::compile::Compiled;

/// Bytes of snapshots that may wait to be written, where nobody says.
const MEMORY_LIMIT: u64 = 4 << 30;

/// What `florc run` asked for.
#[derive(Deserialize)]
struct Settings {
    store: PathBuf,
    checkpoints: String,
    overhead: f64,
    max_storage: Option<u64>,
    memory: Option<u64>,
    manifest: RunManifest,
}

/// Adds the runner's functions to the native module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(start_record, module)?)?;
    module.add_function(wrap_pyfunction!(start_replay, module)?)?;
    module.add_function(wrap_pyfunction!(start_resume, module)?)?;
    module.add_function(wrap_pyfunction!(start_fork, module)?)?;
    module.add_function(wrap_pyfunction!(run_id, module)?)?;
    module.add_function(wrap_pyfunction!(add_source, module)?)?;
    module.add_function(wrap_pyfunction!(note, module)?)?;
    module.add_function(wrap_pyfunction!(keep_files, module)?)?;
    module.add_function(wrap_pyfunction!(files::file_moment, module)?)?;
    module.add_function(wrap_pyfunction!(files::file_skips, module)?)?;
    module.add_function(wrap_pyfunction!(files::hash_of_file, module)?)?;
    module.add_function(wrap_pyfunction!(files::hash_of, module)?)?;
    module.add_function(wrap_pyfunction!(manifest, module)?)?;
    module.add_function(wrap_pyfunction!(fail, module)?)?;
    module.add_function(wrap_pyfunction!(finish_record, module)?)?;
    module.add_function(wrap_pyfunction!(finish_replay, module)?)?;
    module.add_function(wrap_pyfunction!(recorded, module)?)?;
    module.add_function(wrap_pyfunction!(verdict::at_end, module)?)?;
    module.add_function(wrap_pyfunction!(forked, module)?)
}

fn begin(engine: Engine, manifest: ModuleManifest, project: String, resume: Option<RecordConfig>) {
    let logs = manifest.logs.iter().cloned().map(Rc::new).collect();
    let main_sites = manifest.main_loops.iter().cloned().map(Rc::new).collect();
    let mode = match engine {
        Engine::Record(_) => Mode::Record,
        Engine::Replay(_) if resume.is_some() => Mode::Resume,
        Engine::Replay(_) => Mode::Replay,
    };
    let session = Session {
        engine,
        manifest: Rc::new(manifest),
        main_sites,
        logs,
        project,
        mains: Vec::new(),
        counted: BTreeSet::new(),
        muted: resume.is_none().then(BTreeSet::new),
        next_token: 0,
        watched: None,
        values: Vec::new(),
        last_bytes: 0,
        unrepeated: BTreeSet::new(),
        stopped: None,
        resume,
    };
    SESSION.with(|cell| cell.replace(Some(std::mem::ManuallyDrop::new(session))));
    RUNNING.store(true, Ordering::Relaxed);
    MODE.set(mode);
    std::panic::set_hook(Box::new(|_| {}));
}

impl Settings {
    fn read(text: &str) -> PyResult<Self> {
        serde_json::from_str(text).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    fn checkpoints(&self) -> Option<Checkpoints> {
        Some(match self.checkpoints.as_str() {
            "adaptive" => Checkpoints::Adaptive {
                epsilon: self.overhead,
            },
            "all" => Checkpoints::All,
            "none" => Checkpoints::None,
            other => Checkpoints::Every(other.strip_prefix("every=")?.parse().ok()?),
        })
    }

    /// How to record.
    fn config(&self) -> PyResult<RecordConfig> {
        let unknown = || format!("unknown checkpoints: {}", self.checkpoints);
        Ok(RecordConfig {
            store: self.store.clone(),
            mode: self
                .checkpoints()
                .ok_or_else(|| PyValueError::new_err(unknown()))?,
            memory_limit: self.memory.unwrap_or(MEMORY_LIMIT),
            storage_limit: self.max_storage,
        })
    }
}

/// Begins to record; gives the run's id, empty when nothing can be recorded.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
fn start_record(
    py: Python<'_>,
    settings: &str,
    sources: Vec<(String, Vec<u8>)>,
    compiled: Option<&Bound<'_, Compiled>>,
) -> PyResult<String> {
    let mut settings = Settings::read(settings)?;
    let config = settings.config()?;
    let module = compiled
        .map(|it| it.get().manifest().clone())
        .unwrap_or_default();
    settings.manifest.modules = compiled.map(|_| module.clone()).into_iter().collect();
    let project = settings.manifest.project.clone();
    let recorder = Recorder::start(&config, settings.manifest, &sources);
    let run = recorder.run().to_owned();
    elsewhere::watch(py, None)?;
    begin(Engine::Record(Box::new(recorder)), module, project, None);
    Ok(run)
}

/// Begins to replay a segment, as one of the processes that do so; `False` when it was replayed before.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
fn start_replay(
    py: Python<'_>,
    plan: PathBuf,
    segment: u32,
    rank: u32,
    project: String,
    compiled: &Bound<'_, Compiled>,
) -> PyResult<bool> {
    let opened = Replayer::open(&plan, segment, rank);
    let Some(replayer) = opened.map_err(|error| PyRuntimeError::new_err(error.to_string()))? else {
        return Ok(false);
    };
    verdict::publish_beside(plan.parent().unwrap_or(Path::new(".")));
    elsewhere::watch(py, Some(probes(&plan)?))?;
    begin(
        Engine::Replay(Box::new(replayer)),
        compiled.get().manifest().clone(),
        project,
        None,
    );
    Ok(true)
}

/// Begins to go on with a run that was cut short. `libraries` are the files of libraries in the
/// program, by path: they must be those of the run. `launched`: as JSON, this process among those that go on
/// with it together.
#[pyfunction]
fn start_resume(
    py: Python<'_>,
    settings: &str,
    run: &str,
    libraries: Vec<(String, Vec<u8>)>,
    launched: &str,
    compiled: &Bound<'_, Compiled>,
) -> PyResult<()> {
    let wrong = |text: String| PyRuntimeError::new_err(text);
    let ranks: Option<Ranks> =
        serde_json::from_str(launched).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let settings = Settings::read(settings)?;
    let config = settings.config()?;
    let module = compiled.get().manifest();
    if settings.manifest.modules.first() != Some(module) {
        let text = "another florc recorded the run: it sees other loops in the script";
        return Err(wrong(text.to_owned()));
    }
    let run = Store::open(&settings.store)
        .and_then(|store| store.run(run))
        .map_err(|error| wrong(error.to_string()))?;
    for (path, bytes) in libraries {
        let mut sources = settings.manifest.sources.iter();
        let recorded = sources.find(|source| source.path == path);
        if recorded.and_then(|source| run.source_bytes(source).ok()) != Some(bytes) {
            return Err(wrong(format!("`{path}` is not as it was when it began")));
        }
    }
    let replayer =
        Replayer::resuming(&run, ranks.as_ref()).map_err(|error| wrong(error.to_string()))?;
    elsewhere::watch(py, None)?;
    let project = settings.manifest.project.clone();
    let engine = Engine::Replay(Box::new(replayer));
    begin(engine, module.clone(), project, Some(config));
    Ok(())
}

/// Begins on the way to a head of another run, with whose state a new run begins.
#[pyfunction]
fn start_fork(
    py: Python<'_>,
    settings: &str,
    sources: Vec<(String, Vec<u8>)>,
    compiled: &Bound<'_, Compiled>,
) -> PyResult<()> {
    let wrong = |text: String| PyRuntimeError::new_err(text);
    let mut settings = Settings::read(settings)?;
    let config = settings.config()?;
    let module = compiled.get().manifest();
    settings.manifest.modules = vec![module.clone()];
    let Some(parent) = settings.manifest.parent.clone() else {
        return Err(wrong("it has no parent".to_owned()));
    };
    let run = Store::open(&settings.store)
        .and_then(|store| store.run(&parent.run))
        .map_err(|error| wrong(error.to_string()))?;
    let project = settings.manifest.project.clone();
    let replayer = Replayer::forking(&run, parent.head, settings.manifest, sources)
        .map_err(|error| wrong(error.to_string()))?;
    elsewhere::watch(py, None)?;
    let engine = Engine::Replay(Box::new(replayer));
    begin(engine, module.clone(), project, Some(config));
    Ok(())
}

/// Id of the run that is recorded; empty where none is.
#[pyfunction]
fn run_id() -> String {
    let run = with(|session| match &session.engine {
        Engine::Record(recorder) => recorder.run().to_owned(),
        Engine::Replay(_) => String::new(),
    });
    run.unwrap_or_default()
}

/// Which log statements of the probed module are probes.
fn probes(plan: &Path) -> PyResult<Vec<bool>> {
    let plan: ReplayPlan = serde_json::from_slice(&std::fs::read(plan)?)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(plan.forward_sites.iter().map(Option::is_none).collect())
}

/// Keeps the source of a module of the project.
#[pyfunction]
fn add_source(path: &str, bytes: &[u8]) {
    with(|session| {
        if let Engine::Record(recorder) = &mut session.engine {
            recorder.source(path, bytes);
        }
    });
}

/// Adds a note.
#[pyfunction]
pub(super) fn note(code: &str, text: &str) {
    let noted = with(|session| match &mut session.engine {
        Engine::Record(recorder) => recorder.note(code, text),
        Engine::Replay(replayer) if code == "file-changed" => replayer.file_changed(text),
        Engine::Replay(replayer) if code == "doubt" => replayer.doubt(),
        Engine::Replay(replayer) if code == "elsewhere" => replayer.elsewhere(text),
        Engine::Replay(replayer) if code == "impure" => replayer.impure(),
        Engine::Replay(replayer) => replayer.approximate(text),
    });
    if noted.is_none() && code == "file-changed" {
        files::leave_note(code, text);
    }
}

/// What files of the project held during the run, as JSON.
#[pyfunction]
fn keep_files(text: &str) {
    with(|session| {
        if let Engine::Record(recorder) = &mut session.engine {
            recorder.keep(KEPT_FILES, text);
        }
    });
}

/// The segment cannot be replayed.
#[pyfunction]
fn fail(text: &str) {
    with(|session| match &mut session.engine {
        Engine::Record(recorder) => recorder.note("recording-stopped", text),
        Engine::Replay(replayer) => replayer.fail(text),
    });
}

/// The script ended: closes the run. Gives notes (code, text) for stderr.
#[pyfunction]
fn finish_record(py: Python<'_>, status: &str) -> PyResult<Vec<(String, String)>> {
    let status: RunStatus =
        serde_json::from_str(status).map_err(|error| PyValueError::new_err(error.to_string()))?;
    MODE.set(Mode::Idle);
    mains::abandon_all();
    for place in elsewhere::seen(py) {
        let text = format!("log statements that ran {place} were not recorded");
        note("log-elsewhere", &text);
    }
    let notes = with(|session| {
        let Engine::Record(recorder) = &mut session.engine else {
            let text = "the run was not gone on with: the script did not come to its checkpoint";
            return vec![("not-resumed".to_owned(), text.to_owned())];
        };
        if let Some(muted) = &session.muted
            && let Ok(text) = serde_json::to_string(muted)
        {
            recorder.keep(MUTED_LOGS, &text);
        }
        py.detach(|| recorder.finish(status));
        recorder.take_notes()
    });
    RUNNING.store(false, Ordering::Relaxed);
    Ok(notes.unwrap_or_default())
}

/// The replayed script ended by itself: publishes the verdict and ends the process.
#[pyfunction]
fn finish_replay(py: Python<'_>) {
    MODE.set(Mode::Idle);
    mains::abandon_all();
    verdict::end_process(py);
}

/// The manifest of a process of a run, as text.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
fn manifest(store: PathBuf, run: &str, rank: u32) -> PyResult<String> {
    let run = Store::open(&store).and_then(|store| store.run(run));
    let read = run.and_then(|run| run.of_rank(rank).manifest());
    let wrong = |text: String| PyRuntimeError::new_err(text);
    let manifest = read.map_err(|error| wrong(error.to_string()))?;
    serde_json::to_string(&manifest).map_err(|error| wrong(error.to_string()))
}

/// How the recorded run ended, as JSON (`null`: it was killed), the modules of the project
/// whose source is not the recorded one any more, and what [`keep_files`] kept.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
fn recorded(
    store: PathBuf,
    run: &str,
    rank: u32,
    project: PathBuf,
) -> PyResult<(String, Vec<String>, String)> {
    let wrong = |text: String| PyRuntimeError::new_err(text);
    let run = Store::open(&store)
        .and_then(|store| store.run(run))
        .map_err(|e| wrong(e.to_string()))?
        .of_rank(rank);
    let journal = run.journal().map_err(|error| wrong(error.to_string()))?;
    let mut ended = None;
    let mut changed = Vec::new();
    let mut kept = "{}".to_owned();
    for record in &journal.records {
        match record {
            JournalRecord::Ended { status, .. } => ended = Some(status.clone()),
            JournalRecord::Note { code, text } if code == KEPT_FILES => kept.clone_from(text),
            JournalRecord::Source(source) => {
                let then = run
                    .source_bytes(source)
                    .map_err(|error| wrong(error.to_string()))?;
                if std::fs::read(project.join(&source.path)).ok() != Some(then) {
                    changed.push(source.path.clone());
                }
            }
            _ => {}
        }
    }
    Ok((
        serde_json::to_string(&ended).map_err(|error| wrong(error.to_string()))?,
        changed,
        kept,
    ))
}

/// Called in a forked child.
#[pyfunction]
fn forked() {
    super::forget();
}

/// A main loop begins: modules of the project and versions of packages are known now.
pub(super) fn first_loop(py: Python<'_>) -> Result<(), Trouble> {
    let _busy = super::Busy::new();
    py.import(intern!(py, "florc._linked"))?
        .call_method0(intern!(py, "check"))?;
    crate::types::adapters(py)?.call_method0(intern!(py, "first_look"))?;
    let records = here(|session| match session.engine {
        Engine::Record(_) => Some(session.project.clone()),
        Engine::Replay(_) => None,
    })?;
    if let Some(project) = records {
        py.import(intern!(py, "florc._modules"))?
            .call_method1(intern!(py, "began"), (project,))?;
    }
    Ok(())
}

/// Modules of the project besides the script: their globals are state too.
pub(super) fn project_modules(py: Python<'_>) -> Result<Named<'_>, Trouble> {
    let project = here(|session| session.project.clone())?;
    let modules = py
        .import(intern!(py, "florc._modules"))?
        .call_method1(intern!(py, "loaded"), (project,))?
        .cast_into::<PyDict>()
        .map_err(PyErr::from)?;
    let named = modules
        .iter()
        .map(|(name, module)| Ok((format!("module {name}"), Some(module))));
    Ok(named.collect::<PyResult<_>>()?)
}
