//! What is known of libraries: what florc comes with, and what a project adds.
//!
//! ```python
//! engine.adjust(w)        # `[tool.florc.effects]` may say that it changes its first argument
//! ```
//!
//! Keeps what was made: reading the knowledge takes longer than a small script does. A table with
//! mistakes adds nothing; who read the settings has told them.

use std::sync::{Arc, LazyLock, Mutex};

use florc_effects::Knowledge;
use florc_manifest::Settings;
use serde_json::Value;

/// What florc comes with.
pub(crate) static KNOWLEDGE: LazyLock<Arc<Knowledge>> =
    LazyLock::new(|| Arc::new(Knowledge::builtin()));

/// The table that was asked for last, with what it makes.
static LAST: Mutex<Option<(Value, Arc<Knowledge>)>> = Mutex::new(None);

/// The knowledge that holds under these settings.
pub fn knowledge(settings: &Settings) -> Arc<Knowledge> {
    let Some(table) = &settings.effects else {
        return Arc::clone(&KNOWLEDGE);
    };
    let mut last = LAST
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    match &*last {
        Some((known, made)) if known == table => Arc::clone(made),
        _ => {
            let extended = KNOWLEDGE.extended(table).map(Arc::new);
            let made = extended.unwrap_or_else(|_| Arc::clone(&KNOWLEDGE));
            *last = Some((table.clone(), Arc::clone(&made)));
            made
        }
    }
}
