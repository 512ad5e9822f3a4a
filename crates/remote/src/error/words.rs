//! Parts of error messages: ids, states, counts.

use std::time::Duration;

use model::live::{Id, State};

pub(super) fn format_ids(ids: &[Id]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

pub(super) fn still_in_state(last: Option<&State>) -> String {
    known_state(last).unwrap_or_else(|| "is still not there".to_owned())
}

/// The same for an object after an accepted request: that it was not seen proves nothing about the request.
pub(super) fn state_when_seen(last: Option<&State>, waited: Duration) -> String {
    match known_state(last) {
        Some(state) => format!("{state} after {}", format_seconds(waited)),
        // Perhaps it is not in a list yet, or no list was answered. An interrupted run did not wait.
        None if waited.as_secs() == 0 => "has not been seen since".to_owned(),
        None => format!("has not been seen since, in {}", format_seconds(waited)),
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::live::State;

    use super::state_when_seen;

    #[test]
    fn object_that_no_look_saw_is_not_said_to_be_missing() {
        let after =
            |last: Option<&str>, seconds| state_when_seen(last.map(State::new).as_ref(), Duration::from_secs(seconds));
        assert_eq!(after(None, 0), "has not been seen since");
        assert_eq!(after(Some(""), 12), "has not been seen since, in 12 s");
        assert_eq!(after(Some("Running"), 0), "is still `Running` after 0 s");
    }
}
