//! From a path to a compiled script, with errors that say what to do.
//!
//! ```python
//! # florc instrument train.p   ->  there is no file `train.p`; did you mean `train.py`?
//! ```
//!
//! Reads files; the compiling is the work of the other crates.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use florc_instrument::{Instrumented, Options, instrument_program};
use florc_syntax::{Diagnostic, Module, ProgramFile, SourceText};

use crate::failure::Failure;
use crate::program::{self, Disk};
use crate::project::Project;
use crate::{HostPython, python, settings};

/// Path of a script relative to its project, with `/`; absolute when it is outside.
pub(crate) fn relative(project: &Project, script: &Path) -> String {
    let absolute = std::path::absolute(script).unwrap_or_else(|_| script.to_path_buf());
    let shown = absolute.strip_prefix(&project.root).unwrap_or(&absolute);
    shown
        .to_string_lossy()
        .replace(std::path::MAIN_SEPARATOR, "/")
}

/// The bytes of a script.
pub(crate) fn read(script: &Path) -> Result<Vec<u8>, Failure> {
    if script.is_dir() {
        return Err(
            Failure::new(format!("`{}` is a folder, not a script", script.display()))
                .help("name the file, such as `train.py`"),
        );
    }
    std::fs::read(script).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => missing(script),
        _ => Failure::io("read", script, &error),
    })
}

/// Whether there is such a script; what it holds is for its interpreter to say.
pub(crate) fn check_exists(script: &Path) -> Result<(), Failure> {
    if script.is_dir() || script.exists() {
        read(script).map(drop)
    } else {
        Err(missing(script))
    }
}

fn missing(script: &Path) -> Failure {
    let failure = Failure::new(format!("there is no file `{}`", script.display()));
    let folder = script
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let listing = std::fs::read_dir(folder.unwrap_or(Path::new("."))).ok();
    let names: Vec<String> = listing
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "py")
        })
        .collect();
    let wanted = script
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    match crate::listing::closest(&wanted, &names).first() {
        Some(name) => {
            let path = folder.map_or_else(|| name.into(), |folder| folder.join(name));
            failure.help(format!("did you mean `{}`?", path.display()))
        }
        None => failure.help("check the path; it is relative to the current folder"),
    }
}

/// A source with the name that it has in its project.
pub(crate) fn source(project: &Project, script: &Path) -> Result<SourceText, Failure> {
    decode(relative(project, script), read(script)?)
}

/// Decodes bytes; what is no text is told as such.
pub(crate) fn decode(name: String, bytes: Vec<u8>) -> Result<SourceText, Failure> {
    SourceText::from_bytes(name, bytes).map_err(undecodable)
}

/// A file whose text cannot be had.
pub(crate) fn undecodable(mut diagnostic: Diagnostic) -> Failure {
    diagnostic.title = format!("`{}`: {}", diagnostic.file, diagnostic.title);
    Failure::diagnostic(&diagnostic, None)
}

/// Parses; a syntax error is shown in its line.
pub(crate) fn parse(source: SourceText) -> Result<Module, Failure> {
    let shown = source.clone();
    florc_syntax::parse(source).map_err(|diagnostic| Failure::diagnostic(&diagnostic, Some(&shown)))
}

/// How to instrument a script: by the settings of its project. What is wrong in them is told.
pub(crate) fn options(script: &Path) -> Options {
    Options {
        settings: settings::of(script).told(),
        ..Options::default()
    }
}

/// A script and the files of its project that it imports, as far as they are found without
/// running it.
pub(crate) fn program(
    project: &Project,
    script: &Path,
    host: &HostPython,
) -> Result<Vec<ProgramFile>, Failure> {
    let source = source(project, script)?;
    let packages = python::packages(host);
    let disk = Disk::new(&project.root, packages.clone());
    let entry = program::guess(script, &project.root, packages);
    let mut files = vec![ProgramFile::new(
        source.path().to_owned(),
        "__main__",
        source,
    )];
    files[0].package.clone_from(&entry.package);
    for file in disk.program(&entry).files.into_iter().skip(1) {
        let module = disk.module(&file, &entry);
        // What cannot be decoded runs as it is.
        files.extend(program::decoded(&module, file.bytes));
    }
    Ok(files)
}

/// Compiles.
pub(crate) fn compile(files: Vec<ProgramFile>, options: &Options) -> Result<Instrumented, Failure> {
    let options = options.clone();
    let shown = files.first().map(|file| file.source.clone());
    let name = shown.as_ref().map_or("", SourceText::path).to_owned();
    limited(&name, move || instrument_program(files, &options))?
        .map_err(|diagnostic| Failure::diagnostic(&diagnostic, shown.as_ref()))
}

/// No analysis of a script should take so long; one that does is better told than waited for.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs an analysis, up to the limit. Past it the thread is left to end with the process.
pub(crate) fn limited<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .stack_size(crate::STACK_BYTES)
        .spawn(move || {
            let _ = sender.send(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)));
        });
    thread.map_err(|error| Failure::new(format!("no thread could be started: {error}")))?;
    match receiver.recv_timeout(LIMIT) {
        Ok(Ok(result)) => Ok(result),
        // A bug: reported at the top.
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(_) => Err(Failure::new(format!(
            "analysing `{name}` takes longer than {} seconds",
            LIMIT.as_secs()
        ))
        .help("please report this with the script; make what was added smaller, if it was")),
    }
}
