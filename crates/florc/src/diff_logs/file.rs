//! One file that differs: its log statements and its other changes.
//!
//! ```python
//! print(loss, accuracy)      # changed in `train`, loop epoch: new is `accuracy`
//! lr = 0.4                   # changed, state-changing, before the main loop
//! ```
//!
//! Each file is compared by itself, then what went from one to another is taken out; how files work
//! together is seen where a run is planned.

use florc_history::{
    ChangedFile, CutPoints, Difference, DifferenceKind, LogChange, LogChangeKind, Meaning, Trained,
    Version, probe_places, program_changes,
};
use florc_manifest::{LogSite, ModuleManifest, Settings};
use florc_syntax::tree::StmtId;
use florc_syntax::{Module, SourceText, Span};

use super::moved::{Both, settle};
use crate::replay::carried::what;
use crate::replay::changes::Analysed;

/// What became of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileReport {
    pub(crate) path: String,
    /// Its path in the older version, where that was another.
    pub(crate) old_path: Option<String>,
    pub(crate) logs: Vec<LogReport>,
    pub(crate) others: Vec<OtherReport>,
    /// Both versions are there, and run the same.
    pub(crate) format_only: bool,
    /// Why it could not be compared.
    pub(crate) error: Option<String>,
}

/// A log call.
#[derive(Clone, Debug)]
pub(crate) struct LogReport {
    pub(crate) change: &'static str,
    pub(crate) in_old: bool,
    pub(crate) stmt: StmtId,
    pub(crate) line: u32,
    pub(crate) text: String,
    pub(crate) function: String,
    /// Loops around it in its function, outermost first.
    pub(crate) loops: Vec<String>,
    pub(crate) values: Vec<String>,
    /// Values that the older version did not log there.
    pub(crate) new_values: Vec<String>,
    /// The new loop or condition that is told by its log statements only.
    pub(crate) holder: Option<OtherReport>,
}

/// Another change.
#[derive(Clone, Debug)]
pub(crate) struct OtherReport {
    pub(crate) change: &'static str,
    pub(crate) class: &'static str,
    /// The training is the same with it.
    pub(crate) is_harmless: bool,
    pub(crate) in_old: bool,
    pub(crate) stmt: StmtId,
    pub(crate) line: u32,
    pub(crate) text: String,
    pub(crate) was: Option<String>,
    /// Where it is in relation to the cut points.
    pub(crate) reaches: Option<&'static str>,
}

impl FileReport {
    /// Whether a value is logged that was not.
    pub(crate) fn has_new_logs(&self) -> bool {
        self.logs.iter().any(|log| !log.in_old)
    }

    /// Whether nothing that runs differs.
    pub(crate) fn is_quiet(&self) -> bool {
        self.logs.is_empty() && self.others.is_empty() && self.error.is_none()
    }
}

/// Compares all files, on as many threads as there are processors.
pub(crate) fn compare(changed: &[ChangedFile], settings: &Settings) -> Vec<FileReport> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let found = std::sync::Mutex::new(vec![(FileReport::default(), None); changed.len()]);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(changed.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(file) = changed.get(at) else { return };
                    let report = one(file, settings);
                    if let Ok(mut found) = found.lock() {
                        found[at] = report;
                    }
                }
            });
        }
    });
    let found = found.into_inner().unwrap_or_default();
    let (mut reports, both): (Vec<FileReport>, Vec<Option<Both>>) = found.into_iter().unzip();
    settle(&mut reports, &both);
    reports
}

fn one(file: &ChangedFile, settings: &Settings) -> (FileReport, Option<Both>) {
    let mut report = FileReport {
        path: file.path().to_owned(),
        old_path: file.old_path.clone().filter(|old| old != file.path()),
        ..FileReport::default()
    };
    let old = parsed(file.old_path.as_deref(), file.old.as_deref());
    let new = parsed(file.new_path.as_deref(), file.new.as_deref());
    let mut both = None;
    match (old, new) {
        (Ok(old), Ok(new)) => match compared(old, new, file.old.is_none(), settings) {
            Ok((logs, others, versions)) => {
                (report.logs, report.others, both) = (logs, others, Some(versions));
            }
            Err(error) => report.error = Some(error),
        },
        (Err(error), _) if file.old.is_some() => {
            report.error = Some(format!("the older version: {error}"));
        }
        (_, Err(error)) | (Err(error), _) => report.error = Some(error),
    }
    report.format_only = report.is_quiet() && file.old.is_some() && file.new.is_some();
    (report, both)
}

/// A missing version is an empty one.
fn parsed(path: Option<&str>, bytes: Option<&[u8]>) -> Result<Module, String> {
    let bytes = bytes.unwrap_or_default().to_vec();
    let told = |diagnostic: florc_syntax::Diagnostic| diagnostic.title;
    let source = SourceText::from_bytes(path.unwrap_or_default(), bytes).map_err(told)?;
    florc_syntax::parse(source.clone()).map_err(|diagnostic| {
        let line = source.line_column(diagnostic.span.start).line;
        format!("line {line}: {}", diagnostic.title)
    })
}

/// A version with what the compiler makes of it.
struct Compiled<'a> {
    version: Version<'a>,
    manifest: ModuleManifest,
    cuts: CutPoints,
}

type Found = (Vec<LogReport>, Vec<OtherReport>, Both);

