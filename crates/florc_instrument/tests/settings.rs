//! What the settings of a project change in the plan.
//!
//! ```python
//! # main-loop = "train.py:seed/epoch"
//! ```
//!
//! The same wishes as comments are tested in `fixtures/mdtest/diagnostics/`.

use florc_instrument::{Instrumented, Options, check, instrument};
use florc_manifest::Settings;
use florc_syntax::SourceText;

const SCRIPT: &str = "\
state = {'x': 0}
for seed in range(2):
    for epoch in range(3):
        for batch in range(4):
            state.update(y=batch)
        print(state)
";

#[track_caller]
fn with(settings: Settings) -> Instrumented {
    let source = SourceText::from_bytes("src/train.py", SCRIPT.into()).expect("UTF-8");
    let options = Options {
        settings,
        ..Options::default()
    };
    instrument(source, &options).expect("valid Python")
}

fn names(name: &str) -> Vec<String> {
    vec![name.to_owned()]
}

#[test]
fn the_main_loop_is_the_named_one() {
    let settings = Settings {
        main_loop: names("train.py:seed/epoch"),
        ..Settings::default()
    };
    let manifest = with(settings).manifest;
    assert_eq!(manifest.main_loops[0].id, "src/train.py:seed/epoch");
    assert_eq!(manifest.skip_blocks[0].id, "src/train.py:seed/epoch/batch");
}

#[test]
fn a_named_loop_is_left_alone() {
    let settings = Settings {
        main_loop: names("train.py:seed/epoch"),
        no_skip: names("src/train.py:seed/epoch/batch"),
        ..Settings::default()
    };
    let manifest = with(settings).manifest;
    assert!(manifest.skip_blocks.is_empty());
    assert_eq!(manifest.uninstrumented[0].code, "no-skip");
}

#[test]
fn a_loop_that_is_not_there_is_told() {
    let settings = Settings {
        main_loop: names("train.py:epoch"),
        skip: names("other.py:epoch"),
        ..Settings::default()
    };
    let codes: Vec<&str> = with(settings)
        .diagnostics
        .iter()
        .map(|it| it.code)
        .collect();
    assert!(codes.contains(&"unknown-loop"), "{codes:?}");
    assert_eq!(
        codes.iter().filter(|code| **code == "unknown-loop").count(),
        1
    );
}

#[test]
fn ignored_codes_are_not_told() {
    let settings = Settings {
        main_loop: names("train.py:epoch"),
        ignore: names("unknown-loop"),
        ..Settings::default()
    };
    let found = with(settings).diagnostics;
    assert!(found.iter().all(|it| it.code != "unknown-loop"));
}

#[test]
fn described_functions_are_known() {
    let table = serde_json::json!({"packages": "engine", "functions": [{"names": "engine.look"}]});
    let settings = Settings {
        effects: Some(table),
        ..Settings::default()
    };
    let script = "import engine\nimport numpy as np\nw = np.zeros(4)\nfor epoch in range(3):\n    \
                  w -= 0.1 * np.ones(4)\n    engine.look(w)\n";
    let source = SourceText::from_bytes("train.py", script.into()).expect("UTF-8");
    let unknown = |settings| {
        let options = Options {
            settings,
            ..Options::default()
        };
        let found = check(source.clone(), &options).expect("valid Python");
        found.iter().any(|it| it.code == "opaque-call")
    };
    assert!(unknown(Settings::default()));
    assert!(!unknown(settings), "engine.look is described");
}
