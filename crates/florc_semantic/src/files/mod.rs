//! The files of a program: what the entry script imports, as far as it is the project's own.
//!
//! ```python
//! from engine.trainer import Trainer     # engine/__init__.py, engine/trainer.py
//! from .model import Net                 # in engine/trainer.py: engine/model.py
//! import torch                           # installed: not a file of the program
//! ```
//!
//! Static and transitive: imports in functions and behind conditions count. Files come from a
//! [`Files`], so nothing here touches a disk. Of some libraries an excerpt belongs to the program
//! (`library.rs`). What the text does not tell (computed paths,
//! `importlib`) is left out; the runtime checks that what was imported is what was found here.

mod imports;
mod library;
mod search;
mod sys_path;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use florc_syntax::{Module, SourceText};

use search::{Place, Search};

pub use library::{LibraryLoop, library_loop};

/// A view of the files around a program. Paths are absolute, with `/`.
pub trait Files {
    /// The bytes of a file; `None` where there is none.
    fn read(&self, path: &str) -> Option<Vec<u8>>;
    /// Whether there is such a file.
    fn is_file(&self, path: &str) -> bool;
    /// Whether there is such a folder.
    fn is_folder(&self, path: &str) -> bool;
    /// The path with symbolic links resolved: two names of one file have the same.
    fn real(&self, path: &str) -> String;
    /// Whether a file is the project's own, by its real path.
    fn is_own(&self, real: &str) -> bool;
}

/// What is run, and where Python looks for modules.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// The file, absolute.
    pub path: String,
    /// The package that relative imports start from: `pkg` for `python -m pkg.train`, empty for a
    /// script.
    pub package: String,
    /// `sys.path` as the script begins: its own folder first.
    pub search: Vec<String>,
    /// Folder that relative paths mean.
    pub folder: String,
    /// Names that are never looked for: modules inside the interpreter.
    pub taken: BTreeSet<String>,
}

/// How much is taken.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Files, with the entry.
    pub files: usize,
    /// Bytes of all files together.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            files: 256,
            bytes: 4 << 20,
        }
    }
}

/// A file of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it is, absolute, as Python finds it.
    pub path: String,
    /// Dotted name: `engine.trainer`; `__main__` for the entry.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Of a library's file, the functions that belong to the program; else empty.
    pub excerpt: Vec<String>,
}

impl FoundFile {
    /// The package that its relative imports start from.
    pub fn package(&self, entry: &Entry) -> String {
        package_of(&self.name, &self.path, entry)
    }
}

fn package_of(name: &str, path: &str, entry: &Entry) -> String {
    if name == "__main__" {
        return entry.package.clone();
    }
    if path.ends_with("/__init__.py") {
        return name.to_owned();
    }
    let parent = name.rsplit_once('.').map(|(parent, _)| parent);
    parent.unwrap_or_default().to_owned()
}

/// Why a file of the project that is imported is not among the program's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// It is not Python as the parser knows it.
    Unreadable,
    /// It is imported under several names: several modules of one source.
    SeveralNames,
    /// Which of several files is meant depends on when it is imported.
    Ambiguous,
    /// There are too many files, or too many bytes.
    TooMuch,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The entry first, then in the order in which imports are met.
    pub files: Vec<FoundFile>,
    /// Path (or dotted name, where there are several files) and reason.
    pub left_out: Vec<(String, LeftOut)>,
}

/// The file that `python -m NAME` runs, and its package.
pub fn locate(entry: &Entry, files: &dyn Files, name: &str) -> Option<(String, String)> {
    let search = Search::new(entry, files, &[]);
    let Place::File(path) = search.find(name) else {
        return None;
    };
    if !path.ends_with("/__init__.py") {
        let package = name.rsplit_once('.').map_or("", |(package, _)| package);
        return Some((path, package.to_owned()));
    }
    match search.find(&format!("{name}.__main__")) {
        Place::File(path) => Some((path, name.to_owned())),
        Place::Folder | Place::Ambiguous | Place::Elsewhere => None,
    }
}

/// Finds the files. Only the entry itself when it cannot be parsed; nothing when it cannot be
/// read.
pub fn find(entry: &Entry, files: &dyn Files, limits: Limits) -> Program {
    let mut edits = Vec::new();
    // Each round may see more edits of `sys.path`; a few rounds end in practice.
    for _ in 0..4 {
        let mut round = Round::new(entry, files, limits, &edits);
        round.run();
        if round.edits == edits {
            return round.program();
        }
        edits = round.edits;
    }
    let mut round = Round::new(entry, files, limits, &edits);
    round.run();
    round.program()
}

