//! Recorded runs that lack log statements of a version, and what replaying them would cost.
//!
//! ```python
//! # run 20261126-… of train.py lacks 2 log statements: 8 of 8 iterations, about 2 s
//! ```
//!
//! Asks the replay's own planner; nothing is replayed.

use std::path::{Path, PathBuf};

use florc_history::{Revisions, Side};
use florc_semantic::files::Files;

use crate::failure::Failure;
use crate::listing::{self, OpenedRun};
use crate::program::Disk;
use crate::project::Project;
use crate::replay::estimate::{Estimate, estimate};
use crate::replay::find;
use crate::versions::GitFiles;

/// Worker counts that costs are told for.
const WORKERS: [usize; 3] = [1, 2, 4];
/// Runs that are looked at to find those of a file.
const LOOKED_AT: usize = 200;

/// A run and what it lacks.
#[derive(Clone, Debug)]
pub(crate) struct RunReport {
    pub(crate) run: String,
    pub(crate) name: Option<String>,
    pub(crate) script: String,
    /// What it would take, or why it cannot be had.
    pub(crate) lacks: Result<Estimate, String>,
}

/// Runs that lack something.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lacking {
    pub(crate) runs: Vec<RunReport>,
    /// Older runs of these scripts that were not looked at.
    pub(crate) older: usize,
}

/// The latest runs of scripts that are made of changed files, against one version.
pub(crate) fn of_side(
    project: &Project,
    revisions: &Revisions,
    side: &Side,
    touched: &[&str],
    limit: usize,
) -> Result<Lacking, Failure> {
    let files = GitFiles::new(revisions, side, &project.root);
    let is_touched = |path: &Path| {
        let inside = files.inside(path);
        inside.is_some_and(|path| touched.contains(&path.as_str()))
    };
    reports(project, &files, &is_touched, limit)
}

/// The latest runs of each script, against the working tree.
pub(crate) fn of_working_tree(project: &Project, limit: usize) -> Result<Lacking, Failure> {
    let disk = Disk::new(&project.root, Vec::new());
    reports(project, &disk, &|_| true, limit)
}

fn reports(
    project: &Project,
    files: &dyn Files,
    is_touched: &dyn Fn(&Path) -> bool,
    limit: usize,
) -> Result<Lacking, Failure> {
    if !project.store.is_dir() {
        return Ok(Lacking::default());
    }
    let opened = listing::open(&project.store)?;
    let mut runs = opened.store.runs()?;
    runs.sort_by(|a, b| b.id().cmp(a.id()));
    let (mut found, mut older): (Vec<RunReport>, usize) = (Vec::new(), 0);
    for handle in runs.into_iter().take(LOOKED_AT) {
        // A run that cannot be read is `florc runs`' business.
        let Ok(manifest) = handle.manifest() else {
            continue;
        };
        let of_script = found.iter().filter(|it| it.script == manifest.script);
        if of_script.count() >= limit {
            older += 1;
            continue;
        }
        let mut paths: Vec<PathBuf> = manifest
            .program
            .iter()
            .map(|it| project.root.join(&it.path))
            .collect();
        paths.extend(
            manifest
                .modules
                .first()
                .map(|it| project.root.join(&it.file)),
        );
        if !paths.iter().any(|path| is_touched(path)) {
            continue;
        }
        let lacks = lacks(project, OpenedRun { handle }, files);
        let lacks = match lacks {
            Ok(None) => continue,
            Ok(Some(estimate)) => Ok(estimate),
            Err(failure) => Err(failure.in_short()),
        };
        found.push(RunReport {
            run: manifest.run,
            name: manifest.name,
            script: manifest.script,
            lacks,
        });
    }
    Ok(Lacking { runs: found, older })
}

fn lacks(
    project: &Project,
    run: OpenedRun,
    files: &dyn Files,
) -> Result<Option<Estimate>, Failure> {
    let opened = listing::open(&project.store)?;
    let subject = find::of_run(opened, run, project.clone(), None)?;
    estimate(&subject, files, &WORKERS)
}
