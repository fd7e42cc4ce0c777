//! Makes the table of diagnostic pages from the book's sources, so that `florc explain CODE`
//! prints the page of the book.

use std::fmt::Write as _;
use std::path::Path;

fn main() -> std::io::Result<()> {
    // As of this build: another checkout may have compiled this program.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let folder = Path::new(&package).join("../../docs/src/diagnostics");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut pages = Vec::new();
    if let Ok(entries) = std::fs::read_dir(&folder) {
        for entry in entries {
            let path = entry?.path();
            let code = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.extension().is_some_and(|extension| extension == "md") && code != "index" {
                pages.push((code, path));
            }
        }
    }
    pages.sort();
    let mut text = String::from(
        "/// Code and page, sorted by code.\npub(crate) const PAGES: &[(&str, &str)] = &[\n",
    );
    for (code, path) in pages {
        println!("cargo::rerun-if-changed={}", path.display());
        let _ = writeln!(
            text,
            "    ({code:?}, include_str!({:?})),",
            path.canonicalize()?.to_string_lossy()
        );
    }
    text.push_str("];\n");
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    std::fs::write(Path::new(&out).join("pages.rs"), text)
}
