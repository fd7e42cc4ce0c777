//! The same statements in another layout: quotes, parentheses, line breaks, blanks, comments.

use super::{MARK, Random, indent};

/// Up to a dozen lines.
pub(super) fn reformat(lines: &mut Vec<String>, random: &mut Random) {
    for _ in 0..12 {
        let at = random.below(lines.len());
        let Some((code, number)) = lines[at]
            .clone()
            .rsplit_once(&format!("  {MARK}"))
            .map(owned)
        else {
            continue;
        };
        if !is_whole(&code) {
            continue;
        }
        let kind = random.below(6);
        let other = match kind {
            0 => quotes(&code),
            1 => parentheses(&code),
            2 if !code.contains(['"', '\'']) => code.replace(", ", ","),
            3 => format!("{code}  # noted"),
            _ => code.clone(),
        };
        let behind = format!("  {MARK}{number}");
        match kind {
            4 => broken(lines, at, &code, &behind),
            5 => {
                let blanks = " ".repeat(indent(&code));
                lines.splice(at..at, [String::new(), format!("{blanks}# what follows")]);
            }
            _ => lines[at] = other + &behind,
        }
    }
}

fn owned((code, number): (&str, &str)) -> (String, String) {
    (code.to_owned(), number.to_owned())
}

/// Whether brackets and strings end in the line.
fn is_whole(code: &str) -> bool {
    let count = |letters: [char; 3]| code.chars().filter(|it| letters.contains(it)).count();
    let has = |text: &str| code.contains(text);
    count(['(', '[', '{']) == count([')', ']', '}'])
        && !has("\"\"\"")
        && !has("'''")
        && !has("\\")
        && !has(" #")
}

/// Other quotes, where a line has one kind of them and no string with fields.
fn quotes(code: &str) -> String {
    let (single, double) = (code.contains('\''), code.contains('"'));
    if single == double || code.contains("f'") || code.contains("f\"") {
        return code.to_owned();
    }
    code.chars()
        .map(|it| match it {
            '\'' => '"',
            '"' => '\'',
            _ => it,
        })
        .collect()
}

/// Parentheses around a condition, or around what is assigned or returned.
fn parentheses(code: &str) -> String {
    let words = code.trim_start();
    for (start, end) in [
        ("if ", ":"),
        ("elif ", ":"),
        ("while ", ":"),
        ("return ", ""),
    ] {
        let inside = words
            .strip_prefix(start)
            .and_then(|it| it.strip_suffix(end));
        if let Some(inside) = inside {
            return format!("{}{start}({inside}){end}", " ".repeat(indent(code)));
        }
    }
    match code.split_once(" = ") {
        Some((target, value)) if !words.contains(['(', ':']) => format!("{target} = ({value})"),
        _ => code.to_owned(),
    }
}

/// Each argument of the last call gets a line.
fn broken(lines: &mut Vec<String>, at: usize, code: &str, behind: &str) {
    let Some((start, inside)) = last_call(code) else {
        return;
    };
    let blanks = " ".repeat(indent(code));
    let mut text = vec![format!("{start}({behind}")];
    text.extend(inside.into_iter().map(|it| format!("{blanks}    {it},")));
    text.push(format!("{blanks})"));
    lines.splice(at..=at, text);
}

/// What is before the brackets at the end of a line, and the arguments in them.
fn last_call(code: &str) -> Option<(String, Vec<String>)> {
    let body = code.strip_suffix(')')?;
    let mut depth = 1;
    let open = body.char_indices().rev().find(|(_, letter)| {
        depth += i32::from(*letter == ')') - i32::from(*letter == '(');
        depth == 0
    });
    let (start, inside) = (&body[..open?.0], &body[open?.0 + 1..]);
    // Commas in strings and brackets separate nothing; `f(x for x in y)` takes none behind it.
    let is_plain = !inside.contains(['"', '\'', '(', '[', '{', '*']) && !inside.contains(" for ");
    let is_call = start.ends_with(|it: char| it.is_ascii_alphanumeric() || it == '_');
    let arguments = inside.split(", ").map(str::to_owned).collect();
    (is_plain && is_call && !inside.is_empty()).then(|| (start.to_owned(), arguments))
}
