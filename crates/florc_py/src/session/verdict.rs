//! The end of a replayed segment.
//!
//! ```python
//! best = florc.carry(ID, best, model)   # the segment's last head: the process ends here
//! ```
//!
//! Publishes the shard and leaves without running the rest of the program: no `finally`, no
//! `atexit`. Does not decide the verdict.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use florc_runtime::Replayer;
use pyo3::prelude::*;

use super::{Engine, MODE, Mode, elsewhere, files, resume, with};

/// The shard could not be published.
const NO_VERDICT: i32 = 70;

/// The folder of the replay.
static REPLAY: Mutex<Option<PathBuf>> = Mutex::new(None);
/// What to call before the process ends.
static AT_END: Mutex<Vec<Py<PyAny>>> = Mutex::new(Vec::new());

/// `function` is called when the segment has ended.
#[pyfunction]
pub(super) fn at_end(function: Py<PyAny>) {
    if let Ok(mut functions) = AT_END.lock() {
        functions.push(function);
    }
}

/// Shards of other processes of the segment appear in that folder.
pub(super) fn publish_beside(replay: &Path) {
    if let Ok(mut place) = REPLAY.lock() {
        *place = Some(replay.to_owned());
    }
}

/// Publishes the verdict and ends the process.
pub(super) fn end_process(py: Python<'_>) -> ! {
    MODE.set(Mode::Idle);
    if resume::is_waiting() {
        let why = with(|session| match &session.engine {
            Engine::Replay(replayer) => replayer.failure().map(ToOwned::to_owned),
            Engine::Record(_) => None,
        });
        resume::refuse(py, &why.flatten().unwrap_or_default());
    }
    files::take_notes();
    let elsewhere = elsewhere::seen(py);
    let segment = with(|session| match &session.engine {
        // who failed holds up nobody
        Engine::Replay(replayer) if replayer.failure().is_none() => {
            Some((replayer.plan().world_size, replayer.segment()))
        }
        Engine::Replay(_) | Engine::Record(_) => None,
    });
    let finished = with(|session| match &mut session.engine {
        Engine::Replay(replayer) => {
            for place in &elsewhere {
                replayer.approximate(&format!("added log statements also ran {place}: not shown"));
            }
            let published = replayer.finish();
            published.map(drop).map_err(|error| error.to_string())
        }
        Engine::Record(_) => Err("not a replay".to_owned()),
    });
    let code = match finished {
        Some(Ok(())) => {
            wait_for_others(py, segment.flatten());
            0
        }
        Some(Err(text)) => complain(py, &text),
        None => complain(py, "the session is in use"),
    };
    let _ = flush(py);
    let functions = AT_END
        .lock()
        .map(|mut it| std::mem::take(&mut *it))
        .unwrap_or_default();
    for function in functions {
        let _ = function.call0(py);
    }
    let left = py
        .import("os")
        .and_then(|os| os.call_method1("_exit", (code,)));
    drop(left);
    std::process::exit(code)
}

/// The other processes of the segment may still need this one.
fn wait_for_others(py: Python<'_>, segment: Option<(u32, u32)>) {
    let replay = REPLAY.lock().ok().and_then(|mut place| place.take());
    if let (Some((world_size, segment)), Some(replay)) = (segment, replay) {
        py.detach(|| Replayer::wait_for_others(&replay, world_size, segment));
    }
}

fn flush(py: Python<'_>) -> PyResult<()> {
    let sys = py.import("sys")?;
    for name in ["stdout", "stderr"] {
        let _ = sys.getattr(name)?.call_method0("flush");
    }
    Ok(())
}

fn complain(py: Python<'_>, text: &str) -> i32 {
    let line = format!("florc: {text}\n");
    let written = py
        .import("sys")
        .and_then(|sys| sys.getattr("stderr")?.call_method1("write", (line,)));
    drop(written);
    NO_VERDICT
}
