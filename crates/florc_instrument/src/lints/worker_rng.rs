//! Random numbers that are drawn in the worker processes of a `DataLoader`.
//!
//! ```python
//! class Images(Dataset):
//!     def __getitem__(self, i): return self.x[i] + np.random.randn()
//! DataLoader(Images(), num_workers=4, persistent_workers=True)   # workers outlive the epoch
//! ```
//!
//! Processes that live on keep their generators from one epoch to the next, where no checkpoint
//! reaches them: a warning. Processes that are started for each epoch are seeded from torch's
//! generator: advice, since how depends on the version of torch and on the number of workers.

use florc_semantic::ClassRef;
use florc_syntax::tree::{ExprId, ExprKind, StmtId, StmtKind};
use florc_syntax::{Diagnostic, Severity, Span};

use super::Scene;
use super::calls::CallParts;

/// The code.
pub const CODE: &str = "worker-rng";

/// Methods that run in the workers.
const METHODS: &[&str] = &["__getitem__", "__getitems__", "__iter__"];

/// Looks for it.
pub(crate) fn find(scene: &Scene<'_>) -> Vec<Diagnostic> {
    let loaders = scene.calls().filter(|call| {
        scene.path(*call).as_deref() == Some("torch.utils.data.DataLoader")
            && !call.has_hidden_keywords()
            && has_workers(scene, *call)
    });
    loaders.filter_map(|call| of_loader(scene, call)).collect()
}

fn of_loader(scene: &Scene<'_>, call: CallParts<'_>) -> Option<Diagnostic> {
    let dataset = call.args.first().copied().or(call.keyword("dataset"))?;
    let (method, generators) = drawing_method(scene, dataset)?;
    let persistent = call
        .keyword("persistent_workers")
        .filter(|value| scene.is_true(*value));
    let drawn = format!("it draws from `{}`", generators.join("` and `"));
    let span = scene.span(call.func);
    if let Some(persistent) = persistent {
        let title = "worker processes keep their random state from one epoch to the next: replay \
                     cannot start inside the training";
        let finding = scene
            .finding(CODE, Severity::Warning, span, title)
            .with_reason(scene.span(persistent), "they outlive the epoch")
            .with_reason(method, drawn)
            .with_help("leave out `persistent_workers=True`, or draw in the main process");
        return Some(finding);
    }
    let seeded = call.keyword("worker_init_fn").or(call.keyword("generator"));
    let other = generators.iter().any(|it| it != "torch");
    if seeded.is_some() || !other {
        return None;
    }
    let title = "random numbers are drawn in worker processes: they depend on the version of torch \
                 and on the number of workers";
    let finding = scene
        .finding(CODE, Severity::Note, span, title)
        .with_reason(method, drawn)
        .with_help("give the loader a `worker_init_fn` or a `generator`");
    Some(finding)
}

fn has_workers(scene: &Scene<'_>, call: CallParts<'_>) -> bool {
    call.keyword("num_workers")
        .is_some_and(|value| match &scene.module().tree.expr(value).kind {
            ExprKind::Int(digits) => digits != "0",
            _ => true,
        })
}

/// A method of the data set that draws, and from which generators.
fn drawing_method(scene: &Scene<'_>, dataset: ExprId) -> Option<(Span, Vec<String>)> {
    let class = match scene.facts.semantics.class_of(dataset) {
        Some(ClassRef::Module(class)) => class,
        Some(ClassRef::Library(_)) => return None,
        None => only_dataset(scene)?,
    };
    let mut classes = vec![class];
    classes.extend(scene.facts.semantics.module_bases(class));
    let functions = scene.facts.semantics.functions.iter();
    let mut methods = functions.filter(|function| {
        METHODS.contains(&function.name.as_str())
            && function.class.is_some_and(|class| classes.contains(&class))
    });
    methods.find_map(|method| {
        let rng = scene.facts.effects.summary(method.id).hidden.rng;
        let known = ["random", "numpy", "torch"].into_iter();
        let drawn: Vec<String> = known
            .filter(|it| rng.contains(*it))
            .map(str::to_owned)
            .collect();
        let def = &scene.module().tree.stmt(method.stmt?).kind;
        match def {
            StmtKind::FunctionDef(def) if !drawn.is_empty() => Some((def.name.span, drawn)),
            _ => None,
        }
    })
}

/// The class of data sets of a module that has only one.
fn only_dataset(scene: &Scene<'_>) -> Option<StmtId> {
    let tree = &scene.module().tree;
    let stmts = (0..tree.stmt_count() as u32).map(StmtId);
    let mut classes = stmts.filter(|stmt| {
        matches!(tree.stmt(*stmt).kind, StmtKind::ClassDef(_))
            && scene
                .facts
                .semantics
                .library_bases(*stmt)
                .is_some_and(|bases| {
                    let is_data = |base: &String| base.starts_with("torch.utils.data.");
                    bases.iter().any(is_data)
                })
    });
    let first = classes.next()?;
    classes.next().is_none().then_some(first)
}
