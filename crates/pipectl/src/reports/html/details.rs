//! The row of one object, with everything that is known of it folded below.

use maud::{Markup, html};
use planner::FieldChange;
use serde_json::Value;

use super::{line_breaks, sentence};
use crate::escape::{truncate_chars, xml_line};
use crate::render::plan::{entry_differences, field_remark};
use crate::reports::drifted_objects::DriftedObject;
use crate::reports::ranked_objects::RankedObject;

/// A longer value is cut.
const MAX_VALUE_CHARS: usize = 2000;

/// The row.
pub(super) fn object_row(object: &RankedObject<'_>) -> Markup {
    let place = object.change.place.as_ref().map(|place| format!("declared at `{place}`"));
    let facts: Vec<String> = object.detail_lines().into_iter().chain(place).collect();
    html! {
        tr.object {
            td { (badge(object.severity.as_str())) }
            td { code { (xml_line(&object.display_name())) } }
            td { (sentence(&object.outcome_text())) }
            td { (sentence(&object.reason_text())) }
        }
        "\n"
        @if !object.change.fields.is_empty() || !facts.is_empty() {
            tr.more {
                td {}
                td colspan="3" {
                    details {
                        summary { "details" }
                        (fields_table(&object.change.fields))
                        @if !facts.is_empty() {
                            ul { @for fact in &facts { li { (sentence(&truncate_chars(fact, MAX_VALUE_CHARS))) } } }
                        }
                    }
                }
            }
            "\n"
        }
    }
}

fn badge(word: &str) -> Markup {
    html! { span class={ "badge " (word) } { (word) } }
}

/// One line about an object that a reviewer must not miss.
pub(super) fn severe_object(object: &RankedObject<'_>) -> Markup {
    let (word, reason) = (object.severity.as_str(), object.reason_text());
    html! {
        li class=(word) {
            (badge(word)) " " code { (xml_line(&object.display_name())) }
            @if !reason.is_empty() { ": " (sentence(&truncate_chars(&reason, MAX_VALUE_CHARS))) }
        }
        "\n"
    }
}

/// The row of an object that drifted.
pub(super) fn drift_row(drift: &DriftedObject<'_>) -> Markup {
    html! {
        tr.object {
            td { (badge(drift.kind.as_str())) }
            td { code { (xml_line(&drift.display_name())) } }
            td { (drift.kind.description()) }
            td { (line_breaks(drift.facts.iter().map(String::as_str))) }
        }
        "\n"
    }
}

fn fields_table(fields: &[FieldChange]) -> Markup {
    html! {
        @if !fields.is_empty() {
            table.fields {
                thead { tr { th { "field" } th { "live" } th { "declared" } th {} } }
                tbody {
                    @for field in fields {
                        @let (before, after) = live_and_desired(field);
                        tr {
                            td { code { (xml_line(&field.path.to_string())) } }
                            td.before { (code_cell(&before)) }
                            td.after { (code_cell(&after)) }
                            td { (xml_line(&field_remark(field))) }
                        }
                        "\n"
                    }
                }
            }
        }
    }
}

/// The live value and the desired one, as short as possible.
fn live_and_desired(field: &FieldChange) -> (String, String) {
    let text = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
    match (&field.entry, &field.before, &field.after) {
        (Some(entry), Some(before), Some(after)) => (entry.clone(), entry_differences(before, after)),
        (Some(entry), Some(_), None) => (entry.clone(), String::new()),
        (Some(entry), None, _) => (String::new(), entry.clone()),
        (None, before, after) => (text(before), text(after)),
    }
}

fn code_cell(text: &str) -> Markup {
    html! { @if !text.is_empty() { code { (xml_line(&truncate_chars(text, MAX_VALUE_CHARS))) } } }
}
