//! A cut point: which objects, captured or put back.
//!
//! ```python
//! best = florc.carry(ID, best, model, gives=1)    # best is given back, model patched in place
//! ```
//!
//! Names come from the manifest, values from the call and from the caller's frame. Walking them
//! is the other half's work.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use florc_manifest::{
    BlockKey, CutKey, LossReason, MainLoopSite, MissingState, Place, Root, SkipBlockSite,
};
use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyModule, PyTuple};

use super::port::{self, Named};
use super::{Busy, Engine, Trouble, here, start};
use crate::hooks::frames::Scope;
use crate::hooks::{unbound, values};
use crate::types;

/// What the manifest says of a call of a hook.
pub(super) struct Site<'m> {
    roots: &'m [Root],
    /// Root of each argument.
    arguments: Vec<usize>,
    /// Roots that the hook gives back.
    results: &'m [usize],
}

impl<'m> Site<'m> {
    /// `florc.carry` and `florc.leave`.
    pub(super) fn head(site: &'m MainLoopSite) -> Self {
        Self {
            roots: &site.roots,
            arguments: (0..site.passed).collect(),
            results: &site.returned,
        }
    }

    /// `florc.end`.
    pub(super) fn block_end(site: &'m SkipBlockSite) -> Self {
        Self {
            roots: &site.roots,
            arguments: (0..site.passed).collect(),
            results: &[],
        }
    }

    /// `florc.restore`.
    pub(super) fn block_restore(site: &'m SkipBlockSite) -> Self {
        let arguments = site.restore_arguments.clone();
        Self {
            roots: &site.roots,
            arguments,
            results: &site.restore_results,
        }
    }

    /// The roots as they are now, and the modules of the project.
    fn values<'py>(&self, scope: &Scope<'py>, args: &Bound<'py, PyTuple>) -> PyResult<Named<'py>> {
        let mut passed: HashMap<usize, Bound<'py, PyAny>> =
            self.arguments.iter().copied().zip(args.iter()).collect();
        let mut named = Vec::with_capacity(self.roots.len());
        for (index, root) in self.roots.iter().enumerate() {
            let value = match passed.remove(&index) {
                Some(value) => Some(value),
                None => scope.root(root)?,
            };
            named.push((root.key(), value));
        }
        Ok(named)
    }

    /// The arguments as they will be once the hook has given values back. `None`: some of these are
    /// no arguments.
    pub(super) fn with_results<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        given: &[Bound<'py, PyAny>],
    ) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let mut values: Vec<Bound<'py, PyAny>> = args.iter().collect();
        for (root, value) in self.results.iter().zip(given) {
            let Some(at) = self.arguments.iter().position(|it| it == root) else {
                return Ok(None);
            };
            values[at] = value.clone();
        }
        PyTuple::new(py, values).map(Some)
    }

    /// Roots that nobody reads: large ones are left out.
    fn optional(&self) -> BTreeSet<String> {
        let dead = self.roots.iter().filter(|root| !root.live);
        dead.map(Root::key).collect()
    }

    /// Takes out generators whose place cannot be told and that nobody needs any more: the name is not
    /// read, and no other object holds them.
    fn let_go<'py>(
        &self,
        py: Python<'py>,
        named: &mut Named<'py>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Vec<MissingState>> {
        let mut gone = Vec::new();
        for (root, (key, value)) in self.roots.iter().zip(named) {
            let Some(live) = value.as_ref().filter(|_| root.held) else {
                continue;
            };
            let ask = intern!(py, "is_let_go");
            let asked = types::adapters(py)?.call_method1(ask, (live, &root.name, args))?;
            if asked.is_truthy()? {
                *value = None;
                gone.push(MissingState {
                    path: key.clone(),
                    type_name: "generator".to_owned(),
                    reason: LossReason::RunningIterator,
                });
            }
        }
        Ok(gone)
    }

    /// Variables of enclosing functions that the caller's frame does not show: they may be
    /// unbound, or not, and what cannot be told apart is not restored.
    fn unread(&self, named: &Named<'_>) -> Vec<MissingState> {
        let hidden = |(root, (_, value)): &(&Root, &(String, Option<_>))| {
            root.live && root.place == Place::Captured && value.is_none()
        };
        let unread = self.roots.iter().zip(named).filter(hidden);
        let missing = unread.map(|(root, _)| MissingState {
            path: root.key(),
            type_name: "variable of an enclosing function".to_owned(),
            reason: LossReason::ReadFailed,
        });
        missing.collect()
    }
}

