//! The tree of single constructs, of a file with every construct, and what is refused.
//!
//! ```python
//! print(f"{x!r}")      # 1-1 (call print (f-string (field x !r)))
//! ```
//!
//! Broader claims about any input are in `properties.rs`.

mod render;

use florc_syntax::tree::{ExprId, ExprKind, FStringPart, StmtId, StmtKind};
use florc_syntax::{Diagnostic, Module, SourceText, parse};

fn parsed(source: &str) -> Result<Module, Diagnostic> {
    parse(SourceText::from_bytes("t.py", source.into())?)
}

#[track_caller]
fn module(source: &str) -> Module {
    parsed(source).unwrap_or_else(|error| panic!("{}: {:?}", error.title, error.span))
}

/// The rendered statements, joined by `|`.
#[track_caller]
fn check(source: &str, expected: &str) {
    let rendered = render::module(&module(source));
    let lines: Vec<_> = rendered.lines().map(str::trim).collect();
    assert_eq!(lines.join(" | "), expected);
}

/// The diagnostic's title and the text it points at.
#[track_caller]
fn refused(source: &str, title: &str, at: &str) {
    let error = parsed(source)
        .map(|module| render::module(&module))
        .expect_err("is refused");
    let text = source.get(error.span.start as usize..error.span.end as usize);
    assert_eq!(
        (error.code, &*error.title, text),
        ("syntax-error", title, Some(at))
    );
}

#[test]
fn every_construct() {
    let source = include_str!("sources/every_construct.py");
    insta::assert_snapshot!(render::module(&module(source)));
}

#[test]
fn every_construct_with_other_line_endings() {
    let source = include_str!("sources/every_construct.py");
    let expected = render::module(&module(source));
    assert_eq!(
        render::module(&module(&source.replace('\n', "\r\n"))),
        expected
    );
    assert_eq!(
        render::module(&module(&source.replace('\n', "\r"))),
        expected
    );
    assert_eq!(
        render::module(&module(&format!("\u{feff}{source}"))),
        expected
    );
    assert_eq!(
        render::module(&module(&source.replace("    ", "\t"))),
        expected
    );
}

