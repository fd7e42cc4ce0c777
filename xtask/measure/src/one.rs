//! One file through the whole compiler, with the time of each phase.
//!
//! ```python
//! print(loss)        # parse, semantic, effects, plan, rewrite: five times
//! ```
//!
//! A panic is caught and told. Judges nothing.

use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;

use florc_effects::{Effects, Knowledge};
use florc_instrument::{Options, Plan};
use florc_semantic::Semantics;
use florc_syntax::{Diagnostic, Module, Named, SourceText, link};

/// What florc knows of libraries.
pub(crate) static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(Knowledge::builtin);

/// The phases, in order.
pub(crate) const PHASES: [&str; 5] = ["parse", "semantic", "effects", "plan", "rewrite"];

/// Seconds of each phase.
pub(crate) type Times = [f64; PHASES.len()];

/// A file that went through.
pub(crate) struct Compiled {
    pub(crate) module: Module,
    pub(crate) semantics: Semantics,
    pub(crate) effects: Effects,
    pub(crate) plan: Plan,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) text: String,
    /// Bytes that no edit touched are as they were.
    pub(crate) faithful: bool,
    pub(crate) times: Times,
}

/// Why a file did not go through.
pub(crate) enum Failure {
    Syntax(Diagnostic),
    Panic(String),
}

/// Parses, analyses, plans and rewrites.
pub(crate) fn compile(path: &str, bytes: Vec<u8>) -> Result<Compiled, Failure> {
    let work = AssertUnwindSafe(|| florc_syntax::big_stack::on_big_stack(|| run(path, bytes)));
    match std::panic::catch_unwind(work) {
        Ok(result) => result.map_err(Failure::Syntax),
        Err(panic) => Err(Failure::Panic(
            panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_default(),
        )),
    }
}

/// As [`compile`], for a program of several files that import each other: dotted names and texts, the
/// entry first.
pub(crate) fn compile_program(files: Vec<(String, Vec<u8>)>) -> Option<Times> {
    florc_syntax::big_stack::on_big_stack(|| {
        let clock = Clock(cpu_seconds());
        let mut parsed = Vec::new();
        for (name, bytes) in files {
            let source = SourceText::from_bytes(format!("{name}.py"), bytes).ok()?;
            let module = florc_syntax::parse(source).ok()?;
            let package = String::new();
            parsed.push(Named {
                name,
                package,
                module,
                is_library: false,
            });
        }
        let linked = link(parsed)?;
        Some(finish(linked, clock).times)
    })
}

fn run(path: &str, bytes: Vec<u8>) -> Result<Compiled, Diagnostic> {
    let clock = Clock(cpu_seconds());
    let module = florc_syntax::parse(SourceText::from_bytes(path, bytes)?)?;
    Ok(finish(module, clock))
}

/// The phases after parsing, which the clock has seen.
fn finish(module: Module, mut clock: Clock) -> Compiled {
    let mut times = Times::default();
    times[0] = clock.lap();
    let (semantics, mut diagnostics) = florc_semantic::analyze(&module);
    times[1] = clock.lap();
    let (effects, found) = florc_effects::infer(&module, &semantics, &KNOWLEDGE);
    diagnostics.extend(found);
    times[2] = clock.lap();
    let (plan, found) = florc_instrument::plan(&module, &semantics, &effects, &Options::default());
    diagnostics.extend(found);
    times[3] = clock.lap();
    let edited = florc_instrument::rewrite(&module, &semantics, &plan).swap_remove(0);
    times[4] = clock.lap();
    let original = module.source.text();
    let faithful = edited
        .map
        .segments()
        .iter()
        .filter(|it| it.exact)
        .all(|it| {
            let copied = it.original_start as usize..(it.original_start + it.original_len) as usize;
            original.get(copied)
                == edited
                    .text
                    .get(it.edited_start as usize..it.edited_end as usize)
        })
        && dropped(original, &edited) <= plan_calls(&plan);
    Compiled {
        text: edited.text,
        module,
        semantics,
        effects,
        plan,
        diagnostics,
        faithful,
        times,
    }
}

/// Bytes of the original that the result lacks: one `(` for each call that a hook stands for.
fn dropped(original: &str, edited: &florc_syntax::Edited) -> usize {
    let kept: u32 = edited
        .map
        .segments()
        .iter()
        .filter(|it| it.exact)
        .map(|it| it.original_len)
        .sum();
    original.len() - kept as usize
}

fn plan_calls(plan: &Plan) -> usize {
    plan.logs.len() + plan.clocks.len()
}

/// CPU time of the process: other programs on the machine do not count. With several threads it
/// counts them all, so only `speed`, which has one at a time, tells it.
pub(crate) fn cpu_seconds() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

struct Clock(f64);

impl Clock {
    fn lap(&mut self) -> f64 {
        let now = cpu_seconds();
        let passed = now - self.0;
        self.0 = now;
        passed
    }
}
