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

mod judge;

use florc_history::{ChangeKind, Version, added_globals, classify, diff_sources, probe_places};
use florc_syntax::tree::{StmtId, StmtKind};
use florc_syntax::{Module, Named as NamedFile, SourceText};
use judge::{Named, module};

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
    let (recorded, current) = (old_judge.version(), new_judge.version());
    let main_loop = (0..new.tree.stmt_count() as u32)
        .map(StmtId)
        .find(|stmt| matches!(new.tree.stmt(*stmt).kind, StmtKind::For { .. }));
    let diff = diff_sources(&old, &new);
    let kinds: Vec<ChangeKind> = classify(recorded, current, &diff, Some(main_loop.as_slice()))
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
    check("", "    i; print(rng())\n", "", &[Feeds, Refused]);
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
    check("print(rng())\n", "", "", &[Probe]);
}

#[test]
fn what_draws_is_isolated_where_checkpoints_are_behind_it() {
    let isolated = |new: &str| {
        let (old, new) = (module(LOOP), module(new));
        let semantics = [&old, &new].map(|it| florc_semantic::analyze(it).0);
        let judges = [
            Named {
                module: &old,
                semantics: &semantics[0],
            },
            Named {
                module: &new,
                semantics: &semantics[1],
            },
        ];
        let main_loop = new.tree.body.iter().copied();
        let main_loop = main_loop
            .into_iter()
            .find(|stmt| matches!(new.tree.stmt(*stmt).kind, StmtKind::For { .. }));
        let diff = diff_sources(&old, &new);
        let changes = classify(
            judges[0].version(),
            judges[1].version(),
            &diff,
            Some(main_loop.as_slice()),
        );
        changes.iter().map(|it| it.isolated).collect::<Vec<_>>()
    };
    assert_eq!(isolated(&format!("{LOOP}    print(rng())\n")), [true]);
    assert_eq!(isolated(&format!("{LOOP}    print(i)\n")), [false]);
    assert_eq!(isolated(&format!("{LOOP}    print(bump(x))\n")), [true]);
    assert_eq!(isolated(&format!("{LOOP}print(rng())\n")), [false]);
}

const LOOP: &str = "x = [0]\nfor i in range(3):\n    x.append(i)\n";

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
    let found = probe_places(version, main_loop.as_slice(), &probes);
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

/// Files of package `p`, and the entry `t.py` first.
fn program(files: &[(&str, &str)]) -> Module {
    let file = |(path, text): &(&str, &str)| {
        let dotted = path.trim_end_matches(".py").replace('/', ".");
        let is_package = dotted.ends_with(".__init__");
        let name = dotted.trim_end_matches(".__init__").to_owned();
        let parent = name.rsplit_once('.').map_or("", |(parent, _)| parent);
        let source = SourceText::from_bytes(*path, text.as_bytes().to_vec()).unwrap();
        NamedFile {
            package: if is_package { &name } else { parent }.to_owned(),
            name: if name == "t" {
                "__main__".to_owned()
            } else {
                name
            },
            module: florc_syntax::parse(source).unwrap(),
            is_library: false,
        }
    };
    florc_syntax::link(files.iter().map(file).collect()).unwrap()
}

/// `text` takes the place of `file`; the kinds of its changes and the globals that it adds.
#[track_caller]
fn check_file(file: &str, text: &str, expected: &[ChangeKind], globals: &[&str]) {
    let files = [
        ("t.py", "from p.a import f\nfor i in range(3):\n    f(i)\n"),
        ("p/__init__.py", ""),
        ("p/a.py", "from .b import n\ndef f(x):\n    return x\n"),
        ("p/b.py", "n = 1\n"),
        (
            "p/star.py",
            if file == "p/a.py" {
                ""
            } else {
                "from .b import *\n"
            },
        ),
    ];
    let changed = files.map(|(path, old)| (path, if path == file { text } else { old }));
    let (old, new) = (program(&files), program(&changed));
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
    let (recorded, current) = (old_judge.version(), new_judge.version());
    let diff = diff_sources(&old, &new);
    let changes = classify(recorded, current, &diff, Some(&[StmtId(1)]));
    let kinds: Vec<ChangeKind> = changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, expected, "{text}");
    let found = added_globals(current, &diff.added);
    let found: Vec<String> = found
        .iter()
        .map(|(m, name)| format!("{m}:{name}"))
        .collect();
    assert_eq!(found, globals, "{text}");
}

#[test]
fn statements_are_added_to_any_file() {
    let a = "from .b import n\ndef f(x):\n    return x\n";
    let with = |added: &str| a.replace("    return", &format!("    {added}\n    return"));
    check_file("p/a.py", &with("print(x, n)"), &[Probe], &[]);
    check_file("p/a.py", &with("x = 2"), &[Refused], &[]);
    check_file(
        "p/a.py",
        &format!("{a}m = 2\nprint(m)\n"),
        &[Feeds, Probe],
        &["p.a:m"],
    );
    check_file(
        "p/a.py",
        &a.replace("return x", "return 1"),
        &[Refused],
        &[],
    );
    check_file("p/b.py", "n = 1\nprint(n)\n", &[Probe], &[]);
    // `p/star.py` may take it.
    check_file("p/b.py", "n = 1\nm = 2\n", &[Refused], &["p.b:m"]);
}

#[test]
fn files_that_ran_may_be_imported() {
    let a = "from .b import n\ndef f(x):\n    return x\n";
    let with = |added: &str| format!("{added}\n{a}");
    check_file("p/a.py", &with("from . import b"), &[Feeds], &["p.a:b"]);
    check_file("p/a.py", &with("import p.b as c"), &[Feeds], &["p.a:c"]);
    check_file(
        "p/a.py",
        &with("from .b import n as c"),
        &[Feeds],
        &["p.a:c"],
    );
    check_file(
        "p/a.py",
        &with("from . import other"),
        &[Refused],
        &["p.a:other"],
    );
    check_file(
        "p/a.py",
        &with("import p.other as c"),
        &[Refused],
        &["p.a:c"],
    );
    check_file("p/a.py", &with("from ..q import r"), &[Refused], &["p.a:r"]);
}
