//! The command line's shape.
//!
//! ```python
//! # florc run --name first train.py --epochs 3       (`--epochs` is the script's)
//! ```
//!
//! Declarations only; what a verb does is in its own file.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Hindsight logging: ask a finished training run for values that nobody logged.
#[derive(Debug, Parser)]
#[command(
    name = "florc",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Record a run of a script.
    Run(RunArgs),
    /// Print what log statements added since a run would have printed in it.
    Replay(ReplayArgs),
    /// Show logged values, recorded and replayed.
    Logs(LogsArgs),
    /// List recorded runs.
    Runs(RunsArgs),
    /// Show what was recorded of a run.
    Show(ShowArgs),
    /// Print the source that recording runs.
    Instrument(InstrumentArgs),
    /// Show the loops, checkpoints and reasons of a script, or explain a diagnostic code.
    Explain(ExplainArgs),
    /// Find what keeps training scripts from being repeated and replayed.
    Check(CheckArgs),
    /// Read the whole store and name what is damaged.
    Fsck(FsckArgs),
    /// Show what each run takes on disk.
    Du(DuArgs),
    /// Remove runs, and what killed processes left behind.
    Gc(GcArgs),
    /// Write the tensors of a checkpoint to a file.
    Export(ExportArgs),
    /// Show log statements that versions do not share, and what recorded runs lack of them.
    DiffLogs(DiffLogsArgs),
    /// Ask many older runs for the log statements of one version.
    Propagate(PropagateArgs),
    /// Tell after each commit what it means for recorded runs.
    Hook(HookArgs),
    /// Run one segment of a replay (what `florc replay` starts).
    Worker(WorkerArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Bound on the time that recording may add, as a fraction [default: the project's, else 0.02].
    #[arg(long, value_name = "FRACTION", value_parser = fraction)]
    pub(crate) overhead: Option<f64>,
    /// A name for the run; `florc replay NAME` finds it.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Python to run with [default: of the active environment, else where florc is installed].
    #[arg(long, value_name = "PYTHON")]
    pub(crate) python: Option<PathBuf>,
    /// Which iterations get a checkpoint: `adaptive`, `all`, `none` or `every=N`.
    #[arg(long, default_value = "adaptive", value_name = "WHICH", value_parser = checkpoints)]
    pub(crate) checkpoints: String,
    /// Disk space that checkpoints of this run may take: `500MB`, `20GB`. The ones that replays need
    /// least go first [default: a quarter of what is free].
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_storage: Option<u64>,
    /// Memory for checkpoints that wait to be written [default: 4GiB]. One may wait whatever its size.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<u64>,
    /// Run a module, as `python -m` does; all that follows are its arguments.
    #[arg(short = 'm', value_name = "MODULE")]
    pub(crate) module: Option<String>,
    /// Go on with this run, which was cut short, from its last checkpoint: an id, unique beginning
    /// of one, or name. The script, its arguments and the way of recording are those of the run.
    #[arg(
        long,
        value_name = "RUN",
        conflicts_with_all = ["module", "command", "name", "overhead", "checkpoints"]
    )]
    pub(crate) resume: Option<String>,
    /// The script and its arguments.
    #[arg(
        value_name = "SCRIPT",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required_unless_present_any = ["module", "resume"]
    )]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Run id, unique beginning of one, name, or a script, whose latest run is meant [default: the
    /// latest run].
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// The script whose latest run is meant, also under a name that it has since; where to look for the edited source.
    #[arg(long, value_name = "PATH")]
    pub(crate) script: Option<PathBuf>,
    /// Refuse when anything but log statements was edited since the run [default: the recorded
    /// sources are replayed with the log statements added, and other edits are listed].
    #[arg(long)]
    pub(crate) strict: bool,
    /// Also run added statements that change the training, or may and log nothing themselves. Values of
    /// segments in which one ran are marked as approximate.
    #[arg(long)]
    pub(crate) allow_impure: bool,
    /// Run the edited script from this iteration on (`epoch=7`), in the state that was recorded
    /// there, as a new run.
    #[arg(
        long,
        value_name = "LOOP=VALUE",
        conflicts_with_all = ["strict", "allow_impure", "allow_programs", "gpus", "condition", "budget", "dry_run", "continues", "approximate", "diagnose", "format"]
    )]
    pub(crate) fork: Option<String>,
    /// A name for the new run of `--fork`.
    #[arg(long, requires = "fork")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) how: ReplayOptions,
}