/// The values that a hook gives back where nothing was restored: its roots as they are.
pub(super) fn given<'py>(
    py: Python<'py>,
    site: &Site<'_>,
    args: &Bound<'py, PyTuple>,
) -> Result<Vec<Bound<'py, PyAny>>, Trouble> {
    let argument = |index: &usize| site.arguments.iter().position(|root| root == index);
    let all_passed = site.results.iter().all(|index| argument(index).is_some());
    let scope = if all_passed {
        None
    } else {
        Some(Scope::of_caller(py)?)
    };
    let give = |index: &usize| -> Result<Bound<'py, PyAny>, Trouble> {
        if let Some(position) = argument(index) {
            return Ok(args.get_item(position)?);
        }
        let value = scope
            .as_ref()
            .map(|scope| scope.root(&site.roots[*index]))
            .transpose()?;
        Ok(value.flatten().unwrap_or(unbound(py)?.clone()))
    };
    site.results.iter().map(give).collect()
}

/// Captures the state for the recorder, or for the replay's comparison.
pub(super) fn take<'py>(
    py: Python<'py>,
    cut: CutKey,
    site: &Site<'_>,
    args: &Bound<'py, PyTuple>,
) -> Result<(), Trouble> {
    let began = Instant::now();
    let _busy = Busy::new();
    if !has_room(py, &cut)? {
        return Ok(());
    }
    let scope = Scope::of_caller(py)?;
    let mut named = site.values(&scope, args)?;
    named.extend(start::project_modules(py)?);
    let unread = site.unread(&named);
    let gone = site.let_go(py, &mut named, args)?;
    let walked = port::walk(py, &named, site.optional());
    drop(named);
    drop(scope);
    let captured = match walked {
        Ok(walked) if !is_affordable(&cut, walked.bytes())? => return Ok(()),
        Ok(walked) => port::copy(walked, is_settled(&cut)),
        Err(trouble) => Err(trouble),
    };
    let captured = match captured {
        Ok(mut captured) => {
            captured.snapshot.graph.missing.extend(unread);
            captured.absent.extend(gone);
            captured
        }
        Err(trouble) => return not_captured(py, cut, trouble),
    };
    here(|session| match &mut session.engine {
        Engine::Record(recorder) => {
            session.last_bytes = captured.snapshot.graph.raw_bytes();
            let stall = began.elapsed().as_secs_f64();
            let snapshot = (captured.snapshot, captured.later);
            recorder.submit(cut, snapshot, stall, captured.absent);
        }
        Engine::Replay(replayer) => replayer.verify(&cut, captured.snapshot),
    })
}

/// Whether a whole iteration was run before.
fn is_settled(cut: &CutKey) -> bool {
    let (CutKey::Head(head) | CutKey::Exit(head) | CutKey::Block(BlockKey { head, .. })) = cut;
    head.iteration > 0
}

/// Whether there is memory for a checkpoint of the size of the last one. May wait for the disk.
fn has_room(py: Python<'_>, cut: &CutKey) -> Result<bool, Trouble> {
    here(|session| match &mut session.engine {
        Engine::Record(recorder) => {
            let bytes = session.last_bytes;
            py.detach(|| recorder.admit(cut, bytes))
        }
        Engine::Replay(_) => true,
    })
}

/// Whether a state of so many bytes is still worth what it costs, now that its size is known.
fn is_affordable(cut: &CutKey, bytes: u64) -> Result<bool, Trouble> {
    here(|session| match &mut session.engine {
        Engine::Record(recorder) => recorder.affords(cut, bytes),
        Engine::Replay(_) => true,
    })
}

/// While recording, a checkpoint less is no reason to stop; a replay fails.
fn not_captured(py: Python<'_>, cut: CutKey, trouble: Trouble) -> Result<(), Trouble> {
    if let Trouble::Raised(error) = &trouble
        && !error.is_instance_of::<PyException>(py)
    {
        return Err(trouble);
    }
    let text = trouble.text(py);
    here(|session| match &mut session.engine {
        Engine::Record(recorder) => {
            recorder.dropped(cut, &text);
            Ok(())
        }
        Engine::Replay(_) => Err(Trouble::Text(text)),
    })?
}

