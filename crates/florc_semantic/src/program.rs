//! The files of a linked program by module name, and what an import may mean among them.
//!
//! ```python
//! from .data import load      # in pkg/train.py: the file of `pkg.data`, else of `pkg.data.load`
//! ```
//!
//! Names only; which of several meanings is the right one is told in [`crate::links`]. A module of
//! one file has no names here: all its imports are opaque.

use std::collections::BTreeMap;

use florc_syntax::FileInfo;

/// Files by module name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    /// Index of each file.
    names: BTreeMap<String, usize>,
    /// Module name and package of each file.
    files: Vec<(String, String)>,
}

/// Where an import leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A name in a file, or its submodule of that name.
    Member(usize, String),
    /// A file.
    File(usize),
    /// A folder without a file of its own.
    Namespace(String),
    /// Not in the program.
    Elsewhere(String),
}

impl Program {
    pub(crate) fn new(files: &[FileInfo]) -> Self {
        let mut program = Self::default();
        if files.len() < 2 {
            return program;
        }
        for (index, file) in files.iter().enumerate() {
            program.names.insert(file.name.clone(), index);
            let named = (file.name.clone(), file.package.clone());
            program.files.push(named);
        }
        program
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The file of a module below another.
    pub(crate) fn submodule(&self, of: usize, name: &str) -> Option<usize> {
        let (parent, _) = self.files.get(of)?;
        self.names.get(&format!("{parent}.{name}")).copied()
    }

    /// Files below a file, by the name that its package has for each.
    pub(crate) fn submodules(&self, of: usize) -> Vec<(&str, usize)> {
        let Some((parent, _)) = self.files.get(of) else {
            return Vec::new();
        };
        let below = self.names.iter().filter_map(|(name, file)| {
            let rest = name.strip_prefix(parent.as_str())?.strip_prefix('.')?;
            (!rest.contains('.')).then_some((rest, *file))
        });
        below.collect()
    }

    /// Where the path of an import in a file leads.
    pub(crate) fn place(&self, file: usize, path: &str) -> Place {
        match self.absolute(file, path) {
            Some(path) if !self.is_empty() => self.find(&path),
            _ => Place::Elsewhere(path.to_owned()),
        }
    }

    /// The file of which `from path import *` asks for the names; the path ends in a dot.
    pub(crate) fn star(&self, file: usize, prefix: &str) -> Option<usize> {
        let path = match prefix.trim_start_matches('.') {
            "" => prefix,
            _ => prefix.strip_suffix('.').unwrap_or(prefix),
        };
        let path = self.absolute(file, path).filter(|_| !self.is_empty())?;
        self.names.get(&path).copied()
    }

    /// Where an absolute dotted path leads.
    pub(crate) fn find(&self, path: &str) -> Place {
        if let Some((owner, name)) = path.rsplit_once('.')
            && let Some(file) = self.names.get(owner)
        {
            return Place::Member(*file, name.to_owned());
        }
        if let Some(file) = self.names.get(path) {
            return Place::File(*file);
        }
        let below = |name: &String| {
            name.strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        if self.names.keys().any(below) {
            return Place::Namespace(path.to_owned());
        }
        Place::Elsewhere(path.to_owned())
    }

    /// The path without leading dots.
    fn absolute(&self, file: usize, path: &str) -> Option<String> {
        let rest = path.trim_start_matches('.');
        let level = path.len() - rest.len();
        if level == 0 {
            return Some(path.to_owned());
        }
        let (_, package) = self.files.get(file)?;
        let mut parts: Vec<&str> = package.split('.').filter(|part| !part.is_empty()).collect();
        if parts.len() < level {
            return None;
        }
        parts.truncate(parts.len() + 1 - level);
        parts.push(rest);
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        Some(parts.collect::<Vec<_>>().join("."))
    }

    /// Whether a file is another one or a package around it: loaded whenever the other runs.
    pub(crate) fn is_around(&self, outer: usize, inner: usize) -> bool {
        let (Some((outer, _)), Some((inner, _))) = (self.files.get(outer), self.files.get(inner))
        else {
            return false;
        };
        let rest = inner.strip_prefix(outer.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// The files that importing a dotted path runs: its parents, itself, and the submodules that
    /// `from path import names` asks for.
    pub(crate) fn run_by(&self, file: usize, path: &str, names: &[&str]) -> Vec<usize> {
        let Some(path) = self.absolute(file, path).filter(|_| !self.is_empty()) else {
            return Vec::new();
        };
        let ends = path.match_indices('.').map(|(at, _)| at);
        let mut paths: Vec<String> = ends.map(|end| path[..end].to_owned()).collect();
        paths.extend(names.iter().map(|name| format!("{path}.{name}")));
        paths.push(path);
        let found = paths.iter().filter_map(|path| self.names.get(path));
        found.copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use florc_syntax::{Named, SourceText, link, parse};

    fn program(files: &[(&str, &str)]) -> Program {
        let file = |(name, package): &(&str, &str)| Named {
            name: (*name).to_owned(),
            package: (*package).to_owned(),
            module: parse(SourceText::from_bytes(*name, Vec::new()).expect("empty"))
                .expect("empty"),
            is_library: false,
        };
        let linked = link(files.iter().map(file).collect()).expect("has files");
        Program::new(linked.source.files())
    }

    #[track_caller]
    fn check(file: usize, path: &str, expected: &str) {
        let names = [("__main__", ""), ("p", "p"), ("p.a", "p"), ("n.b.c", "n.b")];
        let found = match program(&names).place(file, path) {
            Place::Member(file, name) => format!("{} of {}", name, names[file].0),
            Place::File(file) => names[file].0.to_owned(),
            Place::Namespace(path) => format!("folder {path}"),
            Place::Elsewhere(path) => format!("elsewhere {path}"),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn places() {
        check(0, "p", "p");
        check(0, "p.a", "a of p");
        check(0, "p.a.Net", "Net of p.a");
        check(0, "n", "folder n");
        check(0, "n.b", "folder n.b");
        check(0, "n.b.c", "n.b.c");
        check(0, "n.b.c.f", "f of n.b.c");
        check(0, "torch.nn", "elsewhere torch.nn");
        check(0, ".a", "elsewhere .a");
        check(1, ".a", "a of p");
        check(2, ".a.f", "f of p.a");
        check(2, ".", "p");
        check(2, "..x", "elsewhere ..x");
        check(3, "..d", "elsewhere n.d");
    }
}
