//! From passing what was recorded to recording on.
//!
//! ```python
//! best = florc.carry(ID, best, model)   # the state is put back, compared, and the run goes on
//! ```
//!
//! What fails here ends the process: a training that goes on from another state is worth nothing.

use florc_manifest::HeadKey;
use pyo3::prelude::*;

use super::{Engine, MODE, Mode, Session, Trouble, here};

/// Whether a run is to be gone on with, and has not been yet.
pub(super) fn is_waiting() -> bool {
    super::with(|session| session.resume.is_some()) == Some(true)
}

/// The state at `head` came out as recorded: from here on the run is recorded.
pub(super) fn go_on(head: HeadKey) -> Result<(), Trouble> {
    here(|session| -> Result<(), Trouble> {
        let Session { engine, resume, .. } = session;
        let (Engine::Replay(replayer), Some(config)) = (&mut *engine, &*resume) else {
            return Err("there is no run to go on with".into());
        };
        let recorder = replayer
            .go_on(head, config)
            .map_err(|error| error.to_string())?;
        *engine = Engine::Record(Box::new(recorder));
        *resume = None;
        Ok(())
    })??;
    MODE.set(Mode::Record);
    Ok(())
}

/// Whether a new run begins where a state is put back.
pub(super) fn forks() -> bool {
    let forks = super::with(|session| match &session.engine {
        Engine::Replay(replayer) => replayer.is_forking(),
        Engine::Record(_) => false,
    });
    forks == Some(true)
}

/// The state at `head` of another run was put back: a new run is recorded from here on.
pub(super) fn fork(py: Python<'_>, head: HeadKey) -> Result<(), Trouble> {
    here(|session| -> Result<(), Trouble> {
        let Session { engine, resume, .. } = session;
        let (Engine::Replay(replayer), Some(config)) = (&mut *engine, &*resume) else {
            return Err("there is no run to begin".into());
        };
        let recorder = replayer
            .fork(head, config)
            .map_err(|error| error.to_string())?;
        *engine = Engine::Record(Box::new(recorder));
        *resume = None;
        Ok(())
    })??;
    MODE.set(Mode::Record);
    super::start::first_loop(py)
}

/// Ends the process where the run cannot be gone on with any more.
pub(super) fn check(py: Python<'_>) {
    let failure = super::with(|session| match (&session.engine, &session.resume) {
        (Engine::Replay(replayer), Some(_)) => replayer.failure().map(ToOwned::to_owned),
        _ => None,
    });
    if let Some(why) = failure.flatten() {
        refuse(py, &why);
    }
}

/// Ends the process without the rest of the script.
pub(super) fn refuse(py: Python<'_>, why: &str) -> ! {
    MODE.set(Mode::Idle);
    let line = format!("florc: error: the run is not gone on with: {why}\n");
    let write = || -> PyResult<()> {
        let sys = py.import("sys")?;
        for name in ["stdout", "stderr"] {
            sys.getattr(name)?.call_method0("flush")?;
        }
        py.import("os")?
            .call_method1("write", (2, line.as_bytes()))?;
        Ok(())
    };
    // where nobody can be told, the exit code tells
    let _ = write();
    std::process::exit(2)
}
