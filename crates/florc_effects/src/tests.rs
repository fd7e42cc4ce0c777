//! Tests of the analysis: `check(source, function, expected)`.
//!
//! The region is the first `for`/`while` loop of the function (`""` is the module), or its whole
//! body where it has none. Expected lines: `bound:`, `mutated:`, `opaque:`, `hidden:`.

mod aliases;
mod apart;
mod bounds;
mod calls;
mod classes;
mod coarse;
mod fixpoint;
mod fixtures;
mod libraries;
mod merged;
mod peers;
mod queries;
mod statements;

use std::fmt::Write as _;

use florc_semantic::{BindingId, FunctionId, Semantics, analyze};
use florc_syntax::tree::{StmtId, StmtKind};
use florc_syntax::{Module, SourceText, parse};

use crate::{Effects, Knowledge, RegionEffect, infer};

pub(crate) struct Analysed {
    pub(crate) module: Module,
    pub(crate) semantics: Semantics,
    pub(crate) effects: Effects,
}

impl Analysed {
    #[track_caller]
    pub(crate) fn of(source: &str) -> Self {
        let text = SourceText::from_bytes("test.py", source.as_bytes().to_vec()).ok();
        let module = text.and_then(|text| parse(text).ok());
        let Some(module) = module else {
            panic!("does not parse:\n{source}")
        };
        let (semantics, _) = analyze(&module);
        let (effects, _) = infer(&module, &semantics, &Knowledge::builtin());
        Self {
            module,
            semantics,
            effects,
        }
    }

    #[track_caller]
    pub(crate) fn function(&self, qualname: &str) -> FunctionId {
        let found = self
            .semantics
            .functions
            .iter()
            .find(|function| function.qualname == qualname);
        found.unwrap_or_else(|| panic!("no function {qualname}")).id
    }

    fn body(&self, function: FunctionId) -> Vec<StmtId> {
        let Some(stmt) = self.semantics.functions[function.index()].stmt else {
            return self.module.tree.body.clone();
        };
        match &self.module.tree.stmt(stmt).kind {
            StmtKind::FunctionDef(def) => def.body.clone(),
            _other => Vec::new(),
        }
    }

    pub(crate) fn region_of(&self, qualname: &str) -> (FunctionId, Vec<StmtId>) {
        let function = self.function(qualname);
        let first = self
            .semantics
            .loops
            .iter()
            .find(|found| found.function == function);
        (
            function,
            first.map_or_else(|| self.body(function), |found| vec![found.stmt]),
        )
    }

    pub(crate) fn region(&self, qualname: &str) -> RegionEffect {
        let (function, stmts) = self.region_of(qualname);
        self.effects.region(function, &stmts)
    }

    pub(crate) fn names(&self, bindings: impl Iterator<Item = BindingId>) -> String {
        let mut names: Vec<&str> = bindings
            .map(|id| self.semantics.binding(id).name.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names.join(" ")
    }

    pub(crate) fn render(&self, effect: &RegionEffect) -> String {
        let mut out = String::new();
        let mut line = |label: &str, text: String| {
            if !text.is_empty() {
                let _ = writeln!(out, "{label}: {text}");
            }
        };
        line("bound", self.names(effect.bound.keys().copied()));
        line("mutated", self.names(effect.mutated.keys().copied()));
        let mut opaque: Vec<&str> = effect
            .opaque
            .iter()
            .filter_map(|(_, text)| text.split('`').nth(1))
            .collect();
        opaque.dedup();
        line("opaque", opaque.join(" "));
        let mut hidden: Vec<String> = effect
            .hidden
            .rng
            .iter()
            .map(|name| format!("rng:{name}"))
            .collect();
        let flags = [
            (effect.hidden.clock, "clock"),
            (effect.hidden.address, "address"),
            (effect.hidden.files, "files"),
            (effect.hidden.device, "device"),
        ];
        hidden.extend(
            flags
                .iter()
                .filter(|(set, _)| *set)
                .map(|(_, name)| (*name).to_string()),
        );
        hidden.extend(effect.yields.then(|| "yields".to_string()));
        hidden.extend(effect.awaits.then(|| "awaits".to_string()));
        line("hidden", hidden.join(" "));
        out
    }
}

/// Region effects as text. The expectation's lines may be indented.
#[track_caller]
pub(crate) fn check(source: &str, function: &str, expected: &str) {
    let analysed = Analysed::of(source);
    let found = analysed.render(&analysed.region(function));
    let wanted: Vec<&str> = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let found: Vec<&str> = found.lines().collect();
    assert!(
        found == wanted,
        "source:\n{source}\nfound:\n{}\nwanted:\n{}",
        found.join("\n"),
        wanted.join("\n")
    );
}
