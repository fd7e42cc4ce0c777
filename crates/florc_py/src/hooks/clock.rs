//! Reads of the outer world: clocks, entropy, identifiers.
//!
//! ```python
//! t0 = time.time()          # t0 = florc.clock(0, time.time)
//! ```
//!
//! A recorded run keeps what was read; a replay gets it again. Does not look at what the program
//! does with it.

use florc_manifest::Value;
use florc_runtime::PendingRead;
use pyo3::exceptions::{PyBaseException, PyOSError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use super::tuples;
use crate::session;

/// `florc.clock(site, function, *args, **kwargs)`.
#[pyfunction]
#[pyo3(signature = (site, function, *args, **kwargs))]
pub(super) fn clock<'py>(
    py: Python<'py>,
    site: u32,
    function: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    if !session::is_active() {
        return function.call(args, kwargs);
    }
    let is_of_files = is_of_files(function);
    let most = if is_of_files { MOST_OF_FILES } else { u64::MAX };
    if let Some(known) = session::guarded(py, |py| session::recall(py, site, most))?.flatten() {
        let items = match &known {
            Value::Text(text) => text
                .split_once(':')
                .filter(|(tag, _)| matches!(*tag, "items" | "first")),
            _ => None,
        };
        let answer = match items {
            Some((_, items)) => tuples::made(py, items, decode)?
                .cast::<PyTuple>()?
                .to_list()
                .into_any(),
            None => decode(py, &known)?,
        };
        if is_of_files {
            let overlay = py.import("florc._overlay")?;
            overlay.call_method1("was_told", (function, args, kwargs, &answer))?;
        }
        return match items {
            Some((tag, _)) => {
                let listings = py.import("florc._listings")?;
                listings.call_method1("given", (answer, tag == "items"))
            }
            None => Ok(answer),
        };
    }
    let read = function.call(args, kwargs);
    if is_of_files
        && let Ok(items) = &read
        && items.hasattr(intern!(py, "__next__"))?
    {
        return later(py, site, items, most);
    }
    let value = match &read {
        Ok(read) => encode(read),
        Err(error) => failed(error.value(py)),
    };
    session::guarded(py, |py| session::remember(py, site, value, most))?;
    read
}

/// A read that gives its items one by one: what they were is known when all of them were taken.
#[pyclass(frozen, module = "florc")]
pub(super) struct Pending {
    read: PendingRead,
}

#[pymethods]
impl Pending {
    fn found(&self, items: &Bound<'_, PyList>, is_whole: bool) {
        let tag = if is_whole { "items" } else { "first" };
        if let Some(text) = tuples::text_of(&items.to_tuple(), encode) {
            session::remember_later(&self.read, Value::Text(format!("{tag}:{text}")));
        }
    }
}

fn later<'py>(
    py: Python<'py>,
    site: u32,
    items: &Bound<'py, PyAny>,
    most: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let reserved = session::guarded(py, |_| session::reserve(site, most))?;
    let Some(read) = reserved.flatten() else {
        return Ok(items.clone());
    };
    let listings = py.import("florc._listings")?;
    listings.call_method1("remembered", (items, Pending { read }))
}

/// An error of the operating system, as a value.
fn failed(error: &Bound<'_, PyBaseException>) -> Option<Value> {
    let parts = error.cast::<PyOSError>().ok()?;
    let names = ["errno", "strerror", "filename"];
    let parts = names.map(|name| parts.getattr(name).ok().and_then(|it| encode(&it)));
    let parts: Option<Vec<Value>> = parts.into_iter().collect();
    let text = serde_json::to_string(&parts?).ok()?;
    Some(Value::Text(format!("OSError:{text}")))
}

/// As it was raised then.
fn raised(py: Python<'_>, text: &str) -> PyResult<PyErr> {
    let broken = |_| PyValueError::new_err("a recorded error cannot be read");
    let parts: Vec<Value> = serde_json::from_str(text).map_err(broken)?;
    let parts = parts.iter().map(|it| decode(py, it));
    let parts = PyTuple::new(py, parts.collect::<PyResult<Vec<_>>>()?)?;
    let error = py.get_type::<PyOSError>().call1(parts)?;
    Ok(PyErr::from_value(error))
}

