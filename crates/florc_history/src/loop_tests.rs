//! Tests that the variable of a main loop decides, iteration by iteration.
//!
//! ```python
//! EVERY = 500
//! for step in range(60000):
//!     if step % EVERY == 0 and is_master: ...      # not in iteration 7, whoever this is
//! ```
//!
//! Only variables that are bound once count: that of the loop, and names of literals.

use std::collections::BTreeMap;

use florc_semantic::{BindingId, Resolution};
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};

use crate::classify::Version;
use crate::where_expr::{Where, literal};
use crate::where_value::{Answer, Scalar};

/// A test in a main loop, and an outcome of it.
#[derive(Debug)]
pub struct LoopTest {
    condition: Where,
    outcome: bool,
    counter: Option<String>,
    constants: BTreeMap<String, Scalar>,
}

impl LoopTest {
    /// `None`: nothing can be said of it.
    pub fn new(
        version: Version<'_>,
        main_loop: StmtId,
        test: ExprId,
        outcome: bool,
    ) -> Option<Self> {
        let (module, semantics) = (version.module, version.semantics);
        let text = module.source.slice(module.tree.expr(test).span);
        let condition = Where::of_code(text).ok()?;
        let counter = counter(version, main_loop);
        let scope = semantics.scope_of_expr(test);
        let mut found = Self {
            outcome,
            counter: None,
            constants: BTreeMap::new(),
            condition,
        };
        for name in found.condition.names() {
            let Resolution::Binding(binding) = semantics.lookup(scope, name) else {
                continue;
            };
            if Some(binding) == counter {
                found.counter = Some(name.clone());
            } else if let Some(value) = constant(version, binding) {
                found.constants.insert(name.clone(), value);
            }
        }
        Some(found)
    }

    /// Whether it may come out so in the iteration with this value of the loop variable.
    pub fn may_hold(&self, position: i64) -> bool {
        let value = |name: &str| match &self.counter {
            Some(counter) if counter == name => Some(Scalar::Int(i128::from(position))),
            _ => self.constants.get(name).cloned(),
        };
        match self.condition.answer(&value) {
            Answer::Yes => self.outcome,
            Answer::No => !self.outcome,
            Answer::Unknown => true,
        }
    }
}

/// The variable of a loop over `range`, or that counts with `enumerate`, where nothing else binds it.
fn counter(version: Version<'_>, main_loop: StmtId) -> Option<BindingId> {
    let (tree, semantics) = (&version.module.tree, version.semantics);
    let StmtKind::For { target, iter, .. } = &tree.stmt(main_loop).kind else {
        return None;
    };
    let name = match &tree.expr(*target).kind {
        ExprKind::Name(_) => numbers(version, *iter, RANGES).then_some(*target),
        ExprKind::Tuple { elts } => {
            let first = elts.first().copied();
            first.filter(|_| numbers(version, *iter, &["builtins.enumerate"]))
        }
        _ => None,
    };
    let binding = semantics.binding_of_name(name?)?;
    // A function that runs again in its own loop has the variable twice.
    let function = semantics.function_of_stmt(main_loop);
    let runs_in_itself =
        !semantics.is_module(function) && version.judge.may_reach(&[main_loop]).contains(&function);
    let is_only = semantics.binding(binding).definitions.len() == 1;
    (is_only && !runs_in_itself && is_settled(version, binding)).then_some(binding)
}

const RANGES: &[&str] = &[
    "builtins.range",
    "tqdm.auto.trange",
    "tqdm.notebook.trange",
    "tqdm.trange",
];
const BARS: [&str; 3] = ["tqdm.auto.tqdm", "tqdm.notebook.tqdm", "tqdm.tqdm"];

/// Whether an iterable is a call of one of these, or a progress bar over one.
fn numbers(version: Version<'_>, iter: ExprId, callables: &[&str]) -> bool {
    let ExprKind::Call { func, args, .. } = &version.module.tree.expr(iter).kind else {
        return false;
    };
    let Some(path) = version.semantics.qualified(*func) else {
        return false;
    };
    let inner = args.first().filter(|_| BARS.contains(&path.as_str()));
    callables.contains(&path.as_str()) || inner.is_some_and(|it| numbers(version, *it, callables))
}

