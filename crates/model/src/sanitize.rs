//! Makes untrusted text safe to print.
//!
//! Anybody who can write a manifest or use the console chooses names and values. When printed, they must not look like
//! output of pipectl, control a terminal, or look like another text.

use std::fmt::Write as _;
use std::ops::Range;

/// The text as one visible line: line breaks, control characters, invisible characters, blanks that look like a space, and
/// those that change the direction of writing become escapes.
pub fn sanitize_line(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_invisible(c) || is_foreign_blank(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// As [`sanitize_line`], except that `\n` stays a line break.
pub fn sanitize_lines(text: &str) -> String {
    text.split('\n').map(sanitize_line).collect::<Vec<_>>().join("\n")
}

/// A JSON text with JSON escapes for invisible characters, so that it can be printed. GitHub takes `##[` in a log for a
/// command.
pub fn escape_json_text(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_invisible(c) {
            let mut units = [0; 2];
            // JSON knows UTF-16 only. Writing to a string cannot fail.
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out.replace("##[", "##\\u005b")
}

/// A YAML text with YAML escapes for the characters that [`sanitize_line`] escapes. They must be in double quotes.
pub fn escape_yaml_text(yaml: &str) -> String {
    let mut out = String::with_capacity(yaml.len());
    for c in yaml.chars() {
        if c != '\n' && (is_invisible(c) || is_foreign_blank(c)) {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\U{:08X}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out.replace("##[", "##\\x5B")
}

/// The text with each of these ranges replaced. Ranges may overlap, and empty ones are ignored.
pub fn replace_ranges(text: &str, mut ranges: Vec<Range<usize>>, with: &str) -> String {
    ranges.sort_by_key(|range| range.start);
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    for range in ranges.into_iter().filter(|range| !range.is_empty()) {
        if range.start >= at {
            shown.push_str(&text[at..range.start]);
            shown.push_str(with);
        }
        at = at.max(range.end);
    }
    shown + &text[at..]
}

pub(crate) fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    // Direction marks can show a reviewer another text than the one that is sent.
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = matches!(c, '\u{2028}' | '\u{2029}');
    // U+FE00 to U+FE0F are invisible too, but choose the shape of the emoji before them: they stay.
    let blank = matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    c.is_control() || turns || breaks || blank
}

/// A blank that looks like a space but is another character. YAML treats it as a letter.
pub(crate) fn is_foreign_blank(c: char) -> bool {
    c.is_whitespace() && !c.is_ascii()
}

/// The name of such a blank in a sentence.
pub(crate) fn blank_name(blank: char) -> &'static str {
    if matches!(blank, '\u{a0}' | '\u{2007}' | '\u{202f}') { "no-break space" } else { "foreign blank" }
}

#[cfg(test)]
mod tests {
    use super::{escape_json_text, sanitize_line, sanitize_lines};

    #[test]
    fn printed_json_keeps_its_meaning() {
        let value = serde_json::json!({"a": "\u{202e}\u{1b}\n\u{e0041} ##[x] é"});
        let printed = escape_json_text(&format!("{value:#}\n"));
        assert!(!printed.contains(['\u{202e}', '\u{e0041}']) && !printed.contains("##["));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), value);
    }

    #[test]
    fn invisible_characters_are_escaped() {
        assert_eq!(sanitize_line("a\nb\u{202e}c\t\u{1b}[2K"), r"a\nb\u{202e}c\t\u{1b}[2K");
        assert_eq!(sanitize_line("so\u{ad}ft \u{61c}\u{e0041}\u{3164}"), r"so\u{ad}ft \u{61c}\u{e0041}\u{3164}");
        assert_eq!(sanitize_line("grüße 日本 😀 ✔\u{fe0f}"), "grüße 日本 😀 ✔\u{fe0f}");
        assert_eq!(sanitize_lines("a\r\nb\u{2028}\n"), "a\\r\nb\\u{2028}\n");
    }
}
