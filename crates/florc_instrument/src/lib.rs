//! From a training program to the program that records itself: the plan and the rewrite.
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
mod differentiated;
mod directives;
mod dynamic;
mod guards;
mod known;
pub mod lints;
mod logs;
mod main_loop;
mod plan;
mod reach;
mod reuse;
mod rewrite;
mod roots;
mod wishes;

use florc_effects::{Effects, Knowledge};
use florc_manifest::{
    IsolatedSite, MainLoopSite, ModuleManifest, Settings, SkipBlockSite, SourceSpan,
};
use florc_semantic::Semantics;
use florc_syntax::big_stack::on_big_stack;
use florc_syntax::{
    Diagnostic, Module, Named, ProgramFile, Severity, SourceMap, SourceText, Span, link,
};

pub use decide::{plan, program_span, source_span};
pub use known::knowledge;
pub use plan::{
    ClockRead, CountedLoop, Guard, GuardedBody, LogStatement, MainLoop, Plan, SkipBlock,
};
pub use rewrite::rewrite;

/// Recorded cut points, each with the span of the same loop in the source at hand.
#[derive(Clone, Debug, Default)]
pub struct Reuse {
    /// The main loops.
    pub main_loops: Vec<MainLoopSite>,
    /// The SkipBlocks.
    pub skip_blocks: Vec<SkipBlockSite>,
}

/// How to instrument.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// For replay: take these cut points instead of choosing.
    pub reuse: Option<Reuse>,
    /// For replay: statements around which hidden state is kept and put back.
    pub isolated: Vec<IsolatedSite>,
    /// For replay: statements that may change the training.
    pub doubtful: Vec<SourceSpan>,
    /// For replay: statements that change the training; values from there on are not exact.
    pub impure: Vec<SourceSpan>,
    /// What the project asks for.
    pub settings: Settings,
}

/// An instrumented program.
#[derive(Clone, Debug)]
pub struct Instrumented {
    /// Its files, the entry first.
    pub files: Vec<InstrumentedFile>,
    /// What the runtime must know.
    pub manifest: ModuleManifest,
    /// Findings of all passes, in source order.
    pub diagnostics: Vec<Diagnostic>,
    /// Files that are no Python and no part of the program, each with its syntax error: spans are
    /// into that file.
    pub left_out: Vec<Diagnostic>,
    /// What was decided.
    pub plan: Plan,
    /// The parsed and linked original.
    pub module: Module,
}

/// A file of an instrumented program.
#[derive(Clone, Debug)]
pub struct InstrumentedFile {
    /// Its path, as given.
    pub path: String,
    /// Dotted module name; `__main__` for the entry.
    pub name: String,
    /// Its original text.
    pub source: SourceText,
    /// The rewritten text.
    pub text: String,
    /// From the rewritten text to the original one; offsets are those of the file.
    pub map: SourceMap,
    /// Whether the rewrite changed it.
    pub changed: bool,
    /// It is an excerpt of an installed library: no file to be run.
    pub is_library: bool,
}

impl Instrumented {
    /// The rewritten text of the entry.
    pub fn text(&self) -> &str {
        self.files.first().map_or("", |file| &file.text)
    }
}

/// Parses, analyses and plans one file, and gives what there is to say of it: the findings about
/// the plan and those of the lints, in source order.
///
/// The error is the one syntax diagnostic of a source that is not Python.
pub fn check(source: SourceText, options: &Options) -> Result<Vec<Diagnostic>, Diagnostic> {
    on_big_stack(|| check_here(source, options))
}

fn check_here(source: SourceText, options: &Options) -> Result<Vec<Diagnostic>, Diagnostic> {
    let module = florc_syntax::parse(source)?;
    let (semantics, effects, mut diagnostics) = analyse(&module, &options.settings);
    let found = decide::check(&module, &semantics, &effects, options);
    diagnostics.extend(found);
    Ok(diagnostics)
}

