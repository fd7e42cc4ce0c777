//! The main loops of the fixture scripts change what they are known to change.

use super::Analysed;

/// Every fixture's region is printed on failure; all of `wanted` must be bound or mutated.
#[track_caller]
fn covers(script: &str, function: &str, wanted: &[&str]) {
    let path = format!(
        "{}/../../fixtures/scripts/{script}/train.py",
        env!("CARGO_MANIFEST_DIR")
    );
    let Ok(source) = std::fs::read_to_string(&path) else {
        panic!("no fixture {path}")
    };
    let analysed = Analysed::of(&source);
    let effect = analysed.region(function);
    let shown = analysed.render(&effect);
    let all: Vec<&str> = shown
        .lines()
        .filter(|line| line.starts_with("bound:") || line.starts_with("mutated:"))
        .flat_map(|line| line.split_whitespace().skip(1))
        .collect();
    let missed: Vec<&&str> = wanted.iter().filter(|name| !all.contains(name)).collect();
    assert!(missed.is_empty(), "missed {missed:?} in {script}:\n{shown}");
    println!("{script}\n{shown}");
}

#[test]
fn digits() {
    covers("digits", "", &["model", "optimizer", "scheduler"]);
}
#[test]
fn gan() {
    covers(
        "gan",
        "",
        &[
            "generator",
            "discriminator",
            "optimizer_G",
            "optimizer_D",
            "g_losses",
        ],
    );
}
#[test]
fn dqn() {
    covers(
        "dqn",
        "",
        &[
            "env",
            "policy",
            "target",
            "optimizer",
            "buffer",
            "rng",
            "returns",
            "total_steps",
        ],
    );
}
#[test]
fn helper_mutation() {
    covers(
        "helper_mutation",
        "main",
        &[
            "weights",
            "alias",
            "state",
            "metrics",
            "recent",
            "window",
            "points",
            "bump",
            "GLOBAL_STEPS",
            "Meter",
            "record",
        ],
    );
}
#[test]
fn trainer_class() {
    covers("trainer_class", "Trainer.fit", &["self"]);
}
#[test]
fn numpy_mlp() {
    covers("numpy_mlp", "", &[]);
}
#[test]
fn char_gpt() {
    covers("char_gpt", "", &["model", "optimizer"]);
}
#[test]
fn argparse_main() {
    covers(
        "argparse_main",
        "main",
        &["model", "optimizer", "scheduler"],
    );
}
