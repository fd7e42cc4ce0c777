//! Scopes, bindings and what names mean.

use super::{same, subject};
use crate::Resolution;

/// Renders what each name on a marked line means.
#[track_caller]
fn check(source: &str, expected: &str) {
    let subject = subject(source);
    let mut out = String::new();
    for (line, expr) in subject.marked_exprs() {
        if !matches!(
            subject.module.tree.expr(expr).kind,
            florc_syntax::tree::ExprKind::Name(_)
        ) {
            continue;
        }
        let name = subject.module.text_of_expr(expr);
        let meaning = match subject.semantics.resolve(expr) {
            Resolution::Binding(binding) => subject.place(binding),
            Resolution::Builtin(_) => "builtin".to_owned(),
            Resolution::Unknown(_) => "unknown".to_owned(),
        };
        out.push_str(&format!("{line} {name} = {meaning}\n"));
    }
    same(&out, expected);
}

/// Renders every variable with its flags and definitions.
#[track_caller]
fn bindings(source: &str, expected: &str) {
    let subject = subject(source);
    let mut out = String::new();
    for (index, binding) in subject.semantics.bindings.iter().enumerate() {
        let id = crate::BindingId(index as u32);
        let flags = [
            (binding.is_parameter, "parameter"),
            (binding.is_import, "import"),
            (binding.is_function, "function"),
            (binding.is_class, "class"),
            (binding.is_global_declared, "global"),
            (binding.is_nonlocal_declared, "nonlocal"),
            (binding.is_captured, "captured"),
        ];
        let flags = flags.iter().filter(|(is, _)| *is).map(|(_, name)| *name);
        let lines = binding.definitions.iter();
        let lines = lines.map(|found| subject.line(found.span.start).to_string());
        let parts: Vec<String> = flags.map(str::to_owned).chain(lines).collect();
        out.push_str(&format!("{} {}\n", subject.place(id), parts.join(" ")));
    }
    same(&out, expected);
}

#[test]
fn locals_shadow_globals_and_builtins() {
    check(
        "x = 1\ndef f(x):\n    len = x #?\n    print(x, len) #?\nx #?",
        "3 len = f.len\n3 x = f.x\n4 print = builtin\n4 x = f.x\n4 len = f.len\n5 x = x",
    );
}

#[test]
fn assignment_anywhere_makes_a_name_local() {
    check(
        "x = 1\ndef f():\n    print(x) #?\n    x = 2",
        "3 print = builtin\n3 x = f.x",
    );
}

#[test]
fn global_reaches_the_module() {
    check(
        "def f():\n    global n\n    n = n + 1 #?\n    def g():\n        return n #?",
        "3 n = n\n3 n = n\n5 n = n",
    );
}

#[test]
fn nonlocal_reaches_the_nearest_function() {
    check(
        "n = 0\ndef f():\n    n = 1\n    class A:\n        n = 2\n        def g(self):\n            nonlocal n\n            n += 1 #?\n            def h():\n                nonlocal n\n                n = 3 #?",
        "8 n = f.n\n11 n = f.n",
    );
}

#[test]
fn functions_do_not_see_class_scopes() {
    check(
        "x = 1\nclass A:\n    x = 2\n    y = x #?\n    def f(self):\n        return x #?\n    z = [x for _ in x] #?",
        "4 y = A.y\n4 x = A.x\n6 x = x\n7 z = A.z\n7 x = x\n7 _ = <comp>._\n7 x = A.x",
    );
}

#[test]
fn comprehensions_have_their_own_scope_but_for_the_first_iterable() {
    check(
        "x = [1]\ny = [x for x in x if x] #?",
        "2 y = y\n2 x = <comp>.x\n2 x = <comp>.x\n2 x = x\n2 x = <comp>.x",
    );
}

#[test]
fn walrus_in_comprehensions_binds_outside() {
    check(
        "def f(xs):\n    return [last := x for x in xs], last #?",
        "2 last = f.last\n2 x = <comp>.x\n2 x = <comp>.x\n2 xs = f.xs\n2 last = f.last",
    );
}

