//! Carries probes into an older version: the recorded sources with the log statements of the
//! working tree, and with nothing else of it.
//!
//! ```python
//! # recorded                 # working tree             # carried
//! lr = 0.5                   lr = 0.4                   lr = 0.5
//! for x in data:             for x in batches:          for x in data:
//!     step(x)                    step(x)                    step(x)
//!                                print(norm(x))             print(norm(x))
//! ```
//!
//! A place is found by the matched statements around it; where they do not agree the probe is
//! refused with both places. What a carried statement needs comes along. Whether the result
//! differs from the recorded version by log statements only is not believed here: it is compared
//! again like any other edit.

mod anchor;
mod differences;
mod imports;
mod moves;
mod needs;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use florc_syntax::tree::{ExprKind, StmtId, StmtKind};
use florc_syntax::{EditSet, Module, Span};

use self::anchor::Anchors;
use crate::classify::{Version, holds_log};
use crate::matching::{Matching, match_versions};
use crate::named_values::{names_the_value, pair_named_values};
use crate::names::Names;
use crate::neighbours::is_log_block;
use crate::shape::{ModuleShapes, Shapes, Spelled, header_text, suites};

pub use self::differences::{Difference, DifferenceKind};

/// Why a probe cannot be carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The log statement of the newer version.
    pub stmt: StmtId,
    /// What is wrong, one line in lower case.
    pub title: String,
    /// Places in the newer version, with words.
    pub here: Vec<(Span, String)>,
    /// Places in the older version, with words.
    pub there: Vec<(Span, String)>,
}

/// A statement and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The statement of the newer version.
    pub stmt: StmtId,
    /// Its place in the older one.
    pub place: Place,
    /// Of an import that the older version has with fewer names: which of them come along. Else empty.
    pub names: Vec<usize>,
}

/// A place in the older version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Behind a statement, in its suite.
    After(StmtId),
    /// Before a statement, in its suite.
    Before(StmtId),
    /// A log statement that it replaces.
    Instead(StmtId),
}

/// The probes of the newer version in the older one.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    /// Edits of the older version.
    pub edits: EditSet,
    /// What is carried, in source order.
    pub placed: Vec<Placed>,
    /// What cannot be.
    pub refusals: Vec<Refusal>,
    /// What else differs; it takes no part.
    pub differences: Vec<Difference>,
    /// Which statement is which.
    pub matching: Matching,
}

/// Carries the log statements that `new` has and `old` has not.
pub fn carry(old: Version<'_>, new: Version<'_>) -> Carried {
    // Something else than a log statement never became one.
    let mut matching = match_versions(old.module, new.module)
        .only(|one, other| is_log(old, one) == is_log(new, other));
    pair_named_values(old.module, new.module, &mut matching);
    let names = Names::new(
        (old.module, old.semantics),
        (new.module, new.semantics),
        &matching,
    );
    let mut carrier = Carrier {
        old,
        new,
        matching: &matching,
        names: &names,
        shapes: &Shapes::default().of_module(old.module),
        carried: BTreeMap::new(),
        refusals: Vec::new(),
    };
    for probe in carrier.probes() {
        carrier.carry_with_needs(probe);
    }
    let placed = carrier.placed();
    let Carrier { refusals, .. } = carrier;
    let mut result = Carried {
        differences: differences::differences(old, new, &matching, &names, &placed),
        refusals,
        ..Carried::default()
    };
    result.matching.clone_from(&matching);
    for each in &placed {
        match text::edit(old.module, new.module, &names, each, &mut result.edits) {
            Ok(()) => result.placed.push(each.clone()),
            Err(refusal) => result.refusals.push(refusal),
        }
    }
    result
}

fn is_log(version: Version<'_>, stmt: StmtId) -> bool {
    matches!(&version.module.tree.stmt(stmt).kind,
        StmtKind::Expr { value } if version.judge.is_log(*value))
}

/// The first line of a statement.
fn first_line(module: &Module, stmt: StmtId) -> Span {
    let span = module.tree.stmt(stmt).span;
    let text = module.source.slice(span);
    let end = text.find('\n').unwrap_or(text.len());
    Span::new(span.start, span.start + text[..end].trim_end().len() as u32)
}

struct Carrier<'a> {
    old: Version<'a>,
    new: Version<'a>,
    matching: &'a Matching,
    names: &'a Names,
    shapes: &'a ModuleShapes,
    carried: BTreeMap<StmtId, Place>,
    refusals: Vec<Refusal>,
}

