//! The main loops: entered, at a head, left, or gone without a word.
//!
//! ```python
//! for epoch in florc.main_loop(ID, range(9)):
//!     if loss < goal: break        # the iterator goes away, then `florc.leave` is called
//!     if loss > limit: raise Stop  # the iterator goes away while the exception is on its way
//! ```
//!
//! Positions and decisions are `florc_runtime`'s; state is captured and restored in `cut`.

use std::collections::BTreeMap;
use std::rc::Rc;

use florc_manifest::{CutKey, MainLoopSite};
use florc_runtime::HeadStep;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::cut::{self, Site};
use super::iterables::{self, Looked};
use super::{Engine, Session, Trouble, files, here, port, resume, start, verdict, with};
use crate::hooks::frames::{self, Scope};

/// Names a running main loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token(u64);

/// A main loop being run.
pub(super) struct Running {
    token: Token,
    /// Inside another one (recursion): no heads, no checkpoints.
    inert: bool,
    /// Its iterator has no more items.
    ended: bool,
    /// Its iterator went away.
    dropped: bool,
    position: Option<i64>,
    /// Code of the frame that runs a `while` loop.
    code: Option<Py<PyAny>>,
}

/// What a new main loop is told.
pub(crate) struct Entry {
    pub(crate) token: Token,
    /// Items to draw without running the body.
    pub(crate) skip: u64,
}

/// Whether `site` is a main loop.
pub(crate) fn is_main(site: &str) -> bool {
    with(|session| session.main_sites.iter().any(|it| it.id == site)).unwrap_or(false)
}

fn site(id: &str) -> Result<Rc<MainLoopSite>, Trouble> {
    let find = |session: &mut Session| session.main_sites.iter().find(|it| it.id == id).cloned();
    here(find)?.ok_or_else(|| format!("`{id}` is no main loop").into())
}

