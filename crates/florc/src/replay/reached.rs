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

use super::changes::{Analysed, Comparison};
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
        let changes = !comparison.unproven.is_empty() || !comparison.impure.is_empty();
        let Some(logged) = Logged::of(subject, sources, comparison).filter(|_| !changes) else {
            return Self::default();
        };
        let knowledge = florc_instrument::knowledge(&facts.manifest.settings);
        let judge = comparison.current.judge(&sources.current, &knowledge);
        let version = comparison.current.version(&sources.current, &judge);
        let speakers = Speakers::new(version);
        let speaking = speakers.among(&comparison.added);
        let mut loops = BTreeMap::new();
        for (id, main_loop) in comparison.main_loops() {
            let signs = Signs::new(version, main_loop, &comparison.added);
            let ways = speaking.iter().copied().flat_map(|stmt| {
                let mut ways = signs.ways(stmt, was_called(facts, comparison, sources, stmt));
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

/// Whether the function of a statement was called where no call of it is known.
fn was_called(facts: &RunFacts, comparison: &Comparison, sources: &Sources, stmt: StmtId) -> bool {
    let semantics = &comparison.current.semantics;
    let function = semantics.function(semantics.function_of_stmt(stmt));
    let source = &sources.current.source;
    let start = sources.current.tree.stmt(stmt).span.start;
    let path = &source.file_of(start).path;
    let mut entered = facts.entered.iter();
    entered.any(|(_, file, name)| file == path && *name == function.qualname)
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
    /// Loggers keep their levels in the main loops.
    levels_stay: bool,
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
            levels_stay: levels_stay(&comparison.current, &sources.current, comparison),
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
            return heads.filter(|_| self.levels_stay).cloned();
        }
        Some(heads.unwrap_or(&self.none).clone())
    }
}

/// What sets the level of a logger.
const LEVELS: [&str; 6] = [
    "setLevel",
    "disable",
    "disabled",
    "basicConfig",
    "dictConfig",
    "fileConfig",
];

/// Whether nothing in the main loops mentions what sets the levels of loggers.
fn levels_stay(analysed: &Analysed, module: &Module, comparison: &Comparison) -> bool {
    let loops: Vec<StmtId> = comparison.main_loops().map(|(_, stmt)| stmt).collect();
    let functions: BTreeSet<FunctionId> = analysed.effects.may_reach(&loops);
    let inside: BTreeSet<StmtId> = loops
        .iter()
        .flat_map(|stmt| module.tree.descendants(*stmt))
        .collect();
    let sets = |stmt: &StmtId| {
        let exprs = module.tree.stmt_exprs(*stmt).into_iter();
        let mut all = exprs.flat_map(|expr| module.tree.all_exprs(expr));
        all.any(|expr| match &module.tree.expr(expr).kind {
            ExprKind::Attribute { attr, .. } => LEVELS.contains(&attr.text.as_str()),
            ExprKind::Name(name) => LEVELS.contains(&name.as_str()),
            _ => false,
        })
    };
    let runs = |stmt: &StmtId| {
        inside.contains(stmt) || functions.contains(&analysed.semantics.function_of_stmt(*stmt))
    };
    let mut stmts = (0..module.tree.stmt_count() as u32).map(StmtId);
    !stmts.any(|stmt| runs(&stmt) && sets(&stmt))
}
