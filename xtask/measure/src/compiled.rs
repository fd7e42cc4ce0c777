//! Asks CPython whether the rewritten texts are Python: one process for all.
//!
//! ```python
//! compile(text, path, "exec", dont_inherit=True)
//! ```
//!
//! A text that is refused is compared with its original: what this Python does not take before
//! the rewrite is not the rewrite's fault. Nothing is executed.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const PROGRAM: &str = "
import json, sys, warnings
warnings.simplefilter('ignore')

def problem(text):
    try:
        compile(text, 'corpus.py', 'exec', dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f'{type(error).__name__}: {error}'

for line in sys.stdin:
    original, edited = json.loads(line)
    found = problem(edited)
    print(json.dumps(found and (problem(original) and 'original' or found)), flush=True)
";

/// What CPython says of one text.
pub(crate) enum Verdict {
    Fine,
    /// Refuses the original too.
    OriginalRefused,
    Refused(String),
}

/// A Python that compiles texts.
pub(crate) struct Python {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Python {
    pub(crate) fn start(name: &str) -> Result<Self, String> {
        let mut child = Command::new(name)
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("cannot start `{name}`: {e}"))?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("no output of Python")?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    pub(crate) fn compile(&mut self, original: &str, edited: &str) -> Result<Verdict, String> {
        let line = serde_json::json!([original, edited]).to_string();
        let input = self.input.as_mut().ok_or("Python has no input")?;
        writeln!(input, "{line}").map_err(|e| format!("Python went away: {e}"))?;
        let mut answer = String::new();
        self.output
            .read_line(&mut answer)
            .map_err(|e| e.to_string())?;
        match serde_json::from_str::<Option<String>>(&answer) {
            Ok(None) => Ok(Verdict::Fine),
            Ok(Some(text)) if text == "original" => Ok(Verdict::OriginalRefused),
            Ok(Some(text)) => Ok(Verdict::Refused(text)),
            Err(e) => Err(format!("Python answered `{}`: {e}", answer.trim())),
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.input.take();
        let _ = self.child.wait();
    }
}
