//! Which loops the user wants treated otherwise than florc would, by comments or settings.
//!
//! ```python
//! for seed in range(5):
//!     for epoch in range(9):      # florc: main-loop
//!         for x in few: ...       # florc: skip
//! ```
//!
//! Gathers what is asked, comments before settings. Whether it can be done is for the plan.

use std::collections::{BTreeMap, BTreeSet};

use florc_manifest::Settings;
use florc_semantic::Loop;
use florc_syntax::tree::StmtId;
use florc_syntax::{Diagnostic, Span};

use crate::decide::Facts;
use crate::diagnostics::unknown_loop;
use crate::directives::{Asked, Directives};

/// What is asked of the loops of a module.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// The loop to take for the main loop.
    pub(crate) main_loop: Option<StmtId>,
    /// Loops to make SkipBlocks, with the comment that asks.
    pub(crate) skip: BTreeMap<StmtId, Option<Span>>,
    /// Loops to leave alone.
    pub(crate) no_skip: BTreeSet<StmtId>,
}

impl Wishes {
    /// Gathers them; a setting that names no loop of its file is told.
    pub(crate) fn new(
        facts: Facts<'_>,
        directives: &Directives,
        settings: &Settings,
    ) -> (Self, Vec<Diagnostic>) {
        let mut wishes = Self {
            main_loop: directives.main_loop(),
            ..Self::default()
        };
        for each in &facts.semantics.loops {
            let id = facts.loop_id(each);
            wishes.add(each, &id, directives, settings);
        }
        let mut findings = Vec::new();
        let keys = [
            ("main-loop", &settings.main_loop),
            ("skip", &settings.skip),
            ("no-skip", &settings.no_skip),
        ];
        for (key, names) in keys {
            findings.extend(unknown(facts, key, names));
        }
        (wishes, findings)
    }

    fn add(&mut self, each: &Loop, id: &str, directives: &Directives, settings: &Settings) {
        let stmt = each.stmt;
        if self.main_loop.is_none() && Settings::names(&settings.main_loop, id) {
            self.main_loop = Some(stmt);
        }
        let comment = directives.asks(stmt, Asked::Skip);
        let left = directives.asks(stmt, Asked::NoSkip).is_some();
        if left || (comment.is_none() && Settings::names(&settings.no_skip, id)) {
            self.no_skip.insert(stmt);
        } else if comment.is_some() || Settings::names(&settings.skip, id) {
            self.skip.insert(stmt, comment);
        }
    }
}

/// Names that mean a file of the program and no loop of it.
fn unknown(facts: Facts<'_>, key: &str, names: &[String]) -> Vec<Diagnostic> {
    let loops = facts.semantics.loops.iter();
    let ids: Vec<String> = loops.map(|each| facts.loop_id(each)).collect();
    let of_file = |name: &&String| {
        let file = name.split(':').next().unwrap_or_default();
        let mut files = facts.module.source.files().iter();
        files.any(|own| Settings::means(&format!("{file}:"), &format!("{}:", own.path)))
    };
    let missing = names.iter().filter(of_file);
    missing
        .filter(|name| !ids.iter().any(|id| Settings::means(name, id)))
        .map(|name| unknown_loop::report(facts.module, key, name, &ids))
        .collect()
}
