//! What `cargo metadata` says of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::process::{capture, command, stdout};

/// Direct dependencies of each workspace crate, without dev- and build-dependencies.
pub(crate) fn dependencies(root: &Path) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let output =
        capture(command("cargo", root).args(["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&stdout(&output))
        .map_err(|e| format!("cargo metadata printed no JSON: {e}"))?;
    let mut crates = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let uses = package["dependencies"].as_array().into_iter().flatten();
        let names = uses
            .filter(|d| d["kind"].is_null())
            .filter_map(|d| d["name"].as_str());
        let name = package["name"].as_str().unwrap_or_default().to_owned();
        crates.insert(name, names.map(str::to_owned).collect());
    }
    Ok(crates)
}
