//! Shapes of control-flow graphs.

use petgraph::visit::EdgeRef;

use super::{same, subject};
use crate::{EdgeKind, FunctionId, Node};

/// Renders the edges of the first function, or of the module where there is none.
#[track_caller]
fn check(source: &str, expected: &str) {
    let subject = subject(source);
    let function = FunctionId(u32::from(subject.semantics.functions.len() > 1));
    let cfg = subject.semantics.cfg(function);
    let name = |node: Node| {
        let text = format!("{node:?}");
        let (kind, rest) = text.split_once('(').unwrap_or((&text, ""));
        let stmt = rest
            .strip_prefix("StmtId(")
            .and_then(|rest| rest.split(')').next());
        let line = stmt.and_then(|id| id.parse().ok()).map(|id| {
            let stmt = florc_syntax::tree::StmtId(id);
            subject.line(subject.module.tree.stmt(stmt).span.start)
        });
        match (kind, line) {
            ("Statement", Some(line)) => line.to_string(),
            (kind, Some(line)) => format!("{kind}{line}"),
            (kind, None) => kind.to_owned(),
        }
    };
    let mut lines: Vec<String> = Vec::new();
    for node in cfg.graph.node_indices() {
        let mut edges: Vec<_> = cfg.graph.edges(node).collect();
        edges.sort_by_key(|edge| (*edge.weight(), edge.target()));
        let targets = edges.into_iter().map(|edge| {
            let arrow = match edge.weight() {
                EdgeKind::Normal => "",
                EdgeKind::True => "+",
                EdgeKind::False => "-",
                EdgeKind::Exception => "!",
                EdgeKind::Back => "^",
            };
            format!("{arrow}{}", name(cfg.graph[edge.target()]))
        });
        let targets: Vec<String> = targets.collect();
        if !targets.is_empty() {
            lines.push(format!(
                "{} > {}\n",
                name(cfg.graph[node]),
                targets.join(" ")
            ));
        }
    }
    same(&lines.concat(), expected);
}

#[test]
fn statements_follow_one_another() {
    check("a\nb", "Entry > 1\n1 > 2\n2 > Exit");
}

#[test]
fn ifs_fork_and_join() {
    check(
        "if a:\n    b\nelif c:\n    d",
        "Entry > Test1\nTest1 > +2 -Test3\n2 > After1\nTest3 > +4 -After3\n4 > After3\nAfter3 > After1\nAfter1 > Exit",
    );
}

#[test]
fn for_loops() {
    check(
        "for x in xs:\n    if x: break\n    else: continue\nelse:\n    y",
        "Entry > Iterable1\nIterable1 > Next1\nNext1 > +Target1 -5\nTarget1 > LoopBody1\nLoopBody1 > Test2\nAfter1 > Exit\nTest2 > +2 -3\n2 > After1\n3 > ^Next1\nAfter2 > ^Next1\n5 > After1",
    );
}

#[test]
fn while_loops() {
    check(
        "while a:\n    b",
        "Entry > Test1\nTest1 > +LoopBody1 -After1\nLoopBody1 > 2\nAfter1 > Exit\n2 > ^Test1",
    );
    check(
        "while 1:\n    b",
        "Entry > Test1\nTest1 > +LoopBody1\nLoopBody1 > 2\nAfter1 > Exit\n2 > ^Test1",
    );
}

#[test]
fn exceptions_go_to_handlers() {
    check(
        "try:\n    a\nexcept E as e:\n    b\nexcept:\n    c\nd",
        "Entry > 1\n1 > 2\nHandlers1 > Handler1\n2 > After1 !Handlers1\nHandler1 > +Caught1 -Handler1\nCaught1 > 4\n4 > Unbind1 !Unbind1\nUnbind1 > RaiseExit\nUnbind1 > After1\nHandler1 > +6\n6 > After1\nAfter1 > 7\n7 > Exit",
    );
}

#[test]
fn raise_and_assert_leave() {
    check(
        "def f():\n    assert a\n    raise b",
        "Entry > 2\n2 > 3 !RaiseExit\n3 > !RaiseExit",
    );
}

#[test]
fn finally_has_a_copy_for_each_way() {
    check(
        "def f():\n    try:\n        return a\n    finally:\n        b\n    c",
        "Entry > 2\n2 > 3\n3 > Finally2 !Finally2\nFinally2 > 5\nFinally2 > 5\n5 > RaiseExit\n5 > Exit\nAfter2 > 6\n6 > Exit",
    );
}

#[test]
fn with_is_left_on_every_way() {
    check(
        "def f():\n    with a:\n        return b",
        "Entry > Enter2\nEnter2 > 3 !Leave2\nLeave2 > RaiseExit After2\n3 > Leave2 !Leave2\nLeave2 > Exit\nAfter2 > Exit",
    );
    check(
        "def f():\n    with open(a):\n        return b",
        "Entry > Enter2\nEnter2 > 3 !Leave2\nLeave2 > RaiseExit\n3 > Leave2 !Leave2\nLeave2 > Exit\nAfter2 > Exit",
    );
}

#[test]
fn matches_try_case_after_case() {
    check(
        "match a:\n    case 1 if b: c\n    case _: d",
        "Entry > Subject1\nSubject1 > Case1\nCase1 > +Capture1 -Case1\nCapture1 > Guard1\nGuard1 > +2 -Case1\n2 > After1\nCase1 > +Capture1\nCapture1 > 3\n3 > After1\nAfter1 > Exit",
    );
}

#[test]
fn class_bodies_are_in_the_flow_and_functions_are_not() {
    check(
        "class A:\n    x = 1\n    y = 2",
        "Entry > 1\n1 > 2\n2 > 3\n3 > ClassEnd1\nClassEnd1 > Exit",
    );
    check("f = lambda: 0", "Entry > LambdaBody\nLambdaBody > Exit");
}

#[test]
fn nested_finally_suites_do_not_multiply() {
    let mut source = String::new();
    for depth in 0..12 {
        let indent = "    ".repeat(depth);
        source.push_str(&format!(
            "{indent}try:\n{indent}    a()\n{indent}finally:\n"
        ));
    }
    source.push_str(&format!("{}b()\n", "    ".repeat(12)));
    let subject = subject(&source);
    assert!(subject.semantics.cfg(FunctionId(0)).graph.node_count() < 300);
}
