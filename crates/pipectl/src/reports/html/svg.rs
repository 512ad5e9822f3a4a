//! A layout as SVG.

use maud::{Markup, html};

use super::layout::{DiagramBox, DiagramLayout, DiagramLine};
use crate::escape::{sanitize_line, xml_line};

/// The number of letters that fit into a box, above and below.
const MAX_TITLE_WIDTH: usize = 31;
const MAX_SUBTITLE_WIDTH: usize = 43;

/// The picture.
pub(super) fn svg_picture(service: &str, layout: &DiagramLayout) -> Markup {
    // Half of a box's border lies outside of it.
    let (width, height) = (layout.width + 4, layout.height + 4);
    let label = format!("data flow of {} pipes of {}", layout.pipes, xml_line(service));
    html! {
        svg viewBox={ "-2 -2 " (width) " " (height) } width=(width) height=(height) role="img" aria-label=(label) {
            @for line in &layout.lines { (flow_line(line)) "\n" }
            @for shape in &layout.boxes { (labelled_box(shape)) "\n" }
        }
        "\n"
    }
}

fn flow_line(line: &DiagramLine) -> Markup {
    let ((x1, y1), (x2, y2)) = (line.from, line.to);
    let middle = usize::midpoint(x1, x2);
    let curve = format!("M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}");
    html! { path class={ "flow " (line.class) } d=(curve) {} }
}

fn labelled_box(shape: &DiagramBox) -> Markup {
    let DiagramBox { x, y, width, height, class, title, subtitle } = shape;
    let tooltip = [title.as_str(), subtitle].join("\n").trim_end().replace('\n', ", ");
    let left = x + 12;
    let first = if subtitle.is_empty() { y + 24 } else { y + 16 };
    html! {
        g class={ "node " (class) } {
            title { (xml_line(&tooltip)) }
            rect x=(x) y=(y) width=(width) height=(height) rx="6" {}
            text x=(left) y=(first) { (xml_line(&truncate_to_width(title, MAX_TITLE_WIDTH))) }
            @if !subtitle.is_empty() {
                text.sub x=(left) y=(y + 31) { (xml_line(&truncate_to_width(subtitle, MAX_SUBTITLE_WIDTH))) }
            }
        }
    }
}

/// The start of a text that fits the given width in letters. East Asian characters and emoji count as two.
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
