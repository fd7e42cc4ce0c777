//! Which file a dotted name means, as Python's path finder looks for it.
//!
//! ```python
//! import engine.data      # engine/__init__.py in the first folder of sys.path that has it, then data.py
//! ```
//!
//! A package goes before a module of the same name; folders without `__init__.py` are packages
//! where nothing else is. Extension modules are not seen.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::sys_path::Edit;
use super::{Entry, Files};

/// What a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A source file.
    File(String),
    /// A package without a file.
    Folder,
    /// Different files, depending on when it is imported.
    Ambiguous,
    /// Nothing that can be seen.
    Elsewhere,
}

/// A name with the folders where its submodules are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Spec {
    Module(String),
    Package { file: String, folder: String },
    Namespace(Vec<String>),
}

pub(super) struct Search<'a> {
    entry: &'a Entry,
    files: &'a dyn Files,
    /// Folders put at the front of `sys.path`, and at its end.
    front: Vec<String>,
    back: Vec<String>,
    known: RefCell<BTreeMap<String, Place>>,
}

impl<'a> Search<'a> {
    pub(super) fn new(entry: &'a Entry, files: &'a dyn Files, edits: &[Edit]) -> Self {
        let mut search = Self {
            entry,
            files,
            front: Vec::new(),
            back: Vec::new(),
            known: RefCell::default(),
        };
        for edit in edits {
            let (folders, folder) = match edit {
                Edit::Front(folder) => (&mut search.front, folder),
                Edit::Back(folder) => (&mut search.back, folder),
            };
            if !entry.search.contains(folder) && !folders.contains(folder) {
                folders.push(folder.clone());
            }
        }
        search
    }

    pub(super) fn find(&self, name: &str) -> Place {
        if let Some(place) = self.known.borrow().get(name) {
            return place.clone();
        }
        let place = self.look(name);
        self.known
            .borrow_mut()
            .insert(name.to_owned(), place.clone());
        place
    }

    fn look(&self, name: &str) -> Place {
        let top = name.split('.').next().unwrap_or(name);
        if self.entry.taken.contains(top) {
            return Place::Elsewhere;
        }
        let folders = || (self.entry.search.iter()).chain(&self.back).cloned();
        let plain: Vec<String> = folders().collect();
        let found = self.resolve(name, &plain);
        // Each folder at the front is looked at before the others, or not yet: all must agree.
        for front in &self.front {
            let edited: Vec<String> = std::iter::once(front.clone()).chain(folders()).collect();
            let other = self.resolve(name, &edited);
            if other != found && found.is_some() {
                return Place::Ambiguous;
            }
        }
        let all: Vec<String> = self.front.iter().cloned().chain(folders()).collect();
        match found.or_else(|| self.resolve(name, &all)) {
            Some(Spec::Module(file) | Spec::Package { file, .. }) => Place::File(file),
            Some(Spec::Namespace(_)) => Place::Folder,
            None => Place::Elsewhere,
        }
    }

    fn resolve(&self, name: &str, search: &[String]) -> Option<Spec> {
        let mut folders = search.to_vec();
        let mut spec = None;
        for part in name.split('.') {
            let found = self.in_folders(part, &folders)?;
            folders = match &found {
                Spec::Module(_) => Vec::new(),
                Spec::Package { folder, .. } => vec![folder.clone()],
                Spec::Namespace(folders) => folders.clone(),
            };
            spec = Some(found);
        }
        spec
    }

    fn in_folders(&self, part: &str, folders: &[String]) -> Option<Spec> {
        let mut portions = Vec::new();
        for folder in folders {
            let place = join(folder, part);
            let file = join(&place, "__init__.py");
            if self.files.is_file(&file) {
                return Some(Spec::Package {
                    file,
                    folder: place,
                });
            }
            let file = format!("{place}.py");
            if self.files.is_file(&file) {
                return Some(Spec::Module(file));
            }
            if self.files.is_folder(&place) {
                portions.push(place);
            }
        }
        (!portions.is_empty()).then_some(Spec::Namespace(portions))
    }
}

fn join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}
