//! What a node says in words: names, numbers and texts of its own.
//!
//! ```python
//! self.loss = step(net, "train: %d", lr=0.1)     # known by loss; step net train d lr 0.1
//! ```
//!
//! Structure has no words. Whether words are alike is not decided here.

use florc_syntax::Module;
use florc_syntax::tree::{ExprId, ExprKind, FStringPart, StmtKind};

use super::nodes::Origin;

/// The first word of a label; an assignment with an annotation is an assignment, `-=` is as `+=`.
pub(super) fn kind(label: &str) -> &str {
    match label.split(' ').next().unwrap_or_default() {
        "ann" => "=",
        kind if kind.starts_with("aug") => "aug",
        kind => kind,
    }
}

/// A variable that became an attribute keeps its name; texts are taken apart, since a text that was
/// edited is the same text.
pub(super) fn words<'a>(module: &'a Module, origin: Origin, label: &'a str) -> Vec<&'a str> {
    let is_leaf = match origin {
        Origin::Expr(expr) => match &module.tree.expr(expr).kind {
            ExprKind::Name(name) => return vec![name],
            ExprKind::Attribute { attr, .. } => return vec![&attr.text],
            ExprKind::Str(text) => return in_text(text, label),
            ExprKind::FString { parts } => {
                let texts = parts.iter().filter_map(|part| match part {
                    FStringPart::Literal { text, .. } => Some(text),
                    FStringPart::Field { .. } => None,
                });
                return texts.flat_map(|text| in_text(text, text)).collect();
            }
            ExprKind::Call { keywords, .. } => {
                let names = keywords.iter().filter_map(|it| it.name.as_ref());
                return names.map(|name| name.text.as_str()).collect();
            }
            _ => module.tree.child_exprs(expr).is_empty(),
        },
        Origin::Program | Origin::File(_) | Origin::Stmt(_) => false,
    };
    // Texts follow their length and a colon.
    if is_leaf || label.contains(':') {
        vec![label]
    } else {
        Vec::new()
    }
}

/// The words of a text; one without any is a word.
fn in_text<'a>(text: &'a str, whole: &'a str) -> Vec<&'a str> {
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    if words.is_empty() { vec![whole] } else { words }
}

/// What is imported counts more than where it comes from.
pub(super) fn import(module: &Module, origin: Origin) -> Vec<&str> {
    let Origin::Stmt(stmt) = origin else {
        return Vec::new();
    };
    let (from, names) = match &module.tree.stmt(stmt).kind {
        StmtKind::Import { names } => (None, names),
        StmtKind::ImportFrom { module, names, .. } => (module.as_ref(), names),
        _ => return Vec::new(),
    };
    let mut words: Vec<&str> = from.map(|it| it.text.as_str()).into_iter().collect();
    for alias in names {
        words.extend([alias.name.text.as_str(); 2]);
        words.extend(alias.asname.as_ref().map(|it| it.text.as_str()));
    }
    words
}

/// What a simple statement is known by: the names that it assigns, or what it calls. A suite has one
/// `return`, which is as good as a name.
pub(super) fn known_by(module: &Module, origin: Origin) -> Vec<&str> {
    let Origin::Stmt(stmt) = origin else {
        return Vec::new();
    };
    let mut work: Vec<ExprId> = match &module.tree.stmt(stmt).kind {
        StmtKind::Assign { targets, .. } => targets.clone(),
        StmtKind::AugAssign { target, .. } | StmtKind::AnnAssign { target, .. } => vec![*target],
        StmtKind::Return { .. } => return vec!["return"],
        StmtKind::Expr { value } => match &module.tree.expr(*value).kind {
            ExprKind::Call { func, .. } => vec![*func],
            _ => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let mut names = Vec::new();
    while let Some(target) = work.pop() {
        match &module.tree.expr(target).kind {
            ExprKind::Name(name) => names.push(name.as_str()),
            ExprKind::Attribute { attr, .. } => names.push(attr.text.as_str()),
            ExprKind::Subscript { value, .. } | ExprKind::Starred { value, .. } => {
                work.push(*value);
            }
            ExprKind::Call { func, .. } => work.push(*func),
            _ => work.extend(module.tree.child_exprs(target)),
        }
    }
    names
}
