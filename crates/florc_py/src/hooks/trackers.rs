//! Calls that hand named values to trackers, and which of them a replay leaves out.
//!
//! ```python
//! writer.add_scalar("loss", loss, step)     # `loss`, and `step`
//! wandb.log({"loss": loss}, step=step)
//! bar.set_postfix(loss=loss)
//! ```
//!
//! Reads arguments as they were given, by position or by name; calls nothing of the tracker.

use florc_manifest::{LogKind, LogSite, Value};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::logs::text_of;
use super::values;

/// Packages whose log calls leave the process.
const SENDERS: [&str; 11] = [
    "wandb",
    "mlflow",
    "trackio",
    "swanlab",
    "comet_ml",
    "neptune",
    "aim",
    "clearml",
    "tensorboardX",
    "tensorboard",
    "accelerate",
];

/// Names of the parameter that names a value, and of the value itself.
const NAMES: [&str; 4] = ["tag", "main_tag", "name", "key"];
const VALUES: [&str; 8] = [
    "scalar_value",
    "tag_scalar_dict",
    "value",
    "values",
    "data",
    "metrics",
    "dictionary",
    "text_string",
];
const STEPS: [&str; 2] = ["global_step", "step"];

/// Whether a call sends something out of the process: its function is one of a tracker. A wrapper
/// of the user's own is not; it runs, and the calls inside it are log statements themselves.
pub(super) fn sends(log: &LogSite, function: &Bound<'_, PyAny>) -> bool {
    let py = function.py();
    let sent = match log.kind {
        LogKind::AddScalar
        | LogKind::AddScalars
        | LogKind::AddValue
        | LogKind::TrackerLog
        | LogKind::Metric
        | LogKind::Series => true,
        LogKind::Print
        | LogKind::Printed
        | LogKind::Logging
        | LogKind::Loguru
        | LogKind::TqdmWrite
        | LogKind::Postfix
        | LogKind::Text
        | LogKind::FlorcLog
        | LogKind::ModuleLog
        | LogKind::Row => false,
    };
    let module_of = |object: &Bound<'_, PyAny>| -> Option<String> {
        let module = object.getattr(intern!(py, "__module__")).ok()?;
        module.extract::<String>().ok()
    };
    let own = function.getattr(intern!(py, "__self__")).ok();
    let own = own.filter(|own| !own.is_none() && !own.is_instance_of::<pyo3::types::PyModule>());
    let classes = own.map(|own| own.get_type());
    let lines = classes
        .iter()
        .flat_map(|class| class.mro().iter().collect::<Vec<_>>());
    let mut modules = lines
        .chain([function.clone(), function.get_type().into_any()])
        .filter_map(|object| module_of(&object));
    sent && modules.any(|module| {
        let top = module.split('.').next().unwrap_or_default();
        SENDERS.contains(&top) || module.starts_with("torch.utils.tensorboard")
    })
}

/// Named values of a tracker's call, and its text.
pub(super) fn tracked(
    log: &LogSite,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
    found: &mut Vec<(String, Value)>,
) -> String {
    let given = |index: usize, names: &[&str]| {
        args.get_item(index).ok().or_else(|| {
            let kwargs = kwargs?;
            names.iter().find_map(|name| kwargs.get_item(name).ok()?)
        })
    };
    let first = given(0, &NAMES).filter(|first| !first.is_instance_of::<PyDict>());
    let named = first.is_some();
    let value = given(usize::from(named), &VALUES);
    let prefix = first.as_ref().map(text_of);
    let mut texts: Vec<String> = prefix.clone().into_iter().collect();
    if let Some(value) = &value {
        if let Ok(metrics) = value.cast::<PyDict>() {
            entries(prefix.as_deref(), metrics, found);
        } else if let Some(name) = prefix {
            let whole = log.kind != LogKind::AddValue || values::scalar(value).is_some();
            let class = || value.get_type().to_string();
            let value = if whole {
                values::value(value)
            } else {
                Value::Text(class())
            };
            add(found, name, value);
        }
        if log.kind != LogKind::AddValue {
            texts.push(text_of(value));
        }
    }
    let step = given(1 + usize::from(named), &STEPS);
    if let Some(step) =
        step.filter(|_| log.kind != LogKind::ModuleLog && log.kind != LogKind::FlorcLog)
    {
        texts.push(text_of(&step));
        let name = log.arguments.get(1 + usize::from(named)).cloned().flatten();
        if let Some(step) = values::scalar(&step).filter(|step| *step != Value::None) {
            add(found, name.unwrap_or_else(|| "step".into()), step);
        }
    }
    texts.join(" ")
}

/// The entries of a dictionary of metrics.
fn entries(prefix: Option<&str>, metrics: &Bound<'_, PyDict>, found: &mut Vec<(String, Value)>) {
    for (name, value) in metrics.iter() {
        let name = match prefix {
            Some(prefix) => format!("{prefix}/{}", text_of(&name)),
            None => text_of(&name),
        };
        add(found, name, values::value(&value));
    }
}

/// One value; what `florc.v` announced under the same name is it already.
fn add(found: &mut Vec<(String, Value)>, name: String, value: Value) {
    if !found.iter().any(|(known, _)| *known == name) {
        found.push((name, value));
    }
}

/// `bar.set_postfix({…}, loss=…)`.
pub(super) fn postfix(
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
    found: &mut Vec<(String, Value)>,
) -> String {
    let by_name = kwargs.and_then(|it| it.get_item("ordered_dict").ok()?);
    if let Some(first) = args.get_item(0).ok().or(by_name)
        && let Ok(metrics) = first.cast::<PyDict>()
    {
        entries(None, metrics, found);
    }
    for (name, value) in kwargs.into_iter().flat_map(PyDictMethods::iter) {
        let name = text_of(&name);
        if name != "refresh" && name != "ordered_dict" {
            add(found, name, values::value(&value));
        }
    }
    let pairs = found
        .iter()
        .map(|(name, value)| format!("{name}={}", shown(value)));
    pairs.collect::<Vec<_>>().join(", ")
}

fn shown(value: &Value) -> String {
    match value {
        Value::None => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::BigInt(text) | Value::Str(text) | Value::Text(text) => text.clone(),
    }
}

/// The cells of a row of a table, between commas.
pub(super) fn row(row: Option<&Bound<'_, PyAny>>) -> Option<String> {
    let row = row?;
    let cells: Vec<String> = if let Ok(cells) = row.cast::<PyList>() {
        cells.iter().map(|cell| text_of(&cell)).collect()
    } else if let Ok(cells) = row.cast::<PyTuple>() {
        cells.iter().map(|cell| text_of(&cell)).collect()
    } else if let Ok(cells) = row.cast::<PyDict>() {
        cells.values().iter().map(|cell| text_of(&cell)).collect()
    } else {
        return None;
    };
    Some(cells.join(","))
}
