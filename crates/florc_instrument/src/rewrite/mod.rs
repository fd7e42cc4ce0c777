//! The rewrite: from the plan to edits that keep every other byte.
//!
//! ```python
//! for x, y in loader:                    # if florc.step_into("t.py:epoch/loader"):  # SkipBlock
//!     step(x, y)                         #     for x, y in loader:
//!                                        #         step(x, y)
//! ```
//!
//! Lines inside multi-line strings are never moved. Nothing is analysed here: what the plan says is
//! written down.

mod inline;
mod layout;
mod lines;
mod returns;

use florc_manifest::{Root, SkipBlockSite};
use florc_semantic::{FunctionId, Semantics};
use florc_syntax::tree::{Block, ExprKind, StmtId, StmtKind};
use florc_syntax::{EditSet, Edited, Module, SourceMap, Span};

use crate::cut::kept_of;
use crate::plan::{GuardedBody, Plan};
use layout::Layout;
use lines::Lines;

/// Writes the plan into the text of each file; offsets of the maps are those of the file.
pub fn rewrite(module: &Module, semantics: &Semantics, plan: &Plan) -> Vec<Edited> {
    let files = module.source.files().iter().zip(module.tree.bodies());
    let files = files.zip(&semantics.modules);
    files
        .map(|((file, body), of)| file_text(module, semantics, plan, (file.span(), body, *of)))
        .collect()
}

fn file_text(
    module: &Module,
    semantics: &Semantics,
    plan: &Plan,
    (file, body, of): (Span, &Block, FunctionId),
) -> Edited {
    let mut edits = EditSet::new();
    if plan.concerns(module, file) {
        let florc = package_name(module, semantics, file, of);
        let mut writer = Writer {
            module,
            body,
            plan,
            layout: Layout::new(module, file),
            florc: &florc,
            edits: &mut edits,
            moved: String::new(),
            before_block: None,
        };
        writer.import();
        writer.block(body);
        let lambdas = lambdas(module, file, plan);
        for (number, body) in &lambdas {
            edits.insert(body.start, format!("{florc}.entered({number}) or ("));
        }
        inline::edit(module, file, plan, &florc, &mut edits);
        for (_, body) in lambdas.iter().rev() {
            edits.insert(body.end, ")");
        }
    }
    let edited = edits.apply_in(&module.source, file);
    edited.unwrap_or_else(|_| Edited {
        text: module.source.slice(file).to_owned(),
        map: SourceMap::default(),
    })
}

/// The expressions of guarded lambdas, with the numbers of their guards.
fn lambdas(module: &Module, file: Span, plan: &Plan) -> Vec<(usize, Span)> {
    let guards = plan.guards.iter().enumerate();
    let lambdas = guards.filter_map(|(number, guard)| match guard.body {
        GuardedBody::Lambda(body) => Some((number, module.tree.expr(body).span)),
        GuardedBody::Def(_) => None,
    });
    lambdas
        .filter(|(_, body)| file.contains_span(*body))
        .collect()
}

/// `florc`, or the first of `_florc`, `_florc2` … that the file does not use, when it binds
/// `florc` to anything else than the package.
fn package_name(module: &Module, semantics: &Semantics, file: Span, of: FunctionId) -> String {
    let own = |scope| semantics.module_of(semantics.scope(scope).function) == of;
    let taken = |name: &str| {
        semantics.bindings.iter().any(|binding| {
            let other = || !(binding.is_import && only_imports(module, file, name));
            binding.name == name && own(binding.scope) && other()
        })
    };
    let others = (2..).map(|number| format!("_florc{number}"));
    ["florc".to_owned(), "_florc".to_owned()]
        .into_iter()
        .chain(others)
        .find(|name| !taken(name))
        .unwrap_or_else(|| "florc".to_owned())
}

/// Whether every import of the file that binds `name` is `import name`.
fn only_imports(module: &Module, file: Span, name: &str) -> bool {
    let stmts = (0..module.tree.stmt_count() as u32).map(|id| module.tree.stmt(StmtId(id)));
    let mut stmts = stmts.filter(|stmt| file.contains_span(stmt.span));
    stmts.all(|stmt| match &stmt.kind {
        StmtKind::Import { names } => names.iter().all(|alias| {
            let asname = alias.asname.as_ref().map(|asname| asname.text.as_str());
            alias.name.text == name || asname != Some(name)
        }),
        StmtKind::ImportFrom { names, .. } => names
            .iter()
            .all(|alias| alias.asname.as_ref().unwrap_or(&alias.name).text != name),
        _ => true,
    })
}

