//! Import paths and classes of values.

use super::{same, subject};

/// Renders the import path of each name and attribute on a marked line that has one.
#[track_caller]
fn qualified(source: &str, expected: &str) {
    let subject = subject(source);
    let lines = subject
        .marked_exprs()
        .into_iter()
        .filter_map(|(line, expr)| {
            let path = subject.semantics.qualified(expr)?;
            Some(format!(
                "{line} {} = {path}\n",
                subject.module.text_of_expr(expr)
            ))
        });
    same(&lines.collect::<String>(), expected);
}

/// Renders the class of each bare expression statement on a marked line.
#[track_caller]
fn types(source: &str, expected: &str) {
    let subject = subject(source);
    let lines = subject
        .marked_exprs()
        .into_iter()
        .filter_map(|(line, expr)| {
            if subject.module.tree.expr_parent(expr).is_some() {
                return None;
            }
            let class = subject.semantics.type_of(expr).unwrap_or("?".to_owned());
            Some(format!("{line} {class}\n"))
        });
    same(&lines.collect::<String>(), expected);
}

#[test]
fn imports_give_paths() {
    qualified(
        "import torch.nn as nn, os.path\nfrom torch import optim as o\nnn.Linear #?\nos.path.join #?\no.AdamW #?\nlen #?",
        "3 nn = torch.nn\n3 nn.Linear = torch.nn.Linear\n4 os = os\n4 os.path = os.path\n4 os.path.join = os.path.join\n5 o = torch.optim\n5 o.AdamW = torch.optim.AdamW\n6 len = builtins.len",
    );
}

#[test]
fn relative_imports_keep_their_dots() {
    qualified(
        "from . import a\nfrom ..b import c\na #?\nc #?",
        "3 a = .a\n4 c = ..b.c",
    );
}

#[test]
fn imports_that_differ_have_no_path() {
    qualified(
        "try: import a as x\nexcept ImportError: import b as x\nx.f #?",
        "",
    );
}

#[test]
fn a_missing_library_may_be_none() {
    qualified(
        "try: import wandb\nexcept ImportError: wandb = None\nwandb.log #?",
        "3 wandb = wandb\n3 wandb.log = wandb.log",
    );
}

#[test]
fn aliases_are_followed() {
    qualified(
        "import torch\nF = torch.nn.functional\nF.relu #?",
        "3 F = torch.nn.functional\n3 F.relu = torch.nn.functional.relu",
    );
}

#[test]
fn shadowed_and_patched_names_have_no_path() {
    qualified("import time\ndef f(time): time.time #?", "");
    qualified(
        "import time\ntime.time = fake\ntime.time() #?\ntime.sleep #?",
        "3 time = time\n4 time = time\n4 time.sleep = time.sleep",
    );
}

#[test]
fn constructors_give_types() {
    types(
        "import torch\nclass Net: pass\nopt = torch.optim.AdamW(p)\nopt #?\nnet = Net()\nnet #?\n[] #?\ntorch.zeros(3) #?",
        "4 torch.optim.AdamW\n6 __main__.Net\n7 builtins.list\n8 ?",
    );
}

#[test]
fn all_definitions_must_agree() {
    types(
        "from torch.optim import SGD, Adam\nif a: x = SGD(p)\nelse: x = Adam(p)\nx #?\ny = None\nif a: y = SGD(p)\ny #?\nz = SGD(p) if a else SGD(q)\nz #?\nw = SGD(p)\nw += 1\nw #?",
        "4 ?\n7 torch.optim.SGD\n9 torch.optim.SGD\n12 ?",
    );
}

#[test]
fn modules_return_themselves() {
    types(
        "from torch import nn\nclass Net(nn.Module): pass\nclass Odd(nn.Module):\n    def to(self, d): return 1\nnet = Net().to(d)\nnet = net.cuda()\nnet #?\nnn.Linear(1, 2).eval() #?\nOdd().to(d) #?",
        "7 __main__.Net\n8 torch.nn.Linear\n9 ?",
    );
}

#[test]
fn tuples_pair_up() {
    types(
        "from m import A, B\na, b = A(), B()\na #?\nb #?\na2, b2 = f()\na2 #?",
        "3 m.A\n4 m.B\n6 ?",
    );
}

#[test]
fn attributes_have_types() {
    types(
        "from torch.optim import Adam\nclass T:\n    def __init__(self, p):\n        self.opt = Adam(p)\n        self.best = None\n        self.p = p\n    def fit(self):\n        self #?\n        self.opt #?\n        self.p #?\n        self.best #?\nt = T(1)\nt.opt #?",
        "8 __main__.T\n9 torch.optim.Adam\n10 ?\n11 ?\n13 torch.optim.Adam",
    );
}

#[test]
fn attributes_are_shared_by_a_family() {
    types(
        "from m import A, B\nclass P:\n    def __init__(self): self.x = A()\n    def f(self):\n        self.x #?\nclass Q(P):\n    def __init__(self): self.x = B()\nclass R:\n    def __init__(self):\n        self.x = A()\n        self.x #?",
        "5 ?\n11 m.A",
    );
}

#[test]
fn stores_from_outside_count() {
    types(
        "from m import A, B\nclass P:\n    def __init__(self): self.x = A()\n    def f(self):\n        self.x #?\nP().x = B()",
        "5 ?",
    );
    types(
        "from m import A\nclass P:\n    def __init__(self, k): self.x = A(); setattr(self, k, 1)\n    def f(self):\n        self.x #?",
        "5 ?",
    );
}

#[test]
fn static_methods_have_no_self() {
    types(
        "class A:\n    @staticmethod\n    def f(x):\n        x #?\n    @classmethod\n    def g(cls):\n        cls #?",
        "4 ?\n7 ?",
    );
}

#[test]
fn dynamic_modules_have_no_types() {
    types("from m import A\nx = A()\nexec('')\nx #?", "4 ?");
}

#[test]
fn attribute_types_and_bases_can_be_asked_for() {
    let subject = subject(
        "from torch import nn\nclass P(nn.Module): pass\nclass Q(P):\n    def __init__(self): self.l = nn.Linear(1, 2)",
    );
    let class = subject.semantics.function(crate::FunctionId(1)).class;
    let class = class.unwrap_or_else(|| panic!("a method"));
    assert_eq!(
        subject.semantics.attribute_type(class, "l").as_deref(),
        Some("torch.nn.Linear")
    );
    assert_eq!(
        subject.semantics.library_bases(class),
        Some(vec!["torch.nn.Module".to_owned()])
    );
    assert_eq!(subject.semantics.module_bases(class).len(), 1);
}
