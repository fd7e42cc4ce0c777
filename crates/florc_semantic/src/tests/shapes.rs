//! Functions and loops: names, labels, paths.

use super::{same, subject};
use crate::{FunctionKind, LoopId};

#[track_caller]
fn loops(source: &str, expected: &str) {
    let subject = subject(source);
    let loops = subject.semantics.loops.iter();
    let lines = loops.map(|found| {
        let line = subject.line(subject.module.tree.stmt(found.stmt).span.start);
        let parent = found
            .parent
            .map_or(String::new(), |LoopId(id)| format!(" in {id}"));
        format!("{line} {} {}{parent}\n", found.label, found.path)
    });
    same(&lines.collect::<String>(), expected);
}

#[track_caller]
fn functions(source: &str, expected: &str) {
    let subject = subject(source);
    let functions = subject.semantics.functions.iter().skip(1);
    let lines = functions.map(|found| {
        let flags = [
            (found.kind == FunctionKind::Lambda, " lambda"),
            (found.is_generator, " generator"),
            (found.is_async, " async"),
            (found.class.is_some(), " method"),
            (found.is_decorated, " decorated"),
        ];
        let flags: String = flags
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, name)| *name)
            .collect();
        let around = found.parent.map_or("", |parent| subject.function(parent));
        let params = subject.names(&found.params);
        format!("{} ({params}) in {around}{flags}\n", found.qualname)
    });
    same(&lines.collect::<String>(), expected);
}

#[test]
fn labels_come_from_targets() {
    loops(
        "for epoch in range(3):\n    for i, (x, y) in enumerate(loader): pass",
        "1 epoch epoch\n2 i epoch/i in 0",
    );
}

#[test]
fn labels_come_from_iterables() {
    loops(
        "for x, y in train_loader: pass\nfor x, y in self.loader: pass\nfor x, y in loader.batches(): pass\nfor x, y in tqdm(test_loader): pass\nfor x, y in [1]: pass\nfor a[0] in data['train']: pass\nfor x, y in zip(xs, ys): pass",
        "1 train_loader train_loader\n2 loader loader\n3 batches batches\n4 test_loader test_loader\n5 for for\n6 data data\n7 xs xs",
    );
}

#[test]
fn labels_of_while_loops() {
    loops(
        "while step < n: pass\nwhile True: pass\nwhile not done: pass\nwhile running and step <= 3: pass\nwhile self.i < 3: pass",
        "1 step step\n2 while while\n3 done done\n4 step step#2\n5 i i",
    );
}

#[test]
fn paths_are_unique() {
    loops(
        "def main():\n    for e in a:\n        for b in c: pass\n        for b in d: pass\n    else:\n        for e in a: pass\ndef main():\n    for e in a: pass",
        "2 e main/e\n3 b main/e/b in 0\n4 b main/e/b#2 in 0\n6 e main/e#2\n8 e main/e#3",
    );
}

#[test]
fn paths_use_qualified_names() {
    loops(
        "class T:\n    def fit(self):\n        def step():\n            for i in x: pass\n        while True: pass\n    for j in k: pass",
        "4 i T.fit.<locals>.step/i\n5 while T.fit/while\n6 j j",
    );
}

#[test]
fn comprehensions_are_no_loops() {
    loops("[x for x in y]", "");
}

#[test]
fn functions_have_qualified_names() {
    functions(
        "def main():\n    def step(x, *a): yield x\n    class A:\n        @d\n        async def m(self, *, k): pass\n    return lambda q: q\nclass B[T]:\n    def m(self): pass\n    class C:\n        f = lambda self: 0",
        "main () in module\nmain.<locals>.step (main.<locals>.step.a main.<locals>.step.x) in main generator\nmain.<locals>.A.m (main.<locals>.A.m.k main.<locals>.A.m.self) in main async method decorated\nmain.<locals>.<lambda> (main.<locals>.<lambda>.q) in main lambda\nB.m (B.m.self) in module method\nB.C.<lambda> (B.C.<lambda>.self) in module lambda method",
    );
}

#[test]
fn a_function_declared_global_is_named_so() {
    functions(
        "def f():\n    global g\n    def g(): pass",
        "f () in module\ng () in f",
    );
}

#[test]
fn statements_know_their_function_and_loop() {
    let subject = subject(
        "for a in b:\n    def f():\n        x #?\n    y #?\nelse:\n    z #?\nclass A:\n    w #?",
    );
    let lines = subject.marked_stmts().into_iter().map(|(line, stmt)| {
        let function = subject.function(subject.semantics.function_of_stmt(stmt));
        let inside = subject.semantics.loop_of_stmt(stmt).is_some();
        format!(
            "{line} {function} {inside} {}\n",
            subject.semantics.in_class_body(stmt)
        )
    });
    same(
        &lines.collect::<String>(),
        "3 f false false\n4 module true false\n6 module false false\n8 module false true",
    );
}
