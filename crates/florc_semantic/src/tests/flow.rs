//! Liveness, definite assignment and reaching definitions.

use super::{Subject, same, subject};
use crate::BindingSet;

fn rendered(subject: &Subject, stmt: florc_syntax::tree::StmtId, set: &BindingSet) -> String {
    let home = subject.semantics.function_of_stmt(stmt);
    let own = set.iter().filter(|id| {
        let binding = subject.semantics.binding(**id);
        subject.semantics.scope(binding.scope).function == home
    });
    let mut names: Vec<&str> = own
        .map(|id| subject.semantics.binding(*id).name.as_str())
        .collect();
    names.sort_unstable();
    names.join(" ")
}

/// Own variables that are live after each marked statement, or at its head for a loop.
#[track_caller]
fn live(source: &str, expected: &str) {
    let subject = subject(source);
    let mut out = String::new();
    for (line, stmt) in subject.marked_stmts() {
        let own_loop = subject
            .semantics
            .loops
            .iter()
            .find(|found| found.stmt == stmt);
        if let Some(found) = own_loop {
            let head = subject.semantics.live_at_head(found.id);
            out.push_str(&format!(
                "{line} head: {}\n",
                rendered(&subject, stmt, &head)
            ));
        }
        let after = subject.semantics.live_after(stmt);
        out.push_str(&format!(
            "{line} after: {}\n",
            rendered(&subject, stmt, &after)
        ));
    }
    same(&out, expected);
}

/// Own variables that are bound before and after each marked statement, and at a loop's head.
#[track_caller]
fn bound(source: &str, expected: &str) {
    let subject = subject(source);
    let mut out = String::new();
    for (line, stmt) in subject.marked_stmts() {
        let own_loop = subject
            .semantics
            .loops
            .iter()
            .find(|found| found.stmt == stmt);
        if let Some(found) = own_loop {
            let head = subject.semantics.bound_at_head(found.id);
            out.push_str(&format!(
                "{line} head: {}\n",
                rendered(&subject, stmt, &head)
            ));
        }
        let before = subject.semantics.bound_before(stmt);
        let after = subject.semantics.bound_after(stmt);
        let [before, after] = [before, after].map(|set| rendered(&subject, stmt, &set));
        out.push_str(&format!("{line}: {before} -> {after}\n"));
    }
    same(&out, expected);
}

#[test]
fn a_variable_is_live_until_its_last_read() {
    live(
        "def f(a):\n    b = a #?\n    c = b #?\n    return c #?",
        "2 after: b\n3 after: c\n4 after:",
    );
}

#[test]
fn what_is_overwritten_is_dead() {
    live(
        "def f(a):\n    x = 1 #?\n    x = a\n    return x",
        "2 after: a",
    );
}

#[test]
fn loops_carry_what_they_read() {
    live(
        "def f(xs, model):\n    best = 0\n    loss = 0\n    for x in xs: #?\n        loss = model(x)\n        best = max(best, loss)\n    return best",
        "4 head: best model x\n4 after: best",
    );
}

#[test]
fn while_tests_read_at_the_head() {
    live(
        "def f(n):\n    step = 0\n    while step < n: #?\n        step += 1\n    return 0",
        "3 head: n step\n3 after:",
    );
}

#[test]
fn breaks_lead_after_the_loop() {
    live(
        "def f(xs, a, b):\n    for x in xs: #?\n        if x: break\n    else:\n        return a\n    return b",
        "2 head: a b x\n2 after: b",
    );
}

#[test]
fn module_variables_are_followed_at_module_level() {
    live(
        "total = 0\nfor x in range(3): #?\n    y = x\n    total += y\nprint(total)",
        "2 head: total x\n2 after: total",
    );
}

#[test]
fn variables_that_functions_mention_are_live_always() {
    live(
        "n = 0 #?\ndef f(): return n\nm = 0 #?",
        "1 after: n\n3 after: n",
    );
}

#[test]
fn variables_of_closures_are_live_always() {
    live(
        "def f():\n    a = b = c = d = 1 #?\n    g = lambda: a\n    h = (b for _ in [])\n    i = [c for _ in []]\n    x = 0 #?\n    return g, h, i",
        "2 after: a b c\n6 after: a b g h i",
    );
}

#[test]
fn consumed_generators_read_at_once() {
    live(
        "def f(a, xs):\n    s = sum(a * x for x in xs) #?\n    return s",
        "2 after: s",
    );
}

