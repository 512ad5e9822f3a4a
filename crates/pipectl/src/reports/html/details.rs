//! The row of one object, with its folded details.

use maud::{Markup, html};

use super::{line_breaks, sentence};
use crate::escape::{truncate_chars, xml_line};
use crate::plan_view::field::{FieldView, FieldWords};
use crate::plan_view::object::ObjectView;
use crate::reports::drifted_objects::DriftedObject;

/// A longer value is cut.
const MAX_VALUE_CHARS: usize = 2000;

/// A longer reason of a row without details is cut.
const MAX_SHORT_CHARS: usize = 120;

/// The amount of detail in a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RowDetail {
    Full,
    /// Without the folded details.
    Short,
}

pub(super) fn object_row(object: &ObjectView<'_>, detail: RowDetail) -> Markup {
    if detail == RowDetail::Short {
        return first_row(object, &truncate_chars(&object.reason, MAX_SHORT_CHARS));
    }
    let place = object.manifest_place().map(|place| format!("declared at `{place}`"));
    let facts: Vec<String> = object.detail_lines().into_iter().chain(place).collect();
    let fields = object.fields();
    html! {
        (first_row(object, &object.reason))
        @if !fields.is_empty() || !facts.is_empty() {
            tr.more {
                td {}
                td colspan="3" {
                    details {
                        summary { "details" }
                        (fields_table(&fields))
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

fn first_row(object: &ObjectView<'_>, reason: &str) -> Markup {
    html! {
        tr.object {
            td { (badge(object.severity.as_str())) }
            td { code { (xml_line(&object.display_name())) } }
            td { (sentence(&object.outcome)) }
            td { (sentence(reason)) }
        }
        "\n"
    }
}

fn badge(word: &str) -> Markup {
    html! { span class={ "badge " (word) } { (word) } }
}

/// One line about a severe object.
pub(super) fn severe_object(object: &ObjectView<'_>) -> Markup {
    html! {
        li class=(object.severity.as_str()) {
            (badge(object.severity.as_str())) " " code { (xml_line(&object.display_name())) }
            ": " (sentence(&truncate_chars(&object.summary(), MAX_VALUE_CHARS)))
        }
        "\n"
    }
}

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

fn fields_table(fields: &[FieldView<'_>]) -> Markup {
    html! {
        @if !fields.is_empty() {
            table.fields {
                thead { tr { th { "field" } th { "live" } th { "declared" } th {} } }
                tbody {
                    @for field in fields {
                        tr {
                            td { code { (xml_line(&field.path)) } }
                            (value_cells(field))
                            td { (xml_line(&field.remark)) }
                        }
                        "\n"
                    }
                }
            }
        }
    }
}

/// The live value and the desired one, or one cell for both.
fn value_cells(field: &FieldView<'_>) -> Markup {
    html! {
        @match field.words(MAX_VALUE_CHARS) {
            FieldWords::Values(before, after) => {
                td.before { (code_text(&before.unwrap_or_default())) }
                td.after { (code_text(&after.unwrap_or_default())) }
            }
            FieldWords::Sentence(sentence) => td colspan="2" { (code_text(&sentence)) },
            FieldWords::Differences(lines) => td colspan="2" {
                @for line in &lines { div { (code_text(&line.line())) } }
            },
        }
    }
}

fn code_text(text: &str) -> Markup {
    html! { @if !text.is_empty() { code { (xml_line(&truncate_chars(text, MAX_VALUE_CHARS))) } } }
}
