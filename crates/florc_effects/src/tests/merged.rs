//! What unknown code knows, exactly and taken for one object: each way in which it may act is found, and what it
//! cannot know is spared.

use florc_semantic::{Semantics, analyze};
use florc_syntax::tree::ExprId;
use florc_syntax::{Module, SourceText, parse};

use crate::tests::Analysed;
use crate::{Knowledge, infer_within};

fn parsed(source: &str) -> (Module, Semantics) {
    let text = SourceText::from_bytes("test.py", source.as_bytes().to_vec()).ok();
    let module = text.and_then(|text| parse(text).ok());
    let Some(module) = module else {
        panic!("does not parse:\n{source}")
    };
    let (semantics, _) = analyze(&module);
    (module, semantics)
}

/// Names that the first loop of the module changes, analysed exactly and coarsely.
#[track_caller]
fn changes(source: &str, wanted: &[&str], spared: &[&str]) {
    for bounds in [[u64::MAX, 0], [0, u64::MAX]] {
        let (module, semantics) = parsed(source);
        let effects = infer_within(&module, &semantics, &Knowledge::builtin(), bounds);
        assert!(!effects.gave_up());
        let analysed = Analysed {
            module,
            semantics,
            effects,
        };
        let region = analysed.region("");
        let changed = region.mutated.keys().chain(region.bound.keys());
        let names = analysed.names(changed.copied());
        let named = |name: &&&str| names.split(' ').any(|it| it == **name);
        let missing: Vec<_> = wanted.iter().filter(|name| !named(name)).collect();
        let extra: Vec<_> = spared.iter().filter(named).collect();
        assert!(
            missing.is_empty() && extra.is_empty(),
            "bounds {bounds:?}: missing {missing:?}, extra {extra:?} in `{names}`\n{source}"
        );
    }
}

#[test]
fn an_unknown_call_changes_what_an_earlier_one_was_given() {
    changes(
        "import lib\nkept, own = [], []\nlib.register(kept)\nfor x in range(3):\n    lib.tick()\n",
        &["kept"],
        &["own"],
    );
}

#[test]
fn unknown_code_may_iterate_a_generator_expression_later() {
    changes(
        "import lib\nseen = []\nitems = lib.lazily(seen.append(x) for x in range(3))\nfor x in items:\n    pass\n",
        &["seen"],
        &[],
    );
}

#[test]
fn a_special_method_of_the_program_may_be_behind_an_unknown_value() {
    let class = |method: &str| {
        format!(
            "import lib\nseen, other = [], []\nclass Table:\n    {method}\n        seen.append(1)\nlib.register(Table)\n"
        )
    };
    let uses = [
        ("def __setitem__(self, key, value):", "thing[0] = 1"),
        ("def __setattr__(self, name, value):", "thing.a = 1"),
        ("def __getitem__(self, key):", "thing[0]"),
        ("def __add__(self, other):", "thing + 1"),
        ("def __iter__(self):", "list(thing)"),
        ("def __delitem__(self, key):", "del thing[0]"),
        ("def __getattr__(self, name):", "thing.b"),
        ("def __enter__(self):", "with thing: pass"),
    ];
    for (method, statement) in uses {
        let source = format!(
            "{}thing = lib.make()\nfor x in range(3):\n    {statement}\n",
            class(method)
        );
        changes(&source, &["seen"], &["other"]);
    }
}

#[test]
fn setters_and_operands_are_given_to_unknown_values() {
    changes(
        "import lib\nclass Meter:\n    def __radd__(self, other):\n        other.total = 1\nclass Sum:\n    pass\nlib.register(Meter)\n\
         meter, sum = lib.make(), Sum()\nfor x in range(3):\n    sum + meter\n",
        &["sum"],
        &[],
    );
    changes(
        "import lib\nclass Meter:\n    @property\n    def last(self):\n        return 0\n    @last.setter\n    def last(self, value):\n        \
         value.append(1)\nlib.register(Meter)\nmeter, values = lib.make(), []\nfor x in range(3):\n    meter.last = values\n",
        &["values"],
        &[],
    );
}

#[test]
fn objects_of_a_class_that_unknown_code_knows_may_be_known_to_it() {
    changes(
        "import lib\n@lib.register\nclass Model:\n    def step(self):\n        self.count = 1\nmodel = Model()\nfor x in range(3):\n    lib.run()\n",
        &["model"],
        &[],
    );
}

#[test]
fn the_class_of_an_unknown_value_makes_unknown_values() {
    changes(
        "import lib\nthing, kept = lib.make(), []\nfor x in range(3):\n    type(thing)(kept)\n",
        &["kept"],
        &[],
    );
}

