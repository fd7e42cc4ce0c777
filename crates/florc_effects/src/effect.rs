//! What an analysis says: effects of regions, summaries of functions, and the reason of each claim.
//!
//! ```python
//! loss = train_step(net, opt, x)   # bound: loss; mutated: net, opt; hidden: rng {torch}
//! ```
//!
//! Plain data. Decides nothing: which of these variables become roots of a cut point is policy.

use std::collections::{BTreeMap, BTreeSet};

use florc_semantic::BindingId;
use florc_syntax::Span;

/// Why something is claimed: one step per call or statement, outermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// Places and what happens there.
    pub steps: Vec<(Span, String)>,
}

impl Cause {
    /// A cause of one step.
    pub fn at(span: Span, text: impl Into<String>) -> Self {
        Self {
            steps: vec![(span, text.into())],
        }
    }

    /// The same cause, seen from a caller.
    #[must_use]
    pub fn called_from(&self, span: Span, text: &str) -> Self {
        let mut steps = vec![(span, text.to_string())];
        steps.extend(self.steps.iter().cloned());
        Self { steps }
    }
}

/// State outside of variables that a region reads and changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, joined one by one"
)]
pub struct Hidden {
    /// Random generators drawn from or seeded: `random`, `numpy`, `torch`, `system`.
    pub rng: BTreeSet<String>,
    /// The clock or another reading of the outer world is taken.
    pub clock: bool,
    /// The address of an object is read (`id(x)`): another one in every process.
    pub address: bool,
    /// Files, sockets or streams are read or written.
    pub files: bool,
    /// Process-wide flags or devices are changed (`torch.set_grad_enabled`, `cudnn.benchmark`).
    pub device: bool,
    /// Attributes of modules, classes and functions of libraries that are set (`sys.steps`), and where.
    pub library: BTreeMap<String, Cause>,
}

impl Hidden {
    /// Adds all of `other`.
    pub fn join(&mut self, other: &Self) {
        self.rng.extend(other.rng.iter().cloned());
        self.clock |= other.clock;
        self.address |= other.address;
        self.files |= other.files;
        self.device |= other.device;
        for (name, cause) in &other.library {
            let known = self.library.entry(name.clone());
            known.or_insert_with(|| cause.clone());
        }
    }
}

/// Types of random generators that are objects of a script.
pub const GENERATORS: [&str; 3] = ["numpy.random.Generator", "random.Random", "torch.Generator"];

/// What running a region once, or many times, may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegionEffect {
    /// Variables that are bound again or deleted, with those that called functions bind.
    pub bound: BTreeMap<BindingId, Cause>,
    /// Variables whose reachable object graph may be changed.
    pub mutated: BTreeMap<BindingId, Cause>,
    /// Those of `mutated` of which only random generators may be changed: objects of
    /// [`GENERATORS`], whose whole state can be read and put back.
    pub drawn: BTreeSet<BindingId>,
    /// Calls that nothing is known of.
    pub opaque: Vec<(Span, String)>,
    /// State outside of variables.
    pub hidden: Hidden,
    /// The region itself holds a `yield`.
    pub yields: bool,
    /// The region itself holds an `await`, `async for` or `async with`.
    pub awaits: bool,
}

/// What a call of a function may do, seen by its callers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Parameters whose objects may be changed.
    pub parameters: BTreeMap<BindingId, Cause>,
    /// Variables of enclosing functions and of the module that are bound again.
    pub bound: BTreeMap<BindingId, Cause>,
    /// Variables of enclosing functions and of the module whose objects may be changed.
    pub mutated: BTreeMap<BindingId, Cause>,
    /// Calls that nothing is known of, in the function and all it calls.
    pub opaque: Vec<(Span, String)>,
    /// State outside of variables.
    pub hidden: Hidden,
}

/// What kind of log statement a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogCall {
    /// `print(…)`.
    Print,
    /// `logging.info(…)`, `logger.warning(…)`.
    Logging,
    /// `tqdm.write(…)`.
    TqdmWrite,
    /// `writer.add_scalar(name, value, step)`.
    AddScalar,
    /// `wandb.log({…})`, `mlflow.log_metrics(…)`, `trackio.log(…)`.
    TrackerLog,
    /// `florc.log(name, value)`.
    FlorcLog,
    /// `rich.print(…)`, `accelerator.print(…)`.
    Printed,
    /// `loguru.logger.info("{}", …)`.
    Loguru,
    /// `bar.set_postfix(loss=…)`.
    Postfix,
    /// `bar.set_description(…)`, `sys.stdout.write(…)`.
    Text,
    /// `writer.add_scalars(name, {…}, step)`.
    AddScalars,
    /// `writer.add_histogram(name, values, step)`.
    AddValue,
    /// `mlflow.log_metric(name, value)`.
    Metric,
    /// Lightning's `self.log(name, value)`.
    ModuleLog,
    /// `csv.writer(…).writerow([…])`.
    Row,
    /// `run["loss"].append(value)`.
    Series,
}
