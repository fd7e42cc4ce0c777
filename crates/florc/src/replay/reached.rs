//! In which iterations added statements can run, by what the run recorded around them.
//!
//! ```python
//! for step in range(60000):
//!     train(batch)
//!     if step % every == 0:
//!         print("norm", norm(model))      # added: asked for in the 120 iterations
//!         print("loss", loss.item())      # in which this one was logged
//! ```
//!
//! Where the run shows nothing, in all.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use florc_history::{LoopTest, Sign, Signs, Version, Way};
use florc_instrument::source_span;
use florc_manifest::{HeadKey, LogKind, LogSite, Row};
use florc_semantic::FunctionId;
use florc_syntax::Module;
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};

use super::changes::Comparison;
use super::find::{Sources, Subject};
use crate::facts::{IterationFacts, RunFacts};

/// What is known of the iterations that added statements run in.
#[derive(Default)]
pub(crate) struct Reached {
    /// By main loop.
    loops: BTreeMap<String, Vec<Vec<Evidence>>>,
    /// The last iterations of the entries of main loops: an exception may have left them.
    last: BTreeSet<HeadKey>,
}

/// What an iteration shows if a statement runs in it.
enum Evidence {
    /// It is one of these.
    Logged(Rc<BTreeSet<HeadKey>>),
    /// The same, of a log statement that comes behind.
    LoggedLater(Rc<BTreeSet<HeadKey>>),
    /// The test comes out so.
    Test(Box<LoopTest>),
}

impl Reached {
    /// Of a run. Empty where an added statement may change what comes after it.
    pub(crate) fn new(subject: &Subject, sources: &Sources, comparison: &Comparison) -> Self {
        let facts = &subject.facts;
        let logged = Logged::of(subject, sources, comparison);
        let Some(logged) = logged.filter(|_| is_as_expected(facts, comparison)) else {
            return Self::default();
        };
        let knowledge = florc_instrument::knowledge(&facts.manifest.settings);
        let judge = comparison.current.judge(&sources.current, &knowledge);
        let version = comparison.current.version(&sources.current, &judge);
        let speakers = Speakers::new(version);
        let speaking = speakers.among(&comparison.added);
        let signs_of = |main_loop| Signs::new(version, main_loop, &comparison.added);
        let all: Vec<_> = comparison
            .main_loops()
            .map(|(id, stmt)| (id, stmt, signs_of(stmt)))
            .collect();
        // between two of them, and between two turns of one, runs what stands in none
        let is_inside = |stmt: &StmtId| all.iter().any(|(_, _, signs)| signs.is_inside(*stmt));
        if entries(&facts.iterations) > 1 && !speaking.iter().all(is_inside) {
            return Self::default();
        }
        let tests_count = !reaches_for_names(&sources.current);
        let mut loops = BTreeMap::new();
        for (id, main_loop, signs) in all {
            let site = facts
                .manifest
                .modules
                .first()
                .and_then(|it| it.main_loop(id));
            let has_numbers = site.is_some_and(|site| !facts.counted.contains(&site.label));
            let ways = speaking.iter().copied().flat_map(|stmt| {
                let mut ways = signs.ways(stmt);
                if comparison.diff.changed.iter().any(|(_, now)| *now == stmt) {
                    // its own rows are the recorded ones of the statement that it was
                    for way in &mut ways {
                        way.push(Sign::Before(stmt));
                    }
                }
                ways
            });
            let evidence = |way: Way| -> Vec<Evidence> {
                let signs = way.into_iter();
                let found = signs.filter_map(|sign| match sign {
                    Sign::Before(stmt) => logged.heads(stmt).map(Evidence::Logged),
                    Sign::Behind(stmt) => logged.heads(stmt).map(Evidence::LoggedLater),
                    Sign::Test(..) if !(tests_count && has_numbers) => None,
                    Sign::Test(test, outcome) => {
                        let test = LoopTest::new(version, main_loop, test, outcome);
                        test.map(|test| Evidence::Test(Box::new(test)))
                    }
                });
                found.collect()
            };
            loops.insert(id.to_owned(), ways.map(evidence).collect());
        }
        Self {
            loops,
            last: last_of_each(&facts.iterations),
        }
    }

