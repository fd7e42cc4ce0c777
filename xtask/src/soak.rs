//! `cargo xtask soak`: random programs through the oracle, for as long as asked.
//!
//! ```text
//! cargo xtask soak --minutes 30 --seed 1000
//! ```
//!
//! Nine tenths of the time without torch, one tenth with it. Programs are made, run and shrunk by
//! `tests/generated/soak.py`; this only sets up and starts it.

use std::path::Path;

use crate::environment;
use crate::process::{command, run};

/// The task.
pub(crate) fn run_all(root: &Path, arguments: &[String]) -> Result<(), String> {
    let minutes = number(arguments, "--minutes")?.unwrap_or(10.0);
    let seed = number(arguments, "--seed")?.unwrap_or(0.0);
    let venv = environment::prepare(root)?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut failed = false;
    for (mode, share) in [("plain", 0.9), ("torch", 0.1)] {
        let outcome = run(command(&venv.python, root)
            .arg("tests/generated/soak.py")
            .args(["--mode", mode, "--minutes", &(minutes * share).to_string()])
            .args(["--seed", &seed.to_string(), "--jobs", &jobs.to_string()]));
        failed |= outcome.is_err();
    }
    if failed {
        return Err("a generated program was answered wrongly: see above".to_owned());
    }
    Ok(())
}

/// The value of an option.
fn number(arguments: &[String], name: &str) -> Result<Option<f64>, String> {
    let Some(at) = arguments.iter().position(|each| each == name) else {
        return Ok(None);
    };
    let text = arguments.get(at + 1).map_or("", String::as_str);
    let value = text
        .parse()
        .map_err(|_| format!("`{name}` needs a number, not `{text}`"))?;
    Ok(Some(value))
}
