//! Calls: summaries, closures, generators, opaque code.

use super::{Analysed, check};

#[test]
fn an_unknown_function_may_change_all_it_is_given() {
    check(
        "from lib import f\na, b, c = [], [], []\nfor i in range(2):\n    r = f(a, b)\n",
        "",
        "bound: i r\nmutated: a b f r\nopaque: f",
    );
}
#[test]
fn what_opaque_code_returns_may_be_its_argument() {
    check(
        "from lib import f\na, c = [], []\nr = f(a)\nfor i in range(2):\n    r.append(i)\n",
        "",
        "bound: i\nmutated: a f r\nopaque: r.append",
    );
}
#[test]
fn an_unknown_function_of_a_known_library_is_opaque() {
    check(
        "import torch\na = []\nfor i in range(2):\n    torch.no_such_thing(a)\n",
        "",
        "bound: i\nmutated: a\nopaque: torch.no_such_thing",
    );
}
#[test]
fn opaque_code_calls_the_functions_it_knows() {
    check(
        "import lib\ncount = [0]\ndef hook(x):\n    count.append(x)\nlib.register(hook)\nfor i in range(2):\n    lib.run()\n",
        "",
        "bound: i\nmutated: count lib\nopaque: lib.run",
    );
}
#[test]
fn globals_bound_by_callees() {
    check(
        "n = 0\ndef step():\n    global n\n    n += 1\nfor i in range(2):\n    step()\n",
        "",
        "bound: i n",
    );
}
#[test]
fn nonlocals_bound_by_callees() {
    check(
        "def main():\n    n = 0\n    def step():\n        nonlocal n\n        n += 1\n    for i in range(2):\n        step()\nmain()\n",
        "main",
        "bound: i n\nmutated: step",
    );
}
#[test]
fn a_closure_holds_its_cell() {
    check(
        "def make():\n    n = 0\n    def bump():\n        nonlocal n\n        n += 1\n        return n\n    return bump\nb = make()\nfor i in range(2):\n    b()\n",
        "",
        "bound: i\nmutated: b",
    );
}
#[test]
fn a_closure_over_a_parameter() {
    check(
        "def make(xs):\n    def add(x):\n        xs.append(x)\n    return add\na = []\nadd = make(a)\nfor i in range(2):\n    add(i)\n",
        "",
        "bound: i\nmutated: a add",
    );
}
#[test]
fn lambdas_run_when_called() {
    check(
        "a = []\nf = lambda x: a.append(x)\nfor i in range(2):\n    f(i)\n",
        "",
        "bound: i\nmutated: a",
    );
}
#[test]
fn a_function_given_to_sorted_runs() {
    check(
        "a = []\ndef key(x):\n    a.append(x)\n    return x\nfor i in range(2):\n    sorted([2, 1], key=key)\n",
        "",
        "bound: i\nmutated: a",
    );
}
#[test]
fn recursion() {
    check(
        "def f(xs, n):\n    if n:\n        xs.append(n)\n        f(xs, n - 1)\na, b = [], []\nfor i in range(2):\n    f(a, 2)\n",
        "",
        "bound: i\nmutated: a",
    );
}
#[test]
fn mutual_recursion() {
    check(
        "def even(xs, n):\n    odd(xs, n - 1)\ndef odd(xs, n):\n    xs.append(n)\n    even(xs, n - 1)\na = []\nfor i in range(2):\n    even(a, 2)\n",
        "",
        "bound: i\nmutated: a",
    );
}
#[test]
fn a_generator_runs_when_it_is_taken_from() {
    check(
        "a = []\ndef gen():\n    for i in range(3):\n        a.append(i)\n        yield i\ng = gen()\nfor x in g:\n    pass\n",
        "",
        "bound: x\nmutated: a g",
    );
}
#[test]
fn a_generator_expression_runs_where_it_is_consumed() {
    check(
        "a = []\ng = (a.append(i) for i in range(3))\nfor x in g:\n    pass\n",
        "",
        "bound: x\nmutated: a g",
    );
}
#[test]
fn a_generator_itself_yields() {
    check(
        "def gen():\n    for i in range(3):\n        yield i\n",
        "gen",
        "bound: i\nhidden: yields",
    );
}
#[test]
fn next_advances_an_iterator() {
    check(
        "it = iter([1, 2, 3])\nfor i in range(2):\n    x = next(it)\n",
        "",
        "bound: i x\nmutated: it",
    );
}
#[test]
fn a_decorated_function_still_runs() {
    check(
        "import lib\na = []\n@lib.wrap\ndef f():\n    a.append(1)\nfor i in range(2):\n    f()\n",
        "",
        "bound: i\nmutated: a f lib\nopaque: f",
    );
}
#[test]
fn no_grad_is_only_a_wrapper() {
    check(
        "import torch\na = []\n@torch.no_grad()\ndef f(x):\n    x.append(1)\nfor i in range(2):\n    f(a)\n",
        "",
        "bound: i\nmutated: a",
    );
}
#[test]
fn exec_may_do_anything() {
    check(
        "a = []\nn = 1\nfor i in range(2):\n    exec('n = 2')\n",
        "",
        "bound: a i n\nmutated: a\nopaque: exec",
    );
}
#[test]
fn await_is_told() {
    check(
        "async def f(q):\n    for i in range(2):\n        await q.get()\n",
        "f",
        "bound: i\nmutated: q\nopaque: q.get\nhidden: awaits",
    );
}
#[test]
fn the_reason_leads_through_the_call() {
    let source = "def inner(d):\n    d['x'] = 1\ndef outer(d):\n    inner(d)\nstate = {}\nfor i in range(2):\n    outer(state)\n";
    let analysed = Analysed::of(source);
    let effect = analysed.region("");
    let cause = effect.mutated.values().next().map(|cause| {
        cause
            .steps
            .iter()
            .map(|(_, text)| text.as_str())
            .collect::<Vec<_>>()
    });
    assert_eq!(
        cause,
        Some(vec![
            "`outer(state)` calls `outer`",
            "`inner(d)` calls `inner`",
            "`d['x']` is assigned"
        ])
    );
}
#[test]
fn a_summary_names_parameters_and_globals() {
    let analysed =
        Analysed::of("seen = []\ndef f(a, b):\n    a.append(1)\n    seen.append(2)\nf([], [])\n");
    let summary = analysed.effects.summary(analysed.function("f"));
    assert_eq!(analysed.names(summary.parameters.keys().copied()), "a");
    assert_eq!(analysed.names(summary.mutated.keys().copied()), "seen");
}
#[test]
fn a_function_that_nobody_here_calls_may_be_given_anything() {
    check(
        "model = []\ndef train(net, opt):\n    for i in range(2):\n        opt.step()\n",
        "train",
        "bound: i\nmutated: model net opt\nopaque: opt.step",
    );
}
#[test]
fn getattr_with_a_constant_name_is_an_attribute() {
    check(
        "class A: pass\na = A()\na.x, a.y = [], []\ny = a.y\nfor i in range(2):\n    getattr(a, 'x').append(i)\n",
        "",
        "bound: i\nmutated: a",
    );
}
#[test]
fn setattr_changes_its_object() {
    check(
        "class A: pass\na = A()\nfor i in range(2):\n    setattr(a, 'x', i)\n",
        "",
        "bound: i\nmutated: a",
    );
}