    /// Whether an added statement may run in an iteration of the main loop with this id.
    pub(crate) fn may_be(&self, iteration: &IterationFacts, site: &str) -> bool {
        let Some(ways) = self.loops.get(site) else {
            return true;
        };
        let head = iteration.head;
        let agrees = |evidence: &Evidence| match evidence {
            Evidence::Logged(heads) => heads.contains(&head),
            Evidence::LoggedLater(heads) => heads.contains(&head) || self.last.contains(&head),
            Evidence::Test(test) => test.may_hold(iteration.position),
        };
        ways.iter().any(|way| way.iter().all(agrees))
    }
}

/// What logs something.
struct Speakers<'a> {
    version: Version<'a>,
    functions: BTreeSet<FunctionId>,
}

impl<'a> Speakers<'a> {
    fn new(version: Version<'a>) -> Self {
        let exprs = (0..version.module.tree.expr_count() as u32).map(ExprId);
        let logs = exprs.filter(|expr| is_log(version, *expr));
        let functions = logs.map(|expr| version.semantics.function_of_expr(expr));
        Self {
            functions: functions.collect(),
            version,
        }
    }

    /// The statements from which rows may come: what others only compute for them runs where they do. Of an `if`
    /// those in it.
    fn among(&self, stmts: &[StmtId]) -> Vec<StmtId> {
        let tree = &self.version.module.tree;
        let mut found = Vec::new();
        let mut work: Vec<StmtId> = stmts.to_vec();
        while let Some(stmt) = work.pop() {
            if !self.speaks(stmt) {
                continue;
            }
            match &tree.stmt(stmt).kind {
                StmtKind::If {
                    test, body, orelse, ..
                } if !has_calls(self.version, *test) => work.extend(body.iter().chain(orelse)),
                _ => found.push(stmt),
            }
        }
        found
    }

    /// Whether rows may come from a statement.
    fn speaks(&self, stmt: StmtId) -> bool {
        let tree = &self.version.module.tree;
        let exprs = tree.descendants(stmt).flat_map(|it| tree.stmt_exprs(it));
        let mut exprs = exprs.flat_map(|expr| tree.all_exprs(expr));
        exprs.any(|expr| is_log(self.version, expr))
            || !self
                .version
                .judge
                .may_reach(&[stmt])
                .is_disjoint(&self.functions)
    }
}

/// Whether an expression calls something, as far as that is written.
fn has_calls(version: Version<'_>, expr: ExprId) -> bool {
    let tree = &version.module.tree;
    let is_call = |it: &ExprId| matches!(tree.expr(*it).kind, ExprKind::Call { .. });
    tree.all_exprs(expr).iter().any(is_call)
}

fn is_log(version: Version<'_>, expr: ExprId) -> bool {
    let is_call = matches!(version.module.tree.expr(expr).kind, ExprKind::Call { .. });
    is_call && version.judge.is_log(expr)
}

/// Whether the training is not changed, and nothing ran where nobody expects it.
fn is_as_expected(facts: &RunFacts, comparison: &Comparison) -> bool {
    let has_doubts = !comparison.unproven.is_empty() || !comparison.impure.is_empty();
    let was_called = !facts.unexpected.is_empty() || !facts.entered.is_empty();
    let has_other_files = facts.sources.len() > facts.manifest.sources.len();
    let ran_elsewhere = facts.notes.iter().any(|(code, _)| code == "log-elsewhere");
    !(has_doubts || was_called || has_other_files || ran_elsewhere)
}

/// How often main loops were entered.
fn entries(iterations: &[IterationFacts]) -> usize {
    let all: BTreeSet<u32> = iterations.iter().map(|it| it.head.instance).collect();
    all.len()
}

