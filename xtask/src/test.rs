//! `cargo xtask test`: every test there is.

use std::path::Path;
use std::process::Command;

use crate::environment::{self, Environment};
use crate::process::{self, command};

/// Runs the Rust tests with nextest, then the Python tests with pytest.
pub(crate) fn run_all(root: &Path, filters: &[String], venv: &Environment) -> Result<(), String> {
    let nextest = nextest(root)?;
    process::run(
        command(&nextest, root)
            .args(["nextest", "run", "--workspace", "--no-tests=pass"])
            .args(filters)
            .env("FLORC_TEST_PYTHON", &venv.python),
    )?;
    let mut pytest = command(&venv.python, root);
    pytest.args([
        "-m",
        "pytest",
        "-q",
        "-n",
        "2",
        "--dist",
        "loadgroup",
        "tests",
    ]);
    if !filters.is_empty() {
        pytest.args(["-k", &filters.join(" or ")]);
    }
    process::run(&mut pytest)
}

/// The task.
pub(crate) fn run(root: &Path, filters: &[String]) -> Result<(), String> {
    let venv = environment::prepare(root)?;
    run_all(root, filters, &venv)
}

/// `cargo-nextest`, built into `target/tools` where the machine has none.
fn nextest(root: &Path) -> Result<std::path::PathBuf, String> {
    if Command::new("cargo-nextest")
        .args(["nextest", "--version"])
        .output()
        .is_ok_and(|o| o.status.success())
    {
        return Ok("cargo-nextest".into());
    }
    let tools = root.join("target/tools");
    let binary = tools.join("bin/cargo-nextest");
    if !binary.exists() {
        println!("building cargo-nextest (once)");
        process::run(
            command("cargo", root)
                .args(["install", "--locked", "--quiet", "cargo-nextest", "--root"])
                .arg(&tools),
        )?;
    }
    Ok(binary)
}
