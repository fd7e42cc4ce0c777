//! Recorded cut points are kept for a source that has gained log statements.
//!
//! ```python
//! for epoch in range(3):      # same id, same roots, whatever a fresh plan would say
//!     print(probe)
//! ```
//!
//! Does not test what replay does with them.

use florc_instrument::{Instrumented, Options, Reuse, instrument, source_span};
use florc_manifest::{MainLoopSite, SkipBlockSite};
use florc_syntax::SourceText;

const RECORDED: &str = "\
def work(n):
    return n

total = 0
for epoch in range(3):
    for x in range(work(3)):
        total += work(x)
    print(total)
";

fn run(text: &str, reuse: Option<Reuse>) -> Instrumented {
    let source = SourceText::from_bytes("t.py", text.as_bytes().to_vec()).expect("UTF-8");
    let options = Options {
        reuse,
        ..Options::default()
    };
    instrument(source, &options).expect("valid Python")
}

/// The cut points of `recorded` at the places of the same loops in `current`.
fn reuse(recorded: &Instrumented, current: &Instrumented) -> Reuse {
    let span = |stmt| source_span(&current.module, current.module.tree.stmt(stmt).span);
    let main = recorded
        .plan
        .main_loops
        .iter()
        .zip(&current.plan.main_loops);
    let blocks = recorded
        .plan
        .skip_blocks
        .iter()
        .zip(&current.plan.skip_blocks);
    Reuse {
        main_loops: main
            .map(|(old, new)| MainLoopSite {
                span: span(new.stmt),
                ..old.site.clone()
            })
            .collect(),
        skip_blocks: blocks
            .map(|(old, new)| SkipBlockSite {
                span: span(new.stmt),
                ..old.site.clone()
            })
            .collect(),
    }
}

#[test]
fn probes_change_no_cut_point() {
    let recorded = run(RECORDED, None);
    let probed = RECORDED.replace(
        "        total += work(x)\n",
        "        total += work(x)\n        extra = total * 2\n        print(extra)\n",
    );
    let fresh = run(&probed, None);
    let replayed = run(&probed, Some(reuse(&recorded, &fresh)));
    let (old, new) = (&recorded.manifest, &replayed.manifest);
    let main = |manifest: &florc_manifest::ModuleManifest| {
        let mains = manifest.main_loops.clone().into_iter();
        mains
            .map(|main| (main.id, main.roots, main.passed, main.returned))
            .collect::<Vec<_>>()
    };
    assert_eq!(main(old), main(new));
    assert_eq!(old.skip_blocks[0].roots, new.skip_blocks[0].roots);
    assert!(!old.skip_blocks[0].has_logs && new.skip_blocks[0].has_logs);
    assert_eq!(new.logs.len(), 2);
    assert!(
        fresh.manifest.skip_blocks[0]
            .roots
            .iter()
            .any(|root| root.name == "extra")
    );
    assert!(
        replayed.diagnostics.is_empty(),
        "{:?}",
        replayed.diagnostics
    );
}

#[test]
fn a_loop_that_is_gone_is_reported() {
    let recorded = run(RECORDED, None);
    let mut points = reuse(&recorded, &recorded);
    points.skip_blocks[0].span.end = 3;
    points.skip_blocks[0].span.start = 0;
    let replayed = run(RECORDED, Some(points));
    assert_eq!(replayed.diagnostics[0].code, "cut-point-missing");
    assert!(replayed.manifest.skip_blocks.is_empty());
}

#[test]
fn without_cut_points_only_logs_are_left() {
    let replayed = run(RECORDED, Some(Reuse::default()));
    assert!(replayed.manifest.main_loops.is_empty());
    assert_eq!(replayed.manifest.logs.len(), 1);
    assert_eq!(replayed.manifest.loops.len(), 1);
}
