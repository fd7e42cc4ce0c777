//! `cargo xtask corpus DIR`: builds and starts `xtask/measure`, optimised.
//!
//! The measuring program is a package of its own, so that the other tasks build in seconds.

use std::path::Path;

use crate::process::{command, run as start};

/// Runs the compiler over a folder of third-party Python.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    measure(root, "corpus", arguments)
}

/// Starts one task of the measuring program.
pub(crate) fn measure(root: &Path, task: &str, arguments: &[String]) -> Result<(), String> {
    let here = std::env::current_dir().map_err(|e| e.to_string())?;
    let manifest = root.join("Cargo.toml");
    start(
        command("cargo", &here)
            .args([
                "run",
                "--release",
                "--quiet",
                "--package",
                "measure",
                "--manifest-path",
            ])
            .arg(manifest)
            .args(["--", task])
            .args(arguments),
    )
}
