//! Where probes can produce rows: before, in, or after the main loops.
//!
//! ```python
//! print(len(data))             # before: no iteration needs to run
//! for epoch in range(8): ...
//! print(weight_norm(model))    # after: the last checkpoint is enough
//! ```
//!
//! Over-approximates: where the answer is not plain, and between two main loops, all of them. It does not look at run data.

use std::collections::BTreeSet;

use florc_semantic::{Callee, FunctionId, Semantics};
use florc_syntax::Module;
use florc_syntax::tree::{StmtId, StmtKind};

use crate::align::body_at;
use crate::classify::Version;
use crate::shape::suites;

/// Parts of the run in which probes may run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbePlaces {
    /// Before the first iteration of all.
    pub before: bool,
    /// In an iteration.
    pub inside: bool,
    /// The main loops in whose iterations.
    pub loops: BTreeSet<StmtId>,
    /// After the last iteration of all.
    pub after: bool,
}

impl ProbePlaces {
    /// Everywhere, also between two main loops.
    fn all(main_loops: &[StmtId]) -> Self {
        Self {
            before: true,
            inside: !main_loops.is_empty(),
            loops: main_loops.iter().copied().collect(),
            after: true,
        }
    }
}

/// Where the `probes` (added statements) may run, relative to the main loops.
pub fn probe_places(version: Version<'_>, main_loops: &[StmtId], probes: &[StmtId]) -> ProbePlaces {
    if probes.is_empty() {
        return ProbePlaces::default();
    }
    let splits: Option<Vec<Split>> = main_loops
        .iter()
        .map(|main_loop| Split::new(version, *main_loop))
        .collect();
    let everywhere = ProbePlaces::all(main_loops);
    let Some(splits) = splits.filter(|splits| !splits.is_empty()) else {
        return everywhere;
    };
    let mut places = ProbePlaces::default();
    for &probe in probes {
        let sides: Vec<Sides> = splits
            .iter()
            .map(|split| split.place(version, probe))
            .collect();
        let is_before = sides.iter().any(|side| side.before);
        let is_after = sides.iter().any(|side| side.after);
        // before one loop and after another: between them; or a function that nothing seems to call
        let is_between = sides.len() > 1 && is_before && is_after;
        if is_between || sides.contains(&Sides::default()) {
            return everywhere;
        }
        let inside = main_loops.iter().zip(&sides);
        let inside = inside
            .filter(|(_, side)| side.inside)
            .map(|(stmt, _)| *stmt);
        places.loops.extend(inside);
        places.before |= sides.iter().all(|side| side.before);
        places.after |= sides.iter().all(|side| side.after);
    }
    places.inside = !places.loops.is_empty();
    places
}

/// Where a statement may run, relative to one main loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sides {
    before: bool,
    inside: bool,
    after: bool,
}

/// The statements of the program, divided by the main loop.
struct Split {
    before: BTreeSet<StmtId>,
    inside: BTreeSet<StmtId>,
    after: BTreeSet<StmtId>,
    reach: [BTreeSet<FunctionId>; 3],
    /// Code that runs when another file is imported, whenever that is.
    imported: BTreeSet<FunctionId>,
}

impl Split {
    /// `None` when the loop's function may run more than once.
    fn new(version: Version<'_>, main_loop: StmtId) -> Option<Self> {
        let mut split = Self {
            before: BTreeSet::new(),
            inside: descendants(version.module, main_loop),
            after: BTreeSet::new(),
            reach: Default::default(),
            imported: run_by_imports(version),
        };
        let mut border = main_loop;
        loop {
            split.around(version.module, border)?;
            let function = version.semantics.function_of_stmt(border);
            if function == MODULE {
                break;
            }
            border = only_call(version.semantics, version.module, function)?;
        }
        split.reach = [&split.before, &split.inside, &split.after].map(|stmts| {
            let stmts: Vec<StmtId> = stmts.iter().copied().collect();
            version.judge.may_reach(&stmts)
        });
        Some(split)
    }

    /// Sorts the statements of the border's function to both sides of it.
    fn around(&mut self, module: &Module, border: StmtId) -> Option<()> {
        let start = module.tree.stmt(border).span.start;
        let mut at = border;
        loop {
            let parent = module.tree.parent(at);
            let siblings: Vec<StmtId> = match parent {
                None => body_at(module, start).to_vec(),
                Some(parent) => match &module.tree.stmt(parent).kind {
                    // Around a loop there is no single before and after.
                    StmtKind::For { .. } | StmtKind::While { .. } | StmtKind::ClassDef(_) => {
                        return None;
                    }
                    kind => suites(kind).into_iter().flatten().copied().collect(),
                },
            };
            for stmt in siblings.into_iter().filter(|stmt| *stmt != at) {
                let earlier = module.tree.stmt(stmt).span.start < start;
                let side = if earlier {
                    &mut self.before
                } else {
                    &mut self.after
                };
                side.extend(descendants(module, stmt));
            }
            match parent {
                Some(parent) if !is_function(module, parent) => at = parent,
                _ => return Some(()),
            }
        }
    }

