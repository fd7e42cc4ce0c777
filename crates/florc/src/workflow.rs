//! GitHub's workflow commands: messages that it shows beside the lines of a pull request.
//!
//! ```python
//! # ::warning file=train.py,line=1,col=7,endLine=1,endColumn=30,title=unseeded-rng::this `…`
//! ```
//!
//! The only place that knows this format. What is said is decided elsewhere.

use std::fmt::Write as _;

/// How loud a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Notice,
    Warning,
    Error,
}

/// Where a message is shown; the end is left out where only a line is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines {
    pub(crate) line: u32,
    /// Column, last line and its column.
    pub(crate) rest: Option<(u32, u32, u32)>,
}

impl Lines {
    /// One line as a whole.
    pub(crate) fn whole(line: u32) -> Self {
        Self { line, rest: None }
    }
}

/// One command, with its newline.
pub(crate) fn command(
    level: Level,
    file: &str,
    at: Option<Lines>,
    title: &str,
    text: &str,
) -> String {
    let level = match level {
        Level::Notice => "notice",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    let mut command = format!("::{level} file={}", property(file));
    if let Some(Lines { line, rest }) = at {
        let _ = write!(command, ",line={line}");
        if let Some((column, end_line, end_column)) = rest {
            let _ = write!(
                command,
                ",col={column},endLine={end_line},endColumn={end_column}"
            );
        }
    }
    let _ = writeln!(command, ",title={}::{}", property(title), data(text));
    command
}

/// A message.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property's value.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_is_escaped() {
        let at = Lines {
            line: 1,
            rest: Some((1, 1, 1)),
        };
        let line = command(Level::Notice, "a,b:c.py", Some(at), "c", "50 %: a,\nb");
        let expected = "::notice file=a%2Cb%3Ac.py,line=1,col=1,endLine=1,endColumn=1,title=c::\
                        50 %25: a,%0Ab\n";
        assert_eq!(line, expected);
        let line = command(Level::Error, "a.py", None, "t", "x");
        assert_eq!(line, "::error file=a.py,title=t::x\n");
    }
}
