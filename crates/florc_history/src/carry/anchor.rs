//! Where a new statement belongs in the older version.
//!
//! ```python
//! optimizer.step()      # matched: behind it …
//! print(norm)           # … goes this one
//! total += loss         # … and before this, which is matched, too
//! ```
//!
//! The nearest matched statements of the same suite are asked. What stands between their partners
//! must not matter to the statement; loops and conditions around must be the same ones. It looks
//! at no text.

use florc_syntax::tree::{StmtId, StmtKind};
use florc_syntax::{Module, Span};

use super::{Place, Refusal, first_line};
use crate::align::body_at;
use crate::classify::Version;
use crate::matching::Matching;
use crate::names::Names;
use crate::shape::{ModuleShapes, suites};

pub(super) struct Anchors<'a> {
    old: Version<'a>,
    new: Version<'a>,
    matching: &'a Matching,
    names: &'a Names,
    /// What each statement of the older version says.
    shapes: &'a ModuleShapes,
}

impl<'a> Anchors<'a> {
    pub(super) fn new(
        (old, new): (Version<'a>, Version<'a>),
        matching: &'a Matching,
        names: &'a Names,
        shapes: &'a ModuleShapes,
    ) -> Self {
        Self {
            old,
            new,
            matching,
            names,
            shapes,
        }
    }

    /// The place of a statement; an error names what makes it doubtful.
    pub(super) fn place(&self, stmt: StmtId) -> Result<Place, Refusal> {
        let suite = suite_of(self.new.module, stmt);
        let at = suite.iter().position(|each| *each == stmt).unwrap_or(0);
        let owner = self.old_owner(stmt);
        let before = suite[..at].iter().rev();
        let before = before
            .into_iter()
            .find_map(|it| self.images(*it, owner).last().copied());
        let after = suite[at + 1..].iter();
        let after = after
            .into_iter()
            .find_map(|it| self.images(*it, owner).first().copied());
        let place = match (before, after) {
            (Some(before), Some(after)) => self.between(stmt, before, after)?,
            (Some(before), None) => self.at_end(stmt, before)?,
            (None, Some(after)) => self.at_start(stmt, after)?,
            (None, None) => return Err(self.nothing_around(stmt)),
        };
        self.check_around(stmt, place)?;
        self.check_twins(stmt, place)?;
        Ok(place)
    }

    /// Where the recorded function says the same a second time, and the working tree only once,
    /// nobody knows which of the two is left. So it is with another function that is gone, where
    /// the function at hand has another name now.
    fn check_twins(&self, stmt: StmtId, place: Place) -> Result<(), Refusal> {
        let (Place::After(at) | Place::Before(at) | Place::Instead(at)) = place;
        let shape = self.shapes.whole[at.0 as usize];
        let function = self.old.semantics.function_of_stmt(at);
        let may_be_another = self.is_renamed(at);
        let all = (0..self.old.module.tree.stmt_count() as u32).map(StmtId);
        let twin = all.into_iter().find(|it| {
            *it != at
                && self.shapes.whole[it.0 as usize] == shape
                && !self.matching.stmts.contains_key(it)
                && (self.old.semantics.function_of_stmt(*it) == function
                    || may_be_another && self.is_gone(*it))
        });
        match twin {
            None => Ok(()),
            Some(twin) => Err(Refusal {
                there: vec![
                    (self.old_span(at), "beside this".to_owned()),
                    (self.old_span(twin), "or beside this".to_owned()),
                ],
                ..self.ambiguous(stmt, at, twin)
            }),
        }
    }

    /// Whether the function around a statement of the older version is called otherwise now.
    fn is_renamed(&self, stmt: StmtId) -> bool {
        let name = |module: &Module, def: StmtId| match &module.tree.stmt(def).kind {
            StmtKind::FunctionDef(def) => def.name.text.clone(),
            _ => String::new(),
        };
        let (_, def) = around(self.old.module, stmt);
        let partner = def.and_then(|def| Some((def, *self.matching.stmts.get(&def)?)));
        partner.is_some_and(|(def, now)| name(self.old.module, def) != name(self.new.module, now))
    }

    /// Whether the function around a statement of the older version is not in the newer one.
    fn is_gone(&self, stmt: StmtId) -> bool {
        let (_, def) = around(self.old.module, stmt);
        def.is_some_and(|def| !self.matching.stmts.contains_key(&def))
    }

    /// What a statement is in the older version: its partner, or, where it calls a new function,
    /// the statements of the owner's suite that were moved there.
    fn images(&self, stmt: StmtId, owner: Option<StmtId>) -> Vec<StmtId> {
        if let Some(partner) = self.matching.old_stmts.get(&stmt) {
            return vec![*partner];
        }
        let is_new = |def: &StmtId| !self.matching.old_stmts.contains_key(def);
        let reached = self.new.judge.may_reach(&[stmt]).into_iter();
        let defs = reached.filter_map(|id| self.new.semantics.function(id).stmt);
        let bodies = defs
            .filter(is_new)
            .flat_map(|def| self.new.module.tree.blocks(def));
        let partners = bodies
            .flatten()
            .filter_map(|it| self.matching.old_stmts.get(it));
        let mut found: Vec<StmtId> = partners.copied().collect();
        found.retain(|it| self.old.module.tree.parent(*it) == owner);
        found.sort_unstable();
        found
    }

