//! Measures the compiler: `corpus DIR` on third-party Python, `programs DIR` on scripts with the files that they import,
//! `speed DIR` phase by phase.
//!
//! ```python
//! for epoch in range(9):         # main loop, exact
//!     for x, y in loader: ...    # SkipBlock
//! ```
//!
//! Started by `cargo xtask corpus` and `cargo xtask bench compile`, which build it optimised. Reads
//! the files, runs none of them, and is no part of florc as it is installed.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool"
)]

mod allocation;
mod baseline;
mod calls;
mod compiled;
mod corpus;
mod files;
mod loops;
mod matching;
mod one;
mod programs;
mod report;
mod speed;

use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask corpus DIR [--unknown N] [--list CODE] [--python PY] [--threads N]
       cargo xtask programs DIR
       cargo xtask bench compile

  --unknown N   names of library functions and methods that the knowledge files lack
  --list CODE   every training loop with this verdict; `refused`: all that are not exact
  --python PY   compile the results with this Python (default: python3; `none` leaves it out)
  --threads N   files analysed at the same time (default 2)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.first().map(String::as_str) {
        Some("corpus") => corpus::run(&arguments[1..]),
        Some("programs") => programs::run(&arguments[1..]),
        Some("matching") => matching::run(&arguments[1..]),
        Some("speed") => speed::run(&arguments[1..]),
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
