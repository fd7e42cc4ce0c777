//! GumTree with its published parameters, to compare with: Falleri et al., "Fine-grained and Accurate
//! Source Code Differencing", ASE 2014, section 3 (height 2, Dice 0.5, size 100).
//!
//! ```python
//! loss = step(net, x)     # Assign( Name loss, Call( Name step, Name net, Name x ) )
//! ```
//!
//! Top down: equal subtrees, the highest first, ambiguous ones by the likeness of their parents. Bottom
//! up: containers by the share of matched descendants, then the best edit script between small
//! subtrees (Zhang and Shasha 1989). A measuring stick of tests, not a part of florc.

#![expect(
    clippy::many_single_char_names,
    reason = "two trees and two places in them"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap};

use florc_syntax::tree::{Alias, ExprId, StmtId, StmtKind};
use florc_syntax::{Module, Span};

const MIN_HEIGHT: usize = 2;
const MIN_DICE: f64 = 0.5;
const MAX_SIZE: usize = 100;

/// A node of the tree that GumTree sees: a type and a label.
struct Node {
    kind: String,
    label: String,
    stmt: Option<StmtId>,
    parent: Option<usize>,
    children: Vec<usize>,
    height: usize,
    size: usize,
    /// Equal for isomorphic subtrees.
    shape: String,
}

/// A version, in preorder; the root is 0.
struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    fn of(module: &Module) -> Self {
        let mut tree = Self { nodes: Vec::new() };
        let root = tree.add("Module", String::new(), None, None);
        let top = (0..module.tree.stmt_count() as u32).map(StmtId);
        for stmt in top.filter(|stmt| module.tree.parent(*stmt).is_none()) {
            tree.stmt(module, stmt, root);
        }
        for at in (0..tree.nodes.len()).rev() {
            let children = tree.nodes[at].children.clone();
            let height = children.iter().map(|it| tree.nodes[*it].height).max();
            let size: usize = children.iter().map(|it| tree.nodes[*it].size).sum();
            let inner: Vec<&str> = children
                .iter()
                .map(|it| tree.nodes[*it].shape.as_str())
                .collect();
            let shape = format!(
                "{}:{}({})",
                tree.nodes[at].kind,
                tree.nodes[at].label,
                inner.join(",")
            );
            let node = &mut tree.nodes[at];
            (node.height, node.size, node.shape) = (height.unwrap_or(0) + 1, size + 1, shape);
        }
        tree
    }

    fn add(
        &mut self,
        kind: &str,
        label: String,
        stmt: Option<StmtId>,
        parent: Option<usize>,
    ) -> usize {
        let at = self.nodes.len();
        self.nodes.push(Node {
            kind: kind.to_owned(),
            label,
            stmt,
            parent,
            children: Vec::new(),
            height: 1,
            size: 1,
            shape: String::new(),
        });
        if let Some(parent) = parent {
            self.nodes[parent].children.push(at);
        }
        at
    }

    fn stmt(&mut self, module: &Module, stmt: StmtId, parent: usize) {
        let kind = kind_of(&format!("{:?}", module.tree.stmt(stmt).kind));
        let exprs = module.tree.stmt_exprs(stmt);
        let span = module.tree.stmt(stmt).span;
        let label = match &module.tree.stmt(stmt).kind {
            StmtKind::Import { .. } => String::new(),
            StmtKind::ImportFrom { module, .. } => {
                let name = module.as_ref().map(|it| it.text.clone());
                name.unwrap_or_default()
            }
            _ => words_outside(module, header(module, stmt, span), &exprs, span),
        };
        let at = self.add(&kind, label, Some(stmt), Some(parent));
        for expr in exprs {
            self.expr(module, expr, at);
        }
        for alias in aliases(module, stmt) {
            self.add("Alias", alias, None, Some(at));
        }
        for inner in module.tree.blocks(stmt).into_iter().flatten() {
            self.stmt(module, *inner, at);
        }
    }

    fn expr(&mut self, module: &Module, expr: ExprId, parent: usize) {
        let kind = kind_of(&format!("{:?}", module.tree.expr(expr).kind));
        let span = module.tree.expr(expr).span;
        let children = module.tree.child_exprs(expr);
        let label = words_outside(module, span, &children, span);
        let at = self.add(&kind, label, None, Some(parent));
        for child in children {
            self.expr(module, child, at);
        }
    }

    fn descendants(&self, at: usize) -> std::ops::Range<usize> {
        at + 1..at + self.nodes[at].size
    }
}

