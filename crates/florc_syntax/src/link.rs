//! Links the files of a program into one module: one tree, one text, one space of ids and offsets.
//!
//! ```python
//! # train.py                       # offsets 0..n, ids 0..k
//! from model import Net
//! # model.py                       # offsets n + 1.., ids k..
//! class Net: ...
//! ```
//!
//! So a span is unique in the program and tells its file, and whoever works on a module works on a
//! program. Which files belong to it, and under which names, others find out. A program of one file
//! is that file's module.

use crate::{Module, SourceText};

/// A source file of a program.
#[derive(Clone, Debug)]
pub struct ProgramFile {
    /// Relative to the project, with `/`.
    pub path: String,
    /// Dotted module name; `__main__` for the entry.
    pub name: String,
    /// What relative imports start from (`__package__`); empty where there is none.
    pub package: String,
    /// Its text.
    pub source: SourceText,
    /// It is an excerpt of an installed library ([`crate::excerpt`]).
    pub is_library: bool,
}

impl ProgramFile {
    /// A file whose package follows from its name: `a.b` for the module `a.b.c` and for the package
    /// `a.b` itself. For an entry that is run as `python -m a.b.c` it is to be set.
    pub fn new(path: impl Into<String>, name: impl Into<String>, source: SourceText) -> Self {
        let (path, name) = (path.into(), name.into());
        let is_package = path.rsplit('/').next() == Some("__init__.py");
        let parent = name.rsplit_once('.').map_or("", |(parent, _)| parent);
        let package = if is_package { &name } else { parent }.to_owned();
        Self {
            path,
            name,
            package,
            source,
            is_library: false,
        }
    }
}

/// A parsed file of a program.
#[derive(Clone, Debug)]
pub struct Named {
    /// Dotted module name.
    pub name: String,
    /// What relative imports start from.
    pub package: String,
    /// The file.
    pub module: Module,
    /// It is an excerpt of an installed library.
    pub is_library: bool,
}

/// Links parsed files, the entry first. Of no files nothing can be made.
pub fn link(files: Vec<Named>) -> Option<Module> {
    let mut files = files.into_iter();
    let first = files.next()?;
    let mut program = first.module;
    program.source = program
        .source
        .named(first.name, first.package, first.is_library);
    for file in files {
        let source = file.module.source;
        let source = source.named(file.name, file.package, file.is_library);
        let base = program.source.append(&source);
        program.tree.append(file.module.tree, base);
        program.trivia.append(file.module.trivia, base);
    }
    Some(program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{ExprId, StmtId};
    use crate::{Span, parse};

    fn program(texts: &[(&str, &str)]) -> Module {
        let file = |(path, text): &(&str, &str)| Named {
            name: path.replace(".py", ""),
            package: String::new(),
            module: parse(SourceText::from_bytes(*path, text.as_bytes().to_vec()).expect("utf-8"))
                .expect("valid"),
            is_library: false,
        };
        link(texts.iter().map(file).collect()).expect("has files")
    }

    /// Every node of a linked file shows the text that it shows alone.
    #[test]
    fn nodes_keep_their_text() {
        let texts = [
            ("a.py", "x = 1"),
            (
                "b.py",
                "\u{feff}@d\nasync def f(a, /, b: int = 1, *c, e=2, **g) -> T:\n  global h\n  return [f'{a!r:{b}}' for a in b if a], {**c}\n",
            ),
            (
                "c.py",
                "import m.n as o\nfrom . import (p as q)\nclass K(L, k=M):\n  r: int = (s := lambda t=1: t)\nmatch x:\n  case {'k': y, **z} | P(1, w=[v, *_]) as u if y: pass\ntry: pass\nexcept E as e: raise F from e\nwith a as b: del c[1:2]\nx = 'a' \"b\" # c\n",
            ),
        ];
        let linked = program(&texts);
        let (mut stmts, mut exprs) = (0, 0);
        for (path, text) in texts {
            let alone = program(&[(path, text)]);
            let base = linked
                .source
                .global(path, Span::empty(0))
                .expect("is there")
                .start;
            for id in 0..alone.tree.stmt_count() as u32 {
                let here = StmtId(stmts + id);
                assert_eq!(linked.text_of_stmt(here), alone.text_of_stmt(StmtId(id)));
                let moved = format!("{:?}", linked.tree.parent(here));
                let parent = alone.tree.parent(StmtId(id)).map(|it| StmtId(it.0 + stmts));
                assert_eq!(moved, format!("{parent:?}"));
            }
            for id in 0..alone.tree.expr_count() as u32 {
                let here = ExprId(exprs + id);
                assert_eq!(linked.text_of_expr(here), alone.text_of_expr(ExprId(id)));
                let below = |module: &Module, id| {
                    let all = module.tree.all_exprs(id).into_iter();
                    all.map(|it| module.text_of_expr(it).to_owned())
                        .collect::<Vec<_>>()
                };
                assert_eq!(below(&linked, here), below(&alone, ExprId(id)));
            }
            for comment in &alone.trivia.comments {
                let span = Span::new(comment.start + base, comment.end + base);
                assert!(linked.trivia.comments.contains(&span));
            }
            stmts += alone.tree.stmt_count() as u32;
            exprs += alone.tree.expr_count() as u32;
        }
        assert_eq!(linked.tree.bodies().count(), 3);
    }

    #[test]
    fn offsets_tell_their_file() {
        let source = program(&[("a.py", "x"), ("b.py", "\u{feff}y\nz")]).source;
        let place = |offset| {
            let at = source.line_column(offset);
            (source.file_of(offset).path.as_str(), at.line, at.column)
        };
        assert_eq!(place(0), ("a.py", 1, 0));
        assert_eq!(place(1), ("a.py", 1, 1));
        assert_eq!(place(5), ("b.py", 1, 0));
        assert_eq!(place(7), ("b.py", 2, 0));
        assert_eq!(source.local(Span::new(7, 8)), Span::new(5, 6));
        assert_eq!(
            source.global("b.py", Span::new(5, 6)),
            Some(Span::new(7, 8))
        );
        assert_eq!(source.start_of_line(8), 7);
        assert_eq!(source.line_count(), 1);
    }
}
