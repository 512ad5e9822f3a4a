//! What a new pipe does with the tables of the old one.

use crate::pipe::restart::{Restart, Tables};

/// What replacing a pipe of a database does to the data.
pub(crate) fn sentences(it: &Restart<'_>) -> Vec<String> {
    if it.text("settings.replicationMode") != Some("cdc_only") {
        return copied_again(it);
    }
    match it.unchanged("settings.replicationSlotName") {
        Some(slot) => vec![format!(
            "the new pipe reads replication slot `{slot}` again, and goes on where it stands"
        )],
        None => it.missed("the new pipe makes no first copy", "changes"),
    }
}

/// The first copy is made again, into tables that must be empty.
pub(crate) fn copied_again(it: &Restart<'_>) -> Vec<String> {
    let again = "the new pipe makes the first copy again, from the start";
    let stay = stay(&it.shared());
    stay.into_iter().chain([again.to_owned()]).collect()
}

/// Of tables that both pipes write.
fn stay(shared: &Tables<'_>) -> Option<String> {
    let tables = shared.list();
    match shared.names.len() {
        0 => None,
        1 => Some(format!(
            "table {tables} stays when the old pipe goes, and the first copy wants it empty: \
             empty or drop it before"
        )),
        _ => Some(format!(
            "tables {tables} stay when the old pipe goes, and the first copy wants them empty: \
             empty or drop them before"
        )),
    }
}
