//! The run that is asked, and both versions of its sources.
//!
//! ```python
//! # recorded train.py (in the store)   against   train.py (in the working tree)
//! ```
//!
//! Every file of the program is compared, the entry first. Other modules of the project, which ran
//! as they are, must be as they were recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use florc_manifest::{ProgramModule, SourceFile};
use florc_semantic::files::{Files, Limits, find};
use florc_syntax::{Module, Named};

use super::renamed;
use crate::analysis;
use crate::args::ReplayArgs;
use crate::facts::RunFacts;
use crate::failure::Failure;
use crate::listing::{self, Opened, OpenedRun};
use crate::program::{self, Disk};
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

/// Both versions of the program, each linked.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) recorded: Module,
    pub(crate) current: Module,
    /// Files of the current version, the entry first.
    pub(crate) texts: Vec<Text>,
    /// Lines of the current version, by file, that are others in the working tree.
    pub(crate) lines: BTreeMap<(String, u32), u32>,
}

impl Sources {
    /// The line of the working tree that a line of the current version comes from.
    pub(crate) fn line(&self, file: &str, line: u32) -> u32 {
        let key = (file.to_owned(), line);
        self.lines.get(&key).copied().unwrap_or(line)
    }
}

/// A file of the current version.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) module: ProgramModule,
    /// Where it is now, absolute.
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// Finds the run: the one named, else the latest of the script, else the latest.
pub(crate) fn subject(args: &ReplayArgs) -> Result<Subject, Failure> {
    let meant = args.run.as_deref().and_then(listing::script);
    let script = args.script.as_deref().or(meant);
    let project = project::of(script.unwrap_or(Path::new(".")));
    let opened = listing::open(&project.store)?;
    let run = match (&args.run, script) {
        (None, Some(script)) => match opened.latest_of(&project, script) {
            Ok(run) => run,
            Err(failure) => renamed::latest_run(&opened, &project, script).ok_or(failure)?,
        },
        (name, _) => opened.find(name.as_deref())?,
    };
    of_run(opened, run, project, script)
}

/// A run, with the place of its script in the working tree.
pub(crate) fn of_run(
    opened: Opened,
    run: OpenedRun,
    project: Project,
    script: Option<&Path>,
) -> Result<Subject, Failure> {
    let mut facts = run.facts()?;
    facts.keep_what_all_ranks_have(&run.handle)?;
    let mut notes = facts.notes.iter();
    if let Some((_, why)) = notes.find(|(code, _)| code == "recording-stopped") {
        return Err(
            Failure::new(format!("this run was recorded in part only: {why}"))
                .help("record the script again"),
        );
    }
    let script = match script {
        Some(script) => std::path::absolute(script).unwrap_or_else(|_| script.to_path_buf()),
        None => match renamed::script_of(&project, &facts.manifest) {
            Some(now) => now,
            None => project.root.join(facts.file()),
        },
    };
    Ok(Subject {
        opened,
        run,
        facts,
        project,
        script,
    })
}

/// Refuses when a recorded module that ran as it is, is not what it was.
pub(crate) fn check_modules(subject: &Subject) -> Result<(), Failure> {
    let program = subject.facts.program();
    let others = subject.facts.sources.iter().filter(|source| {
        let mut files = program.iter();
        files.all(|file| file.path != source.path)
    });
    for source in others {
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
        "put it back as it was recorded; log statements can be added in the script that was run \
         and in the files that it imports, but not in this one",
    )
}

/// Reads, parses and links both versions: of the current one the files that were recorded.
pub(crate) fn sources(subject: &Subject, files: &dyn Files) -> Result<Sources, Failure> {
    let (mut current, mut texts) = (Vec::new(), Vec::new());
    for (index, module) in subject.facts.program().into_iter().enumerate() {
        let bytes = current_bytes(subject, files, index, &module)?;
        let path = subject.path_of(index, &module);
        current.push(parsed(&module, bytes.clone())?);
        texts.push(Text {
            module,
            path,
            bytes,
        });
    }
    linked(subject, current, texts)
}

