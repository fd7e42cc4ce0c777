//! The processes that replay one segment: one, or one for each rank of the recorded run.
//!
//! ```python
//! # python -m florc._runner --worker plan.json --segment 2 --rank 0     RANK=0 WORLD_SIZE=2 MASTER_PORT=…
//! # python -m florc._runner --worker plan.json --segment 2 --rank 1     RANK=1 WORLD_SIZE=2 MASTER_PORT=…
//! ```
//!
//! Ranks talk to each other as they did when they were recorded, on this machine. A rank leaves when all have
//! published what they found; where one ends before, the others would wait for it in vain and are ended.

use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use florc_manifest::Environment;
use florc_runtime::{RunHandle, has_shards, shard_path};

use crate::failure::Failure;

/// What is to be started.
pub(crate) struct Segment<'a> {
    pub(crate) python: &'a Path,
    pub(crate) run: &'a RunHandle,
    pub(crate) plan: &'a Path,
    pub(crate) index: u32,
    pub(crate) world_size: u32,
    /// The recorded one, or where that is gone another one.
    pub(crate) folder: &'a str,
    /// The only GPUs that they see; empty: all.
    pub(crate) gpus: &'a [String],
}

impl Segment<'_> {
    /// Starts a process for each rank.
    pub(crate) fn start(&self, quietly: bool) -> Result<Started, Failure> {
        let world_size = self.world_size;
        let mut started = Started {
            processes: Vec::new(),
            replay: self.plan.parent().unwrap_or(Path::new(".")).to_owned(),
            segment: self.index,
            how: Ended::default(),
        };
        let port = (world_size > 1).then(free_port).transpose()?;
        if world_size > 1 {
            started.remove_shards(world_size); // of a try that came to nothing
        }
        for rank in 0..world_size {
            let manifest = self.run.of_rank(rank).manifest()?;
            let mut command = self.command(rank);
            as_recorded(&mut command, &manifest.environment);
            if let Some(port) = port {
                as_rank(&mut command, port);
            }
            if !self.gpus.is_empty() {
                command.env("CUDA_VISIBLE_DEVICES", self.gpus.join(","));
            }
            if quietly {
                let words = words_path(&started.replay, self.index, rank);
                let file = std::fs::File::create(&words)
                    .map_err(|error| Failure::io("write", &words, &error))?;
                command
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(file);
            }
            let child = command
                .spawn()
                .map_err(|error| Failure::io("start", self.python, &error))?;
            started.processes.push(Process { child, runs: true });
        }
        Ok(started)
    }

    fn command(&self, rank: u32) -> Command {
        let mut command = Command::new(self.python);
        let plan = std::path::absolute(self.plan).unwrap_or_else(|_| self.plan.to_path_buf());
        command.args(["-m", "florc._runner", "--worker"]).arg(plan);
        command.args(["--segment", &self.index.to_string()]);
        command.args(["--rank", &rank.to_string()]);
        if Path::new(self.folder).is_dir() {
            command.current_dir(self.folder);
        }
        command
    }
}

/// Where a process of a segment says why it ended.
pub(crate) fn words_path(replay: &Path, segment: u32, rank: u32) -> PathBuf {
    shard_path(replay, segment, rank).with_extension("stderr")
}

/// Lets libraries find what they found when the run was recorded: a sum that other threads divide
/// has other bits.
pub(crate) fn as_recorded(command: &mut Command, recorded: &Environment) {
    for (name, value) in &recorded.variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

/// Ranks meet on this machine, and without the launcher that they had.
fn as_rank(command: &mut Command, port: u16) {
    command.env("MASTER_ADDR", "127.0.0.1");
    command.env("MASTER_PORT", port.to_string());
    command.env_remove("TORCHELASTIC_USE_AGENT_STORE");
}

fn free_port() -> Result<u16, Failure> {
    let bound = TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr());
    let failed = |error| Failure::new(format!("no port is free for the ranks to meet: {error}"));
    Ok(bound.map_err(failed)?.port())
}

/// Processes that do not outlive this.
pub(crate) struct Started {
    processes: Vec<Process>,
    replay: PathBuf,
    segment: u32,
    how: Ended,
}

struct Process {
    child: Child,
    runs: bool,
}

/// How the processes ended, those apart that were killed because another one had ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ended {
    /// The signal that killed one of them.
    pub(crate) signal: Option<i32>,
    /// An exit code other than 0.
    pub(crate) code: Option<i32>,
}

impl Started {
    /// Their end, once all have ended.
    pub(crate) fn try_wait(&mut self) -> Option<Ended> {
        for process in self.processes.iter_mut().filter(|it| it.runs) {
            let Some(status) = process.child.try_wait().transpose() else {
                continue;
            };
            process.runs = false;
            if let Ok(status) = status {
                let code = status.code().filter(|code| *code != 0);
                self.how.signal = self.how.signal.or(status.signal());
                self.how.code = self.how.code.or(code);
            }
        }
        let world_size = self.processes.len() as u32;
        let has_ended = self.processes.iter().any(|it| !it.runs);
        if has_ended && !has_shards(&self.replay, self.segment, world_size) {
            self.kill();
        }
        let all_ended = self.processes.iter().all(|it| !it.runs);
        all_ended.then_some(self.how)
    }

    fn kill(&mut self) {
        for process in self.processes.iter_mut().filter(|it| it.runs) {
            let _ = process.child.kill();
            let _ = process.child.wait();
            process.runs = false;
        }
    }

    fn remove_shards(&self, world_size: u32) {
        for rank in 0..world_size {
            let _ = std::fs::remove_file(shard_path(&self.replay, self.segment, rank));
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.kill();
    }
}
