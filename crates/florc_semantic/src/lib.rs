//! Facts about a Python program: what names mean, where control goes, who calls whom.
//!
//! ```python
//! def main():
//!     for epoch in range(3):    # loop `main/epoch`
//!         loss = step(epoch)    # `loss` is a variable of main, the call goes to `step`
//! ```
//!
//! Everything is a fact that follows from the text. What a call does to its arguments is a judgement
//! and lives in `florc_effects`.

mod attributes;
mod builtin_names;
mod calls;
mod cfg;
mod collect;
mod dynamic;
mod escape;
pub mod files;
mod flow;
mod ids;
mod imports;
mod links;
mod model;
mod program;
mod resolve;
mod semantics;
mod tables;
#[cfg(test)]
mod tests;
mod types;

pub use cfg::{Cfg, EdgeKind, Node, may_suppress};
pub use flow::Reaching;
pub use ids::{BindingId, FunctionId, LoopId, ScopeId};
pub use model::{
    Binding, BindingSet, Call, Callee, ClassRef, Definition, DefinitionKind, DynamicUse, Function,
    FunctionKind, Link, Loop, Resolution, Scope, ScopeKind,
};
pub use semantics::Semantics;

use florc_syntax::big_stack::on_big_stack;
use florc_syntax::{Diagnostic, Module};

/// Finds the facts of a module or linked program. Never fails; there is nothing yet to warn of.
pub fn analyze(module: &Module) -> (Semantics, Vec<Diagnostic>) {
    (on_big_stack(|| facts(module, true)), Vec::new())
}

/// Finds the facts of a linked program file by file: imports among its files are opaque.
pub fn analyze_apart(module: &Module) -> (Semantics, Vec<Diagnostic>) {
    (on_big_stack(|| facts(module, false)), Vec::new())
}

fn facts(module: &Module, linked: bool) -> Semantics {
    let tree = &module.tree;
    let files = if linked { module.source.files() } else { &[] };
    let mut semantics = collect::collect(module, files);
    resolve::resolve(tree, &mut semantics);
    if links::stores(tree, &mut semantics) {
        resolve::resolve(tree, &mut semantics);
    }
    imports::qualify(tree, &mut semantics);
    dynamic::find(tree, &mut semantics);
    links::find(tree, &mut semantics);
    attributes::collect(tree, &mut semantics);
    types::infer(tree, &mut semantics);
    calls::find(tree, &mut semantics);
    semantics.flows = flow::flows(tree, &semantics);
    semantics
}
