//! `florc diff-logs`: log statements that two versions do not share, and what recorded runs lack.
//!
//! ```python
//! # florc diff-logs HEAD~1
//! print(norm(model))      # + added; run 20261126-… lacks it: epochs 0 to 7, about 2 s
//! ```
//!
//! Versions come from git, comparing is `florc_history`'s, costs come from the replay's own plan.
//! Nothing is checked out, run or written.

mod file;
mod lines;
mod moved;
mod report;
mod runs;

use std::path::Path;

use florc_history::{RevisionError, Revisions, Side};

use self::report::Report;
use crate::args::{DiffFormat, DiffLogsArgs};
use crate::failure::Failure;
use crate::{DONE, FINDINGS, out, project};

/// Compares; exit code 1 with `--exit-code` where something differs that matters.
pub(crate) fn diff_logs(args: &DiffLogsArgs) -> Result<i32, Failure> {
    let here = Path::new(".");
    let project = project::of(here);
    let report = match Revisions::discover(here) {
        Ok(revisions) => between(args, &project, &revisions)?,
        Err(RevisionError::NoRepository) if args.revisions.is_empty() && !args.staged => {
            // Without git the recorded runs are what the working tree is compared with.
            let runs::Lacking { runs, older } = runs::of_working_tree(&project, args.runs)?;
            Report {
                runs,
                older,
                without_git: true,
                ..Report::default()
            }
        }
        Err(error) => {
            let help = "without a repository, call it without revisions: the working tree is compared with the recorded runs";
            return Err(Failure::new(error.to_string()).help(help));
        }
    };
    if args.quiet && report.is_quiet() {
        return Ok(DONE);
    }
    match args.format {
        DiffFormat::Text => out::text(&lines::text(&report))?,
        DiffFormat::Json => out::json(&report.json())?,
        DiffFormat::Github => out::text(&lines::github(&report))?,
        DiffFormat::Markdown => out::text(&lines::markdown(&report))?,
    }
    let found = args.exit_code && report.matters();
    Ok(if found { FINDINGS } else { DONE })
}

/// The versions that are meant.
fn sides(args: &DiffLogsArgs, revisions: &Revisions) -> Result<(Side, Side), Failure> {
    let mut names: Vec<String> = Vec::new();
    for name in &args.revisions {
        match name.split_once("..") {
            Some((old, new)) if args.revisions.len() == 1 => {
                let or_head = |name: &str| if name.is_empty() { "HEAD" } else { name }.to_owned();
                let (old, since) = (or_head(old), new.strip_prefix('.'));
                let new = or_head(since.unwrap_or(new));
                // `A...B`: what B did since both went apart
                let old = match since {
                    Some(_) => revisions.merge_base(&old, &new).map_err(told)?,
                    None => old,
                };
                names.extend([old, new]);
            }
            _ => names.push(name.clone()),
        }
    }
    if args.staged && names.is_empty() {
        names.extend(pushed().into_iter().flatten());
        if let [old, new] = names.as_slice() {
            return Ok((Side::Revision(old.clone()), Side::Revision(new.clone())));
        }
    }
    let old = Side::Revision(names.first().cloned().unwrap_or_else(|| "HEAD".to_owned()));
    let new = match (names.get(1), args.staged) {
        (Some(_), true) => {
            return Err(
                Failure::new("`--staged` compares one revision with what is staged")
                    .help("leave out the second revision, or `--staged`"),
            );
        }
        (Some(name), false) => Side::Revision(name.clone()),
        (None, true) => Side::Index,
        (None, false) => Side::WorkTree,
    };
    Ok((old, new))
}

/// What a hook of pre-commit is to look at before a push: nothing is staged then.
fn pushed() -> Option<[String; 2]> {
    let of = |name: &str| std::env::var(name).ok().filter(|it| !it.is_empty());
    Some([of("PRE_COMMIT_FROM_REF")?, of("PRE_COMMIT_TO_REF")?])
}

fn between(
    args: &DiffLogsArgs,
    project: &project::Project,
    revisions: &Revisions,
) -> Result<Report, Failure> {
    let (old, new) = sides(args, revisions)?;
    let changed = revisions.changed(&old, &new).map_err(told)?;
    let settings = crate::settings::of(Path::new(".")).told();
    let files = file::compare(&changed, &settings);
    let paths = changed.iter().flat_map(|it| [&it.old_path, &it.new_path]);
    let touched: Vec<&str> = paths.flatten().map(String::as_str).collect();
    let runs::Lacking { runs, older } = if files.iter().any(file::FileReport::has_new_logs) {
        runs::of_side(project, revisions, &new, &touched, args.runs)?
    } else {
        runs::Lacking::default()
    };
    Ok(Report {
        old: shown(&old),
        new: shown(&new),
        files,
        runs,
        older,
        without_git: false,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "given to `map_err`")]
fn told(error: RevisionError) -> Failure {
    let help = match &error {
        RevisionError::Unknown(_) => "`git log --oneline` lists commits",
        RevisionError::Bare => "name two revisions",
        RevisionError::NoRepository | RevisionError::Git(_) => "see `git status`",
    };
    Failure::new(error.to_string()).help(help)
}

fn shown(side: &Side) -> String {
    match side {
        Side::Revision(name) => name.clone(),
        Side::Index => "what is staged".to_owned(),
        Side::WorkTree => "the working tree".to_owned(),
    }
}
