//! What comments ask of florc.
//!
//! ```python
//! for epoch in range(3):          # florc: main-loop
//!     for x in small: ...         # florc: skip
//!     exec(code)                  # florc: ignore[dynamic-names] sets no variable of ours
//! ```
//!
//! Comments are those of the tokens, so text in strings is never one. Only reads them and ties them
//! to loops and lines; the plan decides what becomes of a loop.

use std::collections::BTreeMap;

use florc_syntax::tree::{StmtId, StmtKind};
use florc_syntax::{Diagnostic, Module, Span};

use crate::diagnostics::{self, header, misplaced_directive, unknown_code, unknown_directive};

/// What is asked of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `# florc: main-loop`
    MainLoop,
    /// `# florc: skip`
    Skip,
    /// `# florc: no-skip`
    NoSkip,
}

/// All directives of a module.
#[derive(Debug, Default)]
pub(crate) struct Directives {
    /// What is asked of loops, with the place of the comment's words.
    loops: BTreeMap<StmtId, Vec<(Asked, Span)>>,
    /// Codes ignored in a whole file, by where it starts.
    files: BTreeMap<u32, Vec<String>>,
    /// Codes ignored on a line, by where it starts.
    lines: BTreeMap<u32, Vec<String>>,
    /// Directives that say nothing.
    pub(crate) findings: Vec<Diagnostic>,
}

impl Directives {
    /// Reads the comments of a module.
    pub(crate) fn of(module: &Module) -> Self {
        let mut found = Self::default();
        let mut loops = None;
        for comment in &module.trivia.comments {
            for (span, words) in directives(module, *comment) {
                let loops = loops.get_or_insert_with(|| loops_by_line(module));
                found.add(module, loops, *comment, span, words);
            }
        }
        found.only_one_main_loop(module);
        found
    }

    /// Where a comment asks this of a loop.
    pub(crate) fn asks(&self, stmt: StmtId, what: Asked) -> Option<Span> {
        let asked = self.loops.get(&stmt)?.iter();
        asked
            .filter(|(asked, _)| *asked == what)
            .map(|(_, at)| *at)
            .next()
    }

    /// The loop that a comment makes the main loop.
    pub(crate) fn main_loop(&self) -> Option<StmtId> {
        let asked = |list: &[(Asked, Span)]| list.iter().any(|(a, _)| *a == Asked::MainLoop);
        self.loops
            .iter()
            .find(|(_, list)| asked(list))
            .map(|(stmt, _)| *stmt)
    }

    /// Whether a comment says that this finding is not wanted.
    pub(crate) fn ignore(&self, module: &Module, finding: &Diagnostic) -> bool {
        let has = |codes: &Vec<String>| codes.iter().any(|code| code == finding.code);
        let file = module.source.file_of(finding.span.start).start;
        if self.files.get(&file).is_some_and(has) {
            return true;
        }
        if self.lines.is_empty() {
            return false;
        }
        let mut places = vec![finding.span.start];
        if let Some(stmt) = innermost(module, finding.span.start) {
            let own = own_span(module, stmt);
            places.extend([own.start, own.end]);
        }
        places.into_iter().any(|at| {
            let line = module.source.start_of_line(at);
            self.lines.get(&line).is_some_and(has)
        })
    }

    fn add(
        &mut self,
        module: &Module,
        loops: &BTreeMap<u32, StmtId>,
        comment: Span,
        span: Span,
        words: &str,
    ) {
        let line = target_line(module, comment);
        let (word, rest) = split_word(words);
        match word {
            "main-loop" => self.of_loop(module, loops.get(&line), Asked::MainLoop, span),
            "skip" => self.of_loop(module, loops.get(&line), Asked::Skip, span),
            "no-skip" => self.of_loop(module, loops.get(&line), Asked::NoSkip, span),
            "ignore" | "ignore-file" => match codes(rest) {
                Some(codes) => {
                    self.check_codes(module, span, &codes);
                    if word == "ignore" {
                        self.lines.entry(line).or_default().extend(codes);
                    } else {
                        let file = module.source.file_of(span.start).start;
                        self.files.entry(file).or_default().extend(codes);
                    }
                }
                None => self
                    .findings
                    .push(unknown_directive::no_codes(module, span, word)),
            },
            _ => self
                .findings
                .push(unknown_directive::report(module, span, word)),
        }
    }

    fn of_loop(&mut self, module: &Module, stmt: Option<&StmtId>, asked: Asked, span: Span) {
        match stmt {
            Some(stmt) => self.loops.entry(*stmt).or_default().push((asked, span)),
            None => self
                .findings
                .push(misplaced_directive::no_loop(module, span)),
        }
    }

    fn check_codes(&mut self, module: &Module, span: Span, codes: &[String]) {
        let unknown = codes.iter().filter(|code| !diagnostics::is_code(code));
        let findings = unknown.map(|code| unknown_code::report(module, span, code));
        self.findings.extend(findings);
    }