/// The literal that a variable holds, whenever it holds something.
fn constant(version: Version<'_>, binding: BindingId) -> Option<Scalar> {
    let value = version.semantics.only_value(binding)?;
    let value = literal(&version.module.tree.expr(value).kind)?;
    is_settled(version, binding).then_some(value)
}

/// Whether nothing but its definitions binds a variable.
fn is_settled(version: Version<'_>, binding: BindingId) -> bool {
    let (tree, semantics) = (&version.module.tree, version.semantics);
    if !semantics.is_global(binding) {
        return true;
    }
    let name = &semantics.binding(binding).name;
    let is_attribute = |expr: u32| {
        let kind = &tree.expr(ExprId(expr)).kind;
        matches!(kind, ExprKind::Attribute { attr, .. } if attr.text == *name)
    };
    let is_named_otherwise = (0..tree.expr_count() as u32).any(is_attribute);
    !is_named_otherwise && !semantics.is_open(semantics.module_of_binding(binding))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use florc_semantic::FunctionId;
    use florc_syntax::{SourceText, parse};

    use super::*;
    use crate::classify::{Judge, ProbeEffect};

    /// Nothing is reached.
    struct Nothing;

    impl Judge for Nothing {
        fn is_log(&self, _: ExprId) -> bool {
            false
        }
        fn effect(&self, _: FunctionId, _: &[StmtId]) -> ProbeEffect {
            ProbeEffect::default()
        }
        fn may_reach(&self, _: &[StmtId]) -> BTreeSet<FunctionId> {
            BTreeSet::new()
        }
    }

    /// Of the values 0 to 9 of the loop variable those with which the first `if` may be true.
    #[track_caller]
    fn check(text: &str, expected: &[i64]) {
        let source = SourceText::from_bytes("t.py", text.as_bytes().to_vec()).unwrap();
        let module = parse(source).unwrap();
        let semantics = florc_semantic::analyze(&module).0;
        let version = Version {
            module: &module,
            semantics: &semantics,
            judge: &Nothing,
        };
        let stmts = || (0..module.tree.stmt_count() as u32).map(StmtId);
        let main = stmts().find(|it| matches!(module.tree.stmt(*it).kind, StmtKind::For { .. }));
        let test = stmts().find_map(|it| match module.tree.stmt(it).kind {
            StmtKind::If { test, .. } => Some(test),
            _ => None,
        });
        let test = LoopTest::new(version, main.unwrap(), test.unwrap(), true);
        let may_hold = |at: &i64| test.as_ref().is_none_or(|test| test.may_hold(*at));
        let found: Vec<i64> = (0..10).filter(may_hold).collect();
        assert_eq!(found, expected, "{text}");
    }

    const ALL: [i64; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

    #[test]
    fn the_loop_variable_decides() {
        check("for i in range(10):\n    if i % 4 == 0: f()\n", &[0, 4, 8]);
        check("for i, x in enumerate(xs):\n    if i > 7: f()\n", &[8, 9]);
        check(
            "from tqdm import tqdm\nfor i in tqdm(range(10)):\n    if i == 3 and master: f()\n",
            &[3],
        );
        check("for i in xs:\n    if i == 3: f()\n", &ALL);
        check("for i in range(10):\n    if x: f()\n", &ALL);
        check("for i in range(10):\n    if f(i): f()\n", &ALL);
    }

    #[test]
    fn names_of_literals_count() {
        let test = "for i in range(10):\n    if i % EVERY == 0: f()\n";
        check(&format!("EVERY = 5\n{test}"), &[0, 5]);
        check(&format!("EVERY = int('5')\n{test}"), &ALL);
        check(&format!("EVERY = 5\nEVERY = 3\n{test}"), &ALL);
        check(&format!("EVERY = 5\nmain.EVERY = 3\n{test}"), &ALL);
        check(&format!("EVERY = 5\nexec(text)\n{test}"), &ALL);
    }

    #[test]
    fn variables_that_are_bound_again_do_not() {
        let test = "    if i == 3: f()\n";
        check(&format!("for i in range(10):\n{test}"), &[3]);
        check(&format!("for i in range(10):\n    i += 1\n{test}"), &ALL);
        check(&format!("for i in range(10):\n    i = g(i)\n{test}"), &ALL);
        check(&format!("i = 0\nfor i in range(10):\n{test}"), &ALL);
    }
}
