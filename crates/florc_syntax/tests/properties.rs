//! What holds for any input: no panic, no byte lost, spans nested, names where they say.
//!
//! ```python
//! f"{x}"      # the span of `x` holds `x`, inside the span of the field, of the string, …
//! ```
//!
//! Single constructs are checked in `syntax.rs`.

use florc_syntax::tree::{ExprId, ExprKind, FStringPart, StmtId};
use florc_syntax::{EditSet, Module, SourceText, Span, parse};
use proptest::prelude::*;

const PIECES: [&str; 64] = [
    "x",
    "y ",
    " ",
    "\n",
    "\r\n",
    "\t",
    "    ",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    ";",
    "=",
    "==",
    ":=",
    "!",
    "!r",
    "*",
    "**",
    ".",
    "\\",
    "\\\n",
    "#",
    "# c\n",
    "'",
    "\"",
    "'''",
    "\"\"\"",
    "f'",
    "f\"",
    "rf'''",
    "b'",
    "{x}",
    "{{",
    "}}",
    "\\N{BULLET}",
    "ü",
    "ﬁ",
    "\u{feff}",
    "\0",
    "\u{c}",
    "if x:\n",
    "else:\n",
    "elif y: ",
    "for x in y:\n",
    "def f(a=1, *b): ",
    "class C: ",
    "lambda x: ",
    "with (a, b): ",
    "match x:\n case y: ",
    "except* E as e:\n",
    "try:\n",
    "@d\n",
    "await ",
    "yield ",
    "1",
    "0x",
    "1e5j",
    "import a.b as c\n",
    "from . import x\n",
];

fn pieces() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40).prop_map(|it| it.concat())
}

/// Lines that are valid Python, in any order and with any line ending.
const LINES: [&str; 16] = [
    "x = f'{a!r:>{b}}' 'c' # d",
    "ü = '''two\n  lines''' ; y = (z := (1))",
    "for i, (j, k) in f(x for x in y): a.b[c] += 1; continue",
    "if a:\n    b\n    s = f\"\"\"{\n  x  }\n  \"\"\"\nelif c: d\nelse:\n\te",
    "@a.b(c)\n@d\ndef f(a, /, b: int = 1, *c, d, **e) -> g: return lambda h=1: h",
    "class C(B, m=M):\n  x: int = {**a, 'b': [c for c in d if e]}\n\n  # c\n  def m(self): pass",
    "with (open(a) as b, c): pass",
    "match a, b:\n  case [1, *c] | {'k': d, **e} if f: g\n  case P(x=0) as q: pass",
    "try:\n  a = 1 + \\\n 2\nexcept (A, B) as e: raise e from None\nfinally: pass",
    "import a . b as c, d",
    "from .. e import (f as g,)",
    "f'{x=}' f'{y!s}'; (yield); await_ = [*a, (b, *c)]",
    "while (n := next(it)) is not None: break",
    "x = {k: v for k, v in d}, {a, *b}, (), (c,), d[1:, ::2], not a or -b ** c",
    "del a, b[0]; global g; assert a, 'b'",
    "f'''{f\"{f'{deep}'}\"}{a, b}'''",
];

fn programs() -> impl Strategy<Value = String> {
    let lines = prop::collection::vec(prop::sample::select(&LINES[..]), 0..8);
    (
        lines,
        prop::sample::select(&["\n", "\r\n", "\r"][..]),
        any::<bool>(),
    )
        .prop_map(|(lines, ending, mark)| {
            let text = [&lines[..], &[""]].concat().join("\n");
            format!(
                "{}{}",
                if mark { "\u{feff}" } else { "" },
                text.replace('\n', ending)
            )
        })
}

fn module(text: &str) -> Module {
    let source = SourceText::from_bytes("t.py", text.into()).expect("is UTF-8");
    parse(source).unwrap_or_else(|error| panic!("{}: {:?} in {text:?}", error.title, error.span))
}

/// Checks everything that must hold for a parsed file.
fn check_tree(module: &Module) {
    let (tree, source) = (&module.tree, &module.source);
    let mut last = 0;
    for id in (0..tree.stmt_count() as u32).map(StmtId) {
        let span = tree.stmt(id).span;
        assert!(last <= span.start, "statements are in source order");
        last = span.start;
        let parent = tree.parent(id).map(|parent| tree.stmt(parent).span);
        assert!(parent.is_none_or(|parent| parent.contains_span(span)));
        let text = source.slice(span);
        assert_eq!(text.trim(), text, "no blanks around {text:?}");
        let direct = tree.stmt_exprs(id);
        assert!(
            direct
                .iter()
                .all(|expr| tree.stmt_of(*expr) == id && tree.expr_parent(*expr).is_none())
        );
        assert!(
            tree.blocks(id)
                .into_iter()
                .flatten()
                .all(|inner| tree.parent(*inner) == Some(id))
        );
        assert!(
            tree.descendants(id)
                .skip(1)
                .all(|inner| span.contains_span(tree.stmt(inner).span))
        );
    }
    let reached = (0..tree.stmt_count() as u32)
        .map(StmtId)
        .flat_map(|id| tree.stmt_exprs(id));
    let mut reached: Vec<_> = reached.flat_map(|expr| tree.all_exprs(expr)).collect();
    reached.sort();
    assert_eq!(
        reached,
        (0..tree.expr_count() as u32)
            .map(ExprId)
            .collect::<Vec<_>>()
    );
    for id in reached {
        check_expr(module, id);
    }
}

