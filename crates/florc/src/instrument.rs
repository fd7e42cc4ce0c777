//! `florc instrument`: the source that recording runs.
//!
//! ```python
//! for epoch in florc.main_loop("train.py:epoch", range(3)):
//! ```
//!
//! Shows what the compiler did; it runs nothing.

use crate::args::InstrumentArgs;
use crate::failure::Failure;
use crate::{DONE, analysis, out, project, render};

/// Writes the instrumented source, or its difference from the script.
pub(crate) fn instrument(args: &InstrumentArgs) -> Result<i32, Failure> {
    let project = project::of(&args.script);
    let source = analysis::source(&project, &args.script)?;
    let original = source.clone();
    let compiled = analysis::compile(source, &analysis::options(&args.script))?;
    for diagnostic in &compiled.diagnostics {
        out::note(render::diagnostic(diagnostic, Some(&original)).trim_end());
    }
    match &args.output {
        Some(file) => std::fs::write(file, compiled.text())
            .map_err(|error| Failure::io("write", file, &error))?,
        None if args.diff => {
            let name = original.path();
            let shown = format!("{name} (instrumented)");
            out::text(&florc_history::unified_diff(
                name,
                original.text(),
                &shown,
                compiled.text(),
            ))?;
        }
        None => out::text(compiled.text())?,
    }
    Ok(DONE)
}
