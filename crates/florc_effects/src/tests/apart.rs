//! A program whose files are too involved together: the script is analysed, its other files may do anything, and
//! their log statements and clocks are found.

use florc_semantic::{FunctionId, analyze_apart};
use florc_syntax::tree::{ExprId, StmtId};
use florc_syntax::{Module, Named, SourceText, link, parse};

use crate::{Effects, Knowledge, infer};

const SCRIPT: &str = "
import lib
import timing
kept, own = [], []
lib.register(kept)
for x in range(3):
    timing.lap(kept)
    own.append(x)
print(own)
";

const TIMING: &str = "
import time
def lap(values):
    print(values)
    values.append(time.time())
    return id(values)
";

fn program() -> Module {
    let files = [
        ("train.py", "__main__", SCRIPT),
        ("timing.py", "timing", TIMING),
    ];
    let parsed = files.iter().map(|(path, name, text)| {
        let source = SourceText::from_bytes(*path, text.as_bytes().to_vec()).ok();
        let Some(module) = source.and_then(|source| parse(source).ok()) else {
            panic!("{path} does not parse")
        };
        Named {
            name: (*name).to_owned(),
            package: String::new(),
            module,
            is_library: false,
        }
    });
    let Some(module) = link(parsed.collect()) else {
        panic!("no files")
    };
    module
}

fn lines(module: &Module, wanted: impl Fn(ExprId) -> bool) -> Vec<String> {
    let calls = (0..module.tree.expr_count() as u32).map(ExprId);
    let spans = calls
        .filter(|call| wanted(*call))
        .map(|call| module.tree.expr(call).span);
    spans
        .map(|span| module.source.slice(span).to_owned())
        .collect()
}

#[test]
fn the_script_is_analysed_and_its_other_files_may_do_anything() {
    let module = program();
    let (semantics, _) = analyze_apart(&module);
    let (effects, _): (Effects, _) = infer(&module, &semantics, &Knowledge::builtin());
    assert!(!effects.gave_up());

    let names = |function: FunctionId, stmts: &[StmtId]| {
        let region = effects.region(function, stmts);
        let changed = region.mutated.into_keys().chain(region.bound.into_keys());
        let mut names: Vec<String> = changed
            .map(|id| semantics.binding(id).name.clone())
            .collect();
        names.sort();
        names
    };
    let in_script = |id: &FunctionId| semantics.module_of(*id) == FunctionId(0);
    let stmts = || (0..module.tree.stmt_count() as u32).map(StmtId);
    let last = stmts().filter(|stmt| in_script(&semantics.function_of_stmt(*stmt)));
    let last: Vec<StmtId> = last.collect();
    assert_eq!(names(FunctionId(0), &last[last.len() - 1..]), [""; 0]);
    let loops: Vec<_> = semantics.loops.iter().map(|it| it.stmt).collect();
    let changed = names(FunctionId(0), &loops);
    assert!(changed.contains(&"kept".to_owned()) && changed.contains(&"own".to_owned()));

    for stmt in stmts().filter(|stmt| !in_script(&semantics.function_of_stmt(*stmt))) {
        let function = semantics.function_of_stmt(stmt);
        assert!(!names(function, &[stmt]).is_empty(), "{stmt:?}");
        assert_eq!(effects.may_reach(&[stmt]).len(), semantics.functions.len());
    }
    let lap = semantics.functions.iter().find(|it| it.name == "lap");
    let Some(lap) = lap.map(|it| it.id) else {
        panic!("no function lap")
    };
    assert!(effects.may_reach(&loops).contains(&lap));

    assert_eq!(
        lines(&module, |call| effects.is_clock_call(call).is_some()),
        ["time.time()"]
    );
    assert_eq!(
        lines(&module, |call| effects.is_log_call(call).is_some()),
        ["print(own)", "print(values)"]
    );
    let body: Vec<StmtId> = stmts()
        .filter(|it| semantics.function_of_stmt(*it) == lap)
        .collect();
    assert!(effects.region(lap, &body).hidden.address);
}
