//! What the compiler tells the runtime about an instrumented program.

use serde::{Deserialize, Deserializer, Serialize};

/// A place in the original source of a file. Lines are 1-based, columns 0-based UTF-8 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SourceSpan {
    /// Path of the file relative to the project root; empty for the entry of the program.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Line of the first byte.
    pub line: u32,
    /// Column of the first byte.
    pub column: u32,
}

/// Everything the runtime must know of a program; produced by the rewrite.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModuleManifest {
    /// Path of the entry's source relative to the project root, with `/`.
    pub file: String,
    /// The main loops; a hook names one by `id`. Version 1 knew one at most.
    #[serde(alias = "main_loop", deserialize_with = "one_or_many", default)]
    pub main_loops: Vec<MainLoopSite>,
    /// SkipBlocks; a hook names one by `id`.
    pub skip_blocks: Vec<SkipBlockSite>,
    /// Loops other than the main loop that give log rows their context; named by `id`.
    pub loops: Vec<LoopSite>,
    /// Log statements; a hook names one by its index here.
    pub logs: Vec<LogSite>,
    /// Reads of the outer world (clock, `os.urandom` …) whose results are memoized; by index.
    pub clocks: Vec<ClockSite>,
    /// Functions that announce themselves when they are called; by index.
    #[serde(default)]
    pub guards: Vec<GuardSite>,
    /// Loops and blocks that were left alone, each with its reason.
    pub uninstrumented: Vec<Uninstrumented>,
}

impl ModuleManifest {
    /// The main loop of that id.
    pub fn main_loop(&self, id: &str) -> Option<&MainLoopSite> {
        self.main_loops.iter().find(|site| site.id == id)
    }
}

/// Reads what version 1 wrote as well: one main loop, or none.
pub(crate) fn one_or_many<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<MainLoopSite>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Many(Vec<MainLoopSite>),
        One(Option<MainLoopSite>),
    }
    Ok(match Written::deserialize(from)? {
        Written::Many(sites) => sites,
        Written::One(site) => site.into_iter().collect(),
    })
}

/// A main loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MainLoopSite {
    /// `train.py:main/epoch`.
    pub id: String,
    /// Label of this loop in contexts: `epoch`.
    pub label: String,
    /// Qualified name of the function that holds it; empty at module level.
    pub function: String,
    /// The whole loop statement.
    pub span: SourceSpan,
    /// `for`: the runtime advances the iterator to jump. `while`: the carried state does.
    pub is_for: bool,
    /// The iterable may be re-created by running the preamble and drawing items (`range`, lists,
    /// `enumerate`, `zip`, `tqdm`, `DataLoader`). When false no segment may start inside the loop.
    pub recreatable: bool,
    /// Whether the iterable may be re-created shows only when the loop begins: each
    /// [`crate::JournalRecord::LoopEntered`] says it. When true, `recreatable` says the rest.
    #[serde(default)]
    pub asks: bool,
    /// Names captured and restored at the head. Order: as passed to `florc.carry`, then the rest.
    pub roots: Vec<Root>,
    /// How many of the leading roots are passed to `florc.carry`.
    pub passed: usize,
    /// Names (indices into `roots`) that `florc.carry` gives back, in assignment order.
    pub returned: Vec<usize>,
    /// Names that the loop reads and that are not among `roots`: the runtime compares their
    /// content at loop entry with the recorded one (the preamble must have built the same).
    pub inputs: Vec<Root>,
}

/// A region whose effects are memoized.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and a key of the manifest"
)]
pub struct SkipBlockSite {
    /// `train.py:main/epoch/loader`.
    pub id: String,
    /// Qualified name of the function that holds it; empty at module level.
    pub function: String,
    /// The statements of the block.
    pub span: SourceSpan,
    /// Names captured at the end. Order: as passed to `florc.end`, then the rest.
    pub roots: Vec<Root>,
    /// How many of the leading roots are passed to `florc.end`.
    pub passed: usize,
    /// Names (indices into `roots`) passed live to `florc.restore`, in its argument order.
    pub restore_arguments: Vec<usize>,
    /// Names (indices into `roots`) that `florc.restore` gives back, in assignment order.
    pub restore_results: Vec<usize>,
    /// A log statement is in the block or may be reached from it.
    pub has_logs: bool,
    /// It prints, in a program that may keep what is printed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redirected: bool,
    /// What it computes may be differentiated after it, which a state does not allow. Looked at for replays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub differentiated: bool,
    /// It may write files.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub writes: bool,
}

fn yes() -> bool {
    true
}

/// A variable from which the runtime walks the object graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and a key of the manifest"
)]
pub struct Root {
    /// Its name.
    pub name: String,
    /// Where it lives.
    pub place: Place,
    /// The module whose global it is, as `sys.modules` names it; empty where that is the module of
    /// the cut point.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub module: String,
    /// It may be read after the cut point before it is written. Roots that are not live are
    /// captured for future probes only, and only while they are small.
    pub live: bool,
    /// It is live only because others may hold its object: the name is not read any more.
    #[serde(default)]
    pub held: bool,
    /// Whether the name is surely bound at the cut point.
    pub always_bound: bool,
    /// Another object may have been bound to it since the cut point's region began: what it holds
    /// then is no place to restore into.
    #[serde(default)]
    pub replaced: bool,
    /// Why it is here: one line per step, outermost first (`"loss.backward()" at line 31 …`).
    pub reasons: Vec<String>,
}

