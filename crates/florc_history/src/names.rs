//! Which variable of the newer version is which of the older one.
//!
//! ```python
//! model = Net()          net = Net()
//! step(model)            step(net)        # `net` is `model`
//! ```
//!
//! Matched statements vote: where a name stands for a name, the variables may be one. They are,
//! where each is the other's first choice and both have one name, or a statement that defines the one
//! is matched with one that defines the other: a new variable does not become an old one because it stands in its place.
//! A parameter of a new function is the variable that the moved code used there. Attributes follow
//! the same way, where nobody disagrees.

use std::collections::{BTreeMap, BTreeSet};

use florc_semantic::{BindingId, Semantics};
use florc_syntax::Module;
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};

use crate::matching::Matching;
use crate::shape::{Spelled, header_text};

/// The variables of two versions.
#[derive(Clone, Debug, Default)]
pub struct Names {
    old_of: BTreeMap<BindingId, BindingId>,
    attributes: BTreeMap<String, String>,
    /// Names of the newer version that the older one spells otherwise.
    spelled: Spelled,
}

impl Names {
    /// Lets the matched statements vote.
    pub fn new(
        (before, old): (&Module, &Semantics),
        (after, new): (&Module, &Semantics),
        matching: &Matching,
    ) -> Self {
        let mut votes = Votes::default();
        let mut attributes: BTreeMap<String, AttributeVotes> = BTreeMap::new();
        for (one, other) in &matching.exprs {
            match (&before.tree.expr(*one).kind, &after.tree.expr(*other).kind) {
                (ExprKind::Name(_), ExprKind::Name(_)) => {
                    votes.add(old.binding_of_name(*one), new.binding_of_name(*other));
                }
                (ExprKind::Attribute { attr: a, .. }, ExprKind::Attribute { attr: b, .. }) => {
                    let mine = attributes.entry(b.text.clone()).or_default();
                    mine.olds.insert(a.text.clone());
                    mine.is_assigned |= is_target(after, *other) && is_target(before, *one);
                }
                _ => {}
            }
        }
        for (one, other) in &matching.stmts {
            votes.definitions((before, old, *one), (after, new, *other));
        }
        let mut names = Self {
            old_of: votes.decide(old, new, matching),
            attributes: unanimous((before, after), attributes),
            spelled: Spelled::new(),
        };
        names.spelled = names.spell(old, (after, new));
        names
    }

    /// The variable of the older version.
    pub fn old_of(&self, new: BindingId) -> Option<BindingId> {
        self.old_of.get(&new).copied()
    }

    /// How the older version calls an attribute of the newer one.
    pub fn attribute<'a>(&'a self, name: &'a str) -> &'a str {
        self.attributes.get(name).map_or(name, String::as_str)
    }

    /// Whether matched statements say the same but for the names of variables; suites do not count.
    pub fn is_renamed(
        &self,
        (before, one): (&Module, StmtId),
        (after, other): (&Module, StmtId),
    ) -> bool {
        header_text(before, one, &Spelled::new()) == header_text(after, other, &self.spelled)
    }

    /// How the older version spells the name that begins at an offset of the newer one, where that
    /// differs.
    pub fn spelling_at(&self, start: u32) -> Option<&str> {
        self.spelled.get(&start).map(String::as_str)
    }

    fn spell(&self, old: &Semantics, (after, new): (&Module, &Semantics)) -> Spelled {
        let mut spelled = Spelled::new();
        let other = |binding: BindingId| {
            let name = &old.binding(self.old_of(binding)?).name;
            (*name != new.binding(binding).name).then(|| name.clone())
        };
        for expr in (0..after.tree.expr_count() as u32).map(ExprId) {
            if let Some(name) = new.binding_of_name(expr).and_then(other) {
                spelled.insert(after.tree.expr(expr).span.start, name);
            }
        }
        for (index, binding) in new.bindings.iter().enumerate() {
            if let Some(name) = other(BindingId(index as u32)) {
                let places = binding.definitions.iter();
                spelled.extend(places.map(|place| (place.span.start, name.clone())));
            }
        }
        spelled
    }
}

#[derive(Debug, Default)]
struct Votes {
    counts: BTreeMap<(BindingId, BindingId), u32>,
}

impl Votes {
    fn add(&mut self, old: Option<BindingId>, new: Option<BindingId>) {
        if let (Some(old), Some(new)) = (old, new) {
            *self.counts.entry((new, old)).or_default() += 1;
        }
    }

    /// Names of definitions and their parameters, in order.
    fn definitions(
        &mut self,
        (before, old, one): (&Module, &Semantics, StmtId),
        (after, new, other): (&Module, &Semantics, StmtId),
    ) {
        match (&before.tree.stmt(one).kind, &after.tree.stmt(other).kind) {
            (StmtKind::FunctionDef(a), StmtKind::FunctionDef(b)) => {
                self.identifiers(old, new, (a.name.span.start, b.name.span.start));
                let (mine, theirs) = (a.params.iter(), b.params.iter());
                for (a, b) in mine.zip(theirs) {
                    self.identifiers(old, new, (a.name.span.start, b.name.span.start));
                }
            }
            (StmtKind::ClassDef(a), StmtKind::ClassDef(b)) => {
                self.identifiers(old, new, (a.name.span.start, b.name.span.start));
            }
            (StmtKind::Import { .. }, StmtKind::Import { .. })
            | (StmtKind::ImportFrom { .. }, StmtKind::ImportFrom { .. }) => {
                for a in old.bound_by(one) {
                    let name = &old.binding(*a).name;
                    let mut theirs = new.bound_by(other).iter();
                    let same = theirs.find(|b| new.binding(**b).name == *name);
                    self.add(Some(*a), same.copied());
                }
            }
            _ => {}
        }
    }

