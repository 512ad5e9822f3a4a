//! Finds the position of a part of a YAML text in its file.

use model::yaml::Span;

/// The position of the byte at `offset` of a text that was written at `span`. If the text is written in another form,
/// such as with escapes, it is the start of the text.
pub(crate) fn locate(file: &str, span: Span, text: &str, offset: usize) -> Span {
    find_in_source(file, span, text, offset).unwrap_or(span)
}

fn find_in_source(file: &str, span: Span, text: &str, offset: usize) -> Option<Span> {
    let source = file.get(span.start..span.end)?;
    let (before, after) = text.split_at_checked(offset)?;
    let next = after.chars().find(|letter| !letter.is_whitespace());
    let first = source.chars().next()?;
    let quote = ['"', '\''].into_iter().find(|quote| *quote == first);
    // The text begins there, after a quote, or below the sign of a block.
    let start = if matches!(first, '|' | '>') { source.find('\n')? } else { 0 };
    let as_quoted = quote.and_then(|_| skip_same_letters(source, 1, before, next, quote));
    // The text of a block may begin with a quote of its own.
    let quote = quote.filter(|_| as_quoted.is_some());
    let at = as_quoted.or_else(|| skip_same_letters(source, start, before, next, None))?;
    let above = &source[..at];
    let column = match above.rfind('\n') {
        Some(end) => above[end + 1..].chars().count() + 1,
        None => span.column as usize + above.chars().count(),
    };
    let line = span.line + u32::try_from(above.matches('\n').count()).ok()?;
    let written = source.strip_suffix(|last| Some(last) == quote).unwrap_or(source);
    let rest = written.get(at..)?.lines().next().unwrap_or_default().trim_end();
    let start = span.start + at;
    Some(Span { start, end: start + rest.len(), line, column: u32::try_from(column).ok()?, file: span.file })
}

/// The position after the letters of `text` in the source from `start` on. Blanks do not count: a block is indented,
/// and folded lines are on separate lines.
fn skip_same_letters(source: &str, start: usize, text: &str, next: Option<char>, quote: Option<char>) -> Option<usize> {
    let mut was_escape = false;
    let mut letters = source.get(start..)?.char_indices().filter(|(_, letter)| {
        // `''` within `'` and `\"` within `"` are a quote.
        let is_escape =
            !was_escape && (quote == Some('\'') && *letter == '\'' || quote == Some('"') && *letter == '\\');
        was_escape = is_escape;
        !is_escape && !letter.is_whitespace()
    });
    for letter in text.chars().filter(|letter| !letter.is_whitespace()) {
        letters.next().filter(|(_, other)| *other == letter)?;
    }
    match (letters.next(), next) {
        (Some((at, letter)), Some(next)) if letter == next => Some(start + at),
        (_, Some(_)) => None,
        (after, None) => Some(after.map_or(source.len(), |(at, _)| start + at)),
    }
}
