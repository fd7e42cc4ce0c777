//! Which files a program has.

use std::collections::BTreeMap;

use crate::files::{Entry, Files, LeftOut, Limits, find};

struct Memory(BTreeMap<&'static str, &'static str>);

impl Files for Memory {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.0.get(path).map(|text| text.as_bytes().to_vec())
    }

    fn is_file(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    fn is_folder(&self, path: &str) -> bool {
        self.0
            .keys()
            .any(|file| file.starts_with(&format!("{path}/")))
    }

    fn real(&self, path: &str) -> String {
        path.replace("/link/", "/p/")
    }

    fn is_own(&self, real: &str) -> bool {
        real.starts_with("/p/")
    }
}

/// `entry`: the path of the entry, and its package.
#[track_caller]
fn check(entry: (&str, &str), files: &[(&'static str, &'static str)], expected: &str) {
    check_with(
        entry,
        &["/site", "/lib"],
        Limits::default(),
        files,
        expected,
    );
}

#[track_caller]
fn check_with(
    (path, package): (&str, &str),
    more: &[&str],
    limits: Limits,
    files: &[(&'static str, &'static str)],
    expected: &str,
) {
    let own = if package.is_empty() {
        path.rsplit_once('/').unwrap().0
    } else {
        "/p"
    };
    let entry = Entry {
        path: path.to_owned(),
        package: package.to_owned(),
        search: [own]
            .iter()
            .chain(more)
            .map(|it| (*it).to_owned())
            .collect(),
        folder: "/p".to_owned(),
        taken: ["time".to_owned()].into(),
    };
    let found = find(&entry, &Memory(files.iter().copied().collect()), limits);
    let word = |reason| match reason {
        LeftOut::Unreadable => "unreadable",
        LeftOut::SeveralNames => "several names",
        LeftOut::Ambiguous => "ambiguous",
        LeftOut::TooMuch => "too much",
    };
    let files = found.files.iter().skip(1);
    let mut shown: Vec<String> = files
        .map(|file| format!("{}={}", file.name, file.path))
        .collect();
    let left = found.left_out.iter();
    shown.extend(left.map(|(name, reason)| format!("{name}: {}", word(*reason))));
    assert_eq!(shown.join(", "), expected);
}

#[test]
fn imports_are_followed() {
    check(
        ("/p/t.py", ""),
        &[
            (
                "/p/t.py",
                "import torch, a\ndef f():\n    from b import x\n",
            ),
            ("/p/a.py", "import c.d as e"),
            ("/p/b.py", "import a"),
            ("/p/c/__init__.py", ""),
            ("/p/c/d.py", "import time"),
            ("/p/time.py", ""),
            ("/lib/torch/__init__.py", "import a.b"),
        ],
        "a=/p/a.py, b=/p/b.py, c=/p/c/__init__.py, c.d=/p/c/d.py",
    );
}

#[test]
fn relative_imports_start_from_the_package() {
    let files = [
        ("/p/k/__init__.py", "from .x import X"),
        (
            "/p/k/t.py",
            "from . import y\nfrom .s.z import f\nfrom .. import out",
        ),
        ("/p/k/x.py", ""),
        ("/p/k/y.py", ""),
        ("/p/k/s/z.py", "from ..x import X\nfrom ... import out\n"),
    ];
    check(
        ("/p/k/t.py", "k"),
        &files,
        "k=/p/k/__init__.py, k.y=/p/k/y.py, k.s.z=/p/k/s/z.py, k.x=/p/k/x.py",
    );
    check(("/p/k/t.py", ""), &files, "");
}

#[test]
fn a_package_goes_before_a_module_and_installed_ones_are_not_taken() {
    check(
        ("/p/t.py", ""),
        &[
            ("/p/t.py", "import a, b, n.m"),
            ("/p/a.py", ""),
            ("/p/a/__init__.py", ""),
            ("/site/b.py", ""),
            ("/p/n/m.py", ""),
        ],
        "a=/p/a/__init__.py, n.m=/p/n/m.py",
    );
}