    fn identifiers(&mut self, old: &Semantics, new: &Semantics, (one, other): (u32, u32)) {
        let at = |semantics: &Semantics, start| {
            semantics.binding_of_identifier(florc_syntax::Span::empty(start))
        };
        self.add(at(old, one), at(new, other));
    }

    /// The pairs that are the first choice of both; of equal choices, the same name.
    fn decide(
        &self,
        old: &Semantics,
        new: &Semantics,
        matching: &Matching,
    ) -> BTreeMap<BindingId, BindingId> {
        let rank = |(theirs, mine): (BindingId, BindingId), count: u32| {
            (count, old.binding(mine).name == new.binding(theirs).name)
        };
        let mut of_new: BTreeMap<BindingId, Choice> = BTreeMap::new();
        let mut of_old: BTreeMap<BindingId, Choice> = BTreeMap::new();
        for (&(theirs, mine), &count) in &self.counts {
            let rank = rank((theirs, mine), count);
            Choice::better(&mut of_new, theirs, rank, mine);
            Choice::better(&mut of_old, mine, rank, theirs);
        }
        let is_one = |theirs: BindingId, choice: &Choice| {
            let mutual = of_old[&choice.other].other == theirs;
            let is_moved = choice.is_only && is_new_parameter(new, matching, theirs);
            let is_same =
                choice.rank.1 || are_defined_together((old, choice.other), (new, theirs), matching);
            is_moved || mutual && is_same
        };
        let chosen = of_new
            .iter()
            .filter(|(theirs, choice)| is_one(**theirs, choice));
        chosen
            .map(|(theirs, choice)| (*theirs, choice.other))
            .collect()
    }
}

/// The first choice of a variable.
struct Choice {
    rank: (u32, bool),
    other: BindingId,
    /// Nobody else was voted for.
    is_only: bool,
}

impl Choice {
    fn better(
        choices: &mut BTreeMap<BindingId, Self>,
        of: BindingId,
        rank: (u32, bool),
        other: BindingId,
    ) {
        let is_only = !choices.contains_key(&of);
        let choice = choices.entry(of).or_insert(Self {
            rank,
            other,
            is_only,
        });
        choice.is_only = is_only;
        if rank > choice.rank {
            (choice.rank, choice.other) = (rank, other);
        }
    }
}

/// A parameter of a function that the older version does not have.
fn is_new_parameter(new: &Semantics, matching: &Matching, binding: BindingId) -> bool {
    let binding = new.binding(binding);
    let mut places = binding.definitions.iter();
    binding.is_parameter && places.all(|place| !matching.old_stmts.contains_key(&place.stmt))
}

/// Whether some matched pair of statements defines both.
fn are_defined_together(
    (old, mine): (&Semantics, BindingId),
    (new, theirs): (&Semantics, BindingId),
    matching: &Matching,
) -> bool {
    let mut places = new.binding(theirs).definitions.iter();
    places.any(|place| {
        let partner = matching.old_stmts.get(&place.stmt);
        let mut own = old.binding(mine).definitions.iter();
        partner.is_some_and(|partner| own.any(|it| it.stmt == *partner))
    })
}

/// Attributes that every vote calls by one other name, where an assignment is among the votes, the
/// older version does not have the new name, and the newer one has the old name no more.
fn unanimous(
    (before, after): (&Module, &Module),
    votes: BTreeMap<String, AttributeVotes>,
) -> BTreeMap<String, String> {
    let has = |module: &Module, name: &str| {
        let tree = &module.tree;
        let mut exprs = (0..tree.expr_count() as u32).map(ExprId);
        exprs.any(|expr| {
            matches!(&tree.expr(expr).kind, ExprKind::Attribute { attr, .. } if attr.text == name)
        })
    };
    let one = votes.into_iter().filter_map(|(new, votes)| {
        let mut olds = votes.olds.into_iter();
        let old = olds
            .next()
            .filter(|old| *old != new && olds.next().is_none())?;
        let is_renamed = votes.is_assigned && !has(before, &new) && !has(after, &old);
        is_renamed.then_some((new, old))
    });
    one.collect()
}

/// What an attribute of the newer version was called.
#[derive(Debug, Default)]
struct AttributeVotes {
    olds: BTreeSet<String>,
    /// A vote came from a statement that assigns it.
    is_assigned: bool,
}

/// Whether an attribute is assigned to.
fn is_target(module: &Module, expr: ExprId) -> bool {
    let stmt = module.tree.stmt_of(expr);
    match &module.tree.stmt(stmt).kind {
        StmtKind::Assign { targets, .. } => targets.contains(&expr),
        StmtKind::AnnAssign { target, .. } => *target == expr,
        _ => false,
    }
}
