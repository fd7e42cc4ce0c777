//! `speed DIR`: phase by phase beside the parser alone, memory, and growth.
//!
//! ```python
//! # 1, 4 and 16 copies of one script, in one file or as modules of one program: time per byte must stay
//! ```
//!
//! CPU time, one thread at a time, each file several times, the fastest counts. Memory is what is
//! allocated at most while a file is compiled, the result included.

use std::path::Path;

use rustpython_parser::{Parse, ast};

use crate::allocation::peak;
use crate::files;
use crate::one::{self, PHASES, Times};

/// Times that each file is compiled.
const ROUNDS: usize = 3;

/// Prints both tables.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let folder = arguments.first().ok_or("which folder?")?;
    std::sync::LazyLock::force(&one::KNOWLEDGE);
    let mut texts = Vec::new();
    for file in files::find(Path::new(folder))? {
        let bytes = std::fs::read(&file.path).map_err(|e| format!("{}: {e}", file.shown))?;
        texts.push(bytes);
    }
    together(&texts);
    memory(&texts);
    growth(&texts);
    Ok(())
}

fn together(texts: &[Vec<u8>]) {
    let (mut bytes, mut parser, mut phases) = (0, 0.0, Times::default());
    for text in texts {
        let Some((alone, times)) = fastest(text) else {
            continue;
        };
        bytes += text.len();
        parser += alone;
        for (sum, time) in phases.iter_mut().zip(times) {
            *sum += time;
        }
    }
    let megabytes = bytes as f64 / 1e6;
    println!("  {} files, {megabytes:.2} MB, one thread", texts.len());
    println!("  | phase | ms | MB/s | × parser alone |\n  |---|---|---|---|");
    let row = |name: &str, seconds: f64| {
        println!(
            "  | {name} | {:.1} | {:.1} | {:.2} |",
            seconds * 1e3,
            megabytes / seconds,
            seconds / parser
        );
    };
    row("rustpython-parser alone", parser);
    for (name, seconds) in PHASES.iter().zip(phases) {
        row(name, seconds);
    }
    row("florc, all phases", phases.iter().sum());
}

/// The parser alone and all phases, each the fastest of some rounds.
fn fastest(text: &[u8]) -> Option<(f64, Times)> {
    let (mut alone, mut best, mut times) = (f64::MAX, f64::MAX, Times::default());
    let source = std::str::from_utf8(text).ok()?;
    for _ in 0..ROUNDS {
        let begun = one::cpu_seconds();
        let parsed = ast::Suite::parse(source, "speed.py");
        alone = alone.min(one::cpu_seconds() - begun);
        drop(parsed.ok()?);
        let compiled = one::compile("speed.py", text.to_vec()).ok()?;
        let all: f64 = compiled.times.iter().sum();
        if all < best {
            (best, times) = (all, compiled.times);
        }
    }
    Some((alone, times))
}

/// Prints bytes of memory per byte of source: of all files together, and of most files. What each
/// file takes whatever its size would hide the rest, so short ones are left out.
fn memory(texts: &[Vec<u8>]) {
    const SHORT: usize = 2000;
    let (mut source, mut taken, mut ratios) = (0, 0, Vec::new());
    for text in texts.iter().filter(|text| text.len() >= SHORT) {
        let (compiled, bytes) = peak(|| one::compile("speed.py", text.clone()));
        if compiled.is_ok() {
            source += text.len();
            taken += bytes;
            ratios.push(bytes / text.len());
        }
    }
    ratios.sort_unstable();
    let at = |part: usize| ratios.get(ratios.len() * part / 20).copied().unwrap_or(0);
    println!(
        "\n  peak memory, files from {SHORT} bytes: {} bytes per byte of source; median {}, 95 % under {}",
        taken / source.max(1),
        at(10),
        at(19)
    );
}

fn growth(texts: &[Vec<u8>]) {
    let mut middle: Vec<&Vec<u8>> = texts
        .iter()
        .filter(|text| fastest(text).is_some())
        .collect();
    middle.sort_by_key(|text| text.len());
    let Some(text) = middle.get(middle.len() * 3 / 4) else {
        return;
    };
    println!("\n  growth: copies of a script of {} bytes", text.len());
    println!("  | copies | ms | ns a byte | × parser alone |\n  |---|---|---|---|");
    let row = |shown: String, size: usize, alone: f64, all: f64| {
        let each = all * 1e9 / size as f64;
        println!(
            "  | {shown} | {:.2} | {each:.0} | {:.2} |",
            all * 1e3,
            all / alone
        );
    };
    for copies in [1, 4, 16] {
        let long = text.repeat(copies);
        if let Some((alone, times)) = fastest(&long) {
            let shown = format!("{copies} in one file");
            row(shown, long.len(), alone, times.iter().sum());
        }
    }
    for functions in [125, 500] {
        let long = small_loops(functions);
        if let Some((alone, times)) = fastest(&long) {
            let shown = format!("{functions} functions with a loop each");
            row(shown, long.len(), alone, times.iter().sum());
        }
    }
    let alone = fastest(text).map_or(f64::NAN, |(alone, _)| alone);
    for copies in [1, 4, 16] {
        let compiled = (0..ROUNDS).filter_map(|_| one::compile_program(modules(text, copies)));
        let all = compiled.map(|times| times.iter().sum());
        let all = all.fold(f64::MAX, f64::min);
        let shown = format!("{copies} as modules of one program");
        row(shown, text.len() * copies, alone * copies as f64, all);
    }
}

/// Functions that nobody calls, with a loop each over what is not known: operators may run any of them.
fn small_loops(functions: usize) -> Vec<u8> {
    let one = |number: usize| {
        format!(
            "def g{number}(a, b, c):\n    total = a * {number} + b\n    for k in range(c):\n        total += k * {number}\n        if total > 7:\n            total -= b\n    print('g', total)\n    return total\n\n\n"
        )
    };
    (0..functions).map(one).collect::<String>().into_bytes()
}

/// A program of so many copies, each a module; the last lines of the entry import the others.
fn modules(text: &[u8], copies: usize) -> Vec<(String, Vec<u8>)> {
    let mut entry = text.to_vec();
    for copy in 1..copies {
        entry.extend_from_slice(format!("\nimport copy_{copy}\n").as_bytes());
    }
    let others = (1..copies).map(|copy| (format!("copy_{copy}"), text.to_vec()));
    std::iter::once(("__main__".to_owned(), entry))
        .chain(others)
        .collect()
}
