//! Edits of `sys.path` that the text tells.
//!
//! ```python
//! ROOT = Path(__file__).resolve().parent.parent
//! sys.path.insert(0, str(ROOT / "src"))                       # Front("…/src")
//! sys.path.append(os.path.join(os.path.dirname(__file__), "lib"))     # Back("…/lib")
//! ```
//!
//! Evaluates constants, `__file__`, and the functions of `os.path` and `pathlib` that only compute.
//! Other edits are not seen.

use florc_syntax::tree::{ExprId, ExprKind, Operator, StmtId, StmtKind, Tree};

/// A folder that is put on `sys.path`, absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    Front(String),
    Back(String),
}

/// How many names and calls are followed.
const DEPTH: u32 = 24;

/// The edits in a file, in the order of the text. `folder` is what relative paths start from.
pub(super) fn edits(tree: &Tree, file: &str, folder: &str) -> Vec<Edit> {
    let paths = Paths { tree, file, folder };
    let statements = (0..tree.stmt_count() as u32).map(StmtId);
    statements.flat_map(|stmt| paths.edits(stmt)).collect()
}

struct Paths<'a> {
    tree: &'a Tree,
    file: &'a str,
    folder: &'a str,
}

impl Paths<'_> {
    fn edits(&self, stmt: StmtId) -> Vec<Edit> {
        let kind = &self.tree.stmt(stmt).kind;
        if let StmtKind::Expr { value } = kind {
            return self.call(*value);
        }
        if let StmtKind::AugAssign {
            target,
            op: Operator::Add,
            value,
        } = kind
            && self.is_sys_path(*target)
        {
            return self.listed(*value);
        }
        Vec::new()
    }

    fn call(&self, expr: ExprId) -> Vec<Edit> {
        let ExprKind::Call { func, args, .. } = &self.tree.expr(expr).kind else {
            return Vec::new();
        };
        let ExprKind::Attribute { value, attr } = &self.tree.expr(*func).kind else {
            return Vec::new();
        };
        if !self.is_sys_path(*value) {
            return Vec::new();
        }
        match (attr.text.as_str(), args.as_slice()) {
            ("append", [folder]) => self
                .folder_of(*folder)
                .map(Edit::Back)
                .into_iter()
                .collect(),
            ("insert", [_, folder]) => {
                let folder = self.folder_of(*folder);
                folder.map(Edit::Front).into_iter().collect()
            }
            ("extend", [list]) => self.listed(*list),
            _ => Vec::new(),
        }
    }

    fn listed(&self, list: ExprId) -> Vec<Edit> {
        match &self.tree.expr(list).kind {
            ExprKind::List { elts } | ExprKind::Tuple { elts } => {
                let folders = elts.iter().filter_map(|each| self.folder_of(*each));
                folders.map(Edit::Back).collect()
            }
            _ => Vec::new(),
        }
    }

    fn is_sys_path(&self, expr: ExprId) -> bool {
        self.dotted(expr).as_deref() == Some("sys.path")
    }

    fn dotted(&self, expr: ExprId) -> Option<String> {
        match &self.tree.expr(expr).kind {
            ExprKind::Name(name) => Some(name.clone()),
            ExprKind::Attribute { value, attr } => {
                Some(format!("{}.{}", self.dotted(*value)?, attr.text))
            }
            _ => None,
        }
    }

    fn folder_of(&self, expr: ExprId) -> Option<String> {
        self.path(expr, DEPTH).map(|path| self.absolute(&path))
    }

    fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') {
            normal(path)
        } else {
            normal(&format!("{}/{path}", self.folder))
        }
    }

    /// The text of a path.
    fn path(&self, expr: ExprId, depth: u32) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        match &self.tree.expr(expr).kind {
            ExprKind::Str(text) => Some(text.clone()),
            ExprKind::Name(name) if name == "__file__" => Some(self.file.to_owned()),
            ExprKind::Name(name) => self.path(self.only_value(name)?, depth),
            ExprKind::BinOp {
                left,
                op: Operator::Div,
                right,
            } => Some(joined(
                &self.path(*left, depth)?,
                &self.path(*right, depth)?,
            )),
            ExprKind::BinOp {
                left,
                op: Operator::Add,
                right,
            } => Some(self.path(*left, depth)? + &self.path(*right, depth)?),
            ExprKind::Attribute { value, attr } => match attr.text.as_str() {
                "parent" => Some(parent(&self.path(*value, depth)?)),
                "pardir" => Some("..".to_owned()),
                _ => None,
            },
            ExprKind::Subscript { value, slice } => self.ancestor(*value, *slice, depth),
            ExprKind::Call { func, args, .. } => self.called(*func, args, depth),
            _ => None,
        }
    }

    /// `path.parents[n]`.
    fn ancestor(&self, value: ExprId, slice: ExprId, depth: u32) -> Option<String> {
        let ExprKind::Attribute { value, attr } = &self.tree.expr(value).kind else {
            return None;
        };
        let ExprKind::Int(number) = &self.tree.expr(slice).kind else {
            return None;
        };
        if attr.text != "parents" {
            return None;
        }
        let mut path = self.path(*value, depth)?;
        for _ in 0..=number.parse::<u8>().ok()? {
            path = parent(&path);
        }
        Some(path)
    }

    fn called(&self, func: ExprId, args: &[ExprId], depth: u32) -> Option<String> {
        let name = match &self.tree.expr(func).kind {
            ExprKind::Name(name) => name.as_str(),
            ExprKind::Attribute { value, attr } => {
                let name = attr.text.as_str();
                if args.is_empty() && matches!(name, "resolve" | "absolute") {
                    return self.path(*value, depth).map(|path| self.absolute(&path));
                }
                name
            }
            _ => return None,
        };
        let of = |at: usize| self.path(*args.get(at)?, depth);
        match name {
            "dirname" => Some(parent(&of(0)?)),
            "abspath" | "realpath" | "normpath" => Some(self.absolute(&of(0)?)),
            "str" | "Path" | "PurePath" | "PosixPath" | "fspath" => of(0),
            "getcwd" | "cwd" if args.is_empty() => Some(self.folder.to_owned()),
            "join" | "joinpath" => {
                let mut path = if name == "joinpath" {
                    let ExprKind::Attribute { value, .. } = &self.tree.expr(func).kind else {
                        return None;
                    };
                    self.path(*value, depth)?
                } else {
                    String::new()
                };
                for at in 0..args.len() {
                    path = joined(&path, &of(at)?);
                }
                Some(path)
            }
            _ => None,
        }
    }

    /// The value of a name that is assigned once in the file.
    fn only_value(&self, name: &str) -> Option<ExprId> {
        let mut only = None;
        for stmt in (0..self.tree.stmt_count() as u32).map(StmtId) {
            if let StmtKind::Assign { targets, value } = &self.tree.stmt(stmt).kind
                && targets.iter().any(|target| {
                    matches!(&self.tree.expr(*target).kind, ExprKind::Name(own) if own == name)
                })
                && only.replace(*value).is_some()
            {
                return None;
            }
        }
        only
    }
}

fn joined(left: &str, right: &str) -> String {
    if left.is_empty() || right.starts_with('/') {
        return right.to_owned();
    }
    format!("{}/{right}", left.trim_end_matches('/'))
}

fn parent(path: &str) -> String {
    match path.rsplit_once('/') {
        Some(("", _)) => "/".to_owned(),
        Some((folder, _)) => folder.to_owned(),
        None => String::new(),
    }
}

/// Without `.`, `..` and empty parts.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
