//! `florc fsck`: reads the whole store and names what is damaged.
//!
//! ```python
//! # packs/20260131-…/0-4.pack, byte 192: a chunk does not match its hash
//! #   lost: the checkpoint at head of iteration 2
//! #   usable: 7 whole checkpoints of the run, its journal and sources
//! ```
//!
//! Checks what replays left here as well. Runs no code of the store.

use std::fmt::Write as _;

use florc_runtime::{Damage, Health, check_store, rebuild};
use serde_json::{Value, json};

use crate::args::{FsckArgs, TextFormat};
use crate::failure::Failure;
use crate::listing::Opened;
use crate::{DONE, FINDINGS, listing, out, replays, table};

/// Exit code 1 where something is damaged. With `--rebuild`, where something still is.
pub(crate) fn fsck(args: &FsckArgs) -> Result<i32, Failure> {
    let opened = listing::open_here()?;
    let mut health = check(&opened)?;
    let mut done = Vec::new();
    let mut found = std::mem::take(&mut health.damages);
    if args.rebuild {
        done = rebuild(&opened.store, &health)?;
        done.extend(replays::set_aside(&opened.folder)?);
        health = check(&opened)?;
        let remaining = std::mem::take(&mut health.damages);
        if args.format == TextFormat::Text {
            out::text(&damages(&found))?;
        }
        found = remaining;
    }
    match args.format {
        TextFormat::Json => out::json(&as_json(&health, &found, &done))?,
        TextFormat::Text => {
            let mut text = done.join("\n");
            text.push_str(if done.is_empty() { "" } else { "\n" });
            out::text(&(text + &damages(&found) + &summary(args, &health, &found)))?;
        }
    }
    Ok(if found.is_empty() { DONE } else { FINDINGS })
}

fn check(opened: &Opened) -> Result<Health, Failure> {
    let mut health = check_store(&opened.store)?;
    health.damages.extend(replays::damages(&opened.folder));
    Ok(health)
}

fn damages(found: &[Damage]) -> String {
    let mut text = String::new();
    for damage in found {
        let file = damage.file.display();
        let place = damage.offset.map(|at| format!(", byte {at}"));
        let place = place.unwrap_or_default();
        let _ = writeln!(text, "{file}{place}: {}", damage.what);
        let _ = writeln!(text, "  lost: {}", damage.lost);
        let _ = writeln!(text, "  usable: {}", damage.usable);
    }
    text
}

fn summary(args: &FsckArgs, health: &Health, found: &[Damage]) -> String {
    let runs = table::count(health.runs, "run");
    let checkpoints = table::count(health.checkpoints, "checkpoint");
    let bytes = table::bytes(health.bytes);
    let result = match (found.len(), args.rebuild) {
        (0, _) => "no damage".to_owned(),
        (count, false) => {
            let help = "`florc fsck --rebuild` makes the rest usable";
            format!("{}; {help}", table::count(count, "damage"))
        }
        (count, true) => format!("{} cannot be mended", table::count(count, "damage")),
    };
    let mut text = format!("{runs}, {checkpoints}, {bytes} read: {result}\n");
    if !health.leftovers.is_empty() {
        let files = table::count(health.leftovers.len(), "half-written file");
        let _ = writeln!(text, "{files} of killed processes: `florc gc` removes them");
    }
    text
}

fn as_json(health: &Health, found: &[Damage], done: &[String]) -> Value {
    let damage = |damage: &Damage| {
        json!({
            "run": damage.run,
            "file": damage.file,
            "offset": damage.offset,
            "what": damage.what,
            "lost": damage.lost,
            "usable": damage.usable,
        })
    };
    json!({
        "damages": found.iter().map(damage).collect::<Vec<_>>(),
        "leftovers": health.leftovers,
        "mended": done,
        "runs": health.runs,
        "checkpoints": health.checkpoints,
        "bytes": health.bytes,
    })
}
