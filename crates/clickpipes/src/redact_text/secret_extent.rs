//! Finds the end of a secret field's value.

use std::ops::Range;

use super::lines;
use crate::manifest;

/// The ranges of a value to hide, and the position where the search for keys goes on.
pub(super) struct SecretExtent {
    pub(super) hidden: Vec<Range<usize>>,
    pub(super) resume_at: usize,
}

impl SecretExtent {
    fn from_range(hidden: Range<usize>, resume_at: usize) -> Self {
        Self { hidden: std::iter::once(hidden).collect(), resume_at }
    }
}

/// The keys of a reference to a secret. Their values are shown.
const REFERENCE_KEYS: [&str; 5] = ["fromEnv", "fromFile", "fromCommand", "encoding", "version"];

pub(super) fn is_reference_key(key: &str) -> bool {
    REFERENCE_KEYS.contains(&key)
}

/// Whether a list or a mapping stands where a reference has the name of a variable or a file.
pub(super) fn is_misplaced_in_reference(text: &str, key: &str, colon_end: usize) -> bool {
    let value = text[colon_end..].trim_start_matches([' ', '\t']);
    matches!(key, "fromEnv" | "fromFile") && value.starts_with(['[', '{', '\n', '\r', '#'])
}

// A longer text in braces is not a reference, so it is not worth splitting.
const MAX_REFERENCE_LENGTH: usize = 4096;

/// The extent of the value after `key`. A mapping that contains secret fields (`is_secret`) is shown, except their
/// values.
pub(super) fn value_extent(
    text: &str,
    key: &Range<usize>,
    colon_end: usize,
    is_secret: &mut impl FnMut(&str) -> bool,
) -> SecretExtent {
    let begin = colon_end + lines::indent_width(&text[colon_end..]);
    let start = skip_properties(text, begin);
    let mut reach = extent_from(text, key, start, is_secret);
    if !reach.hidden.is_empty() {
        // What looks like an anchor or a tag (`&x`, `!x`) may be the beginning of an unquoted password.
        reach.hidden.push(begin..start);
    }
    reach
}

/// The extent of a value after the key of a group, if it is not a mapping: then it stands where secrets belong.
pub(super) fn non_mapping_extent(text: &str, key: &Range<usize>, colon_end: usize) -> SecretExtent {
    let begin = colon_end + lines::indent_width(&text[colon_end..]);
    let start = skip_properties(text, begin);
    let nothing = SecretExtent { hidden: Vec::new(), resume_at: start };
    match text[start..].chars().next() {
        None | Some('{' | '*' | '#') => nothing,
        Some('\n' | '\r') => {
            let below = lines::next_line_start(text, start);
            let lines = indented_lines(text, key, below).chain(list_at_same_indent(text, key, below));
            let mut lines = lines.chain(lines_without_yaml(text, below)).peekable();
            let first = lines.peek().map(|line| &text[line.clone()]);
            let is_key = |line: &str| lines::leading_key(line).is_some() && !line.trim_start().starts_with("- ");
            let is_mapping = first.is_none_or(|line| is_key(line) || line.trim().starts_with('#'));
            if is_mapping { nothing } else { SecretExtent { hidden: lines.collect(), resume_at: below } }
        }
        // `passwordless: true` is a switch.
        Some('t' | 'f' | 'n') if is_plain_word(&text[start..]) => nothing,
        Some(_) => value_extent(text, key, colon_end, &mut |_| false),
    }
}

/// The end of the mapping after a key; `colon_end` if something else stands there.
pub(super) fn mapping_end(text: &str, key: &Range<usize>, colon_end: usize) -> usize {
    let start = skip_properties(text, colon_end + lines::indent_width(&text[colon_end..]));
    match text[start..].chars().next() {
        Some('{') => {
            let end = closing_brace(text, start);
            // One that is never closed must not hide the rest of the file.
            if end < text.len() { end } else { lines::next_line_start(text, start) }
        }
        Some('\n' | '\r' | '#') => {
            let below = lines::next_line_start(text, start);
            indented_lines(text, key, below).last().map_or(colon_end, |line| line.end)
        }
        _ => colon_end,
    }
}

/// What stands in a mapping without a key: its author forgot the name of the secret, or the colon.
pub(super) fn entries_without_key(text: &str, key: &Range<usize>, colon_end: usize) -> Vec<Range<usize>> {
    let start = skip_properties(text, colon_end + lines::indent_width(&text[colon_end..]));
    match text[start..].chars().next() {
        Some('{') => {
            let open = start + 1;
            let inner = text.get(open..mapping_end(text, key, colon_end)).unwrap_or_default();
            let entries = split_entries(inner).into_iter();
            let without_key = entries.filter(|entry| lines::leading_key(&inner[entry.clone()]).is_none());
            without_key.map(|entry| open + entry.start..open + entry.end).collect()
        }
        Some('\n' | '\r' | '#') => {
            let below = lines::next_line_start(text, start);
            let is_without_key = |line: &Range<usize>| {
                let line = text[line.clone()].trim();
                let has_key = lines::leading_key(line).is_some() && !line.starts_with("- ");
                !has_key && !line.starts_with(['#', '}', ']'])
            };
            indented_lines(text, key, below).filter(is_without_key).collect()
        }
        _ => Vec::new(),
    }
}

