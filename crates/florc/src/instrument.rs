//! `florc instrument`: the source that recording runs.
//!
//! ```python
//! for epoch in florc.main_loop("train.py:epoch", range(3)):
//! ```
//!
//! Shows what the compiler did; it runs nothing.

use std::path::Path;

use florc_instrument::{Instrumented, InstrumentedFile};

use crate::args::InstrumentArgs;
use crate::failure::Failure;
use crate::{DONE, HostPython, analysis, out, project, render};

/// Writes the instrumented sources, or their difference from the script and what it imports.
pub(crate) fn instrument(args: &InstrumentArgs, host: &HostPython) -> Result<i32, Failure> {
    let project = project::of(&args.script);
    let files = analysis::program(&project, &args.script, host)?;
    let compiled = analysis::compile(files, &analysis::options(&args.script))?;
    for diagnostic in &compiled.diagnostics {
        let source = &compiled.module.source;
        out::note(render::diagnostic(diagnostic, Some(source)).trim_end());
    }
    match &args.output {
        Some(target) => write(&compiled, target)?,
        None if args.diff => out::text(&diff(&compiled))?,
        None => {
            out::text(&compiled.files[0].text)?;
            let others = compiled.files.iter().skip(1).filter(|file| file.changed);
            let (libraries, others): (Vec<_>, Vec<_>) = others
                .map(|file| (file.is_library, file.path.as_str()))
                .partition(|(is_library, _)| *is_library);
            for (_, path) in libraries {
                out::note(&format!(
                    "florc: the training loop in {path} is instrumented when the library is imported: `--diff` shows it"
                ));
            }
            if !others.is_empty() {
                let others: Vec<&str> = others.into_iter().map(|(_, path)| path).collect();
                out::note(&format!(
                    "florc: {} instrumented, too: `--diff` shows all, `-o FOLDER` writes all",
                    others.join(", ")
                ));
            }
        }
    }
    Ok(DONE)
}

fn diff(compiled: &Instrumented) -> String {
    let changed = |file: &&InstrumentedFile| file.changed || file.path == compiled.files[0].path;
    let files = compiled.files.iter().filter(changed);
    files
        .map(|file| {
            let shown = format!("{} (instrumented)", file.path);
            florc_history::unified_diff(&file.path, file.source.text(), &shown, &file.text)
        })
        .collect()
}

/// One file, or a folder of all files where there are several.
fn write(compiled: &Instrumented, target: &Path) -> Result<(), Failure> {
    let put = |file: &Path, text: &str| {
        std::fs::write(file, text).map_err(|error| Failure::io("write", file, &error))
    };
    let own = compiled.files.iter().filter(|file| !file.is_library);
    let own: Vec<&InstrumentedFile> = own.collect();
    if own.len() == 1 && !target.is_dir() {
        return put(target, &own[0].text);
    }
    if target
        .extension()
        .is_some_and(|extension| extension == "py")
    {
        let title = "the program has several files, and `-o` names one";
        return Err(Failure::new(title).help("name a folder: all of them are written into it"));
    }
    for file in own {
        // A file outside of the project has an absolute path.
        let place = target.join(file.path.trim_start_matches('/'));
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| Failure::io("create", folder, &error))?;
        }
        put(&place, &file.text)?;
    }
    Ok(())
}
