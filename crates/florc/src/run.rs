//! `florc run`: records a script.
//!
//! ```python
//! # florc run train.py --epochs 3
//! ```
//!
//! Checks what can be checked before the script starts, then becomes the script's Python process:
//! signals, terminal, streams and exit code are the script's own. The recording itself is done in
//! that process.

mod resume;

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::args::RunArgs;
use crate::failure::Failure;
use crate::project::{self, Project};
use crate::{HostPython, analysis, out, python, settings};

/// The bound where nobody gives one.
const OVERHEAD: f64 = 0.02;

/// Does not come back when all is well.
pub(crate) fn run(args: &RunArgs, rest: Vec<OsString>, host: &HostPython) -> Result<i32, Failure> {
    if let Some(run) = &args.resume {
        return resume::resume(args, run, host);
    }
    let target = Target::new(args, rest)?;
    if let Some(script) = &target.script {
        analysis::check_exists(script)?;
    }
    let python = python::find(args.python.as_deref(), host)?;
    let mut command = Command::new(&python);
    let config = match write_config(args, &target) {
        Ok(config) => {
            command.args(["-m", "florc._runner"]).arg(&config);
            Some(config)
        }
        Err(failure) => {
            let why = failure.title;
            out::warning(&format!("the run is not recorded and goes on: {why}"));
            None
        }
    };
    if let Some(module) = &args.module {
        command.arg("-m").arg(module);
    }
    command.args(&target.command);
    let error = command.exec();
    if let Some(config) = config {
        let _ = std::fs::remove_file(config);
    }
    Err(Failure::io("start", &python, &error))
}

/// What is to be run.
struct Target {
    project: Project,
    /// The script's path; `None` for a module.
    script: Option<PathBuf>,
    name: String,
    /// Script and arguments, or a module's arguments.
    command: Vec<OsString>,
}

impl Target {
    fn new(args: &RunArgs, rest: Vec<OsString>) -> Result<Self, Failure> {
        if let Some(module) = &args.module {
            let project = project::of(Path::new("."));
            return Ok(Self {
                project,
                script: None,
                name: module.clone(),
                command: rest,
            });
        }
        let Some(script) = args.command.first().map(PathBuf::from) else {
            return Err(Failure::new("no script was given").help("write `florc run train.py`"));
        };
        let project = project::of(&script);
        let name = analysis::relative(&project, &script);
        Ok(Self {
            project,
            script: Some(script),
            name,
            command: args.command.clone(),
        })
    }
}

/// Where the store cannot be written, the training runs all the same, and the recorder says so.
fn config_folder(store: &Path) -> PathBuf {
    let folder = store.join("tmp");
    let made =
        florc_runtime::Store::create(store).is_ok() && std::fs::create_dir_all(&folder).is_ok();
    if made { folder } else { std::env::temp_dir() }
}

/// The runner reads this file and deletes it.
fn write_config(args: &RunArgs, target: &Target) -> Result<PathBuf, Failure> {
    let near = target.script.as_deref().unwrap_or(Path::new("."));
    let settings = settings::of(near).told();
    let overhead = args.overhead.or(settings.overhead).unwrap_or(OVERHEAD);
    let config = json!({
        "mode": "record",
        "launched": launched(),
        "store": target.project.store,
        "project": target.project.root,
        "run_options": {
            "overhead": overhead,
            "checkpoints": args.checkpoints,
            "name": args.name,
            "max_storage": args.max_storage,
            "memory": args.memory,
        },
        "settings": settings,
        "script": target.name,
        "is_module": args.module.is_some(),
        "git": florc_history::git_state(&target.project.root),
        "florc": env!("CARGO_PKG_VERSION"),
    });
    put(&target.project.store, &config)
}

/// Now, in seconds since the epoch.
pub(crate) fn launched() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0.0, |now| now.as_secs_f64())
}

/// Puts the runner's settings where it finds them.
pub(crate) fn put(store: &Path, config: &serde_json::Value) -> Result<PathBuf, Failure> {
    let name = format!("florc-run-{}.json", std::process::id());
    let first = config_folder(store).join(&name);
    if std::fs::write(&first, config.to_string()).is_ok() {
        return Ok(first);
    }
    let second = std::env::temp_dir().join(name);
    std::fs::write(&second, config.to_string())
        .map_err(|error| Failure::io("write", &second, &error))?;
    Ok(second)
}