/// `_florc_kept0_model = model`, before the loop.
fn kept(roots: &[Root]) -> impl Iterator<Item = String> {
    let kept = roots.iter().filter_map(|root| Some((root, kept_of(root)?)));
    kept.map(|(root, name)| format!("{} = {name}", root.name))
}

/// Walks the statements in source order and inserts whole lines.
struct Writer<'a> {
    module: &'a Module,
    /// The top-level statements of the file.
    body: &'a Block,
    plan: &'a Plan,
    layout: Layout<'a>,
    florc: &'a str,
    edits: &'a mut EditSet,
    /// What the SkipBlocks around put before each line.
    moved: String,
    /// A call that stands before a SkipBlock which is about to be written.
    before_block: Option<(StmtId, String)>,
}

impl Writer<'_> {
    /// `import florc`, after the docstring and `__future__` imports.
    fn import(&mut self) {
        let import = match self.florc {
            "florc" => "import florc".to_owned(),
            other => format!("import florc as {other}"),
        };
        let body = self.body;
        let newline = self.layout.newline();
        let leading = body
            .iter()
            .take_while(|stmt| self.is_prologue(**stmt))
            .count();
        if self.florc == "florc"
            && body
                .get(leading)
                .is_some_and(|stmt| self.imports_florc(*stmt))
        {
            return;
        }
        let next = body
            .get(leading)
            .map(|stmt| self.module.tree.stmt(*stmt).span.start);
        let Some(last) = leading.checked_sub(1).map(|index| body[index]) else {
            if let Some(start) = next {
                self.edits.insert(start, format!("{import}{newline}"));
            }
            return;
        };
        let span = self.module.tree.stmt(last).span;
        let line_end = self.layout.end_of_lines(last);
        if next.is_some_and(|start| start < line_end) {
            self.edits.insert(span.end, format!("; {import}"));
        } else {
            self.edits.insert(line_end, format!("{newline}{import}"));
        }
    }

    /// `import florc`.
    fn imports_florc(&self, stmt: StmtId) -> bool {
        match &self.module.tree.stmt(stmt).kind {
            StmtKind::Import { names } => names
                .iter()
                .any(|alias| alias.name.text == "florc" && alias.asname.is_none()),
            _ => false,
        }
    }

    /// A docstring or a `__future__` import.
    fn is_prologue(&self, stmt: StmtId) -> bool {
        let tree = &self.module.tree;
        match &tree.stmt(stmt).kind {
            StmtKind::Expr { value } => {
                self.body.first() == Some(&stmt)
                    && matches!(tree.expr(*value).kind, ExprKind::Str(_))
            }
            StmtKind::ImportFrom {
                module, level: 0, ..
            } => module
                .as_ref()
                .is_some_and(|name| name.text == "__future__"),
            _ => false,
        }
    }

    fn block(&mut self, block: &Block) {
        for stmt in block {
            self.stmt(*stmt);
        }
    }

    fn stmt(&mut self, stmt: StmtId) {
        let plan = self.plan;
        let skip = plan.skip_blocks.iter().find(|block| block.stmt == stmt);
        let outside = self.moved.clone();
        if let Some(row) = plan.isolated.iter().find(|row| row.first == stmt) {
            let names: Vec<String> = row.generators.iter().map(|it| format!("{it:?}")).collect();
            self.call_before(stmt, &format!("isolate({})", names.join(", ")));
        }
        if plan.doubtful.contains(&stmt) {
            self.call_before(stmt, "doubt()");
        }
        if plan.impure.contains(&stmt) {
            self.call_before(stmt, "impure()");
        }
        let unit = skip.map(|_| self.layout.unit(stmt)).unwrap_or_default();
        if let Some(block) = skip {
            self.step_into(stmt, &block.site, &unit);
        }
        self.loop_start(stmt);
        self.entered(stmt);
        let module = self.module;
        for block in module.tree.blocks(stmt) {
            self.block(block);
        }
        self.loop_end(stmt);
        if let Some(block) = skip {
            self.moved = outside;
            self.end_and_restore(stmt, &block.site, &unit);
        }
        if let Some(row) = plan.isolated.iter().find(|row| row.last == stmt) {
            self.rejoin(stmt, if row.is_seen { "is_seen=True" } else { "" });
        }
    }

    /// `florc.isolate("rng")` on the line before a probe that draws random numbers, `florc.doubt()`
    /// before one that may change the training, `florc.impure()` before one that does.
    fn call_before(&mut self, stmt: StmtId, call: &str) {
        if let Some(indentation) = self.layout.indentation(stmt) {
            let start = self.module.tree.stmt(stmt).span.start;
            let (newline, moved) = (self.layout.newline(), &self.moved);
            let text = format!("{}.{call}{newline}{indentation}{moved}", self.florc);
            self.edits.insert(start, text);
        }
    }

    /// `florc.entered(0)` before the first statement of a guarded function that does something.
    fn entered(&mut self, stmt: StmtId) {
        let number = self
            .plan
            .guards
            .iter()
            .position(|guard| guard.body == GuardedBody::Def(stmt));
        let tree = &self.module.tree;
        let (Some(number), StmtKind::FunctionDef(def)) = (number, &tree.stmt(stmt).kind) else {
            return;
        };
        let is_docstring = |stmt: &StmtId| match &tree.stmt(*stmt).kind {
            StmtKind::Expr { value } => matches!(tree.expr(*value).kind, ExprKind::Str(_)),
            _ => false,
        };
        let Some(first) = def.body.iter().copied().find(|it| !is_docstring(it)) else {
            return;
        };
        let call = format!("entered({number})");
        if !self.layout.begins_line(first) {
            let start = tree.stmt(first).span.start;
            self.edits.insert(start, format!("{}.{call}; ", self.florc));
        } else if self
            .plan
            .skip_blocks
            .iter()
            .any(|block| block.stmt == first)
        {
            self.before_block = Some((first, call));
        } else {
            self.call_before(first, &call);
        }
    }

    /// `florc.rejoin()` on the line after it.
    fn rejoin(&mut self, stmt: StmtId, argument: &str) {
        if let Some(indentation) = self.layout.indentation(stmt) {
            let indentation = format!("{indentation}{}", self.moved);
            let at = self.layout.end_of_lines(stmt);
            self.insert_after(
                at,
                &indentation,
                &[format!("{}.rejoin({argument})", self.florc)],
            );
        }
    }

    /// `if florc.step_into("id"):` before the loop, which moves one step to the right.
    fn step_into(&mut self, stmt: StmtId, site: &SkipBlockSite, unit: &str) {
        let Some(indentation) = self.layout.indentation(stmt) else {
            return;
        };
        let start = self
            .layout
            .line_start(self.module.tree.stmt(stmt).span.start);
        let line = self.lines(0, "").plain("step_into", &site.id);
        let newline = self.layout.newline();
        let first = self.before_block.take_if(|(block, _)| *block == stmt);
        let first = first.map(|(_, call)| format!("{}.{call}", self.florc));
        let lines = first.into_iter().chain(kept(&site.roots));
        let lines = lines.map(|line| format!("{indentation}{}{line}{newline}", self.moved));
        let text = format!(
            "{}{indentation}{}if {line}:  # SkipBlock{newline}",
            lines.collect::<String>(),
            self.moved
        );
        self.edits.insert(start, text);
        self.edits.indent(&[stmt], self.module, unit);
        self.moved.push_str(unit);
    }

    /// `florc.end(…)` as the last line of the block, then `else:` with `florc.restore(…)`.
    fn end_and_restore(&mut self, stmt: StmtId, site: &SkipBlockSite, unit: &str) {
        let Some(indentation) = self.layout.indentation(stmt) else {
            return;
        };
        let outer = format!("{indentation}{}", self.moved);
        let inner = format!("{outer}{unit}");
        let words = self.lines(inner.len(), unit);
        let (end, restore) = (words.end(site), words.restore(site));
        let at = self.layout.end_of_lines(stmt);
        self.insert_after(at, &inner, &end);
        self.insert_after(at, &outer, &["else:".to_owned()]);
        self.insert_after(at, &inner, &restore);
    }

    /// Lines before a loop and at the start of its body.
    fn loop_start(&mut self, stmt: StmtId) {
        let is_while = matches!(self.module.tree.stmt(stmt).kind, StmtKind::While { .. });
        let plan = self.plan;
        if let Some(main) = plan.main_loops.iter().find(|main| main.stmt == stmt) {
            for line in kept(&main.site.roots) {
                self.insert_before(stmt, &line);
            }
            if is_while {
                self.insert_before(stmt, &self.lines(0, "").plain("enter", &main.site.id));
            }
            self.insert_first(stmt, |lines| lines.carry(&main.site));
            let leave = self.lines(0, "").leave(&main.site);
            let parts: Vec<&str> = leave.iter().map(|line| line.trim()).collect();
            for inner in returns::plain_returns(self.module, stmt, &main.site) {
                let start = self.module.tree.stmt(inner).span.start;
                self.edits.insert(start, format!("{}; ", parts.join(" ")));
            }
        }
        if let Some(counted) = plan
            .loops
            .iter()
            .find(|counted| counted.stmt == stmt && is_while)
        {
            self.insert_first(stmt, |lines| vec![lines.plain("tick", &counted.site.id)]);
            self.untick_at_returns(stmt, &counted.site.id);
        }
    }

    /// Lines after a loop.
    fn loop_end(&mut self, stmt: StmtId) {
        let is_while = match self.module.tree.stmt(stmt).kind {
            StmtKind::While { .. } => true,
            StmtKind::For { .. } => false,
            _ => return,
        };
        let Some(indentation) = self.layout.indentation(stmt) else {
            return;
        };
        let indentation = format!("{indentation}{}", self.moved);
        let unit = self.layout.unit(stmt);
        let words = self.lines(indentation.len(), &unit);
        let mut after = Vec::new();
        if let Some(main) = self.plan.main_loops.iter().find(|main| main.stmt == stmt) {
            after.extend(words.leave(&main.site));
        }
        if let Some(counted) = self.plan.loops.iter().find(|c| c.stmt == stmt && is_while) {
            after.push(words.plain("untick", &counted.site.id));
        }
        let at = self.layout.end_of_lines(stmt);
        self.insert_after(at, &indentation, &after);
    }

    /// A `while` loop that is left by `return` does not reach the line after it.
    fn untick_at_returns(&mut self, stmt: StmtId, id: &str) {
        let text = format!("{}; ", self.lines(0, "").plain("untick", id));
        let tree = &self.module.tree;
        for inner in tree.descendants(stmt) {
            let own = matches!(tree.stmt(inner).kind, StmtKind::Return { .. })
                && !self.is_in_nested_function(inner, stmt);
            if own {
                self.edits.insert(tree.stmt(inner).span.start, text.clone());
            }
        }
    }

    fn is_in_nested_function(&self, inner: StmtId, outer: StmtId) -> bool {
        let tree = &self.module.tree;
        let ancestors = std::iter::successors(tree.parent(inner), |stmt| tree.parent(*stmt));
        ancestors
            .take_while(|stmt| *stmt != outer)
            .any(|stmt| matches!(tree.stmt(stmt).kind, StmtKind::FunctionDef(_)))
    }

    /// A line with only an id, on the line before a loop.
    fn insert_before(&mut self, stmt: StmtId, line: &str) {
        let Some(indentation) = self.layout.indentation(stmt) else {
            return;
        };
        let start = self.module.tree.stmt(stmt).span.start;
        let newline = self.layout.newline();
        self.edits
            .insert(start, format!("{line}{newline}{indentation}{}", self.moved));
    }

    /// Lines at the start of a loop's body.
    fn insert_first(&mut self, stmt: StmtId, lines: impl Fn(&Lines<'_>) -> Vec<String>) {
        let Some(place) = self.layout.body_start(stmt) else {
            return;
        };
        let indentation = format!("{}{}", place.indentation, self.moved);
        let unit = self.layout.unit(stmt);
        let written = lines(&self.lines(indentation.len(), &unit));
        self.insert_after(place.offset, &indentation, &written);
        if place.on_header_line {
            self.edits.insert(
                place.offset,
                format!("{}{indentation}", self.layout.newline()),
            );
        }
    }

    fn insert_after(&mut self, offset: u32, indentation: &str, lines: &[String]) {
        let newline = self.layout.newline();
        let mut text = String::new();
        for line in lines {
            text.extend([newline, indentation, line]);
        }
        if !text.is_empty() {
            self.edits.insert(offset, text);
        }
    }

    fn lines<'b>(&'b self, column: usize, unit: &'b str) -> Lines<'b> {
        Lines {
            florc: self.florc,
            column,
            unit,
        }
    }
}
