//! Which Python runs the user's script.
//!
//! ```python
//! # --python PY, else the active environment's, else the one florc is installed in, else PATH's
//! ```
//!
//! Starts an interpreter only to ask whether florc is installed there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::HostPython;
use crate::failure::Failure;

/// The interpreter to use.
pub(crate) fn find(asked: Option<&Path>, host: &HostPython) -> Result<PathBuf, Failure> {
    let found = asked.map(Path::to_path_buf).or_else(|| usual(host));
    let python = found.ok_or_else(|| {
        Failure::new("no Python was found").help("activate an environment or give `--python PATH`")
    })?;
    let python = resolve(&python)?;
    if host.executable.as_deref() != Some(python.as_path()) {
        has_florc(&python)?;
    }
    Ok(python)
}

/// The one that is taken where none was asked for.
fn usual(host: &HostPython) -> Option<PathBuf> {
    active()
        .or_else(|| host.executable.clone())
        .or_else(|| on_path("python3"))
        .or_else(|| on_path("python"))
}

/// Where the usual interpreter's packages are installed, by the customary layout: it is not started.
pub(crate) fn packages(host: &HostPython) -> Vec<PathBuf> {
    let python = usual(host);
    let prefix = python.as_deref().and_then(|it| it.parent()?.parent());
    let Some(library) = prefix.map(|it| it.join("lib")) else {
        return Vec::new();
    };
    let folders = std::fs::read_dir(library).into_iter().flatten().flatten();
    let versions = folders.filter(|it| it.file_name().to_string_lossy().starts_with("python3"));
    let mut found: Vec<PathBuf> = versions
        .flat_map(|it| ["site-packages", "dist-packages"].map(|name| it.path().join(name)))
        .filter(|folder| folder.is_dir())
        .collect();
    found.sort();
    found
}

/// The interpreter of the active virtual environment.
fn active() -> Option<PathBuf> {
    ["VIRTUAL_ENV", "CONDA_PREFIX"]
        .into_iter()
        .filter_map(std::env::var_os)
        .map(|folder| PathBuf::from(folder).join("bin").join("python"))
        .find(|python| python.exists())
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn resolve(python: &Path) -> Result<PathBuf, Failure> {
    if python.is_file() {
        return Ok(python.to_path_buf());
    }
    let bare = python.components().count() == 1;
    bare.then(|| on_path(&python.to_string_lossy()))
        .flatten()
        .ok_or_else(|| {
            Failure::new(format!("there is no Python at `{}`", python.display()))
                .help("give the path of an interpreter, such as `--python .venv/bin/python`")
        })
}

fn has_florc(python: &Path) -> Result<(), Failure> {
    let code = "import importlib.util as u, sys; sys.exit(17 if u.find_spec('florc') is None or u.find_spec('florc._florc') is None else 0)";
    let status = Command::new(python)
        .args(["-c", code])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match status.map(|status| status.code()) {
        Ok(Some(0)) => Ok(()),
        Ok(Some(17)) => Err(Failure::new(format!(
            "florc is not installed in `{}`",
            python.display()
        ))
        .help(format!(
            "run `{} -m pip install florc`, or give another Python with `--python`",
            python.display()
        ))),
        Ok(_) => Err(
            Failure::new(format!("`{}` does not run as a Python", python.display()))
                .help("give the path of a working interpreter with `--python`"),
        ),
        Err(error) => Err(Failure::io("start", python, &error)),
    }
}