/// A main loop begins: a `for` loop with its iterable (`alone`: nothing else holds that), or a
/// `while` loop with the code of the calling frame.
pub(crate) fn main_entered(
    py: Python<'_>,
    site_id: &str,
    iterable: Option<(&Bound<'_, PyAny>, bool)>,
    total: Option<u64>,
    code: Option<Py<PyAny>>,
) -> Result<Entry, Trouble> {
    settle(py)?;
    if let Some(code) = &code {
        leave_behind(py, code)?;
    }
    let site = site(site_id)?;
    let nested = here(|session| !session.mains.is_empty())?;
    let (mut looked, mut inputs) = (Looked::at_nothing(), BTreeMap::new());
    if !nested {
        if let Some((iterable, alone)) = iterable {
            looked = iterables::look_at(py, &site, iterable, alone)?;
        }
        start::first_loop(py)?;
        inputs = self::inputs(py, &site)?;
        let watched = watched(py, &site.id)?;
        here(|session| session.watched = watched)?;
        inputs.extend(looked.content.take());
    }
    let entry = here(|session| {
        let jump = match &mut session.engine {
            Engine::Record(recorder) => {
                let entered = recorder.loop_entered(&site.id, total, inputs, looked.repeats);
                entered.map(|_| 0)
            }
            Engine::Replay(replayer) => {
                let entry = replayer
                    .main_enter(&site.id, &inputs, looked.repeats)
                    .map_err(|error| error.to_string())?;
                if entry.is_some_and(|entry| replayer.has_missed(entry.instance)) {
                    return Err("no checkpoint of it can be put back here".into());
                }
                entry.map(|entry| entry.jump.map_or(0, |head| head.iteration))
            }
        };
        let token = session.running(jump.is_none(), code);
        Ok(Entry {
            token,
            skip: jump.unwrap_or(0),
        })
    })?;
    files::publish();
    entry
}

/// Content hashes of what the loop reads and does not change.
fn inputs(py: Python<'_>, site: &MainLoopSite) -> Result<BTreeMap<String, String>, Trouble> {
    let mut hashes = BTreeMap::new();
    if site.inputs.is_empty() {
        return Ok(hashes);
    }
    let scope = Scope::of_caller(py)?;
    let _busy = super::Busy::new();
    for root in &site.inputs {
        if let Some(value) = scope.root(root)?
            && let Some(hash) = port::fingerprint(py, &root.key(), &value)?
        {
            hashes.insert(root.key(), hash);
        }
    }
    Ok(hashes)
}

/// Hash of what the statements of a replay may change although no checkpoint holds it.
fn watched(py: Python<'_>, site: &str) -> Result<Option<String>, Trouble> {
    let roots = here(|session| match &session.engine {
        Engine::Record(_) => Vec::new(),
        Engine::Replay(replayer) => {
            let watched = replayer.plan().watched.iter().find(|it| it.site == site);
            watched.map(|it| it.roots.clone()).unwrap_or_default()
        }
    })?;
    if roots.is_empty() {
        return Ok(None);
    }
    let scope = Scope::of_caller(py)?;
    let _busy = super::Busy::new();
    let named = roots.iter().map(|root| Ok((root.key(), scope.root(root)?)));
    port::fingerprint_of_all(py, &named.collect::<PyResult<_>>()?)
}

/// Before states are compared after statements that may change more than these show.
fn look_at_watched(py: Python<'_>, site: &str) -> Result<(), Trouble> {
    let is_due = here(|session| match &session.engine {
        Engine::Record(_) => false,
        Engine::Replay(replayer) => {
            let mut watched = replayer.plan().watched.iter();
            replayer.is_doubtful() && watched.any(|it| it.site == site)
        }
    })?;
    if !is_due {
        return Ok(());
    }
    let now = watched(py, site)?;
    here(|session| {
        if let Engine::Replay(replayer) = &mut session.engine
            && (now.is_none() || now != session.watched)
        {
            replayer.elsewhere("it may change what the recorded program only reads");
        }
    })
}

impl Session {
    fn running(&mut self, inert: bool, code: Option<Py<PyAny>>) -> Token {
        let token = Token(self.next_token);
        self.next_token += 1;
        let (ended, dropped, position) = (false, false, None);
        self.mains.push(Running {
            token,
            inert,
            ended,
            dropped,
            position,
            code,
        });
        token
    }

    fn leap(&mut self) -> Option<u64> {
        match &mut self.engine {
            Engine::Record(_) => None,
            Engine::Replay(replayer) => replayer.leap(),
        }
    }

    fn running_of(&mut self, token: Token) -> Option<&mut Running> {
        self.mains.iter_mut().find(|it| it.token == token)
    }

    fn abandon(&mut self) -> Option<Running> {
        let gone = self.mains.pop();
        match &mut self.engine {
            Engine::Record(recorder) => recorder.abandon(),
            Engine::Replay(replayer) => replayer.abandon(),
        }
        gone
    }
}

/// An iteration of a `for` loop has ended: how many items to draw without running the body.
pub(crate) fn main_leaps(token: Token) -> u64 {
    let leap = with(|session| {
        let last = session.mains.last();
        last.filter(|it| it.token == token && !it.inert)?;
        session.leap()
    });
    leap.flatten().unwrap_or(0)
}

/// The iterator gave an item.
pub(crate) fn main_advanced(token: Token, position: Option<i64>) {
    with(|session| {
        if let Some(running) = session.running_of(token) {
            running.position = position;
        }
    });
}

/// The iterator has no more items.
pub(crate) fn main_ended(_py: Python<'_>, token: Token) {
    with(|session| {
        if let Some(running) = session.running_of(token) {
            running.ended = true;
        }
    });
}

/// The iterator went away.
pub(crate) fn main_dropped(token: Token) {
    with(|session| {
        if let Some(running) = session.running_of(token) {
            running.dropped = true;
        }
    });
}

/// Takes note of main loops that are gone without a word: of interrupts, and of `while` loops that an
/// exception left. Every hook asks first, but for `leave`, which shows that the innermost one was not.
pub(super) fn settle(py: Python<'_>) -> Result<(), Trouble> {
    loop {
        let code = here(|session| {
            let last = session.mains.last()?;
            Some(match &last.code {
                Some(code) => Err(code.clone_ref(py)),
                None => Ok(last.dropped && !last.ended),
            })
        })?;
        let gone = match code {
            None => false,
            Some(Ok(gone)) => gone,
            Some(Err(code)) => frames::frames_of(py, &code)? == 0,
        };
        if !gone {
            return Ok(());
        }
        drop(here(Session::abandon)?);
        resume::check(py);
    }
}

/// A `while` loop of `code` begins: older ones of frames that are gone were left without a word.
fn leave_behind(py: Python<'_>, code: &Py<PyAny>) -> Result<(), Trouble> {
    let frames = frames::frames_of(py, code)?;
    loop {
        let gone = here(|session| {
            let of_code = |it: &&Running| it.code.as_ref().is_some_and(|it| it.is(code));
            let count = session.mains.iter().filter(of_code).count();
            (count >= frames && count > 0).then(|| session.abandon())
        })?;
        if gone.is_none() {
            return Ok(());
        }
    }
}

/// The head of an iteration: the values that `florc.carry` gives back.
pub(crate) fn carry<'py>(
    py: Python<'py>,
    site_id: &str,
    roots: &Bound<'py, PyTuple>,
) -> Result<Vec<Bound<'py, PyAny>>, Trouble> {
    let site = site(site_id)?;
    match head(py, &site, roots)? {
        Some(restored) => Ok(restored),
        None => cut::given(py, &Site::head(&site), roots),
    }
}

