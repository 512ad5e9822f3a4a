//! The effects of a new pipe on the tables of the old one.

use crate::pipe::replacement_effects::{Replacement, TableNames};

/// The effects of replacing a database pipe on the data.
pub(crate) fn describe_replacement(it: &Replacement<'_>) -> Vec<String> {
    if it.text_at("settings.replicationMode") != Some("cdc_only") {
        return describe_new_copy(it);
    }
    match it.unchanged_text("settings.replicationSlotName") {
        Some(slot) => vec![format!("the new pipe resumes from replication slot `{slot}`")],
        None => it.describe_missed_changes(),
    }
}

/// The first copy is repeated, into tables that must be empty.
pub(crate) fn describe_new_copy(it: &Replacement<'_>) -> Vec<String> {
    let new_copy = "the new pipe takes a new initial snapshot";
    let tables = describe_tables_to_empty(&it.shared_tables());
    tables.into_iter().chain([new_copy.to_owned()]).collect()
}

/// The sentence about tables that both pipes write.
fn describe_tables_to_empty(shared: &TableNames<'_>) -> Option<String> {
    let tables = shared.quoted_list();
    match shared.names.len() {
        0 => None,
        1 => Some(format!(
            "table {tables} is kept when the old pipe is deleted, and the snapshot needs it empty: \
             empty or drop it first"
        )),
        _ => Some(format!(
            "tables {tables} are kept when the old pipe is deleted, and the snapshot needs them empty: \
             empty or drop them first"
        )),
    }
}
