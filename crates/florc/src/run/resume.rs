//! `florc run --resume`: goes on with a run that was cut short.
//!
//! ```python
//! # florc run --resume first
//! ```
//!
//! Refuses where something is not as it was: sources, Python, libraries. Whether the state is, the
//! script's process finds out before it changes anything of the run.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use florc_manifest::Environment;
use florc_runtime::RunHandle;
use serde_json::json;

use crate::args::RunArgs;
use crate::facts::RunFacts;
use crate::failure::Failure;
use crate::replay::{differences, interpreter};
use crate::segment_processes::as_recorded;
use crate::{HostPython, listing};

/// Does not come back when all is well.
pub(super) fn resume(args: &RunArgs, run: &str, host: &HostPython) -> Result<i32, Failure> {
    let opened = listing::open_here()?;
    let run = opened.find(Some(run))?;
    let facts = run.facts()?;
    for rank in run.handle.all_ranks() {
        check_sources(&rank, &RunFacts::read(&rank)?)?;
    }
    let manifest = &facts.manifest;
    let python = interpreter(args.python.as_deref(), manifest, host)?;
    let differing = differences(&python, &manifest.environment);
    if !differing.is_empty() {
        let help = "go on with the Python and the libraries that began the run";
        return Err(Failure::new(differing.join("; ")).help(help));
    }
    let config = json!({
        "store": opened.folder,
        "resume": run.handle.id(),
        "bounds": { "max_storage": args.max_storage, "memory": args.memory },
    });
    let config = super::put(&opened.folder, &config)?;
    let mut command = Command::new(&python);
    command.args(["-m", "florc._runner"]).arg(&config);
    command.current_dir(&manifest.cwd);
    as_recorded(&mut command, &manifest.environment);
    if manifest.world_size() > 1 {
        as_launched(&mut command, &manifest.environment);
    }
    let error = command.exec();
    let _ = std::fs::remove_file(config);
    Err(Failure::io("start", &python, &error))
}

/// Which of several processes this is says the launcher, today's.
fn as_launched(command: &mut Command, recorded: &Environment) {
    const LAUNCHERS: [&str; 7] = [
        "RANK",
        "WORLD_SIZE",
        "LOCAL_",
        "GROUP_",
        "ROLE_",
        "SLURM_",
        "OMPI_COMM_",
    ];
    let names = recorded.variables.keys();
    for name in names.filter(|name| LAUNCHERS.iter().any(|it| name.starts_with(it))) {
        match std::env::var_os(name) {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

/// What ran must run again, byte for byte. Libraries are where Python finds them: they are compared
/// where it runs.
fn check_sources(run: &RunHandle, facts: &RunFacts) -> Result<(), Failure> {
    let program = facts.program();
    let is_library = |path: &str| {
        let mut files = program.iter();
        files.any(|file| file.path == path && !file.excerpt.is_empty())
    };
    let own = facts.sources.iter().filter(|it| !is_library(&it.path));
    for source in own {
        let path = Path::new(&facts.manifest.project).join(&source.path);
        let recorded = run.source_bytes(source)?;
        if std::fs::read(&path).ok() != Some(recorded) {
            let title = format!("`{}` is not as it was when the run began", source.path);
            return Err(Failure::new(title).help("put it back, or run the script from its start"));
        }
    }
    Ok(())
}
