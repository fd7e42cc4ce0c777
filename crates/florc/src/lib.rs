//! The `florc` command line: verbs, files, processes, and the rendering of what they say.
//!
//! ```python
//! # florc run train.py         records
//! print(weight_norm(model))  # added weeks later
//! # florc replay               prints what it would have printed
//! ```
//!
//! One file per verb. Exit codes are decided here and nowhere else. It never runs the user's
//! Python in its own process.

mod analysis;
mod args;
mod check;
mod diff_logs;
mod du;
mod explain;
mod export;
mod facts;
mod failure;
mod fsck;
mod gc;
mod hook;
mod instrument;
mod listing;
mod logs;
mod out;
mod pages;
pub mod program;
mod project;
mod propagate;
mod python;
mod render;
mod replay;
mod replays;
mod rows;
mod run;
mod runs;
mod segment_processes;
mod settings;
mod show;
mod table;
mod versions;
mod worker;
mod workflow;

use std::ffi::OsString;
use std::path::PathBuf;

use args::{Cli, Verb};
use clap::Parser as _;
use failure::Failure;

/// The interpreter that florc is installed in, when it was started by one.
#[derive(Clone, Debug, Default)]
pub struct HostPython {
    /// `sys.executable`.
    pub executable: Option<PathBuf>,
}

/// Done.
const DONE: i32 = 0;
/// Something was found.
const FINDINGS: i32 = 1;
/// Usage or input error.
const INPUT_ERROR: i32 = 2;
/// A bug of florc.
const BUG: i32 = 101;
/// Deeply nested programs are walked recursively; the memory is only reserved.
const STACK_BYTES: usize = 512 << 20;

/// Runs one command; `args[0]` is the program's name. Gives the exit code.
pub fn run_cli(args: Vec<OsString>, host: &HostPython) -> i32 {
    let host = host.clone();
    let work = move || std::panic::catch_unwind(|| command(args, &host));
    std::panic::set_hook(Box::new(|_| {}));
    let thread = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(work);
    let result = thread.map(std::thread::JoinHandle::join);
    drop(std::panic::take_hook());
    match result {
        Ok(Ok(Ok(code))) => code,
        Ok(Ok(Err(panic)) | Err(panic)) => {
            out::bug(panic.as_ref());
            BUG
        }
        Err(error) => {
            out::error(&Failure::new(format!(
                "no thread could be started: {error}"
            )));
            INPUT_ERROR
        }
    }
}

fn command(args: Vec<OsString>, host: &HostPython) -> i32 {
    let (args, rest) = args::split_module(args);
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return error.exit_code();
        }
    };
    let result = match cli.verb {
        Verb::Run(verb) => run::run(&verb, rest, host),
        Verb::Replay(verb) => replay::replay(&verb, host),
        Verb::Logs(verb) => logs::logs(&verb),
        Verb::Runs(verb) => runs::runs(&verb),
        Verb::Show(verb) => show::show(&verb),
        Verb::Instrument(verb) => instrument::instrument(&verb, host),
        Verb::Explain(verb) => explain::explain(&verb, host),
        Verb::Check(verb) => check::check(&verb),
        Verb::Fsck(verb) => fsck::fsck(&verb),
        Verb::Du(verb) => du::du(&verb),
        Verb::Gc(verb) => gc::gc(&verb),
        Verb::Export(verb) => export::export(&verb),
        Verb::DiffLogs(verb) => diff_logs::diff_logs(&verb),
        Verb::Propagate(verb) => propagate::propagate(&verb, host),
        Verb::Hook(verb) => hook::hook(&verb),
        Verb::Worker(verb) => worker::worker(&verb, host),
    };
    match result {
        Ok(code) => code,
        Err(failure) if failure.is_closed_pipe() => DONE,
        Err(failure) => {
            out::error(&failure);
            INPUT_ERROR
        }
    }
}
