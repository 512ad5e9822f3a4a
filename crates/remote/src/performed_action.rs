//! The result of one action.

use clickpipes::lifecycle::{self, Progress};
use model::action::RunState;
use model::address::Address;
use model::live::{Id, Object, State};

/// What became of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct PerformedAction {
    /// The object; for sizes that have no id, the service or organization.
    pub id: Id,
    /// Its state when it was last seen.
    pub state: State,
    /// What that state means; `Moving` where nobody waited.
    pub progress: Progress,
    /// What a person should know although nothing went wrong.
    pub notes: Vec<String>,
    /// The object as it was seen after the write, to be compared with what was wanted; `None`
    /// where nobody had to look. The answer to the write itself does not count: the API may
    /// accept what it does not carry out.
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

    /// The same for an object that a list has just shown.
    pub(crate) fn from_listed(at: &Address, object: Object, desired_state: RunState) -> Self {
        let performed = Self::new(at, &object, desired_state);
        Self { live: Some(object), ..performed }
    }
}
