//! The plan as data: every cut point and site of a program.
//!
//! ```python
//! for epoch in range(3):                 # main_loops[0]
//!     for x, y in loader: ...            # skip_blocks[0], loops[0] if it holds a log
//!     print(f"{epoch} {time.time()}")    # logs[0], clocks[0]
//! ```
//!
//! Each entry pairs tree ids (for the rewrite) with what the manifest says of it (for the runtime).
//! Nothing is decided and nothing edited here.

use florc_manifest::{
    ClockSite, GuardSite, LogSite, LoopSite, MainLoopSite, ModuleManifest, SkipBlockSite,
    Uninstrumented,
};
use florc_syntax::tree::{ExprId, StmtId};
use florc_syntax::{Module, Span};

/// Every cut point and site of a module.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The main loops in source order; none runs inside another one.
    pub main_loops: Vec<MainLoop>,
    /// SkipBlocks in source order.
    pub skip_blocks: Vec<SkipBlock>,
    /// Other loops that give log rows their context, in source order.
    pub loops: Vec<CountedLoop>,
    /// Log statements in source order; the index is the site number.
    pub logs: Vec<LogStatement>,
    /// Memoized reads of the outer world in source order; the index is the site number.
    pub clocks: Vec<ClockRead>,
    /// Functions that announce themselves, in source order; the index is the site number.
    pub guards: Vec<Guard>,
    /// Loops that were left alone, in the order of their diagnostics.
    pub uninstrumented: Vec<Uninstrumented>,
    /// Statements around which hidden state is kept and put back.
    pub isolated: Vec<Isolated>,
    /// Statements that change the training.
    pub impure: Vec<StmtId>,
    /// Statements that may change the training.
    pub doubtful: Vec<StmtId>,
}

/// A main loop.
#[derive(Clone, Debug)]
pub struct MainLoop {
    /// The loop statement.
    pub stmt: StmtId,
    /// What the runtime knows of it.
    pub site: MainLoopSite,
}

/// A SkipBlock.
#[derive(Clone, Debug)]
pub struct SkipBlock {
    /// The loop statement.
    pub stmt: StmtId,
    /// What the runtime knows of it.
    pub site: SkipBlockSite,
}

/// A loop that is counted.
#[derive(Clone, Debug)]
pub struct CountedLoop {
    /// The loop statement.
    pub stmt: StmtId,
    /// What the runtime knows of it.
    pub site: LoopSite,
}

/// A log statement.
#[derive(Clone, Debug)]
pub struct LogStatement {
    /// The call.
    pub call: ExprId,
    /// The expressions that `florc.v` announces, one a column.
    pub columns: Vec<ExprId>,
    /// What the runtime knows of it.
    pub site: LogSite,
}

/// A memoized read.
#[derive(Clone, Debug)]
pub struct ClockRead {
    /// The call.
    pub call: ExprId,
    /// What the runtime knows of it.
    pub site: ClockSite,
}

/// What announces itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardedBody {
    /// A `def`.
    Def(StmtId),
    /// The expression of a lambda.
    Lambda(ExprId),
}

/// A function that announces itself.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Its code.
    pub body: GuardedBody,
    /// What the runtime knows of it.
    pub site: GuardSite,
}

impl Plan {
    /// Whether a loop is a main loop.
    pub fn is_main_loop(&self, stmt: StmtId) -> bool {
        self.main_loops.iter().any(|main| main.stmt == stmt)
    }

    /// What the runtime is told of the module.
    pub fn manifest(&self, file: &str) -> ModuleManifest {
        ModuleManifest {
            file: file.to_owned(),
            main_loops: self
                .main_loops
                .iter()
                .map(|main| main.site.clone())
                .collect(),
            skip_blocks: self
                .skip_blocks
                .iter()
                .map(|block| block.site.clone())
                .collect(),
            loops: self
                .loops
                .iter()
                .map(|counted| counted.site.clone())
                .collect(),
            logs: self.logs.iter().map(|log| log.site.clone()).collect(),
            clocks: self.clocks.iter().map(|clock| clock.site.clone()).collect(),
            guards: self.guards.iter().map(|guard| guard.site.clone()).collect(),
            uninstrumented: self.uninstrumented.clone(),
        }
    }

    /// Whether the rewrite has something to do in the file of this span.
    pub(crate) fn concerns(&self, module: &Module, file: Span) -> bool {
        let stmts = self.main_loops.iter().map(|main| main.stmt);
        let stmts = stmts.chain(self.skip_blocks.iter().map(|block| block.stmt));
        let stmts = stmts.chain(self.isolated.iter().map(|row| row.first));
        let stmts = stmts.chain(self.doubtful.iter().copied());
        let stmts = stmts.chain(self.impure.iter().copied());
        let mut stmts = stmts.chain(self.loops.iter().map(|counted| counted.stmt));
        let calls = self.logs.iter().map(|log| log.call);
        let mut calls = calls.chain(self.clocks.iter().map(|clock| clock.call));
        let mut guards = self.guards.iter().map(|guard| match guard.body {
            GuardedBody::Def(stmt) => module.tree.stmt(stmt).span,
            GuardedBody::Lambda(body) => module.tree.expr(body).span,
        });
        stmts.any(|stmt| file.contains_span(module.tree.stmt(stmt).span))
            || calls.any(|call| file.contains_span(module.tree.expr(call).span))
            || guards.any(|span| file.contains_span(span))
    }
}

/// Statements in a row after which hidden state is put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Isolated {
    /// The first one.
    pub first: StmtId,
    /// The last one.
    pub last: StmtId,
    /// Variables that lead to generators of the script.
    pub generators: Vec<String>,
    /// Modes that they leave changed are told.
    pub is_seen: bool,
}