/// The names of an import: nodes in every tree of Python.
fn aliases(module: &Module, stmt: StmtId) -> Vec<String> {
    match &module.tree.stmt(stmt).kind {
        StmtKind::Import { names } | StmtKind::ImportFrom { names, .. } => {
            let text = |it: &Alias| {
                format!(
                    "{} {:?}",
                    it.name.text,
                    it.asname.as_ref().map(|it| &it.text)
                )
            };
            names.iter().map(text).collect()
        }
        _ => Vec::new(),
    }
}

/// `Assign` of `Assign { targets: …`.
fn kind_of(debug: &str) -> String {
    let is_name = |it: &char| it.is_ascii_alphanumeric();
    debug.chars().take_while(is_name).collect()
}

/// A statement without the statements in it.
fn header(module: &Module, stmt: StmtId, span: Span) -> Span {
    let inner = module.tree.blocks(stmt).into_iter().flatten();
    let first = inner.map(|it| module.tree.stmt(*it).span.start).min();
    Span::new(span.start, first.unwrap_or(span.end))
}

/// The names, numbers and operators of a node that belong to none of its parts.
fn words_outside(module: &Module, own: Span, parts: &[ExprId], whole: Span) -> String {
    let mut spans: Vec<Span> = parts.iter().map(|it| module.tree.expr(*it).span).collect();
    spans.retain(|it| whole.contains_span(*it));
    spans.sort_by_key(|it| it.start);
    let mut text = String::new();
    let mut at = own.start;
    for span in spans {
        if span.start >= at && span.start <= own.end {
            text.push_str(module.source.slice(Span::new(at, span.start)));
        }
        at = at.max(span.end.min(own.end));
    }
    text.push_str(module.source.slice(Span::new(at, own.end)));
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let plain: String = lines.collect::<Vec<_>>().join(" ");
    plain
        .chars()
        .filter(|it| !it.is_whitespace() && !"(),".contains(*it))
        .collect()
}

struct Matcher<'a> {
    old: &'a Tree,
    new: &'a Tree,
    forth: BTreeMap<usize, usize>,
    back: BTreeMap<usize, usize>,
}

/// Pairs of statements.
pub(crate) fn matches(old: &Module, new: &Module) -> BTreeMap<StmtId, StmtId> {
    let (old, new) = (Tree::of(old), Tree::of(new));
    let mut matcher = Matcher {
        old: &old,
        new: &new,
        forth: BTreeMap::new(),
        back: BTreeMap::new(),
    };
    matcher.top_down();
    matcher.bottom_up();
    let pairs = matcher.forth.iter();
    pairs
        .filter_map(|(a, b)| Some((old.nodes[*a].stmt?, new.nodes[*b].stmt?)))
        .collect()
}

