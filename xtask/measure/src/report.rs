//! The tables of `corpus`.
//!
//! ```python
//! # loops that train: 812; exact 97.4 %; main-loop-not-recreatable 9; …
//! ```
//!
//! Prints to standard output. Measures nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::baseline::Published;
use crate::calls::{Named, Site};
use crate::compiled::Verdict;
use crate::corpus::{Done, Gathered, Options, Outcome};
use crate::files;
use crate::loops::{Level, Trained};
use crate::one::PHASES;

/// Prints everything; the error is what must not be: panics, outputs that do not compile.
pub(crate) fn print(gathered: &Gathered, options: &Options) -> Result<(), String> {
    let wrong = outcomes(gathered);
    phases(gathered);
    training(gathered);
    published(gathered);
    coverage(gathered, options.unknown);
    if let Some(code) = &options.list {
        list(gathered, code);
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!(
        "\n{} files are wrong\n  {}",
        wrong.len(),
        wrong.join("\n  ")
    ))
}

fn done(gathered: &Gathered) -> impl Iterator<Item = (usize, &Done)> {
    gathered
        .outcomes
        .iter()
        .enumerate()
        .filter_map(|(index, (_, outcome))| match outcome {
            Outcome::Done(done) => Some((index, &**done)),
            Outcome::Syntax(_) | Outcome::Panic(_) => None,
        })
}

fn outcomes(gathered: &Gathered) -> Vec<String> {
    let count = gathered.files.len();
    let projects: BTreeSet<&str> = gathered
        .files
        .iter()
        .map(|it| it.project.as_str())
        .collect();
    let bytes: usize = gathered.outcomes.iter().map(|(size, _)| size).sum();
    println!(
        "{count} files, {} projects, {:.1} MB, {:.1} s on {} threads with all checks",
        projects.len(),
        bytes as f64 / 1e6,
        gathered.seconds,
        gathered.threads
    );
    let mut wrong = Vec::new();
    let (mut parsed, mut refused, mut changed, mut faithful, mut too_new) = (0, 0, 0, 0, 0);
    for (file, (_, outcome)) in gathered.files.iter().zip(&gathered.outcomes) {
        match outcome {
            Outcome::Panic(text) => wrong.push(format!("{}: panic: {text}", file.shown)),
            Outcome::Syntax(title) => {
                refused += 1;
                println!("  not parsed: {}: {title}", file.shown);
            }
            Outcome::Done(it) => {
                parsed += 1;
                changed += usize::from(it.changed);
                faithful += usize::from(it.faithful);
                if !it.faithful {
                    wrong.push(format!("{}: bytes outside of edits changed", file.shown));
                }
                match &it.compiled {
                    Some(Verdict::Refused(text)) => {
                        wrong.push(format!("{}: does not compile: {text}", file.shown));
                    }
                    Some(Verdict::OriginalRefused) => too_new += 1,
                    Some(Verdict::Fine) | None => {}
                }
            }
        }
    }
    let panics = count - parsed - refused;
    println!(
        "parsed {parsed} ({:.2} %), not Python for the parser {refused}, panics {panics}",
        percent(parsed, count)
    );
    println!(
        "instrumented {changed}; bytes outside of edits identical {faithful} of {parsed}; refused by CPython before the rewrite too {too_new}"
    );
    wrong
}

fn phases(gathered: &Gathered) {
    let bytes: usize = done(gathered)
        .map(|(index, _)| gathered.outcomes[index].0)
        .sum();
    if gathered.threads > 1 {
        println!("\nphases: CPU time of all threads together, see --threads 1 and `bench compile`");
    }
    println!("\n| phase | seconds | MB/s |\n|---|---|---|");
    let mut total = 0.0;
    for (phase, name) in PHASES.iter().enumerate() {
        let seconds: f64 = done(gathered).map(|(_, it)| it.times[phase]).sum();
        total += seconds;
        println!(
            "| {name} | {seconds:.2} | {:.1} |",
            bytes as f64 / 1e6 / seconds
        );
    }
    println!("| all | {total:.2} | {:.1} |", bytes as f64 / 1e6 / total);
    let mut slow: Vec<(f64, usize)> = done(gathered)
        .map(|(index, it)| (it.times.iter().sum(), index))
        .collect();
    slow.sort_by(|a, b| b.0.total_cmp(&a.0));
    let shown: Vec<String> = slow
        .iter()
        .take(5)
        .map(|(seconds, index)| format!("{seconds:.2} s {}", gathered.files[*index].shown))
        .collect();
    println!("slowest: {}", shown.join("; "));
    let coarse = done(gathered).filter(|(_, it)| it.exhausted).count();
    println!("analysed coarsely since too involved: {coarse}");
}

fn loops(gathered: &Gathered) -> impl Iterator<Item = &Trained> {
    done(gathered).flat_map(|(_, it)| &it.loops)
}

