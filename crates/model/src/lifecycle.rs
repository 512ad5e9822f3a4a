//! What the API's lifecycle states mean: which of them end a wait, and which are stopped.

use serde_json::Value;

use crate::action::RunState;
use crate::address::Kind;
use crate::live::Object;
use crate::path::Path;
use crate::pipe::DATABASES;

/// What a live object's state says about a wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Still on its way: look again.
    Moving,
    /// Arrived.
    Settled,
    /// Arrived, and working with trouble.
    Impaired,
    /// Arrived where nobody wants it: failed, or broken on the platform's side.
    Troubled,
}

/// How the object stands, seen from someone who waits for it to be `want`.
///
/// The sets are those of section "states" of `docs/sandbox.md`: a streaming pipe is settled in
/// `Running`, a snapshot in `Completed`, a stopped database pipe in `Paused`.
pub fn standing(kind: Kind, object: &Object, want: RunState) -> Standing {
    match kind {
        Kind::ClickPipe => pipe(object.state.as_str(), want),
        Kind::ReversePrivateEndpoint => endpoint(object.state.as_str()),
        Kind::CdcScaling => Standing::Settled,
    }
}

fn pipe(state: &str, want: RunState) -> Standing {
    match (state, want) {
        ("Failed" | "InternalError", RunState::Running) | ("InternalError", _) => {
            Standing::Troubled
        }
        ("Degraded", RunState::Running) => Standing::Impaired,
        ("Running" | "Snapshot" | "Completed", RunState::Running)
        | ("Stopped" | "Paused" | "Completed", RunState::Stopped) => Standing::Settled,
        _ => Standing::Moving,
    }
}

fn endpoint(status: &str) -> Standing {
    match status {
        "Ready" | "PendingAcceptance" => Standing::Settled,
        "Failed" | "Rejected" | "Expired" => Standing::Troubled,
        _ => Standing::Moving,
    }
}

/// What somebody has to look at although the wait for the object is over.
pub fn attention(kind: Kind, object: &Object) -> Option<&'static str> {
    match (kind, object.state.as_str()) {
        (Kind::ClickPipe, "Degraded") => Some("it runs, but the platform reports trouble"),
        (Kind::ReversePrivateEndpoint, "PendingAcceptance") => {
            Some("it carries nothing until somebody accepts it on the account of the source")
        }
        _ => None,
    }
}

/// The state command that would bring the object to `want`; `None` where it is there already, on
/// its way, or of a kind that cannot be stopped.
pub fn command(kind: Kind, object: &Object, want: RunState) -> Option<RunState> {
    if !can_stop(kind) {
        return None;
    }
    let stopped = matches!(object.state.as_str(), "Stopped" | "Stopping" | "Paused" | "Pausing");
    match want {
        RunState::Running => (stopped || object.state.as_str() == "Failed").then_some(want),
        RunState::Stopped => (!stopped && !is_finished(object)).then_some(want),
    }
}

/// Whether objects of this kind can be started and stopped.
pub fn can_stop(kind: Kind) -> bool {
    match kind {
        Kind::ClickPipe => true,
        Kind::ReversePrivateEndpoint | Kind::CdcScaling => false,
    }
}

/// Whether the job is done for good, so that the object can be neither stopped nor started.
pub fn is_finished(object: &Object) -> bool {
    object.state.as_str() == "Completed"
}

/// Whether an edit that needs a paused pipe can be sent as things are.
pub fn is_stopped(object: &Object) -> bool {
    matches!(object.state.as_str(), "Stopped" | "Paused")
}

/// The state that a stopped pipe is in, by what it reads from: database pipes are paused.
pub fn stopped_word(body: &Value) -> &'static str {
    let is_there = |source: &&str| Path::parse(source).get(body).is_some_and(Value::is_object);
    if DATABASES.iter().any(is_there) { "Paused" } else { "Stopped" }
}
