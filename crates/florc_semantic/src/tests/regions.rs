//! What regions assign and read, and dynamic uses.

use super::{same, subject};

/// Renders assigned and read variables of the marked statements.
#[track_caller]
fn check(source: &str, expected: &str) {
    let subject = subject(source);
    let lines = subject.marked_stmts().into_iter().map(|(line, stmt)| {
        let assigned = subject.semantics.assigned_in(&[stmt]);
        let read = subject.semantics.read_in(&[stmt]);
        format!(
            "{line} assigned [{}] read [{}]\n",
            subject.names(&assigned),
            subject.names(&read)
        )
    });
    same(&lines.collect::<String>(), expected);
}

#[test]
fn loops_assign_their_targets_and_bodies() {
    check(
        "def f(xs):\n    total = 0\n    for i, x in enumerate(xs): #?\n        total += x\n        if (last := x): pass",
        "3 assigned [f.i f.last f.total f.x] read [f.total f.x f.xs]",
    );
}

#[test]
fn every_binding_statement_counts() {
    check(
        "for _ in x: #?\n    import a.b\n    def c(): pass\n    class d: e = 1\n    with f as g: pass\n    try: pass\n    except h as i: pass\n    match j:\n        case [k, *l]: pass\n    del m\n    n: int = 1\n    o: int",
        "1 assigned [_ a c d g i k l m n] read [m]",
    );
}

#[test]
fn nested_functions_count_by_declaration_only() {
    check(
        "def f(a):\n    n = 0\n    if a: #?\n        def g(b):\n            nonlocal n\n            global m\n            n = m = k = b\n            return a\nm = a = 1",
        "3 assigned [f.g f.n m] read [f.a]",
    );
}

#[test]
fn lambdas_and_comprehensions_read() {
    check(
        "def f(a, b, c):\n    if c: #?\n        g = lambda x: x + a\n        h = [y + b for y in c]",
        "2 assigned [f.g f.h] read [f.a f.b f.c]",
    );
}

#[test]
fn class_bodies_read_outside_names() {
    check(
        "x = 1\nclass A: #?\n    x = x\n    def f(self): return y\ny = 2",
        "2 assigned [A] read [x y]",
    );
}

#[test]
fn exec_may_assign_every_global() {
    check(
        "a = b = 1\nexec(code) #?\nprint(a) #?",
        "2 assigned [a b] read [a b]\n3 assigned [] read [a]",
    );
}

#[test]
fn exec_in_a_function_may_assign_globals_and_read_locals() {
    check(
        "a = 1\ndef f(x):\n    exec('') #?",
        "3 assigned [a f f.x] read [a f f.x]",
    );
}

#[test]
fn locals_reads_the_locals() {
    check(
        "a = 1\ndef f(x):\n    return locals() #?",
        "3 assigned [f.x] read [f.x]",
    );
}

#[test]
fn star_imports_may_assign_every_global() {
    check("a = 1\nfrom m import * #?", "2 assigned [a] read [a]");
}

#[track_caller]
fn dynamic(source: &str, expected: &str) {
    let subject = subject(source);
    let uses = subject.semantics.dynamic_uses().iter().map(|found| {
        let flags = [
            (found.locals, " locals"),
            (found.reads_globals, " reads"),
            (found.writes_globals, " writes"),
        ];
        let flags: String = flags
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, name)| *name)
            .collect();
        format!("{}{flags}\n", subject.function(found.function))
    });
    same(&uses.collect::<String>(), expected);
}

#[test]
fn dynamic_uses_are_found() {
    dynamic("globals()['x'] = 1", "module reads writes");
    dynamic("def f():\n    return locals()", "f locals");
    dynamic(
        "import sys\nframe = sys._getframe",
        "module locals reads writes",
    );
    dynamic(
        "def f(df):\n    return df.query('a > @b')",
        "f locals reads",
    );
    dynamic("import __main__", "module reads writes");
    dynamic(
        "from os import *\nexec('')",
        "module locals reads writes\nmodule locals reads writes",
    );
}

#[test]
fn lookalikes_are_not_dynamic() {
    dynamic("model.eval()\nvars(args)\ndef exec(x): pass\nexec(1)", "");
}
