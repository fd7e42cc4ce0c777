//! Statements that went from one file to another between two versions.
//!
//! ```python
//! # train.py, older          # engine.py, newer
//! def step(x):               def step(x):
//!     print(loss)                print(loss)     # this was train.py's
//! ```
//!
//! The files are linked and matched as one program, whatever imports what. What moved inside of its
//! file is not told, nor is a simple statement that says the same as one of another file and has
//! nothing of it around.

use std::collections::BTreeMap;

use florc_syntax::tree::StmtId;
use florc_syntax::{Module, Named};

use crate::matching::{Matching, match_versions};
use crate::names::Names;

/// The number of a file, and a statement of it.
type Place = (usize, StmtId);

/// Both versions of a file; one that is missing is empty.
#[derive(Clone, Copy, Debug)]
pub struct FileVersions<'a> {
    /// The older one.
    pub old: &'a Module,
    /// The newer one.
    pub new: &'a Module,
}

/// A statement that is in another file now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovedStatement {
    /// Number of the file in the older version, and the statement there.
    pub from: (usize, StmtId),
    /// The same of the newer version.
    pub to: (usize, StmtId),
    /// It says the same, with all that it holds; variables may be called otherwise.
    pub is_same: bool,
}

/// What went from one of the files to another, by older place.
pub fn moved_across_files(files: &[FileVersions<'_>]) -> Vec<MovedStatement> {
    let (Some(old), Some(new)) = (linked(files, |it| it.old), linked(files, |it| it.new)) else {
        return Vec::new();
    };
    let (mine, _) = florc_semantic::analyze(&old.program);
    let (theirs, _) = florc_semantic::analyze(&new.program);
    let matching = match_versions(&old.program, &new.program);
    let names = Names::new((&old.program, &mine), (&new.program, &theirs), &matching);
    let versions = Versions {
        old,
        new,
        matching,
        names,
    };
    versions.moved()
}

/// The files of a version as one program.
struct Linked {
    program: Module,
    /// The first statement of each file: ids follow each other.
    starts: Vec<u32>,
}

fn linked<'a>(
    files: &[FileVersions<'a>],
    of: fn(&FileVersions<'a>) -> &'a Module,
) -> Option<Linked> {
    let mut starts = Vec::with_capacity(files.len());
    let mut named = Vec::with_capacity(files.len());
    let mut count = 0;
    for (number, file) in files.iter().enumerate() {
        starts.push(count);
        count += of(file).tree.stmt_count() as u32;
        named.push(Named {
            // Versions of one file are one file, whatever it is called.
            name: format!("file_{number}"),
            package: String::new(),
            module: of(file).clone(),
            is_library: false,
        });
    }
    let program = florc_syntax::link(named)?;
    Some(Linked { program, starts })
}

impl Linked {
    fn place(&self, StmtId(id): StmtId) -> Place {
        let number = self.starts.partition_point(|start| *start <= id) - 1;
        (number, StmtId(id - self.starts[number]))
    }

    /// What holds a statement: a file, and a statement of it.
    fn holder(&self, stmt: StmtId) -> (usize, Option<StmtId>) {
        (self.place(stmt).0, self.program.tree.parent(stmt))
    }

    fn is_simple(&self, stmt: StmtId) -> bool {
        self.program.tree.descendants(stmt).count() == 1
    }
}

struct Versions {
    old: Linked,
    new: Linked,
    matching: Matching,
    names: Names,
}

impl Versions {
    fn moved(&self) -> Vec<MovedStatement> {
        let pairs = self
            .matching
            .stmts
            .iter()
            .map(|(one, other)| (*one, *other));
        let holders = |(one, other)| (self.old.holder(one), self.new.holder(other));
        let mut together: BTreeMap<_, usize> = BTreeMap::new();
        for pair in pairs.clone() {
            *together.entry(holders(pair)).or_default() += 1;
        }
        let came_along = |pair: &(StmtId, StmtId)| {
            let ((_, holder), (_, now)) = holders(*pair);
            let is_held = holder.is_some_and(|it| self.matching.stmts.get(&it).copied() == now);
            is_held || !self.old.is_simple(pair.0) || together[&holders(*pair)] > 1
        };
        let moved = pairs.filter(|(one, other)| self.old.place(*one).0 != self.new.place(*other).0);
        moved
            .filter(came_along)
            .map(|(one, other)| MovedStatement {
                from: self.old.place(one),
                to: self.new.place(other),
                is_same: self.says_the_same(one, other),
            })
            .collect()
    }

    fn says_the_same(&self, one: StmtId, other: StmtId) -> bool {
        let (old, new) = (&self.old.program, &self.new.program);
        let renamed = |it: StmtId| {
            let partner = self.matching.stmts.get(&it);
            partner.is_some_and(|partner| self.names.is_renamed((old, it), (new, *partner)))
        };
        let count = new.tree.descendants(other).count();
        self.matching.is_same(other)
            || old.tree.descendants(one).count() == count && old.tree.descendants(one).all(renamed)
    }
}
