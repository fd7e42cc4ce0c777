//! `speed DIR`: phase by phase beside the parser alone, and growth.
//!
//! ```python
//! # 1, 4 and 16 copies of one script in one file: time per byte must stay
//! ```
//!
//! CPU time, one thread at a time, each file several times, the fastest counts.

use std::path::Path;

use rustpython_parser::{Parse, ast};

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

fn growth(texts: &[Vec<u8>]) {
    let mut middle: Vec<&Vec<u8>> = texts
        .iter()
        .filter(|text| fastest(text).is_some())
        .collect();
    middle.sort_by_key(|text| text.len());
    let Some(text) = middle.get(middle.len() * 3 / 4) else {
        return;
    };
    println!(
        "\n  growth: copies of a script of {} bytes in one file",
        text.len()
    );
    println!("  | copies | ms | ns a byte | × parser alone |\n  |---|---|---|---|");
    for copies in [1, 4, 16] {
        let long = text.repeat(copies);
        if let Some((alone, times)) = fastest(&long) {
            let all: f64 = times.iter().sum();
            println!(
                "  | {copies} | {:.2} | {:.0} | {:.2} |",
                all * 1e3,
                all * 1e9 / long.len() as f64,
                all / alone
            );
        }
    }
}
