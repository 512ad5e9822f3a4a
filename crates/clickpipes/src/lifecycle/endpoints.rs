//! The states of private connections.

use model::action::RunState;
use model::address::Kind;
use model::live::{Object, State};
use serde_json::Value;

use super::{Health, Progress, is_being_deleted, progress_toward};

api_states! {
    /// The status of a reverse private endpoint.
    EndpointState {
        /// On its way, or a status that this version does not know.
        Other,
        Ready = "Ready",
        /// The owner of the source must accept the connection first.
        PendingAcceptance = "PendingAcceptance",
        Failed = "Failed",
        Rejected = "Rejected",
        Expired = "Expired",
    }
}

/// Transitional statuses before one of the others, or before the deletion.
const MOVING: [&str; 4] = ["", "Unknown", "Provisioning", "Deleting"];

impl EndpointState {
    /// Whether this version knows the status.
    pub(crate) fn is_known(state: &State) -> bool {
        MOVING.contains(&state.as_str()) || !matches!(Self::from(state), Self::Other(_))
    }
}

/// The reason why others cannot use an object now, and the remedy; `None` if they can, or will soon.
pub fn unusable_note(kind: Kind, state: &State) -> Option<&'static str> {
    if kind != Kind::ReversePrivateEndpoint {
        return None;
    }
    match EndpointState::from(state) {
        EndpointState::PendingAcceptance => {
            Some("somebody must accept it on the account of the source; the API removes it after a day")
        }
        EndpointState::Failed => Some(
            "the API removes it after 7 days; to create it again, remove every reference to it, set \
             `state: absent`, apply, then restore both",
        ),
        EndpointState::Rejected => Some(
            "the owner of the source rejected it, and the API removes it after a day; to ask again, remove every reference to \
             it, set `state: absent`, apply, then restore both",
        ),
        EndpointState::Expired => {
            Some("nobody accepted it in time, and the API removes it; apply again to re-create it")
        }
        EndpointState::Ready | EndpointState::Other(_) => None,
    }
}

/// How the user of such an object removes its reference, for lists that must be set to empty: an omitted list does not
/// change.
pub fn release_hint(state: &State, user: &Value) -> Option<&'static str> {
    let is_asked = matches!(EndpointState::from(state), EndpointState::Failed | EndpointState::Rejected);
    let ids = user["source"]["kafka"]["reversePrivateEndpointIds"].as_array();
    let has_ids = is_asked && ids.is_some_and(|ids| !ids.is_empty());
    has_ids.then_some("an empty `reversePrivateEndpointIds` ends the reference of a pipe")
}

/// How well a connection does that pipes use; `None` if it is ready or on its way.
pub fn endpoint_health(object: &Object) -> Option<(Health, &'static str)> {
    if is_being_deleted(Kind::ReversePrivateEndpoint, object) {
        return Some((Health::Bad, "it is being deleted: pipes that refer to it lose their source"));
    }
    let note = unusable_note(Kind::ReversePrivateEndpoint, &object.state)?;
    let is_broken = progress_toward(Kind::ReversePrivateEndpoint, object, RunState::Running) == Progress::Failed;
    Some((if is_broken { Health::Bad } else { Health::Warning }, note))
}