fn check_expr(module: &Module, id: ExprId) {
    let (tree, span) = (&module.tree, module.tree.expr(id).span);
    assert!(tree.stmt(tree.stmt_of(id)).span.contains_span(span));
    for child in tree.child_exprs(id) {
        assert_eq!(tree.expr_parent(child), Some(id));
        assert!(
            span.contains_span(tree.expr(child).span),
            "{:?}",
            module.text_of_expr(id)
        );
    }
    match &tree.expr(id).kind {
        ExprKind::Name(name) => assert_eq!(module.text_of_expr(id), name),
        ExprKind::Attribute { attr, .. } => {
            assert_eq!(
                (module.source.slice(attr.span), attr.span.end),
                (&*attr.text, span.end)
            );
        }
        ExprKind::FString { parts } => check_parts(module, span, parts),
        _ => {}
    }
}

fn check_parts(module: &Module, within: Span, parts: &[FStringPart]) {
    let mut last = within.start;
    for part in parts {
        let span = match part {
            FStringPart::Literal { span, .. } => *span,
            FStringPart::Field {
                span, expr, spec, ..
            } => {
                let text = module.source.slice(*span);
                assert!(text.starts_with('{') && text.ends_with('}'));
                assert!(span.contains_span(module.tree.expr(*expr).span));
                check_parts(module, *span, spec);
                *span
            }
        };
        assert!(last <= span.start && within.contains_span(span));
        last = span.end;
    }
}

/// Inserts at and replaces between the cuts, as far as they are valid.
fn edited(source: &SourceText, cuts: &[(u32, u32, String)]) -> EditSet {
    let mut edits = EditSet::new();
    let length = source.text().len() as u32 + 1;
    let mut free = 0;
    let mut places: Vec<_> = cuts
        .iter()
        .map(|(at, len, text)| (at % length, len % 4, text))
        .collect();
    places.sort();
    for (at, len, text) in places {
        let span = Span::new(at, (at + len).min(length - 1));
        if at >= free && source.text().get(span.range()).is_some() {
            edits.replace(span, text.clone());
            free = span.end + u32::from(!span.is_empty());
        }
    }
    edits
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, rng_seed: prop::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = SourceText::from_bytes("t.py", bytes).and_then(parse);
    }

    #[test]
    fn any_pieces_never_panic(text in pieces()) {
        if let Ok(module) = SourceText::from_bytes("t.py", text.into()).and_then(parse) {
            prop_assert_eq!(EditSet::new().apply(&module.source).map(|it| it.text.into_bytes()), Ok(module.source.bytes().to_vec()));
        }
    }

    #[test]
    fn cut_programs_never_panic(text in programs(), at in any::<prop::sample::Index>()) {
        let cut = at.index(text.len() + 1);
        let _ = SourceText::from_bytes("t.py", text.as_bytes()[..cut].to_vec()).and_then(parse);
    }

    #[test]
    fn trees_are_sound(text in programs()) {
        check_tree(&module(&text));
    }

    #[test]
    fn no_edit_is_the_same_bytes(text in programs()) {
        let module = module(&text);
        let edited = EditSet::new().apply(&module.source).expect("no edits");
        let encoded = module.source.encode(&edited.text).expect("UTF-8 holds all");
        prop_assert_eq!(encoded, module.source.bytes());
    }

    #[test]
    fn bytes_outside_edits_stay(text in programs(), cuts in prop::collection::vec((any::<u32>(), any::<u32>(), "[aü\n]{0,3}"), 0..6)) {
        let source = SourceText::from_bytes("t.py", text.into()).expect("is UTF-8");
        let edits = edited(&source, &cuts);
        let result = edits.apply(&source).expect("edits do not overlap");
        let (old, new) = (source.text().as_bytes(), result.text.as_bytes());
        let untouched = |at: &u32| !edits.edits().iter().any(|edit| edit.span.contains(*at));
        for at in (0..old.len() as u32).filter(untouched) {
            let moved = result.map.to_edited(at);
            prop_assert_eq!(old[at as usize], new[moved as usize]);
            prop_assert_eq!(result.map.to_original(moved), at);
            prop_assert!(result.map.is_original(moved));
        }
        let mut last = 0;
        for at in 0..=new.len() as u32 {
            let original = result.map.to_original(at);
            prop_assert!(last <= original && original as usize <= old.len());
            last = original;
        }
    }

    #[test]
    fn indented_programs_mean_the_same(text in programs()) {
        let module = module(&text);
        let mut edits = EditSet::new();
        edits.insert(module.source.line_start(1), "if True:\n");
        edits.indent(&module.tree.body, &module, " ");
        if !module.tree.body.is_empty() {
            let result = edits.apply(&module.source).expect("insertions only");
            let moved = parse(SourceText::from_bytes("t.py", result.text.into_bytes()).expect("is UTF-8")).expect("is valid");
            prop_assert_eq!(moved.tree.expr_count(), module.tree.expr_count() + 1);
            prop_assert_eq!(moved.tree.stmt_count(), module.tree.stmt_count() + 1);
            prop_assert_eq!(strings(&moved), strings(&module));
        }
    }
}

fn strings(module: &Module) -> Vec<String> {
    module
        .trivia
        .strings
        .iter()
        .map(|span| module.source.slice(*span).to_owned())
        .collect()
}
