//! What changes mean, with a judge that knows the effects of a few calls by name.
//!
//! ```python
//! print(rng())     # draws
//! print(look(x))   # changes nothing
//! print(bump(x))   # changes `x`
//! ```
//!
//! The real effect analysis is tested where it lives.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

use std::collections::BTreeSet;

use florc_history::{
    ChangeKind, Judge, ProbeEffect, Version, classify, diff_sources, probe_places,
};
use florc_semantic::{Callee, FunctionId, Semantics};
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};
use florc_syntax::{Module, SourceText};

struct Named<'a> {
    module: &'a Module,
    semantics: &'a Semantics,
}

impl Named<'_> {
    fn calls(&self, stmt: StmtId) -> Vec<(ExprId, String)> {
        let tree = &self.module.tree;
        let inside = tree.descendants(stmt);
        let exprs = inside.flat_map(|stmt| tree.stmt_exprs(stmt));
        let all = exprs.flat_map(|expr| tree.all_exprs(expr));
        all.filter_map(|expr| match &tree.expr(expr).kind {
            ExprKind::Call { func, .. } => Some((expr, self.module.text_of_expr(*func).to_owned())),
            _ => None,
        })
        .collect()
    }
}

impl Judge for Named<'_> {
    fn is_log(&self, call: ExprId) -> bool {
        matches!(&self.module.tree.expr(call).kind, ExprKind::Call { func, .. }
            if self.module.text_of_expr(*func) == "print")
    }

    fn effect(&self, _: FunctionId, stmts: &[StmtId]) -> ProbeEffect {
        let mut effect = ProbeEffect::default();
        for (expr, name) in stmts.iter().flat_map(|stmt| self.calls(*stmt)) {
            let tree = &self.module.tree;
            let reason = (tree.expr(expr).span, format!("{name} was called"));
            match name.as_str() {
                "rng" => effect.draws.push(reason),
                "time" => effect.outside.push(reason),
                "bump" => {
                    let ExprKind::Call { args, .. } = &tree.expr(expr).kind else {
                        continue;
                    };
                    let binding = args
                        .first()
                        .and_then(|a| self.semantics.binding_of_name(*a));
                    effect
                        .changes
                        .extend(binding.map(|binding| (binding, vec![reason])));
                }
                _ => {}
            }
        }
        effect
    }

    fn may_reach(&self, stmts: &[StmtId]) -> BTreeSet<FunctionId> {
        let mut found = BTreeSet::new();
        for (expr, _) in stmts.iter().flat_map(|stmt| self.calls(*stmt)) {
            if let Some(Callee::Functions(functions)) =
                self.semantics.callee(expr).map(|call| &call.callee)
            {
                found.extend(functions.iter().copied());
            }
        }
        found
    }
}

fn module(text: &str) -> Module {
    florc_syntax::parse(SourceText::from_bytes("t.py", text.as_bytes().to_vec()).unwrap()).unwrap()
}

const SCRIPT: &str = "x = [0]\n@prepare\nfor i in range(3):\n    x.append(i)\nend = 1\n";

/// `@` marks where statements are added; the line with `for` is the main loop.
#[track_caller]
fn check(before: &str, inside: &str, after: &str, expected: &[ChangeKind]) {
    let old_text = SCRIPT.replace("@prepare\n", "");
    let new_text =
        format!("x = [0]\n{before}for i in range(3):\n    x.append(i)\n{inside}end = 1\n{after}");
    let (old, new) = (module(&old_text), module(&new_text));
    let (old_semantics, new_semantics) = (
        florc_semantic::analyze(&old).0,
        florc_semantic::analyze(&new).0,
    );
    let old_judge = Named {
        module: &old,
        semantics: &old_semantics,
    };
    let new_judge = Named {
        module: &new,
        semantics: &new_semantics,
    };
    let recorded = Version {
        module: &old,
        semantics: &old_semantics,
        judge: &old_judge,
    };
    let current = Version {
        module: &new,
        semantics: &new_semantics,
        judge: &new_judge,
    };
    let main_loop = (0..new.tree.stmt_count() as u32)
        .map(StmtId)
        .find(|stmt| matches!(new.tree.stmt(*stmt).kind, StmtKind::For { .. }));
    let diff = diff_sources(&old, &new);
    let kinds: Vec<ChangeKind> = classify(recorded, current, &diff, main_loop)
        .iter()
        .map(|change| change.kind)
        .collect();
    assert_eq!(kinds, expected, "{new_text}");
}

