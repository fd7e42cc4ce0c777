//! `--where`: which rows are asked for, and which iterations can have some.
//!
//! ```python
//! # florc replay --where 'epoch >= 4 and loss > 2'    `loss` may have been recorded, or be logged anew
//! ```
//!
//! A name is a loop around the row, else a value of the row itself, else one that the run recorded in the same
//! iterations of these loops.

use std::collections::BTreeSet;

use florc_history::{Answer, Columns, Scalar, Where};
use florc_manifest::{LogKind, LogSite, LoopSite, Row};
use florc_syntax::{SourceText, Span};

use super::find::{Sources, Subject};
use super::probed::Probed;
use crate::facts::{IterationFacts, RunFacts};
use crate::failure::Failure;

/// A condition on rows of a run.
pub(crate) struct Condition {
    parsed: Where,
    /// What the run recorded, by rank.
    recorded: Vec<Columns>,
    /// Loops of the run and of the added log statements.
    loops: BTreeSet<String>,
    /// What the added log statements name their values, as far as that is written in them.
    added: BTreeSet<String>,
    /// Some name their values when they run.
    is_open: bool,
}

/// Parses `--where`.
pub(crate) fn parse(text: Option<&str>) -> Result<Option<Where>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let condition = Where::parse(text).map_err(|diagnostic| {
        let source = SourceText::from_bytes("--where", text.as_bytes().to_vec()).ok();
        Failure::diagnostic(&diagnostic, source.as_ref())
    })?;
    Ok(Some(condition))
}

impl Condition {
    /// With what the run and its log statements have. An error: it names what nothing is called.
    pub(crate) fn of(
        parsed: Where,
        subject: &Subject,
        sources: &Sources,
        probed: &Probed,
    ) -> Result<Self, Failure> {
        let world_size = subject.facts.manifest.world_size();
        let mains = probed.main_loops.iter().map(|it| &it.label);
        let loops = probed.manifest.loops.iter().map(|it| &it.label);
        let mut loops: BTreeSet<String> = mains.chain(loops).cloned().collect();
        // of `for rate in (0.1, 0.01)` a rate is meant, which rows have where it is logged
        loops.retain(|label| !subject.facts.counted.contains(label));
        let unknown = loops_that_nobody_looked_at(subject, sources, probed);
        loops.retain(|label| !unknown.contains(label));
        let mut recorded = vec![Columns::of(&subject.facts.rows, &parsed, &loops)];
        for rank in 1..world_size {
            let facts = RunFacts::read(&subject.run.handle.of_rank(rank))?;
            recorded.push(Columns::of(&facts.rows, &parsed, &loops));
        }
        let sites = probed.manifest.logs.iter().zip(&probed.forward_sites);
        let added = sites.filter(|(_, recorded)| recorded.is_none());
        let added: Vec<&LogSite> = added.map(|(site, _)| site).collect();
        let condition = Self {
            parsed,
            recorded,
            loops,
            added: added.iter().flat_map(|site| written(site)).collect(),
            is_open: added.iter().any(|site| names_when_it_runs(site.kind)),
        };
        condition.refuse_unknown(&subject.facts)?;
        Ok(condition)
    }

