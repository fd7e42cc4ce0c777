//! Call graph and escaping functions.

use super::{same, subject};
use crate::Callee;

/// Renders the callee of each call on a marked line.
#[track_caller]
fn check(source: &str, expected: &str) {
    let subject = subject(source);
    let lines = subject
        .marked_exprs()
        .into_iter()
        .filter_map(|(line, expr)| {
            let callee = match &subject.semantics.callee(expr)?.callee {
                Callee::Functions(functions) => {
                    let names: Vec<&str> =
                        functions.iter().map(|id| subject.function(*id)).collect();
                    format!("[{}]", names.join(" "))
                }
                Callee::Library(path) => path.clone(),
                Callee::Method { receiver, name } => {
                    format!("{} . {name}", subject.module.text_of_expr(*receiver))
                }
                Callee::Unknown => "?".to_owned(),
            };
            Some(format!("{line} {callee}\n"))
        });
    same(&lines.collect::<String>(), expected);
}

#[track_caller]
fn escaping(source: &str, expected: &str) {
    let subject = subject(source);
    let names = subject
        .semantics
        .escaping_functions()
        .iter()
        .map(|id| subject.function(*id));
    same(&names.collect::<Vec<_>>().join("\n"), expected);
}

#[test]
fn names_call_functions() {
    check(
        "def f(): pass\ng = lambda: 0\nh = f\nf() #?\ng() #?\nh() #?\n(lambda: 1)() #?\nprint() #?\nx() #?\nx()() #?",
        "4 [f]\n5 [<lambda>]\n6 [f]\n7 [<lambda>]\n8 builtins.print\n9 ?\n10 ?\n10 ?",
    );
}

#[test]
fn several_definitions_are_all_called() {
    check(
        "if a:\n    def f(): pass\nelse:\n    def f(): pass\nf() #?\nfrom m import g\ng() #?\nif a:\n    def g(): pass",
        "5 [f f]\n7 ?",
    );
}

#[test]
fn parameters_are_unknown() {
    check(
        "def f(g, m):\n    g() #?\n    m.step() #?",
        "2 ?\n3 m . step",
    );
}

#[test]
fn decorators_may_replace_functions() {
    check(
        "import torch\n@torch.no_grad()\ndef f(): pass\n@cached\ndef g(): pass\nf() #?\ng() #?",
        "6 [f]\n7 ?",
    );
}

#[test]
fn methods_of_self_and_of_instances() {
    check(
        "class T:\n    def __init__(self): self.step() #?\n    def step(self): pass\nclass U(T):\n    def step(self): super().step() #?\nt = T() #?\nt.step() #?\nU().step() #?\nT.step(t) #?\nt.other() #?",
        "2 [T.step U.step]\n5 builtins.super\n5 [T.step]\n6 [T.__init__]\n7 [T.step U.step]\n8 [T.__init__]\n8 [U.step]\n9 [T.step]\n10 t . other",
    );
}

#[test]
fn library_bases_hide_methods() {
    check(
        "from m import Base\nclass T(Base):\n    def f(self):\n        self.g() #?\n        self.f() #?\n        super().f() #?\nT() #?",
        "4 self . g\n5 [T.f]\n6 builtins.super\n6 super() . f\n7 ?",
    );
}

#[test]
fn replaced_methods_are_not_trusted() {
    check(
        "class T:\n    def f(self): pass\nt = T()\nt.f = g\nt.f() #?",
        "5 t . f",
    );
}

#[test]
fn torch_modules_run_forward() {
    check(
        "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x): pass\nnet = Net().to(d) #?\nnet(x) #?",
        "4 []\n4 Net() . to\n5 [Net.forward]",
    );
    check(
        "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x): pass\nnet = Net()\nnet.register_forward_hook(f)\nnet(x) #?",
        "6 net . __call__",
    );
}

#[test]
fn instances_with_call() {
    check(
        "class F:\n    def __call__(self): pass\nf = F()\nf() #?",
        "4 [F.__call__]",
    );
}

#[test]
fn dataclasses_run_post_init() {
    check(
        "from dataclasses import dataclass, field\n@dataclass\nclass A:\n    x: int = 0\n    def __post_init__(self): pass\nA() #?\n@dataclass\nclass B:\n    x: list = field(default_factory=f)\nB() #?",
        "6 [A.__post_init__]\n10 ?",
    );
}

#[test]
fn dynamic_modules_call_anything() {
    check("def f(): pass\nf() #?\nexec('')", "2 ?");
}

#[test]
fn constructed_classes_are_known() {
    let subject = subject("class A: pass\na = A() #?");
    let calls = subject.semantics.calls();
    assert!(subject.semantics.constructed_class(calls[0].expr).is_some());
}

#[test]
fn components_come_callees_first() {
    let subject = subject(
        "def main():\n    a()\ndef a():\n    b()\ndef b():\n    a(); c()\ndef c(): pass\nmain()",
    );
    let names = subject.semantics.sccs().into_iter().map(|component| {
        let names: Vec<&str> = component.iter().map(|id| subject.function(*id)).collect();
        names.join(" ")
    });
    same(
        &names.collect::<Vec<_>>().join("\n"),
        "c\na b\nmain\nmodule",
    );
}

#[test]
fn functions_used_as_values_escape() {
    escaping(
        "def key(x): pass\ndef main(): pass\nsorted(xs, key=key)\nmain()",
        "key",
    );
    escaping(
        "f = lambda x: x\nf(1)\nsorted(xs, key=lambda x: x)\ng = h = lambda: 0",
        "<lambda>\n<lambda>",
    );
}

#[test]
fn methods_generators_and_decorated_functions_escape() {
    escaping(
        "class A:\n    def m(self): pass\ndef g(): yield\nasync def h(): pass\n@d\ndef i(): pass\ndef j(): pass",
        "A.m\ng\nh\ni",
    );
}

#[test]
fn everything_escapes_where_names_are_looked_up() {
    escaping("def f(): pass\nglobals()", "f");
}
