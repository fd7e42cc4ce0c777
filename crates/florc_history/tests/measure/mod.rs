//! What the measurements of the matching share: versions of several files, numbers of statements, scores, and
//! the line diff to compare with.
//!
//! ```python
//! loss = step(net, x)  #7      # the statement 7 of both versions: comments are not seen by a matching
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

use std::collections::BTreeMap;

use florc_syntax::tree::StmtId;
use florc_syntax::{Module, Named, SourceText};

/// Names and texts of the files of a version, the entry first.
pub(crate) type Files = Vec<(String, String)>;

/// Numbers of statements, older to newer.
pub(crate) type Pairs = BTreeMap<u32, u32>;

/// A version as one module.
pub(crate) fn linked(files: &Files) -> Module {
    let named = files.iter().map(|(name, text)| {
        let path = format!("{}.py", name.trim_matches('_'));
        let source = SourceText::from_bytes(path, text.clone().into_bytes()).unwrap();
        Named {
            name: name.clone(),
            package: String::new(),
            is_library: false,
            module: florc_syntax::parse(source).unwrap(),
        }
    });
    florc_syntax::link(named.collect()).unwrap()
}

/// The code and the number of a line.
fn split<'a>(line: &'a str, mark: &str) -> (&'a str, Option<u32>) {
    let parts = line.rsplit_once(mark);
    let number = parts.and_then(|(_, number)| number.trim().parse().ok());
    match (parts, number) {
        (Some((code, _)), Some(_)) => (code.trim_end(), number),
        _ => (line, None),
    }
}

/// The number of each statement that is the first of its line, and has one.
pub(crate) fn numbers(module: &Module, mark: &str) -> BTreeMap<StmtId, u32> {
    let mut found = BTreeMap::new();
    let mut lines = std::collections::BTreeSet::new();
    for stmt in (0..module.tree.stmt_count() as u32).map(StmtId) {
        let start = module.tree.stmt(stmt).span.start as usize;
        let text = module.source.text()[start..].lines().next();
        let is_first = lines.insert(module.source.text()[..start].rfind('\n'));
        if let Some(number) = text.and_then(|line| split(line, mark).1)
            && is_first
        {
            found.insert(stmt, number);
        }
    }
    found
}

/// What a line diff matches: lines that are equal but for their numbers.
pub(crate) fn by_lines(old: &Files, new: &Files, mark: &str) -> Pairs {
    let lines = |files: &Files| -> Vec<(String, Option<u32>)> {
        let all = files.iter().flat_map(|(_, text)| text.lines());
        let parts = all.map(|line| split(line, mark));
        parts.map(|(code, it)| (code.to_owned(), it)).collect()
    };
    let bare = |lines: &[(String, Option<u32>)]| -> Vec<String> {
        lines.iter().map(|(code, _)| code.clone()).collect()
    };
    let (old, new) = (lines(old), lines(new));
    let mut found = Pairs::new();
    for op in similar::capture_diff_slices(similar::Algorithm::Myers, &bare(&old), &bare(&new)) {
        if let similar::DiffOp::Equal { .. } = op {
            let pairs = op.old_range().zip(op.new_range());
            found.extend(pairs.filter_map(|(a, b)| Some((old[a].1?, new[b].1?))));
        }
    }
    found
}

/// How much of a matching is right.
#[derive(Clone, Debug, Default)]
pub(crate) struct Score {
    pub(crate) right: usize,
    pub(crate) found: usize,
    pub(crate) wanted: usize,
}

impl Score {
    /// Whether all is right.
    pub(crate) fn add<T: Ord>(&mut self, wanted: &BTreeMap<T, T>, found: &BTreeMap<T, T>) -> bool {
        let is_right = |(a, b): &(&T, &T)| wanted.get(*a) == Some(*b);
        let right = found.iter().filter(is_right).count();
        self.right += right;
        self.found += found.len();
        self.wanted += wanted.len();
        right == found.len() && right == wanted.len()
    }

    pub(crate) fn precision(&self) -> f64 {
        self.right as f64 / self.found.max(1) as f64
    }

    pub(crate) fn recall(&self) -> f64 {
        self.right as f64 / self.wanted.max(1) as f64
    }

    /// Both in percent.
    pub(crate) fn shown(&self) -> String {
        format!(
            "{:5.1} / {:5.1}",
            100.0 * self.precision(),
            100.0 * self.recall()
        )
    }
}
