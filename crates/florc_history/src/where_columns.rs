//! Recorded values in a condition: `--where 'loss > 2'` for a row that has no `loss` itself.
//!
//! ```python
//! for epoch in range(9):
//!     for batch in loader:
//!         print(loss)               # recorded: one `loss` for each batch
//!         print(grad_norm(net))     # added: the `loss` of the same batch
//!     print(weight_norm(net))       # added: holds where it does for some batch of the epoch
//! ```
//!
//! A join over loops. Of several loops around a row the innermost that has the name counts; values of loops
//! inside of the row's place are tried in turn. A row outside of the main loop has what was logged outside of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use florc_manifest::{HeadKey, LoopPosition, Row};

use crate::where_expr::Where;
use crate::where_value::{Answer, Scalar};

/// More values than that of one condition at one place are not tried: its answer is unknown.
const MAX_CHOICES: usize = 64;

/// What was logged at one place, by name.
type Values = BTreeMap<String, Vec<Scalar>>;
/// The names of a choice, each with a value.
type Choice<'a> = Vec<(&'a str, &'a Scalar)>;

/// What a process logged under the names of a condition.
#[derive(Debug, Default)]
pub struct Columns {
    /// By iteration of the main loop, and then by the loops around it.
    places: HashMap<Option<HeadKey>, Places>,
    names: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Places {
    values: HashMap<Vec<LoopPosition>, Values>,
    /// Places with more loops, by those that are around these, too.
    below: HashMap<Vec<LoopPosition>, Vec<Vec<LoopPosition>>>,
}

impl Columns {
    /// Of recorded rows, those values that the condition names and that are not called as one of `loops`: such a
    /// name means the loop.
    pub fn of<'a>(
        rows: impl IntoIterator<Item = &'a Row>,
        condition: &Where,
        loops: &BTreeSet<String>,
    ) -> Self {
        let is_asked = |name: &String| condition.names().contains(name) && !loops.contains(name);
        let mut columns = Self::default();
        for row in rows {
            let asked = row.values.iter();
            let asked = asked.filter(|(name, _)| is_asked(name));
            for (name, value) in asked {
                columns.names.insert(name.clone());
                let places = columns.places.entry(row.head).or_default();
                places.add(&row.context, name, value.into());
            }
        }
        columns
    }

    /// The names that it has values of.
    pub fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// Whether it has values of a name outside of the main loops.
    pub fn has_outside(&self, name: &str) -> bool {
        let outside = self.places.get(&None);
        outside.is_some_and(|places| places.values.values().any(|it| it.contains_key(name)))
    }

    /// Whether the condition holds for a row, where `own` gives what it has itself: its loops and values.
    pub fn answer(
        &self,
        condition: &Where,
        at: (Option<HeadKey>, &[LoopPosition]),
        own: &dyn Fn(&str) -> Option<Scalar>,
    ) -> Answer {
        let (head, context) = at;
        let missing = condition.names().iter().map(String::as_str);
        let missing: Vec<&str> = missing.filter(|name| own(name).is_none()).collect();
        let Some(places) = self.places.get(&head).filter(|_| !missing.is_empty()) else {
            return condition.answer(own);
        };
        let here = places.around(context, &missing);
        let is_below = |name: &&str| !here.contains_key(name);
        let deeper: Vec<&str> = missing.iter().copied().filter(is_below).collect();
        let below = places.below.get(context).into_iter().flatten();
        let with_some = |found: &BTreeMap<&str, &Vec<Scalar>>| !found.is_empty();
        let below = below.map(|place| places.around(place, &deeper));
        let mut all: Vec<_> = below.filter(with_some).collect();
        all.push(BTreeMap::new());
        let all = all.into_iter().map(|mut found| {
            found.extend(here.iter().map(|(name, values)| (*name, *values)));
            answer_of(condition, &found, own)
        });
        most(all)
    }

    /// Whether the condition can hold for a row of an iteration of the main loop, wherever in it that is,
    /// where `known` gives what all of its rows have. `open`: names that rows may have themselves.
    pub fn may_hold(
        &self,
        condition: &Where,
        head: HeadKey,
        known: &dyn Fn(&str) -> Option<Scalar>,
        open: &dyn Fn(&str) -> bool,
    ) -> bool {
        let none = Places::default();
        let places = self.places.get(&Some(head)).unwrap_or(&none);
        let names = condition.names().iter().map(String::as_str);
        let names: Vec<&str> = names.filter(|name| known(name).is_none()).collect();
        let is_open = |name: &&str| open(name) || places.depths(name) > 1;
        let (open, closed): (Vec<&str>, Vec<&str>) = names.into_iter().partition(is_open);
        let around = places.values.keys().map(|it| places.around(it, &closed));
        let mut found: Vec<_> = around.collect();
        found.push(BTreeMap::new());
        if found.iter().any(is_too_much) {
            return true;
        }
        let answers = found.iter().map(|it| answer_of(condition, it, known));
        match most(answers) {
            Answer::Yes => true,
            Answer::No => false,
            // what nobody logged there holds for no row of it
            Answer::Unknown => !open.is_empty(),
        }
    }
}

