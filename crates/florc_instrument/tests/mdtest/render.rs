//! Results as text: the blocks that Markdown tests assert.
//!
//! ```python
//! for epoch in range(3): ...   # plan: "main loop t.py:epoch (for)" …
//! ```
//!
//! Names are shown with `?` where they may be unbound, with `*` where they are not live, and with
//! `@global` or `@captured` where they live elsewhere.

use std::fmt::Write as _;

use florc_effects::RegionEffect;
use florc_instrument::{Instrumented, Options};
use florc_manifest::{MainLoopSite, ModuleManifest, Place, Root, SkipBlockSite};
use florc_semantic::{BindingId, Semantics};
use florc_syntax::{Diagnostic, Severity};

/// The text of the block called `kind`.
pub(crate) fn block(kind: &str, result: &Instrumented) -> String {
    match kind {
        "instrumented" => result.text().to_owned(),
        _ if kind.starts_with("instrumented ") => {
            let path = kind.trim_start_matches("instrumented ");
            let mut files = result.files.iter();
            let found = files.find(|file| file.path == path);
            found.map(|file| file.text.clone()).unwrap_or_default()
        }
        "plan" => plan(&result.manifest),
        "logs" => logs(&result.manifest),
        "reasons" => reasons(&result.manifest),
        "effects" => effects(result),
        "diagnostics" => diagnostics(result),
        "check" => checked(result),
        other => panic!("no block is called `{other}`"),
    }
}

fn plan(manifest: &ModuleManifest) -> String {
    let mut out = String::new();
    for main in &manifest.main_loops {
        main_loop(main, &mut out);
    }
    for block in &manifest.skip_blocks {
        skip_block(block, &mut out);
    }
    for counted in &manifest.loops {
        let _ = writeln!(out, "counted {}", counted.id);
    }
    for (site, clock) in manifest.clocks.iter().enumerate() {
        let _ = writeln!(out, "clock {site} {}", clock.callee);
    }
    for left in &manifest.uninstrumented {
        let _ = writeln!(out, "left alone {}: {}", left.id, left.code);
    }
    out
}

fn main_loop(main: &MainLoopSite, out: &mut String) {
    let kind = if main.is_for { "for" } else { "while" };
    let jumps = match (main.recreatable, main.asks) {
        (false, _) => ", no jumps",
        (true, true) => ", asks",
        (true, false) => "",
    };
    let _ = writeln!(out, "main loop {} ({kind}{jumps})", main.id);
    names(out, "passed", main.roots.iter().take(main.passed));
    names(
        out,
        "given back",
        main.returned.iter().map(|index| &main.roots[*index]),
    );
    names(out, "also kept", main.roots.iter().skip(main.passed));
    names(out, "inputs", main.inputs.iter());
}

fn skip_block(block: &SkipBlockSite, out: &mut String) {
    let logs = if block.has_logs { " (logs)" } else { "" };
    let _ = writeln!(out, "skip block {}{logs}", block.id);
    names(out, "ends with", block.roots.iter().take(block.passed));
    names(
        out,
        "patches",
        block
            .restore_arguments
            .iter()
            .map(|index| &block.roots[*index]),
    );
    names(
        out,
        "gives back",
        block
            .restore_results
            .iter()
            .map(|index| &block.roots[*index]),
    );
    names(out, "also kept", block.roots.iter().skip(block.passed));
}

fn names<'a>(out: &mut String, title: &str, roots: impl Iterator<Item = &'a Root>) {
    let names: Vec<String> = roots.map(name).collect();
    if !names.is_empty() {
        let _ = writeln!(out, "    {title}: {}", names.join(", "));
    }
}

fn name(root: &Root) -> String {
    let unsure = if root.always_bound { "" } else { "?" };
    let dead = if root.live { "" } else { "*" };
    let place = match root.place {
        Place::Local => "",
        Place::Captured => "@captured",
        Place::Global if root.module.is_empty() => "@global",
        Place::Global => return format!("{}{unsure}{dead}@{}", root.name, root.module),
    };
    format!("{}{unsure}{dead}{place}", root.name)
}