#[test]
fn f_strings() {
    check("f'{x}'", "1-1 (f-string (field x))");
    check(
        "f'{x!r:>{w}}{{'",
        r#"1-1 (f-string (field x !r (spec ">" (field w))) "{")"#,
    );
    check(
        r#"f"{x["a"]}""#,
        r#"1-1 (f-string (field (subscript x "a")))"#,
    );
    check(
        r#"f"{'\n'.join(x)}""#,
        r#"1-1 (f-string (field (call (.join "\n") x)))"#,
    );
    check(
        r#"f"{f"{f"{1}"}"}""#,
        "1-1 (f-string (field (f-string (field (f-string (field 1))))))",
    );
    check(
        "f'{x=}{y = !s}'",
        "1-1 (f-string (field x =) (field y = !s))",
    );
    check(
        "f'{a!=b}{a==b}{a<=b}'",
        "1-1 (f-string (field (compare a != b)) (field (compare a == b)) (field (compare a <= b)))",
    );
    check(
        "f'{x:=5}{(y:=5)}'",
        r#"1-1 (f-string (field x (spec "=5")) (field (:= y 5)))"#,
    );
    check(
        "f'{x:{{1:2}[1]}}'",
        "1-1 (f-string (field x (spec (field (subscript (dict 1: 2) 1)))))",
    );
    check(
        "f'{ {1: 2}[1] }'",
        "1-1 (f-string (field (subscript (dict 1: 2) 1)))",
    );
    check(
        "f'{a, *b}{(yield)}'",
        "1-1 (f-string (field (tuple a *b)) (field (yield)))",
    );
    check("f'''{\n x # }'\n}'''", "1-3 (f-string (field x))");
    check(
        r"f'\{x}\N{EN DASH}{{}}' rf'\N{x}'",
        r#"1-1 (f-string "\\" (field x) "–{}" "\\N" (field x))"#,
    );
    check("'a' f'b' 'c'", r#"1-1 (f-string "a" "b" "c")"#);
    check("f'''{x = # c\n}'''", "1-2 (f-string (field x =))");
    check("f''", "1-1 (f-string)");
    check(
        "fR'\\d{x:\\d}'",
        r#"1-1 (f-string "\\d" (field x (spec "\\d")))"#,
    );
    check("f'{x:%H:%M}'", r#"1-1 (f-string (field x (spec "%H:%M")))"#);
    check(
        "f'{lambda_}{d[\"a\":1]}'",
        r#"1-1 (f-string (field lambda_) (field (subscript d (slice "a" 1 _))))"#,
    );
    check("(f'a'\n # c\n f'{b}')", r#"1-3 (f-string "a" (field b))"#);
    check("f'{*a, 1}'.x", "1-1 (.x (f-string (field (tuple *a 1))))");
}

#[test]
fn ranges_inside_f_strings() {
    let source = "s = f'''ü\r\n{ alpha :>{\r\nbeta}}{gamma = }\r\n{f\"{delta}\"}'''\r\nz = s";
    let module = module(source);
    let names = (0..module.tree.expr_count() as u32)
        .map(ExprId)
        .filter_map(|id| {
            let ExprKind::Name(name) = &module.tree.expr(id).kind else {
                return None;
            };
            Some((name.clone(), module.text_of_expr(id).to_owned()))
        });
    let (names, texts): (Vec<_>, Vec<_>) = names.unzip();
    assert_eq!(names, texts);
    assert_eq!(names, ["s", "alpha", "beta", "gamma", "delta", "z", "s"]);
    let StmtKind::Assign { value, .. } = module.tree.stmt(StmtId(0)).kind else {
        panic!("assign")
    };
    let ExprKind::FString { parts } = &module.tree.expr(value).kind else {
        panic!("f-string")
    };
    let texts = parts.iter().map(|part| match part {
        FStringPart::Literal { span, .. } | FStringPart::Field { span, .. } => {
            module.source.slice(*span)
        }
    });
    let expected = [
        "ü\r\n",
        "{ alpha :>{\r\nbeta}}",
        "{gamma = }",
        "\r\n",
        "{f\"{delta}\"}",
    ];
    assert_eq!(texts.collect::<Vec<_>>(), expected);
}

#[test]
fn layouts() {
    check("x = 1;", "1-1 (assign x 1)");
    check("if a: b; c;\nd", "1-1 (if a) | 1-1 b | 1-1 c | 2-2 d");
    check("x = 1 + \\\r\n  2", "1-2 (assign x (+ 1 2))");
    check(
        "if a:\n\tb\n\tif c:\n\t\td",
        "1-4 (if a) | 2-2 b | 3-4 (if c) | 4-4 d",
    );
    check("\u{c}x\n\u{c}\ny", "1-1 x | 3-3 y");
    check("é = ö.ü", "1-1 (assign é (.ü ö))");
    check("ﬁ = ℌ", "1-1 (assign fi H)");
    check("'a\\\n  b'", r#"1-2 "a  b""#);
    check("'''a\r\n  b'''", r#"1-2 "a\n  b""#);
    check("# only a comment", "");
    check("", "");
    check(
        "@a\n@b\n# c\nclass C: pass # d",
        "1-4 (class a b C) | 4-4 (pass)",
    );
    check(
        "match = 1; case = match; type = 2; _ = type(match)",
        "1-1 (assign match 1) | 1-1 (assign case match) | 1-1 (assign type 2) | 1-1 (assign _ (call type match))",
    );
    check(
        "match x,:\n case (1), : pass",
        "1-2 (match (tuple x)) | (case (sequence 1)) | 2-2 (pass)",
    );
}

#[test]
fn spans_of_statements() {
    let source = "@d\ndef f(): return (y := (x)); # c\nz = (1)  # e\n";
    let module = module(source);
    assert_eq!(
        module.text_of_stmt(StmtId(0)),
        "@d\ndef f(): return (y := (x))"
    );
    assert_eq!(module.text_of_stmt(StmtId(1)), "return (y := (x))");
    assert_eq!(module.text_of_stmt(StmtId(2)), "z = (1)");
    let walrus = (0..module.tree.expr_count() as u32).map(ExprId);
    let mut walrus =
        walrus.filter(|id| matches!(module.tree.expr(*id).kind, ExprKind::Named { .. }));
    assert_eq!(
        walrus.next().map(|id| module.text_of_expr(id)),
        Some("y := (x)")
    );
    let comment = module
        .trivia
        .comment_after(module.tree.stmt(StmtId(1)).span);
    assert_eq!(comment.map(|span| module.source.slice(span)), Some("# c"));
    let end = module
        .trivia
        .line_end_after(module.tree.stmt(StmtId(0)).span.end);
    assert_eq!(&source[end as usize..], "\nz = (1)  # e\n");
    assert!(module.trivia.is_line_start_of_logical_line(0));
}

#[test]
fn what_python_refuses() {
    refused("f() = 1", "cannot assign to a call", "f()");
    refused("a, f'{b}' = 1", "cannot assign to an f-string", "f'{b}'");
    refused("for f() in x: pass", "cannot assign to a call", "f()");
    refused("[1 for 1 in x]", "cannot assign to a literal", "1");
    refused(
        "with a as b + c: pass",
        "cannot assign to an expression",
        "b + c",
    );
    refused(
        "*a",
        "a starred expression must be in a list, tuple or call",
        "*a",
    );
    refused(
        "x = *a",
        "a starred expression must be in a list, tuple or call",
        "*a",
    );
    refused(
        "class C:\n return 1",
        "`return` outside function",
        "return 1",
    );
    refused(
        "for a in b: pass\nelse: break",
        "`break` outside loop",
        "break",
    );
    refused(
        "while a:\n def f(): continue",
        "`continue` outside loop",
        "continue",
    );
    refused("del f()", "cannot delete a call", "f()");
    refused(
        "*a, *b = c",
        "multiple starred expressions in assignment",
        "*b",
    );
    refused(
        "*a = c",
        "starred assignment target must be in a list or tuple",
        "*a",
    );
    refused(
        "(a, b) += c",
        "a tuple is not a target of an augmented assignment",
        "(a, b)",
    );
}

#[test]
fn what_the_tokenizer_refuses() {
    refused("x = (1", "`(` is never closed", "(");
    refused("x = 1)", "unmatched `)`", ")");
    refused("x = (1]", "closing `]` does not match opening `(`", "]");
    refused("x = 'abc\ny", "unterminated string literal", "'abc");
    refused("'''abc", "unterminated triple-quoted string", "'");
    refused("f'{x'", "unterminated string literal", "f'{x");
    refused(
        "f'{}'",
        "f-string: valid expression required before `}`",
        "{}",
    );
    refused("f'}'", "f-string: single `}` is not allowed", "}");
    refused(
        "f'{x!z}'",
        "f-string: invalid conversion character, expected `s`, `r` or `a`",
        "{x!",
    );
    refused("a\0b", "source code cannot contain null bytes", "\0");
    refused(
        "x \\ y",
        "unexpected character after line continuation character",
        "\\",
    );
}

#[test]
fn what_the_parser_refuses() {
    refused("if a:\nb", "expected an indented block", "b");
    refused("a\n  b", "unexpected indent", "");
    refused("a b", "invalid syntax at `b`", "b");
    refused(
        "if a:\n    b\n  c",
        "unindent does not match any outer indentation level",
        "c",
    );
    refused("f'{a b}'", "invalid syntax at `b`", "b");
    refused("f'{lambda x: 1}'", "invalid syntax", "");
    refused(
        "f(a=1, b)",
        "positional argument follows keyword argument",
        "b",
    );
    refused(
        "def f(a, a): pass",
        "duplicate argument 'a' in function definition",
        "a",
    );
    refused(
        "b'a' f'b'",
        "cannot mix bytes and nonbytes literals",
        "b'a'",
    );
    refused(
        "b'ü'",
        "bytes can only contain ASCII literal characters",
        "",
    );
    refused("x = 0777", "invalid token", "");
    refused("€ = 1", "got unexpected token €", "");
}

#[test]
fn what_florc_refuses() {
    refused(
        "t'{x}'",
        "template strings (t\"…\", Python 3.14) are not supported",
        "t'",
    );
    refused(
        "try: pass\nexcept A, B: pass",
        "several exceptions without parentheses (Python 3.14) are not supported",
        ",",
    );
    refused(
        "def f[T = int](): pass",
        "defaults of type parameters (Python 3.13) are not supported",
        "=",
    );
    refused(&"(".repeat(201), "too many nested parentheses", "(");
    refused(
        &format!("x = {}1", "-".repeat(3000)),
        "this code is too deeply nested",
        "",
    );
    refused(
        &format!("x = {}1", "-".repeat(30000)),
        "this expression is too deeply nested",
        "-",
    );
}

#[test]
fn depth_that_would_overflow_a_stack() {
    let deep =
        |text: &str, tail: &str| format!("x = {}1{}", text.repeat(9_000), tail.repeat(9_000));
    let shallow = |text: &str| parsed(text).expect_err("is refused").title;
    for text in [
        deep("lambda a, b=", ": 1"),
        deep("lambda: ", ""),
        deep("a if b else ", ""),
        deep("not ", ""),
        deep("a + ", ""),
        deep("a ** ", ""),
        format!("if a: pass\n{}", "elif a: pass\n".repeat(19_000)),
        format!("x{}", "()".repeat(9_000)),
        format!("x{}", "[1]".repeat(9_000)),
    ] {
        assert!(shallow(&text).ends_with("too deeply nested"));
    }
}

#[test]
fn depth_that_is_taken() {
    let nested = |count: usize| format!("{}1{}", "(".repeat(count), ")".repeat(count));
    assert!(parsed(&nested(200)).is_ok());
    assert!(parsed(&format!("x{}", ".y".repeat(900))).is_ok());
    assert!(parsed(&vec!["'a'"; 20_000].join(" ")).is_ok());
    assert!(parsed(&format!("[{}]", "1, ".repeat(50_000))).is_ok());
    let branches = "elif a: pass\n".repeat(900);
    assert!(parsed(&format!("if a: pass\n{branches}")).is_ok());
    let suites: Vec<_> = (0..100)
        .map(|depth| format!("{}if a:", " ".repeat(depth)))
        .collect();
    let suites = suites.join("\n") + "\n";
    assert!(parsed(&format!("{suites}{}b", " ".repeat(99))).is_err());
}

#[test]
fn nested_f_strings_are_bounded() {
    let nested = |count: usize| format!("{}1{}", "f'{".repeat(count), "}'".repeat(count));
    assert!(parsed(&nested(100)).is_ok());
    refused(&nested(101), "too many nested f-strings", "f'");
    let specs = |count: usize| format!("f'{}{}'", "{1:".repeat(count), "}".repeat(count));
    assert!(parsed(&specs(100)).is_ok());
    refused(&specs(101), "f-string: expressions nested too deeply", "{");
}