impl Places {
    fn add(&mut self, context: &[LoopPosition], name: &str, value: Scalar) {
        if !self.values.contains_key(context) {
            for depth in 0..context.len() {
                let inside = self.below.entry(context[..depth].to_vec()).or_default();
                inside.push(context.to_vec());
            }
        }
        let here = self.values.entry(context.to_vec()).or_default();
        let values = here.entry(name.to_owned()).or_default();
        if values.len() <= MAX_CHOICES && !values.contains(&value) {
            values.push(value);
        }
    }

    /// Of each name the values of the innermost loop around a place that has some.
    fn around<'a>(
        &self,
        context: &[LoopPosition],
        names: &[&'a str],
    ) -> BTreeMap<&'a str, &Vec<Scalar>> {
        let of_name = |name: &'a str| {
            let mut depths = (0..=context.len()).rev();
            let found = depths.find_map(|depth| self.values.get(&context[..depth])?.get(name));
            found.map(|values| (name, values))
        };
        names.iter().filter_map(|name| of_name(name)).collect()
    }

    /// In how many nests of loops, told by their depth, a name was logged.
    fn depths(&self, name: &str) -> usize {
        let places = self.values.iter();
        let with = places.filter(|(_, values)| values.contains_key(name));
        with.map(|(context, _)| context.len())
            .collect::<BTreeSet<_>>()
            .len()
    }
}

fn is_too_much(found: &BTreeMap<&str, &Vec<Scalar>>) -> bool {
    let counts = found.values().map(|values| values.len());
    counts.product::<usize>() > MAX_CHOICES
}

/// The answer for any choice of values.
fn answer_of(
    condition: &Where,
    found: &BTreeMap<&str, &Vec<Scalar>>,
    own: &dyn Fn(&str) -> Option<Scalar>,
) -> Answer {
    if is_too_much(found) {
        return condition.answer(own);
    }
    let mut choices: Vec<Choice<'_>> = vec![Vec::new()];
    for (name, values) in found {
        let mut longer = Vec::new();
        for value in *values {
            longer.extend(
                choices
                    .iter()
                    .map(|it| [it.as_slice(), &[(*name, value)]].concat()),
            );
        }
        choices = longer;
    }
    most(choices.iter().map(|choice| {
        let chosen = |name: &str| {
            let mut pairs = choice.iter();
            let pair = pairs.find(|(each, _)| *each == name);
            pair.map(|(_, value)| (*value).clone())
        };
        condition.answer(&|name| own(name).or_else(|| chosen(name)))
    }))
}