fn compared(
    before: Module,
    after: Module,
    is_new: bool,
    settings: &Settings,
) -> Result<Found, String> {
    let knowledge = florc_instrument::knowledge(settings);
    let told = |failure: crate::failure::Failure| failure.title;
    let was = Analysed::new(&before, settings).map_err(told)?;
    let is = Analysed::new(&after, settings).map_err(told)?;
    let mine = was.judge(&before, &knowledge);
    let theirs = is.judge(&after, &knowledge);
    let old = Compiled::new(was.version(&before, &mine), was.manifest(&before, settings));
    let new = Compiled::new(is.version(&after, &theirs), is.manifest(&after, settings));
    let changes = program_changes(old.trained(), new.trained());
    let mut logs = Vec::new();
    for (log, meaning) in changes.logs.iter().zip(&changes.log_meanings) {
        let side = if log.in_old { &old } else { &new };
        for call in &log.calls {
            let tree = &side.version.module.tree;
            let mut report = side.log(log, tree.expr(*call).span, &old);
            report.stmt = tree.stmt_of(*call);
            if report.stmt != log.stmt && !is_new {
                let holder = Difference {
                    kind: DifferenceKind::Added,
                    in_old: log.in_old,
                    stmt: log.stmt,
                    span: tree.stmt(log.stmt).span,
                    was: None,
                };
                report.holder = Some(side.other(&holder, *meaning, &old));
            }
            logs.push(report);
        }
    }
    let others = if is_new {
        Vec::new()
    } else {
        let others = changes.others.iter();
        others
            .map(|(other, meaning)| {
                let side = if other.in_old { &old } else { &new };
                side.other(other, *meaning, &old)
            })
            .collect()
    };
    let (old_logs, new_logs) = (old.manifest.logs, new.manifest.logs);
    let both = Both {
        old: before,
        new: after,
        old_logs,
        new_logs,
    };
    Ok((logs, others, both))
}

impl<'a> Compiled<'a> {
    fn new(version: Version<'a>, manifest: ModuleManifest) -> Self {
        Self {
            version,
            cuts: CutPoints::of(version, &manifest),
            manifest,
        }
    }

    fn trained(&self) -> Trained<'_> {
        Trained {
            version: self.version,
            cuts: &self.cuts,
        }
    }

    fn log(&self, change: &LogChange, span: Span, old: &Compiled<'_>) -> LogReport {
        let module = self.version.module;
        let site = self.site(span);
        let values = site.map(values).unwrap_or_default();
        let was = change.was.map(|was| old.logged_in(was)).unwrap_or_default();
        LogReport {
            change: match change.kind {
                LogChangeKind::Added => "added",
                LogChangeKind::Changed => "changed",
                LogChangeKind::Removed => "removed",
            },
            in_old: change.in_old,
            stmt: change.stmt,
            line: module.source.line_column(span.start).line,
            text: first_line(module, span),
            function: site.map(|site| site.function.clone()).unwrap_or_default(),
            loops: self.loops(span),
            new_values: values
                .iter()
                .filter(|it| !change.in_old && !was.contains(it))
                .cloned()
                .collect(),
            values,
            holder: None,
        }
    }

    fn site(&self, span: Span) -> Option<&LogSite> {
        let mut logs = self.manifest.logs.iter();
        logs.find(|site| (site.span.start, site.span.end) == (span.start, span.end))
    }

    /// The values that a statement logs.
    fn logged_in(&self, stmt: StmtId) -> Vec<String> {
        let span = self.version.module.tree.stmt(stmt).span;
        let logs = self.manifest.logs.iter();
        logs.filter(|site| span.contains_span(Span::new(site.span.start, site.span.end)))
            .flat_map(values)
            .collect()
    }

    fn loops(&self, span: Span) -> Vec<String> {
        let main = self.manifest.main_loops.iter();
        let main = main.map(|site| (&site.span, &site.label));
        let others = self.manifest.loops.iter();
        let others = others.map(|site| (&site.span, &site.label));
        let mut around: Vec<(u32, &String)> = main
            .chain(others)
            .filter(|(it, _)| it.start <= span.start && span.end <= it.end)
            .map(|(it, label)| (it.start, label))
            .collect();
        around.sort();
        around.into_iter().map(|(_, label)| label.clone()).collect()
    }

    fn other(&self, other: &Difference, meaning: Meaning, old: &Compiled<'_>) -> OtherReport {
        let module = self.version.module;
        OtherReport {
            change: what(other.kind),
            class: meaning.word(),
            is_harmless: meaning.is_harmless(),
            in_old: other.in_old,
            stmt: other.stmt,
            line: module.source.line_column(other.span.start).line,
            text: first_line(module, other.span),
            was: other.was.map(|was| {
                let module = old.version.module;
                first_line(module, module.tree.stmt(was).span)
            }),
            reaches: (!meaning.is_harmless())
                .then(|| self.reaches(other.stmt))
                .flatten(),
        }
    }

    /// The first cut point that a change at a statement can reach.
    fn reaches(&self, stmt: StmtId) -> Option<&'static str> {
        if self.cuts.main_loops.is_empty() {
            return None;
        }
        let places = probe_places(self.version, &self.cuts.main_loops, &[stmt]);
        Some(match (places.before, places.inside) {
            (true, _) => "before the first checkpoint",
            (false, true) => "after the checkpoint of the first iteration",
            (false, false) => "after the last checkpoint",
        })
    }
}

/// Names of the values of a log statement.
pub(super) fn values(site: &LogSite) -> Vec<String> {
    let columns = site.columns.iter().map(|column| column.name.clone());
    columns
        .chain(site.arguments.iter().flatten().cloned())
        .collect()
}

fn first_line(module: &Module, span: Span) -> String {
    let text = module.source.slice(span);
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().trim_end().to_owned();
    match lines.next() {
        Some(_) => format!("{first} …"),
        None => first,
    }
}
