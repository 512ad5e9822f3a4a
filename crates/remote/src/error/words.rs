//! Parts of error messages: ids, states, counts.

use std::time::Duration;

use model::live::{Id, State};

pub(super) fn format_ids(ids: &[Id]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

pub(super) fn still_in_state(last: Option<&State>) -> String {
    known_state(last).unwrap_or_else(|| "is still not there".to_owned())
}

/// The same for an object that a request was accepted for: that no list shows it says nothing about the request.
pub(super) fn state_when_seen(last: Option<&State>, waited: Duration) -> String {
    let state = known_state(last).unwrap_or_else(|| "has not shown in a list".to_owned());
    // An interrupted run did not wait.
    if last.is_none() && waited.as_secs() == 0 {
        format!("{state} yet")
    } else {
        format!("{state} after {}", format_seconds(waited))
    }
}

fn known_state(last: Option<&State>) -> Option<String> {
    last.filter(|state| !state.as_str().is_empty()).map(|state| format!("is still `{state}`"))
}

pub(super) fn format_seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}

pub(super) fn count_objects(what: &str, found: usize) -> String {
    match found {
        0 => format!("no {what} is"),
        1 => format!("one {what} is"),
        _ => format!("{found} {what}s are"),
    }
}