/// As [`sources`], with all files that the current version imports now, and without recorded ones
/// that it does not have: code may have moved from file to file.
pub(crate) fn wide_sources(subject: &Subject, files: &dyn Files) -> Result<Sources, Failure> {
    let program = subject.facts.program();
    let mut current = Vec::new();
    let mut texts = Vec::new();
    let mut known = BTreeSet::new();
    for (index, module) in program.iter().enumerate() {
        let path = subject.path_of(index, module);
        known.insert(files.real(&path.to_string_lossy()));
        let bytes = match current_bytes(subject, files, index, module) {
            Ok(bytes) => Some(bytes),
            Err(failure) if index == 0 => return Err(failure),
            Err(_) => None,
        };
        if let Some(bytes) = &bytes {
            current.push(parsed(module, bytes.clone())?);
        }
        texts.push(Text {
            module: module.clone(),
            path,
            bytes: bytes.unwrap_or_default(),
        });
    }
    let mut entry = program::guess(&subject.script, &subject.project.root, Vec::new());
    if let Some(first) = program.first() {
        entry.package.clone_from(&first.package);
    }
    let disk = Disk::new(&subject.project.root, Vec::new());
    for file in find(&entry, files, Limits::default())
        .files
        .into_iter()
        .skip(1)
    {
        if known.insert(files.real(&file.path)) {
            let module = disk.module(&file, &entry);
            // What cannot be read runs as it is.
            current.extend(parsed(&module, file.bytes).ok());
        }
    }
    linked(subject, current, texts)
}

fn linked(subject: &Subject, current: Vec<Named>, texts: Vec<Text>) -> Result<Sources, Failure> {
    let mut recorded = Vec::with_capacity(texts.len());
    for text in &texts {
        let bytes = recorded_bytes(subject, &text.module.path)?;
        recorded.push(parsed(&text.module, bytes)?);
    }
    let none = || Failure::new("the run has no source").help("record the script again");
    Ok(Sources {
        recorded: florc_syntax::link(recorded).ok_or_else(none)?,
        current: florc_syntax::link(current).ok_or_else(none)?,
        texts,
        lines: BTreeMap::new(),
    })
}

impl Subject {
    /// Where the n-th file of the program is now.
    fn path_of(&self, index: usize, module: &ProgramModule) -> PathBuf {
        if index == 0 {
            self.script.clone()
        } else {
            self.project.root.join(&module.path)
        }
    }
}

fn current_bytes(
    subject: &Subject,
    files: &dyn Files,
    index: usize,
    module: &ProgramModule,
) -> Result<Vec<u8>, Failure> {
    if !module.excerpt.is_empty() {
        // Not the user's to edit; that it is installed as it was is the worker's to see.
        return recorded_bytes(subject, &module.path);
    }
    let path = subject.path_of(index, module);
    match files.read(&path.to_string_lossy()) {
        Some(bytes) => Ok(bytes),
        None if index > 0 => {
            let title = format!("`{}` was recorded and is not there any more", module.path);
            Err(Failure::new(title).help("put it back as it was recorded"))
        }
        // It may be on disk, in another version.
        None => Err(analysis::read(&path)
            .err()
            .unwrap_or_else(|| Failure::new(format!("`{}` is not in that version", module.path)))),
    }
}

pub(crate) fn recorded_bytes(subject: &Subject, path: &str) -> Result<Vec<u8>, Failure> {
    let mut sources = subject.facts.sources.iter();
    let Some(source) = sources.find(|source| source.path == path) else {
        return Err(
            Failure::new(format!("the source of `{path}` was not recorded"))
                .help("record the script again"),
        );
    };
    Ok(subject.run.handle.source_bytes(source)?)
}

/// A file of a version of the program.
pub(crate) fn parsed(module: &ProgramModule, bytes: Vec<u8>) -> Result<Named, Failure> {
    let file = program::decoded(module, bytes).map_err(analysis::undecodable)?;
    Ok(Named {
        name: file.name,
        package: file.package,
        module: analysis::parse(file.source)?,
        is_library: file.is_library,
    })
}
