//! Dotted import paths of names and attribute chains.
//!
//! ```python
//! from torch import optim
//! opt = optim.AdamW          # qualified(`optim.AdamW`) == "torch.optim.AdamW"
//! ```
//!
//! A name has a path when every definition that gives it a value is the same import. Paths that the
//! module assigns to (`time.time = fake`) are dropped. Does not read other modules.

use std::collections::BTreeSet;

use florc_syntax::tree::{ExprId, ExprKind, StmtKind, Tree};

use crate::Semantics;
use crate::ids::BindingId;
use crate::model::{DefinitionKind, Resolution};

/// How many assignments `a = b = …` are followed.
const DEPTH: u32 = 8;

/// Fills the table of paths.
pub(crate) fn qualify(tree: &Tree, semantics: &mut Semantics) {
    let finder = Finder { tree, semantics };
    let all = (0..tree.expr_count() as u32).map(ExprId);
    let chains = all.filter(|id| {
        let kind = &tree.expr(*id).kind;
        matches!(kind, ExprKind::Name(_) | ExprKind::Attribute { .. })
    });
    let mut found: Vec<(ExprId, String)> = chains
        .filter_map(|id| Some((id, finder.path(id, DEPTH)?)))
        .collect();
    let patched = patched(tree, &found);
    found.retain(|(_, path)| !is_patched(path, &patched));
    semantics.tables.qualified = found.into_iter().collect();
}

struct Finder<'a> {
    tree: &'a Tree,
    semantics: &'a Semantics,
}

impl Finder<'_> {
    fn path(&self, expr: ExprId, depth: u32) -> Option<String> {
        match &self.tree.expr(expr).kind {
            ExprKind::Name(_) => match self.semantics.tables.expr_names.get(&expr)? {
                Resolution::Binding(binding) => self.path_of_binding(*binding, depth),
                Resolution::Builtin(name) => Some(format!("builtins.{name}")),
                Resolution::Unknown(_) => None,
            },
            ExprKind::Attribute { value, attr } => {
                let path = self.path(*value, depth)?;
                Some(format!("{path}.{}", attr.text))
            }
            _ => None,
        }
    }

    fn path_of_binding(&self, binding: BindingId, depth: u32) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let mut only: Option<String> = None;
        for definition in &self.semantics.binding(binding).definitions {
            let path = match &definition.kind {
                DefinitionKind::Import(path) => path.clone(),
                DefinitionKind::Delete => continue,
                // `try: import x / except ImportError: x = None`: using None raises.
                DefinitionKind::Assign(value) => match self.tree.expr(*value).kind {
                    ExprKind::None => continue,
                    _ => self.path(*value, depth)?,
                },
                DefinitionKind::Unpack(_)
                | DefinitionKind::Augment(_)
                | DefinitionKind::Parameter(_)
                | DefinitionKind::Iteration(_)
                | DefinitionKind::Function(_)
                | DefinitionKind::Class(_)
                | DefinitionKind::With(_)
                | DefinitionKind::Except
                | DefinitionKind::Capture
                | DefinitionKind::Type => return None,
            };
            match &only {
                Some(known) if *known != path => return None,
                Some(_) => {}
                None => only = Some(path),
            }
        }
        only
    }
}

/// Paths of attributes that the module stores into.
fn patched(tree: &Tree, found: &[(ExprId, String)]) -> BTreeSet<String> {
    let stored = |id: ExprId| {
        let parent = tree.expr_parent(id);
        let in_target = parent.is_none_or(|parent| {
            matches!(
                tree.expr(parent).kind,
                ExprKind::Tuple { .. } | ExprKind::List { .. } | ExprKind::Starred { .. }
            )
        });
        in_target && is_target(tree, id)
    };
    let attributes = found
        .iter()
        .filter(|(id, _)| matches!(tree.expr(*id).kind, ExprKind::Attribute { .. }));
    attributes
        .filter(|(id, _)| stored(*id))
        .map(|(_, path)| path.clone())
        .collect()
}

/// Whether an expression stands in the target of its statement.
pub(crate) fn is_target(tree: &Tree, id: ExprId) -> bool {
    let span = tree.expr(id).span;
    let inside = |target: &ExprId| tree.expr(*target).span.contains_span(span);
    match &tree.stmt(tree.stmt_of(id)).kind {
        StmtKind::Assign { targets, .. } | StmtKind::Delete { targets } => {
            targets.iter().any(inside)
        }
        StmtKind::AugAssign { target, .. }
        | StmtKind::AnnAssign { target, .. }
        | StmtKind::For { target, .. } => inside(target),
        StmtKind::With { items, .. } => items
            .iter()
            .filter_map(|item| item.target)
            .any(|target| inside(&target)),
        StmtKind::FunctionDef(_)
        | StmtKind::ClassDef(_)
        | StmtKind::Return { .. }
        | StmtKind::TypeAlias { .. }
        | StmtKind::While { .. }
        | StmtKind::If { .. }
        | StmtKind::Match { .. }
        | StmtKind::Raise { .. }
        | StmtKind::Try { .. }
        | StmtKind::Assert { .. }
        | StmtKind::Import { .. }
        | StmtKind::ImportFrom { .. }
        | StmtKind::Global { .. }
        | StmtKind::Nonlocal { .. }
        | StmtKind::Expr { .. }
        | StmtKind::Pass
        | StmtKind::Break
        | StmtKind::Continue => false,
    }
}

fn is_patched(path: &str, patched: &BTreeSet<String>) -> bool {
    let dots = path.match_indices('.').map(|(at, _)| at);
    dots.chain([path.len()])
        .any(|end| patched.contains(&path[..end]))
}
