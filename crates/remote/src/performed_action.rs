//! The result of one action.

use clickpipes::lifecycle::{self, Progress};
use model::action::RunState;
use model::address::Address;
use model::live::{Id, Object, State};

/// The result of an action that the API accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct PerformedAction {
    /// The object's id. The size of database pipes has none: it is the id of the service or organization.
    pub id: Id,
    /// Its state when it was last seen.
    pub state: State,
    /// The meaning of that state; `InProgress` if the run does not wait.
    pub progress: Progress,
    /// Remarks for the user about an action that worked.
    pub notes: Vec<String>,
    /// The object in a list after the write, to be compared with the desired one; `None` if no list was needed.
    // Not the answer to the write: the API answers 200 to fields that it does not apply.
    pub live: Option<Object>,
}

impl PerformedAction {
    pub(crate) fn new(at: &Address, object: &Object, desired_state: RunState) -> Self {
        Self {
            id: object.id.clone(),
            state: object.state.clone(),
            progress: lifecycle::progress_toward(at.kind, object, desired_state),
            notes: lifecycle::attention_note(at.kind, object).map(str::to_owned).into_iter().collect(),
            live: None,
        }
    }

    pub(crate) fn from_listed(at: &Address, object: Object, desired_state: RunState) -> Self {
        let performed = Self::new(at, &object, desired_state);
        Self { live: Some(object), ..performed }
    }
}