/// Restores a checkpoint and gives the values that the hook is to give back.
pub(super) fn put_back<'py>(
    py: Python<'py>,
    cut: &CutKey,
    site: &Site<'_>,
    args: &Bound<'py, PyTuple>,
) -> Result<Vec<Bound<'py, PyAny>>, Trouble> {
    let _busy = Busy::new();
    let checkpoint = here(|session| match &mut session.engine {
        Engine::Replay(replayer) => replayer.checkpoint(cut).map_err(|error| error.to_string()),
        Engine::Record(_) => Err("a recorded run restores nothing".to_owned()),
    })??;
    let scope = Scope::of_caller(py)?;
    let mut live = site.values(&scope, args)?;
    let mut before = live.clone();
    for (index, (root, entry)) in site.roots.iter().zip(&mut live).enumerate() {
        if root.replaced {
            entry.1 = None; // holds another object than the recorded one did
            if hide(&scope, root)? {
                before[index].1 = None;
            }
        }
    }
    live.extend(start::project_modules(py)?);
    let restored: HashMap<_, _> = port::restore(py, &checkpoint, &live)?.into_iter().collect();
    let absent: BTreeSet<&str> = checkpoint
        .record
        .absent
        .iter()
        .map(|it| it.path.as_str())
        .collect();
    drop(scope);
    for (index, root) in site.roots.iter().enumerate() {
        let key = root.key();
        let value = restored.get(&key).and_then(Option::as_ref);
        if !site.results.contains(&index) && !absent.contains(key.as_str()) && root.live {
            assign(py, root, value, before[index].1.as_ref())?;
        }
    }
    let give = |index: &usize| -> Result<Bound<'py, PyAny>, Trouble> {
        let key = site.roots[*index].key();
        let value = restored.get(&key).cloned().flatten();
        Ok(value.unwrap_or(unbound(py)?.clone()))
    };
    site.results.iter().map(give).collect()
}

/// Takes a global out of its module, while the state is put back: an imported module is restored as
/// a whole, and would else be patched in the object that the global holds now. Whether it did.
fn hide(scope: &Scope<'_>, root: &Root) -> PyResult<bool> {
    if !scope.is_imported(root)? {
        return Ok(false);
    }
    let Some(names) = scope.namespace(root)? else {
        return Ok(false);
    };
    let Some(value) = names.get_item(&root.name)? else {
        return Ok(false);
    };
    // Functions and classes are found again under their names.
    if value.is_instance_of::<PyModule>() || value.hasattr(intern!(value.py(), "__qualname__"))? {
        return Ok(false);
    }
    names.del_item(&root.name)?;
    Ok(true)
}

/// Binds a root that the hook does not give back.
fn assign<'py>(
    py: Python<'py>,
    root: &Root,
    value: Option<&Bound<'py, PyAny>>,
    before: Option<&Bound<'py, PyAny>>,
) -> Result<(), Trouble> {
    let same = match (value, before) {
        (Some(value), Some(before)) => value.is(before) || is_equal_scalar(value, before),
        (None, None) => true,
        _ => false,
    };
    if same {
        return Ok(());
    }
    let scope = Scope::of_caller(py)?;
    if root.place == Place::Global || scope.is_module() {
        let Some(names) = scope.namespace(root)? else {
            return Err(format!("the module `{}` is not loaded", root.module).into());
        };
        match value {
            Some(value) => names.set_item(&root.name, value)?,
            None if names.contains(&root.name)? => names.del_item(&root.name)?,
            None => {}
        }
        return Ok(());
    }
    let now = scope.root(root)?;
    match (&now, value) {
        (Some(now), Some(value)) if now.is(value) || is_equal_scalar(now, value) => Ok(()),
        _ => Err(format!(
            "`{}` cannot be put back: the program has another object in it than the recorded one (of another class?), \
             and it is a variable that cannot be bound from here",
            root.name
        )
        .into()),
    }
}

fn is_equal_scalar(a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> bool {
    a.get_type().is(b.get_type())
        && values::plain_scalar(a).is_some_and(|a| values::plain_scalar(b) == Some(a))
}
