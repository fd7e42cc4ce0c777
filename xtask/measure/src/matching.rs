//! How long two versions of a file take to be matched, by its length.

use std::time::Instant;

use florc_history::match_versions;
use florc_syntax::{Module, SourceText};

const LINES: [usize; 4] = [300, 1_250, 5_000, 20_000];
const ROUNDS: usize = 5;
/// One line in so many differs.
const EDITED: usize = 25;

/// Matches copies of a script with themselves, edited here and there.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let path = arguments.first().ok_or("name a script")?;
    let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    let text = text.replace("from __future__ import annotations\n", "");
    for lines in LINES {
        let (old, new) = pair(&text, lines);
        let (old, new) = (parsed(&old)?, parsed(&new)?);
        let mut times: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let began = Instant::now();
                std::hint::black_box(match_versions(&old, &new));
                1e3 * began.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!(
            "  {lines} lines matched with an edited version in {:.1} ms",
            times[ROUNDS / 2]
        );
    }
    Ok(())
}

/// So many lines of copies, each function with a name of its own, and the same with edits.
fn pair(text: &str, lines: usize) -> (String, String) {
    let mut old = String::new();
    let mut copy = 0;
    while old.lines().count() < lines {
        for line in text.lines() {
            let line = line
                .replace("def ", &format!("def f{copy}_"))
                .replace("class ", &format!("class C{copy}"));
            old.push_str(&line.replace(" = ", &format!(" = x{copy} + ")));
            old.push('\n');
        }
        copy += 1;
    }
    let edited = old.lines().enumerate().map(|(at, line)| {
        if at % EDITED == 3 && line.starts_with("    ") {
            line.replace(" + ", " + 2 * ")
                .replace("(data)", "(data, 1)")
        } else {
            line.to_owned()
        }
    });
    let new: Vec<String> = edited.collect();
    (old, new.join("\n") + "\n")
}

fn parsed(text: &str) -> Result<Module, String> {
    let source = SourceText::from_bytes("t.py", text.as_bytes().to_vec());
    let module = source.and_then(florc_syntax::parse);
    module.map_err(|diagnostic| format!("line {:?}: {}", diagnostic.span, diagnostic.title))
}
