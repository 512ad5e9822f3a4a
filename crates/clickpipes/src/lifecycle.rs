//! What the API's lifecycle states mean: which of them end a wait, and which are stopped.

use serde::Serialize;
use serde_json::Value;

use crate::pipe::{DATABASE_SOURCES, run_mode};
use model::action::RunState;
use model::address::Kind;
use model::live::Object;
use model::path::FieldPath;

/// What a live object's state says about a wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Still on its way: look again.
    InProgress,
    /// Arrived.
    Ready,
    /// Arrived, and working with trouble.
    Degraded,
    /// Arrived where nobody wants it: failed, or broken on the platform's side.
    Failed,
}

/// How the object stands, seen from someone who waits for it to be `want`.
///
/// The sets are those of section "states" of `docs/sandbox.md`: a streaming pipe is settled in
/// `Running`, a snapshot in `Completed`, a stopped database pipe in `Paused`.
pub fn progress_toward(kind: Kind, object: &Object, desired: RunState) -> Progress {
    match kind {
        Kind::ClickPipe => pipe_progress(object.state.as_str(), desired),
        Kind::ReversePrivateEndpoint => endpoint_progress(object.state.as_str()),
        Kind::CdcScaling => Progress::Ready,
    }
}

fn pipe_progress(state: &str, desired: RunState) -> Progress {
    match (state, desired) {
        ("Failed" | "InternalError", RunState::Running) | ("InternalError", _) => Progress::Failed,
        ("Degraded", RunState::Running) => Progress::Degraded,
        ("Running" | "Snapshot" | "Completed", RunState::Running)
        | ("Stopped" | "Paused" | "Completed", RunState::Stopped) => Progress::Ready,
        _ => Progress::InProgress,
    }
}

fn endpoint_progress(status: &str) -> Progress {
    match status {
        "Ready" | "PendingAcceptance" => Progress::Ready,
        "Failed" | "Rejected" | "Expired" => Progress::Failed,
        _ => Progress::InProgress,
    }
}

/// What somebody has to look at although the wait for the object is over.
pub fn attention_note(kind: Kind, object: &Object) -> Option<&'static str> {
    match (kind, object.state.as_str()) {
        (Kind::ClickPipe, "Degraded") => Some("it runs, but the platform reports trouble"),
        (Kind::ReversePrivateEndpoint, "PendingAcceptance") => {
            Some("it carries nothing until somebody accepts it on the account of the source")
        }
        _ => None,
    }
}

/// How well a pipe does, for somebody who looks after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Health {
    /// As it should be.
    Ok,
    /// On its way: look again.
    Moving,
    /// Not as it should be, though nothing is broken.
    Warning,
    /// Broken: somebody has to act.
    Bad,
}

/// How well a pipe does, and why; the words are empty where the state says it all.
///
/// `declared` is what git says of it, if it says anything. Whether an end is a good one depends on
/// the source: files that are read once are done in `Completed`, a stream never is.
pub fn pipe_health(object: &Object, declared: Option<RunState>) -> (Health, &'static str) {
    let is_finite = run_mode::is_finite_load(&object.body);
    match (object.state.as_str(), declared) {
        ("Failed", _) => (Health::Bad, "it stopped by itself; the console shows why"),
        ("InternalError", _) => (Health::Bad, "the platform is in trouble; ask its support, with the pipe's id"),
        ("Running" | "Snapshot" | "Degraded", Some(RunState::Stopped)) => {
            (Health::Warning, "it runs, though it is declared stopped")
        }
        ("Degraded", _) => (Health::Warning, "it runs, but the platform reports trouble"),
        ("Running", _) => (Health::Ok, if is_finite { "loading" } else { "" }),
        ("Snapshot", _) => (Health::Ok, "initial load"),
        ("Completed", _) if is_finite => (Health::Ok, "done"),
        ("Completed", _) => (Health::Warning, "it has ended, though its source goes on"),
        ("Stopped" | "Paused", Some(RunState::Running)) => {
            (Health::Warning, "it is stopped, though it is declared running")
        }
        ("Stopped" | "Paused", Some(RunState::Stopped)) => (Health::Ok, "stopped, as declared"),
        ("Stopped" | "Paused", None) => (Health::Ok, "stopped"),
        ("Resync", _) => (Health::Moving, "swapping in what was loaded anew"),
        ("" | "Unknown" | "Provisioning" | "Setup" | "Modifying" | "Pausing" | "Stopping", _) => (Health::Moving, ""),
        _ => (Health::Warning, "a state that this version does not know"),
    }
}