impl Root {
    /// What a checkpoint calls it: unique among the roots of a cut point. A function may have a
    /// local of the same name as a changed global.
    pub fn key(&self) -> String {
        match self.place {
            Place::Local | Place::Captured => self.name.clone(),
            Place::Global if self.module.is_empty() => format!("global {}", self.name),
            Place::Global => format!("global {}:{}", self.module, self.name),
        }
    }
}

/// Where a root lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A local variable of the frame (at module level: a global, read from the module).
    Local,
    /// A variable of an enclosing function.
    Captured,
    /// A global of an instrumented file, when the cut point is inside a function or in another
    /// file.
    Global,
}

/// A loop that is counted for the context of log rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopSite {
    /// `train.py:train/batch`.
    pub id: String,
    /// Label in contexts.
    pub label: String,
    /// The whole loop statement.
    pub span: SourceSpan,
}

/// What kind of call a log statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogKind {
    /// `print(…)`.
    Print,
    /// `logging.info(…)`, `logger.warning(…)`: the level is the method's name.
    Logging,
    /// `tqdm.write(…)`.
    TqdmWrite,
    /// `writer.add_scalar(name, value, step)`.
    AddScalar,
    /// `wandb.log({…})`, `mlflow.log_metrics`, `trackio.log`.
    TrackerLog,
    /// `florc.log(name, value)`.
    FlorcLog,
    /// `rich.print(…)`, `console.print(…)`, `accelerator.print(…)`: shown as `print` shows them.
    Printed,
    /// `loguru.logger.info(…)`: arguments go into `{}` fields.
    Loguru,
    /// `bar.set_postfix(loss=…)`.
    Postfix,
    /// `bar.set_description(…)`, `sys.stdout.write(…)`: one text.
    Text,
    /// `writer.add_scalars(name, {…}, step)`.
    AddScalars,
    /// `writer.add_histogram(name, values, step)` and what else is no scalar.
    AddValue,
    /// `mlflow.log_metric(name, value)`, `experiment.log_metric(name, value, step=…)`.
    Metric,
    /// Lightning's `self.log(name, value)` and `self.log_dict({…})`.
    ModuleLog,
    /// `csv.writer(…).writerow([…])`.
    Row,
    /// `run["loss"].append(value)`.
    Series,
}

/// A log statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSite {
    /// What kind of call it is.
    pub kind: LogKind,
    /// Qualified name of the function that holds it; empty at module level.
    pub function: String,
    /// The call.
    pub span: SourceSpan,
    /// Name of the called function as written: `print`, `logger.info`.
    pub callee: String,
    /// Typed values inside the arguments, in evaluation order; each is announced by `florc.v`.
    pub columns: Vec<Column>,
    /// For each positional argument, the column name of its value, or `None` for one that is
    /// covered by `columns` or is a literal.
    pub arguments: Vec<Option<String>>,
}

/// A typed value inside a log statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Source text of the expression: `loss`, `total / len(loader)`.
    pub name: String,
}

/// A memoized read of the outer world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSite {
    /// `time.time`.
    pub callee: String,
    /// The call.
    pub span: SourceSpan,
}

/// A function that some regions are not expected to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardSite {
    /// Its qualified name.
    pub function: String,
    /// The whole `def`, or lambda.
    pub span: SourceSpan,
    /// Whether it may change anything but its result; else only log statements in it matter.
    pub changes: bool,
    /// Ids of the main loops and SkipBlocks from which no call of it is known.
    pub sites: Vec<String>,
}

/// A loop or block that was left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uninstrumented {
    /// The loop's id as it would have been.
    pub id: String,
    /// The statements.
    pub span: SourceSpan,
    /// Diagnostic code.
    pub code: String,
    /// The reason, for people.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::ModuleManifest;

    #[test]
    fn manifests_with_one_main_loop_are_read() {
        let rest = r#""skip_blocks":[],"loops":[],"logs":[],"clocks":[],"uninstrumented":[]"#;
        let read = |main: &str| {
            let text = format!(r#"{{"file":"t.py",{main}{rest}}}"#);
            serde_json::from_str::<ModuleManifest>(&text).map(|it| it.main_loops.len())
        };
        let span = r#"{"start":0,"end":9,"line":1,"column":0}"#;
        let site = format!(
            r#"{{"id":"t.py:epoch","label":"epoch","function":"","span":{span},"is_for":true,
            "recreatable":true,"roots":[],"passed":0,"returned":[],"inputs":[]}}"#
        );
        assert_eq!(read(r#""main_loop":null,"#).ok(), Some(0));
        assert_eq!(read(&format!(r#""main_loop":{site},"#)).ok(), Some(1));
        assert_eq!(
            read(&format!(r#""main_loops":[{site},{site}],"#)).ok(),
            Some(2)
        );
        assert_eq!(read("").ok(), Some(0));
    }
}