#[test]
fn lambda_defaults_are_outside() {
    check(
        "k = 1\nf = lambda x, y=k: x + y + k #?",
        "2 f = f\n2 k = k\n2 x = <lambda>.x\n2 y = <lambda>.y\n2 k = k",
    );
}

#[test]
fn decorators_defaults_and_annotations_are_outside() {
    check(
        "a = b = 1\n@a #?\ndef f(a: a = b) -> a: pass #?",
        "2 a = a\n3 a = a\n3 b = b\n3 a = a",
    );
}

#[test]
fn type_parameters_have_a_scope() {
    check(
        "def f[T](x: T) -> T: #?\n    return T #?\nclass A[T](list[T]): #?\n    def g(self, x: T): pass #?\ntype L[T] = list[T] #?",
        "1 T = <type>.T\n1 T = <type>.T\n2 T = <type>.T\n3 list = builtin\n3 T = <type>.T\n4 T = <type>.T\n5 L = L\n5 list = builtin\n5 T = <type>.T",
    );
}

#[test]
fn star_imports_make_names_unknown() {
    check(
        "from os import *\nprint(x) #?",
        "2 print = unknown\n2 x = unknown",
    );
}

#[test]
fn module_names_are_builtin() {
    check(
        "__name__, __file__ #?\nundefined #?",
        "1 __name__ = builtin\n1 __file__ = builtin\n2 undefined = unknown",
    );
}

#[test]
fn fstring_fields_are_looked_up() {
    check(
        "def f(x, w):\n    return f\"{x:{w}} {x!r} {[y for y in x]}\" #?",
        "2 x = f.x\n2 w = f.w\n2 x = f.x\n2 y = <comp>.y\n2 y = <comp>.y\n2 x = f.x",
    );
}

#[test]
fn every_construct_binds() {
    bindings(
        "import a.b, c.d as e\nfrom m import n as o\nfor i, (j, *k) in e: pass\nwith o as (p, q): pass\ntry: pass\nexcept E as r: pass\ns: int\nt: int = 1\nu += 1\ndel t\ndef v(w, /, x, *y, z=0, **aa): pass\nclass ab: pass\n(ac := 1)\nad.ae = af[ag] = 1",
        "a import 1\ne import 1\no import 2\ni 3\nj 3\nk 3\np 4\nq 4\nr 6\ns\nt 8 10\nu 9\nv.w parameter 11\nv.x parameter 11\nv.y parameter 11\nv.z parameter 11\nv.aa parameter 11\nv function 11\nab class 12\nac 13",
    );
}

#[test]
fn match_captures_bind() {
    bindings(
        "match x:\n    case [a, *b]: pass\n    case {'k': c, **d}: pass\n    case P(e, f=g) as h: pass\n    case 1 | 2: pass\n    case A.B: pass\n    case _: pass",
        "a 2\nb 2\nc 3\nd 3\ne 4\ng 4\nh 4",
    );
}

#[test]
fn captured_variables_are_marked() {
    bindings(
        "def f(a, b, c, d, e):\n    def g(): return a\n    h = lambda: b\n    i = (x + c for x in d)\n    return sum(y + e for y in d)",
        "f.a parameter captured 1\nf.b parameter captured 1\nf.c parameter captured 1\nf.d parameter 1\nf.e parameter 1\nf.g function 2\nf.h 3\n<comp>.x 4\nf.i 4\n<comp>.y 5\nf function 1",
    );
}

#[test]
fn globals_written_by_functions_are_captured() {
    bindings(
        "n = 0\nm = 0\ndef f():\n    global n, k\n    n = 1",
        "n global captured 1 5\nm 2\nf function 3\nk global captured",
    );
}

#[test]
fn a_nonlocal_without_a_variable_stays_harmless() {
    bindings("def f():\n    nonlocal x\n    x = 1", "f.x 3\nf function 1");
}

#[test]
fn identifiers_have_bindings() {
    let subject = subject("def f(a): pass\nimport b\n");
    let def = subject
        .semantics
        .binding_of_identifier(florc_syntax::Span::new(4, 5));
    let param = subject
        .semantics
        .binding_of_identifier(florc_syntax::Span::new(6, 7));
    same(&subject.names(def.iter().chain(&param)), "f f.a");
}