/// Seconds of `90s`, `10m`, `1h30m`.
fn duration(text: &str) -> Result<f64, String> {
    let wrong = || "give a time such as `90s`, `10m` or `1h30m`".to_owned();
    let (mut seconds, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let at = rest
            .find(|it: char| it.is_ascii_alphabetic())
            .ok_or_else(wrong)?;
        let number: f64 = rest[..at].parse().map_err(|_| wrong())?;
        let unit = match &rest[at..=at] {
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        seconds += number * unit;
        rest = &rest[at + 1..];
    }
    if seconds > 0.0 {
        Ok(seconds)
    } else {
        Err(wrong())
    }
}

/// How a run is replayed, whichever log statements are asked.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one for each option")]
pub(crate) struct ReplayOptions {
    /// Worker processes at a time.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = workers)]
    pub(crate) workers: usize,
    /// A worker for each of these GPUs (`0,1,2,3`), which sees no other; as many GPUs for each as processes
    /// recorded the run.
    #[arg(long, value_name = "GPU,…", value_delimiter = ',', value_parser = gpu, conflicts_with = "workers")]
    pub(crate) gpus: Vec<String>,
    /// What runs the segments.
    #[arg(long, value_enum, default_value_t = Engine::Local)]
    pub(crate) engine: Engine,
    /// Only rows for which this Python expression holds: 'epoch >= 8 and loss > 2'. Names are loops, values of the
    /// added log statements, and values that the run logged.
    #[arg(long = "where", value_name = "CONDITION")]
    pub(crate) condition: Option<String>,
    /// Stop after this time (`90s`, `10m`, `1h30m`): what gives most rows a second is replayed first,
    /// what is left is listed, and `--continue` goes on with it.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) budget: Option<f64>,
    /// Show the plan and the expected time, and stop.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Go on with a replay of the same log statements that was broken off: segments that it
    /// finished are not run again.
    #[arg(long = "continue")]
    pub(crate) continues: bool,
    /// Also show values that could not be verified, marked as approximate.
    #[arg(long)]
    pub(crate) approximate: bool,
    /// Where values differ from the recorded run, find the cause by replaying again, however long
    /// that takes [default: where it takes a minute at most].
    #[arg(long)]
    pub(crate) diagnose: bool,
    /// Start programs that the script starts (`subprocess`), in the real working directory. What they do is not
    /// looked at: values are marked as approximate.
    #[arg(long)]
    pub(crate) allow_programs: bool,
    /// Python to run with [default: the one that recorded].
    #[arg(long, value_name = "PYTHON")]
    pub(crate) python: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
}

/// A number, or what the driver calls a device.
fn gpu(text: &str) -> Result<String, String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-/:".contains(c);
    if !text.is_empty() && text.chars().all(is_name) {
        return Ok(text.to_owned());
    }
    Err("name GPUs as in CUDA_VISIBLE_DEVICES: `0,1`".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Runs: ids, unique beginnings of ids, names, or scripts (their latest) [default: the latest].
    #[arg(value_name = "RUN")]
    pub(crate) runs: Vec<String>,
    #[arg(long, value_enum, default_value_t = LogFormat::Table)]
    pub(crate) format: LogFormat,
}

#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Run id, unique beginning of one, name, or a script (its latest) [default: the latest].
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
}

#[derive(Debug, Args)]
pub(crate) struct InstrumentArgs {
    /// The script.
    pub(crate) script: PathBuf,
    /// Write to this file; all files of the program to this folder, where there are several
    /// [default: the script's to standard output].
    #[arg(
        short = 'o',
        long = "output",
        value_name = "FILE|FOLDER",
        conflicts_with = "diff"
    )]
    pub(crate) output: Option<PathBuf>,
    /// Show the difference from the script and the files that it imports.
    #[arg(long)]
    pub(crate) diff: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A script, or the code of a diagnostic.
    #[arg(value_name = "SCRIPT|CODE")]
    pub(crate) subject: String,
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Files and folders; `-` is standard input.
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
    /// Only findings with these codes (`florc explain CODE` tells what one means).
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(crate) select: Vec<String>,
    /// Say nothing where nothing is found.
    #[arg(long)]
    pub(crate) quiet: bool,
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub(crate) format: CheckFormat,
}

