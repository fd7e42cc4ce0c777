//! Compile speed: `florc instrument` on the fixtures, joined to one long script.

use std::fmt::Write as _;

use super::{Bench, ROUNDS, median};
use crate::corpus::measure;

/// Copies of each function-only fixture in the long script.
const COPIES: usize = 16;

/// Prints milliseconds per 1,000 lines, with the start of the process taken off; then each phase
/// beside the parser alone, and growth.
pub(super) fn run(bench: &Bench) -> Result<(), String> {
    let folder = bench.project("compile", 1)?;
    let fixture = bench.root.join("fixtures/scripts/argparse_main/train.py");
    let text = std::fs::read_to_string(&fixture).map_err(|e| e.to_string())?;
    let short = text.replace("from __future__ import annotations\n", "");
    let mut long = String::new();
    for _ in 0..COPIES {
        writeln!(long, "{short}").map_err(|e| e.to_string())?;
    }
    std::fs::write(folder.join("short.py"), &short).map_err(|e| e.to_string())?;
    std::fs::write(folder.join("long.py"), &long).map_err(|e| e.to_string())?;
    let lines = (long.lines().count() - short.lines().count()) as f64;
    let mut per_thousand = Vec::new();
    for _ in 0..ROUNDS {
        let a = Bench::time(&bench.venv.florc, &folder, &["instrument", "short.py"])?;
        let b = Bench::time(&bench.venv.florc, &folder, &["instrument", "long.py"])?;
        per_thousand.push((b - a) * 1e6 / lines);
    }
    println!(
        "  {:.1} ms per 1,000 lines ({lines} lines, difference of two whole processes)",
        median(&per_thousand)
    );
    let fixtures = bench.root.join("fixtures/scripts");
    measure(
        &bench.root,
        "speed",
        &[fixtures.to_string_lossy().into_owned()],
    )
}
