//! One cut point: which names are its roots, and what the hooks do with each.
//!
//! ```python
//! def train(model, n):               # `model` is not read after the loop, its object is the
//!     for x in range(n):             # caller's: it is live all the same
//!         model.step(x)
//! ```
//!
//! A name that is dead, and may be stale after earlier skips, is never passed to a hook, and the
//! object of a rebound name never restored into. Says nothing of what the values are.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use florc_effects::{Cause, RegionEffect};
use florc_manifest::{Place, Root};
use florc_semantic::{Binding, BindingId, Definition, DefinitionKind, FunctionId};
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};
use florc_syntax::{Reason, Span};

use crate::decide::Facts;

/// Begins the name of the variable that keeps the object which another variable held before a loop:
/// `_florc_kept0_model` for `model`, in the first loop of a function.
const KEPT: &str = "_florc_kept";

/// The variable whose object a root keeps.
pub(crate) fn kept_of(root: &Root) -> Option<&str> {
    let (number, name) = root.name.strip_prefix(KEPT)?.split_once('_')?;
    number.bytes().all(|it| it.is_ascii_digit()).then_some(name)
}

/// The roots of a cut point, in the order of the manifest.
#[derive(Default)]
pub(crate) struct Cut {
    pub(crate) roots: Vec<Root>,
    pub(crate) passed: usize,
    pub(crate) returned: Vec<usize>,
    pub(crate) restore_arguments: Vec<usize>,
    /// A name that changes and cannot be put back from here.
    pub(crate) out_of_reach: Option<OutOfReach>,
}

/// Why something cannot be put back.
pub(crate) struct OutOfReach {
    pub(crate) name: String,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) help: String,
}

/// One root before it is ordered.
struct Candidate {
    root: Root,
    /// The hook can be given its value.
    passable: bool,
    /// Rebound, live and assignable here.
    returned: bool,
    /// Surely bound before the loop, and asked for from then on: a name that is dead there may be
    /// unbound after earlier skips.
    held_before: bool,
}

/// What a region does to a variable.
struct Change<'r> {
    /// Binds it again or unbinds it, other than as the loop's own target.
    rebound: bool,
    /// May change an object that it leads to, or bind a live name to such an object.
    touched: bool,
    cause: &'r Cause,
}

/// What is asked of a cut point.
pub(crate) struct CutPoint<'a> {
    pub(crate) facts: Facts<'a>,
    pub(crate) function: FunctionId,
    pub(crate) stmt: StmtId,
    pub(crate) live: BTreeSet<BindingId>,
    pub(crate) live_before: BTreeSet<BindingId>,
    pub(crate) bound: BTreeSet<BindingId>,
    pub(crate) bound_before: BTreeSet<BindingId>,
    pub(crate) targets: BTreeSet<BindingId>,
    pub(crate) declared: BTreeSet<String>,
    pub(crate) all_live: bool,
    /// Statements of the module that may run the function, once asked for.
    pub(crate) callers: OnceCell<Vec<StmtId>>,
}

