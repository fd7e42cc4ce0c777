//! A loop that `# florc: skip` asks to skip is run all the same.
//!
//! ```python
//! for x in loader:          # florc: skip
//!     if bad(x):
//!         return None       # a skip could not repeat this
//! ```
//!
//! Only words the finding.

use florc_syntax::tree::StmtId;
use florc_syntax::{Diagnostic, Module, Severity, Span};

use super::header;

/// The code.
pub const CODE: &str = "skip-refused";

/// Why.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// It is the main loop.
    IsMainLoop,
    /// No iteration of a main loop runs it.
    OutsideMainLoop,
    /// It runs inside of this SkipBlock.
    InsideBlock(Span),
    /// This finding says why.
    Unsound(Box<Diagnostic>),
}

/// The loop at `stmt`, asked for at `asked` (if by a comment).
pub fn report(module: &Module, stmt: StmtId, asked: Option<Span>, why: &Refusal) -> Diagnostic {
    let because = match why {
        Refusal::IsMainLoop => "it is the main loop".to_owned(),
        Refusal::OutsideMainLoop => "no iteration of a main loop runs it".to_owned(),
        Refusal::InsideBlock(_) => "a loop around it is skipped as a whole".to_owned(),
        Refusal::Unsound(finding) => cause(&finding.title).to_owned(),
    };
    let title = format!("this loop cannot be skipped: {because}");
    let span = header(module, stmt);
    let mut found = Diagnostic::new(CODE, Severity::Warning, &module.source, span, title);
    match why {
        Refusal::InsideBlock(block) => {
            found = found.with_reason(*block, "this loop is a SkipBlock");
        }
        Refusal::Unsound(finding) => found.reasons.clone_from(&finding.reasons),
        Refusal::IsMainLoop | Refusal::OutsideMainLoop => {}
    }
    if let Some(asked) = asked {
        found = found.with_reason(asked, "asked for here");
    }
    let help = match why {
        Refusal::Unsound(finding) => finding.help.clone(),
        Refusal::IsMainLoop | Refusal::OutsideMainLoop | Refusal::InsideBlock(_) => None,
    };
    found.with_help(help.unwrap_or_else(|| "remove the request".to_owned()))
}

/// `this loop is always run in replay: it may …` without what is said already.
fn cause(title: &str) -> &str {
    title.split_once(": ").map_or(title, |(_, cause)| cause)
}