    /// Whether a statement of the older version stands at a place.
    pub(super) fn is_at(&self, place: Place, stmt: StmtId) -> bool {
        let suite = suite_of(self.old.module, stmt);
        let at = suite.iter().position(|each| *each == stmt).unwrap_or(0);
        match place {
            Place::Instead(other) => other == stmt,
            Place::After(other) => {
                let mut others = suite[..at].iter().rev();
                others.find(|each| **each == other || !self.is_log(**each)) == Some(&other)
            }
            Place::Before(other) => {
                let mut others = suite[at + 1..].iter();
                others.find(|each| **each == other || !self.is_log(**each)) == Some(&other)
            }
        }
    }

    fn is_log(&self, stmt: StmtId) -> bool {
        super::is_log(self.old, stmt)
    }

    fn between(&self, stmt: StmtId, before: StmtId, after: StmtId) -> Result<Place, Refusal> {
        let suite = suite_of(self.old.module, before);
        let find = |wanted| suite.iter().position(|each| *each == wanted);
        if let (Some(first), Some(last)) = (find(before), find(after))
            && first < last
        {
            self.unmoved_by(stmt, &suite[first + 1..last], (Some(before), Some(after)))?;
            return Ok(Place::After(before));
        }
        // The neighbours are apart: the one that stands in the partner of the suite's owner counts.
        let owner = self.old_owner(stmt);
        let parent = |of| self.old.module.tree.parent(of);
        match (parent(before) == owner, parent(after) == owner) {
            (true, false) if find(after).is_none() => self.at_end(stmt, before),
            (false, true) if find(after).is_none() => self.at_start(stmt, after),
            _ => Err(self.ambiguous(stmt, before, after)),
        }
    }

    fn at_end(&self, stmt: StmtId, before: StmtId) -> Result<Place, Refusal> {
        let suite = suite_of(self.old.module, before);
        let at = suite.iter().position(|each| *each == before).unwrap_or(0);
        self.unmoved_by(stmt, &suite[at + 1..], (Some(before), None))?;
        Ok(Place::After(before))
    }

    fn at_start(&self, stmt: StmtId, after: StmtId) -> Result<Place, Refusal> {
        let suite = suite_of(self.old.module, after);
        let at = suite.iter().position(|each| *each == after).unwrap_or(0);
        self.unmoved_by(stmt, &suite[..at], (None, Some(after)))?;
        Ok(Place::Before(after))
    }

    /// What the older version has in between must not matter to the statement.
    fn unmoved_by(
        &self,
        stmt: StmtId,
        between: &[StmtId],
        (before, after): (Option<StmtId>, Option<StmtId>),
    ) -> Result<(), Refusal> {
        let Some(reason) = between.iter().find_map(|each| self.matters(stmt, *each)) else {
            return Ok(());
        };
        let text = |text: &str| text.to_owned();
        let mut there = vec![reason];
        there.extend(before.map(|it| (self.old_span(it), text("it may belong behind this"))));
        let last = between
            .last()
            .map(|it| (self.old_span(*it), text("or behind this")));
        there.extend(last.filter(|(span, _)| there[0].0 != *span));
        there.extend(after.map(|it| (self.old_span(it), text("it stands before this now"))));
        Err(Refusal {
            stmt,
            title: "the recorded version has statements here that the working tree has not, and they matter to this one".to_owned(),
            here: vec![(self.new_span(stmt), text("where does it belong?"))],
            there,
        })
    }

    /// Why it matters whether a statement runs before or after one of the older version.
    fn matters(&self, stmt: StmtId, other: StmtId) -> Option<(Span, String)> {
        if self.is_log(other) || self.is_definition(other) && !self.defines(stmt, other) {
            return None;
        }
        let span = self.old_span(other);
        if leaves(self.old.module, other) {
            return Some((span, "it may end this suite early".to_owned()));
        }
        let function = self.old.semantics.function_of_stmt(other);
        let effect = self.old.judge.effect(function, &[other]);
        let changed = effect.changed();
        let own = self.new.semantics.function_of_stmt(stmt);
        if effect.draws() && self.new.judge.effect(own, &[stmt]).draws() {
            return Some((span, "both draw random numbers".to_owned()));
        }
        if let Some((at, why)) = effect.unknown.into_iter().next() {
            return Some((at, why));
        }
        if !self.new.judge.may_reach(&[stmt]).is_empty()
            && let Some(binding) = changed.first()
        {
            // A function that it calls may read anything.
            let name = &self.old.semantics.binding(*binding).name;
            return Some((span, format!("it changes `{name}`")));
        }
        let reads = self.new.semantics.read_in(&[stmt]);
        let reads: Vec<_> = reads
            .into_iter()
            .filter_map(|it| self.names.old_of(it))
            .collect();
        let binding = changed.into_iter().find(|it| reads.contains(it))?;
        let name = &self.old.semantics.binding(binding).name;
        Some((span, format!("it changes `{name}`")))
    }