#[test]
fn looking_names_up_keeps_everything_live() {
    live(
        "def f(a, b):\n    x = 1 #?\n    return locals()",
        "2 after: a b x",
    );
    live("a = 1 #?\ndef f(): return globals()", "1 after: a f");
    live("from m import *\na = 1 #?", "2 after: a");
    live(
        "def f(df, lo):\n    x = 1 #?\n    return df.query('a > @lo')",
        "2 after: df lo x",
    );
}

#[test]
fn handlers_read_what_was_bound_before_the_exception() {
    live(
        "def f(g):\n    x = 1 #?\n    try:\n        x = g()\n    except E:\n        return x\n    return 0",
        "2 after: g x",
    );
}

#[test]
fn finally_reads_on_every_way_out() {
    live(
        "def f(g, log):\n    try:\n        return g() #?\n    finally:\n        log()",
        "3 after: log",
    );
}

#[test]
fn a_continue_goes_through_finally() {
    live(
        "def f(xs, log):\n    for x in xs:\n        try:\n            continue #?\n        finally:\n            log(x)",
        "4 after: log x",
    );
}

#[test]
fn augmented_assignment_reads() {
    live(
        "def f():\n    x = 1 #?\n    x += 1 #?\n    del x",
        "2 after: x\n3 after: x",
    );
}

#[test]
fn conditional_walrus_does_not_kill() {
    live(
        "def f(a):\n    n = 1 #?\n    if a and (n := a): pass\n    return n",
        "2 after: a n",
    );
}

#[test]
fn class_bodies_fall_back_to_outside_names() {
    live("x = 1 #?\nclass A:\n    x = x #?", "1 after: x\n3 after:");
}

#[test]
fn match_reads_subject_and_values() {
    live(
        "def f(a, k):\n    x = 1 #?\n    match a:\n        case k.V: return x\n        case [y]: return y",
        "2 after: a k x",
    );
}

#[test]
fn nested_functions_see_the_outer_ones_as_live() {
    let subject = subject("a = 1\ndef f(b):\n    def g():\n        c = 1 #?\n    return g");
    let (_, stmt) = subject.marked_stmts()[0];
    same(
        &subject.names(&subject.semantics.live_after(stmt)),
        "a f f.b f.g",
    );
}

#[test]
fn straight_line_binds() {
    bound(
        "def f(a):\n    b = a #?\n    del b #?",
        "2: a -> a b\n3: a b -> a",
    );
}

#[test]
fn branches_agree() {
    bound(
        "def f(a):\n    if a: #?\n        x = y = 1\n    else:\n        x = 2",
        "2: a -> a x",
    );
}

#[test]
fn loops_may_run_zero_times() {
    bound(
        "def f(a):\n    for x in a: #?\n        y = x\n    while a: #?\n        z = 1",
        "2 head: a x\n2: a -> a\n4 head: a\n4: a -> a",
    );
}

#[test]
fn an_endless_loop_ends_by_break_only() {
    bound(
        "def f(a):\n    while True: #?\n        x = 1\n        if a: break",
        "2 head: a\n2: a -> a x",
    );
}

#[test]
fn loop_else_binds_without_break() {
    bound(
        "def f(a):\n    for x in a: #?\n        pass\n    else:\n        y = 1",
        "2 head: a x\n2: a -> a y",
    );
}

#[test]
fn try_bodies_bind_only_when_they_finish() {
    bound(
        "def f(a):\n    try: #?\n        x = a()\n    except E: pass\n    try: #?\n        y = a()\n    except E:\n        return",
        "2: a -> a\n5: a -> a y",
    );
}

#[test]
fn try_else_and_finally_bind() {
    bound(
        "def f(a):\n    try: #?\n        x = a()\n    except E:\n        x = 0\n    else:\n        y = 1\n    finally:\n        z = 2",
        "2: a -> a x z",
    );
    bound(
        "def f(a):\n    try: #?\n        x = a()\n    finally:\n        a()",
        "2: a -> a x",
    );
}

#[test]
fn exception_names_are_unbound_at_the_end() {
    bound(
        "def f(a):\n    e = 1\n    try: #?\n        a()\n    except E as e:\n        a(e) #?",
        "3: a e -> a\n6: a e -> a e",
    );
}

#[test]
fn known_context_managers_let_exceptions_pass() {
    bound(
        "import torch\ndef f(m, a):\n    with torch.no_grad(): #?\n        x = m(a)\n    with a as b: #?\n        y = m(a)",
        "3: a m -> a m x\n5: a m x -> a m x",
    );
}

