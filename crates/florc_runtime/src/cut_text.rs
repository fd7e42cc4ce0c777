//! A cut point in words: `head of iteration 3`.

use florc_manifest::{CutKey, HeadKey};

/// As `florc show` lists it and `florc export --at` takes it.
pub fn cut_text(cut: &CutKey) -> String {
    let entry = |head: &HeadKey| match head.instance {
        0 => String::new(),
        other => format!(" of entry {}", u64::from(other) + 1),
    };
    match cut {
        CutKey::Head(head) => format!("head of iteration {}{}", head.iteration, entry(head)),
        CutKey::Exit(head) => format!("loop left after {}{}", head.iteration, entry(head)),
        CutKey::Block(block) => format!(
            "end of {} in iteration {}{}",
            block.site,
            block.head.iteration,
            entry(&block.head)
        ),
    }
}