    /// Of several main loops the first counts. Another file may have one for when it is the script.
    fn only_one_main_loop(&mut self, module: &Module) {
        let mut first: Option<Span> = None;
        for list in self.loops.values_mut() {
            list.retain(|(asked, at)| {
                if *asked != Asked::MainLoop {
                    return true;
                }
                if let Some(first) = first {
                    let file = |span: Span| module.source.file_of(span.start).start;
                    if file(first) == file(*at) {
                        let finding = misplaced_directive::second(module, *at, first);
                        self.findings.push(finding);
                    }
                    return false;
                }
                first = Some(*at);
                true
            });
        }
    }
}

/// The words after each `florc:` of a comment, with the span from there to the end of its part.
fn directives(module: &Module, comment: Span) -> Vec<(Span, &str)> {
    let text = module.source.slice(comment);
    let mut found = Vec::new();
    let mut at = comment.start;
    for part in text.split('#') {
        let inner = part.trim_start();
        let start = at + (part.len() - inner.len()) as u32;
        if let Some(words) = inner.strip_prefix("florc:") {
            let end = start + inner.trim_end().len() as u32;
            found.push((Span::new(start, end), words.trim()));
        }
        at += part.len() as u32 + 1;
    }
    found
}

fn split_word(words: &str) -> (&str, &str) {
    let end = words.find(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'));
    words.split_at(end.unwrap_or(words.len()))
}

/// `[a, b] because …` gives `a` and `b`.
fn codes(rest: &str) -> Option<Vec<String>> {
    let (inside, _) = rest.strip_prefix('[')?.split_once(']')?;
    let codes = inside.split(',').map(|code| code.trim().to_owned());
    let codes: Vec<String> = codes.filter(|code| !code.is_empty()).collect();
    (!codes.is_empty()).then_some(codes)
}

/// Where the line begins that a comment is about: its own, or for comments alone on their lines the
/// one after them.
fn target_line(module: &Module, comment: Span) -> u32 {
    let source = &module.source;
    let mut line = source.start_of_line(comment.start);
    while is_alone(module, line) {
        let Some(next) = next_line(module, line) else {
            break;
        };
        line = next;
    }
    line
}

/// Where the line after the one that begins at `line` begins, in the same file.
fn next_line(module: &Module, line: u32) -> Option<u32> {
    let source = &module.source;
    let rest = source.text().get(line as usize..)?;
    let end = line + rest.find(['\n', '\r'])? as u32;
    let after = if rest[(end - line) as usize..].starts_with("\r\n") {
        2
    } else {
        1
    };
    let next = end + after;
    (next <= source.file_of(line).end).then_some(next)
}

/// Whether the line that begins there holds a comment and nothing else.
fn is_alone(module: &Module, line: u32) -> bool {
    let rest = module
        .source
        .text()
        .get(line as usize..)
        .unwrap_or_default();
    let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\u{c}']).len();
    let at = line + blank as u32;
    let comments = &module.trivia.comments;
    let comment = comments.binary_search_by_key(&at, |comment| comment.start);
    let inside = module.trivia.logical_line_at(at);
    comment.is_ok() && inside.is_none_or(|around| around.end < at)
}

/// The loop whose header covers a line, by where the line begins.
fn loops_by_line(module: &Module) -> BTreeMap<u32, StmtId> {
    let mut found = BTreeMap::new();
    for id in (0..module.tree.stmt_count() as u32).map(StmtId) {
        if let StmtKind::For { .. } | StmtKind::While { .. } = module.tree.stmt(id).kind {
            for line in module.source.line_starts_in(header(module, id)) {
                found.entry(*line).or_insert(id);
            }
        }
    }
    found
}

/// The innermost statement around an offset.
fn innermost(module: &Module, offset: u32) -> Option<StmtId> {
    let mut bodies = module.tree.bodies();
    let holds = |body: &&Vec<StmtId>| {
        let mut stmts = body.iter();
        stmts.any(|stmt| module.tree.stmt(*stmt).span.contains(offset))
    };
    let mut suite: &[StmtId] = bodies.find(holds).map_or(&[], Vec::as_slice);
    let mut found = None;
    while let Some(stmt) = suite
        .iter()
        .find(|stmt| module.tree.stmt(**stmt).span.contains(offset))
    {
        found = Some(*stmt);
        let blocks = module.tree.blocks(*stmt).into_iter();
        let inside = |block: &&Vec<StmtId>| {
            let mut stmts = block.iter();
            stmts.any(|inner| module.tree.stmt(*inner).span.contains(offset))
        };
        suite = blocks
            .filter(inside)
            .map(Vec::as_slice)
            .next()
            .unwrap_or(&[]);
    }
    found
}

/// A statement without its suites.
fn own_span(module: &Module, stmt: StmtId) -> Span {
    let whole = module.tree.stmt(stmt).span;
    let mut blocks = module.tree.blocks(stmt).into_iter();
    let Some(inner) = blocks.find_map(|block| block.first()) else {
        return whole;
    };
    let limit = module.tree.stmt(*inner).span.start;
    let exprs = module.tree.stmt_exprs(stmt).into_iter();
    let ends = exprs.map(|expr| module.tree.expr(expr).span.end);
    let end = ends.filter(|end| *end <= limit).max();
    Span::new(whole.start, end.unwrap_or(whole.start))
}
