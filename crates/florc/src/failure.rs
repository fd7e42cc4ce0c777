//! What can go wrong through the user or the world: what, where, and what to do.
//!
//! ```python
//! # florc run tarin.py
//! # error: there is no file `tarin.py`
//! #   help: did you mean `train.py`?
//! ```
//!
//! Bugs of florc are not in here: they panic, and are reported at the top.

use std::path::Path;

use florc_syntax::{Diagnostic, SourceText};

/// An error for the user. Exit code 2.
#[derive(Debug, Default)]
pub(crate) struct Failure {
    /// One line in lower case.
    pub(crate) title: String,
    /// Places in a source, rendered.
    pub(crate) rendered: Option<String>,
    /// What to do.
    pub(crate) help: Option<String>,
    closed_pipe: bool,
}

impl Failure {
    /// An error with its one line.
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// Says what to do.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A diagnostic of the compiler, shown with its source where that is at hand.
    pub(crate) fn diagnostic(diagnostic: &Diagnostic, source: Option<&SourceText>) -> Self {
        let place = source.map(|source| source.line_column(diagnostic.span.start).line);
        let place = place.map(|line| format!("{}:{line}: ", diagnostic.file));
        Self {
            title: format!("{}{}", place.unwrap_or_default(), diagnostic.title),
            rendered: Some(crate::render::diagnostic(diagnostic, source)),
            ..Self::default()
        }
    }

    /// Adds lines to what is laid out already.
    #[must_use]
    pub(crate) fn with_lines(mut self, lines: &str) -> Self {
        self.rendered = self.rendered.map(|text| text + lines);
        self
    }

    /// The one line, with its place.
    pub(crate) fn in_short(self) -> String {
        self.title
    }

    /// The reader of our output went away; that is no error.
    pub(crate) fn closed_pipe() -> Self {
        Self {
            closed_pipe: true,
            ..Self::default()
        }
    }

    /// Whether this is [`Failure::closed_pipe`].
    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.closed_pipe
    }

    /// A file or folder that could not be used.
    pub(crate) fn io(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        let failure = Self::new(format!(
            "cannot {doing} `{}`: {}",
            path.display(),
            plain(error)
        ));
        match error.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                failure.help("check who may write there, or set FLORC_DIR to another folder")
            }
            std::io::ErrorKind::StorageFull => failure.help("free some space and try again"),
            _ => failure,
        }
    }
}

/// The system's words without its error number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_lowercase()
}
