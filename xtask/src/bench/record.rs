//! Record overhead: the recorded and the plain script in turn, whole processes.

use super::{Bench, ROUNDS, median};

const EPOCHS: usize = 20;

/// Prints the median of the paired ratios.
pub(super) fn run(bench: &Bench) -> Result<(), String> {
    let folder = bench.project("record", EPOCHS)?;
    Bench::time(&bench.venv.python, &folder, &["train.py"])?;
    let mut plain = Vec::new();
    let mut recorded = Vec::new();
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let a = Bench::time(&bench.venv.python, &folder, &["train.py"])?;
        let b = Bench::time(&bench.venv.florc, &folder, &["run", "train.py"])?;
        plain.push(a);
        recorded.push(b);
        ratios.push(b / a);
    }
    println!(
        "  digits, {EPOCHS} epochs: plain {:.2} s, recorded {:.2} s",
        median(&plain),
        median(&recorded)
    );
    println!(
        "  overhead {:+.2} % (median of {ROUNDS} paired ratios)",
        (median(&ratios) - 1.0) * 100.0
    );
    let each: Vec<String> = ratios
        .iter()
        .map(|r| format!("{:+.1}", (r - 1.0) * 100.0))
        .collect();
    println!("  each pair: {} %", each.join(" "));
    Ok(())
}