#[derive(Debug, Args)]
pub(crate) struct FsckArgs {
    /// Make the store usable as far as it is whole. Damaged files go to `.florc/damaged`.
    #[arg(long)]
    pub(crate) rebuild: bool,
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
}

#[derive(Debug, Args)]
pub(crate) struct DuArgs {
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
}

#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    /// Remove runs but for the latest N of each script, or those begun in the last `12h` or `30d`.
    /// Given several times, what one of them keeps stays. Runs with a name always stay.
    #[arg(long, value_name = "N|AGE")]
    pub(crate) keep: Vec<Keep>,
    /// Remove this run, whatever its name: an id, unique beginning of one, or name.
    #[arg(long, value_name = "RUN")]
    pub(crate) remove: Vec<String>,
    /// Show what would be removed, and stop.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
}

/// Which runs stay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Keep {
    /// So many of each script, the latest.
    Latest(usize),
    /// Those that began so many seconds ago, or later.
    Seconds(f64),
}

impl std::str::FromStr for Keep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = |end, seconds: f64| {
            let number = text.strip_suffix(end)?.parse::<u32>().ok()?;
            Some(Self::Seconds(f64::from(number) * seconds))
        };
        let latest = text.parse().ok().map(Self::Latest);
        let found = latest
            .or_else(|| unit("h", 3600.0))
            .or_else(|| unit("d", 86400.0));
        found.ok_or_else(|| "give a number of runs, or an age such as `12h` or `30d`".to_owned())
    }
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Run id, unique beginning of one, name, or a script (its latest run).
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// The checkpoint: `epoch=8` (start of that iteration), `end` (after the main loop), or as
    /// `florc show` names it [default: the last one].
    #[arg(long, value_name = "CONTEXT")]
    pub(crate) at: Option<String>,
    /// Only what this variable holds; its name is left out of the names in the file.
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) root: Option<String>,
    /// A `.safetensors` file, or a `.pt` file for `torch.load`.
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct DiffLogsArgs {
    /// Older and newer revision, `OLD..NEW`, or `OLD...NEW` from where they went apart [default: HEAD, and the working tree].
    #[arg(value_name = "REV", num_args = 0..=2)]
    pub(crate) revisions: Vec<String>,
    /// Compare with what is staged instead of the working tree; in a hook of pre-commit that runs before a push, what is pushed.
    #[arg(long)]
    pub(crate) staged: bool,
    /// Recorded runs to look at of each script.
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub(crate) runs: usize,
    /// Exit with 1 where log statements differ, or something that changes the training.
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Say nothing where nothing that runs differs.
    #[arg(long)]
    pub(crate) quiet: bool,
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub(crate) format: DiffFormat,
}

#[derive(Debug, Args)]
pub(crate) struct PropagateArgs {
    /// The revision whose log statements are asked [default: the working tree].
    #[arg(long, value_name = "REV")]
    pub(crate) from: Option<String>,
    /// Runs: ids, unique beginnings of ids, or names; `all` is every run.
    #[arg(long, value_name = "RUN", num_args = 1.., required = true)]
    pub(crate) to: Vec<String>,
    /// The script as it is called now [default: as the run recorded it].
    #[arg(long, value_name = "PATH")]
    pub(crate) script: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) how: ReplayOptions,
}

