//! `cargo xtask bench`: the figures of the docs, each as a ratio within one run.
//!
//! Machines are noisy: everything is measured in pairs, in turn, and given as a median.

mod compile;
mod history;
mod record;
mod replay;

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::environment::{self, Environment};
use crate::process::{capture, command, run as start};

/// Paired rounds of each comparison.
const ROUNDS: usize = 5;

type Benchmark = fn(&Bench) -> Result<(), String>;

const BENCHMARKS: &[(&str, &str, Benchmark)] = &[
    (
        "record",
        "overhead of `florc run` over the plain script",
        record::run,
    ),
    (
        "checkpoint",
        "stall, cost, size, restore and memory of a checkpoint, beside other ways to save",
        checkpoint,
    ),
    (
        "cuda",
        "stall, copies and restore of a state on a GPU, and a recorded training there",
        cuda,
    ),
    (
        "space",
        "what differences between checkpoints save, and take",
        space,
    ),
    (
        "workloads",
        "overhead of recording on eight published shapes of training",
        workloads,
    ),
    (
        "speedup",
        "replays over reruns, on eight published shapes of training",
        speedup,
    ),
    (
        "replay",
        "replay time over rerun time, outer and inner probe",
        replay::run,
    ),
    (
        "compile",
        "parse, analyse and rewrite, per 1,000 lines",
        compile::run,
    ),
    (
        "history",
        "matching of versions, and diff-logs in a large repository",
        history::run,
    ),
    ("hook", "cost of a hook that has nothing to do", hook),
];

/// What every benchmark needs.
pub(crate) struct Bench {
    root: PathBuf,
    venv: Environment,
}

/// Runs the named benchmarks, or all.
pub(crate) fn run(root: &Path, names: &[String]) -> Result<(), String> {
    if names.first().is_some_and(|name| name == "list") {
        for (name, about, _) in BENCHMARKS {
            println!("{name:<10} {about}");
        }
        return Ok(());
    }
    let is_known = |wanted: &&String| BENCHMARKS.iter().any(|(name, ..)| name == wanted);
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        return Err(format!(
            "no benchmark is called `{unknown}`: see `cargo xtask bench list`"
        ));
    }
    let bench = Bench {
        root: root.to_path_buf(),
        venv: environment::prepare(root)?,
    };
    for (name, about, benchmark) in BENCHMARKS {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            println!("\n{name}: {about}");
            benchmark(&bench)?;
        }
    }
    Ok(())
}

impl Bench {
    /// A fresh folder with the digits script, trained for `epochs` epochs.
    fn project(&self, name: &str, epochs: usize) -> Result<PathBuf, String> {
        let folder = self.root.join("target/bench").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let script = self.root.join("fixtures/scripts/digits/train.py");
        let text =
            std::fs::read_to_string(&script).map_err(|e| format!("{}: {e}", script.display()))?;
        let text = text.replace("EPOCHS = 8", &format!("EPOCHS = {epochs}"));
        std::fs::write(folder.join("train.py"), text).map_err(|e| e.to_string())?;
        Ok(folder)
    }

    /// Seconds that a command takes, start to end.
    fn time(program: &Path, folder: &Path, arguments: &[&str]) -> Result<f64, String> {
        let begun = Instant::now();
        capture(command(program, folder).args(arguments))?;
        Ok(begun.elapsed().as_secs_f64())
    }

    fn python_benchmark(&self, file: &str) -> Result<(), String> {
        let script = self.root.join("xtask/python").join(file);
        // a benchmark beside it is no module: torch imports a package `cuda`
        let mut python = command(&self.venv.python, &self.root);
        start(python.env("PYTHONSAFEPATH", "1").arg(script))
    }
}

fn checkpoint(bench: &Bench) -> Result<(), String> {
    bench.python_benchmark("checkpoint.py")
}

fn cuda(bench: &Bench) -> Result<(), String> {
    bench.python_benchmark("gpu.py")
}

fn space(bench: &Bench) -> Result<(), String> {
    bench.python_benchmark("space.py")
}

fn workloads(bench: &Bench) -> Result<(), String> {
    bench.python_benchmark("workloads.py")
}

fn speedup(bench: &Bench) -> Result<(), String> {
    bench.python_benchmark("speedup.py")
}

fn hook(bench: &Bench) -> Result<(), String> {
    bench.python_benchmark("hook.py")
}

/// The middle value.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}