impl CutPoint<'_> {
    /// Orders the roots: passed and given back, passed, the rest.
    pub(crate) fn order(&self, region: &RegionEffect) -> Cut {
        let mut cut = Cut::default();
        let mut candidates = self.candidates(region, &mut cut.out_of_reach);
        if let Some((name, cause)) = region.hidden.library.first_key_value() {
            cut.out_of_reach.get_or_insert_with(|| OutOfReach {
                name: name.clone(),
                reasons: reasons(cause),
                help: "keep it in a variable of the program".to_owned(),
            });
        }
        candidates.sort_by_key(|c| (!c.passable, !c.returned));
        let indices = |keep: &dyn Fn(&Candidate) -> bool| -> Vec<usize> {
            candidates
                .iter()
                .enumerate()
                .filter(|(_, c)| keep(c))
                .map(|(index, _)| index)
                .collect()
        };
        cut.passed = indices(&|c| c.passable).len();
        cut.returned = indices(&|c| c.returned);
        cut.restore_arguments = indices(&|c| c.passable && c.held_before);
        cut.roots = candidates
            .into_iter()
            .map(|candidate| candidate.root)
            .collect();
        cut
    }

    fn candidates(
        &self,
        region: &RegionEffect,
        out_of_reach: &mut Option<OutOfReach>,
    ) -> Vec<Candidate> {
        let mut names: BTreeSet<(bool, String, &str)> = BTreeSet::new();
        let mut found = Vec::new();
        for (id, change) in self.changes(region) {
            let binding = self.facts.semantics.binding(id);
            let Some((place, module)) = place(self.facts, self.function, id) else {
                continue;
            };
            let read = self.is_read(id, &place);
            let live = read || self.may_be_held(id, &change);
            let assignable = match place {
                Place::Local => true,
                Place::Captured => self.declared.contains(&binding.name),
                Place::Global => false,
            };
            let bound = self.bound.contains(&id);
            let name = binding.name.as_str();
            let key = (place == Place::Global, module.clone(), name);
            let help = if !names.insert(key) {
                Some("give the two variables different names".to_owned())
            } else if self.in_class() && is_private(&binding.name) && !bound {
                Some("let its name begin with one underscore".to_owned())
            } else if self.loses_object(id, region) {
                let kept = self.kept(id, &place, change.cause);
                let is_kept = kept.is_some();
                found.extend(kept.filter(|_| live));
                (!is_kept).then(|| "bind the new object to another name".to_owned())
            } else if place == Place::Captured && !self.reaches(id, change.rebound && !assignable) {
                Some(format!(
                    "declare `nonlocal {}` in the function of the loop",
                    binding.name
                ))
            } else {
                None
            };
            if let Some(help) = help.filter(|_| live && out_of_reach.is_none()) {
                let reasons = reasons(change.cause);
                *out_of_reach = Some(OutOfReach {
                    name: binding.name.clone(),
                    reasons,
                    help,
                });
            }
            found.push(Candidate {
                passable: live && bound && place != Place::Global,
                returned: live && assignable && (change.rebound || self.may_draw(id, &place)),
                held_before: self.live_before.contains(&id)
                    && (place == Place::Captured || self.bound_before.contains(&id)),
                root: Root {
                    name: binding.name.clone(),
                    place,
                    module,
                    live,
                    held: live && !read,
                    always_bound: bound,
                    replaced: change.rebound && self.replaced(binding),
                    reasons: self.reason_lines(change.cause),
                },
            });
        }
        found
    }

    /// The object that a variable held before the loop, as a root of its own: the loop changes it and
    /// may then bind another one, while a caller goes on to hold it.
    fn kept(&self, id: BindingId, place: &Place, cause: &Cause) -> Option<Candidate> {
        let semantics = self.facts.semantics;
        let mut loops = semantics.loops.iter();
        let own = loops.by_ref().filter(|it| it.function == self.function);
        let number = own.take_while(|it| it.stmt != self.stmt).count();
        let name = format!("{KEPT}{number}_{}", semantics.binding(id).name);
        let is_taken = semantics.bindings.iter().any(|other| other.name == name);
        let may = *place == Place::Local && self.bound_before.contains(&id);
        // a program that looks at its variables by name would see one more
        (may && !is_taken && !self.all_live && !self.in_class_body()).then(|| Candidate {
            passable: true,
            returned: false,
            held_before: true,
            root: Root {
                name,
                place: Place::Local,
                module: String::new(),
                live: true,
                held: false,
                always_bound: true,
                replaced: false,
                reasons: self.reason_lines(cause),
            },
        })
    }

    fn in_class_body(&self) -> bool {
        self.facts.semantics.in_class_body(self.stmt)
    }

    /// Whether another object must be bound to a variable that the region only touches: iterators are
    /// made anew when they are restored. What is a global the runtime can bind by itself.
    fn may_draw(&self, id: BindingId, place: &Place) -> bool {
        let facts = self.facts;
        let in_module = facts.semantics.is_module(self.function);
        let bound_here = in_module || *place == Place::Global || self.targets.contains(&id);
        !bound_here && facts.effects.may_hold_iterator(id)
    }

    /// What the region does to each variable, and which others must keep sharing objects with one
    /// that is rebound.
    fn changes<'r>(&self, region: &'r RegionEffect) -> BTreeMap<BindingId, Change<'r>> {
        let semantics = self.facts.semantics;
        let mut changes = BTreeMap::new();
        for (id, cause) in &region.mutated {
            if self.facts.is_fixed_import(*id) || self.is_plain_function(*id) {
                continue;
            }
            changes.insert(
                *id,
                Change {
                    rebound: false,
                    touched: true,
                    cause,
                },
            );
        }
        let mut others = self.may_share_anew(region, &changes);
        for (id, cause) in region
            .bound
            .iter()
            .filter(|(id, _)| !self.targets.contains(id))
        {
            let touched = changes.contains_key(id);
            changes.insert(
                *id,
                Change {
                    rebound: true,
                    touched,
                    cause,
                },
            );
            let place = place(self.facts, self.function, *id);
            let outer = place.is_some_and(|(place, _)| place != Place::Local);
            let live = outer || self.live.contains(id);
            if !live || !self.replaced(semantics.binding(*id)) {
                continue;
            }
            others.retain(|other| {
                let shares = self.facts.effects.may_share(*id, *other);
                if shares {
                    let shared = Change {
                        rebound: false,
                        touched: true,
                        cause,
                    };
                    changes.insert(*other, shared);
                }
                !shares
            });
        }
        changes
    }

    /// Variables that hold data and that the region leaves as they are, but for objects that they may
    /// share with another.
    fn may_share_anew(
        &self,
        region: &RegionEffect,
        changes: &BTreeMap<BindingId, Change<'_>>,
    ) -> Vec<BindingId> {
        let others = self.facts.effects.visible(self.function).filter(|id| {
            let binding = self.facts.semantics.binding(*id);
            let changed = changes.contains_key(id) || region.bound.contains_key(id);
            let code = binding.is_function || binding.is_class || self.facts.is_fixed_import(*id);
            !changed && !code && !self.targets.contains(id)
        });
        others.collect()
    }

    /// Whether a variable only ever holds functions without state of their own: no defaults, no
    /// decorators, no attributes. What their closures refer to are variables with their own roots.
    fn is_plain_function(&self, id: BindingId) -> bool {
        let (tree, semantics) = (&self.facts.module.tree, self.facts.semantics);
        let plain = |definition: &Definition| {
            let DefinitionKind::Function(function) = definition.kind else {
                return false;
            };
            let stmt = semantics
                .function(function)
                .stmt
                .map(|stmt| &tree.stmt(stmt).kind);
            match stmt {
                Some(StmtKind::FunctionDef(def)) => {
                    def.decorators.is_empty() && def.params.iter().all(|p| p.default.is_none())
                }
                _ => false,
            }
        };
        let has_attribute = || {
            (0..tree.expr_count() as u32).any(|expr| match &tree.expr(ExprId(expr)).kind {
                ExprKind::Attribute { value, .. } => semantics.variable(*value) == Some(id),
                _ => false,
            })
        };
        semantics.binding(id).definitions.iter().all(plain) && !has_attribute()
    }

    /// Whether the value may be asked for after the cut point by its name.
    fn is_read(&self, id: BindingId, place: &Place) -> bool {
        self.all_live
            || *place == Place::Captured
            || (*place == Place::Global && self.global_is_live(id))
            || self.live.contains(&id)
    }

    /// Whether the value is an object that the region touches and that others may refer to.
    fn may_be_held(&self, id: BindingId, change: &Change<'_>) -> bool {
        let binding = self.facts.semantics.binding(id);
        let steady = binding.is_parameter && binding.definitions.len() == 1;
        let known = self.live_before.contains(&id) || steady;
        change.touched && known && self.defined_outside(binding)
    }

    /// Whether a global that code in a function touches is read after the function. At module level
    /// one that no function mentions is dead between its last read and the next binding.
    fn global_is_live(&self, id: BindingId) -> bool {
        if self.facts.semantics.module_of_binding(id) != FunctionId(0) {
            return true;
        }
        let callers = self.callers.get_or_init(|| self.callers());
        // called by nobody here: who knows what follows
        callers.is_empty() || callers.iter().any(|stmt| self.is_live_in(*stmt, id))
    }

    /// Statements of the module that may run the function of this cut point.
    fn callers(&self) -> Vec<StmtId> {
        let facts = self.facts;
        let body = facts.module.tree.body.iter();
        let stmts = body.flat_map(|stmt| facts.own_stmts(*stmt));
        let runs = |stmt: &StmtId| {
            let reached = facts.effects.may_reach_at(FunctionId(0), *stmt);
            reached.contains(&self.function)
        };
        stmts.filter(runs).collect()
    }

    /// Whether a variable is read after some point in a statement of its own scope, the statements
    /// in its suites not counted as the point.
    fn is_live_in(&self, stmt: StmtId, id: BindingId) -> bool {
        let semantics = self.facts.semantics;
        let is_simple = self.facts.module.tree.blocks(stmt).is_empty();
        semantics.live_before(stmt).contains(&id)
            || semantics.read_in(&[stmt]).contains(&id)
            || (!is_simple && semantics.live_after(stmt).contains(&id))
    }

    /// Whether an object that a caller may hold is changed, and then no name leads to it any more.
    fn loses_object(&self, id: BindingId, region: &RegionEffect) -> bool {
        let semantics = self.facts.semantics;
        let binding = semantics.binding(id);
        let gone = !semantics.is_module(self.function)
            && region.mutated.contains_key(&id)
            && region.bound.contains_key(&id)
            && self.live_before.contains(&id)
            && self.replaced(binding);
        let params = &semantics.function(self.function).params;
        let mut rebound = params
            .iter()
            .filter(|id| semantics.binding(**id).definitions.len() > 1);
        gone && (binding.is_parameter || rebound.any(|id| region.mutated.contains_key(id)))
    }

    /// Whether the variable may hold an object from before the loop.
    fn defined_outside(&self, binding: &Binding) -> bool {
        binding
            .definitions
            .iter()
            .any(|definition| !self.whole().contains_span(definition.span))
    }

    /// Whether the loop, or a function that it calls, may bind another object to the variable.
    /// `x += …` keeps the object that it changes.
    fn replaced(&self, binding: &Binding) -> bool {
        binding.definitions.iter().any(|definition| {
            let runs =
                definition.function != self.function || self.whole().contains_span(definition.span);
            runs && !matches!(definition.kind, DefinitionKind::Augment(_))
        })
    }

    fn whole(&self) -> Span {
        self.facts.module.tree.stmt(self.stmt).span
    }

    /// Whether Python spells private names of the function in another way.
    fn in_class(&self) -> bool {
        let semantics = self.facts.semantics;
        std::iter::successors(Some(self.function), |id| semantics.function(*id).parent)
            .any(|id| semantics.function(id).class.is_some())
    }

    /// Whether a captured variable can be read here and need not be assigned.
    fn reaches(&self, binding: BindingId, must_assign: bool) -> bool {
        let free = || {
            let body = self.facts.body_of(self.function);
            self.facts.semantics.read_in(body).contains(&binding)
        };
        !must_assign && (self.bound.contains(&binding) || free())
    }

    fn reason_lines(&self, cause: &Cause) -> Vec<String> {
        let source = &self.facts.module.source;
        let here = source.file_of(self.whole().start);
        let at = |span: &Span| {
            let (file, line) = (
                source.file_of(span.start),
                source.line_column(span.start).line,
            );
            if file == here {
                format!("line {line}")
            } else {
                format!("{} line {line}", file.path)
            }
        };
        let steps = cause.steps.iter();
        steps
            .map(|(span, text)| format!("{}: {text}", at(span)))
            .collect()
    }
}

