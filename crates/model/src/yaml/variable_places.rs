//! Where the variables of a text stand that takes several lines.

use super::Span;

/// The places of each `${` in a text of several lines.
// What a folded text says does not tell on which line a part of it was written.
#[derive(Clone, Debug)]
pub struct VariablePlaces(Vec<Span>);

impl VariablePlaces {
    /// Those in a text that takes `span` of the file. `None` for one line, and where escapes hide a `${`.
    pub(super) fn find(file: &str, span: Span, text: &str) -> Option<Box<Self>> {
        // Nearly every text is one line, which costs less to see than that it has no variable.
        let written = file.get(span.byte_range()).filter(|written| written.contains('\n'))?;
        let count = text.matches(SIGN).count();
        if count == 0 {
            return None;
        }
        let (mut places, mut line, mut column, mut done) = (Vec::new(), span.line, span.column, 0);
        for (at, _) in written.match_indices(SIGN) {
            let between = &written[done..at];
            if let Some((_, last_line)) = between.rsplit_once('\n') {
                line += length(between.matches('\n').count());
                column = 1 + length(last_line.chars().count());
            } else {
                column += length(between.chars().count());
            }
            done = at;
            let rest = written[at..].lines().next().unwrap_or_default();
            let end = span.start + at + rest.find('}').map_or(SIGN.len(), |end| end + 1);
            places.push(Span { start: span.start + at, end, line, column, file: span.file });
        }
        (places.len() == count).then(|| Box::new(Self(places)))
    }
}

const SIGN: &str = "${";

fn length(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The place of the `${` at a byte of this text, which was read from `span`.
pub fn variable_place(span: Span, places: Option<&VariablePlaces>, text: &str, at: usize) -> Span {
    let number = text[..at].matches(SIGN).count();
    let found = places.and_then(|places| places.0.get(number));
    found.map_or(span, |found| Span { file: span.file, ..*found })
}