impl Carrier<'_> {
    /// Statements of the newer version that log something new, outermost ones, in source order.
    fn probes(&self) -> Vec<StmtId> {
        let mut found = Vec::new();
        let mut work: Vec<StmtId> = self.new.module.tree.bodies().flatten().copied().collect();
        work.reverse();
        while let Some(stmt) = work.pop() {
            if self.is_probe(stmt) {
                found.push(stmt);
                continue;
            }
            if self.is_definition(stmt) && self.is_all_new(stmt) {
                continue; // comes along where it is needed
            }
            let inner = suites(&self.new.module.tree.stmt(stmt).kind);
            let mut inner: Vec<StmtId> = inner.into_iter().flatten().copied().collect();
            inner.reverse();
            work.extend(inner);
        }
        found
    }

    fn is_probe(&self, stmt: StmtId) -> bool {
        match self.matching.old_stmts.get(&stmt) {
            Some(old) => {
                let are_blocks = is_log_block(self.new, stmt) && is_log_block(self.old, *old);
                let is_whole =
                    is_log(self.new, stmt) || are_blocks && self.has_new_header(*old, stmt);
                is_whole && (!self.says_the_same(*old, stmt) || self.has_moved(*old, stmt))
            }
            None => self.is_all_new(stmt) && !self.is_definition(stmt) && self.logs(stmt),
        }
    }

    fn says_the_same(&self, old: StmtId, new: StmtId) -> bool {
        self.matching.is_same(new)
            || self
                .names
                .is_renamed((self.old.module, old), (self.new.module, new))
    }

    /// The condition is another one.
    fn has_new_header(&self, old: StmtId, new: StmtId) -> bool {
        let none = Spelled::new();
        header_text(self.old.module, old, &none) != header_text(self.new.module, new, &none)
            && !self
                .names
                .is_renamed((self.old.module, old), (self.new.module, new))
    }

    /// It binds a name to what its partner computes and drops.
    fn names_a_value(&self, stmt: StmtId) -> bool {
        let partner = self.matching.old_stmts.get(&stmt);
        partner.is_some_and(|old| names_the_value((self.old.module, *old), (self.new.module, stmt)))
    }

    /// A recorded log statement that stands where its surroundings do not.
    fn has_moved(&self, old: StmtId, new: StmtId) -> bool {
        let anchors = Anchors::new((self.old, self.new), self.matching, self.names, self.shapes);
        anchors
            .place(new)
            .is_ok_and(|place| !anchors.is_at(place, old))
    }

    /// Neither it nor anything in it is in the older version.
    fn is_all_new(&self, stmt: StmtId) -> bool {
        let tree = &self.new.module.tree;
        tree.descendants(stmt)
            .all(|each| !self.matching.old_stmts.contains_key(&each))
    }

    fn is_definition(&self, stmt: StmtId) -> bool {
        let kind = &self.new.module.tree.stmt(stmt).kind;
        matches!(kind, StmtKind::FunctionDef(_) | StmtKind::ClassDef(_))
    }

    /// Whether a log statement is in it, or in a new function that it calls.
    fn logs(&self, stmt: StmtId) -> bool {
        if holds_log(self.new, stmt) {
            return true;
        }
        let tree = &self.new.module.tree;
        let calls = tree
            .exprs_in(stmt)
            .any(|expr| matches!(tree.expr(expr).kind, ExprKind::Call { .. }));
        calls && {
            let reached = self.new.judge.may_reach(&[stmt]).into_iter();
            let mut defs = reached.filter_map(|id| self.new.semantics.function(id).stmt);
            defs.any(|def| self.is_all_new(def) && holds_log(self.new, def))
        }
    }

    /// Places a statement, then what it needs; nothing of it when something is missing.
    fn carry_with_needs(&mut self, probe: StmtId) {
        let before = self.carried.clone();
        let mut work = vec![probe];
        let mut seen: BTreeSet<StmtId> = BTreeSet::new();
        while let Some(stmt) = work.pop() {
            if self.carried.contains_key(&stmt) || !seen.insert(stmt) {
                continue;
            }
            match self.place_and_needs(stmt) {
                Ok((place, needs)) => {
                    self.carried.insert(stmt, place);
                    work.extend(needs);
                }
                Err(mut refusal) => {
                    if stmt != probe {
                        let span = self.new.module.tree.stmt(probe).span;
                        refusal.here.push((span, "this needs it".to_owned()));
                        refusal.stmt = probe;
                    }
                    self.refusals.push(refusal);
                    self.carried = before;
                    return;
                }
            }
        }
    }

    fn place_and_needs(&self, stmt: StmtId) -> Result<(Place, Vec<StmtId>), Refusal> {
        let anchors = Anchors::new((self.old, self.new), self.matching, self.names, self.shapes);
        let place = match self.matching.old_stmts.get(&stmt) {
            Some(old) if imports::is_import(self.new.module, stmt) => Place::After(*old),
            Some(old) if !self.has_moved(*old, stmt) => Place::Instead(*old),
            _ => anchors.place(stmt)?,
        };
        let needs = self.needs(stmt, place)?;
        Ok((place, needs))
    }
}