fn reasons(cause: &Cause) -> Vec<Reason> {
    let steps = cause.steps.iter();
    steps
        .map(|(span, text)| Reason {
            span: *span,
            text: text.clone(),
        })
        .collect()
}

/// `__x` in a class is `_Class__x` for everyone who looks it up by name.
fn is_private(name: &str) -> bool {
    name.starts_with("__") && !name.ends_with("__")
}

/// Where a variable lives, seen from a function, and for a global of another file its module;
/// `None` where it cannot be seen.
pub(crate) fn place(
    facts: Facts<'_>,
    function: FunctionId,
    binding: BindingId,
) -> Option<(Place, String)> {
    let semantics = facts.semantics;
    let home = semantics.binding(binding).scope;
    if semantics.function(function).scope == home {
        return Some((Place::Local, String::new()));
    }
    let of_file = |module: &FunctionId| semantics.function(*module).scope == home;
    if let Some(file) = semantics.modules.iter().position(of_file) {
        let own = semantics.modules[file] == semantics.module_of(function);
        let named = facts.module.source.files().get(file).filter(|_| !own);
        let module = named.map(|file| file.name.clone());
        return Some((Place::Global, module.unwrap_or_default()));
    }
    let outer = |id: &FunctionId| semantics.function(*id).parent;
    std::iter::successors(outer(&function), outer)
        .any(|around| semantics.function(around).scope == home)
        .then_some((Place::Captured, String::new()))
}
