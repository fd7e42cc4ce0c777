//! One rule per statement and target.

use super::check;

#[test]
fn augmented_assignment_of_a_list_is_in_place() {
    check(
        "a = []\nb = a\nfor i in range(2):\n    a += [i]\n",
        "",
        "bound: a i\nmutated: a b",
    );
}
#[test]
fn augmented_assignment_of_an_array_is_in_place() {
    check(
        "import numpy as np\na = np.zeros(2)\nb = a\nfor i in range(2):\n    a *= 2\n",
        "",
        "bound: a i\nmutated: a b",
    );
}
#[test]
fn subscript_stores_and_deletions() {
    check(
        "a, b, c = {}, [], []\nfor i in range(2):\n    a[i] = c\n    del b[0]\n",
        "",
        "bound: i\nmutated: a b",
    );
}
#[test]
fn a_deleted_name_is_bound() {
    check("x = 1\nfor i in range(2):\n    del x\n", "", "bound: i x");
}
#[test]
fn imports_definitions_and_classes_bind() {
    check(
        "for i in range(2):\n    import os.path as p, json\n    from math import pi\n    def f(): pass\n    class C: pass\n",
        "",
        "bound: C f i json p pi",
    );
}
#[test]
fn while_loops_and_tests() {
    check("q = [1]\nwhile q:\n    q.pop()\n", "", "mutated: q");
}
#[test]
fn with_items_bind() {
    check(
        "for i in range(2):\n    with open('f') as f:\n        f.write('x')\n",
        "",
        "bound: f i\nmutated: f\nhidden: files",
    );
}
#[test]
fn matches_capture_parts() {
    check(
        "items = [[1]]\nfor i in range(2):\n    match items:\n        case [first, *rest]:\n            first.append(1)\n",
        "",
        "bound: first i rest\nmutated: first items rest",
    );
}
#[test]
fn comprehensions_run_their_parts() {
    check(
        "a = []\nfor i in range(2):\n    b = [a.append(x) for x in range(3) if x]\n",
        "",
        "bound: b i\nmutated: a",
    );
}
#[test]
fn annotated_assignment() {
    check(
        "a = []\nfor i in range(2):\n    b: list = a\n    b.append(i)\n",
        "",
        "bound: b i\nmutated: a b",
    );
}
#[test]
fn raised_objects_are_caught() {
    check(
        "a = []\nfor i in range(2):\n    try:\n        raise ValueError(a)\n    except ValueError as e:\n        e.args[0].append(i)\n",
        "",
        "bound: e i\nmutated: a e\nopaque: e.args[0].append",
    );
}
#[test]
fn loop_targets_may_be_attributes() {
    check(
        "class A: pass\na = A()\nfor a.x in range(2):\n    pass\n",
        "",
        "mutated: a",
    );
}
#[test]
fn a_format_string_changes_nothing() {
    check(
        "a = [1]\nfor i in range(2):\n    s = f'{a!r:>{i}}'\n",
        "",
        "bound: i s",
    );
}
#[test]
fn operators_on_unknown_values_are_opaque() {
    check(
        "def f(x):\n    for i in range(2):\n        y = x + 1\n",
        "f",
        "bound: i y\nmutated: x y",
    );
}
#[test]
fn globals_may_bind_anything() {
    check(
        "n = 1\nfor i in range(2):\n    globals()['n'] = 2\n",
        "",
        "bound: i n\nopaque: globals",
    );
}
