//! `florc hook`: a post-commit hook that tells what a commit means for recorded runs.
//!
//! ```python
//! # git commit …      then:  + 42  print(norm(model)) …  run 20261126-… lacks 1 log statement
//! ```
//!
//! Writes into the folder where git looks for hooks (`core.hooksPath` counts). A hook that is there
//! already is kept beside it, and runs first. Nothing else of the repository is touched.

use std::path::{Path, PathBuf};

use crate::args::{HookAction, HookArgs};
use crate::failure::Failure;
use crate::{DONE, out};

/// Known by this line.
const MARK: &str = "# florc: what the log statements of a commit mean for recorded runs";
/// What the hook that was there is called.
const BEFORE: &str = "post-commit.before-florc";

/// The hook. It never fails a commit, and is silent where nothing that runs differs.
const HOOK: &str = r#"#!/bin/sh
# florc: what the log statements of a commit mean for recorded runs
# written by `florc hook install`; `florc hook uninstall` takes it away
before="$(dirname "$0")/post-commit.before-florc"
if [ -x "$before" ]; then "$before" "$@"; fi
if command -v florc >/dev/null 2>&1 && git rev-parse -q --verify HEAD~1 >/dev/null; then
    florc diff-logs HEAD~1 HEAD --quiet || true
fi
exit 0
"#;

/// Installs or uninstalls.
pub(crate) fn hook(args: &HookArgs) -> Result<i32, Failure> {
    let folder = florc_history::hooks_folder(Path::new(".")).ok_or_else(|| {
        Failure::new("this is not in a git repository").help("run it in the repository's folder")
    })?;
    match args.action {
        HookAction::Install => install(&folder),
        HookAction::Uninstall => uninstall(&folder),
    }
}

fn install(folder: &Path) -> Result<i32, Failure> {
    let file = folder.join("post-commit");
    std::fs::create_dir_all(folder).map_err(|error| Failure::io("create", folder, &error))?;
    if file.symlink_metadata().is_ok() && !is_ours(&file) {
        let kept = folder.join(BEFORE);
        if kept.symlink_metadata().is_ok() {
            return Err(
                Failure::new(format!("`{}` is there already", kept.display()))
                    .help("it is the hook from before florc; move it away first"),
            );
        }
        std::fs::rename(&file, &kept).map_err(|error| Failure::io("move", &file, &error))?;
        out::note(&format!(
            "florc: the hook that was there is `{}` now, and runs first",
            kept.display()
        ));
    }
    std::fs::write(&file, HOOK).map_err(|error| Failure::io("write", &file, &error))?;
    executable(&file)?;
    out::note(&format!("florc: wrote `{}`", file.display()));
    Ok(DONE)
}

fn uninstall(folder: &Path) -> Result<i32, Failure> {
    let file = folder.join("post-commit");
    if !is_ours(&file) {
        return Err(
            Failure::new(format!("`{}` is not a hook of florc", file.display()))
                .help("nothing was changed"),
        );
    }
    std::fs::remove_file(&file).map_err(|error| Failure::io("remove", &file, &error))?;
    let kept: PathBuf = folder.join(BEFORE);
    if kept.symlink_metadata().is_ok() {
        std::fs::rename(&kept, &file).map_err(|error| Failure::io("move", &kept, &error))?;
    }
    out::note(&format!(
        "florc: removed its hook from `{}`",
        folder.display()
    ));
    Ok(DONE)
}

fn is_ours(file: &Path) -> bool {
    std::fs::read_to_string(file).is_ok_and(|text| text.lines().any(|line| line == MARK))
}

#[cfg(unix)]
fn executable(file: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(file, mode).map_err(|error| Failure::io("write", file, &error))
}

#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems have modes that can fail"
)]
fn executable(_: &Path) -> Result<(), Failure> {
    Ok(())
}