#[test]
fn context_managers_behind_names_are_seen() {
    bound(
        "import torch\nfrom contextlib import nullcontext\nctx = nullcontext() if c else torch.autocast('cpu')\ndef f():\n    with ctx: #?\n        x = 1",
        "5:  -> x",
    );
}

#[test]
fn the_target_of_a_with_may_be_unbound_after_it_swallowed() {
    bound(
        "def f(a):\n    with a() as b, a() as c: #?\n        pass",
        "2: a -> a",
    );
}

#[test]
fn walrus_binds_where_it_is_surely_evaluated() {
    bound(
        "def f(a):\n    if (x := a) and (y := a): #?\n        pass\n    z = [w := v for v in a] #?",
        "2: a -> a x\n4: a x -> a x z",
    );
}

#[test]
fn assertions_bind_nothing() {
    bound(
        "def f(a):\n    assert (x := a) #?\n    y: int #?",
        "2: a -> a\n3: a -> a",
    );
}

#[test]
fn match_binds_in_its_cases() {
    bound(
        "def f(a):\n    match a: #?\n        case [x]: y = 1 #?\n        case x: y = 2",
        "2: a -> a x y\n3: a x -> a x y",
    );
    bound(
        "def f(a):\n    match a: #?\n        case [x] if x: y = 1",
        "2: a -> a",
    );
}

#[test]
fn imports_defs_and_classes_bind() {
    bound(
        "import a.b\nfrom c import d as e #?\ndef f(): pass\nclass G: #?\n    h = 1\ni = 1 #?",
        "2: a -> a e\n4: a e f -> G a e f\n6: G a e f -> G a e f i",
    );
}

#[test]
fn what_other_functions_delete_is_never_sure() {
    bound(
        "x = y = 1\ndef f():\n    global x\n    del x\nf() #?",
        "5: f y -> f y",
    );
}

#[test]
fn what_exec_may_delete_is_never_sure() {
    bound("x = 1\nexec('del x')\ny = 1 #?", "3:  ->");
}

#[test]
fn unreachable_code_binds_nothing() {
    bound("def f(a):\n    return a\n    x = 1 #?", "3:  ->");
}

#[test]
fn functions_may_rely_on_what_was_bound_when_they_were_made() {
    let subject = subject(
        "import a\nb = 1\ndef f(c):\n    d = 1\n    def g():\n        pass #?\n    return g\ne = 1",
    );
    let (_, stmt) = subject.marked_stmts()[0];
    same(
        &subject.names(&subject.semantics.bound_before(stmt)),
        "a b f.c f.d",
    );
}

#[test]
fn declared_globals_are_bound_by_their_assignment() {
    let subject = subject("def f():\n    global n\n    n = 1 #?");
    let (_, stmt) = subject.marked_stmts()[0];
    same(&subject.names(&subject.semantics.bound_after(stmt)), "n");
    same(&subject.names(&subject.semantics.bound_before(stmt)), "");
}

/// Lines of the definitions of `x` that reach each marked statement.
#[track_caller]
fn reaching(source: &str, expected: &str) {
    let subject = subject(source);
    let mut out = String::new();
    for (line, stmt) in subject.marked_stmts() {
        let scope = subject.semantics.scope_of_stmt(stmt);
        let crate::Resolution::Binding(x) = subject.semantics.lookup(scope, "x") else {
            panic!("no `x`");
        };
        let found = subject.semantics.reaching(stmt, x);
        let lines = found.stmts.iter();
        let lines = lines.map(|stmt| subject.line(subject.module.tree.stmt(*stmt).span.start));
        let outside = if found.from_outside { " outside" } else { "" };
        out.push_str(&format!(
            "{line}: {:?}{outside}\n",
            lines.collect::<Vec<_>>()
        ));
    }
    same(&out, expected);
}

#[test]
fn definitions_reach_until_they_are_replaced() {
    reaching(
        "def f(a, x):\n    x #?\n    x = 1\n    if a:\n        x = 2\n    x #?",
        "2: [] outside\n6: [3, 5]",
    );
}

#[test]
fn definitions_reach_around_loops_and_out_of_try() {
    reaching(
        "def f(a):\n    x = 0\n    for i in a:\n        x #?\n        x = i\n    try:\n        x = 1\n        a()\n    except E:\n        x #?",
        "4: [2, 5]\n10: [2, 5, 7]",
    );
}

#[test]
fn definitions_by_others_are_outside() {
    reaching(
        "x = 1\ndef f():\n    global x\n    x = 2\nx #?",
        "5: [1] outside",
    );
}
