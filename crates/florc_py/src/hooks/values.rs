//! Logged objects as typed values.
//!
//! ```python
//! print(f"{loss.item():.3f}", step, model)    # Float, Int, Text
//! ```
//!
//! Reads scalars of Python, NumPy and torch. Never calls code of the user: objects whose `str`
//! might are named by their type only.

use florc_manifest::Value;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyModule, PySet, PyString, PyTuple};

/// Nesting and length up to which containers are written out.
const DEPTH: usize = 4;
const ITEMS: usize = 10_000;

/// Libraries whose objects are shown by `str`.
const SHOWN: [&str; 12] = [
    "torch",
    "numpy",
    "datetime",
    "pathlib",
    "decimal",
    "fractions",
    "collections",
    "uuid",
    "ipaddress",
    "types",
    "builtins",
    "pandas",
];

/// The typed value of a scalar of Python, NumPy or torch.
pub(crate) fn scalar(object: &Bound<'_, PyAny>) -> Option<Value> {
    plain_scalar(object).or_else(|| library_scalar(object))
}

/// The typed value of a scalar of Python.
pub(crate) fn plain_scalar(object: &Bound<'_, PyAny>) -> Option<Value> {
    if object.is_none() {
        return Some(Value::None);
    }
    if let Ok(value) = object.cast::<PyFloat>() {
        return Some(Value::Float(value.value()));
    }
    if let Ok(value) = object.cast::<PyBool>() {
        return Some(Value::Bool(value.is_true()));
    }
    if object.is_instance_of::<PyInt>() {
        return Some(integer(object));
    }
    if let Ok(value) = object.cast::<PyString>() {
        return Some(Value::Str(value.to_string_lossy().into_owned()));
    }
    None
}

fn integer(object: &Bound<'_, PyAny>) -> Value {
    match object.extract::<i64>() {
        Ok(value) => Value::Int(value),
        Err(_) => digits(object).map_or_else(|| Value::Text("<int>".into()), Value::BigInt),
    }
}

/// Decimal digits of a big integer; `str` may be refused for very long ones, hexadecimal is not.
fn digits(object: &Bound<'_, PyAny>) -> Option<String> {
    let int = object.py().get_type::<PyInt>();
    let text = int.call_method1("__repr__", (object,)).ok()?;
    Some(text.cast::<PyString>().ok()?.to_string())
}

/// A NumPy scalar, or a tensor or array of no dimensions.
fn library_scalar(object: &Bound<'_, PyAny>) -> Option<Value> {
    let py = object.py();
    let class = object.get_type();
    let modules = loaded_modules(py)?;
    let is = |module: &str, name: &str| {
        let found = modules
            .get_item(module)
            .ok()
            .flatten()?
            .getattr(name)
            .ok()?;
        class
            .cast::<pyo3::types::PyType>()
            .ok()?
            .is_subclass(&found)
            .ok()
    };
    let array = is("numpy", "generic") == Some(true) || is("numpy", "ndarray") == Some(true);
    if !array && is("torch", "Tensor") != Some(true) {
        return None;
    }
    let dimensions = object
        .getattr(intern!(py, "ndim"))
        .ok()?
        .extract::<usize>()
        .ok()?;
    if dimensions != 0 {
        return None;
    }
    let item = object.call_method0(intern!(py, "item")).ok()?;
    let plain = item.is_none()
        || item.is_exact_instance_of::<PyFloat>()
        || item.is_exact_instance_of::<PyBool>()
        || item.is_exact_instance_of::<PyInt>()
        || item.is_exact_instance_of::<PyString>();
    plain.then(|| scalar(&item)).flatten()
}

/// `sys.modules`.
pub(super) fn loaded_modules(py: Python<'_>) -> Option<Bound<'_, PyDict>> {
    static SYS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let import = || py.import("sys").map(Bound::unbind);
    let sys = SYS.get_or_try_init(py, import).ok()?.bind(py);
    sys.getattr(intern!(py, "modules")).ok()?.cast_into().ok()
}

/// The typed value of anything.
pub(crate) fn value(object: &Bound<'_, PyAny>) -> Value {
    if let Some(value) = scalar(object) {
        return value;
    }
    let text = is_shown(object, DEPTH).then(|| object.str().ok()).flatten();
    Value::Text(text.map_or_else(|| named(object), |text| text.to_string_lossy().into_owned()))
}

/// The typed value of an object whose text is known.
pub(crate) fn value_with_text(object: &Bound<'_, PyAny>, text: &str) -> Value {
    scalar(object).unwrap_or_else(|| Value::Text(text.to_owned()))
}

fn named(object: &Bound<'_, PyAny>) -> String {
    let class = object.get_type();
    format!(
        "<{}>",
        class
            .fully_qualified_name()
            .map(|it| it.to_string())
            .unwrap_or_default()
    )
}

/// Whether `str(object)` runs no code of the user.
fn is_shown(object: &Bound<'_, PyAny>, depth: usize) -> bool {
    let items = |mut items: Box<dyn Iterator<Item = Bound<'_, PyAny>> + '_>| {
        depth > 0 && items.all(|item| is_shown(&item, depth - 1))
    };
    if object.is_exact_instance_of::<PyList>() || object.is_exact_instance_of::<PyTuple>() {
        let short = object.len().is_ok_and(|len| len <= ITEMS);
        return short
            && object
                .try_iter()
                .is_ok_and(|it| items(Box::new(it.flatten())));
    }
    if let Ok(dict) = object.cast_exact::<PyDict>() {
        let flat = dict.iter().flat_map(|(key, value)| [key, value]);
        return dict.len() <= ITEMS && items(Box::new(flat));
    }
    if let Ok(set) = object.cast_exact::<PySet>() {
        return set.len() <= ITEMS && items(Box::new(set.iter()));
    }
    let class = object.get_type();
    let module = class.module().map(|it| it.to_string()).unwrap_or_default();
    let top = module.split('.').next().unwrap_or_default();
    SHOWN.contains(&top)
}