/// It holds where it does for one; it does not where it does for none.
fn most(answers: impl Iterator<Item = Answer>) -> Answer {
    let mut result = Answer::No;
    for answer in answers {
        match answer {
            Answer::Yes => return Answer::Yes,
            Answer::Unknown => result = Answer::Unknown,
            Answer::No => {}
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use florc_manifest::Value;

    use super::*;

    fn head(iteration: u64) -> HeadKey {
        HeadKey {
            instance: 0,
            iteration,
        }
    }

    fn context(loops: &[(&str, i64)]) -> Vec<LoopPosition> {
        let position = |(label, value): &(&str, i64)| LoopPosition {
            label: (*label).to_owned(),
            value: *value,
        };
        loops.iter().map(position).collect()
    }

    fn row(at: impl Into<Option<HeadKey>>, loops: &[(&str, i64)], values: &[(&str, f64)]) -> Row {
        let value = |(name, value): &(&str, f64)| ((*name).to_owned(), Value::Float(*value));
        Row {
            site: 0,
            line: 1,
            head: at.into(),
            block: None,
            context: context(loops),
            seq: 0,
            text: String::new(),
            values: values.iter().map(value).collect(),
        }
    }

    /// Two epochs of two batches: a loss for each batch, an accuracy for each epoch.
    fn recorded() -> Vec<Row> {
        let mut rows = vec![row(None, &[], &[("loss", 9.0)])];
        for (at, epoch, losses) in [(0, 0, [3.0, 1.0]), (1, 1, [0.5, 0.25])] {
            for (batch, loss) in (0..).zip(losses) {
                let loops = [("epoch", epoch), ("batch", batch)];
                rows.push(row(head(at), &loops, &[("loss", loss)]));
            }
            let accuracy = [("accuracy", 0.5 + epoch as f64 / 4.0)];
            rows.push(row(head(at), &[("epoch", epoch)], &accuracy));
        }
        rows
    }

    #[track_caller]
    fn check(text: &str, at: impl Into<Option<HeadKey>>, loops: &[(&str, i64)], expected: bool) {
        let at = at.into();
        let condition = Where::parse(text).unwrap();
        let columns = Columns::of(&recorded(), &condition, &BTreeSet::new());
        let context = context(loops);
        let own = |name: &str| {
            let mut positions = context.iter();
            let position = positions.find(|position| position.label == name);
            position.map(|position| Scalar::Int(i128::from(position.value)))
        };
        let holds = columns.answer(&condition, (at, &context), &own) == Answer::Yes;
        assert_eq!(holds, expected, "{text}");
        let Some(at) = at else { return };
        let epoch = |name: &str| (name == "epoch").then_some(Scalar::Int(i128::from(at.iteration)));
        let may = columns.may_hold(&condition, at, &epoch, &|name| name == "batch");
        assert!(may || !holds, "{text}: the iteration would be left out");
    }

    #[test]
    fn a_value_of_the_same_iteration_counts() {
        let batch = [("epoch", 0), ("batch", 0)];
        check("loss > 2", head(0), &batch, true);
        check("loss > 2", head(0), &[("epoch", 0), ("batch", 1)], false);
        check("loss > 2 and epoch == 0", head(0), &batch, true);
        check("loss > 2 and accuracy == 0.5", head(0), &batch, true);
        check("loss > 2 and accuracy == 0.75", head(0), &batch, false);
        check("loss > 2", head(1), &[("epoch", 1), ("batch", 0)], false);
        check("speed > 2", head(0), &batch, false);
    }

    #[test]
    fn values_of_loops_inside_are_tried_in_turn() {
        check("loss > 2", head(0), &[("epoch", 0)], true);
        check(
            "loss == 1 and accuracy == 0.5",
            head(0),
            &[("epoch", 0)],
            true,
        );
        check("loss > 2 and loss < 2", head(0), &[("epoch", 0)], false);
        check("loss > 2", head(1), &[("epoch", 1)], false);
    }

    #[test]
    fn other_loops_beside_have_other_values() {
        check("loss > 2", head(0), &[("epoch", 0), ("check", 0)], false);
        check(
            "accuracy == 0.5",
            head(0),
            &[("epoch", 0), ("check", 0)],
            true,
        );
    }

    #[test]
    fn outside_counts_what_was_logged_outside() {
        check("loss == 9", None, &[], true);
        check("accuracy == 0.5", None, &[], false);
    }

    #[track_caller]
    fn check_iteration(text: &str, iteration: u64, expected: bool) {
        let condition = Where::parse(text).unwrap();
        let columns = Columns::of(&recorded(), &condition, &BTreeSet::new());
        let at = head(iteration);
        let known = |name: &str| (name == "epoch").then_some(Scalar::Int(i128::from(iteration)));
        let may = columns.may_hold(&condition, at, &known, &|name| name == "batch");
        assert_eq!(may, expected, "{text}");
    }

    #[test]
    fn iterations_without_such_a_value_need_not_run() {
        check_iteration("loss > 2", 0, true);
        check_iteration("loss > 2", 1, false);
        check_iteration("loss > 2 and batch == 7", 0, true);
        check_iteration("loss > 2 or batch == 7", 1, true);
        check_iteration("accuracy > 0.6", 1, true);
        check_iteration("accuracy > 0.6 and epoch == 0", 1, false);
        check_iteration("speed > 2", 0, false);
        check_iteration("epoch == 0 or speed > 2", 0, true);
    }

    #[test]
    fn many_values_at_one_place_decide_nothing() {
        let rows: Vec<Row> = (0..100)
            .map(|at| row(head(0), &[("epoch", 0)], &[("loss", f64::from(at))]))
            .collect();
        let condition = Where::parse("loss == 99").unwrap();
        let columns = Columns::of(&rows, &condition, &BTreeSet::new());
        let at = head(0);
        assert!(columns.may_hold(&condition, at, &|_| None, &|_| false));
        let context = context(&[("epoch", 0)]);
        let answer = columns.answer(&condition, (Some(at), &context), &|_| None);
        assert_eq!(answer, Answer::Unknown);
    }
}
