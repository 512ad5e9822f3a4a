//! Escapes texts from manifests and from the API for markdown, HTML and XML. The result is always one line and has no
//! meaning in the syntax around it.

use std::fmt::Write as _;

pub(crate) use model::excerpt::truncate_chars;
pub(crate) use model::sanitize::sanitize_line;

/// One line with only characters that are legal in XML and HTML. The writer of either escapes it.
pub(crate) fn xml_line(text: &str) -> String {
    sanitize_line(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

/// Code within a line of markdown. The HTML element can contain what backticks cannot: a `|` in a table, and backticks.
/// A mention in it has no effect.
pub(crate) fn markdown_code(text: &str) -> String {
    format!("<code>{}</code>", escape_markdown(text))
}

/// One of our sentences in markdown. Text in backticks becomes code.
pub(crate) fn markdown_sentence(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escape_mentions(text);
    }
    let parts = parts.iter().enumerate().map(
        |(index, part)| {
            if index % 2 == 1 { markdown_code(part) } else { escape_mentions(part) }
        },
    );
    parts.collect()
}

/// GitHub looks for mentions after it has rendered the markdown, so an entity alone does not help.
fn escape_mentions(text: &str) -> String {
    escape_markdown(text).replace("&#64;", "&#64;&#8203;")
}

/// Text without special characters of markdown or HTML.
fn escape_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let line = sanitize_line(text);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let harmless = matches!(c, '-' | '/' | ',' | ';' | '\'' | '"' | '(' | ')' | '=');
        // A colon before a word begins an emoji, or is part of a link.
        let colon = c == ':' && chars.peek().is_none_or(|next| *next == ' ');
        let plain = !c.is_ascii_punctuation() || harmless || colon;
        // `www.` begins a link.
        let dot = c == '.' && !ends_with_www(&out);
        if plain || dot {
            out.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "&#{};", u32::from(c));
        }
    }
    out
}

/// A code block that its lines cannot end.
pub(crate) fn code_fence(kind: &str, lines: &[String]) -> String {
    // GitHub takes `##[` in a log for a command, and a comment may be printed into one. Nothing can be escaped in a
    // block.
    let lines: Vec<String> = lines.iter().map(|line| sanitize_line(line).replace("##[", "##\\[")).collect();
    let longest = lines.iter().map(|line| longest_backtick_run(line)).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{kind}\n{}\n{fence}\n", lines.join("\n"))
}

fn ends_with_www(text: &str) -> bool {
    text.len().checked_sub(3).and_then(|start| text.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

fn longest_backtick_run(line: &str) -> usize {
    line.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{code_fence, markdown_code, markdown_sentence, xml_line};

    #[test]
    fn text_is_escaped_for_markdown_and_xml() {
        assert_eq!(markdown_code("a|b`c`<b>@team\n"), "<code>a&#124;b&#96;c&#96;&#60;b&#62;&#64;team&#92;n</code>");
        assert_eq!(
            markdown_sentence("table `a|b` of @team, *see* www.x"),
            "table <code>a&#124;b</code> of &#64;&#8203;team, &#42;see&#42; www&#46;x"
        );
        assert_eq!(markdown_sentence("one ` alone"), "one &#96; alone");
        assert_eq!(xml_line("]]><a b=\"c\">\u{0}\u{ffff}"), "]]><a b=\"c\">\\u{0}\u{fffd}");
    }

    #[test]
    fn code_fence_is_longer_than_backticks_inside() {
        assert_eq!(code_fence("diff", &["a".to_owned()]), "```diff\na\n```\n");
        assert_eq!(code_fence("", &["````".to_owned()]), "`````\n````\n`````\n");
        assert_eq!(code_fence("", &["a ##[add-mask]x".to_owned()]), "```\na ##\\[add-mask]x\n```\n");
    }
}
