//! Statements that are not run again have nothing new to say: what the analysis ends with is a fixpoint.

use florc_semantic::analyze;
use florc_syntax::big_stack::on_big_stack;
use florc_syntax::{SourceText, parse};

use crate::Knowledge;
use crate::heap::{BOUNDS, Heap};
use crate::interp::Interp;

#[test]
fn nothing_more_is_found_when_every_statement_is_run_again() {
    let folder = format!("{}/../../fixtures/scripts", env!("CARGO_MANIFEST_DIR"));
    let Ok(entries) = std::fs::read_dir(folder) else {
        panic!("no fixtures")
    };
    let scripts = entries.flatten().map(|it| it.path().join("train.py"));
    let knowledge = Knowledge::builtin();
    for path in scripts.filter(|path| path.exists()) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        let source = SourceText::from_bytes("train.py", bytes).ok();
        let Some(module) = source.and_then(|source| parse(source).ok()) else {
            panic!("{} does not parse", path.display())
        };
        let (semantics, _) = analyze(&module);
        on_big_stack(|| {
            let heap = Heap::new(false, BOUNDS[0]);
            let mut interp = Interp::new(&module, &semantics, &knowledge, heap);
            assert!(interp.run(), "{}", path.display());
            assert!(!interp.finds_more(), "{}", path.display());
        });
    }
}
