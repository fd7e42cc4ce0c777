//! `cargo xtask demo`: the main job on real input, told in plain words.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::environment::{self, Environment};
use crate::process::{self, capture, command, stdout};

/// Log statements that the recorded script did not have, each before the line it is put in front of.
const PROBES: [(&str, &str); 2] = [
    (
        "        optimizer.step()",
        "        grad_norm = sum(p.grad.norm() ** 2 for p in model.parameters()).sqrt().item()\n        \
         print(f\"grad norm {grad_norm}\")",
    ),
    (
        "    best_accuracy = max(best_accuracy, accuracy)",
        "    weight_norm = sum(p.norm() ** 2 for p in model.parameters()).sqrt().item()\n    \
         print(f\"weight norm {weight_norm}\")",
    ),
];

/// The demo in an environment that is ready.
fn tell(root: &Path, venv: &Environment) -> Result<(), String> {
    let folder = root.join("target/demo");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let script = folder.join("train.py");
    let original = read(&root.join("fixtures/scripts/digits/train.py"))?;
    write(&script, &original)?;

    step(
        "1. Record a training run. The script is a CNN on scikit-learn's digits; not a line of it knows florc.",
    );
    process::run(command(&venv.florc, &folder).args(["run", "train.py"]))?;

    step(
        "2. The run is over. Somebody asks: what were the gradient norms? The weight norms? Nobody logged them.\n   So add two log statements to the script:",
    );
    let probed = with_probes(&original)?;
    write(&script, &probed)?;
    show_probes(&probed);

    step(
        "3. Ask the finished run. florc finds the new statements, restores checkpoints and runs only what it must:",
    );
    let asked = std::time::Instant::now();
    let answer = capture(command(&venv.florc, &folder).args(["replay", "--workers", "2"]))?;
    let asked = asked.elapsed().as_secs_f64();
    let hindsight = stdout(&answer);
    print_table(&rows(venv, &folder)?)?;
    print!("   florc says: {}", String::from_utf8_lossy(&answer.stderr));

    step(
        "4. Is it true? Train again from scratch with the edited script, and compare what it prints:",
    );
    let rerun = std::time::Instant::now();
    let trained = capture(command(&venv.python, &folder).arg("train.py"))?;
    let rerun = rerun.elapsed().as_secs_f64();
    let wanted: Vec<String> = stdout(&trained)
        .lines()
        .filter(|l| is_probe(l))
        .map(str::to_owned)
        .collect();
    let got: Vec<&str> = hindsight.lines().collect();
    if got.len() != wanted.len() || got.iter().zip(&wanted).any(|(a, b)| a != b) {
        return Err(format!(
            "the hindsight values DIFFER: {} lines against {}",
            got.len(),
            wanted.len()
        ));
    }
    println!(
        "   all {} values are equal, bit for bit (replay {asked:.1} s, training again {rerun:.1} s)",
        got.len()
    );
    println!("\nTry it on a script of yours: .venv/bin/florc run train.py");
    Ok(())
}

/// Set-up, then the demo.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let venv = environment::prepare(root)?;
    tell(root, &venv)
}

fn step(text: &str) {
    println!("\n{text}\n");
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

fn with_probes(original: &str) -> Result<String, String> {
    let mut text = original.to_owned();
    for (anchor, probe) in PROBES {
        let line = format!("{anchor}\n");
        let place = text
            .find(&line)
            .ok_or_else(|| format!("the fixture lost its line {anchor:?}"))?;
        text.insert_str(place, &format!("{probe}\n"));
    }
    Ok(text)
}

fn is_probe(line: &str) -> bool {
    line.starts_with("grad norm ") || line.starts_with("weight norm ")
}

fn show_probes(probed: &str) {
    for (number, line) in probed.lines().enumerate() {
        if line.contains("_norm = ") || line.contains(" norm {") {
            println!("   {:>3} + {line}", number + 1);
        }
    }
}

fn rows(venv: &Environment, folder: &Path) -> Result<Vec<Value>, String> {
    let output = capture(command(&venv.florc, folder).args(["logs", "--format", "json"]))?;
    serde_json::from_str(&stdout(&output)).map_err(|e| format!("florc logs printed no JSON: {e}"))
}

fn print_table(rows: &[Value]) -> Result<(), String> {
    let mut epochs: BTreeMap<i64, (Vec<f64>, f64)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row["source"] == "replay") {
        let epoch = row["context"]["epoch"]
            .as_i64()
            .ok_or("a row without an epoch")?;
        let value = row["value"].as_f64().ok_or("a row without a number")?;
        let entry = epochs.entry(epoch).or_default();
        if row["name"] == "grad_norm" {
            entry.0.push(value);
        } else {
            entry.1 = value;
        }
    }
    println!(
        "   epoch | batches | grad norm: first      least      greatest   last       | weight norm"
    );
    println!(
        "   ------+---------+----------------------------------------------------+------------"
    );
    for (epoch, (norms, weight)) in epochs {
        let least = norms.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = norms.iter().copied().fold(0.0, f64::max);
        let (first, last) = (norms.first().copied(), norms.last().copied());
        let (Some(first), Some(last)) = (first, last) else {
            return Err("an epoch without batches".into());
        };
        println!(
            "   {epoch:>5} | {:>7} |            {first:<10.6} {least:<10.6} {greatest:<10.6} {last:<10.6} | {weight:.6}",
            norms.len()
        );
    }
    Ok(())
}