#[test]
fn loops_of_libraries_belong_to_programs_that_use_them() {
    let library = (
        "/site/transformers/trainer.py",
        "class Trainer:\n def _inner_training_loop(self): ...",
    );
    let with = |text| {
        let files = [("/p/t.py", "import a"), ("/p/a.py", text), library];
        let entry = ("/p/t.py", "");
        move |expected| check(entry, &files, expected)
    };
    let found = "a=/p/a.py, transformers.trainer=/site/transformers/trainer.py";
    with("from transformers import Trainer")(found);
    with("import trl\ntrl.SFTTrainer(model)")(found);
    with("from transformers import AutoModel")("a=/p/a.py");
    with("class Trainer: ...")("a=/p/a.py");
    for text in ["class Trainer: ...", "class Trainer: def"] {
        let files = [
            ("/p/t.py", "from transformers import Trainer"),
            (library.0, text),
        ];
        check(("/p/t.py", ""), &files, "");
    }
    // A copy in the project is a file like others.
    let own = [
        ("/p/t.py", "from transformers.trainer import Trainer"),
        ("/p/transformers/trainer.py", ""),
    ];
    check(
        ("/p/t.py", ""),
        &own,
        "transformers.trainer=/p/transformers/trainer.py",
    );
}

#[test]
fn edits_of_the_path_are_seen() {
    let files = [
        (
            "/p/s/t.py",
            "import sys, os\nsys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))\nimport a, b, c, d\n",
        ),
        (
            "/p/lib/a.py",
            "from pathlib import Path\nROOT = Path(__file__).resolve().parents[1]\nsys.path.insert(0, str(ROOT / 'src'))",
        ),
        ("/p/src/b.py", "sys.path += ['more']"),
        ("/p/more/c.py", "sys.path.insert(0, somewhere())"),
        ("/p/x/d.py", ""),
    ];
    check(
        ("/p/s/t.py", ""),
        &files,
        "a=/p/lib/a.py, b=/p/src/b.py, c=/p/more/c.py",
    );
}

#[test]
fn what_depends_on_the_moment_is_left_out() {
    let files = [
        ("/p/s/t.py", "import a\nsys.path.insert(0, '/p')\nimport b"),
        ("/p/s/a.py", ""),
        ("/p/a.py", ""),
        ("/p/b.py", ""),
    ];
    check(("/p/s/t.py", ""), &files, "b=/p/b.py, a: ambiguous");
}

#[test]
fn one_file_of_several_names_is_left_out() {
    let files = [
        (
            "/p/k/t.py",
            "import u, k.u\nsys.path.append('/p')\nimport k.t, v",
        ),
        ("/p/k/u.py", ""),
        ("/p/k/v.py", "import t"),
    ];
    check(
        ("/p/k/t.py", ""),
        &files,
        "v=/p/k/v.py, /p/k/u.py: several names",
    );
}

#[test]
fn what_cannot_be_parsed_and_what_is_too_much_is_left_out() {
    let files = [
        ("/p/t.py", "import a, b, c"),
        ("/p/a.py", "print 1"),
        ("/p/b.py", ""),
        ("/p/c.py", ""),
    ];
    check(
        ("/p/t.py", ""),
        &files,
        "b=/p/b.py, c=/p/c.py, /p/a.py: unreadable",
    );
    let few = Limits {
        files: 2,
        bytes: 1 << 20,
    };
    check_with(
        ("/p/t.py", ""),
        &[],
        few,
        &files,
        "b=/p/b.py, /p/a.py: unreadable, /p/c.py: too much",
    );
    let small = Limits {
        files: 9,
        bytes: 10,
    };
    check_with(
        ("/p/t.py", ""),
        &[],
        small,
        &files[..2],
        "/p/a.py: too much",
    );
}
