//! The folded details of one object.

use planner::FieldChange;
use serde_json::Value;

use crate::escape::{code_fence, markdown_code, markdown_sentence, truncate_chars};
use crate::render::plan::{commented_remark, entry_differences};
use crate::reports::ranked_objects::RankedObject;

/// More fields of one object than that are counted.
const MAX_FIELDS: usize = 60;

/// A longer value is cut.
const MAX_VALUE_CHARS: usize = 300;

/// Fields, data consequences and actions; nothing for an object of which the table says it all.
pub(super) fn render_details(object: &RankedObject<'_>) -> String {
    let fields = diff_lines(object);
    let facts: Vec<String> =
        object.detail_lines().iter().map(|fact| truncate_chars(fact, 4 * MAX_VALUE_CHARS)).collect();
    if fields.is_empty() && facts.is_empty() {
        return String::new();
    }
    let name = markdown_code(&truncate_chars(&object.display_name(), MAX_VALUE_CHARS));
    let (spot, what) =
        (object.severity.emoji(), markdown_sentence(&truncate_chars(&object.outcome_text(), MAX_VALUE_CHARS)));
    let block = if fields.is_empty() { String::new() } else { code_fence("diff", &fields) };
    let gap = if fields.is_empty() || facts.is_empty() { "" } else { "\n" };
    let facts: Vec<String> = facts.iter().map(|fact| format!("- {}\n", markdown_sentence(fact))).collect();
    let facts = facts.concat();
    format!("<details><summary>{spot} {name}: {what}</summary>\n\n{block}{gap}{facts}\n</details>\n\n")
}

fn diff_lines(object: &RankedObject<'_>) -> Vec<String> {
    let all = &object.change.fields;
    let mut lines: Vec<String> = all.iter().take(MAX_FIELDS).flat_map(field_diff_lines).collect();
    if all.len() > MAX_FIELDS {
        lines.push(format!("  and {} more", all.len() - MAX_FIELDS));
    }
    lines
}

/// A field as lines of a diff, which GitHub and GitLab colour.
fn field_diff_lines(field: &FieldChange) -> Vec<String> {
    let path = &field.path;
    let remark = commented_remark(field);
    let shown = |value: &Value| truncate_chars(&value.to_string(), MAX_VALUE_CHARS);
    match (&field.entry, &field.before, &field.after) {
        (Some(entry), Some(before), Some(after)) => {
            vec![format!("! {path}: {entry}: {}{remark}", entry_differences(before, after))]
        }
        (Some(entry), Some(_), None) => vec![format!("- {path}: {entry}{remark}")],
        (Some(entry), None, _) => vec![format!("+ {path}: {entry}{remark}")],
        (None, None, None) => vec![format!("! {path}: resent{remark}")],
        (None, before, after) => {
            let before = before.as_ref().map(|value| format!("- {path}: {}", shown(value)));
            let after = after.as_ref().map(|value| format!("+ {path}: {}{remark}", shown(value)));
            before.into_iter().chain(after).collect()
        }
    }
}
