//! The folded details of one object.

use planner::FieldChange;
use serde_json::Value;

use crate::render::plan::{inside, remark};
use crate::report::escape::{clipped, code, fence, prose};
use crate::report::object::Object;

/// More fields of one object than that are counted.
const MOST_FIELDS: usize = 60;

/// A longer value is cut.
const LONGEST: usize = 300;

/// Fields, data consequences and actions; nothing for an object of which the table says it all.
pub(super) fn render(object: &Object<'_>) -> String {
    let fields = fields(object);
    let facts: Vec<String> = object.facts().iter().map(|fact| clipped(fact, 4 * LONGEST)).collect();
    if fields.is_empty() && facts.is_empty() {
        return String::new();
    }
    let name = code(&clipped(&object.name(), LONGEST));
    let (spot, what) = (object.danger.spot(), prose(&clipped(&object.what(), LONGEST)));
    let block = if fields.is_empty() { String::new() } else { fence("diff", &fields) };
    let gap = if fields.is_empty() || facts.is_empty() { "" } else { "\n" };
    let facts: Vec<String> = facts.iter().map(|fact| format!("- {}\n", prose(fact))).collect();
    let facts = facts.concat();
    format!(
        "<details><summary>{spot} {name}: {what}</summary>\n\n{block}{gap}{facts}\n</details>\n\n"
    )
}

fn fields(object: &Object<'_>) -> Vec<String> {
    let all = &object.change.fields;
    let mut lines: Vec<String> = all.iter().take(MOST_FIELDS).flat_map(lines).collect();
    if all.len() > MOST_FIELDS {
        lines.push(format!("  and {} more", all.len() - MOST_FIELDS));
    }
    lines
}

/// A field as lines of a diff, which GitHub and GitLab colour.
fn lines(field: &FieldChange) -> Vec<String> {
    let path = &field.path;
    let remark = match remark(field) {
        "" => String::new(),
        remark => format!("   # {remark}"),
    };
    let shown = |value: &Value| clipped(&value.to_string(), LONGEST);
    match (&field.entry, &field.before, &field.after) {
        (Some(entry), Some(before), Some(after)) => {
            vec![format!("! {path}: {entry}: {}{remark}", inside(before, after))]
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
