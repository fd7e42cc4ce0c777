//! Tuples that a read of the outer world gave, plain or with names, as text and back.
//!
//! ```python
//! time.localtime()    # {"class": ["time", "struct_time"], "items": [2026, 11, …], "more": {"tm_zone": "UTC", …}}
//! ```
//!
//! Only a tuple is made of such a text, of a class that is loaded: whatever a store says, nothing else runs.

use std::collections::BTreeMap;

use florc_manifest::Value;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};
use serde::{Deserialize, Serialize};

use super::values::loaded_modules;

/// How an item becomes a value, and back.
type Encode = for<'a, 'py> fn(&'a Bound<'py, PyAny>) -> Option<Value>;
type Decode = for<'py> fn(Python<'py>, &Value) -> PyResult<Bound<'py, PyAny>>;

/// Bytes of a text that is kept.
const LONGEST: usize = 1 << 20;

#[derive(Serialize, Deserialize)]
struct Kept {
    /// Module and name; `None`: a plain tuple.
    class: Option<(String, String)>,
    items: Vec<Value>,
    /// What a struct sequence has by name only.
    more: BTreeMap<String, Value>,
}

/// As a text; `None` for a class that is made otherwise, and for items that have no text.
pub(super) fn text_of(read: &Bound<'_, PyTuple>, encode: Encode) -> Option<String> {
    let class = read.get_type();
    let (class, reduced) = match Form::of(&class)? {
        Form::Plain => (None, None),
        Form::Named => (Some(named(&class)?), None),
        Form::Struct => {
            let reduced = read.call_method0("__reduce__").ok()?.get_item(1).ok()?;
            (Some(named(&class)?), Some(reduced))
        }
    };
    let (items, more) = match &reduced {
        Some(given) => (given.get_item(0).ok()?, Some(given.get_item(1).ok()?)),
        None => (read.clone().into_any(), None),
    };
    let items = items.try_iter().ok()?;
    let items = items.map(|item| encode(&item.ok()?));
    let entries = more.map(Bound::cast_into::<PyDict>).transpose().ok()?;
    let entries = entries.iter().flat_map(PyDictMethods::iter);
    let entries = entries.map(|(name, value)| Some((name.extract().ok()?, encode(&value)?)));
    let kept = Kept {
        class,
        items: items.collect::<Option<_>>()?,
        more: entries.collect::<Option<_>>()?,
    };
    let text = serde_json::to_string(&kept).ok()?;
    (text.len() <= LONGEST).then_some(text)
}

/// From its text.
pub(super) fn made<'py>(
    py: Python<'py>,
    text: &str,
    decode: Decode,
) -> PyResult<Bound<'py, PyAny>> {
    let broken = || PyTypeError::new_err("a recorded tuple cannot be made again");
    let kept: Kept = serde_json::from_str(text).map_err(|_| broken())?;
    let items: PyResult<Vec<_>> = kept.items.iter().map(|item| decode(py, item)).collect();
    let items = PyTuple::new(py, items?)?;
    let Some((module, name)) = &kept.class else {
        return Ok(items.into_any());
    };
    let class = loaded(py, module, name).ok_or_else(broken)?;
    match Form::of(&class).ok_or_else(broken)? {
        Form::Plain => Err(broken()),
        Form::Named => class.call_method1("_make", (items,)),
        Form::Struct => {
            let more = PyDict::new(py);
            for (name, value) in &kept.more {
                more.set_item(name, decode(py, value)?)?;
            }
            class.call1((items, more))
        }
    }
}

/// How a tuple of a class is made.
enum Form {
    Plain,
    /// `collections.namedtuple`.
    Named,
    /// A struct sequence of the interpreter: `time.struct_time`.
    Struct,
}

impl Form {
    fn of(class: &Bound<'_, PyType>) -> Option<Self> {
        let py = class.py();
        let has = |name: &str| class.hasattr(name).unwrap_or(false);
        if class.is(py.get_type::<PyTuple>()) {
            Some(Self::Plain)
        } else if !class.is_subclass_of::<PyTuple>().unwrap_or(false) {
            None
        } else if has("n_sequence_fields") {
            Some(Self::Struct)
        } else {
            (has("_make") && has("_fields")).then_some(Self::Named)
        }
    }
}

/// Where a class is found again.
fn named(class: &Bound<'_, PyType>) -> Option<(String, String)> {
    let module = class.module().ok()?.to_string();
    let name = class.qualname().ok()?.to_string();
    let found = loaded(class.py(), &module, &name)?;
    found.is(class).then_some((module, name))
}

fn loaded<'py>(py: Python<'py>, module: &str, name: &str) -> Option<Bound<'py, PyType>> {
    let module = loaded_modules(py)?.get_item(module).ok().flatten()?;
    module.getattr(name).ok()?.cast_into().ok()
}
