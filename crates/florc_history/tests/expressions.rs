//! Which expression of a changed statement is which: each is named by its text, which occurs once.
//!
//! ```python
//! loss = f(out, y)          loss = f(net(x), y, weight=w)      # `y` is `y`, `f` is `f`
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

use std::collections::BTreeMap;

use florc_history::match_versions;
use florc_syntax::tree::ExprId;
use florc_syntax::{Module, SourceText};

fn module(text: &str) -> Module {
    let source = SourceText::from_bytes("t.py", text.as_bytes().to_vec()).unwrap();
    florc_syntax::parse(source).unwrap()
}

/// Expressions by text, those whose text occurs once.
fn by_text(module: &Module) -> BTreeMap<&str, ExprId> {
    let mut found: BTreeMap<&str, Vec<ExprId>> = BTreeMap::new();
    for expr in (0..module.tree.expr_count() as u32).map(ExprId) {
        let text = module.text_of_expr(expr);
        found.entry(text).or_default().push(expr);
    }
    let once = found.into_iter().filter(|(_, exprs)| exprs.len() == 1);
    once.map(|(text, exprs)| (text, exprs[0])).collect()
}

/// Pairs are `old` or `old -> new`; `old ->` has no partner.
#[track_caller]
fn check(old: &str, new: &str, expected: &[&str]) {
    let (old, new) = (module(old), module(new));
    let matching = match_versions(&old, &new);
    let (mine, theirs) = (by_text(&old), by_text(&new));
    for pair in expected {
        let (one, other) = pair.split_once(" ->").unwrap_or((pair, pair));
        let found = matching.exprs.get(&mine[one]).copied();
        let wanted = theirs.get(other.trim()).copied();
        assert!(other.is_empty() || wanted.is_some(), "{other}");
        let found = found.map(|it| new.text_of_expr(it));
        assert_eq!(found, wanted.map(|it| new.text_of_expr(it)), "{pair}");
    }
    one_to_one(&old, &matching.exprs);
}

/// No expression has two partners, and partners stand in partners.
#[track_caller]
fn one_to_one(old: &Module, exprs: &BTreeMap<ExprId, ExprId>) {
    let news: std::collections::BTreeSet<ExprId> = exprs.values().copied().collect();
    assert_eq!(news.len(), exprs.len());
    assert!(exprs.len() <= old.tree.expr_count());
}

#[test]
fn arguments_are_added_taken_out_and_swapped() {
    check(
        "loss = criterion(out, y)\n",
        "loss = criterion(out, y, weight=w)\n",
        &[
            "loss",
            "criterion",
            "out",
            "y",
            "criterion(out, y) -> criterion(out, y, weight=w)",
        ],
    );
    check(
        "fit(model, loader, clip, 0.5)\n",
        "fit(model, clip, 0.5)\n",
        &["fit", "model", "clip", "0.5", "loader ->"],
    );
    check(
        "rows = load(path, sep)[start:]\nstep(rows)\n",
        "rows = load(path, sep, header)[start:]\nstep(rows)\n",
        &["load", "path", "sep", "start"],
    );
}

#[test]
fn renamed_variables_are_the_same_expressions() {
    check(
        "m = Net()\nfor b in data:\n    out = m(b, 3)\n    keep(out)\n",
        "model = Net()\nfor batch in data:\n    logits = model(batch, 3)\n    keep(logits)\n",
        &[
            "Net",
            "data",
            "m(b, 3) -> model(batch, 3)",
            "3",
            "keep",
            "Net() -> Net()",
        ],
    );
    check(
        "self.net = net\nself.net_steps = 0\n",
        "self.model = net\nself.net_steps = 0\n",
        &["self.net -> self.model", "net", "self.net_steps", "0"],
    );
}

#[test]
fn other_numbers_and_texts_stand_in_their_places() {
    check(
        "opt = SGD(params, lr=0.1, momentum=0.9)\n",
        "opt = SGD(params, lr=0.03, momentum=0.95)\n",
        &["SGD", "params", "0.1 -> 0.03", "0.9 -> 0.95"],
    );
    check(
        "print('loss', loss.item(), step)\n",
        "print('train loss', loss.item(), step)\n",
        &["'loss' -> 'train loss'", "loss.item()", "step", "print"],
    );
}

#[test]
fn moved_statements_take_their_expressions_along() {
    check(
        "x = read(path, 7)\nfor row in x:\n    train(model, row, 9)\n",
        "def part(x):\n    for row in x:\n        train(model, row, 9)\n\nx = read(path, 7)\npart(x)\n",
        &[
            "read(path, 7)",
            "path",
            "7",
            "train(model, row, 9)",
            "model",
            "9",
        ],
    );
}

#[test]
fn conditions_and_what_is_iterated_over_are_matched_without_the_body() {
    check(
        "for x in loader:\n    step(x, 1)\n    if loss < best:\n        save(model, 2)\n",
        "for i, x in enumerate(loader):\n    step(x, 1)\n    if loss < best - 0.1:\n        save(model, 2, i)\n",
        &[
            "step(x, 1)",
            "1",
            "best",
            "save",
            "model",
            "2",
            "loss < best -> loss < best - 0.1",
        ],
    );
}
