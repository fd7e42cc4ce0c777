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

use florc_syntax::tree::{ExprId, ExprKind, Tree};

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
    let stores = semantics.tables.attribute_stores.iter().map(|(id, _)| *id);
    let stores: BTreeSet<ExprId> = stores.collect();
    let patched = found.iter().filter(|(id, _)| stores.contains(id));
    let patched: BTreeSet<String> = patched.map(|(_, path)| path.clone()).collect();
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

fn is_patched(path: &str, patched: &BTreeSet<String>) -> bool {
    let dots = path.match_indices('.').map(|(at, _)| at);
    dots.chain([path.len()])
        .any(|end| patched.contains(&path[..end]))
}
