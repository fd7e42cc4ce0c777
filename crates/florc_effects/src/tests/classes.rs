//! Classes of the module: instances, class state, special methods.

use super::check;

#[test]
fn self_is_changed_by_attribute_stores() {
    check(
        "class T:\n    def fit(self):\n        for i in range(2):\n            self.n = i\nT().fit()\n",
        "T.fit",
        "bound: i\nmutated: self",
    );
}
#[test]
fn changing_self_changes_what_it_shares() {
    check(
        "class T:\n    def __init__(self, xs):\n        self.xs = xs\n    def add(self, x):\n        self.xs.append(x)\na = []\nt = T(a)\nfor i in range(2):\n    t.add(i)\n",
        "",
        "bound: i\nmutated: a t",
    );
}
#[test]
fn instances_stay_apart() {
    check(
        "class T:\n    def __init__(self):\n        self.n = 0\n    def up(self):\n        self.n += 1\na, b = T(), T()\nfor i in range(2):\n    a.up()\n",
        "",
        "bound: i\nmutated: a",
    );
}
#[test]
fn init_runs_on_construction() {
    check(
        "made = []\nclass T:\n    def __init__(self):\n        made.append(self)\nfor i in range(2):\n    T()\n",
        "",
        "bound: i\nmutated: made",
    );
}
#[test]
fn class_attributes_are_state_of_the_class() {
    check(
        "class C:\n    n = 0\n    def up(self):\n        C.n += 1\nc = C()\nfor i in range(2):\n    c.up()\n",
        "",
        "bound: i\nmutated: C",
    );
}
#[test]
fn a_list_in_the_class_is_shared_by_instances() {
    check(
        "class C:\n    seen = []\n    def up(self):\n        self.seen.append(1)\nc = C()\nfor i in range(2):\n    c.up()\n",
        "",
        "bound: i\nmutated: C",
    );
}
#[test]
fn properties_run_on_reading() {
    check(
        "class C:\n    def __init__(self):\n        self.log = []\n    @property\n    def x(self):\n        self.log.append(1)\n        return 1\nc = C()\nfor i in range(2):\n    c.x\n",
        "",
        "bound: i\nmutated: c",
    );
}
#[test]
fn setters_run_on_storing() {
    check(
        "log = []\nclass C:\n    @property\n    def x(self):\n        return 1\n    @x.setter\n    def x(self, v):\n        log.append(v)\nc = C()\nfor i in range(2):\n    c.x = i\n",
        "",
        "bound: i\nmutated: c log",
    );
}
#[test]
fn getattr_runs_on_missing_attributes() {
    check(
        "log = []\nclass C:\n    def __getattr__(self, name):\n        log.append(name)\n        return 1\nc = C()\nfor i in range(2):\n    c.anything\n",
        "",
        "bound: i\nmutated: log",
    );
}
#[test]
fn operators_run_special_methods() {
    check(
        "class V:\n    def __init__(self):\n        self.n = []\n    def __add__(self, other):\n        self.n.append(other)\n        return self\nv = V()\nfor i in range(2):\n    w = v + i\n",
        "",
        "bound: i w\nmutated: v w",
    );
}
#[test]
fn printing_runs_str() {
    check(
        "class V:\n    def __init__(self):\n        self.n = []\n    def __str__(self):\n        self.n.append(1)\n        return ''\nv = V()\nfor i in range(2):\n    print(v)\n",
        "",
        "bound: i\nmutated: v",
    );
}
#[test]
fn comparison_and_truth_run_special_methods() {
    check(
        "log = []\nclass V:\n    def __bool__(self):\n        log.append(1)\n        return True\nv = V()\nfor i in range(2):\n    if v:\n        pass\n",
        "",
        "bound: i\nmutated: log",
    );
}
#[test]
fn subscripts_run_special_methods() {
    check(
        "class V:\n    def __init__(self):\n        self.d = {}\n    def __setitem__(self, k, v):\n        self.d[k] = v\nv = V()\nfor i in range(2):\n    v[i] = i\n",
        "",
        "bound: i\nmutated: v",
    );
}
#[test]
fn iteration_runs_special_methods() {
    check(
        "class V:\n    def __iter__(self):\n        return self\n    def __next__(self):\n        self.n += 1\n        return 1\nv = V()\nv.n = 0\nfor x in v:\n    pass\n",
        "",
        "bound: x\nmutated: v",
    );
}
#[test]
fn with_runs_enter_and_exit() {
    check(
        "class V:\n    def __enter__(self):\n        self.n = 1\n        return self\n    def __exit__(self, *args):\n        pass\nv = V()\nfor i in range(2):\n    with v as w:\n        pass\n",
        "",
        "bound: i w\nmutated: v w",
    );
}
#[test]
fn callable_objects() {
    check(
        "class V:\n    def __call__(self, xs):\n        self.n = 1\n        xs.append(1)\nv = V()\na = []\nfor i in range(2):\n    v(a)\n",
        "",
        "bound: i\nmutated: a v",
    );
}
#[test]
fn inherited_methods() {
    check(
        "class A:\n    def up(self):\n        self.n = 1\nclass B(A):\n    pass\nb = B()\nfor i in range(2):\n    b.up()\n",
        "",
        "bound: i\nmutated: b",
    );
}
#[test]
fn super_calls_the_base() {
    check(
        "class A:\n    def up(self):\n        self.n = 1\nclass B(A):\n    def up(self):\n        super().up()\nb = B()\nfor i in range(2):\n    b.up()\n",
        "",
        "bound: i\nmutated: b",
    );
}
#[test]
fn static_and_class_methods() {
    check(
        "class A:\n    n = 0\n    @staticmethod\n    def add(xs):\n        xs.append(1)\n    @classmethod\n    def up(cls):\n        cls.n += 1\na = []\nfor i in range(2):\n    A.add(a)\n    A.up()\n",
        "",
        "bound: i\nmutated: A a",
    );
}
#[test]
fn a_class_with_an_unknown_base_is_opaque_where_it_inherits() {
    check(
        "from lib import Base\nclass A(Base):\n    pass\na = A()\nfor i in range(2):\n    a.run()\n",
        "",
        "bound: i\nmutated: A a\nopaque: a.run",
    );
}
#[test]
fn dataclasses_hold_their_arguments() {
    check(
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    xs: list\na = []\np = P(a)\nfor i in range(2):\n    p.xs.append(i)\n",
        "",
        "bound: i\nmutated: a p\nopaque: p.xs.append",
    );
}
#[test]
fn named_tuples_hold_their_arguments() {
    check(
        "from collections import namedtuple\nP = namedtuple('P', 'a b')\na = []\np = P(a, 1)\nfor i in range(2):\n    p.a.append(i)\n",
        "",
        "bound: i\nmutated: a p",
    );
}
#[test]
fn bound_methods_hold_their_object() {
    check(
        "class A:\n    def up(self):\n        self.n = 1\na = A()\nf = a.up\nfor i in range(2):\n    f()\n",
        "",
        "bound: i\nmutated: a f",
    );
}
#[test]
fn deleted_attributes() {
    check(
        "class A: pass\na = A()\na.x = 1\nfor i in range(2):\n    del a.x\n",
        "",
        "bound: i\nmutated: a",
    );
}