fn logs(manifest: &ModuleManifest) -> String {
    let mut out = String::new();
    for (site, log) in manifest.logs.iter().enumerate() {
        let columns: Vec<&str> = log
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let arguments: Vec<&str> = log
            .arguments
            .iter()
            .map(|name| name.as_deref().unwrap_or("-"))
            .collect();
        let _ = write!(out, "{site} {:?} {}", log.kind, log.callee);
        let _ = write!(out, " columns [{}]", columns.join(" | "));
        let _ = writeln!(out, " arguments [{}]", arguments.join(" | "));
    }
    out
}

fn reasons(manifest: &ModuleManifest) -> String {
    let mut out = String::new();
    for root in manifest.main_loops.iter().flat_map(|main| &main.roots) {
        let _ = writeln!(out, "{}", root.name);
        for reason in &root.reasons {
            let _ = writeln!(out, "    {reason}");
        }
    }
    out
}

fn effects(result: &Instrumented) -> String {
    let (semantics, effects, _) =
        florc_instrument::analyse(&result.module, &florc_manifest::Settings::default());
    let mut out = String::new();
    for each in &semantics.loops {
        let region = effects.region(each.function, &[each.stmt]);
        let trains = if effects.trains(&[each.stmt]) {
            " (trains)"
        } else {
            ""
        };
        let start = result.module.tree.stmt(each.stmt).span.start;
        let file = result.module.source.file_of(start);
        let of = if file.start == 0 {
            ""
        } else {
            &format!("{}:", file.path)
        };
        let _ = writeln!(out, "{of}{}{trains}", each.path);
        region_effect(&semantics, &region, &mut out);
    }
    out
}

fn region_effect(semantics: &Semantics, region: &RegionEffect, out: &mut String) {
    let text = |ids: Vec<&BindingId>| {
        let names = ids
            .into_iter()
            .map(|id| semantics.binding(*id).name.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let _ = writeln!(out, "    bound: {}", text(region.bound.keys().collect()));
    let _ = writeln!(
        out,
        "    mutated: {}",
        text(region.mutated.keys().collect())
    );
    for (_, opaque) in &region.opaque {
        let _ = writeln!(out, "    opaque: {opaque}");
    }
    let random: Vec<&str> = region.hidden.rng.iter().map(String::as_str).collect();
    if !random.is_empty() {
        let _ = writeln!(out, "    random: {}", random.join(", "));
    }
}

fn diagnostics(result: &Instrumented) -> String {
    result
        .diagnostics
        .iter()
        .map(|finding| diagnostic(result, finding))
        .collect()
}

/// What `florc check` finds.
fn checked(result: &Instrumented) -> String {
    let found = florc_instrument::check(result.module.source.clone(), &Options::default());
    let found = found.expect("it was parsed before");
    found
        .iter()
        .map(|finding| diagnostic(result, finding))
        .collect()
}

fn diagnostic(result: &Instrumented, finding: &Diagnostic) -> String {
    let line = |start: u32| {
        let source = &result.module.source;
        let (file, line) = (source.file_of(start), source.line_column(start).line);
        if file.start == 0 {
            line.to_string()
        } else {
            format!("{line} of {}", file.path)
        }
    };
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let at = result.module.source.slice(finding.span);
    let mut out = format!(
        "{} {severity} line {}",
        finding.code,
        line(finding.span.start)
    );
    let _ = writeln!(out, " `{}`", at.lines().next().unwrap_or_default());
    let _ = writeln!(out, "    {}", finding.title);
    for reason in &finding.reasons {
        let _ = writeln!(out, "    line {}: {}", line(reason.span.start), reason.text);
    }
    if let Some(help) = &finding.help {
        let _ = writeln!(out, "    help: {help}");
    }
    out
}
