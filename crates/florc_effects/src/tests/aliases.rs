//! Who shares with whom.

use super::check;

#[test]
fn a_chain_of_names() {
    check(
        "a = []\nb = a\nc = b\nfor i in range(2):\n    c.append(i)\n",
        "",
        "bound: i\nmutated: a b c",
    );
}
#[test]
fn two_lists_stay_apart() {
    check(
        "a = []\nb = []\nfor i in range(2):\n    a.append(i)\n",
        "",
        "bound: i\nmutated: a",
    );
}
#[test]
fn an_element_is_part_of_its_list() {
    check(
        "rows = [[1], [2]]\nfor row in rows:\n    row.append(1)\n",
        "",
        "bound: row\nmutated: row rows",
    );
}
#[test]
fn a_list_in_a_dict() {
    check(
        "log = {'a': [], 'b': []}\nb = log['b']\nfor i in range(2):\n    log['a'].append(i)\n",
        "",
        "bound: i\nmutated: log",
    );
}
#[test]
fn a_copy_is_apart_but_shares_elements() {
    check(
        "a = [[1]]\nb = a.copy()\nfor i in range(2):\n    b.append(i)\n",
        "",
        "bound: i\nmutated: b",
    );
    check(
        "a = [[1]]\nb = a.copy()\nfor i in range(2):\n    b[0].append(i)\n",
        "",
        "bound: i\nmutated: a b",
    );
}
#[test]
fn a_deep_copy_shares_nothing() {
    check(
        "import copy\na = [[1]]\nb = copy.deepcopy(a)\nfor i in range(2):\n    b[0].append(i)\n",
        "",
        "bound: i\nmutated: b",
    );
}
#[test]
fn a_slice_of_a_list_is_new_and_one_of_an_array_is_not() {
    check(
        "a = [1, 2]\nfor i in range(2):\n    part = a[1:]\n    part.append(i)\n",
        "",
        "bound: i part\nmutated: part",
    );
    check(
        "import numpy as np\na = np.zeros(3)\nfor i in range(2):\n    part = a[1:]\n    part[0] = i\n",
        "",
        "bound: i part\nmutated: a part",
    );
}
#[test]
fn numbers_share_with_nobody() {
    check(
        "a = 1\nb = a\nfor i in range(2):\n    b += i\n",
        "",
        "bound: b i",
    );
}
#[test]
fn tuples_keep_positions_apart() {
    check(
        "a, b = [], []\npair = (a, b)\nfor i in range(2):\n    x, y = pair\n    x.append(i)\n",
        "",
        "bound: i x y\nmutated: a pair x",
    );
}
#[test]
fn zip_and_enumerate() {
    check(
        "xs, ys = [[1]], [[2]]\nfor i, (x, y) in enumerate(zip(xs, ys)):\n    y.append(i)\n",
        "",
        "bound: i x y\nmutated: y ys",
    );
}
#[test]
fn dict_items() {
    check(
        "d = {}\nd['a'] = []\nfor k, v in d.items():\n    v.append(1)\n",
        "",
        "bound: k v\nmutated: d v",
    );
}
#[test]
fn conditional_values() {
    check(
        "a, b = [], []\nfor i in range(2):\n    c = a if i else b\n    c.append(i)\n",
        "",
        "bound: c i\nmutated: a b c",
    );
}
#[test]
fn containers_share_with_what_is_put_into_them() {
    check(
        "a = []\nbag = set()\nbag2 = {}\nbag2['x'] = a\nfor i in range(2):\n    bag2['x'].append(i)\n",
        "",
        "bound: i\nmutated: a bag2",
    );
}
#[test]
fn setdefault_gives_what_it_stores() {
    check(
        "d = {}\nfor i in range(2):\n    d.setdefault(i, []).append(i)\n",
        "",
        "bound: i\nmutated: d",
    );
}
#[test]
fn attributes_are_kept_apart() {
    check(
        "class A: pass\na = A()\na.x = []\na.y = []\ny = a.y\nfor i in range(2):\n    a.x.append(i)\n",
        "",
        "bound: i\nmutated: a",
    );
}
#[test]
fn a_global_alias_is_seen_in_functions() {
    check(
        "buf = []\nb = buf\ndef add(i):\n    b.append(i)\nfor i in range(2):\n    add(i)\n",
        "",
        "bound: i\nmutated: b buf",
    );
}
#[test]
fn parameters_that_share_at_the_call() {
    check(
        "def f(p, q):\n    for i in range(2):\n        p.append(i)\nx = []\nf(x, x)\n",
        "f",
        "bound: i\nmutated: p q x",
    );
}
#[test]
fn starred_arguments_and_keywords() {
    check(
        "def f(*xs, **kw):\n    xs[0].append(1)\n    kw['k'].append(2)\na, b, c = [], [], []\nfor i in range(2):\n    f(a, k=b)\n",
        "",
        "bound: i\nmutated: a b",
    );
}
#[test]
fn default_arguments_live_on() {
    check(
        "def f(x, seen=[]):\n    seen.append(x)\nfor i in range(2):\n    f(i)\n",
        "",
        "bound: i\nmutated: f",
    );
}
#[test]
fn unpacking_into_a_star() {
    check(
        "rows = [[1], [2]]\nfor i in range(2):\n    first, *rest = rows\n    rest[0].append(i)\n",
        "",
        "bound: first i rest\nmutated: first rest rows",
    );
}
#[test]
fn a_walrus_binds() {
    check(
        "a = []\nfor i in range(2):\n    (b := a).append(i)\n",
        "",
        "bound: b i\nmutated: a b",
    );
}
#[test]
fn defaultdict_inserts_on_read() {
    check(
        "from collections import defaultdict\nd = defaultdict(list)\nfor i in range(2):\n    d[i]\n",
        "",
        "bound: i\nmutated: d",
    );
}
#[test]
fn a_partial_holds_its_arguments() {
    check(
        "from functools import partial\ndef f(xs, i):\n    xs.append(i)\na = []\ng = partial(f, a)\nfor i in range(2):\n    g(i)\n",
        "",
        "bound: i\nmutated: a g",
    );
}
