//! Versions: matching two long files, and `florc diff-logs` in a large repository.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;

use super::{Bench, ROUNDS, median};
use crate::corpus::measure;
use crate::process::command;

const FILES: usize = 2_000;
const COMMITS: usize = 5_000;

/// Prints milliseconds of matching by length, and of the command from start to end.
pub(super) fn run(bench: &Bench) -> Result<(), String> {
    let script = bench.root.join("fixtures/scripts/argparse_main/train.py");
    let named = script.to_string_lossy().into_owned();
    measure(&bench.root, "matching", std::slice::from_ref(&named))?;
    let folder = bench.project("history", 1)?;
    let text = std::fs::read_to_string(&script).map_err(|e| e.to_string())?;
    repository(&folder, &text)?;
    let probed = text.replace(
        "        loss.backward()\n",
        "        loss.backward()\n        print(loss)\n",
    );
    std::fs::write(folder.join("file_7.py"), probed).map_err(|e| e.to_string())?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        times.push(1e3 * Bench::time(&bench.venv.florc, &folder, &["diff-logs", "HEAD~1"])?);
    }
    println!(
        "  florc diff-logs HEAD~1 with {FILES} Python files and {COMMITS} commits: {:.0} ms, start to end",
        median(&times)
    );
    Ok(())
}

/// A repository with many files and commits, checked out.
fn repository(folder: &Path, text: &str) -> Result<(), String> {
    let git = |arguments: &[&str]| {
        let done = command("git", folder).args(arguments).output();
        done.map_err(|e| format!("git: {e}")).map(drop)
    };
    git(&["init", "-q"])?;
    let mut stream = String::new();
    let (mut parent, who) = (0, "n <n@example.org>");
    for commit in 0..COMMITS {
        let _ = write!(
            stream,
            "commit refs/heads/main\nmark :{}\ncommitter {who} {} +0000\ndata 1\nx\n",
            commit + 1,
            1_700_000_000 + commit
        );
        if parent > 0 {
            let _ = writeln!(stream, "from :{parent}");
        }
        parent = commit + 1;
        let files = if commit == 0 {
            0..FILES
        } else {
            commit % FILES..commit % FILES + 1
        };
        for file in files {
            let own = format!("{text}# {commit}\n");
            let _ = write!(
                stream,
                "M 644 inline file_{file}.py\ndata {}\n{own}\n",
                own.len()
            );
        }
    }
    let mut import = command("git", folder)
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|e| format!("git: {e}"))?;
    let mut input = import.stdin.take().ok_or("git takes no input")?;
    std::io::Write::write_all(&mut input, stream.as_bytes()).map_err(|e| e.to_string())?;
    drop(input);
    import.wait().map_err(|e| e.to_string())?;
    git(&["checkout", "-q", "-f", "main"])
}
