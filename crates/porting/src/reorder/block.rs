//! The lines of each key of a mapping, with the comments above it.

use std::ops::Range;

use model::yaml::{YamlContent, YamlEntry, YamlNode};

/// The lines of a mapping, cut at its keys.
pub(super) struct KeyBlocks<'n> {
    /// The text before the first key on its line: spaces, or the dash of a list entry.
    prefix: String,
    /// Lines before the first block.
    head: Vec<String>,
    pub(super) entries: Vec<KeyBlock<'n>>,
    /// Lines after the last block.
    tail: Vec<String>,
}

/// A key with its comments and its value.
pub(super) struct KeyBlock<'n> {
    pub(super) entry: &'n YamlEntry,
    /// Blank lines and comments above the key.
    above: Vec<String>,
    /// The position of the key's line, and the position after the last line.
    pub(super) key_line: usize,
    pub(super) end: usize,
    /// The line of the key, without the text before it.
    line: String,
    /// The lines after that of the key.
    pub(super) below: Vec<String>,
}

/// Cuts the lines of a block mapping. `first` is the position of the first of `lines` in the file.
///
/// `None` for another kind of mapping, for a merged one, and where comments could belong to two keys.
pub(super) fn key_blocks<'n>(text: &str, first: usize, node: &'n YamlNode, lines: &[&str]) -> Option<KeyBlocks<'n>> {
    let entries = node.entries();
    let column = entries.first()?.span.column as usize - 1;
    let is_flow = text[node.span.start..].starts_with('{');
    if is_flow || entries.iter().any(|entry| entry.merged || entry.span.column as usize - 1 != column) {
        return None;
    }
    let key_lines: Vec<usize> =
        entries.iter().map(|entry| (entry.span.line as usize - 1).checked_sub(first)).collect::<Option<_>>()?;
    let prefix = lines.get(*key_lines.first()?)?.get(..column)?.to_owned();
    let is_alone = |line: &usize| lines.get(*line).is_some_and(|it| it.get(..column).is_some_and(is_blank));
    if !key_lines.is_sorted_by(|a, b| a < b) || !key_lines.iter().skip(1).all(is_alone) {
        return None;
    }
    // Lines above the first key may be about all of them: only a comment that touches it belongs to it.
    let above_first = lines_above(lines, 0..key_lines[0], column)?;
    let touching = lines[above_first..key_lines[0]].iter().rposition(|line| is_blank(line));
    let mut starts = vec![touching.map_or(above_first, |blank| above_first + blank + 1)];
    for (position, entry) in entries.iter().enumerate() {
        let value_end = last_bracket_line(text, &entry.value, first).max(key_lines[position]) + 1;
        let next = key_lines.get(position + 1).copied().unwrap_or(lines.len());
        starts.push(lines_above(lines, value_end..next, column)?);
    }
    let end = starts.pop()?;
    let head_end = starts[0];
    let ends = starts.iter().skip(1).copied().chain([end]);
    let owned = |range: Range<usize>| lines[range].iter().map(ToString::to_string).collect::<Vec<_>>();
    let blocks =
        entries.iter().zip(&key_lines).zip(starts.iter().zip(ends)).map(|((entry, &key_line), (&start, end))| {
            let line = lines[key_line][column..].to_owned();
            KeyBlock { entry, above: owned(start..key_line), key_line, end, line, below: owned(key_line + 1..end) }
        });
    Some(KeyBlocks { prefix, head: owned(0..head_end), entries: blocks.collect(), tail: owned(end..lines.len()) })
}

impl KeyBlocks<'_> {
    /// Sorts the keys. Those with the same rank keep their order.
    pub(super) fn sort_by_key(&mut self, rank: impl Fn(&str) -> usize) {
        let key = |block: &KeyBlock<'_>| rank(&block.entry.key);
        let first = self.entries.iter().min_by_key(|block| key(block));
        let is_behind_dash = !is_blank(&self.prefix);
        // A comment cannot stand between a dash and its first key.
        if is_behind_dash && first.is_some_and(|block| block.above.iter().any(|line| !is_blank(line))) {
            return;
        }
        self.entries.sort_by_key(key);
        // Blank lines separate keys, so the first one needs none.
        if let Some(first) = self.entries.first_mut() {
            let comments = first.above.iter().position(|line| !is_blank(line)).unwrap_or(first.above.len());
            first.above.drain(..comments);
        }
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        let mut lines = self.head;
        let indent = " ".repeat(self.prefix.chars().count());
        for (position, block) in self.entries.into_iter().enumerate() {
            lines.extend(block.above);
            lines.push(format!("{}{}", if position == 0 { &self.prefix } else { &indent }, block.line));
            lines.extend(block.below);
        }
        lines.extend(self.tail);
        lines
    }
}

/// The lines of a list, cut at the first line of each entry, and the lines before the first.
pub(super) fn split_items<'l, 't>(
    lines: &'l [&'t str],
    starts: &[usize],
) -> Option<(&'l [&'t str], Vec<&'l [&'t str]>)> {
    let first = *starts.first()?;
    let is_cut = starts.is_sorted_by(|a, b| a < b) && starts.iter().all(|start| *start < lines.len());
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    is_cut.then(|| (&lines[..first], starts.iter().zip(ends).map(|(&start, end)| &lines[start..end]).collect()))
}

/// The start of the blank lines and comments before the end of `range`. A comment that is indented deeper belongs to
/// the value above.
fn lines_above(lines: &[&str], range: Range<usize>, column: usize) -> Option<usize> {
    let mut start = range.end;
    while start > range.start {
        let line = lines[start - 1];
        let indent = line.len() - line.trim_start().len();
        if !(is_blank(line) || line.trim_start().starts_with('#') && indent <= column) {
            break;
        }
        // Comments of an outer level between two keys: it is unclear which key they belong to.
        if !is_blank(line) && indent < column && range.start > 0 && range.end < lines.len() {
            return None;
        }
        start -= 1;
    }
    Some(start)
}

/// The last line of quoted texts and brackets, where `#` does not begin a comment.
fn last_bracket_line(text: &str, node: &YamlNode, first: usize) -> usize {
    let own = match &node.content {
        _ if text[node.span.start..].starts_with(['"', '\'', '{', '[']) => {
            let lines = text[node.span.byte_range()].matches('\n').count();
            (node.span.line as usize - 1 + lines).saturating_sub(first)
        }
        _ => 0,
    };
    let below: Vec<&YamlNode> = match &node.content {
        YamlContent::List(items) => items.iter().collect(),
        _ => node.entries().iter().map(|entry| &entry.value).collect(),
    };
    below.into_iter().map(|node| last_bracket_line(text, node, first)).max().unwrap_or(0).max(own)
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
