//! Log statements.
//!
//! ```python
//! florc.print(3, f"loss {florc.v(3, loss):.3f}")     # prints; keeps loss typed, and the text
//! ```
//!
//! The user's call is made as written and its errors are the user's; a row is kept only of a call
//! that succeeded. Does not know contexts: the session does.

use florc_manifest::{LogKind, LogSite, Value};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCFunction, PyDict, PyMapping, PyModule, PyString, PyTuple};

use super::shown::Shown;
use super::{trackers, values};
use crate::session;

/// `florc.v(site, value)`: a value inside a log statement; gives it back.
#[pyfunction]
pub(super) fn v(site: u32, value: Bound<'_, PyAny>) -> Bound<'_, PyAny> {
    if session::is_active() {
        session::push_value(site, values::value(&value));
    }
    value
}

/// `florc.print(site, *args, **kwargs)`.
#[pyfunction]
#[pyo3(signature = (site, *args, **kwargs))]
pub(super) fn print<'py>(
    py: Python<'py>,
    site: u32,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let function = builtins(py)?.getattr(intern!(py, "print"))?;
    let Some(log) = session::log_site(py, site) else {
        return function.call(args, kwargs);
    };
    let columns = session::take_values(site, log.columns.len());
    let own = !function.is_exact_instance_of::<PyCFunction>();
    let (result, texts) = if own {
        let texts = args.iter().map(|arg| text_of(&arg)).collect();
        (function.call(args, kwargs)?, texts)
    } else {
        printed(py, &function, args, kwargs)?
    };
    session::guarded(py, |py| {
        let text = joined(&texts, kwargs)?;
        let mut values = named(&log, columns);
        for ((arg, text), name) in args.iter().zip(&texts).zip(&log.arguments) {
            if let Some(name) = name {
                values.push((name.clone(), values::value_with_text(&arg, text)));
            }
        }
        session::log(py, site, &log, text, values)
    })?;
    Ok(result)
}

/// The module, looked up once: the name may mean another function each time.
fn builtins(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let import = || py.import("builtins").map(Bound::unbind);
    Ok(MODULE.get_or_try_init(py, import)?.bind(py))
}

/// Prints, and tells the texts of the arguments.
fn printed<'py>(
    py: Python<'py>,
    function: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<(Bound<'py, PyAny>, Vec<String>)> {
    let mut shown = Vec::with_capacity(args.len());
    for arg in args.iter() {
        let plain = arg.is_exact_instance_of::<PyString>();
        shown.push(if plain {
            arg
        } else {
            Bound::new(py, Shown::new(&arg))?.into_any()
        });
    }
    let result = function.call(PyTuple::new(py, &shown)?, kwargs)?;
    let texts = shown.iter().map(|arg| match arg.cast::<Shown>() {
        Ok(shown) => shown.get().text(py).unwrap_or_default(),
        Err(_) => arg
            .cast::<PyString>()
            .map(|it| it.to_string_lossy().into_owned())
            .unwrap_or_default(),
    });
    Ok((result, texts.collect()))
}

/// Text of an argument, without code of the user.
pub(super) fn text_of(arg: &Bound<'_, PyAny>) -> String {
    match values::value(arg) {
        Value::Str(text) | Value::Text(text) => text,
        Value::None | Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) => arg
            .str()
            .map(|text| text.to_string_lossy().into_owned())
            .unwrap_or_default(),
    }
}

/// The line that `print` wrote.
fn joined(texts: &[String], kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<String> {
    let option = |name: &str, default: &str| -> PyResult<String> {
        let given = kwargs
            .map(|kwargs| kwargs.get_item(name))
            .transpose()?
            .flatten();
        match given {
            Some(text) if !text.is_none() => Ok(text.extract::<String>()?),
            _ => Ok(default.to_owned()),
        }
    };
    Ok(texts.join(&option("sep", " ")?) + &option("end", "\n")?)
}

fn named(log: &LogSite, values: Vec<Value>) -> Vec<(String, Value)> {
    log.columns
        .iter()
        .map(|column| column.name.clone())
        .zip(values)
        .collect()
}

/// `florc.call(site, function, *args, **kwargs)`: a log call that is not `print`.
#[pyfunction]
#[pyo3(signature = (site, function, *args, **kwargs))]
pub(super) fn call<'py>(
    py: Python<'py>,
    site: u32,
    function: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let Some(log) = session::log_site(py, site) else {
        return function.call(args, kwargs);
    };
    let columns = session::take_values(site, log.columns.len());
    let result = if session::is_replay() && trackers::sends(&log, function) {
        py.None().into_bound(py)
    } else {
        function.call(args, kwargs)?
    };
    session::guarded(py, |py| {
        if log.kind == LogKind::Logging && !is_enabled(function) {
            session::muted(site);
            return Ok(());
        }
        let mut values = named(&log, columns);
        let text = described(&log, args, kwargs, &mut values);
        session::log(py, site, &log, text, values)
    })?;
    Ok(result)
}