/// Does what is due at a head; the restored values, if any were.
fn head<'py>(
    py: Python<'py>,
    site: &MainLoopSite,
    roots: &Bound<'py, PyTuple>,
) -> Result<Option<Vec<Bound<'py, PyAny>>>, Trouble> {
    settle(py)?;
    let step = here(|session| {
        session.values.clear();
        let running = session.mains.last().filter(|running| !running.inert)?;
        let position = running.position;
        if running.code.is_some() {
            // of a `while` loop no items are drawn: the state alone says where it is
            session.leap();
        }
        Some(match &mut session.engine {
            Engine::Record(recorder) => match recorder.head(position) {
                Some(head) if head.capture => HeadStep::Stop(head.key),
                Some(head) => HeadStep::Run(head.key),
                None => HeadStep::Ignore,
            },
            Engine::Replay(replayer) => replayer.head(position),
        })
    })?;
    files::publish();
    let replays = super::is_replay();
    let cut = |key| CutKey::Head(key);
    match step {
        None | Some(HeadStep::Run(_) | HeadStep::Ignore) => Ok(None),
        Some(HeadStep::Restore(key)) => {
            let restored = cut::put_back(py, &cut(key), &Site::head(site), roots)?;
            if resume::forks() {
                resume::fork(py, key)?;
                if let Some(now) = Site::head(site).with_results(py, roots, &restored)? {
                    cut::take(py, cut(key), &Site::head(site), &now)?;
                }
            }
            Ok(Some(restored))
        }
        Some(HeadStep::Check(key)) => {
            look_at_watched(py, &site.id)?;
            cut::take(py, cut(key), &Site::head(site), roots)?;
            Ok(None)
        }
        Some(HeadStep::Stop(key)) => {
            look_at_watched(py, &site.id)?;
            cut::take(py, cut(key), &Site::head(site), roots)?;
            if resume::is_waiting() {
                resume::go_on(key)?;
            } else if replays {
                verdict::end_process(py);
            }
            Ok(None)
        }
    }
}

/// A main loop ended normally or by `break`.
pub(crate) fn leave<'py>(
    py: Python<'py>,
    site_id: &str,
    roots: &Bound<'py, PyTuple>,
) -> Result<(), Trouble> {
    let site = site(site_id)?;
    let cut = here(|session| {
        let last = session.mains.pop()?;
        let cut = match &mut session.engine {
            Engine::Record(recorder) => recorder.leave(),
            Engine::Replay(replayer) => replayer.leave(),
        };
        cut.filter(|_| !last.inert)
    })?;
    at_exit(py, &site, cut, roots)
}

/// An exception of the program leaves the main loop, whose frame is still there: its state is compared
/// as after any other end.
pub(crate) fn leave_by_exception(
    py: Python<'_>,
    token: Token,
    site_id: &str,
) -> Result<(), Trouble> {
    let site = site(site_id)?;
    let cut = here(|session| {
        let last = session.mains.pop_if(|it| it.token == token)?;
        let cut = match &mut session.engine {
            Engine::Record(recorder) => recorder.leave_by_exception(),
            Engine::Replay(replayer) => replayer.leave(),
        };
        cut.filter(|_| !last.inert)
    })?;
    at_exit(py, &site, cut, &PyTuple::empty(py))
}

/// Does what is due where a main loop ended.
fn at_exit<'py>(
    py: Python<'py>,
    site: &MainLoopSite,
    cut: Option<CutKey>,
    roots: &Bound<'py, PyTuple>,
) -> Result<(), Trouble> {
    resume::check(py);
    files::publish();
    match cut {
        Some(cut) => {
            look_at_watched(py, &site.id)?;
            cut::take(py, cut, &Site::head(site), roots)
        }
        None => Ok(()),
    }
}

/// The program ended: no main loop runs any more.
pub(super) fn abandon_all() {
    while with(|session| !session.mains.is_empty() && session.abandon().is_some()) == Some(true) {}
}
