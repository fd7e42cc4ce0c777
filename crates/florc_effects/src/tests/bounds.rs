//! An analysis that is cut off, wherever that happens, finds no less than one that runs to its end.

use std::collections::BTreeSet;

use florc_semantic::{BindingId, FunctionId, analyze};
use florc_syntax::tree::StmtId;
use florc_syntax::{SourceText, parse};

use crate::{Effects, Knowledge, infer_within};

const SOURCE: &str = "
class Meter:
    made = 0
    def __init__(self):
        self.kept = []
    def __enter__(self):
        self.kept.append(1)
        return self
    def __exit__(self, *error):
        return False
seen = []
def note(value):
    seen.append(value)
    return unknown(value)
def counter():
    count = 0
    def bump():
        nonlocal count
        count += 1
        Meter.made += 1
    return bump
def train(meter, bump, table):
    global total
    for epoch in range(4):
        with meter:
            total = note(table)
        bump()
def main():
    meter, table = Meter(), {}
    train(meter, counter(), table)
    note(meter)
main()
";

/// All that is said of every statement: its function, bound and changed variables, reach.
fn said(
    effects: &Effects,
    home: &[FunctionId],
) -> Vec<(BTreeSet<BindingId>, BTreeSet<FunctionId>)> {
    let each = home.iter().enumerate().map(|(id, function)| {
        let stmt = StmtId(id as u32);
        let region = effects.region(*function, &[stmt]);
        let changed = region.bound.into_keys().chain(region.mutated.into_keys());
        (changed.collect(), effects.may_reach(&[stmt]))
    });
    each.collect()
}

#[test]
fn a_smaller_bound_never_takes_an_effect_away() {
    let text = SourceText::from_bytes("test.py", SOURCE.as_bytes().to_vec()).ok();
    let module = text.and_then(|text| parse(text).ok());
    let Some(module) = module else {
        panic!("does not parse")
    };
    let (semantics, _) = analyze(&module);
    let home: Vec<FunctionId> = (0..module.tree.stmt_count() as u32)
        .map(|id| semantics.function_of_stmt(StmtId(id)))
        .collect();
    let knowledge = Knowledge::builtin();
    let all = |bounds| {
        said(
            &infer_within(&module, &semantics, &knowledge, bounds),
            &home,
        )
    };
    let exact = all(crate::heap::BOUNDS);
    let whole = (0..63)
        .map(|power| 1 << power)
        .find(|most| all([*most, 0]) == exact);
    let whole = whole.unwrap_or_default();
    for most in (0..whole).step_by(usize::try_from(whole / 60 + 1).unwrap_or(1)) {
        for bounds in [[most, 0], [most, most], [0, most], [most, u64::MAX]] {
            for (at, (least, found)) in exact.iter().zip(all(bounds)).enumerate() {
                let missed = (
                    least.0.difference(&found.0).count(),
                    least.1.difference(&found.1).count(),
                );
                assert_eq!(missed, (0, 0), "statement {at} with bounds {bounds:?}");
            }
        }
    }
}

/// Without the table of what was found, each of the sources would be gone through by each, six times deep: the test
/// would not come to its end.
#[test]
fn iterators_that_lead_to_each_other_are_gone_through_once() {
    let links: String = (0..24)
        .flat_map(|number| {
            [
                "a",
                &number.to_string(),
                " = Link()\nlinks.append(a",
                &number.to_string(),
                ")\n",
            ]
            .map(str::to_owned)
        })
        .collect();
    let text = format!(
        "class Link:\n    def __iter__(self):\n        return links[0]\nlinks = [0]\n{links}for x in a0:\n    a0.seen = x\n"
    );
    let source = SourceText::from_bytes("test.py", text.into_bytes()).ok();
    let Some(module) = source.and_then(|source| parse(source).ok()) else {
        panic!("does not parse")
    };
    let (semantics, _) = analyze(&module);
    let (effects, _) = crate::infer(&module, &semantics, &Knowledge::builtin());
    let changed = (0..module.tree.stmt_count() as u32)
        .map(StmtId)
        .filter(|id| {
            let function = semantics.function_of_stmt(*id);
            !effects.region(function, &[*id]).mutated.is_empty()
        });
    assert!(changed.count() > 0);
}
