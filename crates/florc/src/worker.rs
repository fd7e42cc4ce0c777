//! `florc worker`: runs one segment of a replay.
//!
//! ```python
//! # florc worker --plan .florc/replays/<id>/plan.json --segment 2
//! ```
//!
//! Segments are independent, and running one again changes nothing. The work is done in a Python
//! process; this starts it.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use florc_manifest::{Environment, ReplayPlan};

use crate::args::WorkerArgs;
use crate::failure::Failure;
use crate::{HostPython, listing, replay};

/// Does not come back when all is well.
pub(crate) fn worker(args: &WorkerArgs, host: &HostPython) -> Result<i32, Failure> {
    let plan = read_plan(&args.plan)?;
    let count = plan.segments.len();
    if !plan
        .segments
        .iter()
        .any(|segment| segment.index == args.segment)
    {
        return Err(
            Failure::new(format!("the plan has no segment {}", args.segment)).help(format!(
                "give a number from 0 to {}",
                count.saturating_sub(1)
            )),
        );
    }
    let opened = listing::open(Path::new(&plan.store))?;
    let manifest = opened.store.run(&plan.run)?.manifest()?;
    let python = replay::interpreter(args.python.as_deref(), &manifest, host)?;
    let mut command = command(&python, &args.plan, args.segment, &manifest.cwd);
    as_recorded(&mut command, &manifest.environment);
    Err(Failure::io("start", &python, &command.exec()))
}

/// The process of a segment.
pub(crate) fn command(python: &Path, plan: &Path, segment: u32, folder: &str) -> Command {
    let mut command = Command::new(python);
    let plan = std::path::absolute(plan).unwrap_or_else(|_| plan.to_path_buf());
    command.args(["-m", "florc._runner", "--worker"]).arg(plan);
    command.arg("--segment").arg(segment.to_string());
    if Path::new(folder).is_dir() {
        command.current_dir(folder);
    }
    command
}

/// Lets libraries find what they found when the run was recorded: a sum that other threads divide
/// has other bits.
pub(crate) fn as_recorded(command: &mut Command, recorded: &Environment) {
    for (name, value) in &recorded.variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

fn read_plan(file: &Path) -> Result<ReplayPlan, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::io("read", file, &error))?;
    let plan: ReplayPlan = serde_json::from_str(&text).map_err(|error| {
        Failure::new(format!(
            "`{}` is not a replay plan: {error}",
            file.display()
        ))
        .help("plans are made by `florc replay`")
    })?;
    if plan.format > florc_manifest::FORMAT_VERSION {
        return Err(
            Failure::new(format!("`{}` was written by a newer florc", file.display()))
                .help("update florc"),
        );
    }
    Ok(plan)
}
