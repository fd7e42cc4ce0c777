//! `florc replay --fork epoch=7`: what if the code had been another one from there on?
//!
//! ```python
//! lr = 0.01      # edited; epoch 7 begins in the recorded state, and a new run is recorded
//! ```
//!
//! Checks that a checkpoint holds what the edited program needs, then becomes the Python process of the
//! new run. What is put back stays as it was recorded, whatever the edits say: the state, not the
//! code, of that moment.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use florc_manifest::{
    CheckpointRecord, CutKey, HeadKey, MainLoopSite, ModuleManifest, Parent, Root,
};
use serde_json::json;

use super::changes::Analysed;
use super::find::{self, Subject};
use super::fork_edits;
use super::probed::lacking;
use crate::args::ReplayArgs;
use crate::facts::RunFacts;
use crate::failure::Failure;
use crate::program::Disk;
use crate::{HostPython, out, run, segment_processes};

/// Does not come back when all is well.
pub(super) fn fork(
    args: &ReplayArgs,
    at: &str,
    subject: &Subject,
    host: &HostPython,
) -> Result<i32, Failure> {
    let manifest = &subject.facts.manifest;
    let parent = parent(subject, at)?;
    let edited = Edited::read(subject)?;
    check(subject, &parent, &edited)?;
    fork_edits::warn(
        subject,
        &edited,
        &format!("{}={}", parent.label, parent.position),
    );
    let python = super::interpreter(args.how.python.as_deref(), manifest, host)?;
    for difference in super::differences(&python, &manifest.environment) {
        out::warning(&difference);
    }
    let config = json!({
        "mode": "record",
        "store": subject.opened.folder,
        "fork": parent,
        "launched": crate::run::launched(),
        "run_options": {
            "overhead": manifest.overhead_bound,
            "checkpoints": manifest.checkpoints,
            "name": args.name,
        },
        "project": manifest.project,
        "settings": manifest.settings,
        "script": manifest.script,
        "git": florc_history::git_state(&subject.project.root),
    });
    let config = run::put(&subject.opened.folder, &config)?;
    let mut command = Command::new(&python);
    command.args(["-m", "florc._runner"]).arg(&config);
    command.current_dir(&manifest.cwd);
    segment_processes::as_recorded(&mut command, &manifest.environment);
    let error = command.exec();
    // it is the runner's to remove, and there is none
    let _ = std::fs::remove_file(config);
    Err(Failure::io("start", &python, &error))
}

/// The program of the working tree, beside the recorded one.
pub(super) struct Edited {
    pub(super) sources: find::Sources,
    pub(super) analysed: Analysed,
    pub(super) manifest: ModuleManifest,
}

impl Edited {
    fn read(subject: &Subject) -> Result<Self, Failure> {
        let files = Disk::new(&subject.project.root, Vec::new());
        let sources = find::wide_sources(subject, &files)?;
        let settings = &subject.facts.manifest.settings;
        let analysed = Analysed::new(&sources.current, settings)?;
        let manifest = analysed.manifest(&sources.current, settings);
        Ok(Self {
            sources,
            analysed,
            manifest,
        })
    }
}

/// The iteration that is meant.
fn parent(subject: &Subject, at: &str) -> Result<Parent, Failure> {
    let facts = &subject.facts;
    let wrong = || {
        Failure::new(format!("`{at}` names no iteration"))
            .help("write the loop variable and its value: `--fork epoch=7`")
    };
    let (label, value) = at.split_once('=').ok_or_else(wrong)?;
    let value: i64 = value.trim().parse().map_err(|_| wrong())?;
    let is_meant = |head: HeadKey, position: i64| {
        let main = facts.main_loop_of(head);
        label == "iteration" && head.iteration.cast_signed() == value
            || main.is_some_and(|main| main.label == label) && position == value
    };
    let mut iterations = facts.iterations.iter();
    let found = iterations.find(|it| is_meant(it.head, it.position));
    let found = found.ok_or_else(|| {
        Failure::new(format!(
            "run {} has no iteration `{at}`",
            facts.manifest.run
        ))
        .help("`florc show` lists its iterations")
    })?;
    let manifest = &facts.manifest;
    let seed = manifest.parent.as_ref().map(|parent| parent.seed.clone());
    Ok(Parent {
        run: manifest.run.clone(),
        head: found.head,
        label: label.to_owned(),
        position: found.position,
        seed: seed.unwrap_or_else(|| manifest.run.clone()),
    })
}

