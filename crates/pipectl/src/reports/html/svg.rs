//! A layout as SVG.

use std::fmt::Write as _;

use super::layout::{DiagramBox, DiagramLayout, DiagramLine};
use crate::reports::escape::{escape_xml, sanitize_line};

/// So many letters fit into a box, above and below.
const MAX_TITLE_WIDTH: usize = 31;
const MAX_SUBTITLE_WIDTH: usize = 43;

/// Writes the picture.
pub(super) fn write_svg(out: &mut String, service: &str, layout: &DiagramLayout) {
    // Half of a box's border lies outside of it.
    let (width, height) = (layout.width + 4, layout.height + 4);
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<svg viewBox=\"-2 -2 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         aria-label=\"what flows through {} pipes of {}\">",
        layout.pipes,
        escape_xml(service)
    );
    for line in &layout.lines {
        write_line(out, line);
    }
    for shape in &layout.boxes {
        write_box(out, shape);
    }
    out.push_str("</svg>\n");
}

fn write_line(out: &mut String, line: &DiagramLine) {
    let ((x1, y1), (x2, y2)) = (line.from, line.to);
    let middle = usize::midpoint(x1, x2);
    let _ =
        writeln!(out, "<path class=\"flow {}\" d=\"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}\"/>", line.class);
}

fn write_box(out: &mut String, shape: &DiagramBox) {
    let DiagramBox { x, y, width, height, class, title, subtitle } = shape;
    let _ = write!(
        out,
        "<g class=\"node {class}\"><title>{}</title>\
         <rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>",
        escape_xml(&[title.as_str(), subtitle].join("\n").trim_end().replace('\n', ", "))
    );
    let left = x + 12;
    let first = if subtitle.is_empty() { y + 24 } else { y + 16 };
    let _ = write!(
        out,
        "<text x=\"{left}\" y=\"{first}\">{}</text>",
        escape_xml(&truncate_to_width(title, MAX_TITLE_WIDTH))
    );
    if !subtitle.is_empty() {
        let second = y + 31;
        let subtitle = escape_xml(&truncate_to_width(subtitle, MAX_SUBTITLE_WIDTH));
        let _ = write!(out, "<text class=\"sub\" x=\"{left}\" y=\"{second}\">{subtitle}</text>");
    }
    out.push_str("</g>\n");
}

/// The start of a text that is no wider than so many letters, as it is shown. Characters of the far
/// east and emoji are twice as wide.
fn truncate_to_width(text: &str, most: usize) -> String {
    let text = sanitize_line(text);
    let wide = |c: char| if c >= '\u{1100}' { 2 } else { 1 };
    let width = |text: &str| text.chars().map(wide).sum::<usize>();
    if width(&text) <= most {
        return text;
    }
    let mut room = most - 1;
    let fits = |c: &char| {
        let fits = wide(*c) <= room;
        room = room.saturating_sub(wide(*c));
        fits
    };
    format!("{}…", text.chars().take_while(fits).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::truncate_to_width;

    #[test]
    fn labels_are_truncated_to_the_box() {
        assert_eq!(truncate_to_width("orders", 6), "orders");
        assert_eq!(truncate_to_width("orders!", 6), "order…");
        assert_eq!(truncate_to_width("日本語日本語", 6), "日本…");
        assert_eq!(truncate_to_width("\u{202e}abc", 6), "\\u{20…");
    }
}
