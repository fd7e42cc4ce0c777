//! A version as a tree of labelled nodes, as tree differencing wants it.
//!
//! ```python
//! x = f(1)      # "= [_]_" over "name x", "call" over "name f", "int 1"
//! ```
//!
//! Statements and expressions in one arena, in preorder, so that a subtree is a range. Numbers for
//! kinds, labels and shapes are shared by both versions. It matches nothing.

use std::collections::{BTreeSet, HashMap};

use florc_syntax::Module;
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};

use super::words::{import, kind, known_by, words};
use crate::shape::{own_text_of_expr, own_text_of_stmt, suites};

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Program,
    /// The n-th file.
    File(u32),
    Stmt(StmtId),
    Expr(ExprId),
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) origin: Origin,
    /// First word of the label: `for`, `call`, `name`.
    pub(super) kind: u32,
    /// What it says by itself.
    pub(super) label: u32,
    /// What it says with all that it holds.
    pub(super) shape: u32,
    /// As `shape`, whatever the variables in it are called; `self.x` is one.
    pub(super) loose: u32,
    /// What a statement says without its suites.
    pub(super) header: u32,
    /// Number of nodes in it, itself included: it is the nodes `index..index + size`.
    pub(super) size: u32,
    /// Words in it that are no variables.
    pub(super) fixed_words: u32,
    pub(super) parent: u32,
    pub(super) children: Vec<u32>,
    /// Whether it is a variable or an attribute.
    pub(super) is_name: bool,
    /// Its own names, numbers and words of texts; none of what is only structure.
    pub(super) words: Vec<u32>,
    /// Of an import, what it says: its module, and each name twice.
    pub(super) import: Vec<u32>,
    /// Of a simple statement, the names that it assigns, or what it calls.
    pub(super) known_by: Vec<u32>,
}

impl Node {
    pub(super) fn is_stmt(&self) -> bool {
        matches!(self.origin, Origin::Stmt(_))
    }
}

/// One version.
#[derive(Debug)]
pub(super) struct Nodes {
    pub(super) nodes: Vec<Node>,
    /// The node of each statement.
    pub(super) of_stmt: Vec<u32>,
}

/// Texts and shapes, numbered for both versions.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    texts: HashMap<String, u32>,
    shapes: HashMap<(u32, Vec<u32>), u32>,
}

impl Numbers {
    fn text(&mut self, text: &str) -> u32 {
        if let Some(known) = self.texts.get(text) {
            return *known;
        }
        let next = self.texts.len() as u32;
        self.texts.insert(text.to_owned(), next);
        next
    }

    fn shape(&mut self, label: u32, parts: Vec<u32>) -> u32 {
        let next = self.shapes.len() as u32;
        *self.shapes.entry((label, parts)).or_insert(next)
    }
}

impl Nodes {
    pub(super) fn new(module: &Module, numbers: &mut Numbers) -> Self {
        let mut tree = Self {
            nodes: Vec::with_capacity(module.tree.stmt_count() + module.tree.expr_count() + 2),
            of_stmt: vec![0; module.tree.stmt_count()],
        };
        // The next node to be made, and its parent.
        let mut work = vec![(Origin::Program, 0)];
        while let Some((origin, parent)) = work.pop() {
            let index = tree.add(module, numbers, origin, parent);
            let children = children(module, origin);
            work.extend(children.into_iter().rev().map(|child| (child, index)));
        }
        let variables = variables(module);
        tree.close(module, numbers, &variables);
        tree
    }

    fn add(&mut self, module: &Module, numbers: &mut Numbers, origin: Origin, parent: u32) -> u32 {
        let index = self.nodes.len() as u32;
        let label = match origin {
            Origin::Program => "program".to_owned(),
            Origin::File(file) => format!("file {}", module.source.files()[file as usize].name),
            Origin::Stmt(stmt) => own_text_of_stmt(module, stmt),
            Origin::Expr(expr) => own_text_of_expr(module, expr),
        };
        if let Origin::Stmt(stmt) = origin {
            self.of_stmt[stmt.0 as usize] = index;
        }
        if index > 0 {
            self.nodes[parent as usize].children.push(index);
        }
        let import = import(module, origin);
        let import = import.into_iter().map(|word| numbers.text(word)).collect();
        let known_by = known_by(module, origin);
        let known_by = known_by
            .into_iter()
            .map(|name| numbers.text(name))
            .collect();
        let words = words(module, origin, &label).into_iter();
        let words = words.map(|word| numbers.text(word)).collect();
        self.nodes.push(Node {
            origin,
            is_name: matches!(origin, Origin::Expr(expr) if matches!(
                module.tree.expr(expr).kind,
                ExprKind::Name(_) | ExprKind::Attribute { .. }
            )),
            words,
            kind: numbers.text(kind(&label)),
            label: numbers.text(&label),
            shape: 0,
            loose: 0,
            header: 0,
            size: 1,
            fixed_words: 0,
            parent,
            children: Vec::new(),
            import,
            known_by,
        });
        index
    }

