//! `florc worker`: runs one segment of a replay.
//!
//! ```python
//! # florc worker --plan .florc/replays/<id>/plan.json --segment 2
//! ```
//!
//! Segments are independent, and running one again changes nothing. The work is done in a Python
//! process, or in one for each rank of the run; this starts them.

use std::path::Path;

use florc_manifest::ReplayPlan;

use crate::args::WorkerArgs;
use crate::failure::Failure;
use crate::segment_processes::Segment;
use crate::{DONE, HostPython, listing, replay};

/// Gives the exit code of the process, or of one of several that did not end well.
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
    let run = opened.store.run(&plan.run)?;
    let manifest = run.manifest()?;
    let python = replay::interpreter(args.python.as_deref(), &manifest, host)?;
    let segment = Segment {
        python: &python,
        run: &run,
        plan: &args.plan,
        index: args.segment,
        world_size: plan.world_size,
        folder: &manifest.cwd,
        gpus: &[],
    };
    let mut started = segment.start(false)?;
    loop {
        if let Some(ended) = started.try_wait() {
            let killed = ended.signal.map(|signal| 128 + signal);
            return Ok(killed.or(ended.code).unwrap_or(DONE));
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
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
