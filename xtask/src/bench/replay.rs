//! Replay time over the time of running the edited script from scratch.

use super::{Bench, ROUNDS, median};

const EPOCHS: usize = 20;

const PROBES: [(&str, &str, &str); 2] = [
    (
        "outer probe",
        "    model.eval()\n",
        "    print('probe', model.conv1.weight.norm().item())\n",
    ),
    (
        "inner probe",
        "        optimizer.step()\n",
        "        print('probe', model.conv1.weight.grad.norm().item())\n",
    ),
];

/// Prints a line for each probe and worker count.
pub(super) fn run(bench: &Bench) -> Result<(), String> {
    for (name, anchor, probe) in PROBES {
        let folder = bench.project("replay", EPOCHS)?;
        Bench::time(&bench.venv.florc, &folder, &["run", "train.py"])?;
        let script = folder.join("train.py");
        let text = std::fs::read_to_string(&script).map_err(|e| e.to_string())?;
        let probed = text.replacen(anchor, &format!("{probe}{anchor}"), 1);
        std::fs::write(&script, probed).map_err(|e| e.to_string())?;
        for workers in ["1", "2"] {
            let mut ratios = Vec::new();
            let mut seconds = Vec::new();
            for _ in 0..ROUNDS.min(3) {
                let rerun = Bench::time(&bench.venv.python, &folder, &["train.py"])?;
                let arguments = ["replay", "--script", "train.py", "--workers", workers];
                let replay = Bench::time(&bench.venv.florc, &folder, &arguments)?;
                ratios.push(replay / rerun);
                seconds.push(replay);
            }
            println!(
                "  {name}, {workers} worker(s): {:.2} s, {:.3} of a rerun (whole processes, imports and data included)",
                median(&seconds),
                median(&ratios)
            );
        }
    }
    Ok(())
}