    fn is_definition(&self, stmt: StmtId) -> bool {
        let kind = &self.old.module.tree.stmt(stmt).kind;
        matches!(kind, StmtKind::FunctionDef(_) | StmtKind::ClassDef(_))
    }

    /// Whether a statement reads what a definition of the older version defines.
    fn defines(&self, stmt: StmtId, definition: StmtId) -> bool {
        let bound = self.old.semantics.bound_by(definition);
        let reads = self.new.semantics.read_in(&[stmt]).into_iter();
        let mut reads = reads.filter_map(|it| self.names.old_of(it));
        reads.any(|it| bound.contains(&it))
    }

    /// The loops, conditions and the like around the statement must be those around its place.
    fn check_around(&self, stmt: StmtId, place: Place) -> Result<(), Refusal> {
        let (Place::After(at) | Place::Before(at) | Place::Instead(at)) = place;
        let (mine, my_def) = around(self.new.module, stmt);
        let (theirs, their_def) = around(self.old.module, at);
        let partner = |it: &StmtId| self.matching.old_stmts.get(it).copied();
        let images: Vec<Option<StmtId>> = mine.iter().map(partner).collect();
        let same_def = match (my_def, their_def) {
            (Some(mine), Some(theirs)) => partner(&mine) == Some(theirs),
            (mine, theirs) => mine == theirs,
        };
        let agree = if same_def {
            images.len() == theirs.len()
        } else {
            // Code that was moved into a function: the loops around are those of its call.
            images.len() <= theirs.len()
        };
        let zipped = images.iter().zip(&theirs);
        if agree && zipped.into_iter().all(|(image, it)| *image == Some(*it)) {
            return Ok(());
        }
        let strange = mine
            .iter()
            .find(|it| partner(it).is_none_or(|image| !theirs.contains(&image)));
        let text = "the recorded version does not have this around it".to_owned();
        Err(Refusal {
            stmt,
            title:
                "what stands around this statement is not around its place in the recorded version"
                    .to_owned(),
            here: std::iter::once((self.new_span(stmt), "this statement".to_owned()))
                .chain(strange.map(|it| (first_line(self.new.module, *it), text)))
                .collect(),
            there: vec![(
                self.old_span(at),
                "its place would be beside this".to_owned(),
            )],
        })
    }

    fn old_owner(&self, stmt: StmtId) -> Option<StmtId> {
        let owner = self.new.module.tree.parent(stmt)?;
        self.matching.old_stmts.get(&owner).copied()
    }

    fn ambiguous(&self, stmt: StmtId, before: StmtId, after: StmtId) -> Refusal {
        Refusal {
            stmt,
            title: "this statement has two places in the recorded version".to_owned(),
            here: vec![(self.new_span(stmt), "this statement".to_owned())],
            there: vec![
                (self.old_span(before), "behind this".to_owned()),
                (self.old_span(after), "or before this".to_owned()),
            ],
        }
    }

    fn nothing_around(&self, stmt: StmtId) -> Refusal {
        Refusal {
            stmt,
            title: "nothing around this statement is in the recorded version".to_owned(),
            here: vec![(self.new_span(stmt), "its place is not known".to_owned())],
            there: Vec::new(),
        }
    }

    fn old_span(&self, stmt: StmtId) -> Span {
        first_line(self.old.module, stmt)
    }

    fn new_span(&self, stmt: StmtId) -> Span {
        first_line(self.new.module, stmt)
    }
}

/// The suite that holds a statement.
pub(super) fn suite_of(module: &Module, stmt: StmtId) -> &[StmtId] {
    let tree = &module.tree;
    match tree.parent(stmt) {
        None => body_at(module, tree.stmt(stmt).span.start),
        Some(parent) => {
            let suites = suites(&tree.stmt(parent).kind);
            let mut holding = suites.into_iter().filter(|suite| suite.contains(&stmt));
            holding.next().map_or(&[], Vec::as_slice)
        }
    }
}

/// The compound statements around one, innermost first, up to the definition that holds them all.
fn around(module: &Module, stmt: StmtId) -> (Vec<StmtId>, Option<StmtId>) {
    let mut found = Vec::new();
    let mut at = stmt;
    while let Some(parent) = module.tree.parent(at) {
        let kind = &module.tree.stmt(parent).kind;
        if matches!(kind, StmtKind::FunctionDef(_) | StmtKind::ClassDef(_)) {
            return (found, Some(parent));
        }
        found.push(parent);
        at = parent;
    }
    (found, None)
}

/// Whether a statement may leave the suite that it stands in.
fn leaves(module: &Module, stmt: StmtId) -> bool {
    let kind = &module.tree.stmt(stmt).kind;
    match kind {
        StmtKind::Return { .. } | StmtKind::Break | StmtKind::Continue | StmtKind::Raise { .. } => {
            true
        }
        StmtKind::FunctionDef(_) | StmtKind::ClassDef(_) => false,
        _ => suites(kind)
            .into_iter()
            .flatten()
            .any(|inner| leaves(module, *inner)),
    }
}