/// The same for a mapping in braces inside another group, such as a reference.
// Only near the key: braces in braces would each be searched to the end of the text.
pub(super) fn short_entries_without_key(text: &str, key: &Range<usize>, colon_end: usize) -> Vec<Range<usize>> {
    const LONGEST: usize = 512;
    let near = text[colon_end..].char_indices().nth(LONGEST).map_or(text, |(length, _)| &text[..colon_end + length]);
    let is_in_braces = near[colon_end..].trim_start_matches([' ', '\t']).starts_with('{');
    if is_in_braces { entries_without_key(near, key, colon_end) } else { Vec::new() }
}

fn is_plain_word(value: &str) -> bool {
    let line = value.lines().next().unwrap_or_default();
    let word = line.split([' ', ',', '}']).next().unwrap_or_default();
    matches!(word, "true" | "false" | "null")
}

/// The name of the alias that stands as a value: `p` of `*p`.
pub(super) fn alias_name(text: &str, colon_end: usize) -> Option<&str> {
    let name = node_name(text[colon_end..].trim_start_matches([' ', '\t']).strip_prefix('*')?);
    (!name.is_empty()).then_some(name)
}

/// The name of an anchor or an alias, from its start.
pub(super) fn node_name(text: &str) -> &str {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '{' | '}'));
    &text[..end.unwrap_or(text.len())]
}

fn extent_from(text: &str, key: &Range<usize>, start: usize, is_secret: &mut impl FnMut(&str) -> bool) -> SecretExtent {
    let line_end = lines::next_line_start(text, start);
    match text[start..].chars().next() {
        None => SecretExtent { hidden: Vec::new(), resume_at: text.len() },
        Some('\n' | '\r' | '#') => block_extent(text, key, line_end, is_secret),
        Some('|' | '>') if is_literal_head(&text[start + 1..line_end]) => literal_extent(text, key, line_end),
        Some(quote @ ('"' | '\'')) => SecretExtent::from_range(start..closing_quote(text, start, quote), line_end),
        Some('{') => braces_extent(text, start, is_secret),
        Some(_) => unquoted_extent(text, key, start, line_end),
    }
}

/// What follows a key on the lines below it that are part of it: `? password`, and `  hunter2` below.
pub(super) fn lines_of_long_key(text: &str, line: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let indent = lines::indent_width(&text[line.clone()]);
    lines_without_yaml(text, lines::next_line_start(text, line.end)).take_while(move |below| {
        let below = &text[below.clone()];
        !below.trim().is_empty() && lines::indent_width(below) > indent
    })
}

/// The position behind an anchor and a tag.
fn skip_properties(text: &str, mut at: usize) -> usize {
    while text[at..].starts_with(['&', '!']) {
        let length = text[at..].find(char::is_whitespace).unwrap_or(0);
        // With nothing behind it on its line, it may be meant as the value.
        let rest = &text[at + length..];
        if length == 0 || rest.starts_with(['\n', '\r']) {
            return at;
        }
        at += length + lines::indent_width(rest);
    }
    at
}

fn key_indent(text: &str, key: &Range<usize>) -> usize {
    let quoted = usize::from(text[..key.start].ends_with(['"', '\'']));
    key.start - quoted - lines::line_start(text, key.start)
}

/// The lines from `from` on that are indented more than the key.
fn indented_lines<'t>(text: &'t str, key: &Range<usize>, from: usize) -> impl Iterator<Item = Range<usize>> + use<'t> {
    let indent = key_indent(text, key);
    lines::line_ranges(text, from).take_while(move |line| {
        let line = &text[line.clone()];
        line.trim().is_empty() || lines::indent_width(line) > indent
    })
}

/// A value on the lines below its key. Lines of a reference and of other secret fields are shown, all others are
/// hidden.
fn block_extent(text: &str, key: &Range<usize>, from: usize, is_secret: &mut impl FnMut(&str) -> bool) -> SecretExtent {
    let is_shown = |line: &str, is_secret: &mut dyn FnMut(&str) -> bool| {
        let name = lines::leading_key(line);
        name.is_some_and(|name| REFERENCE_KEYS.contains(&name) && !has_second_colon(line) || is_secret(name))
    };
    let hidden = indented_lines(text, key, from)
        .chain(list_at_same_indent(text, key, from))
        .chain(lines_without_yaml(text, from))
        .filter(|line| !is_shown(&text[line.clone()], is_secret))
        .collect();
    SecretExtent { hidden, resume_at: from }
}

