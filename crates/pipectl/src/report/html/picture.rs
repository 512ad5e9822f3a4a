//! A layout as SVG.

use std::fmt::Write as _;

use super::layout::{Edge, Layout, Node};
use crate::report::escape::{one_line, xml};

/// So many letters fit into a box, above and below.
const TITLE: usize = 31;
const SUBTITLE: usize = 43;

/// Writes the picture.
pub(super) fn draw(out: &mut String, service: &str, layout: &Layout) {
    // Half of a box's border lies outside of it.
    let (width, height) = (layout.width + 4, layout.height + 4);
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<svg viewBox=\"-2 -2 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         aria-label=\"what flows through {} pipes of {}\">",
        layout.pipes,
        xml(service)
    );
    for line in &layout.edges {
        edge(out, line);
    }
    for shape in &layout.nodes {
        node(out, shape);
    }
    out.push_str("</svg>\n");
}

fn edge(out: &mut String, line: &Edge) {
    let ((x1, y1), (x2, y2)) = (line.from, line.to);
    let middle = usize::midpoint(x1, x2);
    let _ = writeln!(
        out,
        "<path class=\"flow {}\" d=\"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}\"/>",
        line.class
    );
}

fn node(out: &mut String, shape: &Node) {
    let Node { x, y, width, height, class, title, subtitle } = shape;
    let _ = write!(
        out,
        "<g class=\"node {class}\"><title>{}</title>\
         <rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>",
        xml(&[title.as_str(), subtitle].join("\n").trim_end().replace('\n', ", "))
    );
    let left = x + 12;
    let first = if subtitle.is_empty() { y + 24 } else { y + 16 };
    let _ = write!(out, "<text x=\"{left}\" y=\"{first}\">{}</text>", xml(&within(title, TITLE)));
    if !subtitle.is_empty() {
        let second = y + 31;
        let subtitle = xml(&within(subtitle, SUBTITLE));
        let _ = write!(out, "<text class=\"sub\" x=\"{left}\" y=\"{second}\">{subtitle}</text>");
    }
    out.push_str("</g>\n");
}

/// The start of a text that is no wider than so many letters, as it is shown. Characters of the far
/// east and emoji are twice as wide.
fn within(text: &str, most: usize) -> String {
    let text = one_line(text);
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
    use super::within;

    #[test]
    fn what_is_shown_stays_in_its_box() {
        assert_eq!(within("orders", 6), "orders");
        assert_eq!(within("orders!", 6), "order…");
        assert_eq!(within("日本語日本語", 6), "日本…");
        assert_eq!(within("\u{202e}abc", 6), "\\u{20…");
    }
}
