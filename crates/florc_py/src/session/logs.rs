//! Log rows and memoized reads on their way to `florc_runtime`.
//!
//! ```python
//! florc.print(3, f"{florc.v(3, loss)}")     # push_value, take_values, log
//! ```
//!
//! Values of a statement are a stack: statements inside its arguments take their own first.

use std::rc::Rc;

use florc_manifest::{LogSite, Value};
use florc_runtime::{LogEvent, PendingRead};
use pyo3::prelude::*;

use super::{Engine, Trouble, elsewhere, here, is_active, mains, with};

/// The log statement `site`, if this thread has a session.
pub(crate) fn log_site(py: Python<'_>, site: u32) -> Option<Rc<LogSite>> {
    if !is_active() {
        elsewhere::logged(py, site);
        return None;
    }
    with(|session| session.logs.get(site as usize).cloned()).flatten()
}

/// `florc.v` announced a value.
pub(crate) fn push_value(site: u32, value: Value) {
    with(|session| session.values.push((site, value)));
}

/// The last `count` values, if they are those of `site`.
pub(crate) fn take_values(site: u32, count: usize) -> Vec<Value> {
    let taken = with(|session| {
        let start = session.values.len().saturating_sub(count);
        let own = session.values[start..].iter().all(|(of, _)| *of == site);
        let values = if own {
            session.values.split_off(start)
        } else {
            Vec::new()
        };
        values.into_iter().map(|(_, value)| value).collect()
    });
    taken.unwrap_or_default()
}

/// A log statement was executed.
pub(crate) fn log(
    py: Python<'_>,
    site: u32,
    log: &LogSite,
    text: String,
    values: Vec<(String, Value)>,
) -> Result<(), Trouble> {
    mains::settle(py)?;
    let event = LogEvent {
        site,
        line: log.span.line,
        text,
        values,
    };
    here(|session| match &mut session.engine {
        Engine::Record(recorder) => recorder.log(event),
        Engine::Replay(replayer) => replayer.log(event),
    })
}

/// A level keeps a log statement from being shown.
pub(crate) fn muted(site: u32) {
    with(|session| session.muted.as_mut().map(|muted| muted.insert(site)));
}

/// The recorded result of a memoized read.
pub(crate) fn recall(py: Python<'_>, site: u32, most: u64) -> Result<Option<Value>, Trouble> {
    mains::settle(py)?;
    here(|session| match &mut session.engine {
        Engine::Record(_) => None,
        Engine::Replay(replayer) => replayer.clock(site, most),
    })
}

/// A memoized read was made, one of `most` that are kept of a statement in an iteration. `None`: what it gave has no form.
pub(crate) fn remember(
    _py: Python<'_>,
    site: u32,
    value: Option<Value>,
    most: u64,
) -> Result<(), Trouble> {
    here(|session| {
        if let Engine::Record(recorder) = &mut session.engine {
            recorder.clock(site, value, most);
        }
    })
}

/// The place of a read whose answer is not known yet.
pub(crate) fn reserve(site: u32, most: u64) -> Result<Option<PendingRead>, Trouble> {
    here(|session| match &mut session.engine {
        Engine::Record(recorder) => recorder.reserve(site, most),
        Engine::Replay(_) => None,
    })
}

/// Its answer.
pub(crate) fn remember_later(read: &PendingRead, value: Value) {
    with(|session| {
        if let Engine::Record(recorder) = &mut session.engine {
            recorder.answer(read, value);
        }
    });
}
