//! `cargo xtask soak`: faults of the store by the thousand, then random programs through the oracle,
//! for as long as asked.
//!
//! ```text
//! cargo xtask soak --minutes 30 --seed 1000
//! cargo xtask soak --faults                      faults alone
//! ```
//!
//! Faults are the suite's own tests with more kills, more damaged places and more made-up files.
//! Of the programs nine tenths of the time go without torch, one tenth with it. They are made, run and shrunk by
//! `tests/generated/soak.py`; this only sets up and starts it.

use std::path::Path;

use crate::environment;
use crate::process::{command, run};

/// The task.
pub(crate) fn run_all(root: &Path, arguments: &[String]) -> Result<(), String> {
    faults(root)?;
    if arguments.iter().any(|each| each == "--faults") {
        return Ok(());
    }
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

/// Kills while recording, damaged places, made-up files: package, test, how many of each.
const FAULTS: [(&str, &str, &str); 3] = [
    ("florc_runtime", "--lib", "20000"),
    ("florc_runtime", "--test=runs", "2000"),
    ("florc", "--test=hostile", "500"),
];

fn faults(root: &Path) -> Result<(), String> {
    for (package, test, count) in FAULTS {
        run(command("cargo", root)
            .args(["test", "--quiet", "--package", package, test])
            .env("FLORC_FAULTS", count)
            .env("FLORC_KILLS", "1000"))?;
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
