//! Project tasks: `cargo xtask demo | test | tidy | bench | soak | corpus | programs`.
//!
//! Each does its own set-up, so that a fresh clone needs git, a Rust toolchain and Python ≥ 3.10
//! and nothing else. No task is part of florc as it is installed.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool"
)]

mod bench;
mod corpus;
mod demo;
mod environment;
mod metadata;
mod process;
mod soak;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask TASK

  demo              set up, then record a real training script, ask for two values that
                    nobody logged, and prove the answers against a run from scratch
  test [FILTER…]    set up, then run every test: Rust (nextest) and Python (pytest);
                    a FILTER is passed to both
  tidy              check the house rules: file sizes, module docs, dependency table
  bench [NAME…]     measure overhead, stall, replay and compile speed; `bench list` names them
  soak [--minutes N] [--seed S]
                    run random programs through the oracle and shrink what fails
  corpus DIR        run the compiler over third-party Python and tell what became of every
                    loop that trains (`--unknown N`, `--list CODE`, `--python PY`, `--threads N`)
  programs DIR      analyse every script that trains in a folder together with the files that it imports
  setup             only the set-up: .venv with PyTorch and the florc wheel
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = project_root();
    let rest = arguments.get(1..).unwrap_or_default();
    let outcome = match arguments.first().map(String::as_str) {
        Some("demo") => demo::run(&root),
        Some("test") => test::run(&root, rest),
        Some("tidy") => tidy::run(&root),
        Some("bench") => bench::run(&root, rest),
        Some("soak") => soak::run_all(&root, rest),
        Some("corpus") => corpus::run(&root, rest),
        Some("programs") => corpus::measure(&root, "programs", rest),
        Some("setup") => environment::prepare(&root).map(|_| ()),
        Some("--help" | "-h" | "help") => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(HELP.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The checkout that this binary was built from.
fn project_root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}