#[derive(Debug, Args)]
pub(crate) struct HookArgs {
    #[command(subcommand)]
    pub(crate) action: HookAction,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum HookAction {
    /// Write a post-commit hook that shows `florc diff-logs` of the commit; a hook that is there
    /// already runs first.
    Install,
    /// Take it away again, and put back the hook that was there.
    Uninstall,
}

#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// The replay's plan.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
    /// Which segment of it.
    #[arg(long, value_name = "I")]
    pub(crate) segment: u32,
    /// Python to run with [default: the one that recorded].
    #[arg(long, value_name = "PYTHON")]
    pub(crate) python: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Processes on this machine.
    Local,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people.
    Text,
    /// An array with an object for each finding.
    Json,
    /// Workflow commands of GitHub.
    Github,
    /// SARIF 2.1.0.
    Sarif,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormat {
    /// For people.
    Text,
    /// One object.
    Json,
    /// Workflow commands of GitHub.
    Github,
    /// For a comment on a pull request.
    Markdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Table,
    Json,
    Csv,
    /// A file for data frames: `florc logs --format parquet > rows.parquet`
    Parquet,
}

fn fraction(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value <= 1.0 => Ok(value),
        _ => Err("give a fraction above 0 and at most 1, such as 0.02".to_owned()),
    }
}

fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => Some(1.0),
        "k" | "kb" => Some(1e3),
        "m" | "mb" => Some(1e6),
        "g" | "gb" => Some(1e9),
        "t" | "tb" => Some(1e12),
        "kib" => Some(1024.0),
        "mib" => Some(1024.0 * 1024.0),
        "gib" => Some(1024.0 * 1024.0 * 1024.0),
        _ => None,
    };
    let bytes = unit.and_then(|unit| Some(digits.trim().parse::<f64>().ok()? * unit));
    match bytes {
        #[expect(clippy::cast_sign_loss, reason = "it is at least one")]
        Some(bytes) if (1.0..1e18).contains(&bytes) => Ok(bytes as u64),
        _ => Err("give a size such as `500MB`, `20GB` or `8GiB`".to_owned()),
    }
}

fn workers(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(value) if (1..=1024).contains(&value) => Ok(value),
        _ => Err("give a number from 1 to 1024".to_owned()),
    }
}

fn checkpoints(text: &str) -> Result<String, String> {
    let every = text.strip_prefix("every=").map(str::parse::<u64>);
    match (text, every) {
        ("adaptive" | "all" | "none", _) => Ok(text.to_owned()),
        (_, Some(Ok(count))) if count > 0 => Ok(text.to_owned()),
        _ => Err("give `adaptive`, `all`, `none` or `every=N`".to_owned()),
    }
}

/// Cuts off what follows `run … -m MODULE`: those arguments are the module's, whatever they look
/// like.
pub(crate) fn split_module(mut args: Vec<OsString>) -> (Vec<OsString>, Vec<OsString>) {
    if args.get(1).is_none_or(|verb| verb != "run") {
        return (args, Vec::new());
    }
    let mut at = 2;
    while let Some(arg) = args.get(at) {
        let text = arg.to_string_lossy();
        let takes_value = [
            "--overhead",
            "--name",
            "--python",
            "--checkpoints",
            "--max-storage",
            "--memory",
            "--resume",
        ];
        if text == "-m" || (text.starts_with("-m") && !text.starts_with("--")) {
            let end = if text == "-m" { at + 2 } else { at + 1 };
            let rest = args.split_off(end.min(args.len()));
            return (args, rest);
        }
        if takes_value.contains(&text.as_ref()) {
            at += 2;
        } else if text.starts_with("--") && text != "--" {
            at += 1;
        } else {
            break;
        }
    }
    (args, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected_rest: &str) {
        let args = line.split(' ').map(OsString::from).collect();
        let (_, rest) = split_module(args);
        let rest: Vec<_> = rest.iter().map(|arg| arg.to_string_lossy()).collect();
        assert_eq!(rest.join(" "), expected_rest);
    }

    #[test]
    fn what_follows_a_module_is_its_own() {
        check("florc run -m train --name x", "--name x");
        check("florc run --name a -mtrain -m", "-m");
        check("florc run --max-storage 1GB -m train -m", "-m");
        check("florc run train.py -m x", "");
        check("florc logs -m x", "");
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("500MB"), Ok(500_000_000));
        assert_eq!(size("1.5GiB"), Ok(1_610_612_736));
        assert_eq!(size("4096"), Ok(4096));
        for wrong in ["", "GB", "-1GB", "1XB", "0", "nan", "1e30"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_declarations_are_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
