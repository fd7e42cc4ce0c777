//! Repositories inside of the repository, at the commits that each version of it names.
//!
//! ```python
//! # lib/engine.py: of the submodule `lib`, whose commit of HEAD~1 is compared with its working tree
//! ```

use std::path::Path;

use git2::{ObjectType, Oid};

use super::revisions::{ChangedFile, RevisionError, Revisions, Side};

/// The mode of an entry of the index that names a commit.
const GITLINK: u32 = 0o160_000;

impl Revisions {
    /// Those that are there, with their folders.
    fn submodules(&self) -> &[(String, Revisions)] {
        self.submodules.get_or_init(|| {
            let known = self.repository.submodules().unwrap_or_default();
            let opened = known.iter().filter_map(|it| {
                let path = it.path().to_string_lossy();
                let path = path.replace(std::path::MAIN_SEPARATOR, "/");
                Some((path, Revisions::of(it.open().ok()?)))
            });
            opened.collect()
        })
    }

    /// What a side has of a submodule.
    fn side_of(&self, side: &Side, folder: &str) -> Option<Side> {
        let commit = |id: Oid| Side::Revision(id.to_string());
        match side {
            Side::Revision(name) => {
                let tree = self.tree(name).ok()??;
                let entry = tree.get_path(Path::new(folder)).ok()?;
                (entry.kind() == Some(ObjectType::Commit)).then(|| commit(entry.id()))
            }
            Side::Index => {
                let entry = self
                    .repository
                    .index()
                    .ok()?
                    .get_path(Path::new(folder), 0)?;
                (entry.mode == GITLINK).then(|| commit(entry.id))
            }
            Side::WorkTree => Some(Side::WorkTree),
        }
    }

    /// The submodule that holds a path, what a side has of it, and the path in it.
    pub(super) fn in_submodule<'a>(
        &self,
        side: &Side,
        path: &'a str,
    ) -> Option<(&Revisions, Side, &'a str)> {
        let (folder, inner) = self.submodules().iter().find(|(folder, _)| {
            let rest = path.strip_prefix(folder.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })?;
        let rest = path[folder.len()..].trim_start_matches('/');
        Some((inner, self.side_of(side, folder)?, rest))
    }

    /// Files of submodules that differ.
    pub(super) fn changed_below(
        &self,
        old: &Side,
        new: &Side,
    ) -> Result<Vec<ChangedFile>, RevisionError> {
        let mut found = Vec::new();
        for (folder, inner) in self.submodules() {
            let sides = (self.side_of(old, folder), self.side_of(new, folder));
            let (Some(before), Some(after)) = sides else {
                continue;
            };
            if before == after {
                continue;
            }
            let below = |path: Option<String>| path.map(|path| format!("{folder}/{path}"));
            let changed = inner.changed(&before, &after)?;
            found.extend(changed.into_iter().map(|file| ChangedFile {
                old_path: below(file.old_path),
                new_path: below(file.new_path),
                ..file
            }));
        }
        Ok(found)
    }
}
