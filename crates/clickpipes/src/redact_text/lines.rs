//! Lines and indentation of a text that may not be valid YAML.

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

pub(super) fn indent_width(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}
