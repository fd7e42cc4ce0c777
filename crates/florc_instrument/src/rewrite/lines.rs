//! The wording of the inserted lines.
//!
//! ```python
//! best, loss = florc.carry("t.py:epoch", best, model, gives=1, maybe="loss")
//! if loss is florc.unbound: del loss
//! ```
//!
//! Gives lines without indentation; where they go is decided elsewhere.

use florc_manifest::{MainLoopSite, Root, SkipBlockSite};

const WIDTH: usize = 100;

/// Builds lines that call hooks.
pub(crate) struct Lines<'a> {
    /// The name under which the module sees the package: `florc` or `_florc`.
    pub(crate) florc: &'a str,
    /// How far in the lines will stand, in columns: long ones are broken.
    pub(crate) column: usize,
    /// One step of indentation.
    pub(crate) unit: &'a str,
}

impl Lines<'_> {
    /// `best, loss = florc.carry(…)` with the guards of names that may be unbound.
    pub(crate) fn carry(&self, site: &MainLoopSite) -> Vec<String> {
        let returned = named(&site.roots, &site.returned);
        let gives = site
            .returned
            .iter()
            .filter(|index| **index < site.passed)
            .count();
        let maybe = named(
            &site.roots,
            &site.returned[gives.min(site.returned.len())..],
        );
        let mut arguments = vec![literal(&site.id)];
        arguments.extend(
            site.roots
                .iter()
                .take(site.passed)
                .map(|root| root.name.clone()),
        );
        if gives > 0 {
            arguments.push(format!("gives={gives}"));
        }
        if !maybe.is_empty() {
            arguments.push(format!("maybe={}", literal(&maybe.join(" "))));
        }
        let mut lines = self.call(&returned, "carry", &arguments, "  # loop-carried state");
        lines.extend(self.guards(&site.roots, &site.returned));
        lines
    }

    /// `florc.leave(…)`, with the arguments of `carry`.
    pub(crate) fn leave(&self, site: &MainLoopSite) -> Vec<String> {
        let mut arguments = vec![literal(&site.id)];
        arguments.extend(
            site.roots
                .iter()
                .take(site.passed)
                .map(|root| root.name.clone()),
        );
        self.call(&[], "leave", &arguments, "")
    }

    /// `florc.end(…)`, the last line of a SkipBlock.
    pub(crate) fn end(&self, site: &SkipBlockSite) -> Vec<String> {
        let mut arguments = vec![literal(&site.id)];
        arguments.extend(
            site.roots
                .iter()
                .take(site.passed)
                .map(|root| root.name.clone()),
        );
        self.call(&[], "end", &arguments, "")
    }

    /// `total = florc.restore(…)` with the guards of names that may be unbound.
    pub(crate) fn restore(&self, site: &SkipBlockSite) -> Vec<String> {
        let mut arguments = vec![literal(&site.id)];
        arguments.extend(
            named(&site.roots, &site.restore_arguments)
                .into_iter()
                .map(str::to_owned),
        );
        let results = named(&site.roots, &site.restore_results);
        let mut lines = self.call(&results, "restore", &arguments, "");
        lines.extend(self.guards(&site.roots, &site.restore_results));
        lines
    }

    /// `florc.tick("id")` and other hooks that take an id only.
    pub(crate) fn plain(&self, hook: &str, id: &str) -> String {
        format!("{}.{hook}({})", self.florc, literal(id))
    }

    fn guards(&self, roots: &[Root], indices: &[usize]) -> Vec<String> {
        let unsure = indices
            .iter()
            .filter_map(|index| roots.get(*index))
            .filter(|r| !r.always_bound);
        unsure
            .map(|r| format!("if {0} is {1}.unbound: del {0}", r.name, self.florc))
            .collect()
    }

    fn call(&self, targets: &[&str], hook: &str, arguments: &[String], note: &str) -> Vec<String> {
        let mut start = targets.join(", ");
        if !targets.is_empty() {
            start.push_str(" = ");
        }
        let head = format!("{start}{}.{hook}(", self.florc);
        let whole = format!("{head}{}){note}", arguments.join(", "));
        if self.column + whole.chars().count() <= WIDTH {
            return vec![whole];
        }
        let mut lines = vec![format!("{head}{note}")];
        lines.extend(self.broken(arguments));
        lines.push(")".to_owned());
        lines
    }

    /// Arguments on lines of their own, as many a line as fit.
    fn broken(&self, arguments: &[String]) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for argument in arguments {
            match lines.last_mut() {
                Some(line)
                    if self.column + line.chars().count() + argument.chars().count() + 2
                        <= WIDTH =>
                {
                    line.push(' ');
                    line.push_str(argument);
                    line.push(',');
                }
                _ => lines.push(format!("{}{argument},", self.unit)),
            }
        }
        lines
    }
}

fn named<'a>(roots: &'a [Root], indices: &[usize]) -> Vec<&'a str> {
    indices
        .iter()
        .filter_map(|index| roots.get(*index))
        .map(|root| root.name.as_str())
        .collect()
}

/// A Python string literal.
pub(crate) fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn ids_are_quoted() {
        assert_eq!(literal("a\\b\"c\n"), r#""a\\b\"c\n""#);
        assert_eq!(literal("träin.py:main/epoch"), "\"träin.py:main/epoch\"");
    }
}
