//! Lines, indentation and keys of a text that may not be valid YAML.

use std::ops::Range;

/// The lines from `from` on, which is the start of one, without their line breaks.
pub(super) fn line_ranges(text: &str, from: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = from;
    text[from..].split_inclusive('\n').map(move |line| {
        let range = start..start + line.trim_end_matches(['\n', '\r']).len();
        start += line.len();
        range
    })
}

pub(super) fn next_line_start(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

pub(super) fn indent_width(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// The key, without quotes, before a colon at `colon`.
pub(super) fn key_before(text: &str, colon: usize) -> Option<Range<usize>> {
    // An explicit key (`? key`) has its colon on a line of its own.
    let end = text[..colon].trim_end().len();
    let last = text[..end].chars().next_back()?;
    if matches!(last, '"' | '\'') {
        let start = scan_back(text, end - 1, |c| c != last && c != '\n');
        return Some(start..end - 1);
    }
    let start = scan_back(text, end, |c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    (start < end).then_some(start..end)
}

/// The start of the characters before `end` that fit.
fn scan_back(text: &str, end: usize, fits: impl Fn(char) -> bool) -> usize {
    // No key is longer. Without a limit, a text full of colons takes time in proportion to its square.
    let characters = text[..end].chars().rev().take(64).take_while(|&c| fits(c));
    end - characters.map(char::len_utf8).sum::<usize>()
}

/// The key at the beginning of a line or entry that looks like `key: value`.
pub(super) fn leading_key(line: &str) -> Option<&str> {
    let line = line.trim_start().trim_start_matches("- ").trim_start();
    let (key, value) = line.split_once(':')?;
    let key = key.trim_end().trim_matches(['"', '\'']);
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let ends = value.is_empty() || value.starts_with([' ', '\t', '"', '\'', '{', '[']);
    (ends && !key.is_empty() && key.chars().all(is_name)).then_some(key)
}
