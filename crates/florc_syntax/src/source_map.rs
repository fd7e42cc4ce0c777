//! Where the bytes of an edited text come from.
//!
//! ```python
//! import florc         # inserted: every offset maps to the insertion point
//! x = 1                # copied: maps byte by byte
//! ```
//!
//! Maps offsets only; lines and columns are asked of the [`crate::SourceText`]s.

/// A piece of the edited text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// First byte in the edited text.
    pub edited_start: u32,
    /// One past the last byte in the edited text.
    pub edited_end: u32,
    /// Where it comes from: the first byte of a copy, or the insertion point.
    pub original_start: u32,
    /// Bytes of the original text that this piece stands for; 0 for an insertion.
    pub original_len: u32,
    /// Whether it is a copy of original bytes.
    pub exact: bool,
}

impl Segment {
    const fn original_end(&self) -> u32 {
        self.original_start + self.original_len
    }
}

/// Segments that cover the edited text without gaps, and the original text in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceMap {
    segments: Vec<Segment>,
}

impl SourceMap {
    pub(crate) fn push(&mut self, segment: Segment) {
        self.segments.push(segment);
    }

    /// The pieces, in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The original offset of an edited one. Inserted text maps to the insertion point, a
    /// replacement to the start of what it replaces.
    pub fn to_original(&self, edited: u32) -> u32 {
        let index = self
            .segments
            .partition_point(|it| it.edited_start <= edited);
        let Some(segment) = index.checked_sub(1).map(|index| &self.segments[index]) else {
            return 0;
        };
        let inside = edited - segment.edited_start;
        if edited >= segment.edited_end {
            return segment.original_end();
        }
        segment.original_start + if segment.exact { inside } else { 0 }
    }

    /// Whether the byte at an edited offset is a copy of an original byte.
    pub fn is_original(&self, edited: u32) -> bool {
        let index = self.segments.partition_point(|it| it.edited_end <= edited);
        self.segments
            .get(index)
            .is_some_and(|it| it.exact && it.edited_start <= edited)
    }

    /// The edited offset of an original byte: its copy, or the start of its replacement. The end
    /// of the original text maps to the end of the edited one.
    pub fn to_edited(&self, original: u32) -> u32 {
        let index = self
            .segments
            .partition_point(|it| it.original_end() <= original);
        match self.segments.get(index) {
            Some(it) if it.exact => it.edited_start + original.saturating_sub(it.original_start),
            Some(it) => it.edited_start,
            None => self.segments.last().map_or(original, |it| it.edited_end),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{EditSet, SourceText, Span};

    #[test]
    fn maps_copies_insertions_and_replacements() {
        let source = SourceText::from_bytes("t.py", b"abcdef".to_vec()).expect("utf-8");
        let mut edits = EditSet::new();
        edits.insert(2, "XX");
        edits.replace(Span::new(3, 5), "Y");
        let edited = edits.apply(&source).expect("no overlap");
        assert_eq!(edited.text, "abXXcYf");
        let originals: Vec<_> = (0..8).map(|at| edited.map.to_original(at)).collect();
        assert_eq!(originals, [0, 1, 2, 2, 2, 3, 5, 6]);
        let places: Vec<_> = (0..7).map(|at| edited.map.to_edited(at)).collect();
        assert_eq!(places, [0, 1, 4, 5, 5, 6, 7]);
        assert!(edited.map.is_original(4) && !edited.map.is_original(3));
    }
}
