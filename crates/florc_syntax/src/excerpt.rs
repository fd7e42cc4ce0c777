//! A library's file with all blanked out but some functions and what they import.
//!
//! ```python
//! class Trainer(Base):                 # kept: the header
//!                                      # blank: 4,000 lines
//!     def _inner_training_loop(self):  # kept, as asked for
//!         for epoch in range(self.epochs): ...
//! ```
//!
//! Offsets and lines are those of the whole file. What is blank is not known to an analysis, and so
//! may do anything: an excerpt can cost precision, not soundness.

use crate::tree::{Block, StmtId, StmtKind, Tree};
use crate::{Diagnostic, Module, SourceText, Span, parse};

/// The excerpt with the functions of these qualified names (`Trainer.fit`; functions of the module or
/// methods of its classes), or `None` where the first one is not there. Others may be missing.
pub fn excerpt(
    source: SourceText,
    functions: &[impl AsRef<str>],
) -> Result<Option<SourceText>, Diagnostic> {
    let path = source.path().to_owned();
    let module = parse(source)?;
    let mut kept = Vec::new();
    for (index, function) in functions.iter().enumerate() {
        match places(&module, function.as_ref()) {
            Some(spans) => kept.extend(spans),
            None if index == 0 => return Ok(None),
            None => {}
        }
    }
    let imports = module.tree.body.iter().map(|id| module.tree.stmt(*id));
    kept.extend(imports.filter(|it| is_import(&it.kind)).map(|it| it.span));
    let text = blanked(module.source.text(), &kept);
    SourceText::from_bytes(path, text.into_bytes()).map(Some)
}

fn is_import(kind: &StmtKind) -> bool {
    matches!(kind, StmtKind::Import { .. } | StmtKind::ImportFrom { .. })
}

/// The function and the headers of the classes around it.
fn places(module: &Module, qualname: &str) -> Option<Vec<Span>> {
    let mut spans = Vec::new();
    let mut suite = &module.tree.body;
    let mut names = qualname.split('.').peekable();
    while let Some(name) = names.next() {
        let found = defined(&module.tree, suite, name)?;
        let stmt = module.tree.stmt(found);
        match (&stmt.kind, names.peek()) {
            (StmtKind::FunctionDef(_), None) => spans.push(stmt.span),
            (StmtKind::ClassDef(class), Some(_)) => {
                let first = module.tree.stmt(*class.body.first()?).span;
                spans.push(Span::new(stmt.span.start, first.start));
                suite = &class.body;
            }
            _ => return None,
        }
    }
    Some(spans)
}

/// The last definition of a name directly in a suite: the one that counts.
fn defined(tree: &Tree, suite: &Block, name: &str) -> Option<StmtId> {
    let mut stmts = suite.iter().rev().copied();
    stmts.find(|id| match &tree.stmt(*id).kind {
        StmtKind::FunctionDef(function) => function.name.text == name,
        StmtKind::ClassDef(class) => class.name.text == name,
        _ => false,
    })
}

/// Everything outside of the spans becomes blanks, but for the ends of lines.
fn blanked(text: &str, kept: &[Span]) -> String {
    let mut blank = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        let is_kept = kept.iter().any(|span| span.range().contains(&at));
        if is_kept || matches!(character, '\n' | '\r') {
            blank.push(character);
        } else {
            blank.extend(std::iter::repeat_n(' ', character.len_utf8()));
        }
    }
    blank
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# coding: latin-1
'''Ärger.'''
import torch, time
if True:
    import os
from .base import (
    Base,
)
LIMIT = 3; x = 'a'

@register
class Trainer(Base, metaclass=M):
    '''Trains.'''
    size = 1

    def other(self):
        pass

    @torch.no_grad()
    def fit(self, n: int = 2):
        for epoch in range(n):
            self.other()

def free():
    return 1
";

    fn cut(functions: &[&str]) -> Option<String> {
        let source = SourceText::from_bytes("t.py", FILE.replace('Ä', "A").into_bytes());
        let found = excerpt(source.expect("decodable"), functions).expect("parses");
        found.map(|it| it.text().to_owned())
    }

    #[test]
    fn only_what_is_asked_for_stays_where_it_was() {
        let text = cut(&["Trainer.fit", "missing"]).expect("is there");
        assert_eq!(text.len(), FILE.replace('Ä', "A").len());
        let lines: Vec<&str> = text.lines().collect();
        let full: Vec<String> = FILE.lines().map(str::to_owned).collect();
        let left: Vec<usize> = (0..lines.len())
            .filter(|at| !lines[*at].trim().is_empty())
            .collect();
        assert_eq!(left, [2, 5, 6, 7, 10, 11, 18, 19, 20, 21]);
        for at in left {
            assert_eq!(lines[at], full[at]);
        }
        parse(SourceText::from_bytes("t.py", text.into_bytes()).expect("decodable"))
            .expect("is Python");
    }

    #[test]
    fn characters_keep_their_width() {
        let file = "x = 'é€'\ndef f(): return 'ü'\n";
        let source = SourceText::from_bytes("t.py", file.as_bytes().to_vec()).expect("decodable");
        let found = excerpt(source, &["f"]).expect("parses").expect("is there");
        let blank = " ".repeat("x = 'é€'".len());
        assert_eq!(found.text(), format!("{blank}\ndef f(): return 'ü'\n"));
    }

    #[test]
    fn without_the_first_function_there_is_none() {
        assert_eq!(cut(&["Trainer.run", "free"]), None);
        assert_eq!(cut(&["free.run"]), None);
        assert!(cut(&["free"]).is_some());
    }
}
