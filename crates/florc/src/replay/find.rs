//! The run that is asked, and both versions of its sources.
//!
//! ```python
//! # recorded train.py (in the store)   against   train.py (in the working tree)
//! ```
//!
//! Every other project module must be as it was recorded: probes are carried in the entry script
//! only.

use std::path::{Path, PathBuf};

use florc_manifest::SourceFile;
use florc_runtime::StoreErrorKind;
use florc_syntax::Module;

use crate::analysis;
use crate::args::ReplayArgs;
use crate::facts::RunFacts;
use crate::failure::Failure;
use crate::listing::{self, Opened, OpenedRun};
use crate::project::{self, Project};

/// The run and where its project is now.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) opened: Opened,
    pub(crate) run: OpenedRun,
    pub(crate) facts: RunFacts,
    pub(crate) project: Project,
    /// The entry source in the working tree, absolute.
    pub(crate) script: PathBuf,
}

/// Both versions of the entry source.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) recorded: Module,
    pub(crate) current: Module,
}

/// Finds the run: the one named, else the latest of the script, else the latest.
pub(crate) fn subject(args: &ReplayArgs) -> Result<Subject, Failure> {
    let near = args.script.as_deref().unwrap_or(Path::new("."));
    let project = project::of(near);
    let opened = listing::open(&project.store)?;
    let run = match (&args.run, &args.script) {
        (None, Some(script)) => latest_of(&opened, &analysis::relative(&project, script))?,
        (name, _) => opened.find(name.as_deref())?,
    };
    let facts = run.facts()?;
    let mut notes = facts.notes.iter();
    if let Some((_, why)) = notes.find(|(code, _)| code == "recording-stopped") {
        return Err(
            Failure::new(format!("this run was recorded in part only: {why}"))
                .help("record the script again"),
        );
    }
    let script = match &args.script {
        Some(script) => std::path::absolute(script).unwrap_or_else(|_| script.clone()),
        None => project.root.join(facts.file()),
    };
    Ok(Subject {
        opened,
        run,
        facts,
        project,
        script,
    })
}

fn latest_of(opened: &Opened, script: &str) -> Result<OpenedRun, Failure> {
    match opened.store.latest(Some(script)) {
        Ok(handle) => Ok(OpenedRun { handle }),
        Err(error) if error.kind == StoreErrorKind::Missing => {
            // A manifest that cannot be read may be the one that is meant.
            for run in opened.store.runs()? {
                run.manifest()?;
            }
            Err(error.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Refuses when a recorded module other than the entry script is not what it was.
pub(crate) fn check_modules(subject: &Subject) -> Result<(), Failure> {
    let entry = subject.facts.file();
    for source in subject
        .facts
        .sources
        .iter()
        .filter(|source| source.path != entry)
    {
        let path = subject.project.root.join(&source.path);
        let recorded = subject.run.handle.source_bytes(source)?;
        match std::fs::read(&path) {
            Ok(bytes) if bytes == recorded => {}
            Ok(_) => return Err(changed(source, "was changed since the run")),
            Err(_) => return Err(changed(source, "was recorded and is not there any more")),
        }
    }
    Ok(())
}

fn changed(source: &SourceFile, how: &str) -> Failure {
    Failure::new(format!("`{}` {how}", source.path)).help(
        "put it back as it was recorded; log statements can be added in the script that was run",
    )
}

/// Reads and parses both versions of the entry source.
pub(crate) fn sources(subject: &Subject) -> Result<Sources, Failure> {
    let name = subject.facts.file().to_owned();
    let source = subject
        .facts
        .sources
        .iter()
        .find(|source| source.path == name);
    let Some(source) = source else {
        return Err(
            Failure::new(format!("the source of `{name}` was not recorded"))
                .help("record the script again"),
        );
    };
    let bytes = subject.run.handle.source_bytes(source)?;
    let recorded = analysis::parse(analysis::decode(format!("{name} (recorded)"), bytes)?)?;
    let current = analysis::read(&subject.script)?;
    let current = analysis::parse(analysis::decode(name, current)?)?;
    Ok(Sources { recorded, current })
}