use ChangeKind::{Feeds, Probe, Refused, Unproven};

#[test]
fn log_statements_and_what_feeds_them() {
    check("", "    print(i, look(x))\n", "", &[Probe]);
    check("", "    n = len(x)\n    print(n)\n", "", &[Feeds, Probe]);
    check(
        "import math\n",
        "    if i > 1:\n        print(math.sqrt(i))\n",
        "",
        &[Feeds, Probe],
    );
    check(
        "def f(v):\n    return v\n",
        "    for y in x:\n        print(f(y))\n",
        "",
        &[Feeds, Probe],
    );
}

#[test]
fn what_touches_the_training_is_refused() {
    check("", "    x = 3\n    print(x)\n", "", &[Refused, Probe]);
    check("", "    print(rng())\n", "", &[Refused]);
    check("", "    print(time())\n", "", &[Refused]);
    check("", "    break\n", "", &[Refused]);
    check("", "    x[0] = 3\n    print(x)\n", "", &[Refused, Probe]);
    check("", "    x.mark += i\n", "", &[Refused]);
    check("raise ValueError\n", "", "", &[Refused]);
    check("import surprising\n", "", "", &[Refused]);
    check("", "    for i in x:\n        print(i)\n", "", &[Refused]);
}

#[test]
fn a_possible_change_is_to_be_proven() {
    check("", "    print(bump(x))\n", "", &[Unproven]);
    check(
        "",
        "    mine = []\n    print(bump(mine))\n",
        "",
        &[Feeds, Probe],
    );
}

#[test]
fn after_the_main_loop_no_checkpoint_is_behind() {
    check("", "", "print(rng(), bump(x))\n", &[Probe]);
    check("", "", "print(time())\n", &[Refused]);
    check("print(rng())\n", "", "", &[Refused]);
}

#[track_caller]
fn places(text: &str, expected: (bool, bool, bool)) {
    let module = module(text);
    let semantics = florc_semantic::analyze(&module).0;
    let judge = Named {
        module: &module,
        semantics: &semantics,
    };
    let version = Version {
        module: &module,
        semantics: &semantics,
        judge: &judge,
    };
    let all = || (0..module.tree.stmt_count() as u32).map(StmtId);
    let main_loop = all().find(|stmt| matches!(module.tree.stmt(*stmt).kind, StmtKind::For { .. }));
    let probes: Vec<StmtId> = all()
        .filter(|stmt| module.text_of_stmt(*stmt).starts_with("print"))
        .collect();
    let found = probe_places(version, main_loop, &probes);
    assert_eq!(
        (found.before, found.inside, found.after),
        expected,
        "{text}"
    );
}

#[test]
fn probes_are_placed_around_the_main_loop() {
    places("print(1)\nfor i in y: f()\n", (true, false, false));
    places("for i in y:\n    f()\n    print(1)\n", (false, true, false));
    places("for i in y: f()\nprint(1)\n", (false, false, true));
    places(
        "def f():\n    print(1)\nfor i in y: f()\n",
        (false, true, false),
    );
    places(
        "def m():\n    for i in y: f()\n    print(1)\nm()\n",
        (false, false, true),
    );
    places(
        "def m():\n    for i in y: f()\nprint(1)\nm()\n",
        (true, false, false),
    );
    places(
        "def m():\n    for i in y: f()\n    print(1)\nm()\nm()\n",
        (true, true, true),
    );
    places(
        "def f():\n    print(1)\nfor i in y: g()\n",
        (true, true, true),
    );
}