    /// Sizes and shapes, from the leaves up.
    fn close(&mut self, module: &Module, numbers: &mut Numbers, variables: &BTreeSet<&str>) {
        let blank = numbers.text("name");
        for index in (0..self.nodes.len()).rev() {
            let node = &self.nodes[index];
            let mut parts: Vec<u32> = Vec::with_capacity(node.children.len());
            let mut loose_parts: Vec<u32> = Vec::with_capacity(node.children.len());
            let mut header_parts: Vec<u32> = Vec::new();
            let (mut size, mut fixed_words) = (1, 0);
            for &child in &node.children {
                parts.push(self.nodes[child as usize].shape);
                if !self.nodes[child as usize].is_stmt() {
                    header_parts.push(self.nodes[child as usize].shape);
                }
                loose_parts.push(self.nodes[child as usize].loose);
                size += self.nodes[child as usize].size;
                fixed_words += self.nodes[child as usize].fixed_words;
            }
            if let Origin::Stmt(stmt) = node.origin {
                // `if a: b; c` is not `if a: b; else: c`.
                let suites = suites(&module.tree.stmt(stmt).kind);
                let lengths = suites.iter().map(|suite| u32::MAX - suite.len() as u32);
                parts.extend(lengths.clone());
                loose_parts.extend(lengths);
            }
            let is_own = is_own_attribute(module, node.origin);
            let is_variable = is_own || is_variable(module, node.origin, variables);
            if is_own {
                loose_parts.clear();
                fixed_words = 0;
            }
            let label = if is_variable { blank } else { node.label };
            fixed_words += u32::from(!is_variable) * node.words.len() as u32;
            let shape = numbers.shape(node.label, parts);
            let loose = numbers.shape(label, loose_parts);
            let header = numbers.shape(node.label, header_parts);
            let node = &mut self.nodes[index];
            (node.shape, node.loose, node.size) = (shape, loose, size);
            (node.header, node.fixed_words) = (header, fixed_words);
        }
    }

    pub(super) fn node(&self, index: u32) -> &Node {
        &self.nodes[index as usize]
    }

    pub(super) fn len(&self) -> u32 {
        self.nodes.len() as u32
    }

    /// The nodes below `index`, in preorder.
    pub(super) fn below(&self, index: u32) -> std::ops::Range<u32> {
        index + 1..index + self.node(index).size
    }

    /// Children that are expressions.
    pub(super) fn exprs(&self, index: u32) -> Vec<u32> {
        let children = self.node(index).children.iter().copied();
        children
            .filter(|child| matches!(self.node(*child).origin, Origin::Expr(_)))
            .collect()
    }

    /// The same with what is in them.
    pub(super) fn all_exprs(&self, index: u32) -> Vec<u32> {
        let own = self.exprs(index).into_iter();
        own.flat_map(|expr| expr..expr + self.node(expr).size)
            .collect()
    }

    /// The suites of a statement or file.
    pub(super) fn suites(&self, module: &Module, index: u32) -> Vec<Vec<u32>> {
        match self.node(index).origin {
            Origin::Stmt(stmt) => {
                let suites = suites(&module.tree.stmt(stmt).kind).into_iter();
                let nodes = |suite: &Vec<StmtId>| {
                    let stmts = suite.iter();
                    stmts.map(|stmt| self.of_stmt[stmt.0 as usize]).collect()
                };
                suites.map(nodes).collect()
            }
            Origin::File(_) | Origin::Program => vec![self.node(index).children.clone()],
            Origin::Expr(_) => Vec::new(),
        }
    }
}

fn is_variable(module: &Module, origin: Origin, variables: &BTreeSet<&str>) -> bool {
    matches!(origin, Origin::Expr(expr)
        if matches!(&module.tree.expr(expr).kind,
            ExprKind::Name(name) if variables.contains(name.as_str())))
}

/// `self.x`: the variable of a method that `x` is of a function.
fn is_own_attribute(module: &Module, origin: Origin) -> bool {
    let Origin::Expr(expr) = origin else {
        return false;
    };
    let ExprKind::Attribute { value, .. } = &module.tree.expr(expr).kind else {
        return false;
    };
    matches!(&module.tree.expr(*value).kind, ExprKind::Name(name) if name == "self")
}

/// Names of parameters and of what is assigned: those that are likely to be called otherwise.
fn variables(module: &Module) -> BTreeSet<&str> {
    let tree = &module.tree;
    let mut targets: Vec<ExprId> = Vec::new();
    let mut found = BTreeSet::new();
    for stmt in (0..tree.stmt_count() as u32).map(StmtId) {
        match &tree.stmt(stmt).kind {
            StmtKind::Assign { targets: some, .. } => targets.extend(some),
            StmtKind::AugAssign { target, .. }
            | StmtKind::AnnAssign { target, .. }
            | StmtKind::For { target, .. } => targets.push(*target),
            StmtKind::With { items, .. } => targets.extend(items.iter().filter_map(|it| it.target)),
            StmtKind::FunctionDef(def) => {
                found.extend(def.params.iter().map(|it| it.name.text.as_str()));
            }
            _ => {}
        }
    }
    for target in targets {
        for expr in tree.all_exprs(target) {
            if let ExprKind::Name(name) = &tree.expr(expr).kind {
                found.insert(name);
            }
        }
    }
    found
}

fn children(module: &Module, origin: Origin) -> Vec<Origin> {
    let tree = &module.tree;
    match origin {
        Origin::Program => (0..module.source.files().len() as u32)
            .map(Origin::File)
            .collect(),
        Origin::File(file) => {
            let body = tree.bodies().nth(file as usize).into_iter().flatten();
            body.map(|stmt| Origin::Stmt(*stmt)).collect()
        }
        Origin::Stmt(stmt) => {
            let own = tree.stmt_exprs(stmt).into_iter().map(Origin::Expr);
            let inner = suites(&tree.stmt(stmt).kind).into_iter().flatten();
            own.chain(inner.map(|stmt| Origin::Stmt(*stmt))).collect()
        }
        Origin::Expr(expr) => {
            let inner = tree.child_exprs(expr).into_iter();
            inner.map(Origin::Expr).collect()
        }
    }
}