    fn refuse_unknown(&self, facts: &RunFacts) -> Result<(), Failure> {
        let mut names = self.parsed.names().iter();
        let Some(name) = names.find(|name| !self.is_known(name)) else {
            return Ok(());
        };
        let logged = facts.rows.iter().flat_map(|row| &row.values);
        let mut known: BTreeSet<&String> = logged.map(|(name, _)| name).collect();
        known.extend(&self.added);
        let list = |names: &mut dyn Iterator<Item = &String>| {
            names
                .map(|it| format!("`{it}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let loops = list(&mut self.loops.iter());
        let logged = list(&mut known.into_iter().filter(|it| !self.loops.contains(*it)));
        Err(Failure::new(format!(
            "`--where`: no loop and no logged value is called `{name}`"
        ))
        .help(format!(
            "loops: {loops}; logged values: {logged}; a variable can be logged beside the value"
        )))
    }

    fn is_known(&self, name: &str) -> bool {
        self.may_be_own(name) || self.has_recorded(name)
    }

    /// Whether the run recorded values of that name.
    pub(crate) fn has_recorded(&self, name: &str) -> bool {
        let mut ranks = self.recorded.iter();
        ranks.any(|columns| columns.names().contains(name))
    }

    /// Whether rows of added log statements can have that name themselves.
    fn may_be_own(&self, name: &str) -> bool {
        self.is_open || self.loops.contains(name) || self.added.contains(name)
    }

    /// What it names.
    pub(crate) fn names(&self) -> &[String] {
        self.parsed.names()
    }

    /// Whether a row is asked for: only where the condition surely holds.
    pub(crate) fn admits(&self, rank: u32, row: &Row) -> bool {
        let own = |name: &str| {
            // As iterations are chosen: of loops of one name the outermost.
            let mut positions = row.context.iter();
            let position = positions.find(|position| position.label == name);
            if let Some(position) = position.filter(|_| self.loops.contains(name)) {
                return Some(Scalar::Int(i128::from(position.value)));
            }
            let mut values = row.values.iter();
            let value = values.find(|(column, _)| column == name);
            value.map(|(_, value)| value.into())
        };
        let at = (row.head, row.context.as_slice());
        let columns = &self.recorded[self.rank_that_logged(rank)];
        columns.answer(&self.parsed, at, &own) == Answer::Yes
    }

    /// Ranks that log nothing of their own go by the first.
    fn rank_that_logged(&self, rank: u32) -> usize {
        let own = self.recorded.get(rank as usize);
        let has_some = own.is_some_and(|columns| !columns.names().is_empty());
        if has_some { rank as usize } else { 0 }
    }

    /// Whether rows of an iteration of a main loop can be asked for. `label`: what that loop is called.
    pub(crate) fn may_hold_in(&self, iteration: &IterationFacts, label: Option<&str>) -> bool {
        let known = |name: &str| {
            let is_main = Some(name) == label && self.loops.contains(name);
            is_main.then(|| Scalar::Int(i128::from(iteration.position)))
        };
        let own = |name: &str| self.may_be_own(name);
        let mut ranks = self.recorded.iter();
        ranks.any(|columns| columns.may_hold(&self.parsed, iteration.head, &known, &own))
    }

    /// Whether rows outside of the main loops can be asked for.
    pub(crate) fn may_hold_outside(&self, probed: &Probed) -> bool {
        let is_inside_only = |name: &String| {
            let mut ranks = self.recorded.iter();
            let is_outside = ranks.any(|columns| columns.has_outside(name));
            let is_recorded_inside = !self.may_be_own(name) && !is_outside;
            is_recorded_inside || self.loops.contains(name) && is_of_main_loops_only(probed, name)
        };
        let mut names = self.parsed.names().iter();
        !names.any(is_inside_only) && self.parsed.answer(&|_| None) != Answer::No
    }
}

/// Loops that the run did not count, so that nobody knows whether their positions are what they iterate over.
fn loops_that_nobody_looked_at(
    subject: &Subject,
    sources: &Sources,
    probed: &Probed,
) -> BTreeSet<String> {
    let mains = probed.main_loops.iter().map(|it| &it.label);
    let rows = subject.facts.rows.iter().flat_map(|row| &row.context);
    let counted: BTreeSet<&String> = mains.chain(rows.map(|it| &it.label)).collect();
    let source = &sources.current.source;
    let is_numbered = |site: &LoopSite| {
        let span = Span::new(site.span.start, site.span.end);
        let place = source.global(&site.span.file, span);
        let text = place.map(|span| source.slice(span));
        let header = text
            .and_then(|text| text.lines().next())
            .unwrap_or_default();
        let numbers = ["range(", "enumerate(", "while "];
        numbers.iter().any(|it| header.contains(it))
    };
    let loops = probed.manifest.loops.iter();
    let unknown = loops.filter(|it| !counted.contains(&it.label) && !is_numbered(it));
    unknown.map(|it| it.label.clone()).collect()
}

/// What a log statement names its values, as written.
fn written(site: &LogSite) -> impl Iterator<Item = String> + '_ {
    let columns = site.columns.iter().map(|column| column.name.clone());
    columns.chain(site.arguments.iter().flatten().cloned())
}

/// Whether names come from what the arguments hold: keys of a dictionary, tags.
fn names_when_it_runs(kind: LogKind) -> bool {
    match kind {
        LogKind::Print
        | LogKind::Printed
        | LogKind::Logging
        | LogKind::TqdmWrite
        | LogKind::Text => false,
        LogKind::AddScalar
        | LogKind::AddScalars
        | LogKind::AddValue
        | LogKind::TrackerLog
        | LogKind::FlorcLog
        | LogKind::Loguru
        | LogKind::Postfix
        | LogKind::Metric
        | LogKind::ModuleLog
        | LogKind::Row
        | LogKind::Series => true,
    }
}

/// Whether loops of that name are main loops, or in one.
fn is_of_main_loops_only(probed: &Probed, name: &str) -> bool {
    let mains = || probed.main_loops.iter();
    let is_inside = |id: &str| {
        let mut ids = mains().map(|main| id.strip_prefix(main.id.as_str()));
        ids.any(|rest| rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    let mut others = probed.manifest.loops.iter();
    mains().any(|main| main.label == name)
        && !others.any(|it| it.label == name && !is_inside(&it.id))
}