/// Why no state of that main loop can be put back.
fn obstacle(facts: &RunFacts, main: &MainLoopSite, parent: &Parent) -> Option<&'static str> {
    if facts.manifest.world_size() > 1 {
        Some("several processes trained together")
    } else if parent.head.instance > 0 {
        Some("only the first main loop of a script can be entered in the middle")
    } else if facts.unexpected.contains(&main.id) {
        Some(
            "a function ran in its main loop that was not expected there, so that checkpoints may not hold all",
        )
    } else {
        None
    }
}

/// Whether the state of that moment can be put back into the program as it is now.
fn check(subject: &Subject, parent: &Parent, edited: &Edited) -> Result<(), Failure> {
    let facts = &subject.facts;
    let at = format!("{}={}", parent.label, parent.position);
    let refused = |why: String| {
        Failure::new(format!(
            "run {} cannot be forked at {at}: {why}",
            parent.run
        ))
    };
    let Some(then) = facts.main_loop_of(parent.head) else {
        return Err(refused("its main loop is not known".to_owned()));
    };
    if let Some(why) = obstacle(facts, then, parent) {
        return Err(refused(why.to_owned()));
    }
    let Some(checkpoint) = facts.checkpoints.get(&CutKey::Head(parent.head)) else {
        let places = places(subject);
        let help = if places.is_empty() {
            "record the script with `florc run --checkpoints all`".to_owned()
        } else {
            format!("there are checkpoints at {places}")
        };
        return Err(refused("there is no checkpoint".to_owned()).help(help));
    };
    if let Some(missing) = checkpoint.missing.first() {
        let what = format!(
            "its checkpoint lacks `{}` ({})",
            missing.path, missing.type_name
        );
        return Err(refused(what));
    }
    if !(facts.repeats.contains(&parent.head.instance) && then.recreatable) {
        return Err(refused(
            "what its main loop iterates over does not give the same items in another process"
                .to_owned(),
        ));
    }
    let now = main_loop_now(edited, then)?;
    if !now.recreatable {
        let why = "what the main loop iterates over now cannot be made again".to_owned();
        return Err(refused(why));
    }
    let mut lacking = lacking(&now.roots, &then.roots);
    if let Some(name) = lacking
        .next()
        .map(|root| root.name.clone())
        .or_else(|| absent(&now.roots, checkpoint))
    {
        return Err(refused(format!(
            "the program needs `{name}` at the start of an iteration now, and the checkpoint does \
             not hold it"
        ))
        .help(
            "what the program carries from one iteration to the next has to be in the checkpoint: make it anew \
             in each iteration, or run the script from its start",
        ));
    }
    Ok(())
}

/// A name that an iteration reads now and the checkpoint left out.
fn absent(now: &[Root], checkpoint: &CheckpointRecord) -> Option<String> {
    let live = now.iter().filter(|root| root.live).map(Root::key);
    let left_out = |name: &String| checkpoint.absent.iter().any(|it| it.path == *name);
    live.into_iter().find(left_out)
}

/// The same main loop in the working tree.
fn main_loop_now(edited: &Edited, then: &MainLoopSite) -> Result<MainLoopSite, Failure> {
    let found = edited
        .manifest
        .main_loops
        .first()
        .filter(|main| main.id == then.id);
    found.cloned().ok_or_else(|| {
        Failure::new(format!(
            "the main loop `{}` is not the first one any more",
            then.id
        ))
        .help("`florc explain` shows the main loops of the script")
    })
}

/// Where a run could be forked.
fn places(subject: &Subject) -> String {
    let facts = &subject.facts;
    let can = facts.iterations.iter().filter(|it| {
        let checkpoint = facts.checkpoints.get(&CutKey::Head(it.head));
        it.head.instance == 0 && checkpoint.is_some_and(|it| it.missing.is_empty())
    });
    let named = can.filter_map(|it| {
        let main = facts.main_loop_of(it.head)?;
        Some(format!("{}={}", main.label, it.position))
    });
    let mut named: Vec<String> = named.collect();
    if named.len() > 12 {
        let last = named.pop().unwrap_or_default();
        named.truncate(10);
        named.extend(["…".to_owned(), last]);
    }
    named.join(", ")
}