fn training(gathered: &Gathered) {
    let files = done(gathered)
        .filter(|(_, it)| !it.loops.is_empty())
        .count();
    let all = loops(gathered).count();
    let exact = loops(gathered).filter(|it| it.exact.is_some()).count();
    println!(
        "\n{all} loops that train, in {files} files; exact plan {exact} ({:.1} %)",
        percent(exact, all)
    );
    println!("\n| verdict | loops | % |\n|---|---|---|");
    let mut counts: BTreeMap<(bool, String), usize> = BTreeMap::new();
    for it in loops(gathered) {
        let verdict = it
            .exact
            .map_or_else(|| format!("`{}`", it.code), str::to_owned);
        *counts.entry((it.exact.is_none(), verdict)).or_default() += 1;
    }
    let mut rows: Vec<_> = counts.into_iter().collect();
    rows.sort_by_key(|((refused, _), count)| (*refused, std::cmp::Reverse(*count)));
    for ((_, verdict), count) in rows {
        println!("| {verdict} | {count} | {:.1} |", percent(count, all));
    }
}

fn published(gathered: &Gathered) {
    println!(
        "\n| loops | count | florc: exact | six rules: accepted | … without what is trained |\n|---|---|---|---|---|"
    );
    for (level, name) in [
        (Level::Main, "main"),
        (Level::Single, "single-level"),
        (Level::Inner, "inner"),
    ] {
        let own: Vec<&Trained> = loops(gathered).filter(|it| it.level == level).collect();
        let count = |keep: &dyn Fn(&Trained) -> bool| own.iter().filter(|it| keep(it)).count();
        let accepted = count(&|it| it.published != Published::Refused);
        println!(
            "| {name} | {} | {:.1} % | {:.1} % | {:.1} % of these |",
            own.len(),
            percent(count(&|it| it.exact.is_some()), own.len()),
            percent(accepted, own.len()),
            percent(count(&|it| it.published == Published::Missing), accepted)
        );
    }
}

/// Call sites by what they call.
#[derive(Default)]
struct Coverage {
    external: usize,
    known: usize,
    resolved: usize,
    values: usize,
    own: usize,
    unknown: BTreeMap<String, usize>,
}

/// What the files of one project define.
struct Project<'a> {
    modules: BTreeSet<String>,
    defined: BTreeSet<&'a String>,
    stored: BTreeSet<&'a String>,
}

impl Coverage {
    fn add(&mut self, site: &Site, project: &Project<'_>) {
        let name = match &site.named {
            Named::Own => return self.own += 1,
            Named::Value => return self.values += 1,
            Named::Function(path) => {
                let first = path.split('.').next().unwrap_or_default();
                if !site.known && (first.is_empty() || project.modules.contains(first)) {
                    return self.own += 1;
                }
                path.clone()
            }
            Named::Method(name) if !site.known && project.stored.contains(name) => {
                return self.values += 1;
            }
            Named::Method(name) if !site.known && project.defined.contains(name) => {
                return self.own += 1;
            }
            Named::Method(name) => format!(".{name}"),
        };
        // methods of strings and numbers are no entries of a file
        let known = site.known || site.resolved;
        self.external += 1;
        self.known += usize::from(known);
        self.resolved += usize::from(site.resolved);
        if !known {
            *self.unknown.entry(name).or_default() += 1;
        }
    }
}

fn coverage(gathered: &Gathered, shown: usize) {
    let mut found = Coverage::default();
    let projects: BTreeSet<&str> = gathered
        .files
        .iter()
        .map(|it| it.project.as_str())
        .collect();
    for name in projects {
        let mine: Vec<&Done> = done(gathered)
            .filter(|(index, _)| gathered.files[*index].project == name)
            .map(|(_, it)| it)
            .collect();
        let project = Project {
            modules: files::module_names(&gathered.files, name),
            defined: mine.iter().flat_map(|it| &it.defined).collect(),
            stored: mine.iter().flat_map(|it| &it.stored).collect(),
        };
        for site in mine.iter().flat_map(|it| &it.sites) {
            found.add(site, &project);
        }
    }
    println!(
        "\ncall sites in loops that train: external {}, of the project {}, of values {}",
        found.external, found.own, found.values
    );
    println!(
        "names known at {:.1} % of the external ones; the analysis knew the call at {:.1} %",
        percent(found.known, found.external),
        percent(found.resolved, found.external)
    );
    let mut rows: Vec<(String, usize)> = found.unknown.into_iter().collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    for (name, count) in rows.iter().take(shown) {
        println!("  {count:>5} {name}");
    }
}

fn list(gathered: &Gathered, code: &str) {
    for (index, it) in done(gathered) {
        for found in &it.loops {
            let verdict = found.exact.unwrap_or(&found.code);
            if verdict == code || (code == "refused" && found.exact.is_none()) {
                let file = &gathered.files[index].shown;
                println!("{file}:{}: {verdict}", found.line);
            }
        }
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}
