//! Training loops that libraries have in their own files.
//!
//! ```python
//! from transformers import Trainer
//! Trainer(model=model, args=args, train_dataset=data).train()    # the loop: transformers/trainer.py
//! ```
//!
//! Of such a file an excerpt is a part of the program: the function that holds the loop. What it calls
//! stays unknown: steps may evaluate, and callbacks may run anywhere, so that no block in it could ever
//! be skipped. Where the library is another one than these were taken from, the function
//! or its loop is not found, and the program goes on without.

use florc_syntax::Module;

use super::imports;

/// A loop in a library.
#[derive(Clone, Copy, Debug)]
pub struct LibraryLoop {
    /// The module that holds it.
    pub module: &'static str,
    /// Packages whose users may run it.
    packages: &'static [&'static str],
    /// What the text of such a user mentions.
    mentions: &'static str,
    /// Qualified name of the function that holds it.
    pub function: &'static str,
    /// The loop's label in the file.
    pub label: &'static str,
    /// What its iterations are called.
    pub counts: &'static str,
}

const LOOPS: &[LibraryLoop] = &[
    LibraryLoop {
        module: "transformers.trainer",
        packages: &[
            "transformers",
            "trl",
            "sentence_transformers",
            "setfit",
            "peft",
        ],
        mentions: "Trainer",
        function: "Trainer._inner_training_loop",
        label: "epoch",
        counts: "epoch",
    },
    LibraryLoop {
        module: "lightning.pytorch.loops.fit_loop",
        packages: &["lightning"],
        mentions: "Trainer",
        function: "_FitLoop.run",
        label: "while",
        counts: "epoch",
    },
    LibraryLoop {
        module: "pytorch_lightning.loops.fit_loop",
        packages: &["pytorch_lightning"],
        mentions: "Trainer",
        function: "_FitLoop.run",
        label: "while",
        counts: "epoch",
    },
];

/// The loop that a module holds.
pub fn library_loop(module: &str) -> Option<&'static LibraryLoop> {
    LOOPS.iter().find(|it| it.module == module)
}

/// The loops that a file of the program may run.
pub(super) fn used_by(
    module: &Module,
    package: &str,
) -> impl Iterator<Item = &'static LibraryLoop> {
    let imported = imports::of(&module.tree, package);
    let text = module.source.text();
    LOOPS.iter().filter(move |it| {
        let uses = |name: &String| {
            let top = name.split('.').next().unwrap_or_default();
            it.packages.contains(&top)
        };
        imported.iter().any(uses) && text.contains(it.mentions)
    })
}
