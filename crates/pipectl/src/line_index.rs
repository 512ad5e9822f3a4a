//! Finds lines of files by their numbers. Many findings in one file cost no more than one walk through it.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;

use model::desired::Place;
use model::diagnostic::SourceFile;

/// The beginnings of the lines of some files. Most runs of most projects never ask for one.
pub(crate) struct LineIndex<'f> {
    files: &'f [SourceFile],
    by_name: OnceCell<LinesByName<'f>>,
}

/// The text of each file, and where its lines begin.
type LinesByName<'f> = HashMap<&'f str, (&'f str, OnceCell<Vec<usize>>)>;

impl<'f> LineIndex<'f> {
    pub(crate) fn new(files: &'f [SourceFile]) -> Self {
        Self { files, by_name: OnceCell::new() }
    }

    fn find(&self, name: &str) -> Option<(&'f str, &[usize])> {
        let texts = || self.files.iter().map(|file| (&*file.name, (&*file.text, OnceCell::new()))).collect();
        let (text, lines) = self.by_name.get_or_init(texts).get(name)?;
        let starts = || std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Some((text, lines.get_or_init(starts)))
    }

    /// The bytes from a place to the end of its line; none for a file that is not known.
    pub(crate) fn span_to_line_end(&self, place: &Place) -> Range<usize> {
        let before = |count: u32| usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(1);
        let Some((text, lines)) = self.find(&place.file) else { return 0..0 };
        let start = lines.get(before(place.line)).copied().unwrap_or(text.len());
        let line = text[start..].lines().next().unwrap_or_default();
        let column = line.char_indices().nth(before(place.column)).map_or(line.len(), |(at, _)| at);
        start + column..start + line.trim_end().len().max(column)
    }
}

#[cfg(test)]
mod tests {
    use super::LineIndex;
    use model::desired::Place;
    use model::diagnostic::SourceFile;
    use model::secret::span_to_line_end;

    #[test]
    fn spans_are_those_of_a_walk_through_the_text() {
        let text = "a: 1\n  b: ü 2  \r\n\nc: 3";
        let files = [SourceFile { name: "m".into(), text: text.into() }];
        let index = LineIndex::new(&files);
        for (line, column) in [(1, 1), (1, 4), (2, 3), (2, 9), (3, 1), (4, 1), (4, 99), (5, 1), (99, 9)] {
            let place = Place { file: "m".into(), line, column };
            assert_eq!(index.span_to_line_end(&place), span_to_line_end(text, &place), "{line}:{column}");
        }
        assert_eq!(index.span_to_line_end(&Place { file: "other".into(), line: 1, column: 1 }), 0..0);
    }
}
