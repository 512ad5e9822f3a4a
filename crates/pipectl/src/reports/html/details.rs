//! The row of one object, with everything that is known of it folded below.

use std::fmt::Write as _;

use planner::FieldChange;
use serde_json::Value;

use super::sentence_to_html;
use crate::render::plan::{entry_differences, field_remark};
use crate::reports::drifted_objects::DriftedObject;
use crate::reports::escape::{escape_xml, truncate_chars};
use crate::reports::ranked_objects::RankedObject;

/// A longer value is cut.
const MAX_VALUE_CHARS: usize = 2000;

/// The row.
pub(super) fn write_object_row(out: &mut String, object: &RankedObject<'_>) {
    let word = object.severity.as_str();
    let facts = object_details(object);
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<tr class=\"object\"><td><span class=\"badge {word}\">{word}</span></td><td><code>{}</code></td>\
         <td>{}</td><td>{}</td></tr>",
        escape_xml(&object.display_name()),
        sentence_to_html(&object.outcome_text()),
        sentence_to_html(&object.reason_text()),
    );
    if object.change.fields.is_empty() && facts.is_empty() {
        return;
    }
    out.push_str("<tr class=\"more\"><td></td><td colspan=\"3\"><details><summary>details</summary>\n");
    write_fields_table(out, &object.change.fields);
    if !facts.is_empty() {
        out.push_str("<ul>\n");
        for fact in facts {
            let _ = writeln!(out, "<li>{}</li>", sentence_to_html(&truncate_chars(&fact, MAX_VALUE_CHARS)));
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</details></td></tr>\n");
}

/// One line about an object that a reviewer must not miss.
pub(super) fn write_severe_object(out: &mut String, object: &RankedObject<'_>) {
    let (word, name) = (object.severity.as_str(), escape_xml(&object.display_name()));
    let why = match object.reason_text() {
        why if why.is_empty() => why,
        why => format!(": {}", sentence_to_html(&truncate_chars(&why, MAX_VALUE_CHARS))),
    };
    let _ =
        writeln!(out, "<li class=\"{word}\"><span class=\"badge {word}\">{word}</span> <code>{name}</code>{why}</li>");
}

/// The row of an object that drifted.
pub(super) fn write_drift_row(out: &mut String, drift: &DriftedObject<'_>) {
    let facts: Vec<String> = drift.facts.iter().map(|fact| sentence_to_html(fact)).collect();
    let word = drift.kind.as_str();
    let _ = writeln!(
        out,
        "<tr class=\"object\"><td><span class=\"badge {word}\">{word}</span></td>\
         <td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
        escape_xml(&drift.display_name()),
        drift.kind.description(),
        facts.join("<br>"),
    );
}

fn write_fields_table(out: &mut String, fields: &[FieldChange]) {
    if fields.is_empty() {
        return;
    }
    out.push_str("<table class=\"fields\"><thead><tr><th>field</th><th>live</th><th>declared</th><th></th></tr></thead>\n<tbody>\n");
    for field in fields {
        let (before, after) = live_and_desired(field);
        let _ = writeln!(
            out,
            "<tr><td><code>{}</code></td><td class=\"before\">{}</td><td class=\"after\">{}</td><td>{}</td></tr>",
            escape_xml(&field.path.to_string()),
            code_cell(&before),
            code_cell(&after),
            escape_xml(&field_remark(field)),
        );
    }
    out.push_str("</tbody></table>\n");
}

/// What is live and what is declared, as short as it can be said.
fn live_and_desired(field: &FieldChange) -> (String, String) {
    let text = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
    match (&field.entry, &field.before, &field.after) {
        (Some(entry), Some(before), Some(after)) => (entry.clone(), entry_differences(before, after)),
        (Some(entry), Some(_), None) => (entry.clone(), String::new()),
        (Some(entry), None, _) => (String::new(), entry.clone()),
        (None, before, after) => (text(before), text(after)),
    }
}

fn code_cell(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("<code>{}</code>", escape_xml(&truncate_chars(text, MAX_VALUE_CHARS)))
    }
}

fn object_details(object: &RankedObject<'_>) -> Vec<String> {
    let place = object.change.place.as_ref().map(|place| format!("declared at `{place}`"));
    object.detail_lines().into_iter().chain(place).collect()
}