    fn place(&self, version: Version<'_>, probe: StmtId) -> Sides {
        let function = version.semantics.function_of_stmt(probe);
        if self.imported.contains(&function) || may_be_kept(version.semantics, function) {
            return Sides {
                before: true,
                inside: true,
                after: true,
            };
        }
        let [before, inside, after] = &self.reach;
        Sides {
            before: self.before.contains(&probe) || before.contains(&function),
            inside: self.inside.contains(&probe) || inside.contains(&function),
            after: self.after.contains(&probe) || after.contains(&function),
        }
    }
}

/// Whether a function is given away, so that it may be called whenever (`atexit.register(bye)`). A method that is
/// given away is not seen.
fn may_be_kept(semantics: &Semantics, function: FunctionId) -> bool {
    let body = semantics.function(function);
    let is_plain =
        body.class.is_none() && !body.is_generator && !body.is_async && !body.is_decorated;
    is_plain && semantics.escaping_functions().contains(&function)
}

/// Functions that may run when a file other than the entry is imported.
pub fn run_by_imports(version: Version<'_>) -> BTreeSet<FunctionId> {
    let module = version.module;
    let others: Vec<StmtId> = module.tree.bodies().skip(1).flatten().copied().collect();
    let mut functions = version.judge.may_reach(&others);
    let own = others.iter();
    functions.extend(own.map(|stmt| version.semantics.function_of_stmt(*stmt)));
    functions
}

const MODULE: FunctionId = FunctionId(0);

fn is_function(module: &Module, stmt: StmtId) -> bool {
    matches!(module.tree.stmt(stmt).kind, StmtKind::FunctionDef(_))
}

/// A statement and all in it, but not the bodies of functions: they run when called.
fn descendants(module: &Module, stmt: StmtId) -> BTreeSet<StmtId> {
    let mut found = BTreeSet::new();
    let mut work = vec![stmt];
    while let Some(stmt) = work.pop() {
        found.insert(stmt);
        if !is_function(module, stmt) {
            work.extend(suites(&module.tree.stmt(stmt).kind).into_iter().flatten());
        }
    }
    found
}

/// The statement of the one call of a function, when there is surely one only, not in a loop.
fn only_call(semantics: &Semantics, module: &Module, function: FunctionId) -> Option<StmtId> {
    if semantics.escaping_functions().contains(&function) {
        return None;
    }
    let mut calls = semantics.calls().iter().filter(|call| match &call.callee {
        Callee::Functions(functions) => functions.contains(&function),
        Callee::Library(_) | Callee::Method { .. } | Callee::Unknown => false,
    });
    let only = calls.next()?;
    if calls.next().is_some() {
        return None;
    }
    let stmt = module.tree.stmt_of(only.expr);
    // A call in a comprehension or a loop runs more than once.
    let plain = matches!(
        module.tree.stmt(stmt).kind,
        StmtKind::Expr { .. } | StmtKind::Assign { .. } | StmtKind::Return { .. }
    ) && module.tree.expr_parent(only.expr).is_none();
    (plain && semantics.function_of_stmt(stmt) != function).then_some(stmt)
}

/// Whether the body of a function runs once in a run of the program, if at all: what runs within it
/// cannot run it again.
pub fn runs_once(semantics: &Semantics, module: &Module, function: FunctionId) -> bool {
    let mut callers = BTreeSet::new();
    let mut function = function;
    while function != MODULE {
        let body = semantics.function(function);
        let is_plain = !body.is_generator && !body.is_async && semantics.dynamic_uses().is_empty();
        let call = only_call(semantics, module, function).filter(|_| is_plain);
        let Some(call) = call.filter(|call| !is_in_loop(module, *call)) else {
            return false;
        };
        if !callers.insert(function) {
            return false;
        }
        function = semantics.function_of_stmt(call);
    }
    true
}

fn is_in_loop(module: &Module, stmt: StmtId) -> bool {
    let around = std::iter::successors(module.tree.parent(stmt), |it| module.tree.parent(*it));
    let is_loop = |stmt: StmtId| {
        matches!(
            module.tree.stmt(stmt).kind,
            StmtKind::For { .. } | StmtKind::While { .. }
        )
    };
    around.into_iter().any(is_loop)
}
