//! `florc export`: writes the tensors of a checkpoint to a file.
//!
//! ```python
//! # florc export first --at epoch=8 --root model -o model.safetensors
//! model.load_state_dict(safetensors.torch.load_file("model.safetensors"))
//! ```
//!
//! Which checkpoint is meant is decided here; what is written, by the runtime.

use std::path::Path;

use florc_manifest::{CheckpointRecord, CutKey};
use florc_runtime::{ExportFormat, cut_text, export as write};

use crate::args::ExportArgs;
use crate::facts::RunFacts;
use crate::failure::Failure;
use crate::{DONE, listing, out, table};

/// Writes one file.
pub(crate) fn export(args: &ExportArgs) -> Result<i32, Failure> {
    let format = format(&args.output)?;
    let opened = listing::open_near(Some(&args.run))?;
    let run = opened.find(Some(&args.run))?;
    let facts = run.facts()?;
    let record = chosen(&facts, args.at.as_deref())?;
    let checkpoint = run.handle.load_record(record)?;
    let exported = write(&checkpoint, args.root.as_deref(), format, &args.output)?;
    for (name, reason) in &exported.left_out {
        out::warning(&format!("`{name}` is left out: {reason}"));
    }
    for missing in record.missing.iter().chain(&record.absent) {
        let text = format!(
            "`{}` ({}) is not in the checkpoint",
            missing.path, missing.type_name
        );
        out::warning(&text);
    }
    out::note(&format!(
        "florc: {} of {} in `{}` ({})",
        table::count(exported.names.len(), "tensor"),
        cut_text(&record.cut),
        args.output.display(),
        table::bytes(exported.bytes)
    ));
    Ok(DONE)
}

fn format(output: &Path) -> Result<ExportFormat, Failure> {
    match output.extension().and_then(|it| it.to_str()) {
        Some("safetensors") => Ok(ExportFormat::Safetensors),
        Some("pt" | "pth") => Ok(ExportFormat::Torch),
        _ => Err(
            Failure::new(format!("the kind of `{}` is not known", output.display()))
                .help("end its name in `.safetensors`, or in `.pt` for `torch.load`"),
        ),
    }
}

/// The checkpoint that is meant: the last one where nothing is said.
fn chosen<'f>(facts: &'f RunFacts, at: Option<&str>) -> Result<&'f CheckpointRecord, Failure> {
    let records = &facts.checkpoints;
    let found = match at {
        None => in_order(facts).pop(),
        Some("end") => records
            .values()
            .rfind(|it| matches!(it.cut, CutKey::Exit(_))),
        Some(at) => {
            let is_meant = |it: &&CheckpointRecord| cut_text(&it.cut) == at || is_at(facts, it, at);
            records.values().rfind(is_meant)
        }
    };
    found.ok_or_else(|| {
        let names: Vec<String> = in_order(facts).iter().map(|it| cut_text(&it.cut)).collect();
        match (at, names.as_slice()) {
            (_, []) => Failure::new("the run has no checkpoint")
                .help("record it with `florc run --checkpoints all`"),
            (at, names) => Failure::new(format!(
                "there is no checkpoint at `{}`",
                at.unwrap_or_default()
            ))
            .help(format!("there are: {}", names.join(", "))),
        }
    })
}

/// Checkpoints as they were taken.
fn in_order(facts: &RunFacts) -> Vec<&CheckpointRecord> {
    let mut records: Vec<&CheckpointRecord> = facts.checkpoints.values().collect();
    let time = |cut: &CutKey| match cut {
        CutKey::Head(head) => (head.instance, head.iteration, 0),
        CutKey::Block(block) => (block.head.instance, block.head.iteration, 1),
        CutKey::Exit(head) => (head.instance, head.iteration, 2),
    };
    records.sort_by_key(|it| time(&it.cut));
    records
}

/// Whether `epoch=8` is the start of the iteration that a checkpoint was taken at.
fn is_at(facts: &RunFacts, record: &CheckpointRecord, at: &str) -> bool {
    let CutKey::Head(head) = record.cut else {
        return false;
    };
    let Some((label, value)) = at.split_once('=') else {
        return false;
    };
    let Ok(value) = value.trim().parse::<i64>() else {
        return false;
    };
    if label == "iteration" {
        return head.iteration.cast_signed() == value;
    }
    let main = facts.main_loop_of(head);
    let iteration = facts.iterations.iter().find(|it| it.head == head);
    main.is_some_and(|main| main.label == label) && iteration.is_some_and(|it| it.position == value)
}
