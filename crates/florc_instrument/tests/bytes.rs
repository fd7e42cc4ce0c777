//! Line endings, byte-order marks and encodings that Markdown cannot hold.
//!
//! ```python
//! for x in range(2):\r\n    print(x)\r\n      # inserted lines end as the file's lines do
//! ```
//!
//! Everything else of the rewrite is tested under `fixtures/mdtest/rewrite/`.

use florc_instrument::{Options, instrument};
use florc_syntax::SourceText;

fn run(bytes: &[u8]) -> (SourceText, String) {
    let source = SourceText::from_bytes("t.py", bytes.to_vec()).expect("decodable");
    let result = instrument(source.clone(), &Options::default()).expect("valid Python");
    (source, result.text().to_owned())
}

#[track_caller]
fn check(source: &str, expected: &str) {
    assert_eq!(run(source.as_bytes()).1, expected);
}

#[test]
fn inserted_lines_end_as_the_file_does() {
    check(
        "while x:\r\n    print(x)\r\n",
        "import florc\r\nwhile x:\r\n    florc.tick(\"t.py:x\")\r\n    florc.print(0, x)\r\nflorc.untick(\"t.py:x\")\r\n",
    );
    check(
        "while x:\r    print(x)\r",
        "import florc\rwhile x:\r    florc.tick(\"t.py:x\")\r    florc.print(0, x)\rflorc.untick(\"t.py:x\")\r",
    );
}

#[test]
fn a_missing_last_newline_stays_missing() {
    check(
        "while x: print(x)",
        "import florc\nwhile x: \n    florc.tick(\"t.py:x\")\n    florc.print(0, x)\nflorc.untick(\"t.py:x\")",
    );
}

#[test]
fn the_byte_order_mark_stays_first() {
    check(
        "\u{feff}print(1)\n",
        "\u{feff}import florc\nflorc.print(0, 1)\n",
    );
}

#[test]
fn nothing_to_do_changes_nothing() {
    for source in [
        "",
        "\n",
        "# only a comment",
        "\u{feff}",
        "x = 1\r\n\x0c\ny = 2\n",
    ] {
        check(source, source);
    }
}

#[test]
fn other_encodings_can_be_written_back() {
    let bytes = b"# -*- coding: latin-1 -*-\nprint(\"\xe4\")\n";
    let (source, text) = run(bytes);
    let written = source.encode(&text).expect("only ASCII was inserted");
    assert_eq!(
        written,
        b"# -*- coding: latin-1 -*-\nimport florc\nflorc.print(0, \"\xe4\")\n"
    );
}

#[test]
fn what_is_not_python_is_one_diagnostic() {
    let source = SourceText::from_bytes("t.py", b"for x in:\n".to_vec()).expect("decodable");
    let finding = instrument(source, &Options::default()).expect_err("not Python");
    assert_eq!(finding.code, "syntax-error");
}