impl Matcher<'_> {
    fn pair(&mut self, a: usize, b: usize) {
        if !self.forth.contains_key(&a) && !self.back.contains_key(&b) {
            self.forth.insert(a, b);
            self.back.insert(b, a);
        }
    }

    fn pair_whole(&mut self, a: usize, b: usize) {
        for step in 0..self.old.nodes[a].size {
            self.pair(a + step, b + step);
        }
    }

    fn top_down(&mut self) {
        let heights: BTreeSet<usize> = self.old.nodes.iter().map(|it| it.height).collect();
        let mut ambiguous = Vec::new();
        for height in heights.into_iter().rev().filter(|it| *it >= MIN_HEIGHT) {
            let mut shapes: BTreeMap<&str, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
            for (at, node) in self.old.nodes.iter().enumerate() {
                if node.height == height && !self.forth.contains_key(&at) {
                    shapes.entry(&node.shape).or_default().0.push(at);
                }
            }
            for (at, node) in self.new.nodes.iter().enumerate() {
                if node.height == height && !self.back.contains_key(&at) {
                    shapes.entry(&node.shape).or_default().1.push(at);
                }
            }
            for (mine, theirs) in shapes.into_values() {
                match (mine.as_slice(), theirs.as_slice()) {
                    ([a], [b]) => self.pair_whole(*a, *b),
                    _ => {
                        ambiguous.extend(mine.iter().flat_map(|a| theirs.iter().map(|b| (*a, *b))));
                    }
                }
            }
        }
        let likeness = |(a, b): &(usize, usize)| {
            let parents = (self.old.nodes[*a].parent, self.new.nodes[*b].parent);
            match parents {
                (Some(a), Some(b)) => (self.dice(a, b) * 1e6) as i64,
                _ => 0,
            }
        };
        let mut ranked: Vec<(i64, (usize, usize))> =
            ambiguous.iter().map(|it| (-likeness(it), *it)).collect();
        ranked.sort_unstable();
        for (_, (a, b)) in ranked {
            if !self.forth.contains_key(&a) && !self.back.contains_key(&b) {
                self.pair_whole(a, b);
            }
        }
    }

    fn dice(&self, a: usize, b: usize) -> f64 {
        let (mine, theirs) = (self.old.descendants(a), self.new.descendants(b));
        let shared = mine
            .clone()
            .filter(|it| self.forth.get(it).is_some_and(|it| theirs.contains(it)));
        let all = mine.len() + theirs.len();
        2.0 * shared.count() as f64 / all.max(1) as f64
    }

    fn bottom_up(&mut self) {
        for a in postorder(self.old) {
            if a == 0 {
                self.pair(0, 0);
                if self.old.nodes[0].size.max(self.new.nodes[0].size) < MAX_SIZE {
                    self.recover(0, 0);
                }
                continue;
            }
            let has_matched = self
                .old
                .descendants(a)
                .any(|it| self.forth.contains_key(&it));
            if self.forth.contains_key(&a) || !has_matched {
                continue;
            }
            let mut seeds = BTreeSet::new();
            for image in self.old.descendants(a).filter_map(|it| self.forth.get(&it)) {
                let mut at = self.new.nodes[*image].parent;
                while let Some(parent) = at {
                    seeds.insert(parent);
                    at = self.new.nodes[parent].parent;
                }
            }
            let fits = |b: &usize| {
                self.new.nodes[*b].kind == self.old.nodes[a].kind && !self.back.contains_key(b)
            };
            let liked = seeds.into_iter().filter(fits).map(|b| (self.dice(a, b), b));
            let best = liked.max_by(|x, y| x.0.total_cmp(&y.0));
            if let Some((_, b)) = best.filter(|(dice, _)| *dice > MIN_DICE) {
                self.pair(a, b);
                if self.old.nodes[a].size.max(self.new.nodes[b].size) < MAX_SIZE {
                    self.recover(a, b);
                }
            }
        }
    }

    fn recover(&mut self, a: usize, b: usize) {
        for (x, y) in edit_script(self.old, a, self.new, b) {
            if self.old.nodes[x].kind == self.new.nodes[y].kind {
                self.pair(x, y);
            }
        }
    }
}

fn postorder(tree: &Tree) -> Vec<usize> {
    fn visit(tree: &Tree, at: usize, out: &mut Vec<usize>) {
        for child in &tree.nodes[at].children {
            visit(tree, *child, out);
        }
        out.push(at);
    }
    let mut out = Vec::new();
    visit(tree, 0, &mut out);
    out
}

/// A subtree as Zhang and Shasha number it: postorder, leftmost leaves, key roots.
struct Ordered {
    nodes: Vec<usize>,
    left: Vec<usize>,
    roots: Vec<usize>,
}

