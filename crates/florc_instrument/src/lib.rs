//! From a training script to the script that records itself: the plan and the rewrite.
//!
//! ```python
//! for epoch in range(3):                       # for epoch in florc.main_loop("t.py:epoch", range(3)):
//!     for x, y in loader: ...                  #     if florc.step_into("t.py:epoch/loader"): …
//!     print(f"{epoch} {loss:.3f}")             #     florc.print(0, f"{florc.v(0, epoch)} …")
//! ```
//!
//! Facts come from `florc_semantic`, judgements from `florc_effects`; here is policy (which loops
//! are cut points, with which names) and text (edits that keep every other byte). Nothing is run,
//! read or written here.

mod blocks;
mod clocks;
mod columns;
mod contexts;
mod cut;
mod decide;
pub mod diagnostics;
mod dynamic;
mod logs;
mod main_loop;
mod plan;
mod reach;
mod reuse;
mod rewrite;
mod roots;

use std::sync::LazyLock;

use florc_effects::Knowledge;
use florc_manifest::{MainLoopSite, ModuleManifest, SkipBlockSite};
use florc_syntax::big_stack::on_big_stack;
use florc_syntax::{Diagnostic, Module, SourceMap, SourceText, Span};

pub use decide::plan;
pub use plan::{ClockRead, CountedLoop, LogStatement, MainLoop, Plan, SkipBlock};
pub use rewrite::rewrite;

/// Recorded cut points, each at the span of the same loop in the source at hand.
#[derive(Clone, Debug, Default)]
pub struct Reuse {
    /// The main loop.
    pub main_loop: Option<(Span, MainLoopSite)>,
    /// The SkipBlocks.
    pub skip_blocks: Vec<(Span, SkipBlockSite)>,
}

/// How to instrument.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// For replay: take these cut points instead of choosing.
    pub reuse: Option<Reuse>,
}

/// An instrumented module.
#[derive(Clone, Debug)]
pub struct Instrumented {
    /// The rewritten source.
    pub text: String,
    /// From the rewritten source to the original one.
    pub map: SourceMap,
    /// What the runtime must know.
    pub manifest: ModuleManifest,
    /// Findings of all passes, in source order.
    pub diagnostics: Vec<Diagnostic>,
    /// What was decided.
    pub plan: Plan,
    /// The parsed original.
    pub module: Module,
}

/// What is known of libraries, read once.
static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(Knowledge::builtin);

/// Parses, analyses, plans and rewrites one module.
///
/// The error is the one syntax diagnostic of a source that is not Python.
pub fn instrument(source: SourceText, options: &Options) -> Result<Instrumented, Diagnostic> {
    let module = florc_syntax::parse(source)?;
    let (semantics, mut diagnostics) = florc_semantic::analyze(&module);
    let (effects, found) = florc_effects::infer(&module, &semantics, &KNOWLEDGE);
    diagnostics.extend(found);
    let (plan, found, edited) = on_big_stack(|| {
        let (plan, found) = plan(&module, &semantics, &effects, options);
        let edited = rewrite(&module, &semantics, &plan);
        (plan, found, edited)
    });
    diagnostics.extend(found);
    let manifest = plan.manifest(module.source.path());
    Ok(Instrumented {
        text: edited.text,
        map: edited.map,
        manifest,
        diagnostics,
        plan,
        module,
    })
}