// YAML allows the entries of a list at the indentation of their key.
fn list_at_same_indent<'t>(
    text: &'t str,
    key: &Range<usize>,
    from: usize,
) -> impl Iterator<Item = Range<usize>> + use<'t> {
    let indent = key_indent(text, key);
    lines::line_ranges(text, from).take_while(move |line| {
        let line = &text[line.clone()];
        let width = lines::indent_width(line);
        width > indent || width == indent && line.trim_start().starts_with("- ")
    })
}

/// Whether what follows `|` or `>` on its line makes it the head of a text below. Else it begins a password.
fn is_literal_head(rest: &str) -> bool {
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
    rest.trim().is_empty() || rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#')
}

/// A text in `|` or `>` style.
fn literal_extent(text: &str, key: &Range<usize>, from: usize) -> SecretExtent {
    let indented = indented_lines(text, key, from).last().map_or(from, |line| line.end);
    let rest = if indented == from { from } else { lines::next_line_start(text, indented) };
    let end = lines_without_yaml(text, rest).last().map_or(indented, |line| line.end);
    SecretExtent::from_range(from..end, end)
}

/// The lines from `from` on that do not look like YAML.
// Such as those of a key that was pasted with too little indentation: YAML ends the value before them, and the
// diagnostic quotes just these lines.
fn lines_without_yaml(text: &str, from: usize) -> impl Iterator<Item = Range<usize>> {
    lines::line_ranges(text, from).take_while(|line| !looks_like_yaml(&text[line.clone()]))
}

fn looks_like_yaml(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with(['#', '{', '}', '[', ']'])
        || line.starts_with("- ")
        || matches!(line.trim_end(), "---" | "..." | "-")
        || line.starts_with("--- ")
        || lines::leading_key(line).is_some()
}

fn closing_quote(text: &str, open: usize, quote: char) -> usize {
    let mut rest = text[open + 1..].char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c == '\\' && quote == '"' {
            rest.next();
        } else if c == quote {
            let doubled = quote == '\'' && rest.peek().is_some_and(|&(_, next)| next == quote);
            if !doubled {
                return open + 1 + at + 1;
            }
            rest.next();
        }
    }
    text.len()
}

/// `{…}`: shown if it is a reference. If it begins with a secret field, its fields are looked at one by one.
fn braces_extent(text: &str, start: usize, is_secret: &mut impl FnMut(&str) -> bool) -> SecretExtent {
    let first = lines::leading_key(text[start + 1..].get(..64).unwrap_or(&text[start + 1..]));
    if first.is_some_and(is_secret) {
        return SecretExtent { hidden: Vec::new(), resume_at: start + 1 };
    }
    let end = closing_brace(text, start);
    let inner = &text[(start + 1).min(end)..end];
    let is_reference = inner.len() <= MAX_REFERENCE_LENGTH
        && split_entries(inner).into_iter().all(|entry| is_reference_entry(&inner[entry]));
    if is_reference {
        return SecretExtent { hidden: Vec::new(), resume_at: end };
    }
    SecretExtent::from_range(start..end, end)
}

/// Whether a mapping stands where a reference has a name: `fromEnv: hunter2: x`.
fn has_second_colon(entry: &str) -> bool {
    entry.split_once(':').is_some_and(|(_, value)| !value.trim_start().starts_with('[') && value.contains(": "))
}

fn is_reference_entry(entry: &str) -> bool {
    // Of a reference, only the command is a list. Any other list may be a misplaced secret.
    let key = lines::leading_key(entry).filter(|key| REFERENCE_KEYS.contains(key));
    let value = entry.split_once(':').map_or("", |(_, value)| value.trim().trim_matches(['"', '\'']));
    if key.is_some() && manifest::is_one_variable(value) {
        return true;
    }
    key.is_some_and(|key| {
        !has_second_colon(entry) && !entry.contains('{') && (key == "fromCommand" || !entry.contains('['))
    })
}

fn closing_brace(text: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = open;
    while let Some(c) = text[at..].chars().next() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at,
            '}' => depth -= 1,
            '"' | '\'' => {
                at = closing_quote(text, at, c);
                continue;
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    text.len()
}

/// The entries of a mapping in braces, split at commas outside brackets.
fn split_entries(inner: &str) -> Vec<Range<usize>> {
    let (mut depth, mut start) = (0_i32, 0);
    let entries = inner.split(|c| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    let ranges = entries.map(|entry| {
        let range = start..start + entry.len();
        start = range.end + 1;
        range
    });
    ranges.filter(|range| !inner[range.clone()].trim().is_empty()).collect()
}

/// An unquoted value: to the end of its line, and the more indented lines below, which continue it.
fn unquoted_extent(text: &str, key: &Range<usize>, start: usize, line_end: usize) -> SecretExtent {
    let line = start..text[..line_end].trim_end_matches(['\n', '\r']).len().max(start);
    // A commented-out secret is a secret as well, but the lines below it belong to other fields.
    let is_comment = text[lines::line_start(text, key.start)..].trim_start().starts_with('#');
    let mut reach = SecretExtent::from_range(line, line_end);
    if !is_comment {
        reach.hidden.extend(indented_lines(text, key, line_end));
    }
    reach
}
