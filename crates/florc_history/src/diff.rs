//! Aligns two versions of a module, statement by statement.
//!
//! ```python
//! for x in data:                 for x in data:            # matched: same header
//!     step(x)                        step(x)               # matched
//!                                    print(x)              # added
//! ```
//!
//! Statements of the same suite are aligned by a longest common subsequence over their shapes;
//! compound statements with the same header are matched and compared suite by suite. What a
//! change means is not decided here.

use std::collections::BTreeMap;

use florc_syntax::Module;
use florc_syntax::tree::StmtId;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::named_values::names_the_value;
use crate::shape::{ModuleShapes, ShapeId, Shapes, suites};

/// How the current version of a module differs from the recorded one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceDiff {
    /// Statements of the current version that the recorded one lacks, with all they hold;
    /// outermost ones only, in source order.
    pub added: Vec<StmtId>,
    /// Statements of the recorded version that are gone; outermost ones only.
    pub removed: Vec<StmtId>,
    /// Statements that stand where another stood: (recorded, current).
    pub changed: Vec<(StmtId, StmtId)>,
    /// Recorded statement to current one, for statements that say the same (compound ones: whose
    /// headers say the same).
    pub matches: BTreeMap<StmtId, StmtId>,
}

impl SourceDiff {
    /// Whether both versions say the same.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Compares two versions of a program, file by file. Formatting and comments are no difference.
pub fn diff_sources(recorded: &Module, current: &Module) -> SourceDiff {
    let mut shapes = Shapes::default();
    let mut differ = Differ {
        recorded,
        current,
        old: shapes.of_module(recorded),
        new: shapes.of_module(current),
        diff: SourceDiff::default(),
    };
    // Suites are compared with a work list: nesting is not limited by the stack.
    let mut work = pairs(recorded, current);
    while let Some((old, new)) = work.pop() {
        differ.suite(&old, &new, &mut work);
    }
    let mut diff = differ.diff;
    diff.added.sort_unstable();
    diff.removed.sort_unstable();
    diff.changed.sort_unstable();
    diff
}

/// The bodies of each file, by module name; a file that one version lacks is empty there.
fn pairs(recorded: &Module, current: &Module) -> Suites {
    let named = |module: &Module| -> BTreeMap<String, Vec<StmtId>> {
        let files = module.source.files().iter().zip(module.tree.bodies());
        files
            .map(|(file, body)| (file.name.clone(), body.clone()))
            .collect()
    };
    let mut old = named(recorded);
    let mut pairs: Suites = named(current)
        .into_iter()
        .map(|(name, body)| (old.remove(&name).unwrap_or_default(), body))
        .collect();
    pairs.extend(old.into_values().map(|body| (body, Vec::new())));
    pairs
}

type Suites = Vec<(Vec<StmtId>, Vec<StmtId>)>;

struct Differ<'a> {
    recorded: &'a Module,
    current: &'a Module,
    old: ModuleShapes,
    new: ModuleShapes,
    diff: SourceDiff,
}

impl Differ<'_> {
    /// First what is wholly equal, then what has equal headers, then what is left.
    fn suite(&mut self, old: &[StmtId], new: &[StmtId], work: &mut Suites) {
        let whole_old = pick(&self.old.whole, old);
        let whole_new = pick(&self.new.whole, new);
        for gap in align(&whole_old, &whole_new, |i, j| {
            self.match_pair(old[i], new[j], work);
        }) {
            self.gap(&old[gap.0], &new[gap.1], work);
        }
    }

    fn gap(&mut self, old: &[StmtId], new: &[StmtId], work: &mut Suites) {
        let header_old = pick(&self.old.header, old);
        let header_new = pick(&self.new.header, new);
        for gap in align(&header_old, &header_new, |i, j| {
            self.match_pair(old[i], new[j], work);
        }) {
            self.leftover(&old[gap.0], &new[gap.1]);
        }
    }

    fn match_pair(&mut self, old: StmtId, new: StmtId, work: &mut Suites) {
        self.diff.matches.insert(old, new);
        let ours = suites(&self.recorded.tree.stmt(old).kind);
        let theirs = suites(&self.current.tree.stmt(new).kind);
        for (old_suite, new_suite) in ours.into_iter().zip(theirs) {
            work.push((old_suite.clone(), new_suite.clone()));
        }
    }

    /// Pairs statements of the same kind as changed, and those that name a value; the rest is added or removed.
    fn leftover(&mut self, old: &[StmtId], new: &[StmtId]) {
        let mut used = 0;
        for &stmt in old {
            let kind = std::mem::discriminant(&self.recorded.tree.stmt(stmt).kind);
            let names =
                |&at: &usize| names_the_value((self.recorded, stmt), (self.current, new[at]));
            let is_alike =
                |&at: &usize| std::mem::discriminant(&self.current.tree.stmt(new[at]).kind) == kind;
            let rest = used..new.len();
            let partner = rest
                .clone()
                .find(names)
                .or_else(|| rest.clone().find(is_alike));
            match partner {
                Some(at) => {
                    self.diff.added.extend(&new[used..at]);
                    self.diff.changed.push((stmt, new[at]));
                    used = at + 1;
                }
                None => self.diff.removed.push(stmt),
            }
        }
        self.diff.added.extend(&new[used..]);
    }
}

