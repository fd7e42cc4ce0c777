//! Scripts that were given another name since the run.
//!
//! ```python
//! # git mv train.py main.py; florc replay        the run of train.py, with the log statements of main.py
//! ```
//!
//! Git knows: the commit that was recorded is compared with the working tree.

use std::path::{Path, PathBuf};

use florc_history::{Revisions, Side};
use florc_manifest::RunManifest;

use crate::listing::{Opened, OpenedRun};
use crate::project::Project;

/// Runs that are looked at to find one of a script under its old name.
const LOOKED_AT: usize = 50;

/// Where the script of a run is now, if it is not where it was.
pub(crate) fn script_of(project: &Project, manifest: &RunManifest) -> Option<PathBuf> {
    let program = manifest.program.first().map(|it| &it.path);
    let then = program.or(manifest.modules.first().map(|it| &it.file))?;
    let then = project.root.join(then);
    if then.is_file() {
        return None;
    }
    let head = manifest.git.as_ref()?.head.clone()?;
    let revisions = Revisions::discover(&project.root).ok()?;
    let root = revisions.root()?;
    let place = |path: Option<&String>| path.map(|path| root.join(path));
    let then = project
        .root
        .canonicalize()
        .ok()?
        .join(then.strip_prefix(&project.root).ok()?);
    let changed = revisions
        .changed(&Side::Revision(head), &Side::WorkTree)
        .ok()?;
    let mut changed = changed.iter();
    let renamed = changed.find(|it| place(it.old_path.as_ref()).as_ref() == Some(&then))?;
    let now = place(renamed.new_path.as_ref())?;
    now.is_file().then_some(now)
}

/// The latest run of a script that had another name then.
pub(crate) fn latest_run(opened: &Opened, project: &Project, script: &Path) -> Option<OpenedRun> {
    let script = script.canonicalize().ok()?;
    let mut runs = opened.store.runs().ok()?;
    runs.sort_by(|a, b| b.id().cmp(a.id()));
    let is_it = |manifest: RunManifest| script_of(project, &manifest).as_ref() == Some(&script);
    let mut recent = runs.into_iter().take(LOOKED_AT);
    let handle = recent.find(|run| run.manifest().is_ok_and(is_it))?;
    Some(OpenedRun { handle })
}
