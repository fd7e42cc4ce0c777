//! Compares the rows of existing log statements with the recorded ones.
//!
//! ```python
//! print(f"epoch {epoch} loss {loss}")      # recorded 0.25, replay gives 0.26: diverged
//! ```
//!
//! By moment (iteration, or code outside of the main loop) and by statement, in order, bit for
//! bit. Rows of SkipBlocks that the replay did not run, and of log statements that the replayed
//! version does not have, are not expected.

use std::collections::{BTreeMap, BTreeSet};

use florc_manifest::{BlockKey, DifferenceKind, FirstDifference, LoopPosition, Value};

use crate::addresses::{same_text, same_value};
use crate::checked_json::content_hash;
use crate::elements::ulps_between;
use crate::progress::Moment;
use crate::recorded::{LoggedRow, Recorded};

/// Rows by moment.
pub(crate) type Rows = BTreeMap<Moment, Vec<LoggedRow>>;

/// A row that is not as recorded.
#[derive(Clone, Debug)]
pub(crate) struct RowDifference {
    pub(crate) moment: Moment,
    /// In words.
    pub(crate) text: String,
    pub(crate) first: FirstDifference,
}

/// The first difference in `[start, end)`.
pub(crate) fn compare_rows(
    recorded: &Recorded,
    found: &Rows,
    skipped: &BTreeSet<BlockKey>,
    sites: &BTreeSet<u32>,
    is_inside: impl Fn(Moment) -> bool,
) -> Option<RowDifference> {
    let moments: BTreeSet<Moment> = recorded.rows.keys().chain(found.keys()).copied().collect();
    let none = Vec::new();
    moments
        .into_iter()
        .filter(|moment| is_inside(*moment))
        .find_map(|moment| {
            let expected = recorded.rows.get(&moment).unwrap_or(&none);
            let found = found.get(&moment).unwrap_or(&none);
            let is_run = |row: &&LoggedRow| {
                let is_skipped = row.block.as_ref().is_some_and(|it| skipped.contains(it));
                sites.contains(&row.site) && !is_skipped
            };
            let expected = by_site(expected.iter().filter(is_run));
            // nothing was recorded any more from there on
            let may_go_on = recorded.cut_off.is_some_and(|cut| moment >= cut);
            compare_sites(&expected, &by_site(found.iter()), may_go_on)
                .map(|(site, what)| what.at(recorded, site, moment))
        })
}

fn by_site<'a>(rows: impl Iterator<Item = &'a LoggedRow>) -> BTreeMap<u32, Vec<&'a LoggedRow>> {
    let mut sites: BTreeMap<u32, Vec<&LoggedRow>> = BTreeMap::new();
    rows.for_each(|row| sites.entry(row.site).or_default().push(row));
    sites
}

fn compare_sites(
    expected: &BTreeMap<u32, Vec<&LoggedRow>>,
    found: &BTreeMap<u32, Vec<&LoggedRow>>,
    may_go_on: bool,
) -> Option<(u32, Other)> {
    let sites: BTreeSet<u32> = expected.keys().chain(found.keys()).copied().collect();
    sites.into_iter().find_map(|site| {
        let none = Vec::new();
        let (a, b) = (
            expected.get(&site).unwrap_or(&none),
            found.get(&site).unwrap_or(&none),
        );
        let differs = |(a, b): &(&&LoggedRow, &&LoggedRow)| !is_same(a, b);
        if let Some((a, b)) = a.iter().zip(b).find(differs) {
            return Some((site, describe(a, b)));
        }
        let is_longer = b.len() > a.len() && !may_go_on;
        let what = || Other {
            text: format!("recorded {} rows, replay gave {}", a.len(), b.len()),
            ..Other::default()
        };
        (b.len() < a.len() || is_longer).then(|| (site, what()))
    })
}

/// Bit for bit, but for addresses of objects.
fn is_same(a: &LoggedRow, b: &LoggedRow) -> bool {
    let same = |((a, x), (b, y)): (&(String, Value), &(String, Value))| a == b && same_value(x, y);
    same_text(&a.text, &b.text)
        && a.values.len() == b.values.len()
        && a.values.iter().zip(&b.values).all(same)
}

/// How a row differs.
#[derive(Default)]
struct Other {
    text: String,
    column: Option<String>,
    ulps: Option<u64>,
    context: Vec<LoopPosition>,
    block: Option<String>,
    found: String,
}

impl Other {
    fn at(self, recorded: &Recorded, site: u32, moment: Moment) -> RowDifference {
        let ulps = self
            .ulps
            .map_or(String::new(), |it| format!(", {it} ULP apart"));
        let place = place(recorded, site);
        RowDifference {
            moment,
            text: format!("{place}{}: {}{ulps}", at(moment, &self.context), self.text),
            first: FirstDifference {
                kind: DifferenceKind::Row,
                head: moment.key(),
                context: self.context,
                path: self.column,
                log: Some(site),
                block: self.block,
                ulps: self.ulps,
                found: content_hash(format!("{}{}", self.text, self.found).as_bytes()),
                generators: Vec::new(),
            },
        }
    }
}

fn describe(recorded: &LoggedRow, found: &LoggedRow) -> Other {
    let differs =
        |(a, b): &(&(String, Value), &(String, Value))| a.0 != b.0 || !same_value(&a.1, &b.1);
    let column = recorded.values.iter().zip(&found.values).find(differs);
    let text = match column {
        _ if !same_text(&recorded.text, &found.text) => {
            format!("recorded {:?}, replay gave {:?}", recorded.text, found.text)
        }
        Some(((name, a), (_, b))) => format!("`{name}`: recorded {a:?}, replay gave {b:?}"),
        None => "the row has other columns than recorded".to_owned(),
    };
    let ulps = match column {
        Some(((_, Value::Float(a)), (_, Value::Float(b)))) => Some(ulps_between(*a, *b)),
        _ => None,
    };
    Other {
        text,
        column: column.map(|((name, _), _)| name.clone()),
        ulps,
        context: found.context.clone(),
        block: found.block.as_ref().map(|block| block.site.clone()),
        found: format!("{:?}", found.values),
    }
}

fn place(recorded: &Recorded, site: u32) -> String {
    match recorded.line(site) {
        Some(line) => format!("log statement in recorded line {line}"),
        None => format!("log statement {site}"),
    }
}

/// The iteration, and the inner loops: `, iteration 3, step 17`.
fn at(moment: Moment, context: &[LoopPosition]) -> String {
    let Some(head) = moment.key() else {
        return String::new();
    };
    let inner = context.iter().skip(1);
    let inner = inner.map(|position| format!(", {} {}", position.label, position.value));
    format!(
        ", iteration {}{}",
        head.iteration,
        inner.collect::<String>()
    )
}