/// Whether a logger lets a call of its method through.
fn is_enabled(function: &Bound<'_, PyAny>) -> bool {
    let py = function.py();
    let asked = || -> PyResult<bool> {
        let logging = py.import(intern!(py, "logging"))?;
        let logger = match function.getattr(intern!(py, "__self__")) {
            Ok(logger) if logger.hasattr(intern!(py, "isEnabledFor"))? => logger,
            _ => logging.getattr(intern!(py, "root"))?,
        };
        let name = function
            .getattr(intern!(py, "__name__"))?
            .extract::<String>()?;
        let level = match name.as_str() {
            "exception" => "ERROR".to_owned(),
            "warn" => "WARNING".to_owned(),
            "fatal" => "CRITICAL".to_owned(),
            "log" => return Ok(true),
            _ => name.to_uppercase(),
        };
        logger
            .call_method1(intern!(py, "isEnabledFor"), (logging.getattr(level)?,))?
            .extract()
    };
    asked().unwrap_or(true)
}

/// Text of a log call; its named values are added to `values`.
fn described(
    log: &LogSite,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
    values: &mut Vec<(String, Value)>,
) -> String {
    let joined = || {
        let texts: Vec<String> = args.iter().map(|arg| text_of(&arg)).collect();
        texts.join(" ")
    };
    let text = match log.kind {
        LogKind::AddScalar
        | LogKind::AddScalars
        | LogKind::AddValue
        | LogKind::FlorcLog
        | LogKind::Metric
        | LogKind::ModuleLog
        | LogKind::TrackerLog => return trackers::tracked(log, args, kwargs, values) + "\n",
        LogKind::Postfix => return trackers::postfix(args, kwargs, values) + "\n",
        LogKind::Print
        | LogKind::Printed
        | LogKind::TqdmWrite
        | LogKind::Text
        | LogKind::Series => joined(),
        LogKind::Row => {
            let row = args.get_item(0).ok();
            trackers::row(row.as_ref()).unwrap_or_else(joined)
        }
        LogKind::Logging => logged(log, args).unwrap_or_else(joined),
        LogKind::Loguru => of_loguru(args, kwargs).unwrap_or_else(joined),
    };
    for (arg, name) in args.iter().zip(&log.arguments) {
        if let Some(name) = name {
            values.push((name.clone(), values::value(&arg)));
        }
    }
    if log.kind == LogKind::Text && log.callee.ends_with("write") {
        return text;
    }
    text + "\n"
}

/// The message with its arguments in it, as `logging.LogRecord.getMessage` makes it.
fn logged(log: &LogSite, args: &Bound<'_, PyTuple>) -> Option<String> {
    let has_level = log.callee.rsplit('.').next() == Some("log");
    let args = args.get_slice(usize::from(has_level), args.len());
    let message = args.get_item(0).ok()?.str().ok()?;
    let mut rest = args.get_slice(1, args.len()).into_any();
    if rest.is_empty().ok()? {
        return Some(message.to_string_lossy().into_owned());
    }
    if let Ok(only) = rest.cast::<PyTuple>()
        && only.len() == 1
        && let Ok(table) = only.get_item(0)
        && table
            .cast::<PyMapping>()
            .is_ok_and(|it| !it.is_empty().unwrap_or(true))
    {
        rest = table;
    }
    text(message.call_method1(intern!(args.py(), "__mod__"), (rest,)))
}

/// The same as loguru makes it.
fn of_loguru(args: &Bound<'_, PyTuple>, named: Option<&Bound<'_, PyDict>>) -> Option<String> {
    let message = args.get_item(0).ok()?.cast_into::<PyString>().ok()?;
    let rest = args.get_slice(1, args.len());
    if rest.is_empty() && named.is_none_or(PyDictMethods::is_empty) {
        return None;
    }
    text(message.call_method(intern!(args.py(), "format"), rest, named))
}

fn text(made: PyResult<Bound<'_, PyAny>>) -> Option<String> {
    let text = made.ok()?.cast_into::<PyString>().ok()?;
    Some(text.to_string_lossy().into_owned())
}

/// `florc.log(name, value)`: kept by the instrumented form of the call; here it does nothing.
#[pyfunction]
#[pyo3(signature = (name, value))]
pub(super) fn log(name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) {
    let _ = (name, value);
}