struct Round<'a> {
    entry: &'a Entry,
    files: &'a dyn Files,
    limits: Limits,
    search: Search<'a>,
    /// Edits of `sys.path` in the files seen.
    edits: Vec<sys_path::Edit>,
    found: Vec<FoundFile>,
    /// Names under which each file, by its real path, is imported.
    names: BTreeMap<String, BTreeSet<String>>,
    left_out: Vec<(String, LeftOut)>,
    bytes: usize,
    waiting: VecDeque<(String, String)>,
    /// Loops of libraries that may run, in the order in which users of them are met.
    loops: Vec<&'static LibraryLoop>,
}

impl<'a> Round<'a> {
    fn new(
        entry: &'a Entry,
        files: &'a dyn Files,
        limits: Limits,
        edits: &[sys_path::Edit],
    ) -> Self {
        Self {
            entry,
            files,
            limits,
            search: Search::new(entry, files, edits),
            edits: Vec::new(),
            found: Vec::new(),
            names: BTreeMap::new(),
            left_out: Vec::new(),
            bytes: 0,
            waiting: VecDeque::new(),
            loops: Vec::new(),
        }
    }

    fn run(&mut self) {
        let entry = ("__main__".to_owned(), self.entry.path.clone());
        self.names
            .entry(self.files.real(&entry.1))
            .or_default()
            .insert(entry.0.clone());
        self.waiting.push_back(entry);
        while let Some((name, path)) = self.waiting.pop_front() {
            self.visit(name, path);
        }
        for each in std::mem::take(&mut self.loops) {
            self.found.extend(self.library(each));
        }
    }

    /// The file of an installed library; a copy in the project is a file like others.
    fn library(&self, each: &LibraryLoop) -> Option<FoundFile> {
        let Place::File(path) = self.search.find(each.module) else {
            return None;
        };
        let is_own = self.files.is_own(&self.files.real(&path));
        let bytes = self.files.read(&path).filter(|_| !is_own)?;
        let source = SourceText::from_bytes(path.as_str(), bytes.clone()).ok()?;
        // A library that is another one than is known, or that the parser cannot read, runs as it is.
        florc_syntax::excerpt(source, &[each.function]).ok()??;
        Some(FoundFile {
            name: each.module.to_owned(),
            path,
            bytes,
            excerpt: vec![each.function.to_owned()],
        })
    }

    fn visit(&mut self, name: String, path: String) {
        let Some(bytes) = self.files.read(&path) else {
            return;
        };
        let fits = self.found.len() < self.limits.files
            && self.bytes.saturating_add(bytes.len()) <= self.limits.bytes;
        if !fits && !self.found.is_empty() {
            self.left_out.push((path, LeftOut::TooMuch));
            return;
        }
        self.bytes += bytes.len();
        let parsed = SourceText::from_bytes(path.as_str(), bytes.clone());
        match parsed.and_then(florc_syntax::parse) {
            Ok(module) => self.imports_of(&name, &path, &module),
            Err(_) if self.found.is_empty() => {}
            Err(_) => {
                self.left_out.push((path, LeftOut::Unreadable));
                return;
            }
        }
        self.found.push(FoundFile {
            path,
            name,
            bytes,
            excerpt: Vec::new(),
        });
    }

    fn imports_of(&mut self, name: &str, path: &str, module: &Module) {
        let package = package_of(name, path, self.entry);
        for each in library::used_by(module, &package) {
            if self.loops.iter().all(|known| known.module != each.module) {
                self.loops.push(each);
            }
        }
        self.edits
            .extend(sys_path::edits(&module.tree, path, &self.entry.folder));
        for imported in imports::of(&module.tree, &package) {
            // `import a.b.c` runs `a`, `a.b` and `a.b.c`.
            let dots = imported.match_indices('.').map(|(at, _)| at);
            for end in dots.chain([imported.len()]) {
                self.import(&imported[..end]);
            }
        }
    }

    fn import(&mut self, name: &str) {
        match self.search.find(name) {
            Place::File(path) => {
                let real = self.files.real(&path);
                if !self.files.is_own(&real) {
                    return;
                }
                let names = self.names.entry(real).or_default();
                if names.insert(name.to_owned()) && names.len() == 1 {
                    self.waiting.push_back((name.to_owned(), path));
                }
            }
            Place::Ambiguous => {
                let entry = (name.to_owned(), LeftOut::Ambiguous);
                if !self.left_out.contains(&entry) {
                    self.left_out.push(entry);
                }
            }
            Place::Folder | Place::Elsewhere => {}
        }
    }

    /// Files of several names are several modules: none of them is linked. The entry stays.
    fn program(self) -> Program {
        let Self {
            mut found,
            mut left_out,
            names,
            files,
            ..
        } = self;
        found.retain(|file| {
            let several = names
                .get(&files.real(&file.path))
                .is_some_and(|names| names.len() > 1);
            if several && file.name != "__main__" {
                left_out.push((file.path.clone(), LeftOut::SeveralNames));
                return false;
            }
            true
        });
        Program {
            files: found,
            left_out,
        }
    }
}