fn pick(shapes: &[ShapeId], stmts: &[StmtId]) -> Vec<ShapeId> {
    stmts.iter().map(|stmt| shapes[stmt.0 as usize]).collect()
}

type Gap = (std::ops::Range<usize>, std::ops::Range<usize>);

/// Reports equal pairs to `matched` and returns the stretches between them.
fn align(old: &[ShapeId], new: &[ShapeId], mut matched: impl FnMut(usize, usize)) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, old, new) {
        match op {
            DiffOp::Equal {
                old_index,
                new_index,
                len,
            } => {
                (0..len).for_each(|at| matched(old_index + at, new_index + at));
            }
            DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
                gaps.push((op.old_range(), op.new_range()));
            }
        }
    }
    merge(gaps)
}

/// A deletion and an insertion at the same place are one gap.
fn merge(gaps: Vec<Gap>) -> Vec<Gap> {
    let mut merged: Vec<Gap> = Vec::new();
    for gap in gaps {
        match merged.last_mut() {
            Some(last) if last.0.end == gap.0.start && last.1.end == gap.1.start => {
                last.0.end = gap.0.end;
                last.1.end = gap.1.end;
            }
            _ => merged.push(gap),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(text: &str) -> Module {
        let source =
            florc_syntax::SourceText::from_bytes("t.py", text.as_bytes().to_vec()).unwrap();
        florc_syntax::parse(source).unwrap()
    }

    #[track_caller]
    fn check(old: &str, new: &str, expected: &[&str]) {
        let (old, new) = (module(old), module(new));
        let diff = diff_sources(&old, &new);
        let mut shown: Vec<String> = Vec::new();
        shown.extend(
            diff.added
                .iter()
                .map(|stmt| format!("+{}", new.text_of_stmt(*stmt))),
        );
        shown.extend(
            diff.removed
                .iter()
                .map(|stmt| format!("-{}", old.text_of_stmt(*stmt))),
        );
        shown.extend(
            diff.changed
                .iter()
                .map(|(a, b)| format!("{} => {}", old.text_of_stmt(*a), new.text_of_stmt(*b))),
        );
        assert_eq!(shown, expected);
    }

    const LOOP: &str = "for x in data:\n    step(x)\nprint(1)\n";

    #[test]
    fn formatting_and_comments_are_no_change() {
        check(
            LOOP,
            "for x in (data):  # all\n  step( x )\n\nprint(0x1)\n",
            &[],
        );
        check("x = 'a' 'b'\n", "x = \"ab\"\n", &[]);
        check(
            "if a:\n    f()\nelif b:\n    g()\n",
            "if a: f()\nelse:\n    if b: g()\n",
            &[],
        );
    }

    #[test]
    fn additions_are_found_at_any_depth() {
        check(
            LOOP,
            "for x in data:\n    step(x)\n    print(x)\nprint(1)\n",
            &["+print(x)"],
        );
        check(
            LOOP,
            "for x in data:\n    step(x)\nelse:\n    print(x)\nprint(1)\n",
            &["+print(x)"],
        );
        check(
            LOOP,
            &format!("print(0)\n{LOOP}print(2)\n"),
            &["+print(0)", "+print(2)"],
        );
        check(
            "def f():\n    return 1\n",
            "def f():\n    print(2)\n    return 1\n",
            &["+print(2)"],
        );
    }

    #[test]
    fn other_edits_are_changes_or_removals() {
        check("lr = 0.5\n", "lr = 0.4\n", &["lr = 0.5 => lr = 0.4"]);
        check("f()\npass\n", "pass\n", &["-f()"]);
        check("x = 1.0\n", "x = 1\n", &["x = 1.0 => x = 1"]);
        check(
            "f'{x:.2f}'\n",
            "f'{x:.3f}'\n",
            &["f'{x:.2f}' => f'{x:.3f}'"],
        );
        check(
            "while a:\n    f()\n",
            "while b:\n    f()\n",
            &["while a:\n    f() => while b:\n    f()"],
        );
    }

    #[test]
    fn wrapping_a_statement_is_no_addition_around_it() {
        check("f()\n", "if a:\n    f()\n", &["+if a:\n    f()", "-f()"]);
    }
}
