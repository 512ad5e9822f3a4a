//! The diff of an object as YAML, live against declared, with marked words.

use model::address::Address;
use model::sanitize::sanitize_lines;
use planner::{Change, ShownFields};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::output::{Label, StyledText};

/// The unified diff of one change; empty if both sides are equal.
pub fn render(change: &Change) -> StyledText {
    let mut text = StyledText::new();
    let after = change.after.as_ref().map(ShownFields::redacted);
    let (before, after) = (value_to_yaml(change.before.as_ref()), value_to_yaml(after.as_deref()));
    if before == after {
        return text;
    }
    push_diff_heading(&mut text, &change.address, change.before.is_some(), change.after.is_some());
    let diff = TextDiff::from_lines(&before, &after);
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        text.push(Label::Dim, hunk.header().to_string()).end_line();
        for op in hunk.ops() {
            for line in diff.iter_inline_changes(op) {
                let (sign, label, word) = match line.tag() {
                    ChangeTag::Equal => (" ", Label::Plain, Label::Plain),
                    ChangeTag::Delete => ("-", Label::Delete, Label::DeletedWord),
                    ChangeTag::Insert => ("+", Label::Create, Label::CreatedWord),
                };
                text.push(label, sign);
                for (changed, piece) in line.iter_strings_lossy() {
                    text.push(if changed { word } else { label }, sanitize_lines(&piece));
                }
            }
        }
    }
    text
}

fn push_diff_heading(text: &mut StyledText, at: &Address, live: bool, declared: bool) {
    let side = |there: bool, side: &str| {
        if there { format!("{at} ({side})") } else { "/dev/null".to_owned() }
    };
    text.push(Label::Heading, format!("--- {}", side(live, "live"))).end_line();
    text.push(Label::Heading, format!("+++ {}", side(declared, "declared"))).end_line();
}

fn value_to_yaml(value: Option<&Value>) -> String {
    value.map(crate::yaml_writer::write_yaml).unwrap_or_default()
}
