//! Statements that went from one file to another between two versions.
//!
//! ```python
//! # train.py, older          # engine.py, newer
//! def step(x):               def step(x):
//!     print(loss)                print(loss)     # this was train.py's
//! ```
//!
//! The files are linked and matched as one program, whatever imports what. What moved inside of its
//! file is not told.

use florc_syntax::tree::StmtId;
use florc_syntax::{Module, Named};

use crate::matching::match_versions;
use crate::names::Names;

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
    let linked = |of: fn(&FileVersions<'_>) -> Module| {
        let named = files.iter().enumerate().map(|(number, file)| Named {
            // Versions of one file are one file, whatever it is called.
            name: format!("file_{number}"),
            package: String::new(),
            module: of(file),
            is_library: false,
        });
        florc_syntax::link(named.collect())
    };
    let both = (linked(|it| it.old.clone()), linked(|it| it.new.clone()));
    let (Some(old), Some(new)) = both else {
        return Vec::new();
    };
    let matching = match_versions(&old, &new);
    let (mine, _) = florc_semantic::analyze(&old);
    let (theirs, _) = florc_semantic::analyze(&new);
    let names = Names::new((&old, &mine), (&new, &theirs), &matching);
    let places = matching.stmts.iter().map(|(one, other)| {
        let is_same = matching.is_same(*other) || {
            let (mine, theirs) = (old.tree.descendants(*one), new.tree.descendants(*other));
            mine.count() == theirs.count()
                && old.tree.descendants(*one).all(|it| {
                    let partner = matching.stmts.get(&it);
                    partner.is_some_and(|partner| names.is_renamed((&old, it), (&new, *partner)))
                })
        };
        let from = place(files.iter().map(|it| it.old), *one);
        let to = place(files.iter().map(|it| it.new), *other);
        MovedStatement { from, to, is_same }
    });
    places.filter(|it| it.from.0 != it.to.0).collect()
}

/// The file of a statement of the linked program, and the statement there: ids follow each other.
fn place<'a>(files: impl Iterator<Item = &'a Module>, StmtId(mut id): StmtId) -> (usize, StmtId) {
    for (number, file) in files.enumerate() {
        let count = file.tree.stmt_count() as u32;
        if id < count {
            return (number, StmtId(id));
        }
        id -= count;
    }
    (usize::MAX, StmtId(id))
}
