//! Anybody's text, as it may be shown.
//!
//! Names and values are written by whoever can write a manifest or use the console. What is printed
//! of them must not pass for output of ours, steer a terminal, or look like something that it is not.

/// One line in which everything can be seen: line breaks, control characters, characters without a
/// shape and those that turn the direction of writing are shown as escapes.
pub fn sanitize_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_invisible(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// The same for a text of several lines.
pub fn sanitize_lines(text: &str) -> String {
    text.split('\n').map(sanitize_line).collect::<Vec<_>>().join("\n")
}

/// Whether a character does something and shows nothing.
fn is_invisible(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = matches!(c, '\u{2028}' | '\u{2029}');
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

#[cfg(test)]
mod tests {
    use super::{sanitize_line, sanitize_lines};

    #[test]
    fn invisible_characters_are_escaped() {
        assert_eq!(sanitize_line("a\nb\u{202e}c\t\u{1b}[2K"), r"a\nb\u{202e}c\t\u{1b}[2K");
        assert_eq!(sanitize_line("so\u{ad}ft \u{61c}\u{e0041}\u{3164}"), r"so\u{ad}ft \u{61c}\u{e0041}\u{3164}");
        assert_eq!(sanitize_line("grüße 日本 😀 ✔\u{fe0f}"), "grüße 日本 😀 ✔\u{fe0f}");
        assert_eq!(sanitize_lines("a\r\nb\u{2028}\n"), "a\\r\nb\\u{2028}\n");
    }
}
