//! The only place that reads standard input and writes to standard output and standard error.
//!
//! ```python
//! # florc logs | head -1      (a reader that goes away is no error)
//! ```
//!
//! Words and layout are made elsewhere.

use std::any::Any;
use std::io::{ErrorKind, IsTerminal as _, Read as _, Write as _};

use crate::failure::Failure;

/// Writes text to standard output.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    bytes(text.as_bytes())
}

/// Writes a file to standard output, unless that is a terminal; `name`: what it may be called.
pub(crate) fn file(content: &[u8], name: &str) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() {
        return Err(Failure::new("this is no text for a terminal")
            .help(format!("add `> {name}` to the command")));
    }
    bytes(content)
}

fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::closed_pipe()),
        Err(error) => Err(Failure::new(format!(
            "cannot write to standard output: {error}"
        ))),
    }
}

/// Writes one JSON value and a newline to standard output.
pub(crate) fn json(value: &serde_json::Value) -> Result<(), Failure> {
    text(&format!("{value:#}\n"))
}

/// All of standard input.
pub(crate) fn stdin() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| Failure::new(format!("cannot read standard input: {error}")))?;
    Ok(bytes)
}

/// A line of florc's own on standard error. Where that fails there is nobody to tell.
pub(crate) fn note(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// An error on standard error.
pub(crate) fn error(failure: &Failure) {
    note(crate::render::failure(failure).trim_end());
}

/// A warning on standard error.
pub(crate) fn warning(text: &str) {
    note(&format!("florc: warning: {text}"));
}

/// Writes over the last line of progress; an empty text takes it away.
pub(crate) fn progress(line: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush());
}

/// Whether standard error is a terminal.
pub(crate) fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether standard error is a terminal that shows colours.
pub(crate) fn colours() -> bool {
    std::env::var_os("NO_COLOR").is_none() && std::io::stderr().is_terminal()
}

/// What a user sees of a bug.
pub(crate) fn bug(panic: &(dyn Any + Send)) {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    note(&format!(
        "florc: this is a bug of florc {}, not of your script: {message}\n  \
         help: please report it with the command line and, if you can, the script; \
         recorded runs are not touched",
        env!("CARGO_PKG_VERSION")
    ));
}