/// Answers about files that are kept of one statement in an iteration: a data set may ask for each sample.
const MOST_OF_FILES: u64 = 4096;

fn is_of_files(function: &Bound<'_, PyAny>) -> bool {
    let module = function.getattr(intern!(function.py(), "__module__"));
    let name = module.ok().and_then(|it| it.extract::<String>().ok());
    let modules = [
        "genericpath",
        "posixpath",
        "posix",
        "os",
        "glob",
        "pathlib",
        "florc",
    ];
    name.is_some_and(|name| modules.contains(&name.split('.').next().unwrap_or_default()))
}

/// As a value that [`decode`] turns back exactly; `None` for what has no such form.
fn encode(read: &Bound<'_, PyAny>) -> Option<Value> {
    if let Ok(value) = read.cast_exact::<PyFloat>() {
        return Some(Value::Float(value.value()));
    }
    if read.is_exact_instance_of::<PyInt>() {
        return read
            .extract()
            .ok()
            .map(Value::Int)
            .or_else(|| tagged("int", &read.str().ok()?));
    }
    if let Ok(value) = read.cast_exact::<PyString>() {
        return value.to_str().ok().map(|text| Value::Str(text.to_owned()));
    }
    if let Ok(value) = read.cast_exact::<PyBytes>() {
        return tagged("bytes", value.call_method0("hex").ok()?.cast().ok()?);
    }
    if read.is_none() {
        return Some(Value::None);
    }
    if let Ok(value) = read.cast_exact::<PyBool>() {
        return Some(Value::Bool(value.is_true()));
    }
    if let Ok(value) = read.cast_exact::<PyList>() {
        let items = value.to_tuple();
        let text = tuples::text_of(&items, encode)?;
        return Some(Value::Text(format!("list:{text}")));
    }
    if let Ok(value) = read.cast::<PyTuple>() {
        return Some(Value::Text(format!(
            "tuple:{}",
            tuples::text_of(value, encode)?
        )));
    }
    let name = read.get_type().fully_qualified_name().ok()?.to_string();
    match name.as_str() {
        "datetime.datetime" | "datetime.date" => {
            let zone = read.getattr("tzinfo").ok().filter(|zone| !zone.is_none());
            let plain =
                zone.is_none_or(|zone| zone.get_type().name().is_ok_and(|name| name == "timezone"));
            plain.then(|| tagged(&name, read.call_method0("isoformat").ok()?.cast().ok()?))?
        }
        "uuid.UUID" => tagged(&name, read.getattr("hex").ok()?.cast().ok()?),
        "pathlib.PosixPath" | "pathlib._local.PosixPath" => tagged("path", &read.str().ok()?),
        _ => None,
    }
}

fn tagged(tag: &str, text: &Bound<'_, PyString>) -> Option<Value> {
    Some(Value::Text(format!("{tag}:{}", text.to_str().ok()?)))
}

fn decode<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    let Value::Text(text) = value else {
        return Ok(match value {
            Value::None | Value::Text(_) => py.None().into_bound(py),
            Value::Bool(value) => value.into_pyobject(py)?.to_owned().into_any(),
            Value::Int(value) => value.into_pyobject(py)?.into_any(),
            Value::BigInt(digits) => py.get_type::<PyInt>().call1((digits,))?,
            Value::Float(value) => value.into_pyobject(py)?.into_any(),
            Value::Str(value) => value.into_pyobject(py)?.into_any(),
        });
    };
    let (tag, text) = text.split_once(':').unwrap_or(("", text));
    match tag {
        "int" => py.get_type::<PyInt>().call1((text,)),
        "bytes" => py.get_type::<PyBytes>().call_method1("fromhex", (text,)),
        "tuple" => tuples::made(py, text, decode),
        "OSError" => Err(raised(py, text)?),
        "list" => py
            .get_type::<PyList>()
            .call1((tuples::made(py, text, decode)?,)),
        "path" => py.import("pathlib")?.getattr("Path")?.call1((text,)),
        "uuid.UUID" => py.import("uuid")?.getattr("UUID")?.call1((text,)),
        "datetime.date" => py
            .import("datetime")?
            .getattr("date")?
            .call_method1("fromisoformat", (text,)),
        _ => py
            .import("datetime")?
            .getattr("datetime")?
            .call_method1("fromisoformat", (text,)),
    }
}