/// Why a pipe cannot load its tables anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResyncRefusal {
    /// Its source has no such command.
    UnsupportedSource(&'static str),
    /// It is in a state in which that would undo what is under way.
    WrongState(&'static str),
}

/// Whether the pipe can load its tables anew. The API would take the command in any state. In some
/// of them it throws away a load that is under way, so that a command sent twice costs twice.
pub fn can_resync(object: &Object) -> Result<(), ResyncRefusal> {
    if let Some(reason) = run_mode::resync_unsupported_reason(&object.body) {
        return Err(ResyncRefusal::UnsupportedSource(reason));
    }
    match object.state.as_str() {
        "Snapshot" | "Resync" => Err(ResyncRefusal::WrongState("it is loading its tables already")),
        "" | "Unknown" | "Provisioning" | "Setup" => {
            Err(ResyncRefusal::WrongState("it is still being made, and will load its tables anyway"))
        }
        "Modifying" | "Pausing" | "Stopping" => {
            Err(ResyncRefusal::WrongState("it is on its way to another state; try again when it is there"))
        }
        "InternalError" => {
            Err(ResyncRefusal::WrongState("the platform is in trouble; ask its support, with the pipe's id"))
        }
        _ => Ok(()),
    }
}

/// Whether the pipe has come to the end of loading its tables, having been told to.
pub fn resync_progress(object: &Object) -> Progress {
    match object.state.as_str() {
        "Running" | "Completed" => Progress::Ready,
        "Degraded" => Progress::Degraded,
        "Failed" | "InternalError" => Progress::Failed,
        _ => Progress::InProgress,
    }
}

/// The state command that would bring the object to `want`; `None` where it is there already, on
/// its way, or of a kind that cannot be stopped.
pub fn state_command(kind: Kind, object: &Object, desired: RunState) -> Option<RunState> {
    if !can_stop(kind) {
        return None;
    }
    let stopped = matches!(object.state.as_str(), "Stopped" | "Stopping" | "Paused" | "Pausing");
    match desired {
        RunState::Running => (stopped || object.state.as_str() == "Failed").then_some(desired),
        RunState::Stopped => (!stopped && !is_finished(object)).then_some(desired),
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
pub fn stopped_state_name(body: &Value) -> &'static str {
    let is_there = |source: &&str| FieldPath::parse(source).value_in(body).is_some_and(Value::is_object);
    if DATABASE_SOURCES.iter().any(is_there) { "Paused" } else { "Stopped" }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Health, ResyncRefusal, RunState, can_resync, pipe_health};
    use model::live::{Id, Object, State};

    fn pipe_in_state(state: &str, source: &Value) -> Object {
        let body = json!({"source": source});
        Object { id: Id::new("1"), state: State::new(state), body }
    }

    fn kafka_source() -> Value {
        json!({"kafka": {"topics": "t"}, "objectStorage": null})
    }

    fn postgres_source(mode: &str) -> Value {
        json!({"postgres": {"settings": {"replicationMode": mode}}})
    }

    #[test]
    fn health_of_completed_pipe_depends_on_source() {
        let completed = |source: &Value| pipe_health(&pipe_in_state("Completed", source), None).0;
        for source in [
            json!({"objectStorage": {"url": "s3://b"}}),
            json!({"objectStorage": {"isContinuous": false}}),
            json!({"bigquery": {}}),
            postgres_source("snapshot"),
            json!({"mongodb": {"settings": {"replicationMode": "snapshot"}}}),
        ] {
            assert_eq!(completed(&source), Health::Ok, "{source}");
        }
        for source in [kafka_source(), postgres_source("cdc"), json!({"objectStorage": {"isContinuous": true}})] {
            assert_eq!(completed(&source), Health::Warning, "{source}");
        }
    }

    #[test]
    fn health_compares_live_state_with_declared_state() {
        let declared = [None, Some(RunState::Running), Some(RunState::Stopped)];
        let told = |state| declared.map(|declared| pipe_health(&pipe_in_state(state, &kafka_source()), declared).0);
        for state in ["Stopped", "Paused"] {
            assert_eq!(told(state), [Health::Ok, Health::Warning, Health::Ok], "{state}");
        }
        for state in ["Running", "Snapshot"] {
            assert_eq!(told(state), [Health::Ok, Health::Ok, Health::Warning], "{state}");
        }
        assert_eq!(told("Degraded"), [Health::Warning; 3]);
        assert_eq!(told("Tired"), [Health::Warning; 3]);
        for state in ["Failed", "InternalError"] {
            assert_eq!(told(state), [Health::Bad; 3], "{state}");
        }
        for state in ["Provisioning", "Setup", "Resync", "Modifying", "Stopping", "Pausing", ""] {
            assert_eq!(told(state), [Health::Moving; 3], "{state}");
        }
    }

    #[test]
    fn only_settled_database_pipes_can_resync() {
        let may = |state: &str, source: &Value| can_resync(&pipe_in_state(state, source));
        for source in [postgres_source("cdc"), json!({"mysql": {}}), json!({"mongodb": {}})] {
            for state in ["Running", "Paused", "Stopped", "Completed", "Failed", "Degraded"] {
                assert_eq!(may(state, &source), Ok(()), "{state}");
            }
            for state in ["Snapshot", "Resync", "Setup", "Provisioning", "Pausing", "Modifying"] {
                assert!(matches!(may(state, &source), Err(ResyncRefusal::WrongState(_))), "{state}");
            }
        }
        for source in [kafka_source(), json!({"bigquery": {}}), json!({"objectStorage": {}})] {
            assert!(matches!(may("Running", &source), Err(ResyncRefusal::UnsupportedSource(_))), "{source}");
        }
    }
}