#[test]
fn copies_of_what_unknown_code_knows_may_be_changed_and_their_originals_too() {
    changes(
        "import copy, lib\nnet = {'a': []}\nlib.register(net)\nbest = copy.deepcopy(net)\nfor x in range(3):\n    lib.refresh(best)\n",
        &["best"],
        &[],
    );
}

#[test]
fn what_a_function_gives_that_unknown_code_calls_is_known_to_it() {
    changes(
        "import lib\nstore = []\ndef give():\n    return store\nlib.register(give)\nfor x in range(3):\n    lib.tick()\n",
        &["store"],
        &[],
    );
}

#[test]
fn names_that_stay_by_themselves_are_spared() {
    changes(
        "import lib, torch\nnet = torch.nn.Linear(2, 2)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\nlog, args = [], lib.parse()\n\
         for x in range(3):\n    log.append(args.lr)\n    print(args.name)\n",
        &["log"],
        &["net", "opt"],
    );
}

#[test]
fn hooks_that_unknown_code_registers_are_run() {
    changes(
        "import lib, torch\nseen = []\nclass Net(torch.nn.Module):\n    def forward(self, x):\n        return torch.relu(x)\nnet = Net()\n\
         def hook(*a):\n    seen.append(1)\nlib.install(net, hook)\nfor x in range(3):\n    net(x)\n",
        &["seen"],
        &[],
    );
}

#[test]
fn special_methods_may_be_stored_in_classes() {
    let source = "seen = []\nclass Ctx:\n    pass\ndef enter(self):\n    seen.append(1)\ndef leave(self, *a):\n    pass\n\
                  for_each = [setattr(Ctx, name, fn) for name, fn in [('__enter__', enter), ('__exit__', leave)]]\nc = Ctx()\n\
                  for x in range(3):\n    with c:\n        pass\n";
    changes(source, &["seen"], &[]);
}

#[test]
fn what_unknown_code_gives_is_passed_to_functions_of_which_one_is_unknown() {
    for call in [
        "list(map(g, lib2.items()))",
        "list(filter(g, lib2.items()))",
        "functools.partial(g, lib2.items())()",
    ] {
        let source = format!(
            "import functools, lib1, lib2\nkept = []\ndef f(x):\n    kept.append(x)\ng = lib1.pick() or f\n{call}\nfor i in range(3):\n    lib2.tick()\n"
        );
        changes(&source, &["kept"], &[]);
    }
}

#[test]
fn functions_keep_their_names_where_they_are_known_to_unknown_code() {
    changes(
        "import lib\nlib.register(exec)\nrun = lib.pick() or exec\nn = 0\nfor i in range(3):\n    run('n += 1')\n",
        &["n"],
        &[],
    );
    changes(
        "import lib\ndef step():\n    pass\nlib.register(step)\nf = lib.pick() or step\nfor i in range(3):\n    f.count = i\n",
        &["f", "step"],
        &[],
    );
    changes(
        "import copy, lib\nseen = []\ndef hook(x):\n    seen.append(x)\n    return x\nlib.register(hook)\ndef build():\n    return {'fn': hook, 'other': lib.make()}\n\
         cfg = copy.deepcopy(build())\nfor i in range(3):\n    sorted([1, 2], key=cfg['fn'])\n",
        &["seen"],
        &[],
    );
}

#[test]
fn generators_iterate_generators_and_run_unknown_code() {
    changes(
        "seen = []\na = (seen.append(x) for x in range(3))\nb = (y for y in a)\nfor z in b:\n    pass\n",
        &["seen"],
        &[],
    );
    changes(
        "import lib\nseen = []\ndef cb():\n    seen.append(1)\nlib.register(cb)\nlib.register(y for y in range(3))\nitems = (lib.tick() for x in range(3))\n\
         for v in items:\n    pass\n",
        &["seen"],
        &[],
    );
}

#[test]
fn what_is_compared_with_an_unknown_value_is_given_to_it() {
    changes(
        "import lib\nclass Key:\n    def __eq__(self, other):\n        other.hits = 1\nclass Rec:\n    pass\nlib.register(Key)\nrec = Rec()\n\
         for i in range(3):\n    rec == lib.make()\n",
        &["rec"],
        &[],
    );
}

#[test]
fn clocks_and_log_statements_are_found_however_involved_a_program_is() {
    let source = "import time\ndef lap(t):\n    print(t)\n    return time.time() - t\nfor x in range(3):\n    lap(x)\n";
    let (module, semantics) = parsed(source);
    let effects = infer_within(&module, &semantics, &Knowledge::builtin(), [0, 0]);
    assert!(effects.gave_up());
    let calls = (0..module.tree.expr_count() as u32).map(ExprId);
    let found = calls.fold((0, 0), |(clocks, logs), call| {
        (
            clocks + usize::from(effects.is_clock_call(call).is_some()),
            logs + usize::from(effects.is_log_call(call).is_some()),
        )
    });
    assert_eq!(found, (1, 1));
}