/// Parses, analyses, plans and rewrites one file: a program that consists of it.
///
/// The error is the one syntax diagnostic of a source that is not Python.
pub fn instrument(source: SourceText, options: &Options) -> Result<Instrumented, Diagnostic> {
    let path = source.path().to_owned();
    instrument_program(vec![ProgramFile::new(path, "__main__", source)], options)
}

/// Parses, links, analyses, plans and rewrites the files of a program, the entry first.
///
/// The error is the one syntax diagnostic of an entry that is not Python.
pub fn instrument_program(
    files: Vec<ProgramFile>,
    options: &Options,
) -> Result<Instrumented, Diagnostic> {
    on_big_stack(|| instrument_here(files, options))
}

fn instrument_here(files: Vec<ProgramFile>, options: &Options) -> Result<Instrumented, Diagnostic> {
    let (parsed, sources, left_out) = parse_all(files)?;
    let Some(module) = link(parsed) else {
        let title = "a program has at least one file";
        return Err(Diagnostic::in_file(
            "syntax-error",
            Severity::Error,
            "",
            Span::default(),
            title,
        ));
    };
    let (semantics, effects, mut diagnostics) = analyse(&module, &options.settings);
    let (plan, found) = plan(&module, &semantics, &effects, options);
    let edited = rewrite(&module, &semantics, &plan);
    diagnostics.extend(found);
    let manifest = plan.manifest(module.source.path());
    let infos = module.source.files().iter().zip(sources).zip(edited);
    let files = infos.map(|((info, source), edited)| InstrumentedFile {
        path: info.path.clone(),
        name: info.name.clone(),
        changed: edited.text != source.text(),
        is_library: info.is_library,
        source,
        text: edited.text,
        map: edited.map,
    });
    Ok(Instrumented {
        files: files.collect(),
        manifest,
        diagnostics,
        left_out,
        plan,
        module,
    })
}

/// Facts and judgements of a program. Of one that is too involved the entry is looked at by itself: cut
/// points are those of the entry then, to which the other files are opaque.
pub fn analyse(module: &Module, settings: &Settings) -> (Semantics, Effects, Vec<Diagnostic>) {
    let knowledge = knowledge(settings);
    let (semantics, mut diagnostics) = florc_semantic::analyze(module);
    if module.source.files().len() > 1 {
        let effects = florc_effects::infer_if_bounded(module, &semantics, &knowledge);
        return match effects {
            Some(effects) => (semantics, effects, diagnostics),
            None => analyse_apart(module, &knowledge),
        };
    }
    let (effects, found) = florc_effects::infer(module, &semantics, &knowledge);
    diagnostics.extend(found);
    (semantics, effects, diagnostics)
}

fn analyse_apart(module: &Module, knowledge: &Knowledge) -> (Semantics, Effects, Vec<Diagnostic>) {
    let (semantics, mut diagnostics) = florc_semantic::analyze_apart(module);
    diagnostics.push(diagnostics::program_too_involved::report(module));
    let (effects, found) = florc_effects::infer(module, &semantics, knowledge);
    diagnostics.extend(found);
    (semantics, effects, diagnostics)
}

type Parsed = (Vec<Named>, Vec<SourceText>, Vec<Diagnostic>);

/// The files that are Python, their texts, and what is wrong with the others.
fn parse_all(files: Vec<ProgramFile>) -> Result<Parsed, Diagnostic> {
    let (mut parsed, mut sources, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for file in files {
        let source = file.source.clone();
        match florc_syntax::parse(file.source) {
            Ok(module) => parsed.push(Named {
                name: file.name,
                package: file.package,
                module,
                is_library: file.is_library,
            }),
            Err(found) if parsed.is_empty() => return Err(found),
            Err(found) => {
                left_out.push(found);
                continue;
            }
        }
        sources.push(source);
    }
    Ok((parsed, sources, left_out))
}
