//! Findings as SARIF 2.1.0, for code scanning.
//!
//! ```python
//! # {"version": "2.1.0", "runs": [{"tool": …, "results": [{"ruleId": "unseeded-rng", …}]}]}
//! ```
//!
//! Each code that occurs is a rule with its page as help text. There is no `helpUri`: the standard wants
//! an absolute one.

use std::fmt::Write as _;

use florc_syntax::{Severity, Span};
use serde_json::{Value, json};

use super::finding::Finding;
use crate::pages;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The whole log.
pub(crate) fn log(findings: &[Finding]) -> Value {
    let mut codes: Vec<&str> = findings.iter().map(|it| it.diagnostic().code).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes.iter().map(|code| rule(code, findings)).collect();
    let results: Vec<Value> = findings.iter().map(|it| result(it, &codes)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "florc",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                },
            },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &str, findings: &[Finding]) -> Value {
    let page = pages::PAGES.iter().find(|(name, _)| *name == code);
    let page = page.map_or("", |(_, text)| *text);
    let mut paragraphs = page.split("\n\n").map(str::trim);
    let first = paragraphs
        .nth(1)
        .filter(|text| !text.is_empty())
        .unwrap_or(code);
    let first = first.replace('\n', " ");
    let severity = findings
        .iter()
        .find(|it| it.diagnostic().code == code)
        .map(Finding::severity);
    json!({
        "id": code,
        "shortDescription": { "text": first },
        "help": { "text": page, "markdown": page },
        "defaultConfiguration": { "level": level(severity.unwrap_or(Severity::Warning)) },
    })
}

fn result(finding: &Finding, codes: &[&str]) -> Value {
    let diagnostic = finding.diagnostic();
    let mut text = diagnostic.title.clone();
    if let Some(help) = &diagnostic.help {
        let _ = write!(text, "\nhelp: {help}");
    }
    let related = diagnostic.reasons.iter().enumerate().map(|(id, reason)| {
        let mut place = location(finding, reason.span);
        place["id"] = json!(id);
        place["message"] = json!({ "text": reason.text });
        place
    });
    json!({
        "ruleId": diagnostic.code,
        "ruleIndex": codes.binary_search(&diagnostic.code).unwrap_or_default(),
        "level": level(diagnostic.severity),
        "message": { "text": text },
        "locations": [location(finding, diagnostic.span)],
        "relatedLocations": related.collect::<Vec<_>>(),
    })
}

fn location(finding: &Finding, span: Span) -> Value {
    let at = finding.region(span);
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&finding.diagnostic().file) },
            "region": {
                "startLine": at.line,
                "startColumn": at.column,
                "endLine": at.end_line,
                "endColumn": at.end_column,
            },
        },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A path as a relative reference, or as a `file:` URI where it is absolute.
fn uri(path: &str) -> String {
    let mut text = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    if text.starts_with('/') {
        format!("file://{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_are_escaped() {
        assert_eq!(uri("src/a b.py"), "src/a%20b.py");
        assert_eq!(uri("/tmp/ä.py"), "file:///tmp/%C3%A4.py");
    }
}
