//! Questions about single calls and regions.

use florc_syntax::tree::{ExprId, ExprKind, StmtKind};

use super::Analysed;

#[track_caller]
fn trains(source: &str, function: &str, expected: bool) {
    let analysed = Analysed::of(source);
    let (_, stmts) = analysed.region_of(function);
    assert_eq!(analysed.effects.trains(&stmts), expected, "{source}");
}

/// The iterable of the first `for` loop.
#[track_caller]
fn recreatable(source: &str, expected: bool) {
    let analysed = Analysed::of(source);
    let stmt = analysed.semantics.loops.first().map(|found| found.stmt);
    let kind = stmt.map(|stmt| &analysed.module.tree.stmt(stmt).kind);
    let Some(StmtKind::For { iter, .. }) = kind else {
        panic!("no for loop")
    };
    assert_eq!(
        analysed.effects.recreatable_iterable(*iter),
        expected,
        "{source}"
    );
}

/// Sources of all calls for which `wanted` says something.
fn calls(analysed: &Analysed, wanted: impl Fn(ExprId) -> Option<String>) -> Vec<String> {
    let ids = (0..analysed.module.tree.expr_count()).map(|id| ExprId(id as u32));
    let calls =
        ids.filter(|id| matches!(analysed.module.tree.expr(*id).kind, ExprKind::Call { .. }));
    calls.filter_map(wanted).collect()
}

