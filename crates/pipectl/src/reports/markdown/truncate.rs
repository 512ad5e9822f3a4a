//! Selects the pieces that fit into a comment, and adds a note about the rest.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommentSection {
    /// In the table.
    Row,
    /// Below it.
    Details,
}

/// A row, or the details of an object. It is shown completely or not at all, so that no element stays open.
pub(super) struct CommentPiece {
    pub(super) section: CommentSection,
    /// 0 is the most important.
    pub(super) rank: u8,
    /// The word for it in the note about omitted pieces.
    pub(super) word: &'static str,
    pub(super) text: String,
}

/// Splits the pieces into shown and omitted ones. Pieces are taken by rank until one does not fit, so that no piece is
/// shown while a more important one is omitted.
pub(super) fn split_to_fit(mut pieces: Vec<CommentPiece>, mut room: usize) -> (Vec<CommentPiece>, Vec<CommentPiece>) {
    pieces.retain(|piece| !piece.text.is_empty());
    pieces.sort_by_key(|piece| piece.rank);
    let end = pieces.iter().position(|piece| {
        let length = piece.text.chars().count();
        let fits = length <= room;
        room = room.saturating_sub(length);
        !fits
    });
    let left = pieces.split_off(end.unwrap_or(pieces.len()));
    (pieces, left)
}

pub(super) fn section_text(pieces: &[CommentPiece], slot: CommentSection) -> String {
    pieces.iter().filter(|piece| piece.section == slot).map(|piece| piece.text.as_str()).collect()
}

/// The number of omitted rows, by verdict, and of omitted details.
pub(super) fn omitted_note(left: &[CommentPiece]) -> String {
    if left.is_empty() {
        return String::new();
    }
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for piece in left.iter().filter(|piece| piece.section == CommentSection::Row) {
        match counts.iter_mut().find(|(word, _)| *word == piece.word) {
            Some((_, count)) => *count += 1,
            None => counts.push((piece.word, 1)),
        }
    }
    let rows: usize = counts.iter().map(|(_, count)| count).sum();
    let details = left.iter().filter(|piece| piece.section == CommentSection::Details).count();
    let kinds: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    let rows = (rows > 0).then(|| format!("{rows} rows ({})", kinds.join(", ")));
    let details = (details > 0).then(|| format!("the details of {details} objects"));
    let parts: Vec<String> = rows.into_iter().chain(details).collect();
    format!(
        "Omitted because the comment would be too long: {}. The log of the run shows everything.\n\n",
        parts.join(" and ")
    )
}
