//! The store, opened; and the run that the user means.
//!
//! ```python
//! # florc show 2031         the only run whose id begins so
//! # florc show baseline     the latest run of that name
//! # florc show train.py     the latest run of that script
//! ```
//!
//! Turns the store's errors into words; it changes nothing.

use std::path::{Path, PathBuf};

use florc_runtime::{RunHandle, Store, StoreError, StoreErrorKind};

use crate::analysis;
use crate::facts::RunFacts;
use crate::failure::Failure;
use crate::project::{self, Project};

/// An opened store.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) folder: PathBuf,
}

/// A run in it.
#[derive(Debug)]
pub(crate) struct OpenedRun {
    pub(crate) handle: RunHandle,
}

/// The store of the current folder's project.
pub(crate) fn open_here() -> Result<Opened, Failure> {
    open_near(None)
}

/// That of the script's project, where a script stands for its run.
pub(crate) fn open_near(name: Option<&str>) -> Result<Opened, Failure> {
    let near = name.and_then(script).unwrap_or(Path::new("."));
    open(&project::of(near).store)
}

/// A store that exists.
pub(crate) fn open(folder: &Path) -> Result<Opened, Failure> {
    Ok(Opened {
        store: Store::open(folder)?,
        folder: folder.to_path_buf(),
    })
}

/// The script that stands where a run is named, if one does.
pub(crate) fn script(name: &str) -> Option<&Path> {
    let path = Path::new(name);
    let is_python = path.extension().is_some_and(|it| it == "py");
    (is_python && path.is_file()).then_some(path)
}

impl Opened {
    /// The run that is meant; the latest when nothing is said, or only the script.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<OpenedRun, Failure> {
        match (name, name.and_then(script)) {
            (None, _) => Ok(OpenedRun {
                handle: self.store.latest(None)?,
            }),
            (Some(_), Some(script)) => self.latest_of(&project::of(script), script),
            (Some(name), None) => self.named(name),
        }
    }

    /// The run of an id, the beginning of one, or a name.
    pub(crate) fn named(&self, name: &str) -> Result<OpenedRun, Failure> {
        match self.store.run(name) {
            Ok(handle) => Ok(OpenedRun { handle }),
            Err(error) if error.kind == StoreErrorKind::Missing => Err(self.unknown(name, &error)),
            Err(error) => Err(error.into()),
        }
    }

    /// The latest run of a script.
    pub(crate) fn latest_of(&self, project: &Project, script: &Path) -> Result<OpenedRun, Failure> {
        let script = analysis::relative(project, script);
        let found = self.store.latest(Some(&script));
        if found
            .as_ref()
            .is_err_and(|it| it.kind == StoreErrorKind::Missing)
        {
            // A manifest that cannot be read may be the one that is meant.
            for run in self.store.runs()? {
                run.manifest()?;
            }
        }
        Ok(OpenedRun { handle: found? })
    }

    /// Ids and names that look like what was asked for.
    fn unknown(&self, wanted: &str, error: &StoreError) -> Failure {
        let mut known = Vec::new();
        for run in self.store.runs().unwrap_or_default() {
            known.push(run.id().to_owned());
            known.extend(run.manifest().ok().and_then(|manifest| manifest.name));
        }
        let likely = closest(wanted, &known);
        let failure = Failure::new(error.what.clone());
        if likely.is_empty() {
            return failure.help("list the runs with `florc runs`");
        }
        let shown: Vec<String> = likely.iter().map(|name| format!("`{name}`")).collect();
        failure.help(format!(
            "did you mean {}? `florc runs` lists all",
            shown.join(" or ")
        ))
    }
}

impl OpenedRun {
    /// All that is known of it.
    pub(crate) fn facts(&self) -> Result<RunFacts, Failure> {
        RunFacts::read(&self.handle)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let place = error.path.display();
        let title = match error.kind {
            StoreErrorKind::Missing | StoreErrorKind::Ambiguous => {
                format!("{} in `{place}`", error.what)
            }
            StoreErrorKind::Newer | StoreErrorKind::Damaged | StoreErrorKind::Io => {
                format!("`{place}`: {}", error.what)
            }
        };
        Self::new(title).help(error.help)
    }
}

/// Up to three names that differ little from what was written, nearest first.
pub(crate) fn closest(wanted: &str, names: &[String]) -> Vec<String> {
    let limit = (wanted.chars().count() / 3).max(2);
    let mut found: Vec<(usize, &String)> = names
        .iter()
        .map(|name| (distance(wanted, name), name))
        .collect();
    found.retain(|(distance, _)| *distance <= limit);
    found.sort();
    found.dedup();
    found
        .into_iter()
        .take(3)
        .map(|(_, name)| name.clone())
        .collect()
}

/// Edits (insert, delete, replace, swap neighbours) between two words: optimal string alignment.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1)
                .min(row[j - 1] + 1)
                .min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested() {
        let names = [
            "train.py".to_owned(),
            "test.py".to_owned(),
            "model.py".to_owned(),
        ];
        assert_eq!(closest("tarin.py", &names), ["train.py"]);
        assert!(closest("unrelated.py", &names).is_empty());
    }
}
