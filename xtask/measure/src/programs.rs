//! `programs DIR`: every script of a folder that trains, with the files that it imports, through the compiler.
//!
//! ```python
//! # DIR/owner+name/train.py and the eight files that it imports: one program
//! print(loss.item())     # a log statement: harmless, where it binds and changes nothing and calls nothing unknown
//! ```
//!
//! Tells how programs were analysed and what of their log statements is proven. Runs none of them.

use std::path::{Path, PathBuf};
use std::time::Instant;

use florc::program::{self, Disk};
use florc_instrument::{Instrumented, Options, analyse, instrument_program};
use florc_syntax::big_stack::on_big_stack;
use florc_syntax::{ProgramFile, SourceText};

use crate::files;

/// What a script that trains has in its text.
const SIGNS: [&str; 2] = [".backward()", "optimizer.step"];

/// How a program was analysed.
#[derive(Default)]
struct Analysed {
    coarse: usize,
    gave_up: usize,
    /// Its script by itself.
    apart: usize,
    logs: usize,
    harmless: usize,
}

/// Analyses all and prints a line for each and one for all.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let root = arguments.first().ok_or("usage: cargo xtask programs DIR")?;
    let (mut all, mut count) = (Analysed::default(), 0);
    for file in files::find(Path::new(root))? {
        let text = std::fs::read_to_string(&file.path).unwrap_or_default();
        if !SIGNS.iter().any(|sign| text.contains(sign)) {
            continue;
        }
        let Some((found, what)) = on_big_stack(|| one(&file.path)) else {
            continue;
        };
        println!("{}: {what}, {}", file.shown, told(&found));
        count += 1;
        all.coarse += found.coarse;
        all.gave_up += found.gave_up;
        all.apart += found.apart;
        all.logs += found.logs;
        all.harmless += found.harmless;
    }
    println!("{count} programs: {}", told(&all));
    Ok(())
}

fn told(found: &Analysed) -> String {
    format!(
        "coarse {}, given up {}, script by itself {}, {} of {} log statements harmless",
        found.coarse, found.gave_up, found.apart, found.harmless, found.logs
    )
}

/// Compiles a script with its files; how it was analysed, with the number of files and the time.
fn one(script: &Path) -> Option<(Analysed, String)> {
    let script = std::path::absolute(script).ok()?;
    let files = files_of(&script)?;
    let count = files.len();
    let options = Options::default();
    let begun = Instant::now();
    let compiled = instrument_program(files, &options).ok()?;
    let seconds = begun.elapsed().as_secs_f64();
    let told = format!("{count} files in {seconds:.2} s");
    Some((judge(&compiled, &options), told))
}

fn files_of(script: &Path) -> Option<Vec<ProgramFile>> {
    let root = script.parent()?;
    let shown = script.to_string_lossy().into_owned();
    let source = SourceText::from_bytes(shown.clone(), std::fs::read(script).ok()?).ok()?;
    let installed: Vec<PathBuf> = Vec::new();
    let disk = Disk::new(root, installed.clone());
    let entry = program::guess(script, root, installed);
    let mut files = vec![ProgramFile::new(shown, "__main__", source)];
    files[0].package.clone_from(&entry.package);
    for file in disk.program(&entry).files.into_iter().skip(1) {
        let module = disk.module(&file, &entry);
        files.extend(program::decoded(&module, file.bytes));
    }
    Some(files)
}

fn judge(compiled: &Instrumented, options: &Options) -> Analysed {
    let (semantics, effects, _) = analyse(&compiled.module, &options.settings);
    let harmless = compiled.plan.logs.iter().filter(|log| {
        let stmt = compiled.module.tree.stmt_of(log.call);
        let region = effects.region(semantics.function_of_stmt(stmt), &[stmt]);
        region.mutated.is_empty() && region.bound.is_empty() && region.opaque.is_empty()
    });
    let apart = compiled.diagnostics.iter();
    let apart = apart.filter(|it| it.code == "program-too-involved");
    Analysed {
        coarse: usize::from(effects.is_coarse()),
        gave_up: usize::from(effects.gave_up()),
        apart: apart.count(),
        logs: compiled.plan.logs.len(),
        harmless: harmless.count(),
    }
}
