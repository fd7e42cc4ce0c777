//! The files of a program, on disk.
//!
//! ```python
//! # project/train.py: from engine.trainer import Trainer    ->  engine/__init__.py, engine/trainer.py
//! ```
//!
//! Which import means which file is `florc_semantic`'s knowledge; this reads, and tells the
//! project's files from installed ones. Used by the commands and by the recording process.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use florc_manifest::ProgramModule;
use florc_semantic::files::{Files, FoundFile, Limits, Program, find, locate};
use florc_syntax::{Diagnostic, ProgramFile, SourceText};

pub use florc_semantic::files::{Entry, LeftOut};

/// Where the project's own files are.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// The project root, with symbolic links resolved.
    root: PathBuf,
    /// Folders of installed packages and of Python itself.
    installed: Vec<PathBuf>,
}

impl Disk {
    /// The project below `root`; files below `installed` are not its own.
    pub fn new(root: &Path, installed: Vec<PathBuf>) -> Self {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
        Self { root, installed }
    }

    /// A path as the store names it: relative to the project, with `/`; absolute outside.
    pub fn name_of(&self, path: &str) -> String {
        let real = self.real(path);
        let inside = Path::new(&real).strip_prefix(&self.root);
        inside.map_or_else(|_| real.clone(), |path| path.to_string_lossy().into_owned())
    }

    /// How a run names a file of its program.
    pub fn module(&self, file: &FoundFile, entry: &Entry) -> ProgramModule {
        ProgramModule {
            path: if file.excerpt.is_empty() {
                self.name_of(&file.path)
            } else {
                library_path(file)
            },
            name: file.name.clone(),
            package: file.package(entry),
            excerpt: file.excerpt.clone(),
        }
    }

    /// The file that `python -m NAME` runs, and its package.
    pub fn locate(&self, entry: &Entry, name: &str) -> Option<(String, String)> {
        locate(entry, self, name)
    }

    /// The program that an entry begins.
    pub fn program(&self, entry: &Entry) -> Program {
        find(entry, self, Limits::default())
    }
}

impl Files for Disk {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        std::fs::read(path).ok()
    }

    fn is_file(&self, path: &str) -> bool {
        Path::new(path).is_file()
    }

    fn is_folder(&self, path: &str) -> bool {
        Path::new(path).is_dir()
    }

    fn real(&self, path: &str) -> String {
        let real = Path::new(path).canonicalize();
        real.map_or_else(
            |_| path.to_owned(),
            |path| path.to_string_lossy().into_owned(),
        )
    }

    fn is_own(&self, real: &str) -> bool {
        let path = Path::new(real);
        let Ok(inside) = path.strip_prefix(&self.root) else {
            return false;
        };
        let installed = self.installed.iter().any(|folder| path.starts_with(folder));
        let environment = || {
            let folders = inside.ancestors().skip(1);
            folders
                .map(|folder| self.root.join(folder))
                .any(|folder| folder.join("pyvenv.cfg").is_file())
        };
        !installed && !real.contains("site-packages") && !environment()
    }
}

/// `transformers/trainer.py`, wherever packages are installed.
fn library_path(file: &FoundFile) -> String {
    let path = file.name.replace('.', "/");
    let is_package = file.path.ends_with("/__init__.py");
    path + if is_package { "/__init__.py" } else { ".py" }
}

/// What a command knows of how a script is started: not `PYTHONPATH`, and installed packages only as
/// far as their folders are given. A script inside a package that imports relatively is taken to be
/// run as `python -m`.
pub fn guess(script: &Path, root: &Path, packages: Vec<PathBuf>) -> Entry {
    let path = std::path::absolute(script).unwrap_or_else(|_| script.to_path_buf());
    let folder = path.parent().unwrap_or(root).to_path_buf();
    let mut top = folder.clone();
    let mut package: Vec<String> = Vec::new();
    while top.join("__init__.py").is_file() {
        let name = top.file_name().unwrap_or_default();
        package.insert(0, name.to_string_lossy().into_owned());
        if !top.pop() {
            break;
        }
    }
    let mut search: Vec<String> = Vec::new();
    let own = [folder, top, root.to_path_buf(), root.join("src")];
    for folder in own.into_iter().chain(packages) {
        let folder = folder.to_string_lossy().into_owned();
        if !search.contains(&folder) {
            search.push(folder);
        }
    }
    Entry {
        path: path.to_string_lossy().into_owned(),
        package: package.join("."),
        folder: search[0].clone(),
        search,
        taken: BTreeSet::new(),
    }
}

/// A file of a program, decoded.
pub fn decoded(module: &ProgramModule, bytes: Vec<u8>) -> Result<ProgramFile, Diagnostic> {
    Ok(ProgramFile {
        path: module.path.clone(),
        name: module.name.clone(),
        package: module.package.clone(),
        source: text(module, bytes)?,
        is_library: !module.excerpt.is_empty(),
    })
}

/// The text of a file of a program; of a library's file the excerpt.
fn text(module: &ProgramModule, bytes: Vec<u8>) -> Result<SourceText, Diagnostic> {
    let path = || module.path.clone();
    let source = SourceText::from_bytes(path(), bytes)?;
    if module.excerpt.is_empty() {
        return Ok(source);
    }
    let found = florc_syntax::excerpt(source, &module.excerpt)?;
    found.map_or_else(|| SourceText::from_bytes(path(), Vec::new()), Ok)
}
