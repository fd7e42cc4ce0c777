//! The set-up: `.venv` with PyTorch and the test tools, and the florc wheel in it.
//!
//! Every step leaves a stamp, so that a second call costs a second.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{capture, command, run, stdout};

/// Where the set-up put things.
pub(crate) struct Environment {
    /// Interpreter of the virtual environment.
    pub(crate) python: PathBuf,
    /// The installed `florc` command.
    pub(crate) florc: PathBuf,
}

/// Makes `.venv` if needed and installs the current florc into it.
pub(crate) fn prepare(root: &Path) -> Result<Environment, String> {
    let venv = root.join(".venv");
    let python = venv.join("bin").join("python");
    if !python.exists() {
        println!("making a virtual environment in .venv");
        run(command(find_python()?, root)
            .args(["-m", "venv"])
            .arg(&venv))
        .map_err(|e| {
            format!(
                "{e}\nthe `venv` module is part of Python (on Debian: the package python3-venv)"
            )
        })?;
    }
    install_requirements(root, &python)?;
    install_wheel(root, &python)?;
    Ok(Environment {
        florc: venv.join("bin").join("florc"),
        python,
    })
}

fn find_python() -> Result<String, String> {
    let test = "import sys; sys.exit(sys.version_info < (3, 10))";
    let names = [
        "python3",
        "python",
        "python3.13",
        "python3.12",
        "python3.11",
        "python3.10",
    ];
    names
        .iter()
        .find(|name| {
            Command::new(name)
                .args(["-c", test])
                .output()
                .is_ok_and(|o| o.status.success())
        })
        .map(|name| (*name).to_owned())
        .ok_or_else(|| "no Python ≥ 3.10 on PATH: install one and try again".to_owned())
}

fn install_requirements(root: &Path, python: &Path) -> Result<(), String> {
    let wanted = std::fs::read_to_string(root.join("tests/requirements.txt"))
        .map_err(|e| format!("cannot read tests/requirements.txt: {e}"))?;
    let stamp = root.join(".venv/requirements.stamp");
    if std::fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    println!("installing PyTorch and the test tools into .venv (some minutes the first time)");
    run(command(python, root).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "-r",
        "tests/requirements.txt",
    ]))?;
    std::fs::write(&stamp, wanted).map_err(|e| format!("cannot write {}: {e}", stamp.display()))
}

fn install_wheel(root: &Path, python: &Path) -> Result<(), String> {
    println!("building the florc wheel");
    let wheels = root.join("target/wheels");
    let manifest = root.join("crates/florc_py/Cargo.toml");
    run(command(python, root)
        .args([
            "-m",
            "maturin",
            "build",
            "--release",
            "--quiet",
            "--interpreter",
        ])
        .arg(python)
        .arg("--manifest-path")
        .arg(manifest)
        .arg("--out")
        .arg(&wheels))?;
    let wheel = newest_wheel(&wheels)?;
    run(command(python, root)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--force-reinstall",
        ])
        .arg(&wheel))?;
    let version = capture(command(root.join(".venv/bin/florc"), root).arg("--version"))?;
    println!("{} is installed in .venv", stdout(&version).trim());
    Ok(())
}

fn newest_wheel(folder: &Path) -> Result<PathBuf, String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    entries
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "whl"))
        .max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok())
        .ok_or_else(|| format!("maturin left no wheel in {}", folder.display()))
}