#[test]
fn backward_and_step_train() {
    trains("for i in range(2):\n    loss.backward()\n", "", true);
    trains(
        "import torch\nm = torch.nn.Linear(1, 1)\no = torch.optim.SGD(m.parameters(), 0.1)\nfor i in range(2):\n    o.step()\n",
        "",
        true,
    );
    trains("for i in range(2):\n    model.fit(x)\n", "", true);
}
#[test]
fn training_is_seen_through_calls() {
    trains(
        "def step(l):\n    l.backward()\nfor i in range(2):\n    step(loss)\n",
        "",
        true,
    );
    trains(
        "class T:\n    def fit(self):\n        for i in range(2):\n            self.step()\n    def step(self):\n        self.loss.backward()\nT().fit()\n",
        "T.fit",
        true,
    );
}
#[test]
fn evaluation_and_environments_do_not_train() {
    trains(
        "total = 0\nfor x in range(2):\n    total += model(x).item()\n",
        "",
        false,
    );
    trains("for x in range(2):\n    env.step(x)\n", "", false);
    trains(
        "import torch\nl = torch.nn.MSELoss()\nc = torch.zeros(1)\nfor x in range(2):\n    c += l(c, c)\n",
        "",
        false,
    );
}
#[test]
fn updates_in_plain_numpy_train() {
    trains(
        "import numpy as np\nw = np.zeros(3)\nfor i in range(2):\n    w -= 0.1 * w\n",
        "",
        true,
    );
    trains(
        "import numpy as np\nw = np.zeros(3)\nfor i in range(2):\n    w = w - 0.1 * w\n",
        "",
        true,
    );
    trains(
        "p = {'w': 1.0}\nfor i in range(2):\n    p['w'] -= 0.1 * p['w']\n",
        "",
        true,
    );
    trains("left = 10\nfor i in range(2):\n    left -= 1\n", "", false);
    trains(
        "seen = {1, 2}\nfor i in range(2):\n    seen -= {i}\n",
        "",
        false,
    );
    trains(
        "def f(seen):\n    while seen:\n        seen -= {1}\n",
        "",
        false,
    );
}
#[test]
fn a_definition_alone_does_not_train() {
    trains(
        "for i in range(2):\n    def f(l):\n        l.backward()\n",
        "",
        false,
    );
}
#[test]
fn ranges_containers_and_loaders_can_be_made_again() {
    recreatable("for i in range(3): pass\n", true);
    recreatable("xs = [1]\nfor i, x in enumerate(xs): pass\n", true);
    recreatable(
        "from torch.utils.data import DataLoader\nfrom tqdm import tqdm\nl = DataLoader([1])\nfor i, x in enumerate(tqdm(l)): pass\n",
        true,
    );
    recreatable("def f(n):\n    for i in range(n): pass\nf(3)\n", true);
    recreatable("import itertools\nfor i in itertools.count(): pass\n", true);
    recreatable("d = {}\nfor k, v in d.items(): pass\n", true);
    recreatable("for k in (xs := [1]): pass\n", true);
}
#[test]
fn living_iterators_cannot_be_made_again() {
    recreatable("it = iter([1])\nfor i in it: pass\n", false);
    recreatable(
        "def gen():\n    yield 1\ng = gen()\nfor i in g: pass\n",
        false,
    );
    recreatable("import lib\nfor i in lib.stream(): pass\n", false);
    recreatable("g = (x for x in [1])\nfor i in g: pass\n", false);
}
#[test]
fn log_calls_are_known() {
    let analysed = Analysed::of(
        "import logging\nfrom torch.utils.tensorboard import SummaryWriter\nfrom tqdm import tqdm\nlog = logging.getLogger()\nw = SummaryWriter()\nprint(1)\nlog.info(2)\nlogging.warning(3)\nw.add_scalar('a', 1, 2)\ntqdm.write('x')\nlen([])\n",
    );
    let found = calls(&analysed, |id| {
        analysed
            .effects
            .is_log_call(id)
            .map(|kind| format!("{kind:?}"))
    });
    let mut found = found;
    found.sort();
    assert_eq!(
        found,
        ["AddScalar", "Logging", "Logging", "Print", "TqdmWrite"]
    );
}
#[test]
fn clock_calls_are_known() {
    let analysed = Analysed::of(
        "import time, os, uuid\nfrom datetime import datetime\nfrom time import perf_counter as pc\ntime.time()\npc()\nos.urandom(3)\nuuid.uuid4()\ndatetime.now()\nlen([])\n",
    );
    let mut found = calls(&analysed, |id| analysed.effects.is_clock_call(id));
    found.sort();
    assert_eq!(
        found,
        [
            "datetime.datetime.now",
            "os.urandom",
            "time.perf_counter",
            "time.time",
            "uuid.uuid4"
        ]
    );
}
#[test]
fn inputs_come_through_called_functions() {
    let analysed = Analysed::of(
        "rate = 0.1\nother = 1\ndef inner(): return rate\ndef f(): return inner()\nfor i in range(2):\n    f()\n",
    );
    let (_, stmts) = analysed.region_of("");
    let inputs = analysed.effects.inputs_of_called(&stmts);
    assert_eq!(analysed.names(inputs.into_iter()), "rate");
}
#[test]
fn reach_goes_through_calls_and_callbacks() {
    let analysed = Analysed::of(
        "import lib\ndef a(): b()\ndef b(): pass\ndef c(): pass\ndef hook(): c()\nlib.on(hook)\nfor i in range(2):\n    a()\n    lib.go()\n",
    );
    let (_, stmts) = analysed.region_of("");
    let names: Vec<&str> = analysed
        .effects
        .may_reach(&stmts)
        .into_iter()
        .map(|id| analysed.semantics.functions[id.index()].name.as_str())
        .collect();
    assert_eq!(names, ["a", "b", "c", "hook"]);
}
#[test]
fn a_def_does_not_run_its_body_and_does_not_hide_it() {
    let analysed = Analysed::of("def a(): pass\ndef main():\n    a()\nmain()\n");
    let main = analysed.function("main");
    let def: Vec<_> = analysed.effects.definition_of(main).into_iter().collect();
    let body = analysed.body(main);
    assert!(analysed.effects.may_reach(&def).is_empty());
    let reached = analysed.effects.may_reach(&[def, body].concat());
    assert!(reached.contains(&analysed.function("a")));
}
#[test]
fn strange_sources_do_no_harm() {
    for source in [
        "",
        "x = x\n",
        "def f(): return f\nf()()()\n",
        "class C(C): pass\nC()\n",
        "f = lambda: f()\nf()\n",
        "a.b.c.d[e](*f, **g)\n",
        "while True: x = x.next\n",
        "import a.b.c\na = a.b(a)\n",
        "def f(*, x=f): yield from f(x=f)\nlist(f())\n",
    ] {
        Analysed::of(source);
    }
}