/// What binds variables of a module from elsewhere, besides `exec` and its like, which the analysis knows.
const REACHES: [&str; 12] = [
    "InteractiveInterpreter",
    "__dict__",
    "__globals__",
    "__import__",
    "ctypes",
    "importlib",
    "mock",
    "modules[",
    "runpy",
    "setattr",
    "sys.modules",
    "vars(",
];

/// Whether variables may be bound in a way that is not seen.
fn reaches_for_names(module: &Module) -> bool {
    let text = module.source.text();
    REACHES.iter().any(|it| text.contains(it))
}

fn last_of_each(iterations: &[IterationFacts]) -> BTreeSet<HeadKey> {
    let next = iterations.iter().skip(1).map(Some).chain([None]);
    let is_last = |(each, next): &(&IterationFacts, Option<&IterationFacts>)| {
        next.is_none_or(|next| next.head.instance != each.head.instance)
    };
    let last = iterations.iter().zip(next).filter(is_last);
    last.map(|(each, _)| each.head).collect()
}

/// The iterations in which statements were logged.
struct Logged<'a> {
    recorded: &'a Module,
    sites: &'a [LogSite],
    /// Recorded statements, by what they are now.
    before: BTreeMap<StmtId, StmtId>,
    /// By log site.
    heads: BTreeMap<u32, Rc<BTreeSet<HeadKey>>>,
    none: Rc<BTreeSet<HeadKey>>,
    /// Calls of loggers that some level kept from being shown; `None`: nobody looked.
    muted: Option<&'a BTreeSet<u32>>,
}

impl<'a> Logged<'a> {
    /// `None`: what a rank logged cannot be read.
    fn of(subject: &'a Subject, sources: &'a Sources, comparison: &Comparison) -> Option<Self> {
        let mut heads: BTreeMap<u32, BTreeSet<HeadKey>> = BTreeMap::new();
        let mut add = |rows: &[Row]| {
            for row in rows {
                let heads = heads.entry(row.site).or_default();
                heads.extend(row.head);
            }
        };
        add(&subject.facts.rows);
        for rank in 1..subject.facts.manifest.world_size() {
            let other = RunFacts::read(&subject.run.handle.of_rank(rank)).ok()?;
            add(&other.rows);
        }
        let diff = &comparison.diff;
        let same = diff.matches.iter().map(|(then, now)| (*now, *then));
        let changed = diff.changed.iter().map(|(then, now)| (*now, *then));
        let heads = heads.into_iter();
        Some(Self {
            recorded: &sources.recorded,
            sites: &subject.facts.manifest.modules.first()?.logs,
            before: same.chain(changed).collect(),
            heads: heads.map(|(site, heads)| (site, Rc::new(heads))).collect(),
            none: Rc::default(),
            muted: subject.facts.muted.as_ref(),
        })
    }

    /// The iterations in which a statement ran; `None`: the run does not tell.
    fn heads(&self, now: StmtId) -> Option<Rc<BTreeSet<HeadKey>>> {
        let then = self.before.get(&now)?;
        let StmtKind::Expr { value } = self.recorded.tree.stmt(*then).kind else {
            return None;
        };
        let span = source_span(self.recorded, self.recorded.tree.expr(value).span);
        let is_it = |site: &LogSite| {
            let at = |it: &florc_manifest::SourceSpan| (it.file.clone(), it.start, it.end);
            at(&site.span) == at(&span)
        };
        let site = self.sites.iter().position(is_it)?;
        let heads = self.heads.get(&(site as u32));
        if self.sites[site].kind == LogKind::Logging {
            // nothing is kept of what is below the level
            let is_muted = self
                .muted
                .is_none_or(|muted| muted.contains(&(site as u32)));
            return heads.filter(|_| !is_muted).cloned();
        }
        Some(heads.unwrap_or(&self.none).clone())
    }
}