impl Ordered {
    fn of(tree: &Tree, root: usize) -> Self {
        let inside = root..root + tree.nodes[root].size;
        let nodes: Vec<usize> = postorder(tree)
            .into_iter()
            .filter(|it| inside.contains(it))
            .collect();
        let number: HashMap<usize, usize> =
            nodes.iter().enumerate().map(|(at, it)| (*it, at)).collect();
        let leftmost = |mut at: usize| {
            while let Some(first) = tree.nodes[at].children.first() {
                at = *first;
            }
            number[&at]
        };
        let left: Vec<usize> = nodes.iter().map(|it| leftmost(*it)).collect();
        let last_of = |at: &usize| !(at + 1..nodes.len()).any(|later| left[later] == left[*at]);
        let roots = (0..nodes.len()).filter(last_of).collect();
        Self { nodes, left, roots }
    }
}

/// Pairs of nodes that the cheapest edit script keeps or relabels.
fn edit_script(old: &Tree, a: usize, new: &Tree, b: usize) -> Vec<(usize, usize)> {
    let (x, y) = (Ordered::of(old, a), Ordered::of(new, b));
    let change = |i: usize, j: usize| {
        let (mine, theirs) = (&old.nodes[x.nodes[i]], &new.nodes[y.nodes[j]]);
        match (mine.kind == theirs.kind, mine.label == theirs.label) {
            (true, true) => 0.0,
            (true, false) => 1.0,
            (false, _) => 3.0, // never cheaper than taking out and putting in
        }
    };
    let mut trees = vec![vec![0.0_f64; y.nodes.len()]; x.nodes.len()];
    for &i in &x.roots {
        for &j in &y.roots {
            let forest = forests(&x, &y, i, j, &trees, change);
            for m in x.left[i]..=i {
                for n in y.left[j]..=j {
                    if x.left[m] == x.left[i] && y.left[n] == y.left[j] {
                        trees[m][n] = forest[m + 1 - x.left[i]][n + 1 - y.left[j]];
                    }
                }
            }
        }
    }
    let mut pairs = Vec::new();
    let mut work = vec![(x.nodes.len() - 1, y.nodes.len() - 1)];
    while let Some((i, j)) = work.pop() {
        let forest = forests(&x, &y, i, j, &trees, change);
        let (mut m, mut n) = (i + 1, j + 1);
        while m > x.left[i] || n > y.left[j] {
            let (row, column) = (m - x.left[i], n - y.left[j]);
            let now = forest[row][column];
            if row > 0 && (now - forest[row - 1][column] - 1.0).abs() < 1e-9 {
                m -= 1;
            } else if column > 0 && (now - forest[row][column - 1] - 1.0).abs() < 1e-9 {
                n -= 1;
            } else if x.left[m - 1] == x.left[i] && y.left[n - 1] == y.left[j] {
                pairs.push((x.nodes[m - 1], y.nodes[n - 1]));
                (m, n) = (m - 1, n - 1);
            } else {
                work.push((m - 1, n - 1));
                (m, n) = (x.left[m - 1], y.left[n - 1]);
            }
        }
    }
    pairs
}

/// Distances of the forests below two nodes.
fn forests(
    x: &Ordered,
    y: &Ordered,
    i: usize,
    j: usize,
    trees: &[Vec<f64>],
    change: impl Fn(usize, usize) -> f64,
) -> Vec<Vec<f64>> {
    let (from, to) = (x.left[i], y.left[j]);
    let (rows, columns) = (i + 2 - from, j + 2 - to);
    let mut forest = vec![vec![0.0_f64; columns]; rows];
    for row in 1..rows {
        forest[row][0] = forest[row - 1][0] + 1.0;
    }
    for column in 1..columns {
        forest[0][column] = forest[0][column - 1] + 1.0;
    }
    for row in 1..rows {
        for column in 1..columns {
            let (m, n) = (from + row - 1, to + column - 1);
            let kept = if x.left[m] == from && y.left[n] == to {
                forest[row - 1][column - 1] + change(m, n)
            } else {
                forest[x.left[m] - from][y.left[n] - to] + trees[m][n]
            };
            let out = forest[row - 1][column] + 1.0;
            forest[row][column] = kept.min(out).min(forest[row][column - 1] + 1.0);
        }
    }
    forest
}
