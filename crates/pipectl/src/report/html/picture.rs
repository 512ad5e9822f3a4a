//! A layout as SVG.

use std::fmt::Write as _;

use super::layout::{Edge, Layout, Node};
use crate::report::escape::{clipped, xml};

/// So many characters fit into a box, above and below.
const TITLE: usize = 33;
const SUBTITLE: usize = 46;

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
    let _ = write!(out, "<text x=\"{left}\" y=\"{first}\">{}</text>", xml(&clipped(title, TITLE)));
    if !subtitle.is_empty() {
        let second = y + 31;
        let subtitle = xml(&clipped(subtitle, SUBTITLE));
        let _ = write!(out, "<text class=\"sub\" x=\"{left}\" y=\"{second}\">{subtitle}</text>");
    }
    out.push_str("</g>\n");
}
