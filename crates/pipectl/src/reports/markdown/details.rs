//! The folded details of one object.

use crate::escape::{code_fence, markdown_code, markdown_sentence, truncate_chars};
use crate::plan_view::field::{FieldView, FieldWords};
use crate::plan_view::object::ObjectView;

/// More fields of one object, or more lines of one field, are counted.
const MAX_LINES: usize = 60;

/// A longer value is cut.
const MAX_VALUE_CHARS: usize = 300;

/// Fields, data effects and requests. Empty if the row contains everything.
pub(super) fn render_details(object: &ObjectView<'_>) -> String {
    let fields = first_lines(object.fields().iter().map(field_lines)).concat();
    let facts = object.detail_lines();
    if fields.is_empty() && facts.is_empty() {
        return String::new();
    }
    let name = markdown_code(&truncate_chars(&object.display_name(), MAX_VALUE_CHARS));
    let what = markdown_sentence(&truncate_chars(&object.outcome, MAX_VALUE_CHARS));
    let block = if fields.is_empty() { String::new() } else { code_fence("diff", &fields) };
    let gap = if fields.is_empty() || facts.is_empty() { "" } else { "\n" };
    let item = |fact: &String| format!("- {}\n", markdown_sentence(&truncate_chars(fact, 4 * MAX_VALUE_CHARS)));
    let facts: String = facts.iter().map(item).collect();
    let emoji = object.severity.emoji();
    format!("<details><summary>{emoji} {name}: {what}</summary>\n\n{block}{gap}{facts}\n</details>\n\n")
}

/// The first entries, and a line that counts the others.
fn first_lines(all: impl ExactSizeIterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    let more = all.len().saturating_sub(MAX_LINES);
    let rest = (more > 0).then(|| vec![format!("  and {more} more")]);
    all.take(MAX_LINES).chain(rest).collect()
}

/// A field as lines of a diff, which GitHub and GitLab colour. `!` is a change in place.
fn field_lines(field: &FieldView<'_>) -> Vec<String> {
    let (path, comment) = (&field.path, field.comment());
    let diff_sign = |sign: char| if sign == '~' { '!' } else { sign };
    match field.words(MAX_VALUE_CHARS) {
        FieldWords::Sentence(sentence) => vec![format!("{} {path}: {sentence}{comment}", diff_sign(field.sign))],
        FieldWords::Values(before, after) => {
            let before = before.map(|value| format!("- {path}: {value}"));
            let after = after.map(|value| format!("+ {path}: {value}{comment}"));
            before.into_iter().chain(after).collect()
        }
        FieldWords::Differences(lines) => {
            let line = |line: &crate::plan_view::values::Difference| {
                vec![format!("{} {path}: {}{comment}", diff_sign(line.sign), line.text)]
            };
            first_lines(lines.iter().map(line)).concat()
        }
    }
}
